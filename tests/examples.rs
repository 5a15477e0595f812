//! The examples as programs: exit status, what they write, what they leave alone, and that no value of a record is on
//! the screen.
#![cfg(all(feature = "anonlink", feature = "audit", feature = "clkhash", feature = "evaluate", feature = "synth"))]
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pprl::synth::{Agency, Options, Population};
use tempfile::TempDir;

const UK_PERSON: &str = include_str!("../examples/schemas/uk_person.toml");

/// Builds the examples as this test was built, and says where they are. `cargo test --test examples` alone would not.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let folder = test.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
        let profile = folder.file_name().and_then(|name| name.to_str()).expect("profiles have names");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--examples", "--all-features"])
            .args(["--profile", if profile == "debug" { "dev" } else { profile }])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .arg("--target-dir")
            .arg(folder.parent().expect("profiles are in a target folder"))
            .status();
        assert!(built.expect("cargo runs").success(), "the examples build");
        folder.join("examples")
    })
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let program = programs().join(program).with_extension(std::env::consts::EXE_EXTENSION);
    Command::new(program).args(arguments).output().expect("the program starts")
}

/// Runs a program that must succeed, and gives its stdout.
fn succeed(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    out
}

/// Runs a program that must fail with this status, and gives its stderr, which must hold none of the values.
fn fail(program: &str, arguments: &[&str], status: i32, values: &[&str]) -> String {
    let output = run(program, arguments);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(status), "{program} {arguments:?}: {out}{err}");
    assert!(err.starts_with("error: ") && !err.contains("panicked"), "{err}");
    assert_eq!(out, "", "nothing is said on stdout");
    for value in values {
        assert!(!err.contains(value), "{value} is in: {err}");
    }
    err
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("programs write UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

/// A folder for one test, with the schema and a key in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().expect("there is a place for temporary files"));
        fs::write(place.0.path().join("schema.toml"), UK_PERSON).expect("writes");
        place
    }

    fn with_key() -> Self {
        let place = Place::new();
        succeed("encode", &["keygen", &place.path("project.key")]);
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("paths are UTF-8 here").to_owned()
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("writes");
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// Everything in the folder and below.
    fn files(&self, folder: &str) -> BTreeSet<String> {
        let mut files = BTreeSet::new();
        let mut folders = vec![(self.0.path().join(folder), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the folder is there") {
                let path = entry.expect("is listed").path();
                let name = format!("{prefix}{}", path.file_name().expect("has a name").display());
                if path.is_dir() {
                    folders.push((path, name + "/"));
                } else {
                    files.insert(name);
                }
            }
        }
        files
    }

    fn encode(&self, party: &str, people: &str, out: &str, more: &[&str]) -> Vec<String> {
        let (schema, key, out) = (self.path("schema.toml"), self.path("project.key"), self.path(out));
        let arguments =
            ["run", "--schema", &schema, "--key", &key, "--party", party, "--in", &self.path(people), "--out", &out];
        let reasons = ["--release-small", "invented people in a test", "--no-audit", "invented people in a test"];
        let arguments = [&arguments[..], &reasons].concat();
        arguments.iter().chain(more).map(|&argument| argument.to_owned()).collect()
    }
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn population() -> Population {
    Population::generate(&Options { seed: 3, children: 300, cohort: 60, ..Options::default() }).expect("generates")
}

/// The files of all agencies, and the same with the truth in a column.
fn write_agencies(place: &Place) {
    let population = population();
    for agency in Agency::ALL {
        population.write_csv(agency, &place.0.path().join(format!("{}.csv", agency.name()))).expect("writes");
        let mut known = "record_id,forename,surname,date_of_birth,sex,postcode,nhs_number,upn,who,origin\n".to_owned();
        for r in population.records(agency) {
            let values = [
                &r.record_id,
                &r.forename,
                &r.surname,
                &r.date_of_birth,
                &r.sex,
                &r.postcode,
                &r.nhs_number,
                &r.upn,
                &r.person_id,
                r.origin,
            ];
            known += &(values.join(",") + "\n");
        }
        place.write(&format!("{}_known.csv", agency.name()), &known);
    }
}

#[test]
fn help_is_plain_and_usage_errors_have_their_own_status() {
    for program in [
        "encode",
        "evaluate",
        "link",
        "log",
        "longitudinal_study",
        "national_counts",
        "privacy_table",
        "seal",
        "three_agencies",
        "tune",
    ] {
        let help = succeed(program, &["--help"]);
        assert!(help.contains(program) && help.lines().count() > 10, "{help}");
        assert!(fail(program, &["--colour"], 2, &[]).contains("--help"));
    }
    // A status of 2 is a verdict there.
    assert!(succeed("audit", &["--help"]).contains("--csv"));
    assert!(fail("audit", &["--colour"], 1, &[]).contains("--help"));
    assert!(succeed("encode", &["run", "--help"]).contains("--party"));
    fail("encode", &[], 2, &[]);
    fail("encode", &["decode"], 2, &[]);
    fail("encode", &["keygen"], 2, &[]);
    fail("encode", &["check", "--in", "x"], 2, &[]);
    fail("encode", &["run", "--delimiter", "::"], 2, &[]);
    fail("encode", &["run", "--column", "forename"], 2, &[]);
    fail("evaluate", &["--threads", "many"], 2, &[]);
    fail("evaluate", &["--a", "x.csv", "--truth", "who"], 2, &[]);
    fail("three_agencies", &["--police", "x.csv"], 2, &[]);
    fail("tune", &["--csv", "x.csv"], 2, &[]);
    fail("tune", &["--schema", "x.toml", "--csv", "x.csv", "--partner", "friends"], 2, &[]);
    fail("tune", &["--schema", "x.toml", "--csv", "x.csv", "--overlap", "0"], 2, &[]);
    fail("three_agencies", &["--truth", "who"], 2, &[]);
    fail("privacy_table", &["--a", "x.csv"], 2, &[]);
    fail("privacy_table", &["--only", "nothing"], 2, &[]);
    let place = Place::new();
    fail("link", &["--schema", &place.path("schema.toml"), "--out", &place.path("links"), "one"], 2, &[]);
    assert_eq!(place.files(""), set(&["schema.toml"]));
}

#[test]
fn a_key_is_made_once_and_checked() {
    let place = Place::with_key();
    let (schema, key) = (place.path("schema.toml"), place.path("project.key"));
    let digits = place.read("project.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&key).expect("is there").permissions().mode() & 0o777, 0o600);
    }
    fail("encode", &["keygen", &key], 1, &[digits.trim()]);
    assert_eq!(place.read("project.key"), digits, "a key is never overwritten");

    let said = succeed("encode", &["check", "--schema", &schema, "--key", &key]);
    assert!(said.contains(pprl::Schema::uk_person().fingerprint()) && said.contains("key check value"), "{said}");
    assert!(!said.contains(digits.trim()));
    fail("encode", &["check", "--schema", &schema, "--key", &schema], 1, &[]);
}

#[test]
fn owners_encode_and_the_unit_links() {
    let place = Place::with_key();
    write_agencies(&place);
    for agency in Agency::ALL {
        let party = agency.name();
        let arguments = place.encode(party, &format!("{party}.csv"), party, &["--id-column", "record_id"]);
        let output = run("encode", &strs(&arguments));
        let (out, err) = texts(&output);
        assert!(output.status.success(), "{err}");
        assert!(out.contains("Send") && out.contains("Keep") && err.contains("placeholder"), "{out}{err}");
        let (send, keep) = (format!("{party}.cohort.json"), format!("{party}.rows.csv"));
        assert_eq!(place.files(party), set(&[&send, &keep]));
        let cohort = place.read(&format!("{party}/{send}"));
        for record in population().records(agency) {
            assert!(!cohort.contains(&format!("\"{}\"", record.record_id)), "own ids do not leave");
        }
        // What was sent is not made again: the row map would no longer fit.
        let before = place.read(&format!("{party}/{keep}"));
        fail("encode", &strs(&arguments), 1, &[]);
        assert_eq!(place.read(&format!("{party}/{keep}")), before);
    }

    let (schema, out) = (place.path("schema.toml"), place.path("links"));
    let cohorts =
        ["police", "social_care", "education"].map(|party| place.path(&format!("{party}/{party}.cohort.json")));
    let [police, social_care, education] = &cohorts;
    let said = succeed("link", &["--schema", &schema, "--out", &out, police, social_care, education]);
    let files = [
        "links.csv",
        "police.links.csv",
        "social_care.links.csv",
        "education.links.csv",
        "study.csv",
        "summary.txt",
        "report.html",
    ];
    assert_eq!(place.files("links"), set(&files));
    assert!(said.contains("Counts below 10 are not shown"), "{said}");
    assert!(place.read("links/links.csv").lines().count() > 10);
    assert_eq!(place.read("links/police.links.csv").lines().count(), 61, "unlinked rows of the police are findings");

    // The report is a page for those who use the links, with no row in it; groups come in when they are asked for.
    let report = place.read("links/report.html");
    let ids: Vec<String> = ["links/police.links.csv", "links/study.csv"]
        .iter()
        .flat_map(|file| {
            place
                .read(file)
                .lines()
                .skip(1)
                .flat_map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        })
        .filter(|id| id.len() == 32)
        .collect();
    assert!(ids.len() > 100 && !ids.iter().any(|id| report.contains(id.as_str())), "{}", ids.len());
    assert!(report.contains("<h2>police and social_care</h2>") && report.ends_with("</html>\n"));
    assert!(!report.contains("by group"));
    let rows = place.read("police/police.rows.csv");
    let table = |group: &str| -> String {
        let rows = rows.lines().skip(1).filter_map(|line| line.split(',').next());
        "row_id,group\n".to_owned() + &rows.map(|id| id.to_owned() + "," + group + "\n").collect::<String>()
    };
    let groups = format!("police={}", place.write("groups.csv", &table("borough")));
    succeed("link", &["--schema", &schema, "--out", &place.path("grouped"), "--groups", &groups, police, social_care]);
    let grouped = place.read("grouped/report.html");
    assert!(grouped.contains("Who of police is linked, by group") && grouped.contains("<td>borough</td>"));
    for (wrong, status) in [
        (format!("school={}", place.path("groups.csv")), 2),
        ("police".to_owned(), 2),
        (format!("social_care={}", place.path("groups.csv")), 1),
        (format!("police={}", place.write("long.csv", &table(&"CANARY".repeat(20)))), 1),
    ] {
        let arguments = ["--schema", &schema, "--out", &place.path("none"), "--groups", &wrong, police, social_care];
        fail("link", &arguments, status, &["CANARY"]);
    }

    // Neither a folder with something in it nor anything else is written over.
    fail("link", &["--schema", &schema, "--out", &out, police, education], 1, &[]);
    fail("link", &["--schema", &schema, "--out", &schema, police, education], 1, &[]);
    assert_eq!(place.read("schema.toml"), UK_PERSON);

    // One cohort twice, one cut short, one that is none.
    let cut = place.read("police/police.cohort.json");
    let cut = place.write("cut.json", &cut[..cut.len() / 2]);
    for wrong in [police, &cut, &schema] {
        fail("link", &["--schema", &schema, "--out", &place.path("none"), police, wrong], 1, &[]);
    }
    assert!(!Path::new(&place.path("none")).exists());

    succeed("link", &["--schema", &schema, "--out", &place.path("twins"), "--dedup", education]);
    assert_eq!(
        place.files("twins"),
        set(&["links.csv", "education.links.csv", "study.csv", "summary.txt", "report.html"])
    );
    assert!(hidden(&place).is_empty(), "nothing half-written is left");
}

/// A run that is killed again and again, at any moment, and started again each time: the same bytes as a run that is not.
#[test]
fn a_killed_run_goes_on() {
    let place = Place::with_key();
    // Several units of work: 4,096 by 8,192 rows of the default schema.
    let options = Options { seed: 5, children: 11_000, cohort: 0, social_care_share: 10_000, ..Options::default() };
    let population = Population::generate(&options).expect("generates");
    for agency in [Agency::SocialCare, Agency::Education] {
        let party = agency.name();
        population.write_csv(agency, &place.0.path().join(format!("{party}.csv"))).expect("writes");
        succeed("encode", &strs(&place.encode(party, &format!("{party}.csv"), party, &["--id-column", "record_id"])));
    }
    let cohorts = ["social_care", "education"].map(|party| place.path(&format!("{party}/{party}.cohort.json")));
    let schema = place.path("schema.toml");
    let arguments = |checkpoint: &str, out: &str| {
        let mut arguments = vec!["--schema".to_owned(), schema.clone(), "--out".to_owned(), place.path(out)];
        arguments.extend(["--checkpoint".to_owned(), place.path(checkpoint), "--checkpoint-every".to_owned()]);
        arguments.extend(["0".to_owned()].into_iter().chain(cohorts.clone()));
        arguments
    };
    let link = programs().join("link").with_extension(std::env::consts::EXE_EXTENSION);
    // Gives whether the run was done before it was killed.
    let run_until = |checkpoint: &str, out: &str, stop: &dyn Fn(Duration) -> bool| {
        let mut command = Command::new(&link);
        command.args(arguments(checkpoint, out)).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("it can be waited for") {
                assert!(status.success(), "a run that goes on succeeds");
                return true;
            }
            if stop(start.elapsed()) {
                child.kill().expect("it can be killed");
                child.wait().expect("it ends");
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    };

    // Both runs with the same ids, as a run that is started again has those of the one before.
    for folder in ["killed", "whole"] {
        fs::create_dir(place.path(folder)).expect("makes a folder");
        fs::write(place.path(&format!("{folder}/seed.state")), [9; 32]).expect("writes");
    }
    // Killed as soon as there is something to go on from.
    let begun = |_| place.files("killed").iter().any(|file| file.starts_with("pair"));
    assert!(!run_until("killed", "links", &begun), "the run is too short to be killed");
    // A run that nobody disturbs.
    let start = Instant::now();
    assert!(run_until("whole", "expected", &|_| false));
    let whole = start.elapsed();

    // The moments: a different part of a whole run each time, and never so short that nothing could ever be done.
    let mut kills = 0u32;
    loop {
        let time = whole.mul_f64(0.2 + f64::from(kills * 37 % 50) / 100.0);
        if run_until("killed", "links", &|elapsed| elapsed >= time) {
            break;
        }
        kills += 1;
        assert!(kills < 200, "a run that is started again gets further");
        assert!(!Path::new(&place.path("links")).exists(), "links are there whole or not at all");
    }
    let files = place.files("links");
    assert_eq!(files, place.files("expected"));
    for file in files {
        let read = |folder: &str| fs::read(place.path(&format!("{folder}/{file}"))).expect("the file is there");
        assert!(read("links") == read("expected"), "{file}");
    }
    for folder in ["killed", "whole"] {
        assert!(!Path::new(&place.path(folder)).exists(), "a run that is done removes its states");
    }
}

/// Files that somebody would have made and not removed.
fn hidden(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.0.path()).expect("is there");
    let names = entries.map(|entry| entry.expect("is listed").file_name().display().to_string());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn bad_people_leave_nothing_behind_and_are_not_quoted() {
    const HEADER: &str = "forename,surname,date_of_birth,sex,postcode\n";
    let place = Place::with_key();
    let person = "Quillon,Varnapurth,2011-07-09,F,ZE1 0AA";
    let values = ["Quillon", "Varnapurth", "ZE1 0AA"];
    let cases = [
        ("empty.csv", String::new()),
        ("header_only.csv", HEADER.to_owned()),
        ("no_header.csv", format!("{person}\n{person}\n")),
        ("ragged.csv", format!("{HEADER}{person}\n{person},more\n")),
        ("no_column.csv", format!("{}{person}\n", HEADER.replace("surname", "name"))),
        ("misread.csv", HEADER.to_owned() + &"Quillon,Varnapurth,13/13/2011,F,ZE1 0AA\n".repeat(12)),
    ];
    for (name, content) in &cases {
        place.write(name, content);
        let err = fail("encode", &strs(&place.encode("police", name, "out", &[])), 1, &values);
        assert!(err.contains(name), "{err}");
    }
    place.write("good.csv", &format!("{HEADER}{person}\n"));
    place.write("dirty.csv", &format!("{HEADER}{person}\nQuillon,Varnapurth,2011-02-30,F,ZE1 0AA\n"));
    fail("encode", &strs(&place.encode("police", "dirty.csv", "out", &["--strict"])), 1, &values);
    fail("encode", &strs(&place.encode("prison", "good.csv", "out", &[])), 1, &values);
    fail(
        "encode",
        &strs(&place.encode("police", "good.csv", "out", &["--opt-out", &place.path("good.csv")])),
        1,
        &values,
    );
    fail("encode", &strs(&place.encode("police", "good.csv", "out", &["--column", "shoe_size=surname"])), 1, &values);
    fail("encode", &strs(&place.encode("police", "good.csv", "good.csv", &[])), 1, &values);
    fail("encode", &strs(&place.encode("police", "no_such.csv", "out", &[])), 1, &values);
    assert!(!Path::new(&place.path("out")).exists());
    assert!(hidden(&place).is_empty());

    // A cohort that cannot be written takes its row map with it, and leaves what was there before.
    fs::create_dir_all(place.path("blocked/police.cohort.json")).expect("creates");
    fail("encode", &strs(&place.encode("police", "good.csv", "blocked", &[])), 1, &values);
    assert!(place.files("blocked").is_empty());

    // The same as the good file, with other headers and semicolons.
    place.write("other.csv", "Vorname;surname;date_of_birth;sex;postcode\nQuillon;Varnapurth;2011-07-09;F;ZE1 0AA\n");
    let more = ["--column", "forename=Vorname", "--delimiter", ";"];
    succeed("encode", &strs(&place.encode("police", "other.csv", "out", &more)));
    succeed("encode", &strs(&place.encode("police", "dirty.csv", "dirty", &[])));
}

#[test]
fn a_schema_with_rarity_wants_its_list() {
    const HEADER: &str = "forename,surname,date_of_birth,sex,postcode\n";
    let place = Place::with_key();
    place.write("good.csv", &format!("{HEADER}Quillon,Varnapurth,2011-07-09,F,ZE1 0AA\n"));
    let list = place.write("names.csv", "name,count\nVarnapurth,7\nWimblethorp,3\n");
    let digest = pprl::owner::RarityList::read(&list).expect("is a list").sha256().to_owned();
    let rarity = format!(
        "\n[privacy]\naccept_risk = \"invented people in a test\"\n[[rarity]]\nfield = \"surname\"\nlist_sha256 = \"{digest}\"\n"
    );
    place.write("schema.toml", &(UK_PERSON.to_owned() + &rarity));
    let said =
        succeed("encode", &["check", "--schema", &place.path("schema.toml"), "--key", &place.path("project.key")]);
    assert!(said.contains(&digest) && said.contains("the rarity of surname"), "{said}");

    let values = ["Quillon", "Varnapurth", "Wimblethorp"];
    let encode = |more: &[&str]| place.encode("police", "good.csv", "out", more);
    let err = fail("encode", &strs(&encode(&[])), 1, &values);
    assert!(err.contains("surname") && err.contains(&digest), "{err}");
    let other = place.write("other.csv", "name,count\nVarnapurth,7\n");
    let err = fail("encode", &strs(&encode(&["--rarity", &format!("surname={other}")])), 1, &values);
    assert!(err.contains("other.csv") && err.contains(&digest), "{err}");
    fail("encode", &strs(&encode(&["--rarity", &list])), 2, &values);
    succeed("encode", &strs(&encode(&["--rarity", &format!("surname={list}")])));
    assert!(place.read("out/police.cohort.json").contains("\"rarity\": {\n\"surname\": \"0\"}"));
}

#[test]
fn a_hardened_schema_wants_a_key_and_a_list() {
    let place = Place::with_key();
    place.write("good.csv", "pername1,pername2,dob,postcode,sex\nQuillon,Varnapurth,2011-07-09,ZE1 0AA,F\n");
    let list = place.write("names.csv", "name,count\nVarnapurth,7\nWimblethorp,3\n");
    let digest = pprl::owner::RarityList::read(&list).expect("is a list").sha256().to_owned();
    let hardened = format!("randomised_response = 0.1\nmarkov = {{ extra = 2, list_sha256 = \"{digest}\" }}\n");
    place.write("schema.toml", &(include_str!("data/clk.toml").to_owned() + &hardened));
    let said =
        succeed("encode", &["check", "--schema", &place.path("schema.toml"), "--key", &place.path("project.key")]);
    assert!(said.contains(&digest) && said.contains("randomised response"), "{said}");

    let values = ["Quillon", "Varnapurth", "Wimblethorp"];
    let encode = |more: &[&str]| place.encode("a", "good.csv", "out", more);
    let err = fail("encode", &strs(&encode(&[])), 1, &values);
    assert!(err.contains(&digest), "{err}");
    let err = fail("encode", &strs(&encode(&["--names", &list])), 1, &values);
    assert!(err.contains("no key for its noise"), "{err}");
    let (shared, noise) = (place.path("project.key"), place.path("noise.key"));
    let err = fail("encode", &strs(&encode(&["--names", &list, "--noise-file", &shared])), 1, &values);
    assert!(err.contains("must be the owner's own"), "{err}");
    succeed("encode", &["keygen", &noise]);
    succeed("encode", &strs(&encode(&["--names", &list, "--noise-file", &noise])));
    assert!(place.read("out/a.cohort.json").contains("\"clks\""));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let place = Place::with_key();
    write_agencies(&place);
    let seed = place.path("seed.key");
    succeed("encode", &["keygen", &seed]);
    for out in ["one", "two"] {
        succeed("encode", &strs(&place.encode("police", "police.csv", out, &["--seed-file", &seed])));
    }
    succeed("encode", &strs(&place.encode("police", "police.csv", "three", &[])));
    for file in ["police.cohort.json", "police.rows.csv"] {
        assert_eq!(place.read(&format!("one/{file}")), place.read(&format!("two/{file}")));
        assert_ne!(place.read(&format!("one/{file}")), place.read(&format!("three/{file}")));
    }
}

#[test]
fn people_who_opted_out_do_not_leave() {
    let place = Place::with_key();
    write_agencies(&place);
    let people = place.read("education.csv");
    let refused: Vec<&str> = people.lines().take(4).collect();
    place.write("refused.csv", &(refused.join("\n") + "\n"));
    let (schema, key, list) = (place.path("schema.toml"), place.path("project.key"), place.path("refused.list"));
    let make = ["opt-out", "--schema", &schema, "--key", &key, "--in", &place.path("refused.csv"), "--out", &list];
    assert!(succeed("encode", &make).contains("3 people"));
    fail("encode", &make, 1, &[]);
    succeed("encode", &strs(&place.encode("education", "education.csv", "out", &["--opt-out", &list])));
    let rows = people.lines().count() - 1;
    let kept = place.read("out/education.rows.csv").lines().count() - 1;
    assert!(kept <= rows - 3 && kept >= rows - 6, "{kept} of {rows} rows");
}

/// A child's record holds its carers, as the schema says; and what came back is of the child's record again.
#[test]
fn carers_are_encoded_in_their_roles_and_links_come_back() {
    let place = Place::with_key();
    place.write("schema.toml", include_str!("../examples/recognition/schema.toml"));
    let header = "id,forename,carer1_forename,carer1_surname,carer1_date_of_birth,carer1_sex,carer1_postcode,\
                  carer2_forename,carer2_surname,carer2_date_of_birth,carer2_sex,carer2_postcode\n";
    let rows = "C1,Tom,Anna,Quyzbornek,1980-01-02,F,OX1 1AA,Jan,Quyzbornek,1979-03-04,M,OX1 1AA\n\
                C2,Ida,,,,,,Bo,Ng,,M,\n";
    place.write("children.csv", &format!("{header}{rows}"));
    let run = place.encode("social_care", "children.csv", "out", &["--id-column", "id"]);
    succeed("encode", &strs(&run));
    let rows = place.read("out/social_care.rows.csv");
    let own: BTreeSet<&str> = rows.lines().skip(1).map(|line| line.split_once(',').expect("two columns").1).collect();
    assert_eq!(own, BTreeSet::from(["C1/carer1", "C1/carer2", "C2/carer2"]));

    let row_of =
        |own: &str| rows.lines().find(|line| line.ends_with(own)).expect("is there").split_once(',').unwrap().0;
    let table = |row: &str| format!("row_id,link_id\n{row},L7\n");
    let links = place.write("links.csv", &table(row_of("C2/carer2")));
    let (schema, map, out) =
        (place.path("schema.toml"), place.path("out/social_care.rows.csv"), place.path("mine.csv"));
    let party =
        |party: &'static str| ["links", "--schema", &schema, "--party", party, "--rows", &map].map(str::to_owned);
    let back = [&party("social_care")[..], &["--in".into(), links, "--out".into(), out]].concat();
    assert!(succeed("encode", &strs(&back)).contains("1 of your 3 rows"));
    assert_eq!(place.read("mine.csv"), "record_id,role,link_id\nC2,carer2,L7\n");
    // It is there already; and links of another run are nobody's here.
    fail("encode", &strs(&back), 1, &[]);
    let other = place.write("other.csv", &table(&"0".repeat(32)));
    let wrong = [&party("social_care")[..], &["--in".into(), other, "--out".into(), place.path("none.csv")]].concat();
    fail("encode", &strs(&wrong), 1, &["Quyzbornek"]);
    assert!(!Path::new(&place.path("none.csv")).exists());

    // An adult is a row.
    place.write(
        "adults.csv",
        "id,forename,surname,date_of_birth,sex,postcode\nP1,Anna,Quyzbornek,1980-01-02,F,OX1 1AA\n",
    );
    succeed("encode", &strs(&place.encode("prison", "adults.csv", "adults", &["--id-column", "id"])));
    assert!(place.read("adults/prison.rows.csv").ends_with(",P1\n"));
    let map = place.path("adults/prison.rows.csv");
    let row = place.read("adults/prison.rows.csv").lines().nth(1).unwrap()[..32].to_owned();
    let (links, out) = (place.write("adults.links.csv", &table(&row)), place.path("adults.mine.csv"));
    let back = ["links", "--schema", &schema, "--party", "prison", "--rows", &map, "--in", &links, "--out", &out];
    succeed("encode", &back);
    assert_eq!(place.read("adults.mine.csv"), "record_id,link_id\nP1,L7\n");
    fail("encode", &["links", "--schema", &schema, "--key", &place.path("project.key")], 2, &[]);
}

#[test]
fn counts_over_registers_hold_what_lsh_finds() {
    let small = ["--children", "2000", "--cohort", "300", "--sample", "100", "--lsh", "0.35", "0.95"];
    let told = succeed("national_counts", &small);
    assert_eq!(told.matches("with 95 % confidence").count(), 2, "{told}");
    assert_eq!(told.matches("precision").count(), 2, "{told}");
    fail("national_counts", &["--lsh", "0.35"], 2, &[]);
    fail("national_counts", &["--children", "50", "--cohort", "10", "--lsh", "2", "0.9"], 1, &[]);
}

#[test]
fn small_files_need_a_reason_and_decoys_stay_with_their_owner() {
    let place = Place::with_key();
    write_agencies(&place);
    let log = place.path("events.jsonl");
    let arguments = place.encode("police", "police.csv", "out", &["--log", &log, "--actor", "a.tester"]);
    let reason = arguments.iter().position(|argument| argument == "--release-small").expect("is there");
    let mut without = strs(&arguments);
    without.drain(reason..reason + 2);
    let err = fail("encode", &without, 1, &[]);
    assert!(err.contains("60 people") && !Path::new(&place.path("out")).exists(), "{err}");
    fail("encode", &[&without[..], &["--release-small", "short"]].concat(), 1, &[]);
    succeed("encode", &[&strs(&arguments)[..], &["--decoys", "20"]].concat());
    assert!(place.read("out/police.cohort.json").contains("\"rows\":80"));
    assert_eq!(place.read("out/police.rows.csv").matches(",,decoy\n").count(), 20);

    // What was refused stands in the log, and what was done.
    let events = place.read("events.jsonl");
    let lines: Vec<serde_json::Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    let said: Vec<_> = lines.iter().map(|line| (line["action"].as_str(), line["verdict"].as_str())).collect();
    // An audit that was left out is there with its reason, and without a verdict.
    let [audit, encode] = [Some("audit"), Some("encode")];
    assert_eq!(said, [(audit, None), (encode, Some("refused")), (audit, None), (encode, Some("done"))]);
    assert_eq!(lines[0]["reason"], "invented people in a test");
    assert_eq!(lines[3]["counts"], serde_json::json!({ "decoys": 20, "opted_out": 0, "people": 60 }));
    assert_eq!(&lines[3]["actor"], &"a.tester");
    let said = succeed("log", &["check", &log]);
    let head = said.trim().rsplit(' ').next().expect("has words").to_owned();
    assert!(said.starts_with("4 events"), "{said}");
    let schema = place.path("schema.toml");
    succeed("log", &["release", &log, "--schema", &schema, "--party", "police", "--reason", "sent by courier"]);
    assert!(succeed("log", &["check", &log, "--head", &head]).starts_with("5 events"));
    place.write("events.jsonl", &events.replace("\"people\":60", "\"people\":61"));
    assert!(fail("log", &["check", &log], 1, &[]).contains("line 2"));
    // Nothing is done where the log is broken.
    fail("encode", &strs(&place.encode("police", "police.csv", "again", &["--log", &log])), 1, &[]);
    assert!(!Path::new(&place.path("again")).exists());
}

#[test]
fn cohorts_are_sealed_and_linked() {
    let place = Place::with_key();
    write_agencies(&place);
    succeed("seal", &["keygen-unit", &place.path("unit")]);
    fail("seal", &["keygen-unit", &place.path("unit")], 1, &[]);
    let mut sealed = Vec::new();
    let mut trust = Vec::new();
    for party in ["police", "education"] {
        succeed("encode", &strs(&place.encode(party, &format!("{party}.csv"), party, &[])));
        let (key, cohort) = (place.path(&format!("{party}.key")), format!("{party}/{party}.cohort.json"));
        succeed("seal", &["keygen-owner", &key]);
        let (from, to, out) = (place.path(&cohort), place.path("unit.pub"), place.path(&format!("{party}.age")));
        let run = ["run", "--in", &from, "--to", &to, "--sign-with", &key, "--out", &out];
        succeed("seal", &run);
        fail("seal", &run, 1, &[]);
        sealed.push(out);
        trust.push(format!("{party}={key}.pub"));
    }
    let (schema, unit, out) = (place.path("schema.toml"), place.path("unit"), place.path("links"));
    let log = place.path("unit.jsonl");
    let link = ["--schema", &schema, "--out", &out, "--log", &log, &sealed[0], &sealed[1]];
    fail("link", &link, 1, &[]);
    let opens = ["--identity", &unit, "--trust", &trust[0], "--trust", &trust[1]];
    let swapped = [trust[0].replace("police=", "education="), trust[1].replace("education=", "police=")];
    fail("link", &[&link[..], &["--identity", &unit, "--trust", &swapped[0], "--trust", &swapped[1]]].concat(), 1, &[]);
    fail("link", &[&link[..], &opens[2..]].concat(), 2, &[]);
    assert!(!Path::new(&out).exists());
    succeed("link", &[&link[..], &opens].concat());
    assert!(place.files("links").contains("links.csv"));
    assert!(place.read("unit.jsonl").contains("\"action\":\"link\""));
    // One that is not sealed does not slip in.
    let clear = place.path("police/police.cohort.json");
    let again = place.path("again");
    fail("link", &[&opens[..], &["--schema", &schema, "--out", &again, &clear, &sealed[1]]].concat(), 1, &[]);
    let opened = place.path("opened.json");
    succeed("seal", &["open", "--in", &sealed[0], "--identity", &unit, "--trust", &trust[0], "--out", &opened]);
    assert_eq!(place.read("opened.json"), place.read("police/police.cohort.json"));
    // A key in the place of a cohort, a schema or a table.
    let (key, secret) = (place.path("project.key"), place.read("project.key"));
    let secret = secret.trim();
    for arguments in [
        ["--schema", &schema, "--out", &again, &key, &clear].to_vec(),
        ["--schema", &key, "--out", &again, &clear, &clear].to_vec(),
        ["--schema", &schema, "--out", &again, "--known", &key, &clear, &clear].to_vec(),
    ] {
        let err = fail("link", &arguments, 1, &[secret]);
        assert!(err.contains("project.key") && err.contains("project key"), "{err}");
    }
}

#[test]
fn evaluate_says_how_good_the_links_are() {
    let place = Place::new();
    write_agencies(&place);
    let (schema, a, b) = (place.path("schema.toml"), place.path("police_known.csv"), place.path("education_known.csv"));
    let two = ["--schema", &schema, "--a", &a, "--b", &b, "--truth", "who"];
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&succeed("evaluate", &[&two[..], &["--json"], more].concat())).expect("one JSON object")
    };
    let report = json(&["--group", "origin", "--plaintext"]);
    for quality in [&report["default"], &report["best"], &report["plaintext"]["best"]] {
        for measure in ["precision", "recall", "f1"] {
            let share = quality[measure].as_f64().expect("is a number");
            assert!((0.0..=1.0).contains(&share), "{quality}");
        }
    }
    let f1 = |which: &str| report[which]["f1"].as_f64().expect("is a number");
    assert!(f1("best") >= f1("default") && f1("best") > 0.8, "{report}");
    for number in ["default_threshold", "best_threshold", "seconds"] {
        assert!(report[number].is_number(), "{report}");
    }
    for group in ["shortest_name", "missing_fields", "column:origin"] {
        let groups = report["groups"][group].as_object().expect("is there");
        let sum =
            |count: &str| groups.values().map(|quality| quality[count].as_u64().expect("is a count")).sum::<u64>();
        assert_eq!(sum("links"), report["default"]["links"].as_u64().expect("is a count"));
        assert_eq!(sum("truth"), report["default"]["truth"].as_u64().expect("is a count"));
    }

    // The same again, on any number of threads.
    let (once, again) = (json(&["--threads", "1"]), json(&["--threads", "3"]));
    for part in ["default", "best", "default_threshold", "best_threshold", "groups"] {
        assert_eq!(once[part], again[part]);
    }
    assert_eq!(once["default"], report["default"]);

    let table = succeed("evaluate", &two);
    assert!(table.contains("default") && table.contains("by missing_fields"), "{table}");
    let one = succeed("evaluate", &["--schema", &schema, "--a", &b, "--truth", "who", "--json"]);
    let one: serde_json::Value = serde_json::from_str(&one).expect("one JSON object");
    assert_eq!(one["default"]["truth"], 0, "nobody is there twice");

    // Nobody in common: no links, and JSON all the same.
    let strangers = |name: &str, forename: &str| {
        place.write(name, &format!("forename,surname,date_of_birth,sex,postcode,who\n{forename},,2011-07-09,F,,1\n"))
    };
    let (c, d) = (strangers("c.csv", "Ada"), strangers("d.csv", "Zoltan"));
    let none = succeed("evaluate", &["--schema", &schema, "--a", &c, "--b", &d, "--truth", "who", "--json"]);
    let none: serde_json::Value = serde_json::from_str(&none).expect("one JSON object");
    assert!(none["default_threshold"] == 0.0 && none["default"]["links"] == 0, "{none}");

    for wrong in [
        ["--schema", &schema, "--a", &a, "--b", &b, "--truth", "whose"],
        ["--schema", &a, "--a", &a, "--b", &b, "--truth", "who"],
        ["--schema", &schema, "--a", &a, "--b", &schema, "--truth", "who"],
    ] {
        fail("evaluate", &wrong, 1, &[]);
    }
    let err = fail("evaluate", &[&two[..], &["--group", "record_id"]].concat(), 1, &["P0000001"]);
    assert!(err.contains("different values"), "{err}");
}

