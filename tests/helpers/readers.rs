//! Everything in the crate that reads bytes from elsewhere, each as a function of bytes: it must give something or an error,
//! and not panic, quote the bytes, or take long. `tests/foreign_bytes.rs` and the fuzz targets both call these.
#![allow(dead_code, unreachable_pub, reason = "every fuzz target has all of it and calls one function")]

#[path = "helpers.rs"]
mod helpers;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ed25519_dalek::Signer;
use helpers::{CLK, clk, clk_cohort, encoder, key};
use pprl::anonlink::blocks::{BlockFilter, Blocks, Ids, PositionFilter, block_numbers, generate_blocks};
use pprl::anonlink::{
    CandidatePairs, Clks, ClksAndBlocks, greedy_solve, merge_files, probabilistic_greedy_solve, similarities_hist,
};
use pprl::clkhash::LinkageSchema;
use pprl::clkhash::blocking::{BlockIds, BlockKey, BlockingSchema};
use pprl::evaluate::LabelledSample;
use pprl::event_log::EventLog;
use pprl::linkage::{Ask, Checkpoint, Constraints, EncodedRecord, Groups, Index, IndexModel, ScoredPairs};
use pprl::owner::{OptOutList, RarityList, RowMap, read_column, read_csv};
use pprl::schema::Assignment;
use pprl::seal::{Identity, PublicKey, Recipient, SigningKey, Trusted, is_sealed, open};
use pprl::synth::{self, Population};
use pprl::{Cohort, CsvOptions, Encoder, Error, Linker, ProjectKey, Record, Schema};
use sha2::{Digest, Sha256, Sha512_256};
use tempfile::NamedTempFile;

/// A reader's name, which is that of its fuzz target and of its folder of seeds, and the reader.
pub type Reader = (&'static str, fn(&[u8]));

pub const READERS: [Reader; 17] = [
    ("blocks", blocks),
    ("candidate_pairs", candidate_pairs),
    ("checkpoint", checkpoint),
    ("clks", clks),
    ("cohort", cohort),
    ("csv", csv),
    ("event_log", event_log),
    ("index", index),
    ("keys", keys),
    ("linkage_schema", linkage_schema),
    ("names", names),
    ("opt_out", opt_out),
    ("rarity", rarity),
    ("record", encoded_record),
    ("schema", schema),
    ("sealed", sealed),
    ("tables", tables),
];

/// Names the places of at most so many problems, with a path of the test's before them.
const LONGEST_ERROR: usize = 20_000;

fn checked<T>(result: Result<T, Error>) -> Option<T> {
    result
        .inspect_err(|error| {
            let shown = error.to_string();
            assert!(!shown.is_empty() && shown.len() < LONGEST_ERROR, "an error says nothing, or quotes the file");
        })
        .ok()
}

/// Readable by its owner only, as key files must be.
fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("writes");
    file
}

/// A schema file. What is a schema has a fingerprint and a canonical form, and what is read from a path is the same.
pub fn schema(data: &[u8]) {
    let from_path = checked(Schema::from_path(file(data).path()));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(schema) = checked(Schema::from_toml(text)) else { return };
    assert!(from_path.is_none_or(|other| other == schema));
    assert_eq!(schema.fingerprint().len(), 64);
    assert!(serde_json::from_str::<serde_json::Value>(&schema.canonical()).is_ok());
    assert!(schema.risks().is_empty() || schema.accept_risk().is_some());
}

/// A file of candidate pairs. What is one is written and read again, merged with itself, and solved.
pub fn candidate_pairs(data: &[u8]) {
    let Some(pairs) = checked(CandidatePairs::from_bytes(data)) else { return };
    // The smallest record.
    assert!(pairs.len() * 6 <= data.len());
    let bytes = pairs.to_bytes();
    assert!(CandidatePairs::from_bytes(&bytes).is_ok_and(|other| other == pairs));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (written, merged) = (folder.path().join("pairs"), folder.path().join("merged"));
    pairs.write(&written).expect("writes");
    merge_files(&[&written, &written], &merged).expect("is in order");
    assert!(fs::read(&merged).is_ok_and(|other| other == bytes));
    // As it comes it may not be in order.
    let _ = checked(merge_files(&[file(data).path()], &merged));
    let half = "0.5".parse().expect("a ratio");
    for groups in [greedy_solve(&pairs), probabilistic_greedy_solve(&pairs, half, true)] {
        assert!(groups.iter().map(Vec::len).sum::<usize>() <= 2 * pairs.len());
    }
    let histogram = similarities_hist(&pairs, 7).expect("bins");
    assert_eq!(histogram.counts.iter().sum::<u64>(), pairs.len() as u64);
}

