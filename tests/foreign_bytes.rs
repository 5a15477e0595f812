//! Bytes from elsewhere: every reader is given the seeds of its fuzz target, whole and damaged in many ways, and must give
//! something or an error: no panic, nothing quoted, no long wait, no mountain of memory.
//!
//! The same cases every time. `PPRL_CASES=20 cargo test --release --features … --test foreign_bytes` tries twenty times as
//! many; the fuzz targets in `fuzz/`, which call the same readers, try what no list of damages thinks of.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::items_after_statements,
    clippy::type_complexity,
    clippy::print_stdout,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "anonlink", feature = "clkhash", feature = "evaluate", feature = "seal", feature = "synth"))]

#[path = "helpers/random.rs"]
mod random;
#[path = "helpers/readers.rs"]
mod readers;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pprl::event_log::{Action, Event, EventLog, Timestamp, Verdict};
use random::Random;

/// What one case may take, with other tests beside it on a slow machine.
const LONGEST: Duration = Duration::from_secs(20);

/// What the whole process may ever have taken.
const MOST_MEMORY: u64 = 1 << 30;

fn folder(reader: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(reader)
}

/// Sound files of a reader's own form, made by the library.
fn made(reader: &str) -> Vec<Vec<u8>> {
    let cohort = || fs::read(folder("cohort").join("clk.json")).ok();
    match reader {
        "checkpoint" => readers::states().into_iter().flat_map(|whole| [content(&whole), whole]).collect(),
        "blocks" => readers::block_files(),
        "event_log" => vec![log(1), log(3)],
        "index" => readers::index_files(),
        "keys" => readers::key_files(),
        "record" => readers::encoded_records(),
        "sealed" => {
            let cohort = cohort().unwrap_or_default();
            let whole = [readers::envelope(&cohort), cohort.clone()].concat();
            let sealed = age::encrypt(&readers::UNIT.recipient, &whole).unwrap();
            vec![cohort, whole, sealed, readers::envelope(b"")]
        }
        "tables" => tables_of_rows(),
        _ => Vec::new(),
    }
}

/// A state without its frame and its digest.
fn content(state: &[u8]) -> Vec<u8> {
    state.get(50..state.len().saturating_sub(32)).unwrap_or_default().to_vec()
}

fn log(events: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut log = EventLog::open(&path).unwrap();
    for i in 0..events {
        let event = Event::new(Action::Release, "j.smith").party("police").count("rows", i * 1000);
        let event = event.verdict(Verdict::Done).reason("to the unit, \"by\" courier – née");
        log.append_at(event, Timestamp::from_unix(1_800_000_000 + i).unwrap()).unwrap();
    }
    fs::read(path).unwrap()
}

fn tables_of_rows() -> Vec<Vec<u8>> {
    let [a, b] = readers::row_ids();
    let texts = [
        format!("row_id,record_id\n{},P1\n{},\"a, \"\"b\"\"\nc\"\n", a[0], a[1]),
        format!("row_id,record_id,decoy\n{},P1,\n{},,decoy\n", a[0], a[1]),
        format!("row_id,link_id\n{},{}\n{},{}\n", a[0], b[0], a[1], b[1]),
        format!(
            "party_a,row_a,party_b,row_b,score\npolice,{},school,{},0.9\nschool,{},police,{}\n",
            a[0], b[0], b[1], a[1]
        ),
        format!("row_id,group\n{},north\n{},\n{},south\n", a[0], a[1], a[2]),
        format!("row_a,row_b,match,weight\n{},{},1,2.5\n{},{},no,1\n", a[0], b[0], a[1], b[2]),
    ];
    texts.map(String::into_bytes).to_vec()
}

fn seeds(reader: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(reader)).map_or_else(
        // A published crate comes without them.
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().path()).collect(),
    );
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    seeds.extend(made(reader));
    seeds.push(Vec::new());
    seeds
}

const LENGTHS: [u64; 8] = [0, 1, 0x7f, 0xffff, 1 << 31, 1 << 32, i64::MAX as u64, u64::MAX];

const NUMBERS: [&str; 9] =
    ["0", "-1", "1e308", "18446744073709551615", "99999999999999999999", "4294967296", "NaN", "0.00001", "00"];

const WORDS: [&[u8]; 12] =
    [b"\n", b"\r", b"\"", b",", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"null", b"[", b"{}", b"\x7f"];