#[test]
fn evaluate_says_why_and_for_whom() {
    let place = Place::new();
    write_agencies(&place);
    let (schema, a, b) = (place.path("schema.toml"), place.path("police_known.csv"), place.path("education_known.csv"));
    let two = ["--schema", &schema, "--a", &a, "--b", &b, "--truth", "who", "--resamples", "100"];
    let evaluate = |more: &[&str]| succeed("evaluate", &[&two[..], more].concat());
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&evaluate(&[&["--json"], more].concat())).expect("one JSON object")
    };
    let other = place.write(
        "other.toml",
        &UK_PERSON.replace("output = 4096", "output = 1024").replace("diffusion = 12", "diffusion = 10"),
    );
    let curve = place.path("curve.csv");
    let more = ["--errors", "--against", &other, "--curve", &curve, "--group", "origin"];
    let report = json(&more);
    let number = |value: &serde_json::Value| value.as_f64().expect("is a number");

    for measure in ["precision", "recall", "f1"] {
        let (found, interval) = (number(&report["default"][measure]), &report["intervals"][measure]);
        assert!(number(&interval["low"]) <= found && found <= number(&interval["high"]), "{measure}: {interval}");
    }
    for (by, groups) in report["groups"].as_object().expect("is there") {
        for (group, quality) in groups.as_object().expect("has groups") {
            assert_eq!(report["gaps"][by]["groups"][group]["quality"], *quality);
        }
    }
    let errors = &report["errors"];
    let because = errors["lost_because"].as_object().expect("is there");
    let lost: u64 = because.values().map(|count| count.as_u64().expect("is a count")).sum();
    let count = |quality: &serde_json::Value, which: &str| quality[which].as_u64().expect("is a count");
    assert_eq!(lost, count(&report["default"], "truth") - count(&report["default"], "correct"));
    assert_eq!(count(&errors["lost"], "pairs"), lost);
    let against = &report["against"];
    assert_eq!(against["comparison"]["first"], report["default"]);
    assert_eq!(against["comparison"]["second"], against["default"]);
    assert_ne!(against["schema"], report["schema"]);

    // Both ends and the best are on the curve.
    let text = fs::read_to_string(&curve).expect("is there");
    let f1 = text.lines().skip(1).map(|line| line.split(',').nth(3).expect("has columns").parse::<f64>());
    let best = f1.map(|f1| f1.expect("is a number")).fold(0.0, f64::max);
    assert!((best - number(&report["best"]["f1"])).abs() < 1e-6 && text.lines().count() <= 501, "{best}");

    // The best threshold set by hand gives the best quality; the schema beside it is the schema's own threshold.
    let threshold = report["best_threshold"].to_string();
    let by_hand = json(&["--threshold", &threshold, "--against", &schema]);
    assert_eq!((&by_hand["default"], &by_hand["best"]), (&report["best"], &report["best"]));
    assert_eq!(by_hand["against"]["default"], report["default"]);
    assert!(by_hand["expected_precision"].is_null() && by_hand.get("errors").is_none());
    // The same schema is the same run.
    let same = json(&["--against", &schema]);
    assert_eq!(same["against"]["comparison"]["f1"]["interval"], serde_json::json!({"low": 0.0, "high": 0.0}));
    assert_eq!(same["against"]["comparison"]["p_value"], 1.0);

    let table = evaluate(&more);
    for words in ["default, 95 %", "recall against all others", "true pairs lost, ", "only the second", " had "] {
        assert!(table.contains(words), "{words} is not in: {table}");
    }
    assert_no_values(&table, &population());
    let plain = evaluate(&["--resamples", "0"]);
    assert!(plain.contains("by missing_fields") && !plain.contains("95 %"), "{plain}");

    fail("evaluate", &[&two[..], &["--threshold", "high"]].concat(), 2, &[]);
    fail("evaluate", &[&two[..], &["--threshold", "NaN"]].concat(), 2, &[]);
    fail("evaluate", &[&two[..], &["--resamples", "9"]].concat(), 1, &[]);
    fail("evaluate", &[&two[..], &["--against", &a]].concat(), 1, &["P0000001"]);
    let nowhere = place.path("no/such/folder/curve.csv");
    fail("evaluate", &[&two[..], &["--curve", &nowhere]].concat(), 1, &[]);
}

