//! Candidates by LSH: rows a second through one table, and whole searches, next to what comparing all pairs would be.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pprl::cohort::BitMatrix;
use pprl::linkage::{Lsh, Sampling};

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows that are half full, and the same rows with each bit turned over with probability 1/8.
fn matrices(rows: usize, bits: usize) -> [BitMatrix; 2] {
    let mut state = 1;
    let (mut a, mut b) = (BitMatrix::new(bits), BitMatrix::new(bits));
    for _ in 0..rows {
        let words: Vec<u64> = (0..bits / 64).map(|_| random(&mut state)).collect();
        let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        assert!(a.push_bytes(&bytes(&words)));
        let noise = |state: &mut u64| random(state) & random(state) & random(state);
        let other: Vec<u64> = words.iter().map(|word| word ^ noise(&mut state)).collect();
        assert!(b.push_bytes(&bytes(&other)));
    }
    [a, b]
}

fn candidates(c: &mut Criterion) {
    let mut group = c.benchmark_group("candidates");
    group.sample_size(10);
    for (rows, bits) in [(10_000, 1024), (100_000, 1024), (100_000, 4096)] {
        let [a, b] = matrices(rows, bits);
        let (a, b) = (std::slice::from_ref(&a), std::slice::from_ref(&b));
        for (key, tables) in [(20, 1), (20, 8), (20, 32), (40, 8)] {
            let Ok(lsh) = Lsh::new(&[Sampling { bits: key, tables }]) else { continue };
            group.throughput(Throughput::Elements((2 * rows * tables) as u64));
            group.bench_function(format!("{rows} x {rows} rows of {bits} bits, {tables} x {key}"), |bench| {
                bench.iter(|| lsh.between(a, b));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, candidates);
criterion_main!(benches);
