//! Small counts are not shown, and cannot be worked out from those that are.

use std::fmt;

use serde::{Serialize, Serializer};

/// A count, or that it is too small to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The count: 0, or not small.
    Exactly(u64),
    /// Above 0 and below this number.
    Below(u64),
}

impl Counted {
    /// A count as it may be shown where those below `suppress_below` may not.
    #[must_use]
    pub fn new(count: u64, suppress_below: u32) -> Self {
        if count > 0 && count < u64::from(suppress_below) {
            Counted::Below(suppress_below.into())
        } else {
            Counted::Exactly(count)
        }
    }

    /// The parts of a total that is shown, or can be added up elsewhere.
    ///
    /// Small parts are not shown. Where what is shown would still tell one of them, or leave fewer than half of the numbers
    /// that it may be, the next smallest parts are blurred too: up to a multiple of `suppress_below` that leaves enough.
    #[must_use]
    pub fn parts(counts: &[u64], suppress_below: u32) -> Vec<Counted> {
        let below = u64::from(suppress_below);
        let mut cells: Vec<(usize, Cell)> =
            (0..).zip(counts).filter(|(_, count)| **count > 0).map(|(i, &c)| (i, Cell::new(c, below))).collect();
        cells.sort_by_key(|(i, cell)| (cell.value, *i));
        let small = cells.iter().filter(|(_, cell)| cell.small).count();
        let mut hidden: Vec<Cell> = cells[..small].iter().map(|(_, cell)| *cell).collect();
        for (_, next) in &cells[small..] {
            if safe(&hidden, below) {
                break;
            }
            hidden.push(*next);
            let mut width = below;
            loop {
                hidden[small..].iter_mut().for_each(|cell| cell.blur(width, below));
                // Wider than twice the count hides nothing more.
                if safe(&hidden, below) || width > 2 * next.value {
                    break;
                }
                width *= 2;
            }
        }
        let mut parts: Vec<Counted> = counts.iter().map(|&count| Counted::Exactly(count)).collect();
        for (cell, (i, _)) in hidden.iter().zip(&cells) {
            parts[*i] = Counted::Below(cell.high + 1);
        }
        parts
    }

    /// Parts of a total of which something else is left, which is not shown but may be the difference of two counts that are;
    /// once for each of the rests, if there are several such totals.
    pub(super) fn beside(counts: &[u64], rests: &[u64], suppress_below: u32) -> Vec<Counted> {
        let mut parts = Counted::parts(counts, suppress_below);
        for &rest in rests {
            let all: Vec<u64> = counts.iter().copied().chain([rest]).collect();
            let others = Counted::parts(&all, suppress_below);
            parts.iter_mut().zip(others).for_each(|(part, other)| *part = part.vaguer(other));
        }
        parts
    }

    /// The one of two ways to show a count that says less.
    fn vaguer(self, other: Self) -> Self {
        match (self, other) {
            (Counted::Below(x), Counted::Below(y)) => Counted::Below(x.max(y)),
            (Counted::Below(x), _) | (_, Counted::Below(x)) => Counted::Below(x),
            (exactly, _) => exactly,
        }
    }

    /// The count, where it is shown.
    #[must_use]
    pub fn exact(self) -> Option<u64> {
        match self {
            Counted::Exactly(count) => Some(count),
            Counted::Below(_) => None,
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Counted::Exactly(count) => count.fmt(f),
            Counted::Below(least) => f.pad(&format!("<{least}")),
        }
    }
}

/// A number, or a text such as `<10`.
impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Counted::Exactly(count) => serializer.serialize_u64(*count),
            Counted::Below(_) => serializer.collect_str(self),
        }
    }
}

/// A count that is not shown, and what anybody knows of it who knows how it is hidden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) value: u64,
    pub(super) low: u64,
    pub(super) high: u64,
    /// Whether it is to be hidden, and does not only hide others.
    pub(super) small: bool,
}

impl Cell {
    fn new(value: u64, below: u64) -> Self {
        let small = value < below;
        Cell { value, low: 1, high: below.max(1) - 1, small }
    }

