//! Recall against counting, and candidates against brute force.

use proptest::prelude::*;

use super::*;

/// All ways to draw positions, counted.
#[test]
fn recall_is_what_counting_gives() {
    for length in 1..=8usize {
        for bits in 1..=length {
            for distance in 0..=length {
                let draws = (0..1u32 << length).filter(|draw| draw.count_ones() as usize == bits);
                let differing = (1u32 << distance) - 1;
                let (mut all, mut agree) = (0.0, 0.0);
                for draw in draws {
                    all += 1.0;
                    agree += f64::from(u8::from(draw & differing == 0));
                }
                let one = Sampling { bits, tables: 1 }.recall(distance, length);
                assert!((one - agree / all).abs() < 1e-12, "{bits} of {length}, {distance} differ");
                let three: f64 = 1.0 - (1.0 - agree / all).powi(3);
                assert!((Sampling { bits, tables: 3 }.recall(distance, length) - three).abs() < 1e-12);
                assert_eq!(Sampling { bits, tables: 0 }.recall(distance, length), 0.0);
            }
        }
    }
}

#[test]
fn positions_are_drawn_without_repeats_and_evenly() {
    let lsh = Lsh::new(&[Sampling { bits: 10, tables: 3000 }]).unwrap();
    let mut drawn = vec![0; 65];
    for Table { positions, .. } in lsh.draw(&[65]) {
        assert!(positions.is_sorted_by(|x, y| x < y) && positions.len() == 10);
        positions.iter().for_each(|&bit| drawn[bit as usize] += 1);
    }
    // 461.5 each, with a standard deviation of 19.8.
    assert!(drawn.iter().all(|&times| (350..575).contains(&times)), "{drawn:?}");
}

// ---- Against brute force ---------------------------------------------------------------------------------------------

/// Rows with copies, near copies, empty ones and strangers.
fn matrix(rows: usize, length: usize, seed: u64) -> BitMatrix {
    let mut random = SplitMix64(seed);
    let mut matrix = BitMatrix::new(length);
    let mut row = vec![0u8; length.div_ceil(8)];
    for _ in 0..rows {
        match random.below(5) {
            0 => row.fill(0),
            1 => {}
            2 => {
                let bit = random.below(length as u64) as usize;
                row[bit / 8] ^= 1 << (bit % 8);
            }
            _ => {
                row.fill(0);
                (0..length).filter(|_| random.next().is_multiple_of(2)).for_each(|bit| row[bit / 8] |= 1 << (bit % 8));
            }
        }
        assert!(matrix.push_bytes(&row));
    }
    matrix
}

/// All pairs that share a key in a table whose block is not too large, and what is said of blocks.
fn oracle(lsh: &Lsh, a: &[BitMatrix], b: Option<&[BitMatrix]>) -> (Vec<(u32, u32)>, Blocks) {
    let lengths: Vec<usize> = a.iter().map(BitMatrix::bits).collect();
    let others = b.unwrap_or(a);
    let mut found = std::collections::BTreeSet::new();
    let mut blocks = Blocks::default();
    for Table { encoding, positions } in lsh.draw(&lengths) {
        blocks.tables += 1;
        let bits = |side: &[BitMatrix], row: usize| -> Option<Vec<bool>> {
            let row = side[encoding].row(row);
            let bit = |bit: usize| row[bit / 64] >> (bit % 64) & 1 == 1;
            (0..lengths[encoding]).any(bit).then(|| positions.iter().map(|&place| bit(place as usize)).collect())
        };
        let mut by_key = std::collections::BTreeMap::<Vec<bool>, Vec<(u32, u32)>>::new();
        for row_a in 0..a[0].rows() {
            for row_b in if b.is_none() { row_a + 1 } else { 0 }..others[0].rows() {
                let (Some(x), Some(y)) = (bits(a, row_a), bits(others, row_b)) else { continue };
                if x == y {
                    by_key.entry(x).or_default().push((row_a as u32, row_b as u32));
                }
            }
        }
        for pairs in by_key.into_values() {
            let count = pairs.len() as u64;
            blocks.blocks += 1;
            blocks.largest = blocks.largest.max(count);
            if count > lsh.most_pairs {
                blocks.capped += 1;
                blocks.pairs_left_out += count;
            } else {
                found.extend(pairs);
            }
        }
    }
    blocks.pairs = found.len() as u64;
    (found.into_iter().collect(), blocks)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn candidates_are_those_of_brute_force(
        rows in (0usize..40, 0usize..40),
        lengths in proptest::collection::vec(prop_oneof![1usize..5, 60usize..70, 120usize..135, Just(256), Just(1000)], 1..4),
        bits in (1usize..=64, 1usize..=12),
        tables in proptest::collection::vec(0usize..45, 3),
        most in prop_oneof![Just(MOST_PAIRS), 0u64..30],
        seed: u64,
    ) {
        let side = |rows: usize, seed: u64| -> Vec<BitMatrix> {
            lengths.iter().zip(seed..).map(|(&length, seed)| matrix(rows, length, seed)).collect()
        };
        // Some with keys of more than 32 bits, most with few, so that there is something to find.
        let bits = |i: usize| if i == 0 { bits.0 } else { bits.1 };
        let sampling = |(i, &length): (usize, &usize)| Sampling { bits: bits(i).min(length), tables: tables[i].max(usize::from(i == 0)) };
        let samplings: Vec<Sampling> = lengths.iter().enumerate().map(sampling).collect();
        let lsh = Lsh::new(&samplings).unwrap().seed(seed).most_pairs(most);
        // The same seed on both sides: rows that are alike.
        let (a, b) = (side(rows.0, seed), side(rows.1, seed));
        prop_assert_eq!(lsh.between(&a, &b).unwrap(), oracle(&lsh, &a, Some(&b)));
        prop_assert_eq!(lsh.within(&a).unwrap(), oracle(&lsh, &a, None));
        // What was handed out is known afterwards.
        let (shared, _) = lsh.stream(&a, Some(&b), &mut |_| Ok(())).unwrap();
        let (pairs, _) = lsh.between(&a, &b).unwrap();
        for row_a in 0..rows.0 as u32 {
            for row_b in 0..rows.1 as u32 {
                prop_assert_eq!(shared.contains(row_a, row_b), pairs.binary_search(&(row_a, row_b)).is_ok());
            }
        }
    }
}
