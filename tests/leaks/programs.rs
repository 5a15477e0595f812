//! Every program, over files that are whole and files that are broken.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::clean;
use crate::markers::{Markers, hex};
use crate::people::{HEADER, PEOPLE, SECRETS, csv, long_markers, markers, person, secret};

const UK_PERSON: &str = include_str!("../../examples/schemas/uk_person.toml");

/// Programs that read no file of people: they invent theirs.
const INVENT: [&str; 5] = ["candidates", "distinct_children", "governance", "recognition", "three_agencies"];

fn examples() -> &'static Path {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).unwrap();
        let profile = folder.file_name().and_then(|name| name.to_str()).unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--examples", "--features", "evaluate,study,synth,audit,seal,clkhash,anonlink"])
            .args(["--profile", if profile == "debug" { "dev" } else { profile }])
            .args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .status();
        assert!(built.unwrap().success(), "the examples build");
        folder.join("examples")
    })
}

/// A folder in which programs run, with what they are given in `in` and secrets in `keys`.
struct Place {
    folder: TempDir,
    markers: Markers,
    ran: RefCell<BTreeSet<String>>,
}

impl Place {
    fn new() -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap(), markers: markers(), ran: RefCell::default() };
        for folder in ["in", "keys"] {
            fs::create_dir(place.folder.path().join(folder)).unwrap();
        }
        for name in SECRETS {
            let digits = hex(&secret(name));
            let text = if name == "signing key" { format!("PPRL-SIGNING-KEY-1 {digits}\n") } else { digits + "\n" };
            place.private(&format!("keys/{}", name.replace(' ', "_")), &text);
        }
        place.write("in/schema.toml", UK_PERSON);
        place.write("in/people.csv", &csv(|_, _| {}));
        place.write(
            "in/partner.csv",
            &csv(|number, person| {
                person.id = format!("ZQXID-9{number:03}");
                person.nhs_number = if number % 3 == 0 { String::new() } else { person.nhs_number.clone() };
                person.date = if number % 20 == 0 { String::new() } else { person.date.clone() };
            }),
        );
        place
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.folder.path().join(name), content).unwrap();
        name.to_owned()
    }

    /// A file that only its owner can read, as keys must be.
    fn private(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Runs a program, and searches what it says.
    #[track_caller]
    fn run(&self, program: &str, arguments: &str) -> Output {
        self.ran.borrow_mut().insert(program.to_owned());
        let path = examples().join(program).with_extension(std::env::consts::EXE_EXTENSION);
        let mut command = Command::new(path);
        command.current_dir(self.folder.path()).env("RUST_BACKTRACE", "full").env("USER", "analyst");
        let output = command.args(arguments.split_whitespace()).output().unwrap();
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            clean(&self.markers, &format!("{stream} of {program} {arguments}"), bytes);
            assert!(!String::from_utf8_lossy(bytes).contains("panicked"), "{program} {arguments}");
        }
        output
    }

    #[track_caller]
    fn succeeds(&self, program: &str, arguments: &str) {
        let output = self.run(program, arguments);
        assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn fails(&self, program: &str, arguments: &str) {
        let output = self.run(program, arguments);
        assert!(!output.status.success() && !output.stderr.is_empty(), "{program} {arguments}");
    }

    /// Searches every file but those that were given.
    fn search_files(&self) -> usize {
        let only_secrets = {
            let mut markers = Markers::default();
            SECRETS.iter().for_each(|name| markers.secret(name, &secret(name)));
            markers
        };
        let long = long_markers();
        let (mut folders, mut searched) = (vec![self.folder.path().to_owned()], 0);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    if !["in", "keys"].contains(&name.as_str()) {
                        folders.push(path);
                    }
                    continue;
                }
                let bytes = fs::read(&path).unwrap();
                // The row map is the owner's way back to its own ids: they stand in it, and nothing else.
                if name.ends_with(".rows.csv") {
                    let mut text = String::from_utf8(bytes.clone()).unwrap();
                    // Those of the study are of people whom it invents itself.
                    assert!(text.contains("ZQXID-") || name.starts_with("study"));
                    text = text.replace("ZQXID-", "");
                    clean(&self.markers, &name, text.as_bytes());
                }
                let markers = match name.rsplit_once('.') {
                    Some((_, "csv")) if name.ends_with(".rows.csv") => &only_secrets,
                    // Bytes as good as random: short words occur in them by chance.
                    Some((_, "age" | "bin" | "by-another" | "pprl")) => &long,
                    _ => &self.markers,
                };
                clean(markers, &name, &bytes);
                searched += 1;
            }
        }
        searched
    }
}