    /// Shows it as less than the next multiple of `width`. That it is not small is known.
    fn blur(&mut self, width: u64, below: u64) {
        let from = self.value / width * width;
        (self.low, self.high) = (from.max(below), from + width - 1);
    }
}

/// Whether the total of hidden counts leaves at least half of the numbers that a small one may be.
pub(super) fn safe(hidden: &[Cell], below: u64) -> bool {
    let sum = |of: fn(&Cell) -> u64| hidden.iter().map(of).sum::<u64>();
    let (total, low, high) = (sum(|cell| cell.value), sum(|cell| cell.low), sum(|cell| cell.high));
    let enough = |cell: &Cell| {
        let least = cell.low.max(total.saturating_sub(high - cell.high));
        let most = cell.high.min(total.saturating_sub(low - cell.low));
        2 * (most + 1).saturating_sub(least) >= below
    };
    hidden.iter().filter(|cell| cell.small).all(enough)
}

#[cfg(test)]
mod tests {
    use super::Counted::{Below, Exactly};
    use super::*;

    #[test]
    fn a_single_small_part_cannot_be_had_by_subtraction() {
        assert_eq!(Counted::parts(&[500, 14, 3, 0], 10), [Exactly(500), Below(20), Below(10), Exactly(0)]);
        assert_eq!(Counted::parts(&[500, 4, 3], 10), [Exactly(500), Below(10), Below(10)]);
        assert_eq!(Counted::parts(&[500, 10], 10), [Exactly(500), Exactly(10)]);
        assert_eq!(Counted::parts(&[500, 3], 0), [Exactly(500), Exactly(3)]);
        assert_eq!(Counted::parts(&[3], 10), [Below(10)]);
        assert_eq!(Counted::parts(&[], 10), []);
    }

    /// Two ones that add up to 2 are not hidden by being two; nor is a 1 by a 10 that everybody knows to be no less.
    #[test]
    fn small_parts_do_not_give_each_other_away() {
        let parts = Counted::parts(&[500, 1, 1], 10);
        assert!(parts.iter().all(|part| part.exact().is_none()), "{parts:?}");
        let parts = Counted::parts(&[500, 10, 1], 10);
        assert!(parts.iter().all(|part| part.exact().is_none()), "{parts:?}");
        let parts = Counted::parts(&[500, 9, 9], 10);
        assert!(parts.iter().all(|part| part.exact().is_none()), "{parts:?}");
        assert_eq!(Counted::parts(&[90, 1], 10), [Below(100), Below(10)]);
    }

    /// Whoever knows the rule and the total finds at least five numbers of nine that a small part may be.
    #[test]
    fn enough_numbers_are_left_for_every_small_part() {
        for a in 1..40 {
            for b in 1..40 {
                let counts = [a, b, 700];
                let parts = Counted::parts(&counts, 10);
                let hidden: Vec<usize> = (0..3).filter(|&i| parts[i].exact().is_none()).collect();
                let total: u64 = hidden.iter().map(|&i| counts[i]).sum();
                let range = |i: usize| match parts[i] {
                    Below(most) => {
                        if counts[i] < 10 {
                            1..=9
                        } else {
                            10..=most - 1
                        }
                    }
                    Exactly(_) => counts[i]..=counts[i],
                };
                for &i in hidden.iter().filter(|&&i| counts[i] < 10) {
                    let others = || hidden.iter().filter(move |&&j| j != i);
                    let most = total.saturating_sub(others().map(|&j| *range(j).start()).sum()).min(9);
                    let least = total.saturating_sub(others().map(|&j| *range(j).end()).sum()).max(1);
                    assert!(most + 1 >= least + 5, "{counts:?}: {parts:?} leave {least} to {most}");
                }
            }
        }
    }

    #[test]
    fn a_rest_cannot_be_had_either() {
        assert_eq!(Counted::beside(&[97], &[3, 103], 10), [Below(100)]);
        assert_eq!(Counted::beside(&[97], &[0, 103], 10), [Exactly(97)]);
        assert_eq!(Counted::beside(&[60, 37], &[3], 10), [Exactly(60), Below(40)]);
    }
}
