//! The library: errors in all their forms, what `Debug` shows of every public type, and what panics say.

use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pprl::audit::{Audit, Frequency, Graph, KnownPerson, Likelihood, Ridge, Row, guess};
use pprl::cohort::BitMatrix;
use pprl::evaluate::{
    Against, Bootstrap, Difficulty, LabelledSample, Truth, draw_for_review, plaintext, write_for_review,
};
use pprl::event_log::{Action, Event, EventLog};
use pprl::linkage::{Candidates, Checkpoint, Constraints, Groups, Lsh, MatchKeys, Member, assign};
use pprl::owner::{OptOutList, RarityList, RowMap, read_column, read_csv};
use pprl::schema::Assignment;
use pprl::seal::{Identity, PublicKey, Recipient, SigningKey, Trusted, is_sealed, open, seal};
use pprl::synth::{Options, Population};
use pprl::{Cohort, CsvOptions, Encoded, Encoder, Error, Linker, ProjectKey, Record, Schema};
use tempfile::TempDir;

use crate::clean;
use crate::helpers::everything_said;
use crate::markers::{Markers, hex};
use crate::people::{PEOPLE, csv, markers, person, secret};

/// Types that hold nothing of a person or of a key, and are not shown below: settings, words of a schema, times, counts,
/// names of files, and numbers of rows. Classes of rarity are in cohorts, whose own `Debug` is shown.
const HARMLESS: [&str; 37] = [
    "Assigned",
    "Balance",
    "Cancel",
    "Chance",
    "Checkpoint",
    "Completeness",
    "DatasetRange",
    "Deleted",
    "Disclosure",
    "Distinct",
    "DistinctEstimate",
    "Epsilon",
    "Figure",
    "Joined",
    "LinkErrors",
    "Markov",
    "Month",
    "Noise",
    "Page",
    "Pair",
    "Progress",
    "Published",
    "Rarity",
    "RarityColumn",
    "Rate",
    "Ratio",
    "Receipt",
    "Salt",
    "SchemaSignature",
    "Search",
    "Searched",
    "Table",
    "Term",
    "Timeline",
    "Timestamp",
    "Trial",
    "Window",
];

/// Shown by the test of errors.
const ERRORS: [&str; 3] = ["Error", "RowProblem", "SchemaProblem"];

/// What is invented here holds people who do not exist, for everybody to see.
const INVENTED: [&str; 13] = [
    "Adults",
    "AdultsOptions",
    "Carer",
    "ChildRecord",
    "MonthRow",
    "NameList",
    "Options",
    "Parent",
    "Payload",
    "PersonRow",
    "Population",
    "Rates",
    "TermRow",
];

/// Debug texts, and the types whose they are.
pub(crate) struct Shown {
    markers: Markers,
    all: String,
}

impl Shown {
    pub(crate) fn show<T: Debug>(&mut self, value: &T) {
        let name = std::any::type_name::<T>();
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            clean(&self.markers, &format!("Debug of {name}"), text.as_bytes());
            self.all.push_str(&text);
        }
        self.all.push_str(&format!(" {name} "));
    }
}

fn records() -> Vec<Record> {
    (0..PEOPLE)
        .map(|number| {
            let p = person(number);
            Record::new(p.id.clone(), p.values())
        })
        .collect()
}

fn key(name: &str) -> ProjectKey {
    ProjectKey::from_bytes(secret(name))
}

pub(crate) fn encoder(party: &str) -> Encoder {
    Encoder::new(&Schema::uk_person(), &key("project key"), party).unwrap().seed(secret("seed"))
}

struct Files(TempDir);

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }
}

