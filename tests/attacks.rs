//! The ridge decoder, the graph attack and frequency alignment: they succeed on what is weak, fail on the default, and are
//! the same every time.
#![cfg(all(feature = "audit", feature = "synth"))]
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use pprl::audit::{Aligned, Frequency, Graph, Leak, Likelihood, Reidentified, Ridge};
use pprl::synth::{Agency, Options, Population, Rates};
use pprl::{Encoded, Encoder, ErrorKind, ProjectKey, Record, Schema};

const HEAD: &str = r#"
version = 1
[project]
id = "attacks-test"
purpose = "A test of the audit"
parties = ["a", "b"]
expires = "9999-12-31"
[privacy]
accept_risk = "invented people, to see an attack succeed"
[[field]]
name = "forename"
kind = "name"
space = "names"
[[field]]
name = "surname"
kind = "name"
space = "names"
[[field]]
name = "date_of_birth"
kind = "date"
tokens = "digits"
[[field]]
name = "sex"
kind = "exact"
[[field]]
name = "postcode"
kind = "postcode"
system = "uk"
"#;

const CLK: &str = r#"
[[encoding]]
name = "clk"
length = 1024
diffusion = 0
fields = { forename = 80, surname = 80, date_of_birth = 80, sex = 20, postcode = 80 }
"#;

/// A filter of the forename alone: every ANNA is alike.
const FIELDS: &str = r#"
[[encoding]]
name = "forename"
length = 128
diffusion = 0
fields = { forename = 45 }
[[encoding]]
name = "date_and_postcode"
length = 512
diffusion = 0
missing = "empty"
fields = { date_of_birth = 45, postcode = 45 }
[[match_key]]
name = "surname"
fields = ["surname", "sex"]
"#;

fn schema(encodings: &str) -> Schema {
    Schema::from_toml(&format!("{HEAD}{encodings}")).expect("is sound")
}

/// So many people, with ids from 1, the values in the order of the schema's first fields and the rest empty.
fn people(schema: &Schema, count: usize, seed: u64) -> Vec<Record> {
    let options = Options {
        seed,
        children: count * 2,
        cohort: 0,
        education: Rates::none(),
        education_share: 10_000,
        ..Options::default()
    };
    let population = Population::generate(&options).expect("generates");
    let record = |(id, r): (usize, &pprl::synth::Record)| {
        let values = [&r.forename, &r.surname, &r.date_of_birth, &r.sex, &r.postcode];
        let mut values: Vec<String> = values.into_iter().cloned().collect();
        values.resize(schema.fields().len(), String::new());
        Record::new((id + 1).to_string(), values)
    };
    let records: Vec<Record> =
        population.records(Agency::Education).iter().take(count).enumerate().map(record).collect();
    assert_eq!(records.len(), count);
    records
}

fn encode(schema: &Schema, records: &[Record]) -> Encoded {
    let key = ProjectKey::from_bytes(std::array::from_fn(|i| 31 + 7 * i as u8));
    let party = schema.project().parties()[0].clone();
    Encoder::new(schema, &key, &party).expect("is a party").seed([5; 32]).encode(records).expect("encodes")
}

/// With so many threads.
fn with<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("starts").install(work)
}

#[test]
fn a_plain_filter_is_read_by_fifty_known_people() {
    let schema = schema(CLK);
    let records = people(&schema, 400, 1);
    let encoded = encode(&schema, &records);
    let ridge = Ridge::new().known(50).targets(100).listed(300);
    let leak = ridge.attack(&schema, &records, &encoded).expect("attacks");
    assert!(leak.all.share() > 0.9 && leak.all.targets == 100, "{leak:?}");
    assert!(leak.mean_dice > leak.all.share() && leak.mean_dice <= 1.0, "{leak:?}");
    for groups in [&leak.by_name_length, &leak.by_missing, &leak.by_relatives] {
        assert_eq!(groups.values().map(|named| named.targets).sum::<u64>(), 100);
    }
    let many = ridge.known(100).attack(&schema, &records, &encoded).expect("attacks");
    assert!(many.all.share() > 0.97, "{many:?}");
}

/// Both attacks by known people try to name the same ones.
#[test]
fn both_attacks_draw_the_same_people() {
    let schema = schema(CLK);
    let records = people(&schema, 300, 2);
    let encoded = encode(&schema, &records);
    let ridge = Ridge::new().known(40).targets(60).listed(200).draws(2).seed(9);
    let likelihood = Likelihood::new().known(40).targets(60).listed(200).draws(2).seed(9);
    let ridge = ridge.attack(&schema, &records, &encoded).expect("attacks");
    let likelihood = likelihood.attack(&schema, &records, &encoded).expect("attacks");
    let targets = |leak: &Leak| {
        [&leak.by_name_length, &leak.by_missing, &leak.by_relatives]
            .map(|groups| groups.iter().map(|(&group, named)| (group, named.targets)).collect::<Vec<_>>())
    };
    assert_eq!(targets(&ridge), targets(&likelihood));
    assert_eq!(ridge.seeds, [9, 10]);
}