#[test]
fn three_agencies_tell_their_story() {
    let place = Place::new();
    let out = place.path("three-agencies");
    let arguments = ["--children", "300", "--cohort", "60", "--seed", "3", "--out", &out];
    let story = succeed("three_agencies", &arguments);
    let owner = |party: &str| {
        ["people.csv", "schema.toml", "project.key", "links.csv", "linked.csv", &format!("{party}.rows.csv")]
            .map(|file| format!("{party}/{file}"))
    };
    let mut files =
        set(&["FILES.sha256", "linkage_unit/links.csv", "linkage_unit/summary.txt", "linkage_unit/schema.toml"]);
    files.insert("research/study.csv".to_owned());
    for party in ["police", "social_care", "education"] {
        files.extend(owner(party));
        files.extend([format!("linkage_unit/{party}.cohort.json"), format!("truth/{party}.csv")]);
    }
    assert_eq!(place.files("three-agencies"), files);
    assert!(story.contains("of 60 children have a social care record"), "{story}");
    assert_no_values(&story, &population());

    // Each owner has its own ids beside the link ids, and no two have a link id in common.
    let column = |file: &str, column: usize| -> BTreeSet<String> {
        let text = place.read(&format!("three-agencies/{file}"));
        text.lines().skip(1).filter_map(|line| line.split(',').nth(column)).map(str::to_owned).collect()
    };
    let police = column("police/linked.csv", 0);
    let own: BTreeSet<String> = population().records(Agency::Police).iter().map(|r| r.record_id.clone()).collect();
    assert_eq!(police, own);
    let (links, studies) = (column("police/linked.csv", 1), column("research/study.csv", 0));
    assert!(links.is_disjoint(&column("education/linked.csv", 1)) && links.is_disjoint(&studies));

    // Again, over what it wrote itself: the same but for the time it took.
    let without_time =
        |story: &str| story.lines().filter(|line| !line.contains(" made in ")).collect::<Vec<_>>().join("\n");
    assert_eq!(without_time(&succeed("three_agencies", &arguments)), without_time(&story));

    // Not over what somebody changed or added.
    let mine = place.write("three-agencies/police/notes.txt", "mine");
    assert!(fail("three_agencies", &arguments, 1, &[]).contains("notes.txt"));
    assert_eq!(fs::read_to_string(&mine).expect("is there"), "mine");
    fs::remove_file(mine).expect("removes");
    place.write("three-agencies/police/people.csv", "mine");
    fail("three_agencies", &arguments, 1, &[]);
    assert_eq!(place.read("three-agencies/police/people.csv"), "mine");
    fail("three_agencies", &["--out", &place.path("schema.toml")], 1, &[]);
    assert!(hidden(&place).is_empty(), "{:?}", hidden(&place));
}