/// Files that cannot be read, and what is wrong with each.
pub(crate) fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let good = csv(|_, _| {});
    let with = |number: usize, line: &str| {
        let mut lines: Vec<&str> = good.lines().collect();
        lines[number] = line;
        (lines.join("\n") + "\n").into_bytes()
    };
    let line = |number: usize| person(number).line(',').trim_end().to_owned();
    vec![
        ("no_header", good.replace(HEADER, "").into_bytes()),
        ("other_header", good.replacen("surname", "Quyzbornek", 1).into_bytes()),
        ("header_twice", good.replacen("surname", "forename", 1).into_bytes()),
        ("semicolons", good.replace(',', ";").into_bytes()),
        ("ids_twice", with(5, &line(7))),
        ("id_empty", with(5, &line(7).replace("ZQXID-0007", ""))),
        ("too_few", with(5, "ZQXID-0004,Zqxanthe,Quyzbornek,1987-06-11")),
        ("too_many", with(5, &(line(4) + ",ZQ7 4QX,Quyzbornek"))),
        ("quote_open", with(5, "ZQXID-0004,\"Zqxanthe,Quyzbornek,1987-06-11,F,ZQ7 4QX,,,zqxwho1,north")),
        ("too_long", with(5, &line(4).replace("Quyzbornek", &"Quyzbornek".repeat(200)))),
        (
            "not_utf8",
            [&with(5, &line(4))[..], b"ZQXID-9999,Zqxanthe\xff,Quyzbornek,1987-06-11,F,ZQ7 4QX,,,w,north\n"].concat(),
        ),
        ("utf16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("american", csv(|n, person| person.date = format!("06/{}/1987", 13 + n % 2)).into_bytes()),
        ("misread", csv(|_, person| person.date = person.surname.clone()).into_bytes()),
        (
            "shifted",
            csv(|n, person| {
                if n % 3 == 0 {
                    std::mem::swap(&mut person.postcode, &mut person.who);
                }
            })
            .into_bytes(),
        ),
        ("no_rows", HEADER.as_bytes().to_vec()),
        ("nothing", Vec::new()),
        ("zeros", [good.as_bytes(), &[0; 3000]].concat()),
    ]
}

/// Values that cannot be true, few enough for the file to be taken.
pub(crate) fn dirty() -> String {
    csv(|number, person| match number % 40 {
        3 => person.date = "1987-02-30".into(),
        5 => person.postcode = "ZQX-NOWHERE".into(),
        7 => person.date = "ZQX-SOMEDAY".into(),
        9 => person.nhs_number = "ZQX-NUMBER".into(),
        11 => person.upn = person.forename.clone(),
        13 => person.forename = "\"O'Zqxanthe, née \"\"Quyzbornek\"\"\"".into(),
        15 => person.surname = format!("{} ZQ7 4QX 1987-06-11", person.surname),
        _ => {}
    })
}

