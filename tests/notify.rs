//! The service `notify` over a real socket: who is told what, and what becomes of requests that are wrong, too many or too
//! slow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::print_stdout,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "linkage", unix))]

#[path = "../examples/notify/client.rs"]
mod client;
#[allow(dead_code, reason = "it is the example's, and none of its users needs all of it")]
#[path = "../examples/support/command.rs"]
mod command;
#[path = "../examples/notify/guard.rs"]
mod guard;
#[path = "helpers/helpers.rs"]
mod helpers;
#[cfg(feature = "synth")]
#[path = "../examples/notify/invent.rs"]
mod invent;
#[path = "../examples/notify/journal.rs"]
mod journal;
#[path = "../examples/notify/load.rs"]
mod load;
#[path = "../examples/notify/serve.rs"]
mod serve;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::Client;
use helpers::{CLK, clk, clk_of, cohort_of_bits, date, encoder, record, word};
use pprl::linkage::{EncodedRecord, Index, IndexModel};
use pprl::{Cohort, Record, Schema};
use serde_json::Value;
use serve::{Service, Settings};
use tempfile::TempDir;

fn token(party: &str) -> String {
    format!("{party:-<40}")
}

fn people(party: &str, seed: u8, range: std::ops::Range<usize>) -> Cohort {
    let people: Vec<Record> = range.map(|i| record(i, &[&word(i), &word(i + 7919), &date(i)])).collect();
    encoder(&clk(), party, seed).encode(&people).unwrap().cohort
}

fn json_of(cohort: &Cohort, row: usize) -> String {
    EncodedRecord::of(cohort, row).to_json()
}

struct Running {
    folder: TempDir,
    url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn settings(folder: &Path) -> Settings {
    Settings {
        schema: clk(),
        index: folder.join("index"),
        tokens: folder.join("tokens"),
        journal: folder.join("journal"),
        subscribers: vec!["school".into(), "care".into()],
        rate: 1e6,
        timeout: Duration::from_secs(5),
    }
}

/// A folder with an index of children 0 to 39 at school and 30 to 59 in care, and tokens.
fn prepared() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let model = IndexModel::similarity(&clk(), 0.8).unwrap();
    let standing = [&people("school", 1, 0..40), &people("care", 2, 30..60)];
    drop(Index::create(folder.path().join("index"), &clk(), &standing, &model).unwrap());
    let tokens: String =
        ["police", "school", "care"].iter().map(|party| [party, " ", &token(party), "\n"].concat()).collect();
    fs::write(folder.path().join("tokens"), tokens).unwrap();
    fs::set_permissions(folder.path().join("tokens"), PermissionsExt::from_mode(0o600)).unwrap();
    folder
}

fn start(folder: TempDir, change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = settings(folder.path());
    change(&mut settings);
    let service = Service::open(settings).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            let stopped = async {
                let _ = stopped.await;
            };
            service.serve(socket, stopped).await.unwrap();
        });
    });
    Running { folder, url, stop: Some(stop), thread: Some(thread) }
}

impl Running {
    fn client(&self, party: &str) -> Client {
        Client::new(&self.url, &token(party)).unwrap()
    }

