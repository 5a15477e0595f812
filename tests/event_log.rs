//! The log of events: what was changed, taken out, moved or cut is found, and two programs can append at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]

use std::fs;
use std::path::PathBuf;

use pprl::Schema;
use pprl::event_log::{Action, Event, EventLog, MAX_ACTOR, MAX_REASON, Timestamp, Verdict};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds).unwrap()
}

fn event(number: u64) -> Event {
    let event = Event::new(Action::Encode, "j.smith").schema(&Schema::uk_person()).party("police");
    event.count("rows", number).count("opted_out", 3).verdict(Verdict::Done)
}

/// A log of so many events.
fn log(events: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let mut log = EventLog::open(&path).unwrap();
    for number in 0..events {
        log.append_at(event(number), at(number)).unwrap();
    }
    (folder, path)
}

fn problem(path: &PathBuf) -> String {
    EventLog::verify(path).unwrap_err().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The form is what the documentation says, worked out here by other means.
#[test]
fn lines_are_what_is_documented() {
    let (_folder, path) = log(2);
    let text = fs::read_to_string(&path).unwrap();
    let mut previous = ZEROS.to_owned();
    for (number, line) in text.lines().enumerate() {
        let fingerprint = Schema::uk_person().fingerprint().to_owned();
        let project = Schema::uk_person().project().id().to_owned();
        let body = format!(
            "{{\"version\":1,\"sequence\":{number},\"time\":\"2027-01-15T08:00:0{number}Z\",\"actor\":\"j.smith\",\
             \"action\":\"encode\",\"project\":\"{project}\",\"fingerprint\":\"{fingerprint}\",\"party\":\"police\",\
             \"cohorts\":[],\"counts\":{{\"opted_out\":3,\"rows\":{number}}},\"verdict\":\"done\",\"reason\":null,\
             \"tool\":\"pprl {}\",\"previous\":\"{previous}\"",
            env!("CARGO_PKG_VERSION")
        );
        let hash = hex(&Sha256::digest(format!("{body}}}")));
        assert_eq!(line, format!("{body},\"hash\":\"{hash}\"}}"));
        previous = hash;
    }
    assert!(text.ends_with('\n'));
    let verified = EventLog::verify(&path).unwrap();
    assert_eq!((verified.events, verified.head), (2, previous));
}

#[test]
fn an_empty_log_is_whole() {
    let (_folder, path) = log(0);
    let verified = EventLog::verify(&path).unwrap();
    assert_eq!((verified.events, verified.head.as_str()), (0, ZEROS));
    assert!(EventLog::verify_to(&path, ZEROS).is_ok());
    assert!(EventLog::verify(path.with_extension("none")).is_err());
}

#[test]
fn a_log_goes_on_where_it_stopped() {
    let (_folder, path) = log(3);
    let head = EventLog::verify(&path).unwrap().head;
    let mut again = EventLog::open(&path).unwrap();
    assert_eq!(again.head(), head);
    again.append_at(event(3), at(3)).unwrap();
    let (_other, straight) = log(4);
    assert_eq!(fs::read(&path).unwrap(), fs::read(straight).unwrap());
}

/// Any byte of any line: the error names that line, or the next where the change is of the line end.
#[test]
fn every_changed_byte_is_found() {
    let (_folder, path) = log(3);
    let whole = fs::read(&path).unwrap();
    let mut line = 1;
    for place in 0..whole.len() {
        for other in [b'0', b'\n', 0xff] {
            if whole[place] == other {
                continue;
            }
            let mut changed = whole.clone();
            changed[place] = other;
            fs::write(&path, &changed).unwrap();
            let error = problem(&path);
            assert!(error.contains(&format!("line {line}:")), "byte {place} to {other}: {error}");
        }
        assert!(EventLog::open(&path).is_err());
        line += usize::from(whole[place] == b'\n');
    }
}

#[test]
fn lines_taken_out_doubled_moved_or_put_in_are_found() {
    let (_folder, path) = log(6);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (_other, stranger) = log(2);
    let mut other = EventLog::open(&stranger).unwrap();
    other.append_at(event(77), at(77)).unwrap();
    let foreign = fs::read_to_string(&stranger).unwrap();
    let foreign = foreign.split_inclusive('\n').nth(2).unwrap();
    let mut cases: Vec<(usize, Vec<&str>)> = Vec::new();
    for place in 0..5 {
        let mut removed = lines.clone();
        removed.remove(place);
        cases.push((place + 1, removed));
        let mut moved = lines.clone();
        moved.swap(place, place + 1);
        cases.push((place + 1, moved));
        let mut doubled = lines.clone();
        doubled.insert(place, lines[place]);
        cases.push((place + 2, doubled));
    }
    let mut replaced = lines.clone();
    replaced[2] = foreign;
    cases.push((4, replaced));
    let mut empty = lines.clone();
    empty.insert(3, "\n");
    cases.push((4, empty));
    for (line, lines) in cases {
        fs::write(&path, lines.concat()).unwrap();
        let error = problem(&path);
        assert!(error.contains(&format!("line {line}:")), "{line}: {error}");
    }
}

/// At every length: a cut between lines is found by the head that was kept, a cut inside a line by itself.
#[test]
fn every_truncation() {
    let (_folder, path) = log(3);
    let whole = fs::read(&path).unwrap();
    let head = EventLog::verify(&path).unwrap().head;
    for length in 0..whole.len() {
        let cut = &whole[..length];
        fs::write(&path, cut).unwrap();
        let lines = String::from_utf8_lossy(cut).matches('\n').count();
        if cut.is_empty() || cut.ends_with(b"\n") {
            assert_eq!(EventLog::verify(&path).unwrap().events, lines as u64);
            let error = EventLog::verify_to(&path, &head).unwrap_err().to_string();
            assert!(error.contains("cut off"), "{error}");
            continue;
        }
        let error = problem(&path);
        assert!(error.contains(&format!("line {}: ends too early", lines + 1)), "{length}: {error}");
        assert!(EventLog::open(&path).is_err(), "nothing is appended to half a line");
        if length % 5 != 0 && length + 1 != whole.len() {
            // Each repair waits for the disk.
            continue;
        }
        let log = EventLog::repair(&path, "j.smith", "the machine stopped").unwrap();
        let verified = EventLog::verify(&path).unwrap();
        assert_eq!((verified.events, verified.head.as_str()), (lines as u64 + 1, log.head()));
        let end = cut.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
        let repaired = fs::read_to_string(&path).unwrap();
        assert_eq!(repaired.as_bytes()[..end], cut[..end]);
        let last = repaired.lines().last().unwrap();
        assert!(last.contains("\"repair\"") && last.contains(&format!("{{\"bytes_cut_off\":{}}}", length - end)));
    }
}

#[test]
fn repair_changes_nothing_that_is_whole_and_nothing_that_was_changed() {
    let (_folder, path) = log(2);
    let whole = fs::read(&path).unwrap();
    EventLog::repair(&path, "j.smith", "to be sure").unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
    let mut changed = [&whole[..], b"{\"half"].concat();
    changed[100] ^= 1;
    fs::write(&path, &changed).unwrap();
    assert!(EventLog::repair(&path, "j.smith", "an excuse").is_err());
    assert_eq!(fs::read(&path).unwrap(), changed);
    let long = [&whole[..], &vec![b'x'; 70_000]].concat();
    fs::write(&path, &long).unwrap();
    assert!(problem(&path).contains("line 3: is longer than any event"));
    assert!(EventLog::repair(&path, "j.smith", "too much").is_err());
    assert_eq!(fs::read(&path).unwrap(), long);
    assert!(EventLog::repair(path.with_extension("none"), "j.smith", "nothing there").is_err());
}

#[test]
fn a_head_that_was_kept_is_found_again() {
    let (_folder, path) = log(2);
    let kept = EventLog::verify(&path).unwrap().head;
    let mut log = EventLog::open(&path).unwrap();
    log.append(event(9)).unwrap();
    assert_eq!(EventLog::verify_to(&path, &kept).unwrap().events, 3);
    // All of it written anew, with one count less.
    fs::remove_file(&path).unwrap();
    let mut forged = EventLog::open(&path).unwrap();
    for number in [0, 5, 9] {
        forged.append_at(event(number), at(number)).unwrap();
    }
    assert!(EventLog::verify(&path).is_ok(), "the chain alone cannot tell");
    assert!(EventLog::verify_to(&path, &kept).is_err());
    for none in ["", "abc", &kept.to_uppercase()] {
        assert!(EventLog::verify_to(&path, none).unwrap_err().to_string().contains("64"));
    }
}

#[test]
fn many_append_at_once() {
    let (_folder, path) = log(0);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let mut log = EventLog::open(path).unwrap();
                (0..20).for_each(|i| log.append(event(thread * 100 + i)).unwrap());
            });
        }
    });
    assert_eq!(EventLog::verify(&path).unwrap().events, 160);
}