#[test]
fn three_agencies_take_files_of_their_own() {
    let place = Place::new();
    write_agencies(&place);
    let out = place.path("out");
    let files = ["police", "social_care", "education"].map(|party| place.path(&format!("{party}_known.csv")));
    let [police, social_care, education] = &files;
    let own = ["--police", police, "--social-care", social_care, "--education", education, "--out", &out];
    let story = succeed("three_agencies", &[&own[..], &["--id-column", "record_id", "--truth", "who"]].concat());
    assert!(story.contains("in truth") && !story.contains("invented"), "{story}");
    assert_no_values(&story, &population());
    assert!(!Path::new(&place.path("out/truth")).exists());
    let without = succeed("three_agencies", &own);
    assert!(!without.contains("in truth"), "{without}");

    let before = place.files("out");
    let broken = place.write("broken.csv", "forename,surname\nQuillon,Varnapurth\n");
    let arguments = ["--police", &broken, "--social-care", social_care, "--education", education, "--out", &out];
    fail("three_agencies", &arguments, 1, &["Quillon", "Varnapurth"]);
    assert_eq!(place.files("out"), before, "the earlier run is still there");
    assert!(hidden(&place).is_empty());
}

#[test]
fn tuning_tries_settings_and_recommends_what_holds() {
    let place = Place::new();
    write_agencies(&place);
    let (schema, csv, out) = (place.path("schema.toml"), place.path("education.csv"), place.path("tuned"));
    let own = ["--schema", &schema, "--csv", &csv, "--rows", "120", "--seed", "4"];
    let all = [&own[..], &["--out", &out, "--most-leak", "0.9", "--threads", "1"]].concat();
    let table = succeed("tune", &all);
    assert_no_values(&table, &population());
    assert_eq!(table, succeed("tune", &[&own[..], &["--most-leak", "0.9", "--threads", "3"]].concat()));

    // What a table says, the folder says too, and every schema in it is one.
    let json: serde_json::Value = serde_json::from_str(&place.read("tuned/tune.json")).expect("is JSON");
    let settings = json["settings"].as_array().expect("is a list");
    let of = |name: &str| settings.iter().find(|s| s["setting"] == name).expect("was tried");
    let plot = place.read("tuned/tune.svg");
    assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"));
    for setting in settings {
        let name = setting["setting"].as_str().expect("is a name");
        assert!(table.contains(name) && plot.contains(name), "{name}");
        let written = pprl::Schema::from_path(place.path(&format!("tuned/schemas/{}.toml", name.replace(' ', "_"))));
        assert_eq!(written.expect("is sound").accept_risk().is_some(), setting["needs_accept_risk"]);
    }
    assert_eq!(place.files("tuned").len(), settings.len() + 3);
    let own_schema = pprl::Schema::from_path(place.path("tuned/schemas/as_it_is.toml")).expect("is sound");
    assert_eq!(own_schema, pprl::Schema::uk_person());

    // A plain filter finds many people and gives them away; more diffusion gives away less.
    let leak = |name: &str| of(name)["leak_share"].as_f64().expect("is a number");
    assert!(leak("clk") > 0.9 && leak("guarded t14") < 0.6, "{table}");
    assert!(of("clk")["default"]["f1"].as_f64() > Some(0.8), "{table}");
    let recommended = of(json["recommended"].as_str().expect("some setting holds"));
    let better = |s: &&serde_json::Value| s["default"]["f1"].as_f64() > recommended["default"]["f1"].as_f64();
    assert!(recommended["holds"] == true && settings.iter().filter(better).all(|s| s["holds"] == false));
    assert!(succeed("tune", &[&own[..], &["--most-leak", "0"]].concat()).contains("none holds"));

    // Too few people, and a file that cannot be read: nothing is written, and no value shown.
    let few = place.write("few.csv", "forename,surname,date_of_birth,sex,postcode\nQuillon,Varnapurth,,,\n");
    let before = place.files("tuned");
    fail("tune", &["--schema", &schema, "--csv", &few, "--out", &out], 1, &["Quillon", "Varnapurth"]);
    assert_eq!(place.files("tuned"), before);
    assert!(hidden(&place).is_empty());
}