#[test]
fn programs_show_no_value_and_no_key() {
    let place = Place::new();
    let agreed = "--schema in/schema.toml --key keys/project_key";
    place.write("in/dirty.csv", dirty());
    place.write("in/refused.csv", HEADER.to_owned() + &(0..5).map(|n| person(n).line(',')).collect::<String>());

    // Whole files, all the way.
    place.succeeds("encode", "keygen keys/new_key");
    place.succeeds("encode", &format!("check {agreed}"));
    place.succeeds("encode", &format!("opt-out {agreed} --in in/refused.csv --out optout.list --log owner.log"));
    place.succeeds("seal", "keygen-unit keys/unit");
    let run = "--id-column record_id --seed-file keys/seed --log owner.log --actor analyst --no-audit invented-people";
    for (party, people) in [("police", "people"), ("education", "partner"), ("social_care", "dirty")] {
        let more = if party == "police" { "--opt-out optout.list --decoys 7" } else { "" };
        place.succeeds(
            "encode",
            &format!("run {agreed} --party {party} --in in/{people}.csv --out {party} {run} {more}"),
        );
        place.succeeds("seal", &format!("keygen-owner keys/{party}.sign"));
        place.succeeds("seal", &format!(
            "run --in {party}/{party}.cohort.json --to keys/unit.pub --sign-with keys/{party}.sign --out {party}.age --log owner.log"
        ));
        place.succeeds("seal", &format!(
            "open --in {party}.age --identity keys/unit --trust {party}=keys/{party}.sign.pub --out {party}.opened.json --log unit.log"
        ));
    }
    let cohorts = "police/police.cohort.json education/education.cohort.json social_care/social_care.cohort.json";
    place.succeeds("link", &format!("--schema in/schema.toml --out links --log unit.log {cohorts}"));
    place.succeeds("link", "--schema in/schema.toml --out dedup --dedup police/police.cohort.json --checkpoint states");
    let sealed = "--identity keys/unit --trust police=keys/police.sign.pub --trust education=keys/education.sign.pub";
    place.succeeds("link", &format!("--schema in/schema.toml --out again {sealed} police.age education.age"));
    place.succeeds("link", &format!("--schema in/schema.toml --plan {cohorts}"));
    place.succeeds(
        "scale",
        "--cohorts police/police.cohort.json education/education.cohort.json --threshold 0.8 --json",
    );
    let samples = "--known 90/100 --reviewed 99/100";
    place.succeeds(
        "national_counts",
        &format!("--schema in/schema.toml {samples} --epsilon 0.5 --log unit.log {cohorts}"),
    );
    place.succeeds("longitudinal_study", "--children 400 --cohort 60 --out study");
    notify(&place);
    for log in ["owner.log", "unit.log"] {
        place.succeeds("log", &format!("release {log} --schema in/schema.toml --party police --reason courier"));
        place.succeeds("log", &format!("check {log}"));
    }
    let files = "--schema in/schema.toml --a in/people.csv --b in/partner.csv --truth who --group part";
    place.succeeds("evaluate", &format!("{files} --errors --plaintext --resamples 100 --curve curve.csv"));
    place.succeeds("evaluate", &format!("{files} --errors --plaintext --resamples 100 --json --key keys/project_key"));
    // Refused or not, a report is written.
    place.run(
        "encode",
        &format!("run {agreed} --party police --in in/people.csv --out audited --log owner.log --audit quick"),
    );
    place.run(
        "privacy_table",
        "--schema in/schema.toml --a in/people.csv --b in/partner.csv --truth who --quick --only CLK --out table",
    );
    place.run(
        "audit",
        "--schema in/schema.toml --csv in/people.csv --id-column record_id --key keys/project_key --quick --out risk",
    );
    place.run("audit", "--schema in/schema.toml --csv in/dirty.csv --id-column record_id --quick --json");
    place.succeeds("tune", "--schema in/schema.toml --csv in/people.csv --rows 60 --most-leak 1 --out tuned");
    hardened(&place);
    clkhash(&place);
    // Who has an even number agreed: the word that says so is another column's.
    let referrals =
        "--schema in/schema.toml --key keys/project_key --party police --id-column record_id --opt-out optout.list";
    let consent = "--consent-column part --consent-yes north";
    place.succeeds("referral_list", &format!("--in in/dirty.csv {referrals} {consent}"));
    place.succeeds(
        "referral_list",
        &format!("--in in/dirty.csv {referrals} {consent} --out referred --release-small a-test-of-what-leaks"),
    );
    place.fails("referral_list", &format!("--in in/people.csv {referrals} {consent} --out not-referred"));

    // Broken files.
    for (name, content) in broken() {
        let file = place.write(&format!("in/{name}.csv"), content);
        for more in ["", "--strict", "--delimiter ;", "--column surname=family"] {
            let run = format!("run {agreed} --party police --in {file} --out refused {run} {more}");
            // With another header or delimiter the fault of a file may be its whole point.
            if more.is_empty() || more == "--strict" {
                place.fails("encode", &run)
            } else {
                let _ = place.run("encode", &run);
            }
        }
        place.run("encode", &format!("opt-out {agreed} --in {file} --out refused.list"));
        place.run("referral_list", &format!("--in {file} {referrals} {consent} --out refused"));
        // These can be read, and then the programs work for seconds.
        if ["american", "misread", "shifted"].contains(&name) {
            continue;
        }
        place.run("audit", &format!("--schema in/schema.toml --csv {file} --id-column record_id --quick --json"));
        place.run(
            "evaluate",
            &format!("--schema in/schema.toml --a {file} --b in/partner.csv --truth who --resamples 0"),
        );
        place.run("tune", &format!("--schema in/schema.toml --csv {file} --rows 60"));
    }
    place.fails("encode", &format!("run {agreed} --party police --in in/dirty.csv --out refused {run} --strict"));
    place.fails("encode", &format!("run {agreed} --party police --in in/refused.csv --out refused {run}"));
    place.fails("encode", &format!("run {agreed} --party police --in in/people.csv --out police {run}"));
    let expired = UK_PERSON.replace("2035-12-31", "2020-12-31");
    place.write("in/expired.toml", expired);
    place.fails(
        "encode",
        "run --schema in/expired.toml --key keys/project_key --party police --in in/people.csv --out refused",
    );
    // Another key, and a cohort that was cut short or changed.
    let other = "--schema in/schema.toml --key keys/other_project_key";
    place.succeeds("encode", &format!("run {other} --party education --in in/partner.csv --out other {run}"));
    place.fails("link", "--schema in/schema.toml --out refused police/police.cohort.json other/education.cohort.json");
    place
        .fails("encode", &format!("run {other} --party police --in in/people.csv --out refused --opt-out optout.list"));
    let cohort = fs::read(place.folder.path().join("police/police.cohort.json")).unwrap();
    place.write("in/short.cohort.json", &cohort[..cohort.len() / 2]);
    place.write(
        "in/values.cohort.json",
        String::from_utf8(cohort).unwrap().replacen("\"row_ids\":[\"", "\"row_ids\":[\"ZQXID-0001", 1),
    );
    for broken in ["short", "values"] {
        place.fails("link", &format!("--schema in/schema.toml --out refused in/{broken}.cohort.json {cohorts}"));
    }
    wrong_files(&place, agreed);

    let all =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap().map(|entry| entry.unwrap().path());
    for path in all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(place.ran.borrow().contains(name) || INVENT.contains(&name), "{name} is a program that was not run");
    }
    // Three cohorts, their row maps, copies and sealed files, links, reports, logs, tuned schemas, …
    let searched = place.search_files();
    assert!(searched > 60, "{searched} files");
}