/// A file of CLKs, with blocks or without. What is one is written and read again.
pub fn clks(data: &[u8]) {
    let from_path = checked(Clks::read(file(data).path()));
    let with_blocks = checked(ClksAndBlocks::from_json(data));
    let clks = checked(Clks::from_json(data));
    assert!(from_path == clks && (clks.is_none() || with_blocks.is_none()));
    for clks in [clks, with_blocks.map(|both| both.clks)].into_iter().flatten() {
        assert!(clks.rows() * clks.bits() <= 8 * data.len());
        let json = clks.to_json();
        assert!(Clks::from_json(&json).is_ok_and(|other| other == clks));
    }
}

/// A linkage schema of clkhash. What is read from a path is the same, and its formats take any value or refuse it.
pub fn linkage_schema(data: &[u8]) {
    let from_path = checked(LinkageSchema::from_path(file(data).path()));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(schema) = checked(LinkageSchema::from_json(text)) else { return };
    assert!(from_path.is_none_or(|other| other.sha256() == schema.sha256()));
    assert!(schema.length() > 0 && !schema.features().is_empty());
    for hashing in schema.features().iter().filter_map(|feature| feature.hashing()) {
        for value in ["", "5", "Zoë", "1985-01-02", "SW1A 1AA", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"] {
            assert!(hashing.format().check(value).is_err() || hashing.format().canonical(value).is_ok());
        }
    }
}

/// A cohort file, as it comes and with the digest that its content should have. What is a cohort is written and read again.
pub fn cohort(data: &[u8]) {
    let sealed = serde_json::from_slice(data).ok().filter(serde_json::Value::is_object);
    let sealed = sealed.map(|mut json: serde_json::Value| {
        if !json["manifest"].is_object() {
            json["manifest"] = serde_json::json!({});
        }
        helpers::seal(&mut json)
    });
    static OTHER: LazyLock<Cohort> = LazyLock::new(|| clk_cohort("school", 5));
    for text in [Some(data.to_vec()), sealed].into_iter().flatten() {
        let Some(cohort) = checked(Cohort::from_json(&text)) else { continue };
        assert!(Cohort::from_json(&cohort.to_json()).is_ok_and(|again| again == cohort));
        let linker = Linker::new(&clk()).seed([1; 32]);
        let _ = checked(linker.deduplicate(&cohort));
        if let Some(links) = checked(linker.link(&[&cohort, &OTHER])) {
            assert!(!links.summary().to_string().is_empty());
        }
    }
}

/// A CSV file of people. The first byte chooses the options, and whether the header is given.
pub fn csv(data: &[u8]) {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::uk_person);
    static ENCODER: LazyLock<Encoder> = LazyLock::new(|| encoder(&SCHEMA, "police", 1));
    let Some((&choice, data)) = data.split_first() else { return };
    let header: &[u8] = if choice & 1 == 0 { b"forename,surname,date_of_birth,sex,postcode\n" } else { b"" };
    let file = file(&[header, data].concat());
    let mut options = CsvOptions::new();
    if choice & 2 != 0 {
        options = options.id_column("surname");
    }
    if choice & 4 != 0 {
        options = options.delimiter(b';');
    }
    if let Some(records) = checked(read_csv(file.path(), &SCHEMA, &options)) {
        let _ = checked(ENCODER.encode(&records[..records.len().min(20)]));
    }
    let _ = checked(read_column(file.path(), "surname", &options));
}