    #[track_caller]
    fn ask(&self, party: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.client(party).request(method, path, body).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    /// The row ids and link ids of what a party is told.
    fn told(&self, party: &str) -> Vec<(String, String)> {
        let (status, answer) = self.ask(party, "GET", "/v1/notifications", "");
        assert_eq!(status, 200);
        let list = answer["notifications"].as_array().unwrap().iter();
        list.map(|one| (one["row_id"].as_str().unwrap().into(), one["link_id"].as_str().unwrap().into())).collect()
    }

    /// Sends bytes as they are, and gives all that is answered until the other side closes.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // It may have answered and closed before it has read all.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn stop(mut self) -> TempDir {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

#[test]
fn those_who_hold_the_person_are_told_and_nobody_else() {
    let service = start(prepared(), |_| {});
    let (school, care) = (people("school", 1, 0..40), people("care", 2, 30..60));
    // 5: at school; 35: at both; 50: in care; 80: nowhere.
    let asked = people("police", 3, 0..90);
    let mut links = BTreeSet::new();
    let mut length = None;
    for person in [5, 35, 50, 80] {
        let row = asked.row_ids().iter().zip(0..).map(|(_, row)| row).find(|&row| {
            let own = people("police", 3, 0..90);
            dice(&own, row, &people("police", 9, person..person + 1), 0)
        });
        let (status, answer) = service.ask("police", "POST", "/v1/records", &json_of(&asked, row.unwrap()));
        assert_eq!(status, 202);
        // Nothing in the answer says whether there was a match.
        assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["link_id"]);
        let id = answer["link_id"].as_str().unwrap().to_owned();
        assert_eq!(*length.get_or_insert(id.len()), 32.max(id.len()));
        assert!(links.insert(id));
    }
    let row_of = |cohort: &Cohort, person: usize| {
        let wanted = people(cohort.party(), 9, person..person + 1);
        let row = (0..cohort.rows()).find(|&row| dice(cohort, row, &wanted, 0)).unwrap();
        cohort.row_ids()[row].to_string()
    };
    let (at_school, in_care) = (service.told("school"), service.told("care"));
    let rows = |told: &[(String, String)]| told.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>();
    assert_eq!(rows(&at_school), [row_of(&school, 5), row_of(&school, 35)]);
    assert_eq!(rows(&in_care), [row_of(&care, 35), row_of(&care, 50)]);
    // Two who put together what they were told cannot join it, and neither with the one who asked.
    for (_, link) in at_school.iter().chain(&in_care) {
        assert!(links.insert(link.clone()), "a link id was given twice");
    }
    assert!(service.told("police").is_empty());
    // What was told is still there after the service was stopped, until its party says that it has it.
    let again = start(service.stop(), |_| {});
    assert_eq!(again.told("school"), at_school);
    let (_, rest) = again.ask("school", "GET", "/v1/notifications?after=1", "");
    assert_eq!((rest["notifications"].as_array().unwrap().len(), rest["next"].as_u64()), (1, Some(2)));
    assert_eq!(rest["notifications"][0]["number"], 2);
    assert_eq!(again.told("school"), at_school[1..]);
    assert_eq!(again.told("care"), in_care);
    // That it has the first is remembered, and a number that was never told takes nothing away.
    let again = start(again.stop(), |_| {});
    assert_eq!(again.ask("school", "GET", "/v1/notifications?after=3", "").0, 422);
    assert_eq!(again.told("school"), at_school[1..]);
    let folder = again.stop();
    // Nothing of the records is in the journal.
    let journal = fs::read_to_string(folder.path().join("journal")).unwrap();
    let encoding: Value = serde_json::from_str(&json_of(&asked, 5)).unwrap();
    assert!(journal.lines().count() == 5 && !journal.contains(encoding["encodings"][0].as_str().unwrap()));
    assert!(asked.row_ids().iter().all(|id| !journal.contains(&id.to_string())));
}

/// The answer was lost, or somebody sent the file again.
#[test]
fn a_question_that_comes_again_has_its_answer_and_nobody_is_told_twice() {
    let service = start(prepared(), |_| {});
    let asked = json_of(&people("police", 3, 35..36), 0);
    let ask = |service: &Running| {
        let (status, answer) = service.ask("police", "POST", "/v1/records", &asked);
        assert_eq!(status, 202);
        answer["link_id"].as_str().unwrap().to_owned()
    };
    let first = ask(&service);
    let told = (service.told("school"), service.told("care"));
    assert_eq!((told.0.len(), told.1.len()), (1, 1));
    assert_eq!(ask(&service), first);
    assert_eq!((service.told("school"), service.told("care")), told);
    // Also after the service was started again; and a row that came since then is told, under the id of that person.
    let again = start(service.stop(), |_| {});
    assert_eq!(ask(&again), first);
    assert_eq!(again.told("school"), told.0);
    assert_eq!(again.ask("school", "PUT", "/v1/records", &json_of(&people("school", 7, 35..36), 0)).0, 201);
    assert_eq!(ask(&again), first);
    let now = again.told("school");
    assert_eq!((now.len(), &now[0], &now[1].1), (2, &told.0[0], &told.0[0].1));
    // The same person in another file of the asker's is another question, and another party's question too.
    let other = json_of(&people("police", 4, 35..36), 0);
    let (_, answer) = again.ask("police", "POST", "/v1/records", &other);
    assert_ne!(answer["link_id"], first);
    assert_eq!(again.told("care").len(), 2);
    let folder = again.stop();
    assert_eq!(fs::read_to_string(folder.path().join("journal")).unwrap().lines().count(), 5);
}

fn dice(a: &Cohort, row: usize, b: &Cohort, other: usize) -> bool {
    a.encodings()[0].row(row) == b.encodings()[0].row(other)
}

#[test]
fn rows_come_and_go() {
    let service = start(prepared(), |settings| settings.subscribers = vec!["school".into()]);
    let new = people("school", 7, 70..71);
    let asked = json_of(&people("police", 3, 70..71), 0);
    let ask = || assert_eq!(service.ask("police", "POST", "/v1/records", &asked).0, 202);
    ask();
    assert!(service.told("school").is_empty());
    assert_eq!(service.ask("school", "PUT", "/v1/records", &json_of(&new, 0)).0, 201);
    assert_eq!(service.ask("school", "PUT", "/v1/records", &json_of(&new, 0)).0, 409);
    ask();
    assert_eq!(service.told("school").len(), 1);
    // A party's rows are its own.
    let path = format!("/v1/records/{}", new.row_ids()[0]);
    assert_eq!(service.ask("care", "DELETE", &path, "").0, 404);
    assert_eq!(service.ask("school", "DELETE", &path, "").0, 200);
    assert_eq!(service.ask("school", "DELETE", &path, "").0, 404);
    assert_eq!(service.ask("school", "PUT", "/v1/records", &json_of(&new, 0)).0, 409);
    // Who was taken out is not told of any more, whatever was waiting.
    assert!(service.told("school").is_empty());
    ask();
    assert!(service.told("school").is_empty());
    // Who does not subscribe is not looked up; its own record does not find a party itself.
    let own = people("school", 8, 3..4);
    assert_eq!(service.ask("school", "POST", "/v1/records", &json_of(&own, 0)).0, 202);
    let care = people("police", 4, 45..46);
    assert_eq!(service.ask("police", "POST", "/v1/records", &json_of(&care, 0)).0, 202);
    assert!(service.told("care").is_empty() && service.told("school").is_empty());
    service.stop();
}

#[test]
fn malformed_requests_get_a_clear_answer() {
    let service = start(prepared(), |_| {});
    let cohort = people("police", 3, 0..3);
    let good = json_of(&cohort, 0);
    let value: Value = serde_json::from_str(&good).unwrap();
    let encoding = value["encodings"][0].as_str().unwrap().to_owned();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = value.clone();
        change(&mut value);
        value.to_string()
    };
    let foreign = json_of(&cohort_of_bits(&clk_of(512), "police", 1, &[vec![1]]), 0);
    let cases = [
        (400, String::new()),
        (400, "{".into()),
        (400, "[]".into()),
        (400, "\u{0}\u{ffff}".into()),
        (400, with(&|v| v["Smith"] = 1.into())),
        (400, with(&|v| v["row_id"] = 5.into())),
        (400, good[..good.len() - 1].into()),
        (403, with(&|v| v["party"] = "school".into())),
        (403, with(&|v| v["party"] = "Smith".into())),
        (409, foreign),
        (409, with(&|v| v["fingerprint"] = "f".repeat(64).into())),
        (409, with(&|v| v["key_check"] = "0123456789abcdef".into())),
        (413, with(&|v| v["row_id"] = "a".repeat(20_000).into())),
        (422, with(&|v| v["encodings"][0] = encoding[4..].into())),
        (422, with(&|v| v["encodings"][0] = format!("{}====", &encoding[4..]).into())),
        (422, with(&|v| v["encodings"][0] = "Smith".into())),
        (422, with(&|v| v["encodings"] = serde_json::json!([]))),
        (422, with(&|v| v["match_keys"] = serde_json::json!(["AAAA"]))),
        (422, with(&|v| v["row_id"] = "Smith".into())),
        (422, with(&|v| v["key_check"] = "Smith".into())),
    ];
    for (wanted, body) in &cases {
        for method in ["POST", "PUT"] {
            let (status, answer) = service.ask("police", method, "/v1/records", body);
            assert_eq!(status, *wanted, "{method} {body}: {answer}");
            assert_eq!(answer["status"], *wanted);
            let text = answer.to_string();
            assert!(!answer["detail"].as_str().unwrap().is_empty() && !text.contains("Smith"), "{text}");
            assert!(!text.contains(&encoding[4..30]), "{text}");
        }
    }
    for (wanted, method, path) in [
        (404, "GET", "/"),
        (404, "GET", "/v1/record"),
        (404, "POST", "/v1/records/"),
        (404, "GET", "/../etc/passwd"),
        (405, "GET", "/v1/records"),
        (405, "DELETE", "/v1/records"),
        (405, "POST", "/v1/notifications"),
        (405, "GET", "/v1/records/5"),
        (422, "DELETE", "/v1/records/Smith"),
        (404, "DELETE", "/v1/records/00000000000000000000000000000000"),
        (422, "GET", "/v1/notifications?after=Smith"),
        (422, "GET", "/v1/notifications?after=-1"),
        (422, "GET", "/v1/notifications?after=18446744073709551615"),
        (422, "GET", "/v1/notifications?after=1"),
        (200, "GET", "/v1/health"),
    ] {
        let (status, answer) = service.ask("police", method, path, "");
        assert_eq!(status, wanted, "{method} {path}");
        assert!(!answer.to_string().contains("Smith"));
    }
    for header in [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic cG9saWNlOnBvbGljZQ==\r\n",
        &format!("Authorization: Bearer {}x\r\n", token("police")),
        &format!("Authorization: Bearer {}\r\n", &token("police")[1..]),
        &format!("authorization: {}\r\n", token("police")),
    ] {
        for path in ["POST /v1/records", "PUT /v1/records", "GET /v1/notifications", "DELETE /v1/records/5"] {
            let answer =
                service.raw(format!("{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n").as_bytes());
            assert!(answer.starts_with("HTTP/1.1 401 "), "{header:?}: {answer}");
            assert!(answer.contains("application/problem+json"));
        }
    }
    // Chunks do not say how long they are altogether.
    let chunked = format!(
        "POST /v1/records HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: \
         chunked\r\n\r\n{}0\r\n\r\n",
        token("police"),
        format!("1000\r\n{}\r\n", "a".repeat(4096)).repeat(20)
    );
    assert!(service.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413 "));
    for garbage in [&b"\x16\x03\x01\x02\x00"[..], b"GET\r\n\r\n", b"POST /v1/records HTTP/9.9\r\n\r\n", &[0; 5000]] {
        let answer = service.raw(garbage);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // It is still well, and one connection takes one request after the other.
    let mut client = service.client("police");
    for _ in 0..3 {
        assert_eq!(client.request("POST", "/v1/records", "{").unwrap().0, 400);
        assert_eq!(client.request("POST", "/v1/records", &good).unwrap().0, 202);
    }
    service.stop();
}

#[test]
fn too_many_requests_are_told_to_wait() {
    let service = start(prepared(), |settings| settings.rate = 5.0);
    let ask = |party: &str| service.ask(party, "GET", "/v1/notifications", "").0;
    let statuses: Vec<u16> = (0..25).map(|_| ask("police")).collect();
    let allowed = statuses.iter().filter(|status| **status == 200).count();
    assert!((10..=14).contains(&allowed) && statuses[..10].iter().all(|status| *status == 200), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 429].contains(status)));
    assert_eq!(ask("school"), 200, "another party's limit is its own");
    let request = format!(
        "GET /v1/notifications HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        token("police")
    );
    let answer = service.raw(request.as_bytes()).to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 429 ") && answer.contains("retry-after: 1"), "{answer}");
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(ask("police"), 200);
    service.stop();
}

