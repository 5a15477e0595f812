//! Encoding invented people, on one thread: one record, and many; as one plain CLK, as a filter for each field, in the
//! default profile and in its compact variant.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start should stop")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pprl::synth::{Agency, Options, Population};
use pprl::{Encoder, ProjectKey, Record, Schema};

#[path = "../examples/support/people.rs"]
mod people;

const MANY: usize = 100_000;

/// Forename, surname, date of birth and postcode, undiffused, in the encodings given: what clkhash makes, and its like.
fn plain(encodings: &str) -> Schema {
    let text = format!(
        r#"
version = 1
project = {{ id = "bench", purpose = "benchmark", parties = ["education"], expires = "2999-12-31" }}
privacy = {{ accept_risk = "a benchmark on invented people" }}
field = [
    {{ name = "forename", kind = "name", space = "names" }},
    {{ name = "surname", kind = "name", space = "names" }},
    {{ name = "date_of_birth", kind = "date", tokens = "digits" }},
    {{ name = "postcode", kind = "postcode" }},
]
encoding = [{encodings}]
"#
    );
    Schema::from_toml(&text).unwrap()
}

/// One filter of all four fields.
fn clk() -> Schema {
    let fields = "{ forename = 80, surname = 80, date_of_birth = 80, postcode = 80 }";
    plain(&format!(r#"{{ name = "clk", length = 1024, diffusion = 0, fields = {fields} }}"#))
}

/// A filter for each field.
fn field() -> Schema {
    let one =
        |field: &str| format!(r#"{{ name = "{field}", length = 128, diffusion = 0, fields = {{ {field} = 60 }} }}"#);
    plain(&["forename", "surname", "date_of_birth", "postcode"].map(one).join(", "))
}

fn records(schema: &Schema) -> Vec<Record> {
    let options = Options { children: MANY * 2, ..Options::default() };
    let population = Population::generate(&options).unwrap();
    let record = |r: &pprl::synth::Record| {
        let value = |field| people::value(r, field).unwrap();
        Record::new(r.record_id.clone(), schema.fields().iter().map(value).collect())
    };
    population.records(Agency::Education).iter().take(MANY).map(record).collect()
}

fn encode(c: &mut Criterion) {
    let key = ProjectKey::generate().unwrap();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let schemas =
        [("clk", clk()), ("field", field()), ("guarded", Schema::uk_person()), ("compact", people::compact().unwrap())];
    for (name, schema) in schemas {
        let records = records(&schema);
        let encoder = Encoder::new(&schema, &key, "education").unwrap();
        assert_eq!(encoder.encode(&records).unwrap().cohort.rows(), MANY);
        let mut group = c.benchmark_group(format!("encode/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("one record", |b| b.iter(|| encoder.encode(black_box(&records[..1])).unwrap()));
        group.sample_size(10).throughput(Throughput::Elements(MANY as u64));
        group.bench_function("100,000 records, one thread", |b| {
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
