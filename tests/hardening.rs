//! Hardenings beside diffusion: what a schema may ask for, and what comes of it. Known answers are in `tests/encoding.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::float_cmp,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(feature = "owner")]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::fs;

use helpers::{CLK, encoder, key, record};
use pprl::cohort::BitMatrix;
use pprl::owner::RarityList;
use pprl::schema::{Encoding, Hardening, HardeningStep, Missing, Risk, SaltPart};
use pprl::{Encoded, Encoder, ErrorKind, ProjectKey, Record, Schema};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const LIST: &str = "name,count\nSmith,200\nJones,199\nO'Neill,30\nNg,49\nMüller,10\nАнна,51\nAnn,500\nBob,300\n";

const NAMES: [&str; 8] = ["Ann", "Bob", "Cleo", "Dmitri", "Мария", "O'Neill", "Smith-Jones", "Ng"];

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// [`CLK`] with these lines more in its encoding.
fn toml(lines: &str) -> String {
    CLK.replace("[linkage]", &format!("{lines}\n[linkage]"))
}

fn schema(lines: &str) -> Schema {
    Schema::from_toml(&toml(lines)).unwrap()
}

fn list(text: &str) -> RarityList {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.csv");
    fs::write(&path, text).unwrap();
    RarityList::read(path).unwrap()
}

fn markov(extra: usize) -> String {
    format!("markov = {{ extra = {extra}, list_sha256 = \"{}\" }}", sha256(LIST))
}

fn noise_key(first: u8) -> ProjectKey {
    ProjectKey::from_bytes(std::array::from_fn(|i| first + i as u8))
}

/// People of whom `year` says when they were born, by their number.
fn people(count: usize, year: impl Fn(usize) -> u32) -> Vec<Record> {
    let person = |i: usize| {
        let born = format!("{}-{:02}-{:02}", year(i), i % 12 + 1, i / 12 % 28 + 1);
        record(i, &[NAMES[i % 8], NAMES[i / 8 % 8], &born])
    };
    (0..count).map(person).collect()
}

/// The row of each record, in the records' order.
fn rows(encoded: &Encoded, encoding: usize) -> Vec<Vec<u64>> {
    let matrix: &BitMatrix = &encoded.cohort.encodings()[encoding];
    let mut rows = vec![Vec::new(); matrix.rows()];
    for (row, (_, own)) in encoded.row_map.entries().iter().enumerate() {
        rows[own.parse::<usize>().unwrap()] = matrix.row(row).to_vec();
    }
    rows
}

fn set(row: &[u64]) -> u32 {
    row.iter().map(|word| word.count_ones()).sum()
}