/// The standing index as a service: asked, with records that are sound and broken, while it logs.
fn notify(place: &Place) {
    let tokens = ["police", "education"].map(|party| format!("{party} {}\n", "t".repeat(40) + party));
    place.private("keys/tokens", &tokens.concat());
    place.private("keys/police_token", &("t".repeat(40) + "police"));
    place.succeeds(
        "notify",
        "index --schema in/schema.toml --index standing --learn police/police.cohort.json education/education.cohort.json",
    );
    place.fails(
        "notify",
        "index --schema in/schema.toml --index standing --threshold 0.8 education/education.cohort.json",
    );
    place.fails("notify", "serve --schema in/schema.toml --index standing --tokens in/people.csv --journal refused");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let asking = format!("--url http://127.0.0.1:{port} --token keys/police_token");
    std::thread::scope(|scope| {
        let folder = place.folder.path();
        let serving = scope.spawn(move || {
            Command::new(examples().join("notify").with_extension(std::env::consts::EXE_EXTENSION))
                .current_dir(folder)
                .args(
                    "serve --schema in/schema.toml --index standing --tokens keys/tokens --journal journal --rate 1e6"
                        .split(' '),
                )
                .args(["--seconds", "8", "--listen", &format!("127.0.0.1:{port}")])
                .output()
                .unwrap()
        });
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        place.succeeds("notify", &format!("send {asking} police/police.cohort.json"));
        place.succeeds("notify", &format!("load {asking} --threads 2 --seconds 0.3 police/police.cohort.json"));
        place.succeeds("notify", &format!("poll {asking}"));
        // Another party's rows.
        place.fails("notify", &format!("send {asking} --standing education/education.cohort.json"));
        let output = serving.join().unwrap();
        assert!(output.status.success() && !output.stderr.is_empty());
        for stream in [&output.stdout, &output.stderr] {
            clean(&place.markers, "notify serve", stream);
            assert!(!String::from_utf8_lossy(stream).contains("tttt"), "a token is in the log");
        }
    });
}