#[test]
fn debug_shows_no_value_and_no_key() {
    let mut shown = Shown { markers: markers(), all: String::new() };
    let files = Files(tempfile::tempdir().unwrap());
    let schema = Schema::uk_person();
    let people = records();
    shown.show(&schema);
    shown.show(&people);
    shown.show(&key("project key"));

    // The owner's side.
    let list = encoder("police").opt_out_list(&people[..3]).unwrap();
    shown.show(&list);
    let encoder_of_all = encoder("police").opt_out(list).unwrap().decoys(5).strict(true);
    shown.show(&encoder_of_all);
    let encoded = [encoder_of_all.encode(&people).unwrap(), encoder("education").encode(&people).unwrap()];
    encoded.iter().for_each(|encoded| shown.show(encoded));
    let [police, education] = &encoded;
    shown.show(&police.row_map);
    shown.show(&police.quality);
    shown.show(&police.cohort);
    shown.show(&police.cohort.encodings());
    shown.show(&police.cohort.match_keys());
    shown.show(&police.cohort.row_ids());
    shown.show(&police.write(files.path("out")).unwrap());
    let names = files.write("names.csv", "name,count\nQuyzbornek,10\nZqxanthe,5\n");
    shown.show(&RarityList::read(&names).unwrap());
    shown.show(&CsvOptions::new().id_column("id").column("surname", "family"));
    let csv = files.write("people.csv", csv(|_, _| {}));
    shown.show(&read_csv(&csv, &schema, &CsvOptions::new()).unwrap());

    // Sealing, and the log.
    let identity = Identity::generate().unwrap();
    let signing = files.write("signing", format!("PPRL-SIGNING-KEY-1 {}\n", hex(&secret("signing key"))));
    let signing = SigningKey::from_path(signing).unwrap();
    shown.show(&identity);
    shown.show(&identity.recipient());
    shown.show(&signing);
    shown.show(&signing.public());
    let trusted = Trusted::new().party("police", signing.public());
    shown.show(&trusted);
    seal(&police.cohort, &identity.recipient(), &signing, files.path("sealed")).unwrap();
    shown.show(&open(files.path("sealed"), &identity, &trusted).unwrap());
    identity.write(files.path("identity")).unwrap();
    let text = fs::read_to_string(files.path("identity")).unwrap();
    assert!(!shown.all.contains(text.lines().last().unwrap()) && text.contains("AGE-SECRET-KEY-1"));
    let mut log = EventLog::open(files.path("log")).unwrap();
    let event =
        Event::new(Action::Link, "analyst").schema(&schema).cohort(&police.cohort).manifest(police.cohort.manifest());
    shown.show(&event);
    log.append(event).unwrap();
    shown.show(&log);
    shown.show(&EventLog::verify(files.path("log")).unwrap());

    // The linkage unit's side.
    let (a, b) = (&police.cohort, &education.cohort);
    let constraints = Constraints::new().pair(("police", a.row_ids()[0]), ("education", b.row_ids()[0]));
    shown.show(&constraints);
    let lsh = Lsh::for_cohorts(a, b, 0.1, 0.9).unwrap();
    shown.show(&lsh);
    shown.show(&lsh.between(a.encodings(), b.encodings()).unwrap());
    shown.show(&MatchKeys::new().between(a, b).unwrap());
    let candidates = Candidates::LshAndMatchKeys(lsh, MatchKeys::new());
    shown.show(&candidates.between(a, b).unwrap());
    shown.show(&candidates);
    let linker =
        Linker::new(&schema).seed([1; 32]).forbidden(constraints).checkpoint(Checkpoint::new(files.path("states")));
    shown.show(&linker);
    let links = linker.link(&[a, b]).unwrap();
    shown.show(&links);
    shown.show(&links.links());
    shown.show(&links.clusters());
    shown.show(&links.owner_table("police").unwrap());
    shown.show(&links.study_table());
    shown.show(&links.summary());
    let groups: String = a.row_ids().iter().map(|id| format!("{id},north\n")).collect();
    let groups = Groups::read_csv(files.write("groups.csv", format!("row_id,group\n{groups}"))).unwrap();
    shown.show(&groups);
    shown.show(&links.match_rates("police", &groups).unwrap());
    let report = links.report().with_groups(&links, "police", &groups).unwrap();
    shown.show(&report);
    clean(&shown.markers, "report.html", report.to_html().as_bytes());
    clean(&shown.markers, "report.json", report.to_json().as_bytes());
    shown.show(&linker.plan(&[a, b]).unwrap());
    let scored = linker.score(a, b).unwrap();
    shown.show(&scored);
    let assigned = assign(&scored.candidates, scored.threshold, Assignment::OneToOne);
    shown.show(&assigned);
    let loose = Linker::new(&schema).deduplicate(a).unwrap();
    shown.show(&loose);

    // Whoever holds both files and the truth.
    let order = |encoded: &Encoded| -> Vec<Record> {
        let of = |own: &String| people.iter().find(|p| p.id() == own);
        let entries = encoded.row_map.entries().iter();
        entries
            .map(|(_, own)| {
                of(own).map_or_else(
                    || Record::new("", vec![String::new(); 7]),
                    |p| Record::new(p.id(), p.values().to_vec()),
                )
            })
            .collect()
    };
    let rows = [order(police), order(education)];
    let entities = rows.each_ref().map(|rows| rows.iter().map(|r| r.id().to_owned()).collect::<Vec<String>>());
    let truth = Truth { a: &entities[0], b: Some(&entities[1]) };
    shown.show(&truth);
    let evaluation = truth.judge(&scored, Assignment::OneToOne);
    shown.show(&evaluation);
    let pairs = links.pairs("police", "education").unwrap();
    let bootstrap = Bootstrap::new(100, 0.95, 1).unwrap();
    shown.show(&bootstrap);
    shown.show(&truth.errors(&schema, &rows[0], Some(&rows[1]), &scored, pairs.clone()));
    shown.show(&truth.errors(
        &schema,
        &rows[0],
        Some(&rows[1]),
        &scored,
        pairs.iter().skip(9).map(|&(a, b)| (a, (b + 1) % 9)),
    ));
    let difficulty = Difficulty::of(&schema, &rows[0]);
    shown.show(&difficulty);
    shown.show(&truth.gaps(pairs.clone(), |a, _| a % 2, 5, Against::Others, &bootstrap));
    shown.show(&truth.intervals(pairs.clone(), &bootstrap));
    shown.show(&truth.compare(pairs.clone(), pairs.iter().copied().skip(3), &bootstrap));
    shown.show(&truth.curve(&scored, Assignment::OneToOne, 50));
    shown.show(&plaintext(&schema, &rows[0], Some(&rows[1])));
    let review = draw_for_review(&scored, 3, 3, 1);
    shown.show(&review);
    write_for_review(&review, a.row_ids(), b.row_ids(), files.path("review.csv")).unwrap();
    clean(&shown.markers, "review.csv", &fs::read(files.path("review.csv")).unwrap());
    let labels: String = review
        .iter()
        .map(|r| format!("{},{},1,{}\n", a.row_ids()[r.a as usize], b.row_ids()[r.b as usize], r.weight))
        .collect();
    let sample =
        LabelledSample::read_csv(files.write("labels.csv", format!("row_a,row_b,match,weight\n{labels}"))).unwrap();
    shown.show(&sample);
    shown.show(&sample.judge(&scored, a.row_ids(), Some(b.row_ids()), Assignment::OneToOne).unwrap());

    // Attacks: people by name, from lists of names.
    let attacked = Frequency::new().names("surname", &names).unwrap();
    shown.show(&attacked);
    shown.show(&attacked.attack(&schema, &people, education).unwrap());
    let likelihood = Likelihood::new().known(60).targets(20).listed(60);
    shown.show(&likelihood);
    shown.show(&likelihood.attack(&schema, &people, education).unwrap());
    let ridge = Ridge::new().known(60).targets(20).listed(60);
    shown.show(&ridge);
    shown.show(&ridge.attack(&schema, &people, education).unwrap());
    let graph = Graph::new().people(60).seeds(10);
    shown.show(&graph);
    shown.show(&graph.attack(&schema, &people, education).unwrap());
    let known = KnownPerson { record: &people[0], row: Row { cohort: a, row: 0 } };
    shown.show(&known);
    let audit = Audit::new().quick(true).names("surname", &names).unwrap().key_file(files.path("signing"));
    shown.show(&audit);
    let risk = audit.run(&schema, &people, education).unwrap();
    shown.show(&risk);
    clean(&shown.markers, "risk report", (risk.to_json() + &risk.to_html() + &risk.to_string()).as_bytes());
    shown.show(&risk.write(files.path("risk")).unwrap());
    shown.show(&audit.outliers(&schema, &people, education).unwrap());

    crate::clkhash::show(&mut shown);
    crate::research::show(&mut shown, a, &people);

    // No public type has been forgotten.
    let mut missing = Vec::new();
    for name in public_types() {
        let there = word(&shown.all, &name);
        let excused = [&HARMLESS[..], &ERRORS, &INVENTED].concat().contains(&name.as_str());
        if !there && !excused {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "show these, or say why not: {missing:?}");
}

/// Whether a name stands in a text, and not as a part of a longer one.
fn word(text: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
}

/// The names of all public structures; enumerations are words without values, but for errors.
fn public_types() -> Vec<String> {
    fn walk(folder: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, names);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let lines = text.lines().filter_map(|line| line.strip_prefix("pub struct "));
                names.extend(lines.map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()));
            }
        }
    }
    let mut names = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    names.sort();
    names.dedup();
    assert!(names.len() > 80 && names.contains(&"OptOutList".to_owned()), "{names:?}");
    names
}