#[test]
fn the_default_is_not_read() {
    let schema = Schema::uk_person();
    let records = people(&schema, 400, 3);
    let encoded = encode(&schema, &records);
    let leak = Ridge::new().known(100).targets(200).listed(300).attack(&schema, &records, &encoded).expect("attacks");
    // Relatives of known people apart, a few by chance.
    assert!(leak.strangers().share() < 0.03 && leak.strangers().targets > 100, "{leak:?}");
    assert!(leak.mean_dice < 0.4, "{leak:?}");
}

#[test]
fn the_ridge_decoder_is_the_same_with_any_number_of_threads() {
    let schema = schema(CLK);
    let records = people(&schema, 300, 4);
    let encoded = encode(&schema, &records);
    let attack = |threads, seed| {
        let ridge = Ridge::new().known(15).targets(101).listed(250).seed(seed);
        with(threads, || ridge.attack(&schema, &records, &encoded)).expect("attacks")
    };
    let once = attack(1, 1);
    assert!(once.all.named > 0 && once.all.named < 101, "a case in which something can differ: {once:?}");
    assert_eq!(once, attack(3, 1));
    assert_ne!(once, attack(1, 2));
}

fn graph(schema: &Schema, records: &[Record], graph: &Graph) -> Reidentified {
    graph.attack(schema, records, &encode(schema, records)).expect("attacks")
}

/// Without anybody known where all are listed, and from a few where a quarter is.
#[test]
fn a_plain_filter_falls_to_its_graph() {
    let schema = schema(CLK);
    let records = people(&schema, 400, 5);
    let all = graph(&schema, &records, &Graph::new().people(400));
    assert!(all.all.share() > 0.97, "{all:?}");
    assert_eq!((all.people, all.overlapping, all.all.targets, all.strangers), (400, 400, 400, all.all));
    let quarter = Graph::new().people(220).overlap(0.25).seeds(12);
    let quarter = graph(&schema, &records, &quarter);
    assert_eq!((quarter.people, quarter.overlapping, quarter.all.targets), (220, 55, 43));
    assert!(quarter.all.share() > 0.9, "{quarter:?}");
    let dense = graph(&schema, &records, &Graph::new().people(150).seeds(10).dense(true));
    assert!(dense.dense && dense.all.share() > 0.9, "{dense:?}");
}

/// Diffused three times each encoding still gives everybody away; diffused as in the default they do not.
#[test]
fn the_default_has_no_graph_to_speak_of() {
    let schema = Schema::uk_person();
    let records = people(&schema, 300, 6);
    let some = Graph::new().people(300).seeds(10);
    let guarded = graph(&schema, &records, &some);
    assert!(guarded.strangers.share() < 0.03 && guarded.strangers.targets > 200, "{guarded:?}");
    let none = graph(&schema, &records, &Graph::new().people(300));
    assert!(none.all.share() < 0.02, "{none:?}");

    let text = include_str!("../examples/schemas/uk_person.toml").replace("diffusion = 14", "diffusion = 3");
    let text = text.replace("diffusion = 18", "diffusion = 3");
    let text = text.replacen("[[field]]", "[privacy]\naccept_risk = \"to see an attack succeed\"\n\n[[field]]", 1);
    let weak = Schema::from_toml(&text).expect("is sound");
    let weak = graph(&weak, &records, &some);
    assert!(weak.all.share() > 0.95, "{weak:?}");
}

#[test]
fn the_graph_attack_is_the_same_with_any_number_of_threads() {
    let schema = schema(CLK);
    let records = people(&schema, 260, 7);
    let encoded = encode(&schema, &records);
    let attack = |threads, seed| {
        let graph = Graph::new().people(170).overlap(0.5).seeds(3).seed(seed);
        with(threads, || graph.attack(&schema, &records, &encoded)).expect("attacks")
    };
    assert_eq!(attack(1, 1), attack(3, 1));
    assert_ne!(attack(1, 1), attack(1, 2));
}

#[test]
fn what_has_no_graph_is_refused_and_small_files_are_not() {
    let schema = schema(CLK);
    let records = people(&schema, 60, 8);
    let encoded = encode(&schema, &records);
    for wrong in [
        Graph::new().overlap(0.0),
        Graph::new().overlap(1.1),
        Graph::new().overlap(f64::NAN),
        Graph::new().seeds(60),
        Graph::new().people(0),
    ] {
        let error = wrong.attack(&schema, &records, &encoded).expect_err("is refused");
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
    }
    let shrunk = Graph::new().overlap(0.5).attack(&schema, &records, &encoded).expect("attacks");
    assert_eq!((shrunk.people, shrunk.overlapping), (40, 20));
    for count in [1, 2, 3] {
        let few = graph(&schema, &records[..count], &Graph::new());
        assert_eq!((few.people, few.all.targets), (count, count as u64));
    }
}

