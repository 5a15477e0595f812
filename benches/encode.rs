//! Encoding: one record, and many, in the default profile and as one plain CLK.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start should stop")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pprl::synth::{Agency, Options, Population};
use pprl::{Encoder, ProjectKey, Record, Schema};

const MANY: usize = 20_000;

/// Forename, surname, date of birth and postcode in one filter, undiffused: what clkhash makes.
const CLK: &str = r#"
version = 1
project = { id = "bench", purpose = "benchmark", parties = ["education"], expires = "2099-12-31" }
privacy = { accept_risk = "a benchmark on invented people" }
field = [
    { name = "forename", kind = "name", space = "names" },
    { name = "surname", kind = "name", space = "names" },
    { name = "date_of_birth", kind = "date", tokens = "digits" },
    { name = "sex", kind = "exact" },
    { name = "postcode", kind = "postcode" },
]
encoding = [{ name = "clk", length = 1024, diffusion = 0, fields = { forename = 80, surname = 80, date_of_birth = 80, sex = 20, postcode = 80 } }]
"#;

fn clk() -> Schema {
    Schema::from_toml(CLK).unwrap()
}

/// The default schema without its optional identifiers: forename, surname, date of birth, sex, postcode.
fn five_fields() -> Schema {
    let text = include_str!("../examples/schemas/uk_person.toml");
    let optional = |table: &&str| !["\nname = \"nhs_number\"", "\nname = \"upn\""].iter().any(|n| table.contains(n));
    let schema = Schema::from_toml(&text.split("\n[[").filter(optional).collect::<Vec<_>>().join("\n[[")).unwrap();
    assert_eq!(schema.fields().len(), 5);
    schema
}

fn records(schema: &Schema) -> Vec<Record> {
    let options = Options { children: MANY * 2, ..Options::default() };
    let population = Population::generate(&options).unwrap();
    let value = |record: &pprl::synth::Record, field: &str| match field {
        "forename" => record.forename.clone(),
        "surname" => record.surname.clone(),
        "date_of_birth" => record.date_of_birth.clone(),
        "sex" => record.sex.clone(),
        "postcode" => record.postcode.clone(),
        "nhs_number" => record.nhs_number.clone(),
        "upn" => record.upn.clone(),
        other => panic!("no such field: {other}"),
    };
    let record = |r: &pprl::synth::Record| {
        Record::new(r.record_id.clone(), schema.fields().iter().map(|field| value(r, field.name())).collect())
    };
    population.records(Agency::Education).iter().take(MANY).map(record).collect()
}

fn encode(c: &mut Criterion) {
    let key = ProjectKey::generate().unwrap();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let schemas = [("guarded", five_fields()), ("guarded, with identifiers", Schema::uk_person()), ("clk", clk())];
    for (name, schema) in schemas {
        let records = records(&schema);
        let encoder = Encoder::new(&schema, &key, "education").unwrap();
        assert_eq!(encoder.encode(&records).unwrap().cohort.rows(), MANY);
        let mut group = c.benchmark_group(format!("encode/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("one record", |b| b.iter(|| encoder.encode(black_box(&records[..1])).unwrap()));
        group.sample_size(10).throughput(Throughput::Elements(MANY as u64));
        group.bench_function("20,000 records, one thread", |b| {
            b.iter_batched(
                || (),
                |()| one_thread.install(|| encoder.encode(&records).unwrap()),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