fn differing(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn dice(a: &[u64], b: &[u64]) -> f64 {
    let common: u32 = a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum();
    2.0 * f64::from(common) / f64::from(set(a) + set(b))
}

// ---- The schema ------------------------------------------------------------------------------------------------------

#[test]
fn a_schema_says_what_it_asks_for() {
    let schema = schema(&format!(
        "hardening = [\"xor-fold\", \"rule-90\", \"balance\"]\nrandomised_response = 0.05\nsalt = \"date_of_birth.year\"\n{}",
        markov(4)
    ));
    let encoding = &schema.encodings()[0];
    let hardening = encoding.hardening();
    assert_eq!((encoding.length(), encoding.output()), (1024, 1024));
    assert_eq!(hardening.steps(), [HardeningStep::XorFold, HardeningStep::Rule90, HardeningStep::Balance]);
    assert_eq!((hardening.randomised_response(), hardening.kept(), hardening.weight()), (500, 0.95, 4));
    let salt = hardening.salt().unwrap();
    assert_eq!((salt.field(), salt.part()), (2, SaltPart::Year));
    let bigrams = hardening.markov().unwrap();
    assert_eq!((bigrams.extra(), bigrams.list_sha256()), (4, &*sha256(LIST)));
    let canonical = schema.canonical();
    let expected = format!(
        "\"hardening\":[\"xor-fold\",\"rule-90\",\"balance\"],\"length\":1024,\"markov\":{{\"extra\":4,\"list_sha256\":\"{}\"}},\
         \"missing\":\"empty\",\"name\":\"clk\",\"output\":1024,\"randomised_response\":500,\"salt\":\"date_of_birth.year\"",
        sha256(LIST)
    );
    assert!(canonical.contains(&expected), "{canonical}");
    assert_eq!(Schema::from_toml(&schema.to_toml()).unwrap(), schema);

    // ε = 2 · 240 · ln(0.975 / 0.025).
    let epsilon = Risk::Noise { encoding: "clk".into(), epsilon: 1758 };
    let risks = schema.risks();
    assert!(risks.contains(&epsilon), "{risks:?}");
    assert_eq!(risks.len(), 1 + 3 + 1 + 1 + 1);
    let said: Vec<String> = risks.iter().map(Risk::to_string).collect();
    for word in ["fifty", "xor-fold", "rule-90", "balance", "1758", "date_of_birth.year", "stand in beside"] {
        assert!(said.iter().any(|risk| risk.contains(word)), "{word}: {said:?}");
    }
}

/// What they are is in a fingerprint only where they are.
#[test]
fn every_hardening_has_a_fingerprint_of_its_own() {
    let lines = [
        String::new(),
        "hardening = [\"xor-fold\"]".into(),
        "hardening = [\"rule-90\"]".into(),
        "hardening = [\"rule-90\", \"rule-90\"]".into(),
        "hardening = [\"resam\", \"rule-90\"]".into(),
        "hardening = [\"rule-90\", \"resam\"]".into(),
        "hardening = [\"balance\"]".into(),
        "randomised_response = 0.1".into(),
        "randomised_response = 0.1001".into(),
        "salt = \"date_of_birth\"".into(),
        "salt = \"date_of_birth.year\"".into(),
        markov(1),
        markov(2),
    ];
    let mut fingerprints: Vec<String> = lines.iter().map(|lines| schema(lines).fingerprint().to_owned()).collect();
    assert_eq!(fingerprints[0], helpers::clk().fingerprint());
    fingerprints.sort();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), lines.len());
}