/// Small, so that an encoder is made quickly.
const IDENTIFIERS: &str = r#"
version = 1
[project]
id = "fuzz"
purpose = "Fuzzing"
parties = ["police"]
expires = "2999-12-31"
[privacy]
accept_risk = "nobody is in it"
[[field]]
name = "nhs_number"
kind = "identifier"
scheme = "nhs_number"
[[encoding]]
name = "e"
length = 8
diffusion = 0
fields = { nhs_number = 4 }
[[match_key]]
name = "nhs_number"
fields = ["nhs_number"]
"#;

/// An opt-out list. A digest is no signature, so the bytes are tried with a right one too.
pub fn opt_out(data: &[u8]) {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::from_toml(IDENTIFIERS).expect("is sound"));
    let read = |bytes: &[u8]| checked(OptOutList::read(file(bytes).path()));
    read(data);
    // The frame of a list under this schema and key, and behind it whatever there is.
    let encoder = encoder(&SCHEMA, "police", 1);
    let mut body = [b"pproptl1", SCHEMA.fingerprint().as_bytes(), encoder.key_check().as_bytes(), data].concat();
    let digest = Sha256::digest(&body);
    body.extend(digest);
    if let Some(list) = read(&body)
        && let Some(encoder) = checked(encoder.opt_out(list))
    {
        let _ = checked(encoder.encode(&[Record::new("1", vec!["9434765919".to_owned()])]));
    }
}

const RARITY: &str = r#"
version = 1
[project]
id = "fuzz"
purpose = "Fuzzing"
parties = ["police"]
expires = "2999-12-31"
[privacy]
accept_risk = "nobody is in it"
[[field]]
name = "surname"
kind = "name"
[[encoding]]
name = "e"
length = 8
diffusion = 0
fields = { surname = 4 }
[[rarity]]
field = "surname"
"#;

/// A public list of names, as it comes and with the header given. What is a list can be encoded with.
pub fn rarity(data: &[u8]) {
    for header in [&b""[..], b"name,count\n"] {
        let Some(list) = checked(RarityList::read(file(&[header, data].concat()).path())) else { continue };
        assert!(list.names() > 0);
        let text = format!("{RARITY}list_sha256 = \"{}\"\n", list.sha256());
        let schema = Schema::from_toml(&text).expect("is sound");
        let encoder = encoder(&schema, "police", 1).rarity("surname", &list).expect("the list that the schema names");
        let people = ["Smith", "Smith-Jones", ""].map(|name| Record::new(name, vec![name.to_owned()]));
        assert_eq!(encoder.encode(&people).expect("encodes").cohort.rarity()[0].rows(), 3);
    }
}

/// Lists of names and postcodes from which people are invented.
pub fn names(data: &[u8]) {
    let file = file(data);
    let path = || Some(file.path().to_owned());
    let small = || synth::Options { children: 3, cohort: 1, ..synth::Options::default() };
    let _ = checked(Population::generate(&synth::Options { forenames: path(), ..small() }));
    let _ = checked(Population::generate(&synth::Options { surnames: path(), ..small() }));
    let _ = checked(Population::generate(&synth::Options { postcodes: path(), ..small() }));
}

/// All files that hold one key, secret or public, and a file of which nobody knows whether it is sealed.
pub fn keys(data: &[u8]) {
    let file = file(data);
    let path = file.path();
    if let Some(key) = checked(ProjectKey::from_path(path)) {
        assert_eq!(format!("{key:?}"), "ProjectKey(..)");
    }
    let _ = checked(encoder(&clk(), "police", 1).seed_file(path));
    if let Some(key) = checked(SigningKey::from_path(path)) {
        assert_eq!(key.public().to_string().parse::<PublicKey>().expect("what is written is read"), key.public());
    }
    if let Some(identity) = checked(Identity::from_path(path)) {
        let recipient = identity.recipient();
        assert!(recipient.to_string().parse::<Recipient>().expect("what is written is read") == recipient);
    }
    let _ = checked(PublicKey::from_path(path));
    let _ = checked(Recipient::from_path(path));
    let _ = checked(is_sealed(path));
    let _ = checked(Cohort::read(path));
}

