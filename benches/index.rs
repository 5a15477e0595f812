//! A standing index on one core: how long one record takes, and a batch of 64, at 100,000 and a million rows of 1,024 bits.
//! One row in a thousand is like what is asked for.
#![expect(clippy::expect_used, reason = "a benchmark that cannot start should stop")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pprl::linkage::{Ask, Index, IndexModel};
use pprl::{Cohort, Schema};
use sha2::{Digest, Sha256};

const BITS: usize = 1024;
const WORDS: usize = BITS / 64;

/// One encoding of 1,024 bits: diffused, or a plain filter.
fn schema(diffused: bool) -> Schema {
    let text = include_str!("../tests/data/clk.toml");
    let plain = "[privacy]\naccept_risk = \"public data, to measure what the profile gives\"\n";
    let diffused_text = || text.replace("diffusion = 0", "diffusion = 11\noutput = 1024").replace(plain, "");
    Schema::from_toml(&if diffused { diffused_text() } else { text.to_owned() }).expect("is a schema")
}

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows of random bits, a half set in diffused rows and about 30 % in others. Every thousandth row is, but for some bits, one
/// of the rows that are asked for.
fn rows(diffused: bool, count: usize, seed: u64, like: &[[u64; WORDS]]) -> Vec<[u64; WORDS]> {
    let mut state = seed;
    let word = |state: &mut u64| {
        let (x, y, z) = (random(state), random(state), random(state));
        if diffused { x } else { x & (y | z & random(state)) & (x | z) }
    };
    (0..count)
        .map(|row| {
            let mut words = std::array::from_fn(|_| word(&mut state));
            if let Some(other) = like.get(row / 1000).filter(|_| row % 1000 == 500) {
                words = *other;
                (0..100).for_each(|_| words[random(&mut state) as usize % WORDS] ^= 1 << (random(&mut state) % 64));
            }
            words
        })
        .collect()
}

/// A cohort file of these rows; `docs/encoding.md`, section 9.
fn cohort(schema: &Schema, party: &str, rows: &[[u64; WORDS]]) -> Cohort {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    let (name, reason) = (schema.encodings()[0].name(), schema.accept_risk().unwrap_or_default());
    let (print, project, count) = (schema.fingerprint(), schema.project().id(), rows.len());
    let check = "0123456789abcdef";
    for value in
        ["pprl-cohort-1", "1", print, project, party, check, &count.to_string(), "1", name, "1024", "0", reason]
    {
        text(value);
    }
    let bytes = |row: &[u64; WORDS]| row.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let id = |row: usize| {
        let mut state = row as u64 ^ (party.len() as u64 * 77_777_777_777);
        [random(&mut state).to_be_bytes(), random(&mut state).to_be_bytes()].concat()
    };
    (0..count).for_each(|row| hash.update(id(row)));
    rows.iter().for_each(|row| hash.update(bytes(row)));
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("is a digit");
    let hex = |bytes: &[u8]| bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>();
    let digest = hex(&hash.finalize());
    let list = |items: &mut dyn Iterator<Item = String>| {
        items.map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(",\n")
    };
    let reason = if reason.is_empty() { String::new() } else { format!("\"accept_risk\": \"{reason}\", ") };
    let mut json = String::new();
    write!(
        json,
        "{{\"format\": \"pprl-cohort-1\", \"manifest\": {{\"encoding_version\": 1, \"fingerprint\": \"{print}\", \"project\": \
         \"{project}\", \"party\": \"{party}\", \"key_check\": \"{check}\", \"rows\": {count}, \"encodings\": [{{\"name\": \
         \"{name}\", \"bits\": 1024}}], \"match_keys\": [], {reason}\"tool\": \"bench\", \"sha256\": \"{digest}\"}},\n\
         \"row_ids\": [{}],\n\"clks\": [{}]}}",
        list(&mut (0..count).map(|row| hex(&id(row)))),
        list(&mut rows.iter().map(|row| STANDARD.encode(bytes(row)))),
    )
    .expect("memory takes text");
    Cohort::from_json(json.as_bytes()).expect("is a cohort")
}

fn index(c: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts");
    for (profile, diffused, threshold) in [("diffused", true, 0.75), ("filter", false, 0.8)] {
        let schema = schema(diffused);
        let [standing, asking] = [0, 1].map(|place| schema.project().parties()[place].clone());
        let asked = rows(diffused, 64, 7, &[]);
        let model = IndexModel::similarity(&schema, threshold).expect("is a threshold");
        for count in [100_000, 1_000_000] {
            let folder = tempfile::tempdir().expect("there is room");
            let index = {
                let cohort = cohort(&schema, &standing, &rows(diffused, count, 1, &asked));
                Index::create(folder.path(), &schema, &[&cohort], &model).expect("is made")
            };
            let mut group = c.benchmark_group(format!("index/{profile}/{count} rows"));
            group.sample_size(20).measurement_time(Duration::from_secs(3));
            for batch in [1, 64] {
                let cohort = cohort(&schema, &asking, &asked[..batch]);
                group.throughput(Throughput::Elements(batch as u64));
                for (what, ask) in [("threshold", Ask::best(10)), ("best 10", Ask::best(10).least(0.01))] {
                    group.bench_function(BenchmarkId::new(what, batch), |bench| {
                        // Within the pool from the beginning: handing a query over takes as long as the query.
                        pool.install(|| bench.iter(|| index.query(black_box(&cohort), &ask).expect("is answered")));
                    });
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, index);
criterion_main!(benches);