/// Noise, bigrams by a list of names, and the rarity of names; the lists are the file's own names.
fn hardened(place: &Place) {
    let names: BTreeSet<String> = (0..PEOPLE).map(|number| person(number).surname).collect();
    let list = "name,count\n".to_owned() + &names.iter().map(|name| format!("{name},7\n")).collect::<String>();
    let digest = sha256(&list);
    place.write("in/names.csv", list);
    let markov = format!(
        "hardening = [\"xor-fold\"]\nrandomised_response = 0.02\nmarkov = {{ extra = 4, list_sha256 = \"{digest}\" }}\n"
    );
    let schema = UK_PERSON
        .replace("diffusion = 14\noutput = 4096\n", "diffusion = 0\n")
        .replace("diffusion = 18\noutput = 4096\n", "diffusion = 0\n")
        .replace("fields = { forename = 75,", &(markov + "fields = { forename = 75,"))
        .replace("# ---- Match keys", &format!("[privacy]\naccept_risk = \"a test of what leaks\"\n\n[[rarity]]\nfield = \"surname\"\nlist_sha256 = \"{digest}\"\n\n# ---- Match keys"));
    place.write("in/hardened.toml", schema);
    let lists = "--rarity surname=in/names.csv --names in/names.csv --noise-file keys/noise_key";
    let run = "run --schema in/hardened.toml --key keys/project_key --party police --in in/people.csv --id-column record_id --no-audit invented-people";
    place.succeeds("encode", &format!("{run} --out hardened --seed-file keys/seed {lists}"));
    place.fails("encode", &format!("{run} --out refused {lists} --rarity forename=in/names.csv"));
    place.fails("encode", &format!("{run} --out refused --rarity surname=in/people.csv"));
    place.run("audit", "--schema in/hardened.toml --csv in/people.csv --id-column record_id --quick --json --names surname=in/names.csv \
        --markov-names in/names.csv --noise-file keys/noise_key --key keys/project_key");
}