/// Every reader over files that are none of its own, and over some that nearly are.
#[test]
fn errors_show_no_value_and_no_key() {
    let markers = markers();
    let files = Files(tempfile::tempdir().unwrap());
    let schema = Schema::uk_person();
    let mut errors = 0;
    let mut check = |place: &str, result: Result<(), Error>| {
        if let Err(error) = result {
            errors += 1;
            clean(&markers, place, everything_said(&error).as_bytes());
        }
    };
    let encoded = encoder("police").encode(&records()).unwrap();
    let row_map = &encoded.row_map;
    row_map.write_csv(files.path("rows")).unwrap();
    encoder("police").opt_out_list(&records()).unwrap().write(files.path("list")).unwrap();
    let mut contents: Vec<(String, Vec<u8>)> =
        crate::programs::broken().into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
    let id = "0123456789abcdef0123456789abcdef";
    for (name, text) in [
        ("people", csv(|_, _| {})),
        ("dirty", crate::programs::dirty()),
        ("toml", "[project]\nid = \"Quyzbornek\"\nother = 1987-06-11\n[[field]]\nname = \"ZQXID-1\"\nkind = \"Quyzbornek\"\n".into()),
        ("cut toml", "version = 1\n[project]\nid = \"Quyzbornek".into()),
        ("json", "{\"manifest\":{\"project\":\"Quyzbornek\",\"Zqxanthe\":1},\"ZQXID-0001\":[]}".into()),
        ("rows again", format!("row_id,record_id\n{id},ZQXID-0001\nZQXID-0002,Quyzbornek\n")),
        ("decoys", format!("row_id,record_id,decoy\n{id},ZQXID-0001,Zqxanthe\n")),
        ("linked", format!("row_id,link_id\n{id},ZQXID-0001\n")),
        ("groups", format!("row_id,group\n{id},Zqxanthe\n{id},Quyzbornek\nZQXID-1,x\n")),
        ("pairs", format!("party_a,row_a,party_b,row_b\nQuyzbornek,{id},Zqxanthe,ZQXID-0001\n")),
        ("labels", format!("row_a,row_b,match,weight\n{id},{id},Quyzbornek,1987-06-11\nZQXID-1,{id},1,Zqxanthe\n")),
        ("list of names", "name,count\nQuyzbornek,1987-06-11\nZqxanthe,\n".into()),
        ("list of weights", "surname,weight\nQuyzbornek,ZQ7 4QX\n".into()),
        ("postcodes", "postcode\nZQX-NOWHERE\n".into()),
        ("event", "{\"version\":1,\"actor\":\"Quyzbornek\",\"Zqxanthe\":1}\n".into()),
        ("key", hex(&secret("project key"))),
        ("half a key", hex(&secret("project key"))[..40].to_owned()),
        ("key and more", hex(&secret("project key")) + "Quyzbornek"),
        ("signing", format!("PPRL-SIGNING-KEY-1 {}\n", hex(&secret("signing key")))),
        ("signing, cut", format!("PPRL-SIGNING-KEY-1 {}\n", &hex(&secret("signing key"))[..50])),
        ("identity", format!("AGE-SECRET-KEY-1{}\n", hex(&secret("signing key")).to_uppercase())),
        ("age", "age-encryption.org/v1\n-> X25519 Quyzbornek\nZqxanthe\n--- 1987-06-11\nZQ7 4QX".into()),
    ] {
        contents.push((name.to_owned(), text.into_bytes()));
    }
    for made in ["rows", "list"] {
        contents.push((format!("made {made}"), fs::read(files.path(made)).unwrap()));
    }
    let identity = Identity::generate().unwrap();
    for (name, content) in contents {
        let path = &files.write("file", &content);
        let text = String::from_utf8_lossy(&content).into_owned();
        let own = CsvOptions::new().id_column("record_id");
        let none = || {
            Population::generate(&Options {
                children: 5,
                cohort: 1,
                surnames: Some(path.clone()),
                ..Options::default()
            })
        };
        let also = || {
            Population::generate(&Options {
                children: 5,
                cohort: 1,
                forenames: Some(path.clone()),
                ..Options::default()
            })
        };
        let where_from = || {
            Population::generate(&Options {
                children: 5,
                cohort: 1,
                postcodes: Some(path.clone()),
                ..Options::default()
            })
        };
        for (reader, result) in [
            ("schema", Schema::from_path(path).map(drop)),
            ("schema text", Schema::from_toml(&text).map(drop)),
            ("cohort", Cohort::read(path).map(drop)),
            ("cohort text", Cohort::from_json(&content).map(drop)),
            ("people", encoder("police").encode_csv(path).map(drop)),
            ("people with ids", encoder("police").encode_csv_with(path, &own).map(drop)),
            ("strict", encoder("police").strict(true).encode_csv_with(path, &own).map(drop)),
            (
                "records",
                read_csv(path, &schema, &own).and_then(|r| encoder("police").strict(true).encode(&r)).map(drop),
            ),
            ("opt-out", read_csv(path, &schema, &own).and_then(|r| encoder("police").opt_out_list(&r)).map(drop)),
            ("column", read_column(path, "who", &own).map(drop)),
            (
                "opt-out list",
                OptOutList::read(path)
                    .and_then(|l| Encoder::new(&schema, &key("other project key"), "police")?.opt_out(l))
                    .map(drop),
            ),
            ("rarity", RarityList::read(path).map(drop)),
            ("names", Frequency::new().names("surname", path).map(drop)),
            ("row map", RowMap::read_csv(path).map(drop)),
            ("linked", row_map.write_linked_csv(path, files.path("linked")).map(drop)),
            (
                "constraints",
                Constraints::read_csv(path)
                    .and_then(|c| Linker::new(&schema).known(c).deduplicate(&encoded.cohort))
                    .map(drop),
            ),
            ("groups", Groups::read_csv(path).and_then(|g| g.check(&encoded.cohort))),
            ("labels", LabelledSample::read_csv(path).map(drop)),
            ("log", EventLog::verify(path).map(drop)),
            ("repair", EventLog::repair(path, "analyst", "test").map(drop)),
            ("key", ProjectKey::from_path(path).map(drop)),
            ("seed", encoder("police").seed_file(path).map(drop)),
            ("signing key", SigningKey::from_path(path).map(drop)),
            ("identity", Identity::from_path(path).map(drop)),
            ("public key", PublicKey::from_path(path).map(drop)),
            ("public key text", text.parse::<PublicKey>().map(drop)),
            ("recipient", Recipient::from_path(path).map(drop)),
            ("recipient text", text.parse::<Recipient>().map(drop)),
            ("sealed", open(path, &identity, &Trusted::new()).map(drop)),
            ("is sealed", is_sealed(path).map(drop)),
            ("surnames", none().map(drop)),
            ("forenames", also().map(drop)),
            ("postcodes", where_from().map(drop)),
        ] {
            check(&format!("{reader} from {name}"), result);
        }
    }
    // What does not come from a file.
    let wrong = [
        vec![],
        vec!["Quyzbornek".to_owned()],
        person(1).values().into_iter().chain(["Zqxanthe".to_owned()]).collect(),
        vec![
            "Zqxanthe".repeat(500),
            String::new(),
            "1987-02-30".into(),
            "M".into(),
            "ZQX-NOWHERE".into(),
            "ZQX-NUMBER".into(),
            String::new(),
        ],
    ];
    for values in wrong {
        let people = || [Record::new("ZQXID-1", values.clone())];
        check("encode", encoder("police").strict(true).encode(&people()).map(drop));
        check("encode with decoys", encoder("police").decoys(3).encode(&people()).map(drop));
        check("opt-out list", encoder("police").opt_out_list(&people()).map(drop));
        check("audit", Audit::new().quick(true).run(&schema, &people(), &encoded).map(drop));
        check("attack", Likelihood::new().attack(&schema, &people(), &encoded).map(drop));
    }
    let twice: Vec<Record> = [1, 1].map(|n| Record::new("ZQXID-1", person(n).values())).into();
    check("audit", Audit::new().run(&schema, &twice, &encoded).map(drop));
    check("party", Encoder::new(&schema, &key("project key"), "nobody").map(drop));
    check("noise", encoder("police").noise(&key("noise key")).map(drop));
    assert!(errors > 900, "{errors} errors were searched");
}

