//! anonlink's work, one thread: finding candidate pairs of CLKs, and solving.
#![expect(clippy::expect_used, reason = "a benchmark that cannot start should stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pprl::anonlink::{
    CandidatePair, CandidatePairs, Clks, find_candidate_pairs, greedy_solve, probabilistic_greedy_solve,
};
use pprl::cohort::BitMatrix;
use pprl::linkage::Measure;

const ROWS: usize = 10_000;
const PAIRS: usize = 1_000_000;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 1024 bits, a quarter of them set; every second CLK of the second dataset is one of the first with a tenth drawn anew.
fn datasets() -> [Clks; 2] {
    let mut state = 1;
    let (mut a, mut b) = (BitMatrix::new(1024), BitMatrix::new(1024));
    let mut draw = |row: &mut [u8], of: u64| {
        for byte in row {
            let (one, other, changed) = (random(&mut state), random(&mut state), random(&mut state));
            if changed % 1000 < of {
                *byte = (one & other) as u8;
            }
        }
    };
    let mut row = vec![0; 128];
    for _ in 0..ROWS {
        draw(&mut row, 1000);
        assert!(a.push_bytes(&row), "a row has its length");
    }
    for i in 0..ROWS {
        let of = if i % 2 == 0 { 100 } else { 1000 };
        row = a.bytes(i);
        draw(&mut row, of);
        assert!(b.push_bytes(&row), "a row has its length");
    }
    [a, b].map(Clks::from_matrix)
}

fn pairs(datasets: u32, rows: u64) -> CandidatePairs {
    let mut state = u64::from(datasets);
    let pairs = (0..PAIRS).map(|_| {
        let first = random(&mut state) as u32 % datasets;
        let second = (first + 1 + random(&mut state) as u32 % (datasets - 1)) % datasets;
        let mut row = || (random(&mut state) % rows) as u32;
        CandidatePair {
            datasets: [first.min(second), first.max(second)],
            rows: [row(), row()],
            similarity: (row() % 500) as f64 / 1000.0 + 0.5,
        }
    });
    CandidatePairs::new(pairs.collect()).expect("similarities from 0.5 to 1")
}

fn candidates(c: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts");
    let [a, b] = datasets();
    let mut group = c.benchmark_group("anonlink/candidates 10k x 10k, 1024 bits");
    group.throughput(Throughput::Elements((ROWS * ROWS) as u64)).sample_size(10);
    group.measurement_time(Duration::from_secs(2));
    for (threshold, k) in [("0.7", None), ("0.8", None), ("0.9", None), ("0.5", Some(10))] {
        let exact = threshold.parse().expect("a ratio");
        group.bench_function(BenchmarkId::new(threshold, format!("{k:?}")), |bench| {
            bench.iter(|| {
                pool.install(|| find_candidate_pairs(black_box(&[&a, &b]), Measure::Dice, exact, k, None))
                    .map(|pairs| pairs.len())
            });
        });
    }
}

fn solving(c: &mut Criterion) {
    let mut group = c.benchmark_group("anonlink/solve a million pairs");
    group.throughput(Throughput::Elements(PAIRS as u64)).sample_size(10);
    group.measurement_time(Duration::from_secs(2));
    for (datasets, rows) in [(2, 100_000), (5, 40_000), (5, 2_000)] {
        let pairs = pairs(datasets, rows);
        let of = format!("{datasets} datasets of {rows}");
        group.bench_function(BenchmarkId::new("greedy", &of), |bench| bench.iter(|| greedy_solve(black_box(&pairs))));
        let half = "0.5".parse().expect("a ratio");
        group.bench_function(BenchmarkId::new("probabilistic", &of), |bench| {
            bench.iter(|| probabilistic_greedy_solve(black_box(&pairs), half, true));
        });
    }
}

criterion_group!(benches, candidates, solving);
criterion_main!(benches);