/// A log, as it comes and with the hashes that its lines should have.
pub fn event_log(data: &[u8]) {
    for text in [data.to_vec(), chained(data)] {
        let file = file(&text);
        let path = file.path();
        let Some(verified) = checked(EventLog::verify(path)) else {
            // Cut off half a line, and nothing else.
            if data.len().is_multiple_of(8) && checked(EventLog::repair(path, "fuzz", "half a line")).is_some() {
                let repaired = EventLog::verify(path).expect("what was repaired is whole");
                assert!(repaired.events > 0);
            }
            continue;
        };
        assert_eq!(EventLog::open(path).expect("what is whole can be opened").head(), verified.head);
        assert_eq!(EventLog::verify_to(path, &verified.head).expect("has its own head"), verified);
    }
}

fn chained(data: &[u8]) -> Vec<u8> {
    let (mut chained, mut previous) = (Vec::new(), "0".repeat(64));
    for line in String::from_utf8_lossy(data).split_inclusive('\n') {
        let end = line.find(",\"previous\":\"").unwrap_or(line.len());
        let start = format!("{},\"previous\":\"{previous}\"", &line[..end]);
        previous = hex(&Sha256::digest(format!("{start}}}")));
        chained.extend(format!("{start},\"hash\":\"{previous}\"}}\n").into_bytes());
    }
    chained
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens the seeds and nothing else.
pub const IDENTITY: &str = "AGE-SECRET-KEY-1QYPQXPQ9QCRSSZG2PVXQ6RS0ZQG3YYC5Z5TPWXQERGD3C8G7RUSQGPQYEE";

pub struct Unit {
    pub identity: Identity,
    pub recipient: age::x25519::Recipient,
    pub signer: ed25519_dalek::SigningKey,
    pub trusted: Trusted,
}

pub static UNIT: LazyLock<Unit> = LazyLock::new(|| {
    let identity = Identity::from_path(file(IDENTITY.as_bytes()).path()).expect("is an identity");
    let recipient = identity.recipient().to_string().parse().expect("is a recipient");
    let signer = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = format!("pprl-public-key-1 {}", hex(signer.verifying_key().as_bytes()));
    let trusted = Trusted::new().party("police", public.parse().expect("is a public key"));
    Unit { identity, recipient, signer, trusted }
});

/// What stands in a sealed file before a cohort, signed.
pub fn envelope(content: &[u8]) -> Vec<u8> {
    let (fingerprint, recipient) = (clk().fingerprint().to_owned(), UNIT.identity.recipient().to_string());
    let mut message = Vec::new();
    for text in ["pprl-sealed-cohort-1", "police", &fingerprint, &recipient] {
        message.extend_from_slice(&(text.len() as u64).to_be_bytes());
        message.extend_from_slice(text.as_bytes());
    }
    message.extend_from_slice(&Sha512_256::digest(content));
    let (key, signature) = (UNIT.signer.verifying_key(), UNIT.signer.sign(&message));
    format!(
        "pprl-sealed-cohort-1\nparty police\nfingerprint {fingerprint}\nrecipient {recipient}\nkey {}\nsignature {}\n\n",
        hex(key.as_bytes()),
        hex(&signature.to_bytes())
    )
    .into_bytes()
}

/// A sealed file: as it comes; what stands inside one; and a cohort inside one that is signed.
pub fn sealed(data: &[u8]) {
    let try_file = |bytes: &[u8]| {
        let file = file(bytes);
        let _ = checked(is_sealed(file.path()));
        if let Some(opened) = checked(open(file.path(), &UNIT.identity, &UNIT.trusted)) {
            assert!(opened.signer == "police" && opened.cohort.party() == "police");
        }
    };
    try_file(data);
    let encrypt = |content: &[u8]| age::encrypt(&UNIT.recipient, content).expect("encrypts");
    try_file(&encrypt(data));
    try_file(&encrypt(&[&envelope(data)[..], data].concat()));
}

/// A small run, and the states that it leaves.
struct Run {
    schema: Schema,
    cohorts: [Cohort; 2],
    states: Vec<(String, Vec<u8>)>,
}

impl Run {
    fn link(&self, folder: &Path) -> Result<pprl::Links, Error> {
        let checkpoint = Checkpoint::new(folder).every(Duration::ZERO);
        Linker::new(&self.schema).checkpoint(checkpoint).link(&self.cohorts.each_ref())
    }
}

static RUN: LazyLock<Run> = LazyLock::new(|| {
    let schema = Schema::from_toml(&CLK.replace("threshold = 0.75", "threshold = \"automatic\"")).expect("is sound");
    let cohorts = [("police", 1), ("school", 2)].map(|(party, seed)| {
        let person = |i: usize| helpers::record(i, &[&helpers::word(i), &helpers::word(i + 99), &helpers::date(i)]);
        encoder(&schema, party, seed).encode(&(0..5).map(person).collect::<Vec<_>>()).expect("encodes").cohort
    });
    let mut run = Run { schema, cohorts, states: Vec::new() };
    let folder = tempfile::tempdir().expect("a temporary folder");
    run.link(folder.path()).expect("links");
    for name in helpers::files_in(folder.path()) {
        let state = fs::read(folder.path().join(&name)).expect("reads");
        run.states.push((name, state));
    }
    assert!(run.states.len() >= 2, "a run leaves states");
    run
});

/// What a run left, by file: what the seeds of [`checkpoint`] are made of.
pub fn states() -> Vec<Vec<u8>> {
    RUN.states.iter().map(|(_, bytes)| bytes.clone()).collect()
}

/// A run's states: each as it comes, and with the frame and the digest of this run around it.
pub fn checkpoint(data: &[u8]) {
    const FRAME: usize = b"pprl-checkpoint-1\n".len() + 32;
    for (name, whole) in &RUN.states {
        let framed = whole.get(..FRAME).map(|frame| {
            let mut bytes = [frame, data].concat();
            let digest = Sha256::digest(&bytes);
            bytes.extend(digest);
            bytes
        });
        for bytes in [Some(data.to_vec()), framed].into_iter().flatten() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            fs::write(folder.path().join(name), bytes).expect("writes");
            let _ = checked(RUN.link(folder.path()));
        }
    }
}