#[test]
fn the_privacy_table_says_what_each_variant_finds_and_gives_away() {
    let place = Place::new();
    write_agencies(&place);
    let out = place.path("table");
    let files = ["schema.toml", "education_known.csv", "social_care_known.csv"].map(|file| place.path(file));
    let [schema, a, b] = &files;
    let few = ["--only", "CLK", "--only", "CLK, randomised response .1", "--only", "schema as it is"];
    let own = ["--schema", schema, "--a", a, "--b", b, "--truth", "who", "--rows", "200", "--seed", "5"];
    let all = [&own[..], &few, &["--out", &out, "--threads", "1"]].concat();
    let table = succeed("privacy_table", &all);
    assert_no_values(&table, &population());
    assert_eq!(table, succeed("privacy_table", &[&own[..], &few, &["--threads", "3"]].concat()));
    assert_eq!(table, place.read("table/privacy_table.md"));

    // What the table says, JSON and plot say too.
    let json: serde_json::Value = serde_json::from_str(&place.read("table/privacy_table.json")).expect("is JSON");
    let variants = json["variants"].as_array().expect("is a list");
    let plot = place.read("table/frontier.svg");
    assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"));
    assert_eq!((variants.len(), place.files("table").len()), (3, 4));
    for variant in variants {
        let name = variant["variant"].as_str().expect("is a name");
        let row = table.lines().find(|line| line.contains(name)).expect("has a row");
        let f1 = variant["default"]["f1"].as_f64().expect("is a number");
        let half = variant["half"]["share"].as_f64().expect("is a number");
        assert!(row.contains(&format!("{f1:.4}")) && row.contains(&format!("{:.1} %", half * 100.0)), "{row}");
        assert!(plot.contains(name) && variant["recall_at_99"].as_f64().is_none_or(|recall| recall <= 1.0));
    }
    let of = |name: &str| variants.iter().find(|v| v["variant"] == name).expect("was tried");
    let half = |name: &str| of(name)["half"]["share"].as_f64().expect("is a number");
    assert!(half("CLK") > 0.9 && half("schema as it is") < 0.5, "{table}");
    assert_eq!(of("schema as it is")["fingerprint"], pprl::Schema::uk_person().fingerprint());
    let rows = |file: usize| json["rows"][file].as_u64().expect("is a number");
    assert!((190..=200).contains(&rows(0)) && rows(1) < rows(0) && json["true_pairs"].as_u64() <= Some(rows(1)));

    // Invented people, as a fresh clone has them; and files that are too short.
    let invented = succeed("privacy_table", &["--quick", "--rows", "150", "--only", "CLK, XOR-folded"]);
    assert!(invented.contains("invented") && invented.contains("| CLK, XOR-folded |"), "{invented}");
    let none = place.path("none");
    let short = [&own[..8], &["--rows", "20", "--out", &none]].concat();
    fail("privacy_table", &short, 1, &[]);
    assert!(hidden(&place).is_empty() && !Path::new(&none).exists());
}