fn column<'a>(found: &'a [Aligned], name: &str) -> &'a Aligned {
    found.iter().find(|aligned| aligned.column == name).expect("is there")
}

#[test]
fn common_forenames_are_common_when_encoded() {
    let schema = schema(FIELDS);
    let names = [("ANNA", 9), ("TOM", 7), ("LI", 5), ("ÅSA", 4), ("BO", 4), ("UNA", 1), ("", 3)];
    let names = names.iter().flat_map(|&(name, count)| std::iter::repeat_n(name, count));
    let record = |(i, name): (usize, &str)| {
        let (surname, sex) = if i < 20 { ("SMITH", "F") } else { (["NG", "O'BRIEN"][i % 2], "M") };
        let (date, postcode) = (format!("19{:02}-03-04", 10 + i), format!("OX{} 1AA", i + 1));
        // Nobody knows a date of birth or a postcode of the last ones: their filters are empty, and alike.
        let known = |text: String| if i < 28 { text } else { String::new() };
        Record::new(i.to_string(), vec![name.into(), surname.into(), known(date), sex.into(), known(postcode)])
    };
    let records: Vec<Record> = names.enumerate().map(record).collect();
    let encoded = encode(&schema, &records);
    let found = Frequency::new().attack(&schema, &records, &encoded).expect("attacks");
    let forename = column(&found, "encoding forename");
    // Between two that are equally common the attacker cannot tell, and one that stands there once is nobody in particular.
    assert_eq!(forename.repeated, 5);
    assert_eq!((forename.commonest[&10].targets, forename.commonest[&10].named), (3, 3));
    assert_eq!(forename.commonest[&10], forename.commonest[&200]);
    let rarer = Frequency::new().least(8).attack(&schema, &records, &encoded).expect("attacks");
    assert_eq!(column(&rarer, "encoding forename").commonest[&10].targets, 1, "only ANNA stands there eight times");
    let unique = column(&found, "encoding date_and_postcode");
    assert_eq!((unique.distinct, unique.repeated, unique.commonest[&200].targets), (28, 0, 0));
    let key = column(&found, "match key surname");
    assert_eq!((key.distinct, key.commonest[&10].targets, key.commonest[&10].named), (3, 3, 3));

    // A public list that has the second and the third in another order, and says ANNA in two ways.
    let list = [("Anna", 50), ("anna", 50), ("li", 70), ("tom", 60)].map(|(name, count)| (name.to_owned(), count));
    let public = Frequency::new().list("forename", list.to_vec());
    let public = public.attack(&schema, &records, &encoded).expect("attacks");
    let forename = column(&public, "encoding forename");
    assert!(forename.public && !column(&public, "match key surname").public);
    assert_eq!((forename.commonest[&50].targets, forename.commonest[&50].named), (3, 1));

    let error = Frequency::new().list("nickname", vec![]).attack(&schema, &records, &encoded).expect_err("is refused");
    assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
    let none = encode(&schema, &records[..1]);
    let none = Frequency::new().attack(&schema, &records[..1], &none).expect("attacks");
    assert!(none.iter().all(|aligned| aligned.repeated == 0 && aligned.commonest[&10].targets == 0), "{none:?}");
}

#[test]
fn nothing_in_the_default_is_common() {
    let schema = Schema::uk_person();
    let records = people(&schema, 400, 9);
    let found = Frequency::new().attack(&schema, &records, &encode(&schema, &records)).expect("attacks");
    assert_eq!(found.len(), schema.encodings().len() + schema.match_keys().len());
    assert!(found.iter().all(|aligned| aligned.commonest[&200].named == 0), "{found:?}");
}

#[test]
fn public_lists_are_read_and_what_they_hold_is_not_shown() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let path = folder.path().join("names.csv");
    std::fs::write(&path, "count,name\n12,QXZNAME\n7,Tom\n").expect("writes");
    let read = Frequency::new().names("forename", &path).expect("reads");
    assert!(!format!("{read:?}").contains("QXZNAME"));
    for (text, told) in [("name,count\nQXZNAME,QXZ\n", "row 1"), ("name,number\nTom,1\n", "count"), ("", "name")] {
        std::fs::write(&path, text).expect("writes");
        let error = Frequency::new().names("forename", &path).expect_err("is refused");
        assert!(matches!(error.kind(), ErrorKind::File { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains(told) && !said.contains("QXZ"), "{said}");
    }
}