/// The file of a small index, and the contents of its entries with their kinds.
static INDEX: LazyLock<(Vec<u8>, Vec<(u8, Vec<u8>)>)> = LazyLock::new(|| {
    let [asking, standing] = &RUN.cohorts;
    let model = IndexModel::learn(&Linker::new(&RUN.schema), asking, standing).expect("learns");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index = Index::create(folder.path(), &RUN.schema, &[standing], &model).expect("is made");
    index.withdraw("school", &standing.row_ids()[..1]).expect("withdraws");
    let file = fs::read(folder.path().join("index.pprl")).expect("reads");
    let (mut entries, mut at) = (Vec::new(), 16);
    while at < file.len() {
        let length = u32::from_le_bytes(file[at + 1..at + 5].try_into().expect("four bytes")) as usize;
        entries.push((file[at], file[at + 5..at + 5 + length].to_vec()));
        at += 5 + length + 16;
    }
    (file, entries)
});

/// What the seeds of [`index`] are made of.
pub fn index_files() -> Vec<Vec<u8>> {
    [INDEX.0.clone()].into_iter().chain(INDEX.1.iter().map(|(_, content)| content.clone())).collect()
}

/// The file of an index: as it comes, and as the content of an entry with the right checksum, at its beginning and behind a
/// sound one. What can be opened can be asked, and written anew.
pub fn index(data: &[u8]) {
    let entry = |file: &[u8], kind: u8| {
        let mut entry = vec![kind];
        entry.extend((data.len() as u32).to_le_bytes());
        entry.extend(data);
        let at = (file.len() as u64).to_le_bytes();
        let digest = Sha256::digest([&b"PPRLIDX\x01"[..], &at, &entry].concat());
        let mut whole = [file, &entry, &digest[..16]].concat();
        let end = (whole.len() as u64).to_le_bytes();
        whole[8..16].copy_from_slice(&end);
        whole
    };
    let mut files = vec![data.to_vec(), entry(&INDEX.0[..16], 0)];
    files.extend([0, 1, 2, 3, 0x81].map(|kind| entry(&INDEX.0, kind)));
    for file in files {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("index.pprl"), file).expect("writes");
        let Some(index) = checked(Index::open(folder.path(), &RUN.schema)) else { continue };
        let ask = || checked(index.query(&RUN.cohorts[0], &Ask::best(3).least(-1e9)));
        let (rows, before) = (index.rows(), ask());
        assert!(checked(index.compact()).is_some() && index.rows() == rows && ask() == before);
    }
}