/// What another program did to the file while it was open.
#[test]
fn an_open_log_sees_what_others_did() {
    let (_folder, path) = log(2);
    let whole = fs::read(&path).unwrap();
    let mut open = EventLog::open(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(open.append(event(1)).unwrap_err().to_string().contains("shorter"));
    fs::write(&path, [&whole[..], b"nonsense\n"].concat()).unwrap();
    assert!(open.append(event(1)).unwrap_err().to_string().contains("line 3: is not an event"));
    fs::write(&path, &whole).unwrap();
    open.append(event(1)).unwrap();
    assert_eq!(EventLog::verify(&path).unwrap().events, 3);
}

#[test]
fn what_a_log_must_not_hold_is_refused() {
    let (_folder, path) = log(1);
    let before = fs::read(&path).unwrap();
    let mut log = EventLog::open(&path).unwrap();
    let good = || event(1);
    for (bad, says) in [
        (Event::new(Action::Link, ""), "actor"),
        (Event::new(Action::Link, "two\nlines"), "actor"),
        (Event::new(Action::Link, "x".repeat(MAX_ACTOR + 1)), "actor"),
        (good().reason(" "), "reason"),
        (good().reason("x".repeat(MAX_REASON + 1)), "reason"),
        (good().reason("a\u{1b}[31m"), "reason"),
        (good().party("Anna Lucy"), "party"),
        (good().count("Rows", 1), "count"),
        (good().count("", 1), "count"),
        (good().count("x".repeat(61), 1), "count"),
        ((0..70).fold(good(), |event, i| event.count(format!("n{i}"), 1)), "64 counts"),
    ] {
        let error = log.append(bad).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("Anna"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    // At the limits, and in any script: longest characters that JSON has to escape or spell out.
    let most = Event::new(Action::Delete, "\u{1f600}".repeat(MAX_ACTOR)).reason("\"".repeat(MAX_REASON));
    log.append((0..64).fold(most, |event, i| event.count(format!("{i:060}"), u64::MAX))).unwrap();
    assert_eq!(EventLog::verify(&path).unwrap().events, 2);
}

#[cfg(unix)]
#[test]
fn a_log_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = log(1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
