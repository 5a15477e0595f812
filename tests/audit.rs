//! The attacks of the audit: they succeed where they must, fail where they must, and are the same every time.
#![cfg(all(feature = "audit", feature = "synth"))]
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use pprl::audit::{KnownPerson, Leak, Likelihood, Row, guess};
use pprl::synth::{Agency, Options, Population, Rates};
use pprl::{Encoded, Encoder, ErrorKind, ProjectKey, Record, Schema};

const HEAD: &str = r#"
version = 1
[project]
id = "audit-test"
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
"#;

/// One plain filter, which fifty known people are known to open.
fn clk() -> Schema {
    let encoding = r#"
[[encoding]]
name = "clk"
length = 1024
diffusion = 0
fields = { forename = 85, surname = 85, date_of_birth = 80, sex = 6 }
"#;
    Schema::from_toml(&format!("{HEAD}{encoding}")).expect("is sound")
}

fn people(children: usize, rates: Rates, seed: u64) -> Vec<[String; 4]> {
    let options =
        Options { seed, children, cohort: 0, education: rates, education_share: 10_000, ..Options::default() };
    let population = Population::generate(&options).expect("generates");
    let person =
        |r: &pprl::synth::Record| [r.forename.clone(), r.surname.clone(), r.date_of_birth.clone(), r.sex.clone()];
    population.records(Agency::Education).iter().map(person).collect()
}

/// Records with ids from 1, the values in the order of the schema's first fields and the rest empty.
fn records(schema: &Schema, people: &[[String; 4]]) -> Vec<Record> {
    let record = |(id, values): (usize, &[String; 4])| {
        let mut values = values.to_vec();
        values.resize(schema.fields().len(), String::new());
        Record::new((id + 1).to_string(), values)
    };
    people.iter().enumerate().map(record).collect()
}

fn encode(schema: &Schema, key: u8, records: &[Record]) -> Encoded {
    let key = ProjectKey::from_bytes(std::array::from_fn(|i| key.wrapping_mul(31).wrapping_add(i as u8)));
    let party = schema.project().parties()[0].clone();
    Encoder::new(schema, &key, &party).expect("is a party").seed([5; 32]).encode(records).expect("encodes")
}

/// Where the rows of the first records are.
fn rows<'a>(records: &[Record], encoded: &'a Encoded) -> Vec<Row<'a>> {
    let of_id: std::collections::HashMap<&str, usize> =
        encoded.row_map.entries().iter().enumerate().map(|(row, (_, id))| (id.as_str(), row)).collect();
    records.iter().map(|r| Row { cohort: &encoded.cohort, row: of_id[r.id()] }).collect()
}

#[test]
fn a_plain_filter_falls_to_fifty_known_people() {
    let schema = clk();
    let records = records(&schema, &people(900, Rates::none(), 1));
    let encoded = encode(&schema, 1, &records);
    let leak = Likelihood::new().known(50).targets(100).listed(500).attack(&schema, &records, &encoded);
    let leak = leak.expect("attacks");
    assert!(leak.all.share() > 0.9, "{leak:?}");
    for groups in [&leak.by_name_length, &leak.by_missing, &leak.by_relatives] {
        assert_eq!(groups.values().map(|named| named.targets).sum::<u64>(), 100);
    }
    assert_eq!((leak.all.targets, leak.known, leak.listed), (100, 50, 500));
    let related = leak.all.targets - leak.strangers().targets;
    // Surname and date of birth, or a namesake: few have a twin among fifty.
    assert!(related < 20, "{leak:?}");
}

/// With the default profile a few hundred known people say next to nothing, and what stands in for a missing postcode
/// says nothing at all.
#[test]
fn a_guarded_file_does_not() {
    let schema = Schema::uk_person();
    let records = records(&schema, &people(900, Rates::none(), 2));
    let encoded = encode(&schema, 1, &records);
    let leak = Likelihood::new().known(200).targets(200).listed(400).attack(&schema, &records, &encoded);
    let leak = leak.expect("attacks");
    assert!(leak.all.interval().0 < 0.05 && leak.all.share() < 0.1, "{leak:?}");
    assert_eq!(leak.by_missing.keys().copied().collect::<Vec<_>>(), ["1 missing"], "nobody has a postcode");
}

