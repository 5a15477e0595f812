//! Encoding invented people with a clkhash linkage schema, on one thread: bigrams of two names, a date, a postcode.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start should stop")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pprl::clkhash::{ClkEncoder, LinkageSchema, Secret};
use pprl::synth::{Agency, Options, Population};

const MANY: usize = 100_000;

/// What `benches/peers/clkhash_compat.py` gives to clkhash itself.
fn schema(hash: &str) -> LinkageSchema {
    let text = include_str!("clkhash_schema.json").replace("HASH", hash);
    LinkageSchema::from_json(&text).unwrap()
}

fn rows() -> Vec<[String; 4]> {
    let population = Population::generate(&Options { children: MANY * 2, ..Options::default() }).unwrap();
    let people = population.records(Agency::Education).iter().filter(|r| r.date_of_birth.len() == 10);
    let row = |r: &pprl::synth::Record| [&r.forename, &r.surname, &r.date_of_birth, &r.postcode].map(Clone::clone);
    let rows: Vec<_> = people.map(row).take(MANY).collect();
    assert_eq!(rows.len(), MANY);
    rows
}

fn encode(c: &mut Criterion) {
    let rows = rows();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut group = c.benchmark_group("clkhash");
    group.sample_size(10).throughput(Throughput::Elements(MANY as u64));
    for hash in ["blakeHash", "doubleHash"] {
        let secret = Secret::from_bytes(b"a benchmark".to_vec());
        let encoder = ClkEncoder::new(&schema(hash), &secret, "a benchmark on invented people").unwrap();
        group.bench_function(format!("{hash}, 100,000 rows, one thread"), |b| {
            b.iter_batched(|| (), |()| one_thread.install(|| encoder.encode(&rows).unwrap()), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