/// An encoded record, as it travels to a service. What is one is written and read again.
pub fn encoded_record(data: &[u8]) {
    let Some(record) = checked(EncodedRecord::from_json(data)) else { return };
    assert!(EncodedRecord::from_json(record.to_json().as_bytes()).is_ok_and(|other| other == record));
    if let Some(cohort) = checked(record.into_cohort(&RUN.schema)) {
        assert!(cohort.rows() == 1 && EncodedRecord::of(&cohort, 0).into_cohort(&RUN.schema).is_ok());
    }
}

/// What the seeds of [`encoded_record`] are made of.
pub fn encoded_records() -> Vec<Vec<u8>> {
    (0..2).map(|row| EncodedRecord::of(&RUN.cohorts[0], row).to_json().into_bytes()).collect()
}

/// Two cohorts that are linked, for tables that are about rows.
struct Linked {
    cohorts: [Cohort; 2],
    scored: ScoredPairs,
    row_map: RowMap,
}

static LINKED: LazyLock<Linked> = LazyLock::new(|| {
    let people: Vec<Record> =
        ["one", "two", "three"].iter().map(|n| helpers::record(n, &[n, n, "2011-01-02"])).collect();
    let encoded =
        [("police", 1), ("school", 2)].map(|(p, seed)| encoder(&clk(), p, seed).encode(&people).expect("encodes"));
    let scored = Linker::new(&clk()).score(&encoded[0].cohort, &encoded[1].cohort).expect("scores");
    let [police, school] = encoded;
    Linked { row_map: police.row_map, cohorts: [police.cohort, school.cohort], scored }
});

/// The row ids of the linked cohorts, to make seeds of.
pub fn row_ids() -> [Vec<String>; 2] {
    LINKED.cohorts.each_ref().map(|cohort| cohort.row_ids().iter().map(ToString::to_string).collect())
}

/// All tables with row ids in them.
pub fn tables(data: &[u8]) {
    let Linked { cohorts, scored, row_map } = &*LINKED;
    let file = file(data);
    let path = file.path();
    let folder = tempfile::tempdir().expect("a temporary folder");
    if let Some(map) = checked(RowMap::read_csv(path)) {
        map.write_csv(folder.path().join("map")).expect("writes");
        assert!(RowMap::read_csv(folder.path().join("map")).expect("what is written is read") == map);
        assert_eq!(map.people() + map.decoys(), map.entries().len());
    }
    let _ = checked(row_map.write_linked_csv(path, folder.path().join("linked")));
    let [a, b] = cohorts;
    if let Some(constraints) = checked(Constraints::read_csv(path)) {
        let _ = checked(Linker::new(&clk()).known(constraints.clone()).link(&[a, b]));
        let _ = checked(Linker::new(&clk()).forbidden(constraints).link(&[a, b]));
    }
    if let Some(groups) = checked(Groups::read_csv(path))
        && checked(groups.check(a)).is_some()
    {
        let links = Linker::new(&clk()).link(&[a, b]).expect("links");
        let report = links.report().with_groups(&links, "police", &groups).expect("was checked");
        assert!(!report.to_html().is_empty());
    }
    if let Some(sample) = checked(LabelledSample::read_csv(path)) {
        let _ = checked(sample.judge(scored, a.row_ids(), Some(b.row_ids()), Assignment::OneToOne));
    }
}