fn assert_no_values(story: &str, population: &Population) {
    let words: BTreeSet<String> = story.split_whitespace().map(str::to_uppercase).collect();
    for record in Agency::ALL.iter().flat_map(|&agency| population.records(agency)) {
        for value in [&record.record_id, &record.surname, &record.date_of_birth, &record.upn, &record.nhs_number] {
            assert!(
                value.is_empty() || !words.contains(&value.to_uppercase()),
                "a value of {} is shown",
                record.record_id
            );
        }
        assert!(record.postcode.is_empty() || !story.contains(&record.postcode));
    }
}

#[test]
fn what_fails_the_audit_is_not_written() {
    let place = Place::with_key();
    write_agencies(&place);
    let (schema, people) = (place.path("schema.toml"), place.path("education.csv"));
    let audit = |schema: &str, more: &[&str]| {
        run("audit", &[&["--schema", schema, "--csv", &people, "--quick", "--json"], more].concat())
    };
    let verdict = |output: &Output| -> serde_json::Value {
        serde_json::from_slice(&output.stdout).expect("one JSON object on stdout, whatever the verdict")
    };
    let passed = audit(&schema, &["--out", &place.path("audited")]);
    assert_eq!(passed.status.code(), Some(0), "{}", texts(&passed).0);
    assert_eq!(verdict(&passed)["verdict"], "pass");
    assert!(place.0.path().join("audited/risk-report.html").exists());
    assert_eq!(audit(&schema, &["--threads", "1"]).stdout, passed.stdout, "the same for any number of threads");

    let plain = include_str!("../examples/schemas/ons6k.clk.toml").replace("pername1", "forename");
    let plain = plain.replace("pername2", "surname").replace("\"dob\"", "\"date_of_birth\"");
    let plain = place.write("plain.toml", &plain);
    let log = place.path("log.jsonl");
    let failed = audit(&plain, &["--log", &log, "--actor", "officer"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(place.read("log.jsonl").contains("\"failed\""));
    let report = verdict(&failed);
    assert_eq!(report["verdict"], "fail");
    let gates = report["gates"].as_array().expect("is a list");
    let holds = |id: &str| gates.iter().find(|gate| gate["id"] == id).expect("is there")["passed"].as_bool();
    assert_eq!(holds("A0"), Some(false));
    assert_eq!(holds("A5.likelihood.random.known-100"), Some(true), "information has no limit");
    assert_eq!(holds("A6.random.overlap-1.known-20"), Some(false));

    let encode = |schema: &str, party: &str, people: &str, out: &str, more: &[&str]| {
        let (key, out) = (place.path("project.key"), place.path(out));
        let arguments = ["run", "--schema", schema, "--key", &key, "--party", party, "--in", people, "--out", &out];
        run("encode", &[&arguments[..], &["--audit", "quick"], more].concat())
    };
    let written = encode(&schema, "education", &people, "sent", &["--log", &log]);
    assert!(written.status.success() && texts(&written).1.contains("Audit passed"), "{}", texts(&written).1);
    let names = ["education.cohort.json", "education.rows.csv", "risk-report.html", "risk-report.json"];
    let in_folder = |folder: &str| -> Vec<bool> {
        names.iter().map(|name| place.0.path().join(folder).join(name).exists()).collect()
    };
    assert_eq!(in_folder("sent"), [true; 4]);
    succeed("log", &["check", &log]);
    assert!(fs::read_to_string(&log).expect("is there").contains("\"passed\""));

    let text = fs::read_to_string(&people).expect("is there");
    let few: Vec<&str> = text.lines().take(60).collect();
    let few = place.write("few.csv", &few.join("\n"));
    let refused = encode(&schema, "education", &few, "refused", &["--log", &log]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(texts(&refused).1.contains("A9.small"), "{}", texts(&refused).1);
    assert_eq!(in_folder("refused"), [false, false, true, true]);

    // The schema accepts the risk, and says so in the manifest: not everything that fails is refused.
    let accepted = encode(&plain, "a", &people, "accepted", &[]);
    assert!(texts(&accepted).1.contains("accepts the risk"), "{}", texts(&accepted).1);
    assert!(accepted.status.success());
    fail("encode", &["run", "--no-audit", "short"], 2, &[]);
}

/// What anonlink 0.15.3 gave, and what goes wrong.
#[test]
fn anonlink_compat_finds_the_groups_of_anonlink() {
    let place = Place::new();
    let run: serde_json::Value =
        serde_json::from_str(include_str!("vectors/solver/s03_3party_128.json")).expect("is JSON");
    let datasets = run["datasets_base64"].as_array().expect("is a list");
    let names: Vec<String> = (0..datasets.len()).map(|i| place.path(&format!("{i}.json"))).collect();
    for (name, clks) in names.iter().zip(datasets) {
        fs::write(name, serde_json::json!({ "clks": clks }).to_string()).expect("writes");
    }
    let (out, kept) = (place.path("groups.json"), place.path("candidates"));
    let files: Vec<&str> = names.iter().flat_map(|name| ["--clk", name]).collect();
    let with = |more: &[&'static str]| [&["--threshold", "0.65", "--out", &out], &files[..], more].concat();
    let said = succeed("anonlink_compat", &[with(&[]), vec!["--candidates", &kept]].concat());
    assert!(said.contains("3 parties, 70 CLKs: 35 candidate pairs, 19 groups"), "{said}");
    let groups: serde_json::Value = serde_json::from_str(&place.read("groups.json")).expect("is JSON");
    assert_eq!(groups, run["expected_groups"]["probabilistic_merge1.0_dedup"]);
    assert_eq!(fs::read(&kept).expect("is there").len(), 4 + 24 * 35);
    succeed("anonlink_compat", &with(&["--merge-threshold", "0.5", "--k", "1", "--smc"]));

    let secret = datasets[0][0].as_str().expect("is text");
    fs::write(&out, "old").expect("writes");
    fs::write(&names[1], format!("{{\"clks\": [\"{secret}\", \"AQI=\"]}}")).expect("writes");
    let said = fail("anonlink_compat", &with(&[]), 1, &[secret, "AQI="]);
    assert!(said.contains("1.json: row 2: the CLK has another length"), "{said}");
    assert_eq!(place.read("groups.json"), "old");
    for usage in [vec!["--threshold", "1.5"], vec!["--threshold", "0.5", "--out", "x", "--clk", "y"], vec!["--what"]] {
        fail("anonlink_compat", &usage, 2, &[]);
    }
    fail("anonlink_compat", &with(&["--clknblocks", "none", "--clknblocks", "none"]), 2, &[]);
}

/// All that an owner does who comes from clkhash: the same CLKs, the same as cohorts, blocks, and the way out.
#[test]
fn clkhash_compat_goes_all_the_way() {
    let place = Place::with_key();
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("vectors/clkhash/csv_input.json")).expect("is JSON");
    let case = &vector["cases"][0];
    let schema = place.write("schema.json", &vector["schema"].to_string());
    let people = place.write("people.csv", case["csv"].as_str().expect("is text"));
    let secret = place.write("secret", "secret\n");
    let out = place.path("clks.json");
    let encode = |more: &[&'static str], people: &str| -> Vec<String> {
        let arguments = ["--schema", &schema, "--csv", people, "--secret-file", &secret, "--out", &out];
        arguments.iter().chain(more).map(|&argument| argument.to_owned()).collect()
    };
    let reason = ["--accept-risk", "the agreement of 2021"];
    let said = run("clkhash_compat", &strs(&encode(&reason, &people)));
    let (said, warned) = texts(&said);
    assert!(said.starts_with("2 CLKs of 128 bits") && said.ends_with("the agreement of 2021\n"), "{said}");
    #[cfg(unix)]
    assert!(warned.contains("chmod 600"), "{warned}");
    let written = place.read("clks.json");
    let clks: serde_json::Value = serde_json::from_str(&written).expect("is JSON");
    assert_eq!(clks["clks"], case["expected_base64"]);
    #[cfg(unix)]
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("is the owner's");

    // Errors: status 1, no value, and the older file as it was.
    let headless = place.write("headless.csv", "1,Quyzbornek,1980-01-02\n");
    fail("clkhash_compat", &strs(&encode(&reason, &headless)), 1, &["Quyzbornek"]);
    let bad = place.write("bad.csv", "id,name,dob\n1,Ann,1980-01-02\n2,Quyzbornek,02/01/1980\n");
    let said = fail("clkhash_compat", &strs(&encode(&reason, &bad)), 1, &["Quyzbornek", "1980"]);
    assert!(said.contains("row 2 (line 3), dob"), "{said}");
    fail("clkhash_compat", &strs(&encode(&[], &people)), 2, &[]);
    fail("clkhash_compat", &strs(&encode(&["--accept-risk", " "], &people)), 1, &[]);
    fail("clkhash_compat", &["what"], 2, &[]);
    assert_eq!(place.read("clks.json"), written);
    let more = [&reason[..], &["--no-header", "--threads", "1"]].concat();
    assert!(succeed("clkhash_compat", &strs(&encode(&more, &headless))).starts_with("1 CLKs"));

    // The same people as a cohort, and a native schema.
    let columns = ["given_name", "surname", "date_of_birth", "postcode"];
    let linkage =
        place.write("four.json", &include_str!("../benches/clkhash_schema.json").replace("HASH", "blakeHash"));
    let population = population();
    let pupils = population.records(Agency::Education);
    let whole = |r: &&pprl::synth::Record| {
        pprl::schema::Date::parse_iso(&r.date_of_birth).is_some()
            && ![&r.surname, &r.postcode].into_iter().any(String::is_empty)
    };
    let pupils: Vec<_> = pupils.iter().filter(whole).take(120).collect();
    assert_eq!(pupils.len(), 120);
    let line = |r: &pprl::synth::Record| [&*r.forename, &r.surname, &r.date_of_birth, &r.postcode].join(",");
    let lines: Vec<String> = std::iter::once(columns.join(",")).chain(pupils.into_iter().map(line)).collect();
    let table = place.write("four.csv", &(lines.join("\n") + "\n"));
    let project = ["--schema", &linkage, "--project", "clk", "--purpose", "test", "--party", "a", "--party", "b"];
    let project = [&project[..], &["--expires", "2099-12-31"]].concat();
    let (agreement, native) = (place.path("agreement.toml"), place.path("native.toml"));
    let agree = [&["agreement"], &project[..], &reason, &["--out", &agreement]].concat();
    succeed("clkhash_compat", &agree);
    fail("clkhash_compat", &agree, 1, &[]);
    assert!(
        succeed("clkhash_compat", &[&["native"], &project[..], &["--out", &native]].concat()).contains("the default's")
    );
    let files = ["--schema", &linkage, "--agreement", &agreement, "--csv", &table, "--secret-file", &secret];
    let folder = place.path("sent");
    for party in ["a", "b"] {
        let cohort = [&["cohort", "--party", party, "--audit", "quick", "--out", &folder], &files[..]].concat();
        let said = succeed("clkhash_compat", &cohort);
        assert!(said.contains("the schema accepts the risk") && said.contains("the agreement of 2021"), "{said}");
    }
    let links = place.path("links");
    let [a, b] = ["a", "b"].map(|party| place.path(&format!("sent/{party}.cohort.json")));
    let said = succeed("link", &["--schema", &agreement, "--out", &links, &a, &b]);
    assert!(said.contains("people are in 2 files") && said.contains("the agreement of 2021"), "{said}");
    let key = place.path("project.key");
    let run = ["run", "--schema", &agreement, "--key", &key, "--party", "a", "--in", &table, "--out", &folder];
    assert!(fail("encode", &run, 1, &[]).contains("clkhash::ClkEncoder"));

    // Blocks, keyed unless a reason is given.
    let blocking = place.write(
        "blocking.json",
        r#"{"type": "p-sig", "version": 1, "config": {"blocking-features": ["surname", "date_of_birth"],
        "filter": {"type": "count", "min": 1, "max": 50}, "blocking-filter": {"type": "bloom filter",
        "number-hash-functions": 4, "bf-len": 2048}, "signatureSpecs": [[{"type": "feature-value", "feature": "surname"}]]}}"#,
    );
    let blocks = place.path("blocks.json");
    let block = ["block", "--blocking", &blocking, "--csv", &table, "--secret-file", &secret, "--out", &blocks];
    assert!(succeed("clkhash_compat", &block).contains("blocks, keyed"));
    fail("clkhash_compat", &[&block[..], &["--unkeyed"]].concat(), 2, &[]);
    let open = [&block[..], &["--unkeyed"], &reason].concat();
    assert!(succeed("clkhash_compat", &open).contains("without a key"));
    assert!(place.read("blocks.json").contains("the agreement of 2021") && hidden(&place).is_empty());
    let encode = ["--schema", &linkage, "--csv", &table, "--secret-file", &secret, "--out", &out];
    succeed("clkhash_compat", &[&encode[..], &reason].concat());
    let both = ["--threshold", "0.9", "--clk", &out, "--clk", &out, "--blocks", &blocks, "--blocks", &blocks];
    let groups = place.path("groups.json");
    assert!(succeed("anonlink_compat", &[&both[..], &["--out", &groups]].concat()).contains("120 groups"));
    fail("anonlink_compat", &[&both[..8], &["--out", &groups]].concat(), 2, &[]);
}
