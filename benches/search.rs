//! Threshold search, one thread: pairs of rows a second, by kernel, threshold and length of the rows.
#![expect(clippy::expect_used, reason = "a benchmark that cannot start should stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pprl::cohort::BitMatrix;
use pprl::linkage::{Kernel, Measure, Ratio, Search};

const ROWS: usize = 4096;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows of independent bits, each row with a density of its own from 0.3 to 0.5, as plain CLKs have; one in five of the
/// second matrix is a row of the first with up to 30 % of its bits drawn anew.
fn two(bits: usize) -> [BitMatrix; 2] {
    let mut state = bits as u64;
    let (mut a, mut b) = (BitMatrix::new(bits), BitMatrix::new(bits));
    for row in 0..2 * ROWS {
        let density = 0.3 + 0.2 * (random(&mut state) % 1000) as f64 / 1000.0;
        let drawn = |state: &mut u64| ((random(state) % 4096) as f64) < density * 4096.0;
        let copied = row >= ROWS && row % 5 == 0;
        let share = random(&mut state) % 300;
        let mut bytes = if copied { a.bytes(row - ROWS) } else { vec![0; bits.div_ceil(8)] };
        for bit in 0..bits {
            if !copied || random(&mut state) % 1000 < share {
                bytes[bit / 8] &= !(1 << (bit % 8));
                bytes[bit / 8] |= u8::from(drawn(&mut state)) << (bit % 8);
            }
        }
        assert!(if row < ROWS { &mut a } else { &mut b }.push_bytes(&bytes), "a row has its length");
    }
    [a, b]
}

fn search(c: &mut Criterion) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread starts");
    let kernels: Vec<Kernel> = Kernel::available().into_iter().filter(|kernel| *kernel != Kernel::Naive).collect();
    for bits in [128, 1000, 1023, 1024, 4096] {
        let [a, b] = two(bits);
        let mut group = c.benchmark_group(format!("search/{bits} bits"));
        group.throughput(Throughput::Elements((ROWS * ROWS) as u64)).sample_size(10);
        group.measurement_time(Duration::from_secs(2));
        for &kernel in &kernels {
            let mut bench = |how: &str, search: &Search| {
                group.bench_function(BenchmarkId::new(how, kernel), |bench| {
                    bench.iter(|| {
                        pool.install(|| {
                            search.between(black_box(&a), black_box(&b), |_| Ok(())).map(|found| found.pairs)
                        })
                    });
                });
            };
            for tenths in [7, 8, 9] {
                let threshold = Ratio::new(tenths, 10).expect("is a threshold");
                let search = Search::new(Measure::Dice, threshold).kernel(kernel);
                if tenths == 8 {
                    bench("brute force", &search.clone().brute_force());
                }
                if bits == 1024 || tenths == 8 {
                    bench(&format!("dice .{tenths}"), &search);
                }
            }
        }
        group.finish();
    }
}

criterion_group!(benches, search);
criterion_main!(benches);