/// A file of blocks in either direction, a blocking schema, or a blocking filter, also with a right digest. What are blocks
/// is written and read again; what is a schema blocks people.
pub fn blocks(data: &[u8]) {
    let from_path = checked(Blocks::read(file(data).path()));
    let found = [checked(Blocks::from_json(data)), checked(Blocks::from_inverse_json(data))];
    assert_eq!(from_path.is_some(), found[0].is_some());
    for blocks in found.into_iter().flatten() {
        let again = Blocks::from_json(&blocks.to_json()).expect("what is written is read");
        assert!(Blocks::from_inverse_json(&blocks.to_inverse_json()).is_ok_and(|other| other.len() == blocks.len()));
        assert_eq!((again.reverse().len(), again.meta()), (blocks.reverse().len(), blocks.meta()));
        let _ = checked(block_numbers(&[&blocks], &[100]));
        let _ = checked(generate_blocks(&[&blocks, &again], 2, Ids::Compressed));
        let _ = checked(PositionFilter::new(&[&blocks, &again], 2));
        if let Some(filter) = checked(BlockFilter::new(&blocks)) {
            assert_eq!(filter.candidates(&blocks).expect("its own").len(), blocks.len());
        }
    }
    if let Some(schema) = std::str::from_utf8(data).ok().and_then(|text| checked(BlockingSchema::from_json(text))) {
        let header = ["forename", "surname", "dob"].map(str::to_owned);
        let rows = [["Siân", "O'Neil", "1984"], ["", "李", "1990"]];
        let unkeyed = BlockIds::compatible("invented people only").expect("a reason");
        for ids in [BlockIds::keyed(BlockKey::from_project(&key(), "fuzz")), unkeyed] {
            let _ = checked(schema.block(&ids, Some(&header), &rows));
        }
    }
    let mut filter = [b"pprblkf1", data].concat();
    filter.extend(Sha256::digest(&filter));
    for bytes in [data, &filter] {
        let _ = checked(BlockFilter::read(file(bytes).path()));
    }
}

/// For seeds: blocks, their schemas and a filter.
pub fn block_files() -> Vec<Vec<u8>> {
    let psig = r#"{"type": "p-sig", "version": 1, "config": {"blocking-features": ["forename", "dob"], "null-sentinel": "",
"filter": {"type": "ratio", "min": 0.0, "max": 1}, "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4,
"bf-len": 2048, "compress-block-key": true}, "signatureSpecs": [[{"type": "metaphone", "feature": "forename"}],
[{"type": "characters-at", "config": {"pos": [0, "1:3"]}, "feature": "surname"}, {"type": "feature-value", "feature": 2}]]}}"#;
    let lambda = r#"{"type": "lambda-fold", "version": 1, "config": {"blocking-features": [0, 1], "Lambda": 3, "bf-len": 64,
"num-hash-funcs": 3, "K": 5, "random_state": 0, "input-clks": false}}"#;
    let header = ["forename", "surname", "dob"].map(str::to_owned);
    let ids = BlockIds::keyed(BlockKey::from_project(&key(), "fuzz"));
    let unkeyed = BlockIds::compatible("invented people only").expect("a reason");
    let mut files: Vec<Vec<u8>> = vec![psig.into(), lambda.into()];
    for (schema, ids) in [(psig, &ids), (lambda, &ids), (psig, &unkeyed)] {
        let schema = BlockingSchema::from_json(schema).expect("is sound");
        let rows = [["Ann", "Smith", "1984"], ["Anne", "Smith", "1984"], ["Tom", "Jones", "1990"]];
        let blocks = schema.block(ids, Some(&header), &rows).expect("blocks").blocks;
        files.extend([blocks.to_json(), blocks.to_inverse_json()]);
        if let Ok(filter) = BlockFilter::new(&blocks) {
            let path = NamedTempFile::new().expect("a temporary file");
            filter.write(path.path()).expect("writes");
            files.push(fs::read(path.path()).expect("reads"));
        }
    }
    files
}

/// For seeds: a cohort of few people.
pub fn small_cohort() -> Vec<u8> {
    clk_cohort("police", 3).to_json()
}

/// For seeds: a key's digits, and files of each kind of key.
pub fn key_files() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    key().write(path("project")).expect("writes");
    UNIT.identity.write(path("identity")).expect("writes");
    UNIT.identity.recipient().write(path("recipient")).expect("writes");
    fs::write(path("signing"), format!("PPRL-SIGNING-KEY-1 {}\n", "0123456789abcdef".repeat(4))).expect("writes");
    let public = hex(UNIT.signer.verifying_key().as_bytes());
    fs::write(path("public"), format!("# police\npprl-public-key-1 {public}\n")).expect("writes");
    let names = ["project", "identity", "recipient", "signing", "public"];
    names.map(|name| fs::read(path(name)).expect("reads")).to_vec()
}
