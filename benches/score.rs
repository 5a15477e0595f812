//! The kernels on tiles that stay in cache, one thread: comparisons of two rows a second.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pprl::linkage::Kernel;
use pprl::linkage::score::Count;

const ROWS: usize = 128;

/// SplitMix64: rows of independent bits.
fn rows(seed: u64, stride: usize) -> Vec<u64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..ROWS * stride).map(|_| next()).collect()
}

fn score(c: &mut Criterion) {
    for bits in [128, 1000, 1024, 4096] {
        let stride = usize::div_ceil(bits, 64);
        let (a, b) = (rows(1, stride), rows(2, stride));
        let mut expected = vec![0; ROWS * ROWS];
        Kernel::Naive.count(Count::Different, &a, &b, stride, &mut expected);
        let mut group = c.benchmark_group(format!("score/{bits} bits"));
        group.throughput(Throughput::Elements((ROWS * ROWS) as u64));
        for kernel in Kernel::available().into_iter().filter(|kernel| *kernel != Kernel::Naive) {
            for count in [Count::Different, Count::Common] {
                let mut out = vec![0; ROWS * ROWS];
                kernel.count(Count::Different, &a, &b, stride, &mut out);
                assert_eq!(out, expected, "{kernel:?}");
                let id = BenchmarkId::new(format!("{kernel:?}"), format!("{count:?}"));
                group.bench_function(id, |bench| {
                    bench.iter(|| kernel.count(count, black_box(&a), black_box(&b), stride, black_box(&mut out)));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, score);
criterion_main!(benches);