#[test]
fn what_is_wrong_is_said_with_line_and_key() {
    let line = 1 + CLK.lines().position(|line| line == "[linkage]").unwrap();
    let digest = "0a".repeat(32);
    for (lines, key, says) in [
        ("hardening = []", "hardening", "1 to 8 steps"),
        ("hardening = \"xor-fold\"", "hardening", "must be a list"),
        ("hardening = [\"xor-fold\", 1]", "hardening", "list of strings"),
        ("hardening = [\"folding\"]", "hardening", "must be one of xor-fold, balance, rule-90, resam"),
        ("hardening = [\"balance\", \"xor-fold\"]", "hardening", "balance must be the last step"),
        ("hardening = [\"balance\", \"balance\"]", "hardening", "balance must be the last step"),
        (
            "hardening = [\"resam\",\"resam\",\"resam\",\"resam\",\"resam\",\"resam\",\"resam\",\"resam\",\"resam\"]",
            "hardening",
            "1 to 8 steps",
        ),
        ("randomised_response = 0", "randomised_response", "above 0 and below 1"),
        ("randomised_response = 1.0", "randomised_response", "above 0 and below 1"),
        ("randomised_response = 0.00005", "randomised_response", "four decimals"),
        ("randomised_response = -0.1", "randomised_response", "above 0"),
        ("randomised_response = \"0.1\"", "randomised_response", "must be a number"),
        ("randomised_response = nan", "randomised_response", "must be a number"),
        ("salt = 1", "salt", "must be a string"),
        ("salt = \"born\"", "salt", "no such field"),
        ("salt = \"\"", "salt", "no such field"),
        ("salt = \".year\"", "salt", "no such field"),
        ("salt = \"date_of_birth.month\"", "salt", "no such field"),
        ("salt = \"forename\"", "salt", "must be the same in all files"),
        ("salt = \"forename.year\"", "salt", "must be the same in all files"),
        ("markov = 4", "markov", "must be a table"),
        ("markov = { }", "markov.extra", "is missing"),
        (&format!("markov = {{ extra = 4, list_sha256 = \"{digest}\", more = 1 }}"), "markov.more", "unknown key"),
        (&format!("markov = {{ extra = 0, list_sha256 = \"{digest}\" }}"), "markov.extra", "from 1 to 16"),
        (&format!("markov = {{ extra = 17, list_sha256 = \"{digest}\" }}"), "markov.extra", "from 1 to 16"),
        ("markov = { extra = 4, list_sha256 = \"0A\" }", "markov.list_sha256", "64 hexadecimal digits"),
        ("output = 512\nhardening = [\"xor-fold\"]", "output", "leave it out"),
    ] {
        let error = Schema::from_toml(&toml(lines)).unwrap_err();
        let ErrorKind::Schema { problems, .. } = error.kind() else { panic!("{lines}: {error}") };
        let key = format!("encoding[1].{key}");
        let found = problems.iter().find(|problem| problem.key == key && problem.message.contains(says));
        let found = found.unwrap_or_else(|| panic!("{lines}: {problems:?}"));
        assert!((line..line + 2).contains(&found.line), "{lines}: {found:?}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let says = |text: &str, says: &str| {
        let error = Schema::from_toml(text).unwrap_err();
        let ErrorKind::Schema { problems, .. } = error.kind() else { panic!("{error}") };
        assert!(problems.iter().any(|problem| problem.message.contains(says)), "{says}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.line > 0), "{problems:?}");
    };
    let diffused = |lines: &str| toml(lines).replace("diffusion = 0", "diffusion = 12\noutput = 1024");
    says(&diffused("hardening = [\"resam\"]"), "diffusion must be 0");
    says(&diffused("randomised_response = 0.1"), "diffusion must be 0");
    Schema::from_toml(&diffused("salt = \"date_of_birth.year\"")).unwrap();
    Schema::from_toml(&diffused(&markov(2))).unwrap();
    let length = |lines: &str, length: usize| toml(lines).replace("length = 1024", &format!("length = {length}"));
    says(&length("hardening = [\"xor-fold\"]", 1023), "an odd number of bits, 1023");
    says(&length("hardening = [\"xor-fold\", \"xor-fold\"]", 1022), "an odd number of bits, 511");
    says(&length("hardening = [\"balance\"]", 2049), "more than 4096");
    let tiny = length("hardening = [\"xor-fold\", \"rule-90\"]", 4).replace("= 80", "= 1");
    says(&tiny, "rule 90 needs three");
    let dates = "fields = { date_of_birth = 80 }";
    let only_dates = toml(&markov(2)).replace("fields = { forename = 80, surname = 80, date_of_birth = 80 }", dates);
    let names = "[[match_key]]\nname = \"all\"\nfields = [\"forename\", \"surname\"]\n[linkage]";
    says(&only_dates.replace("[linkage]", names), "kind name or text");
    // Without a reason, each is refused; and with diffusion they need one all the same.
    let guarded =
        Schema::uk_person().to_toml().replacen("missing = \"random\"", "missing = \"random\"\nsalt = \"sex\"", 1);
    let error = Schema::from_toml(&guarded).unwrap_err().to_string();
    assert!(error.contains("salted by sex") && error.contains("accept_risk"), "{error}");
}

#[test]
fn encodings_made_by_hand_are_checked() {
    let schema = Schema::uk_person();
    let clk = || Encoding::new("clk", 1024, 0, 1024, Missing::Empty, vec![(1, 80), (4, 80)]);
    // Fields before the salt's go, and it still points to what it pointed to.
    let salted = clk().with_hardening(Hardening::new().step(HardeningStep::XorFold).with_salt(2, SaltPart::Year));
    assert_eq!(salted.output(), 512);
    let other = schema.with_encodings(vec![salted], "a reason in words").unwrap();
    let salt = other.encodings()[0].hardening().salt().unwrap();
    assert_eq!(other.fields()[salt.field()].name(), "date_of_birth");
    assert_eq!(other.encodings()[0].output(), 512);
    for wrong in [
        Hardening::new().with_salt(99, SaltPart::Whole),
        Hardening::new().with_salt(3, SaltPart::Year),
        Hardening::new().with_randomised_response(10_000),
        Hardening::new().with_markov(4, "no digest"),
        Hardening::new().step(HardeningStep::Balance).step(HardeningStep::Balance),
    ] {
        assert!(
            schema.with_encodings(vec![clk().with_hardening(wrong.clone())], "a reason in words").is_err(),
            "{wrong:?}"
        );
    }
    assert!(clk().hardening().is_none() && clk().with_hardening(Hardening::new()) == clk());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands there: a schema that is read is written and read as itself, and anything else is an error.
    #[test]
    fn any_words_are_read_or_refused(
        steps in prop::collection::vec(prop::sample::select(vec!["xor-fold", "balance", "rule-90", "resam", "x", ""]), 0..10),
        rate in prop_oneof![any::<f64>().prop_map(|x| format!("{x:?}")), (0..12_000u32).prop_map(|x| format!("0.{x:04}"))],
        salt in "[a-z_]{0,14}(\\.year)?|date_of_birth(\\.year)?",
        extra in any::<i64>(),
        length in 240..4100usize,
    ) {
        let mut lines = format!("hardening = {steps:?}\nrandomised_response = {rate}\nsalt = \"{salt}\"\n");
        if extra % 2 == 0 {
            lines += &markov(0).replace("extra = 0", &format!("extra = {}", extra % 20));
        }
        for text in [toml(&lines), toml(&format!("hardening = {steps:?}"))] {
            let text = text.replace("length = 1024", &format!("length = {length}"));
            if let Ok(schema) = Schema::from_toml(&text) {
                prop_assert_eq!(&Schema::from_toml(&schema.to_toml()).unwrap(), &schema);
                prop_assert!((1..=4096).contains(&schema.encodings()[0].output()));
            }
        }
    }
}

// ---- What the encoder asks for ---------------------------------------------------------------------------------------

fn refused(result: pprl::Result<impl Sized>, says: &str) {
    let error = result.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn noise_has_a_key_of_its_own() {
    let schema = schema("randomised_response = 0.1");
    let some = people(20, |_| 2011);
    refused(encoder(&schema, "police", 1).encode(&some), "was given no key for its noise");
    refused(encoder(&schema, "police", 1).noise(&key()), "must be the owner's own");
    refused(encoder(&helpers::clk(), "police", 1).noise(&noise_key(70)), "does not ask for randomised response");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.key");
    refused(encoder(&schema, "police", 1).noise_file(&path), "noise.key");
    noise_key(70).write(&path).unwrap();
    let of_file = encoder(&schema, "police", 1).noise_file(&path).unwrap().encode(&some).unwrap();
    let of_key = encoder(&schema, "police", 1).noise(&noise_key(70)).unwrap().encode(&some).unwrap();
    assert_eq!(rows(&of_file, 0), rows(&of_key, 0));

    let twice =
        [record("same", &["Ann", "Ng", ""]), record("x", &["Bob", "Ng", ""]), record("same", &["Bob", "Li", ""])];
    let error = encoder(&schema, "police", 1).noise(&noise_key(70)).unwrap().encode(&twice).unwrap_err();
    let ErrorKind::Rows { problems, total, .. } = error.kind() else { panic!("{error}") };
    assert_eq!((problems[0].row, *total), (3, 1));
    assert!(!error.to_string().contains("same\"") && !format!("{error:?}").contains("Bob"), "{error:?}");
}

#[test]
fn bigrams_have_a_list() {
    let schema = schema(&markov(4));
    let some = people(20, |_| 2011);
    refused(encoder(&schema, "police", 1).encode(&some), &sha256(LIST));
    refused(encoder(&schema, "police", 1).names(&list("name,count\nAnn,1\n")), "is no list by which");
    refused(encoder(&helpers::clk(), "police", 1).names(&list(LIST)), "is no list by which");
    encoder(&schema, "police", 1).names(&list(LIST)).unwrap().encode(&some).unwrap();
    // Of `_A A_` each has one other.
    let short = "name,count\nA,1\n";
    let of = |extra| self::schema(&format!("markov = {{ extra = {extra}, list_sha256 = \"{}\" }}", sha256(short)));
    refused(encoder(&of(2), "police", 1).names(&list(short)), "too few different bigrams");
    encoder(&of(1), "police", 1).names(&list(short)).unwrap().encode(&some).unwrap();
}

// ---- What comes of it ------------------------------------------------------------------------------------------------

/// A record without a bit is of nobody: hardened, it stays without a bit, and never looks like another.
#[test]
fn nothing_stays_nothing() {
    let some = [record(0, &["", "", ""]), record(1, &["Ann", "Ng", "2011-07-09"]), record(2, &["", "", "2011-02-30"])];
    for lines in
        ["hardening = [\"balance\"]", "randomised_response = 0.2", "hardening = [\"xor-fold\", \"resam\", \"balance\"]"]
    {
        let schema = schema(lines);
        let encoder = encoder(&schema, "police", 1);
        let encoder = if lines.contains("response") { encoder.noise(&noise_key(70)).unwrap() } else { encoder };
        let found = rows(&encoder.encode(&some).unwrap(), 0);
        assert_eq!([set(&found[0]), set(&found[2])], [0, 0], "{lines}");
        assert!(set(&found[1]) > 100, "{lines}");
    }
}

#[test]
fn balanced_rows_have_half_their_bits_set() {
    let encoded = encoder(&schema("hardening = [\"balance\"]"), "police", 1).encode(&people(100, |_| 2011)).unwrap();
    let plain = encoder(&helpers::clk(), "police", 1).encode(&people(100, |_| 2011)).unwrap();
    let (balanced, plain) = (rows(&encoded, 0), rows(&plain, 0));
    assert!(balanced.iter().all(|row| set(row) == 1024));
    // It is another project's key schedule only in name: both are made of the same filter, and differ in twice as many bits.
    for (i, j) in [(0, 1), (3, 50), (99, 2)] {
        assert_eq!(differing(&balanced[i], &balanced[j]), 2 * differing(&plain[i], &plain[j]));
    }
}

#[test]
fn noise_is_each_records_own_and_the_same_again() {
    let plain = rows(&encoder(&helpers::clk(), "police", 1).encode(&people(300, |_| 2011)).unwrap(), 0);
    let schema = schema("randomised_response = 0.1");
    let noised = |seed: u8, key: u8, some: &[Record]| {
        rows(&encoder(&schema, "police", seed).noise(&noise_key(key)).unwrap().encode(some).unwrap(), 0)
    };
    let first = noised(1, 70, &people(300, |_| 2011));
    let flips: Vec<u32> = first.iter().zip(&plain).map(|(noised, plain)| differing(noised, plain)).collect();
    // f/2 of 1,024 bits, 300 times: 51.2 with a deviation of the mean of 0.4.
    let mean = f64::from(flips.iter().sum::<u32>()) / 300.0;
    assert!((mean - 51.2).abs() < 1.6, "{mean}");
    // Not the same bits in all records: no position is flipped in many of them.
    let flipped =
        |bit: usize| (0..300).filter(|&i| (first[i][bit / 64] ^ plain[i][bit / 64]) >> (bit % 64) & 1 == 1).count();
    assert!((0..1024).map(flipped).max().unwrap() < 45, "a mask and no noise");
    // Row ids are others, and so are the rows' places, but not the noise.
    assert_eq!(first, noised(2, 70, &people(300, |_| 2011)));
    let other = noised(1, 71, &people(300, |_| 2011));
    let apart: u32 = first.iter().zip(&other).map(|(a, b)| differing(a, b)).sum();
    // Two independent noises differ in 2 · f/2 · (1 − f/2) of the bits, 97.3.
    assert!((f64::from(apart) / 300.0 - 97.3).abs() < 3.0, "{apart}");
    // Two encodings of one schema do not share it.
    let lines = "randomised_response = 0.1\n[[encoding]]\nname = \"again\"\nlength = 1024\ndiffusion = 0\n\
                 randomised_response = 0.1\nfields = { forename = 80 }";
    let two = self::schema(lines);
    let both = encoder(&two, "police", 1).noise(&noise_key(70)).unwrap().encode(&people(300, |_| 2011)).unwrap();
    assert_ne!(rows(&both, 0), rows(&both, 1));
}

#[test]
fn people_with_other_salts_are_strangers() {
    let born = |born: &str| record(0, &["Cleo", "Featherstonehaugh", born]);
    let row = |lines: &str, record: Record| {
        rows(&encoder(&schema(lines), "police", 1).encode(&[record]).unwrap(), 0).remove(0)
    };
    for (salt, same, other) in [
        ("salt = \"date_of_birth.year\"", "2011-12-24", "2012-07-09"),
        ("salt = \"date_of_birth\"", "9/7/2011", "2011-07-08"),
    ] {
        let one = row(salt, born("2011-07-09"));
        assert_eq!(one, row(salt, born("09/07/2011")));
        let near = dice(&one, &row(salt, born(same)));
        let far = dice(&one, &row(salt, born(other)));
        assert!(near > 0.7, "{salt}: {near}");
        // About 210 of 1,024 bits each: strangers share a fifth by chance.
        assert!(far < 0.32, "{salt}: {far}");
        let unsalted = dice(&row("", born("2011-07-09")), &row("", born(other)));
        assert!(unsalted > 0.7, "{unsalted}");
        // No salt, no row.
        assert_eq!(set(&row(salt, born(""))), 0);
        let random = format!("{salt}\nmissing = \"random\"");
        let [no_salt, nobody] = ["", "30/02/2011"].map(|date| row(&random, born(date)));
        assert!(set(&no_salt) > 150 && no_salt == nobody, "what stands in is of the row id and of nothing else");
    }
    let missing = rows(
        &encoder(&schema("salt = \"date_of_birth\"\nmissing = \"random\""), "police", 1)
            .encode(&[born(""), record(1, &["Cleo", "Featherstonehaugh", ""])])
            .unwrap(),
        0,
    );
    assert!(dice(&missing[0], &missing[1]) < 0.35);
}

/// A diffused row without its salt is random, and the quality report counts it as empty.
#[test]
fn a_diffused_row_without_its_salt_says_nothing() {
    let text = toml("salt = \"date_of_birth.year\"").replace("diffusion = 0", "diffusion = 12\noutput = 2048");
    let schema = Schema::from_toml(&text).unwrap();
    let some = [record(0, &["Ann", "Ng", ""]), record(1, &["Ann", "Ng", ""]), record(2, &["Ann", "Ng", "2011-07-09"])];
    let encoded = encoder(&schema, "police", 1).encode(&some).unwrap();
    assert_eq!(encoded.quality.empty, 2);
    let found = rows(&encoded, 0);
    let apart = differing(&found[0], &found[1]);
    assert!((900..1150).contains(&apart), "{apart}");
}

#[test]
fn bigrams_stand_in_beside_others_for_everybody_alike() {
    let schema = schema(&markov(4));
    let encode = |key: u8, names: [&str; 2]| {
        let key = ProjectKey::from_bytes([key; 32]);
        let encoder = Encoder::new(&schema, &key, "police").unwrap().seed([1; 32]).names(&list(LIST)).unwrap();
        rows(&encoder.encode(&[record(0, &[names[0], names[1], ""])]).unwrap(), 0).remove(0)
    };
    let plain = rows(&encoder(&helpers::clk(), "police", 1).encode(&[record(0, &["Zoë", "Quinn", ""])]).unwrap(), 0);
    assert_ne!(encode(1, ["Zoë", "Quinn"]), plain[0]);
    assert_eq!(encode(1, ["Zoë", "Quinn"]), encode(1, ["ZOE", "quinn"]));
    assert_ne!(encode(1, ["Zoë", "Quinn"]), encode(2, ["Zoë", "Quinn"]));
    // The field's budget is what it was, shared among more.
    assert!((100..=160).contains(&set(&encode(1, ["Zoë", "Quinn"]))));
    // Swapped names are the same set of bigrams, beside which the same others stand.
    assert_eq!(encode(1, ["Zoë", "Quinn"]), encode(1, ["Quinn", "Zoë"]));
    // Letters that are not in the list have others beside them, too.
    assert!(set(&encode(1, ["李", "王"])) > 60);
}

/// Files that are empty or of one row, and as many threads as one likes.
#[test]
fn rows_do_not_depend_on_threads() {
    let schema = schema(&format!(
        "hardening = [\"resam\", \"xor-fold\", \"rule-90\", \"balance\"]\nrandomised_response = 0.2\nsalt = \"date_of_birth.year\"\n\
         {}",
        markov(3)
    ));
    let encode = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let encoder = encoder(&schema, "police", 1).noise(&noise_key(70)).unwrap().names(&list(LIST)).unwrap();
            encoder.encode(&people(count, |i| 1950 + i as u32 % 60)).unwrap().cohort.to_json()
        })
    };
    for count in [0, 1, 2500] {
        assert!(encode(1, count) == encode(4, count), "{count} rows");
    }
}

