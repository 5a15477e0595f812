//! Blocks of filters that agree in sampled bits, and which bits CPython samples.

use rand_mt::Mt;

use super::Builder;
use crate::cohort::BitMatrix;

/// A bit of a row as bitarray counts them: from the most significant of each byte.
pub(crate) fn bit(matrix: &BitMatrix, row: usize, position: usize) -> bool {
    let position = position ^ 7;
    matrix.row(row)[position / 64] >> (position % 64) & 1 == 1
}

/// A block for each table and each text of sampled bits. `bit` tells a bit of a row; `id` makes an id of the table and its
/// bits as 0 and 1.
pub(crate) fn sampled_blocks(
    tables: &[Vec<usize>],
    rows: usize,
    bit: impl Fn(usize, usize) -> bool,
    mut id: impl FnMut(usize, &str) -> String,
) -> Builder {
    let mut blocks = Builder::default();
    for (i, positions) in tables.iter().enumerate() {
        for row in 0..rows {
            let bits: String = positions.iter().map(|&at| if bit(row, at) { '1' } else { '0' }).collect();
            // Rows are numbered with 32 bits everywhere.
            blocks.add(id(i, &bits), &[row as u32]);
        }
    }
    blocks
}

/// For each table `count` of the numbers below `end`, as CPython 3.11 gives them after `random.seed(seed)` by
/// `random.sample(range(end), count)`. The caller sees to it that `count` is at most `end`.
pub(crate) fn python_sample(seed: u64, tables: usize, count: usize, end: usize) -> Vec<Vec<usize>> {
    // A key of 32-bit words, the least significant first, as short as can be.
    let words = [seed as u32, (seed >> 32) as u32];
    let words = if words[1] == 0 { &words[..1] } else { &words };
    let mut random = Mt::new_with_key(words.iter().copied());
    (0..tables).map(|_| sample(&mut random, count, end)).collect()
}

fn sample(random: &mut Mt, count: usize, end: usize) -> Vec<usize> {
    // Which of two ways: what a set of so many takes, in CPython's estimate, against a list of all.
    let mut set = 21;
    if count > 5 {
        let mut power = 1;
        while power < count * 3 {
            power *= 4;
        }
        set += power;
    }
    if end <= set {
        let mut pool: Vec<usize> = (0..end).collect();
        return (0..count)
            .map(|_| {
                let place = below(random, pool.len());
                pool.swap_remove(place)
            })
            .collect();
    }
    let mut taken = std::collections::HashSet::new();
    let mut next = || {
        loop {
            let number = below(random, end);
            if taken.insert(number) {
                return number;
            }
        }
    };
    (0..count).map(|_| next()).collect()
}

/// `random.randrange(end)`: as many bits as `end` has, again until they are below it.
fn below(random: &mut Mt, end: usize) -> usize {
    // Filters are shorter than 2³² bits.
    let bits = usize::BITS - end.leading_zeros();
    loop {
        let number = (random.next_u32() >> (32 - bits)) as usize;
        if number < end {
            return number;
        }
    }
}

/// Blocks of CLKs as blocklib's lambda-fold makes them of `input-clks`.
#[cfg(feature = "anonlink")]
pub(crate) fn python_blocks(clks: &BitMatrix, tables: usize, sampled: usize, seed: u64) -> super::Blocks {
    let positions = python_sample(seed, tables, sampled, clks.bits());
    let bit = |row, position| bit(clks, row, position);
    sampled_blocks(&positions, clks.rows(), bit, |table, bits| format!("{table}{bits}")).rows(clks.rows())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_cpythons() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/blocking/cpython.json");
        let vectors: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let cases = vectors["samples"].as_array().unwrap();
        assert!(cases.len() > 200);
        for case in cases {
            let number = |i: usize| case[i].as_u64().unwrap() as usize;
            let samples = python_sample(case[0].as_u64().unwrap(), number(1), number(2), number(3));
            assert_eq!(serde_json::json!(samples), case[4], "{:?}", &case.as_array().unwrap()[..4]);
        }
    }
}