/// The same people as clkhash and blocklib have them, in files that are whole and broken.
fn clkhash(place: &Place) {
    let ignored = |name: &str| serde_json::json!({ "identifier": name, "ignored": true });
    let hashed = |name: &str, format: serde_json::Value| {
        let hashing = serde_json::json!({ "comparison": { "type": "ngram", "n": 2 }, "strategy": { "bitsPerFeature": 100 },
            "missingValue": { "sentinel": "" } });
        serde_json::json!({ "identifier": name, "format": format, "hashing": hashing })
    };
    let text = || serde_json::json!({ "type": "string", "maxLength": 60 });
    let schema = serde_json::json!({ "version": 3, "clkConfig": { "l": 1024, "kdf": { "type": "HKDF" } }, "features": [
        ignored("record_id"), hashed("forename", text()), hashed("surname", text()),
        hashed("date_of_birth", serde_json::json!({ "type": "date", "format": "%Y-%m-%d" })), ignored("sex"),
        hashed("postcode", serde_json::json!({ "type": "string", "pattern": "ZQ.*" })),
        hashed("nhs_number", serde_json::json!({ "type": "integer", "minimum": 1 })),
        ignored("upn"), ignored("who"), ignored("part"),
    ] });
    place.write("in/linkage.json", schema.to_string());
    let blocking = |method: &str| {
        let filter = serde_json::json!({ "type": "count", "min": 1, "max": 200 });
        let bloom = serde_json::json!({ "type": "bloom filter", "number-hash-functions": 4, "bf-len": 2048 });
        let signatures = serde_json::json!([[{ "type": "metaphone", "feature": "surname" },
            { "type": "characters-at", "config": { "pos": ["0:4"] }, "feature": "date_of_birth" }],
            [{ "type": "feature-value", "feature": "postcode" }]]);
        let config = if method == "p-sig" {
            serde_json::json!({ "blocking-features": ["surname", "date_of_birth", "postcode"], "filter": filter,
                "blocking-filter": bloom, "signatureSpecs": signatures })
        } else {
            serde_json::json!({ "blocking-features": ["forename", "surname"], "Lambda": 4, "bf-len": 512,
                "num-hash-funcs": 3, "K": 9, "random_state": 7, "input-clks": false })
        };
        serde_json::json!({ "type": method, "version": 1, "config": config }).to_string()
    };
    for method in ["p-sig", "lambda-fold"] {
        place.write(&format!("in/{method}.json"), blocking(method));
    }
    let secret = "--secret-file keys/clkhash_secret";
    let encode = format!("--schema in/linkage.json {secret} --accept-risk a-test-of-what-leaks");
    place.succeeds("clkhash_compat", &format!("{encode} --csv in/people.csv --out a.clks.json --log owner.log"));
    place.succeeds("clkhash_compat", &format!("{encode} --csv in/people.csv --ignore-header --out b.clks.json"));
    let project = "--project leaks --purpose test --party police --party education --expires 2035-12-31";
    place.succeeds(
        "clkhash_compat",
        &format!(
            "agreement --schema in/linkage.json {project} --accept-risk a-test-of-what-leaks --out agreement.toml"
        ),
    );
    place.succeeds("clkhash_compat", &format!("native --schema in/linkage.json {project} --out native.toml"));
    let cohort = format!("cohort --schema in/linkage.json --agreement agreement.toml {secret} --id-column record_id");
    for party in ["police", "education"] {
        place.succeeds("clkhash_compat", &format!(
            "{cohort} --party {party} --csv in/people.csv --out clkhash --seed-file keys/seed --audit quick --log owner.log"
        ));
    }
    let cohorts = "clkhash/police.cohort.json clkhash/education.cohort.json";
    place.succeeds("link", &format!("--schema agreement.toml --out clkhash-links {cohorts}"));
    let block = "block --csv in/people.csv";
    place.succeeds("clkhash_compat", &format!("{block} --blocking in/p-sig.json {secret} --out a.blocks.json"));
    place.succeeds(
        "clkhash_compat",
        &format!("{block} --blocking in/lambda-fold.json --key keys/project_key --project leaks --out c.blocks.json"),
    );
    // Without a key blocks are of what was hashed: they hold no value all the same.
    place.succeeds(
        "clkhash_compat",
        &format!("{block} --blocking in/p-sig.json --unkeyed --accept-risk a-test-of-what-leaks --out u.blocks.json"),
    );
    let both = "--clk a.clks.json --clk b.clks.json";
    place.succeeds("anonlink_compat", &format!("--threshold 0.9 {both} --out groups.json --scores scores.json"));
    place.succeeds("anonlink_compat", &format!(
        "--threshold 0.9 {both} --blocks a.blocks.json --blocks a.blocks.json --out blocked.json --candidates pairs.bin"
    ));

    for (name, content) in broken() {
        let file = place.write(&format!("in/{name}.csv"), content);
        for more in ["", "--no-header", "--ignore-header", "--no-validate"] {
            place.run("clkhash_compat", &format!("{encode} --csv {file} --out refused.clks.json {more}"));
        }
        place.run(
            "clkhash_compat",
            &format!("{cohort} --party police --csv {file} --out refused --no-audit invented-people"),
        );
        for method in ["p-sig", "lambda-fold"] {
            let block = format!("block --csv {file} --blocking in/{method}.json {secret} --out refused.blocks.json");
            place.run("clkhash_compat", &block);
        }
        place.fails(
            "clkhash_compat",
            &format!("--schema {file} --csv in/people.csv {secret} --accept-risk x --out refused.json"),
        );
        place.fails(
            "clkhash_compat",
            &format!("block --blocking {file} --csv in/people.csv {secret} --out refused.json"),
        );
        place.fails("anonlink_compat", &format!("--threshold 0.9 --clk a.clks.json --clk {file} --out refused.json"));
    }
    place.write("in/dirty_clkhash.csv", dirty());
    place.fails("clkhash_compat", &format!("{encode} --csv in/dirty_clkhash.csv --out refused.json"));
    for secret in ["keys/project_key", "keys/clkhash_secret"] {
        place.fails(
            "clkhash_compat",
            &format!("--schema {secret} --csv in/people.csv --secret-file {secret} --accept-risk x --out refused.json"),
        );
        place.fails("anonlink_compat", &format!("--threshold 0.9 --clk {secret} --clk {secret} --out refused.json"));
    }
}

fn sha256(text: &str) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(text))
}