// ---- Linking and attacking -------------------------------------------------------------------------------------------

/// Names of syllables, so many that hardly two people share both.
fn invented(i: usize) -> [String; 3] {
    const FIRST: [&str; 16] =
        ["Ka", "Lo", "Mi", "Ne", "Pa", "Ro", "Sa", "Te", "Vi", "Wa", "Zo", "Bri", "Cha", "Do", "El", "Fa"];
    const LAST: [&str; 12] = ["ra", "nne", "bel", "dor", "lia", "mus", "sko", "ton", "wyn", "berg", "ford", "que"];
    let mut state = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut below = |n: usize| {
        state = (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (state >> 33) as usize % n
    };
    let mut name = || FIRST[below(16)].to_owned() + LAST[below(12)] + LAST[below(12)];
    let (forename, surname) = (name(), name());
    [forename, surname, format!("{}-{:02}-{:02}", 1940 + below(70), below(12) + 1, below(28) + 1)]
}

fn hardenings() -> Vec<String> {
    let mut all: Vec<String> = [
        "hardening = [\"xor-fold\"]",
        "hardening = [\"rule-90\"]",
        "hardening = [\"resam\"]",
        "hardening = [\"balance\"]",
        "hardening = [\"resam\", \"balance\"]",
        "randomised_response = 0.05",
        "salt = \"date_of_birth.year\"",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(markov(2));
    all
}

fn encode(schema: &Schema, party: &str, noise: u8, some: &[Record]) -> Encoded {
    let mut encoder = encoder(schema, party, noise);
    let hardening = schema.encodings()[0].hardening();
    if hardening.randomised_response() > 0 {
        encoder = encoder.noise(&noise_key(noise)).unwrap();
    }
    if hardening.markov().is_some() {
        encoder = encoder.names(&list(LIST)).unwrap();
    }
    encoder.encode(some).unwrap()
}

#[cfg(feature = "linkage")]
#[test]
fn hardened_people_are_found_again() {
    let person = |i: usize| {
        let [forename, surname, born] = invented(i);
        record(i, &[&forename, &surname, &born])
    };
    // 100 people in both files, others in one, and in each one of whom nothing is known.
    let mut first: Vec<Record> = (0..160).map(person).collect();
    let mut second: Vec<Record> = (60..220).map(person).collect();
    first.push(record(999, &["", "", ""]));
    second.push(record(999, &["", "", ""]));
    for lines in hardenings() {
        // A threshold is on the scale of filters that nothing hardens: what is noised on both sides agrees less, and strangers who
        // are balanced more.
        let schema = Schema::from_toml(&toml(&lines).replace("threshold = 0.75", "threshold = 0.85")).unwrap();
        let (a, b) = (encode(&schema, "police", 40, &first), encode(&schema, "school", 80, &second));
        let links = pprl::Linker::new(&schema).link(&[&a.cohort, &b.cohort]).unwrap();
        let (of_a, of_b) = (a.row_map.entries(), b.row_map.entries());
        let pairs = links.pairs("police", "school").unwrap().into_iter();
        let pairs: Vec<(&str, &str)> =
            pairs.map(|(x, y)| (of_a[x as usize].1.as_str(), of_b[y as usize].1.as_str())).collect();
        assert_eq!(pairs.len(), 100, "{lines}");
        assert!(pairs.iter().all(|(x, y)| x == y && *x != "999"), "{lines}");
    }
}

/// What [`Risk`] says: some hundred known people open each of them; but not those whose salt nobody known has.
#[cfg(feature = "audit")]
#[test]
fn known_people_open_what_is_hardened() {
    use pprl::audit::{Likelihood, Ridge};

    let some: Vec<Record> = (0..420)
        .map(|i| {
            let [forename, surname, born] = invented(i);
            record(i, &[&forename, &surname, &born])
        })
        .collect();
    let named = |lines: &str| {
        let schema = schema(lines);
        let encoded = encode(&schema, "police", 40, &some);
        let attack = Likelihood::new().known(120).targets(60).listed(300).seed(3);
        attack.attack(&schema, &some, &encoded).map(|leak| leak.all.share())
    };
    // The likelihood attack does not know which bigrams stand in; a linear decoder need not.
    let companions = schema(&markov(2));
    let encoded = encode(&companions, "police", 40, &some);
    let ridge = Ridge::new().known(120).targets(60).listed(300).seed(3).attack(&companions, &some, &encoded).unwrap();
    assert!(ridge.all.share() > 0.5, "{ridge:?}");
    for lines in hardenings().into_iter().filter(|lines| !lines.contains("markov")) {
        let share = named(&lines).unwrap();
        // Who shares a year with somebody known looks like them, and few on the list do: a salt of years leaves most to see.
        let least = if lines.contains("salt") { 0.5 } else { 0.9 };
        assert!(share > least, "{lines}: {share}");
    }
    // Nobody known is born on the same day as a target.
    let share = named("salt = \"date_of_birth\"").unwrap();
    assert!(share < 0.2, "{share}");
}
