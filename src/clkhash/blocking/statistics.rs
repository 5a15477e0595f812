//! How many blocks there are, and how large: as blocklib reports them.

use num_bigint::BigUint;
use num_traits::ToPrimitive;
use serde_json::{Map, Value, json};

/// The statistics of a party's blocks.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// All blocks.
    pub sizes: Sizes,
    /// P-Sig: the share of records that are in a block.
    pub coverage: Option<f64>,
    /// P-Sig: the same for the signatures of each strategy.
    pub strategies: Vec<StrategyStatistics>,
}

/// The statistics of one strategy of P-Sig.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StrategyStatistics {
    /// The signatures that the filter left.
    pub sizes: Sizes,
    /// Records without one of them.
    pub left_out: usize,
    /// The share of records with one of them.
    pub coverage: f64,
}

/// How many blocks, and how many records in them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sizes {
    /// Blocks.
    pub blocks: usize,
    /// Records in the smallest.
    pub least: usize,
    /// Records in the largest.
    pub most: usize,
    /// The mean.
    pub mean: f64,
    /// The median, rounded down.
    pub median: usize,
    /// The standard deviation of a sample; 0 of one block.
    pub deviation: f64,
    /// Records, as often as they are in a block.
    pub sum: usize,
}

impl Sizes {
    pub(super) fn of(sizes: impl Iterator<Item = usize>) -> Self {
        let mut sizes: Vec<usize> = sizes.collect();
        sizes.sort_unstable();
        let (Some(&least), Some(&most)) = (sizes.first(), sizes.last()) else { return Sizes::default() };
        let (blocks, sum) = (sizes.len(), sizes.iter().sum::<usize>());
        let squares: u128 = sizes.iter().map(|&size| (size as u128).pow(2)).sum();
        // In whole numbers, where nothing cancels.
        let spread = blocks as u128 * squares - (sum as u128).pow(2);
        let pairs = blocks as u128 * (blocks as u128 - 1);
        Sizes {
            blocks,
            least,
            most,
            mean: sum as f64 / blocks as f64,
            median: usize::midpoint(sizes[(blocks - 1) / 2], sizes[blocks / 2]),
            deviation: if blocks == 1 { 0.0 } else { root(spread, pairs) },
            sum,
        }
    }

    /// Under the names that blocklib gives them.
    fn to_json(&self) -> Map<String, Value> {
        let pairs = [
            ("num_of_blocks", json!(self.blocks)),
            ("min_size", json!(self.least)),
            ("max_size", json!(self.most)),
            ("avg_size", json!(self.mean)),
            ("med_size", json!(self.median)),
            ("std_size", json!(self.deviation)),
            ("sum_of_blocks", json!(self.sum)),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// The square root of a fraction, rounded once, as Python's `statistics` does.
fn root(numerator: u128, denominator: u128) -> f64 {
    const BITS: u32 = 96;
    let square = (BigUint::from(numerator) << (2 * BITS)) / denominator;
    let mut root = square.sqrt();
    if &root * &root * denominator != BigUint::from(numerator) << (2 * BITS) {
        // What was cut off decides a tie.
        root.set_bit(0, true);
    }
    root.to_f64().unwrap_or(f64::INFINITY) / (1_u128 << BITS) as f64
}

impl Statistics {
    pub(super) fn with_sizes(self, sizes: impl Iterator<Item = usize>) -> Self {
        Statistics { sizes: Sizes::of(sizes), ..self }
    }

    /// As blocklib names and nests them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = self.sizes.to_json();
        if let Some(coverage) = self.coverage {
            let strategies = self.strategies.iter().enumerate().map(|(i, strategy)| {
                let mut one = strategy.sizes.to_json();
                one.insert("strategy_idx".to_owned(), json!(i));
                one.insert("num_filtered_elements".to_owned(), json!(strategy.left_out));
                one.insert("coverage".to_owned(), json!(strategy.coverage));
                Value::Object(one)
            });
            all.insert("statistics_per_strategy".to_owned(), strategies.collect());
            all.insert("coverage".to_owned(), json!(coverage));
        }
        Value::Object(all)
    }
}