/// What a program that uses the library wrongly finds in its log.
#[test]
fn panics_show_no_value() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let markers = markers();
    let schema = Schema::uk_person();
    let people = records();
    let [a, b] = ["police", "education"].map(|party| encoder(party).encode(&people).unwrap());
    let links = Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
    let scored = Linker::new(&schema).score(&a.cohort, &b.cohort).unwrap();
    let who: Vec<String> = people.iter().map(|person| person.id().to_owned()).collect();
    let few = [Record::new("ZQXID-1", vec!["Zqxanthe".into()]), Record::new("ZQXID-2", vec![])];
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| SAID.lock().unwrap().push(format!("{info} {info:?}"))));
    let mut panicked = 0;
    let mut wrongly = |work: &dyn Fn()| panicked += usize::from(catch_unwind(AssertUnwindSafe(work)).is_err());
    let far = u32::MAX;
    wrongly(&|| panic!("{}", "a panic is heard"));
    wrongly(&|| assert!(links.row_id(Member { cohort: 0, row: far }).0.len() == 16));
    wrongly(&|| assert!(links.row_id(Member { cohort: 9, row: 0 }).0.len() == 16));
    wrongly(&|| drop(a.cohort.encodings()[0].row(far as usize).to_vec()));
    wrongly(&|| drop(a.cohort.encodings()[0].bytes(far as usize)));
    wrongly(&|| drop(BitMatrix::zeros(1, 0)));
    wrongly(&|| assert!(Truth { a: &who, b: None }.is_match(far, 0)));
    wrongly(&|| drop(Truth { a: &who[..3], b: None }.judge(&scored, Assignment::OneToOne)));
    wrongly(&|| drop(Truth { a: &who, b: None }.errors(&schema, &few, None, &scored, [(0, 1), (far, 1)])));
    wrongly(&|| drop(Difficulty::of(&schema, &few)));
    wrongly(&|| drop(plaintext(&schema, &few, None)));
    wrongly(&|| drop(encoder("police").encode(&few)));
    wrongly(&|| drop(encoder("police").opt_out_list(&few)));
    wrongly(&|| drop(Audit::new().quick(true).run(&schema, &few, &a)));
    wrongly(&|| drop(Graph::new().attack(&schema, &few, &a)));
    wrongly(&|| drop(Ridge::new().attack(&schema, &few, &a)));
    let row = Row { cohort: &a.cohort, row: far as usize };
    wrongly(&|| drop(guess(&schema, &[KnownPerson { record: &people[0], row }], &[row], &[&few[0]])));
    wrongly(&|| drop(guess(&schema, &[KnownPerson { record: &few[0], row: Row { row: 0, ..row } }], &[], &[&few[1]])));
    std::panic::set_hook(before);
    let said = SAID.lock().unwrap().join("\n");
    assert!(said.contains("a panic is heard") && panicked > 5, "{panicked} panics");
    clean(&markers, "panics", said.as_bytes());
}
