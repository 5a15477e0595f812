//! Which rows a check looks at where a file is too long to look at all of them, and correlations of what it finds.

use super::subject::draw;

/// At most so many rows, in ascending order: all of them where there are no more, otherwise as many by lot.
pub(super) fn rows(of: usize, most: usize, seed: u64) -> Vec<usize> {
    if of <= most {
        return (0..of).collect();
    }
    let mut rows = draw(of, most, seed);
    rows.sort_unstable();
    rows
}

/// Pearson's correlation; `None` where one side does not vary.
pub(super) fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let n = pairs.len() as f64;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0, b + pair.1));
    let (a, b) = (a / n, b / n);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for pair in pairs {
        let (x, y) = (pair.0 - a, pair.1 - b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    // What is left of equal numbers by rounding is no variance.
    let varies = |squares: f64, mean: f64| squares > n * (mean * mean + 1.0) * 1e-18;
    (varies(aa, a) && varies(bb, b)).then(|| (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's of the ranks, equal numbers sharing the mean of theirs.
pub(super) fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let first = ranks(pairs.iter().map(|pair| pair.0));
    let second = ranks(pairs.iter().map(|pair| pair.1));
    pearson(&first.into_iter().zip(second).collect::<Vec<_>>())
}

fn ranks(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<(f64, u32)> = numbers.zip(0..).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut ranks = vec![0.0; sorted.len()];
    let mut before = 0;
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&(_, place)| ranks[place as usize] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_or_as_many_by_lot() {
        assert_eq!(rows(3, 5, 1), [0, 1, 2]);
        assert!(rows(0, 5, 1).is_empty());
        let some = rows(1_000, 100, 1);
        assert!(some.len() == 100 && some.is_sorted_by(|a, b| a < b) && some[99] < 1_000);
        assert_eq!(some, rows(1_000, 100, 1));
        assert_ne!(some, rows(1_000, 100, 2));
    }

    /// Worked by hand: deviations -1.5 -0.5 0.5 1.5 with -2 -1 3 0 sum to 5, squares to 5 and 14.
    #[test]
    fn correlations_are_the_textbooks() {
        let pairs = [(1.0, 0.0), (2.0, 1.0), (3.0, 5.0), (4.0, 2.0)];
        assert!((pearson(&pairs).unwrap() - 5.0 / 70f64.sqrt()).abs() < 1e-12);
        // Ranks 0 1 2 3 and 0 1 3 2: 1 - 6·2/(4·15).
        assert!((spearman(&pairs).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(pearson(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(pearson(&[(0.1, 0.3); 9]), None);
        assert_eq!(pearson(&[]), None);
        assert_eq!(ranks([3.0, 1.0, 3.0, 2.0].into_iter()), [2.5, 0.0, 2.5, 1.0]);
    }
}