/// Files of people, keys and row maps, in the place of every other file.
fn wrong_files(place: &Place, agreed: &str) {
    let unit = fs::read(place.folder.path().join("keys/unit")).unwrap();
    place.private("in/unit.copy", &String::from_utf8(unit).unwrap());
    place.write(
        "in/quoted.toml",
        format!("[project]\nid = \"{}\"\nother = 1987-06-11\nsurname = Quyzbornek\n", person(1).surname),
    );
    place.write(
        "in/values.json",
        "{\"manifest\":{\"project\":\"Quyzbornek\",\"Zqxanthe\":\"1987-06-11\"},\"ZQXID-0001\":[]}\n",
    );
    place.write("in/event.log", "{\"version\":1,\"sequence\":0,\"actor\":\"Quyzbornek\",\"Zqxanthe\":1}\n");
    // Broken only in the middle: rows that begin as they should.
    let id = "0123456789abcdef0123456789abcdef";
    for (name, header, row) in [
        ("rows", "row_id,record_id", format!("{id},ZQXID-0001\nZQXID-0002,Quyzbornek")),
        ("groups", "row_id,group", format!("{id},north\nZQXID-0002,Zqxanthe\n{id},Quyzbornek")),
        (
            "pairs",
            "party_a,row_a,party_b,row_b",
            format!("police,{id},education,{id}\nQuyzbornek,ZQXID-0002,Zqxanthe,1987-06-11"),
        ),
        ("list", "name,count", "Quyzbornek,many\nZqxanthe,1987-06-11".to_owned()),
    ] {
        place.write(&format!("in/broken.{name}"), format!("{header}\n{row}\n"));
    }
    let wrong = [
        "in/people.csv",
        "in/no_header.csv",
        "in/quoted.toml",
        "in/values.json",
        "in/event.log",
        "in/broken.rows",
        "in/broken.groups",
        "in/broken.pairs",
        "in/broken.list",
        "in/unit.copy",
        "in/zeros.csv",
        "keys/project_key",
        "keys/signing_key",
        "police/police.rows.csv",
        "optout.list",
        "police.age",
    ];
    let a = "police/police.cohort.json";
    let cohorts = format!("{a} education/education.cohort.json");
    let run = format!("run {agreed} --party police --in in/people.csv --out refused --no-audit invented-people");
    for file in wrong {
        // The seal programs want files that nobody else may read.
        let secret = "keys/copy";
        place.private(secret, &String::from_utf8_lossy(&fs::read(place.folder.path().join(file)).unwrap()));
        for (program, arguments) in [
            (
                "encode",
                format!("run --schema {file} --key keys/project_key --party police --in in/people.csv --out refused"),
            ),
            ("encode", format!("{run} --rarity surname={file}")),
            ("link", format!("--schema {file} --out refused {cohorts}")),
            ("link", format!("--schema in/schema.toml --out refused {a} {file}")),
            ("link", format!("--schema in/schema.toml --out refused {cohorts} --known {file}")),
            ("link", format!("--schema in/schema.toml --out refused {cohorts} --forbidden {file}")),
            ("link", format!("--schema in/schema.toml --out refused {cohorts} --groups police={file}")),
            ("link", format!("--schema in/schema.toml --out refused {cohorts} --log {file}")),
            ("log", format!("check {file}")),
            ("seal", format!("run --in {file} --to keys/unit.pub --sign-with keys/police.sign --out refused.age")),
            ("seal", format!("run --in {a} --to {file} --sign-with keys/police.sign --out refused.age")),
            ("seal", format!("open --in police.age --identity keys/unit --trust police={file} --out refused.json")),
            ("audit", format!("--schema {file} --csv in/people.csv --quick")),
            ("audit", format!("--schema in/schema.toml --csv in/people.csv --quick --names upn={file}")),
            ("evaluate", format!("--schema {file} --a in/people.csv --truth who")),
            ("tune", format!("--schema {file} --csv in/people.csv")),
        ] {
            place.fails(program, &arguments);
        }
        for (program, arguments) in [
            // A project key is a key for any of these.
            ("encode", format!("{run} --key {secret}")),
            ("encode", format!("check --schema in/schema.toml --key {secret}")),
            ("encode", format!("{run} --seed-file {secret} --in in/no_rows.csv")),
            ("encode", format!("{run} --in in/no_rows.csv --opt-out {file}")),
            (
                "seal",
                format!(
                    "run --in {a} --to keys/unit.pub --sign-with {secret} --out {}.by-another",
                    file.replace('/', "-")
                ),
            ),
            (
                "seal",
                format!(
                    "open --in police.age --identity {secret} --trust police=keys/police.sign.pub --out {}.opened",
                    file.replace('/', "-")
                ),
            ),
            (
                "seal",
                format!(
                    "open --in {file} --identity keys/unit --trust police=keys/education.sign.pub --out refused.json"
                ),
            ),
        ] {
            place.run(program, &arguments);
        }
    }
}