/// Known people of another key's file say nothing about this one: the attack is left with chance.
#[test]
fn another_key_is_of_no_help() {
    let schema = clk();
    let records = records(&schema, &people(900, Rates::none(), 3));
    let (insiders, others) = records.split_at(200);
    let (one, two) = (encode(&schema, 1, insiders), encode(&schema, 2, others));
    let known: Vec<KnownPerson<'_>> =
        insiders.iter().zip(rows(insiders, &one)).map(|(record, row)| KnownPerson { record, row }).collect();
    let (targets, list) = (rows(&others[..200], &two), others.iter().take(400).collect::<Vec<_>>());
    let guesses = guess(&schema, &known, &targets, &list).expect("guesses");
    let right = guesses.iter().enumerate().filter(|&(target, guess)| target == *guess).count();
    // By lot one in two, and the record's fullness, which shows under any key, a few more.
    assert!(right <= 12, "{right} of 200");

    // The same attack under the right key, so that it is the key that makes the difference.
    let two = encode(&schema, 1, others);
    let guesses = guess(&schema, &known, &rows(&others[..200], &two), &list).expect("guesses");
    let right = guesses.iter().enumerate().filter(|&(target, guess)| target == *guess).count();
    assert!(right > 180, "{right} of 200");
}

/// Where all that is encoded is a sex, the best of guesses is one of half the list.
#[test]
fn one_field_of_two_values_names_nobody() {
    let encoding = "[[encoding]]\nname = \"sex\"\nlength = 64\ndiffusion = 0\nfields = { sex = 20 }\n";
    let keep = "[[match_key]]\nname = \"k\"\nfields = [\"forename\", \"surname\", \"date_of_birth\"]\n";
    let schema = Schema::from_toml(&format!("{HEAD}{encoding}{keep}")).expect("is sound");
    let records = records(&schema, &people(700, Rates::none(), 4));
    let encoded = encode(&schema, 1, &records);
    let leak = Likelihood::new().known(100).targets(200).listed(300).attack(&schema, &records, &encoded);
    assert!(leak.expect("attacks").all.named <= 8);
}

#[test]
fn the_same_every_time_and_with_any_number_of_threads() {
    let schema = clk();
    let records = records(&schema, &people(400, Rates::police(), 5));
    let encoded = encode(&schema, 1, &records);
    let attack = |threads: usize, seed: u64, draws: usize| -> Leak {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("starts");
        let likelihood = Likelihood::new().known(10).targets(61).listed(150).draws(draws).seed(seed);
        pool.install(|| likelihood.attack(&schema, &records, &encoded)).expect("attacks")
    };
    let once = attack(1, 7, 1);
    assert_eq!(once, attack(3, 7, 1));
    assert!(once.all.named > 0 && once.all.named < 61, "a case in which something can differ: {once:?}");
    let both = attack(2, 7, 2);
    assert_eq!(both.seeds, [7, 8]);
    assert_eq!(both.all.named, once.all.named + attack(2, 8, 1).all.named);
}

#[test]
fn what_cannot_be_attacked_is_refused() {
    let schema = clk();
    let mut people = records(&schema, &people(60, Rates::none(), 6));
    let encoded = encode(&schema, 1, &people);
    let argument = |likelihood: Likelihood, schema: &Schema, records: &[Record]| {
        let error = likelihood.attack(schema, records, &encoded).expect_err("is refused");
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
    };
    let few = Likelihood::new().known(5).targets(5).listed(10);
    argument(few.clone().known(1_000), &schema, &people);
    argument(few.clone().known(0), &schema, &people);
    argument(few.clone().targets(11), &schema, &people);
    argument(few.clone().targets(0), &schema, &people);
    argument(few.clone().draws(0), &schema, &people);
    argument(few.clone(), &schema, &people[1..]);
    let other = few.attack(&Schema::uk_person(), &people, &encoded).expect_err("is another schema's");
    assert!(matches!(other.kind(), ErrorKind::Argument { .. } | ErrorKind::Mismatch { .. }), "{other}");
    people[0] = Record::new("2", people[0].values().to_vec());
    argument(few, &schema, &people);
}