#[test]
fn who_is_slow_is_not_waited_for() {
    let service = start(prepared(), |settings| settings.timeout = Duration::from_millis(400));
    let begun = Instant::now();
    // Half a head, half a body, and nothing at all.
    let head = "POST /v1/records HTTP/1.1\r\nHost: a\r\n";
    let body = format!("{head}Authorization: Bearer {}\r\nContent-Length: 500\r\n\r\n{{", token("police"));
    for bytes in [head.as_bytes(), body.as_bytes(), b""] {
        let answer = service.raw(bytes);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 ") || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(service.ask("police", "GET", "/v1/notifications", "").0, 200);
    service.stop();
}

#[test]
fn many_ask_and_append_at_the_same_time() {
    let service = start(prepared(), |_| {});
    let asked = people("police", 3, 0..40);
    let more: Vec<Cohort> =
        (0..4).map(|i| people("school", 20 + i, 100 + usize::from(i) * 25..125 + usize::from(i) * 25)).collect();
    std::thread::scope(|scope| {
        for cohort in &more {
            scope.spawn(|| {
                let mut client = service.client("school");
                for row in 0..cohort.rows() {
                    assert_eq!(client.request("PUT", "/v1/records", &json_of(cohort, row)).unwrap().0, 201);
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = service.client("police");
                for row in 0..asked.rows() {
                    assert_eq!(client.request("POST", "/v1/records", &json_of(&asked, row)).unwrap().0, 202);
                }
            });
        }
    });
    // 40 people at school and 10 of them in care, asked for four times at once and told once.
    assert_eq!((service.told("school").len(), service.told("care").len()), (40, 10));
    let records: Vec<String> = (0..5).map(|row| json_of(&asked, row)).collect();
    let text = load::load(&service.url, &token("police"), &records, 3, Duration::from_millis(300)).unwrap();
    assert!(text.contains("202: ") && text.lines().count() == 2, "{text}");
    let folder = service.stop();
    assert_eq!(Index::open(folder.path().join("index"), &clk()).unwrap().rows(), 170);
}

#[test]
fn a_request_that_was_begun_is_finished() {
    let service = start(prepared(), |_| {});
    let asked = people("police", 3, 0..40);
    let url = service.url.clone();
    let asking = std::thread::spawn(move || {
        let mut client = Client::new(&url, &token("police")).unwrap();
        let mut done = 0;
        // Until the service closes the connection, between two requests.
        for row in (0..40).cycle() {
            match client.request("POST", "/v1/records", &json_of(&asked, row)) {
                Ok((status, _)) => assert_eq!(status, 202),
                Err(_) => break,
            }
            done += 1;
        }
        done
    });
    std::thread::sleep(Duration::from_millis(200));
    let folder = service.stop();
    let done = asking.join().unwrap();
    let written = fs::read_to_string(folder.path().join("journal")).unwrap().lines().count();
    assert!(done > 0 && (done..=done + 1).contains(&written), "{written} written, {done} answered");
}

#[test]
fn what_is_not_as_it_should_be_is_not_served() {
    let folder = prepared();
    let said = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(folder.path());
        change(&mut settings);
        Service::open(settings).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let write = |text: &str| {
        fs::write(folder.path().join("other"), text).unwrap();
        fs::set_permissions(folder.path().join("other"), PermissionsExt::from_mode(0o600)).unwrap();
        said(&|settings| settings.tokens = folder.path().join("other"))
    };
    assert!(write("police short\n").contains("line 1"));
    assert!(write("").contains("no token"));
    assert!(write(&format!("nobody {}\n", token("nobody"))).contains("no such party"));
    assert!(write(&format!("police {0}\nschool {0}\n", token("a"))).contains("line 2"));
    assert!(write(&format!("police {}\npolice {}\n", token("a"), token("b"))).contains("line 2"));
    assert!(!write(&format!("police {} more\n", token("secret"))).contains("secret"));
    fs::set_permissions(folder.path().join("other"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(said(&|settings| settings.tokens = folder.path().join("other")).contains("others can read it"));
    assert!(!said(&|settings| settings.subscribers = vec!["nobody".into()]).is_empty());
    assert!(!said(&|settings| settings.schema = Schema::from_toml(&CLK.replace("0.75", "0.7")).unwrap()).is_empty());
    assert!(!said(&|settings| settings.index = folder.path().join("nowhere")).is_empty());
    // A line of the journal that is whole and wrong is an error; one that was never finished is cut off.
    fs::write(folder.path().join("journal"), "{\"asker\": \"Smith\"}\n").unwrap();
    let damaged = said(&|_| {});
    assert!(damaged.contains("line 1") && !damaged.contains("Smith"));
    fs::write(folder.path().join("journal"), "{\"asker\": \"pol").unwrap();
    assert_eq!(said(&|_| {}), "");
    assert_eq!(fs::read(folder.path().join("journal")).unwrap(), b"");
}

/// The pilot of `docs/pilots/s4-notification.md`: who is told, beside the truth.
#[cfg(feature = "synth")]
#[test]
fn the_right_children_are_found_in_the_pilot() {
    let (mut found, mut right, mut all) = (0, 0, 0);
    for seed in 1..=6 {
        let (more, of_them, there) = told_in_pilot(seed);
        (found, right, all) = (found + more, right + of_them, all + there);
        println!("seed {seed}: {more} rows were found for 60 receptions, {of_them} of them right; {there} there are");
    }
    assert!(all > 200 && right * 100 >= 95 * found && right * 100 >= 85 * all, "{found} {right} {all}");
}

/// How many rows were told, how many of them rightly, and how many there are.
#[cfg(feature = "synth")]
fn told_in_pilot(seed: u64) -> (usize, usize, usize) {
    use std::collections::HashMap;

    let invented = invent::invent(3000, seed).unwrap();
    let schema = &invented.schema;
    let people = |place: usize| &invented.files[place].1;
    let cohort = |place: usize, party: &str| {
        let records: Vec<Record> =
            people(place).iter().map(|row| Record::new(row.id.clone(), row.values.clone())).collect();
        encoder(schema, party, place as u8)
            .release_small("invented people in a test")
            .unwrap()
            .encode(&records)
            .unwrap()
    };
    let encoded = [cohort(0, "education"), cohort(1, "social_care"), cohort(2, "prison"), cohort(3, "prison")];
    let linker = pprl::Linker::new(schema).least_weight(5.0);
    let model = IndexModel::learn(&linker, &encoded[2].cohort, &encoded[0].cohort).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let standing = [&encoded[0].cohort, &encoded[1].cohort];
    let index = Index::create(folder.path(), schema, &standing, &model).unwrap();
    let person = |place: usize, id: &str| people(place).iter().find(|row| row.id == id).unwrap().person.clone();
    // Row id to own id, and from there to the truth.
    let truth = |place: usize| -> HashMap<_, _> {
        encoded[place].row_map.entries().iter().map(|(row_id, id)| (*row_id, person(place, id))).collect()
    };
    let truths: Vec<HashMap<_, _>> = (0..4).map(truth).collect();
    let (mut found, mut right, mut all) = (0, 0, 0);
    let asked = &encoded[3].cohort;
    for (row, hits) in index.query(asked, &pprl::linkage::Ask::best(10)).unwrap().iter().enumerate() {
        let wanted = &truths[3][&asked.row_ids()[row]];
        all += truths[..2].iter().flat_map(HashMap::values).filter(|person| *person == wanted).count();
        found += hits.len();
        right += hits.iter().filter(|hit| truths[..2].iter().any(|of| of.get(&hit.row_id) == Some(wanted))).count();
    }
    (found, right, all)
}