/// Damages bytes as disks, editors, programs and people with bad intent do.
fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let mut below = |most: usize| random.below(most.max(1));
    let (at, length) = (below(bytes.len() + 1), bytes.len());
    let end = (at + below(40)).min(length);
    match below(11) {
        _ if length == 0 => bytes.extend(&other[..below(other.len() + 1)]),
        0 => bytes[at.min(length - 1)] ^= 1 << below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let piece = bytes[at..end].to_vec();
            let to = below(length + 1);
            bytes.splice(to..to, piece);
        }
        // The end of another.
        4 => {
            let from = below(other.len() + 1);
            bytes.splice(at.., other[from..].iter().copied());
        }
        5 => {
            let (from, to) = (below(other.len() + 1), below(100));
            let piece = &other[from..(from + to).min(other.len())];
            bytes.splice(at..end, piece.iter().copied());
        }
        // A length or a count.
        6 => {
            let value = LENGTHS[below(LENGTHS.len())];
            let value = if below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
            let width = [1, 2, 4, 8][below(4)].min(length - at);
            bytes.splice(at..at + width, value[..width].iter().copied());
        }
        // A number in a text.
        7 => {
            let start = (at..length).find(|&i| bytes[i].is_ascii_digit()).unwrap_or(at);
            let end = (start..length).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(length);
            bytes.splice(start..end, NUMBERS[below(NUMBERS.len())].bytes());
        }
        8 => {
            let word = WORDS[below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        // One line twice, or not.
        9 => {
            let start = bytes[..at].iter().rposition(|&b| b == b'\n').map_or(0, |place| place + 1);
            let end = bytes[at..].iter().position(|&b| b == b'\n').map_or(length, |place| at + place + 1);
            let line = bytes[start..end].to_vec();
            if below(2) == 0 {
                bytes.splice(start..start, line);
            } else {
                bytes.drain(start..end);
            }
        }
        _ => {
            let byte = below(256) as u8;
            let many = [1, 7, 300, 70_000][below(4)];
            bytes.splice(at..at, std::iter::repeat_n(byte, many));
        }
    }
}

/// The most memory that this process has had, where the system tells.
fn most_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

fn try_reader(name: &str, cases: u64) {
    let (_, read) = *readers::READERS.iter().find(|(other, _)| *other == name).expect("there is such a reader");
    let seeds = seeds(name);
    assert!(seeds.len() > 2, "there are no seeds for {name}");
    let more: u64 = std::env::var("PPRL_CASES").map_or(1, |text| text.parse().expect("PPRL_CASES is a number"));
    let mut random = Random(name.bytes().fold(7u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())));
    let start = Instant::now();
    for case in 0..seeds.len() as u64 + cases * more {
        let mut bytes = match seeds.get(case as usize) {
            Some(seed) => seed.clone(),
            None => seeds[random.below(seeds.len())].clone(),
        };
        if case >= seeds.len() as u64 {
            for _ in 0..=random.below(4) {
                let other = random.below(seeds.len());
                damage(&mut bytes, &seeds[other], &mut random);
            }
        }
        let began = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        let took = began.elapsed();
        if done.is_err() || took > LONGEST {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("foreign-bytes-{name}-{case}"));
            fs::write(&path, &bytes).unwrap();
            panic!("{name}, case {case}, after {took:?}: the bytes are in {}", path.display());
        }
    }
    if let Some(most) = most_memory() {
        assert!(most < MOST_MEMORY, "{name} took {most} bytes");
    }
    println!("{name}: {} seeds, {} cases, {:?}", seeds.len(), cases * more, start.elapsed());
}

macro_rules! readers {
    ($($name:ident: $cases:expr),* $(,)?) => {
        $(#[test] fn $name() { try_reader(stringify!($name), $cases); })*

        #[test]
        fn every_reader_is_tried() {
            let tried = [$(stringify!($name)),*];
            for (name, _) in readers::READERS {
                assert!(tried.contains(&name), "{name} is not tried");
                assert!(folder(name).is_dir() || !folder("").is_dir(), "{name} has no seeds");
            }
        }
    };
}

readers! {
    blocks: 600,
    candidate_pairs: 300,
    checkpoint: 40,
    clks: 600,
    cohort: 400,
    csv: 600,
    event_log: 800,
    index: 150,
    keys: 1500,
    linkage_schema: 1500,
    names: 300,
    opt_out: 600,
    rarity: 400,
    record: 800,
    schema: 1500,
    sealed: 150,
    tables: 800,
}

/// A reader that panics is found out.
#[test]
fn a_panic_is_a_failure() {
    assert!(catch_unwind(|| try_reader("none", 1)).is_err());
    let mut random = Random(1);
    let (mut bytes, seed) = (b"a,b\n1,2\n".to_vec(), b"a,b\n1,2\n".to_vec());
    let mut changed = 0;
    for _ in 0..200 {
        damage(&mut bytes, &seed, &mut random);
        changed += u32::from(bytes != seed);
        bytes.clone_from(&seed);
    }
    assert!(changed > 150, "{changed} of 200 were damaged");
}

/// Writes what the library makes into the folders of seeds; not part of a run.
#[test]
#[ignore = "writes files into the repository"]
fn write_seeds() {
    let cohort = readers::small_cohort();
    fs::create_dir_all(folder("cohort")).unwrap();
    fs::write(folder("cohort").join("clk.json"), cohort).unwrap();
    for (name, _) in readers::READERS {
        fs::create_dir_all(folder(name)).unwrap();
        for (i, bytes) in made(name).iter().enumerate() {
            fs::write(folder(name).join(format!("made-{i}")), bytes).unwrap();
        }
    }
}
