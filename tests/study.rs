//! Tables of a study: what is suppressed cannot be worked out, time is counted from each child's own event, and the study of
//! invented children comes out as the truth has it, nearly.
#![cfg(feature = "study")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use pprl::study::{Disclosure, Published, Shown, Table, Totals};

fn table(counts: &[Vec<u64>], columns: usize, totals: Totals) -> Table {
    Table {
        title: "t".into(),
        heading: "row".into(),
        rows: (0..counts.len()).map(|row| format!("r{row}")).collect(),
        columns: (0..columns).map(|column| format!("c{column}")).collect(),
        counts: counts.to_vec(),
        totals,
        base: Vec::new(),
    }
}

/// What an attacker knows of a published table without rounding: cells with the totals as a last row and column; `None` for
/// what is not shown, and whether there are such totals at all.
struct Seen {
    cells: Vec<Vec<Option<u64>>>,
    row_totals: Option<Vec<Option<u64>>>,
    column_totals: Option<Vec<Option<u64>>>,
    all: Option<u64>,
}

fn seen(published: &Published) -> Seen {
    let of = |row: &Vec<Shown>| row.iter().map(|cell| cell.count()).collect::<Vec<_>>();
    Seen {
        cells: published.counts.iter().map(of).collect(),
        row_totals: published.row_totals.as_ref().map(of),
        column_totals: published.column_totals.as_ref().map(|(totals, _)| of(totals)),
        all: published.column_totals.as_ref().and_then(|(_, all)| all.count()),
    }
}

/// Every table of whole numbers that agrees with what is seen, found by trying all: hidden cells are above 0, hidden totals
/// too, and none is above `most`. If `small` says which of the hidden ones are small, the attacker uses it. Collects the
/// values that each hidden cell may have.
fn attack(seen: &Seen, most: u64, small: Option<(&[Vec<u64>], u64)>) -> Vec<Vec<std::collections::BTreeSet<u64>>> {
    let (rows, columns) = (seen.cells.len(), seen.cells.first().map_or(0, Vec::len));
    let mut possible = vec![vec![std::collections::BTreeSet::new(); columns]; rows];
    let hidden: Vec<(usize, usize)> = (0..rows)
        .flat_map(|r| (0..columns).map(move |c| (r, c)))
        .filter(|&(r, c)| seen.cells[r][c].is_none())
        .collect();
    let mut guess: Vec<Vec<u64>> = seen.cells.iter().map(|row| row.iter().map(|c| c.unwrap_or(0)).collect()).collect();
    // A total that is hidden is above 0, and small or not as the attacker knows.
    let total_fits = |told: Option<u64>, guessed: u64, truth: Option<u64>| match told {
        Some(told) => told == guessed,
        None => {
            guessed > 0
                && small.is_none_or(|(_, below)| truth.is_none_or(|truth| (truth < below) == (guessed < below)))
        }
    };
    let of_truth = |sum: &dyn Fn(&[Vec<u64>]) -> u64| small.map(|(truth, _)| sum(truth));
    #[expect(clippy::too_many_arguments, reason = "a search")]
    fn search(
        at: usize,
        hidden: &[(usize, usize)],
        most: u64,
        guess: &mut Vec<Vec<u64>>,
        seen: &Seen,
        row_fits: &dyn Fn(usize, &[Vec<u64>]) -> bool,
        all_fits: &dyn Fn(&[Vec<u64>]) -> bool,
        found: &mut dyn FnMut(&[Vec<u64>]),
        range: &dyn Fn(usize, usize) -> (u64, u64),
    ) {
        let Some(&(r, c)) = hidden.get(at) else {
            if all_fits(guess) {
                found(guess);
            }
            return;
        };
        let (low, high) = range(r, c);
        for value in low..=high.min(most) {
            guess[r][c] = value;
            // The last hidden cell of a row decides whether the row can be.
            let last = hidden.get(at + 1).is_none_or(|next| next.0 != r);
            if !last || row_fits(r, guess) {
                search(at + 1, hidden, most, guess, seen, row_fits, all_fits, found, range);
            }
        }
        guess[r][c] = 0;
    }
    let row_fits = |r: usize, guess: &[Vec<u64>]| {
        let truth = of_truth(&|truth| truth[r].iter().sum());
        seen.row_totals.as_ref().is_none_or(|totals| total_fits(totals[r], guess[r].iter().sum(), truth))
    };
    let all_fits = |guess: &[Vec<u64>]| {
        let Some(totals) = &seen.column_totals else { return (0..rows).all(|r| row_fits(r, guess)) };
        let column = |table: &[Vec<u64>], c: usize| table.iter().map(|row| row[c]).sum::<u64>();
        let all = |table: &[Vec<u64>]| table.iter().flatten().sum::<u64>();
        (0..rows).all(|r| row_fits(r, guess))
            && (0..columns).all(|c| total_fits(totals[c], column(guess, c), of_truth(&|truth| column(truth, c))))
            && total_fits(seen.all, all(guess), of_truth(&all))
    };
    let range = |r: usize, c: usize| match small {
        Some((truth, below)) if truth[r][c] < below => (1, below - 1),
        Some((_, below)) => (below, u64::MAX),
        None => (1, u64::MAX),
    };
    let mut found = |guess: &[Vec<u64>]| hidden.iter().for_each(|&(r, c)| {
        possible[r][c].insert(guess[r][c]);
    });
    search(0, &hidden, most, &mut guess, seen, &row_fits, &all_fits, &mut found, &range);
    possible
}

fn totals() -> impl Strategy<Value = Totals> {
    prop_oneof![Just(Totals::None), Just(Totals::Rows), Just(Totals::Both)]
}

fn counts(rows: std::ops::RangeInclusive<usize>, columns: usize, most: u64) -> impl Strategy<Value = Vec<Vec<u64>>> {
    // Zeros are common in such tables.
    let count = prop_oneof![1 => Just(0), 5 => 0..=most];
    prop::collection::vec(prop::collection::vec(count, columns), rows)
}

fn is_small(count: u64, below: u64) -> bool {
    count > 0 && count < below
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Against somebody who tries every table that agrees with what is published without rounding, and even knows which of
    /// the hidden cells are small.
    #[test]
    fn no_suppressed_cell_can_be_worked_out(
        (columns, counts) in (2usize..=3).prop_flat_map(|columns| (Just(columns), counts(1..=3, columns, 9))),
        totals in totals(),
        below in 3u64..=5,
    ) {
        let published = table(&counts, columns, totals).publish(Disclosure::new(below as u32, 0).unwrap()).unwrap();
        let seen = seen(&published);
        for (row, of_row) in counts.iter().enumerate() {
            for (column, &count) in of_row.iter().enumerate() {
                let shown = seen.cells[row][column];
                prop_assert!(shown.is_none_or(|shown| shown == count));
                prop_assert!(shown.is_none() || !is_small(count, below), "{count} is shown");
                prop_assert!(shown.is_some() || count > 0, "zeros are shown");
            }
        }
        // Where there was nothing more to hide, only the weaker attacker is promised to fail.
        let all_totals = [&seen.row_totals, &seen.column_totals].into_iter().flatten().flatten().chain([&seen.all]);
        let shown = || seen.cells.iter().flatten().chain(all_totals.clone()).flatten();
        let everything_hidden = totals != Totals::None && shown().all(|&count| count == 0);
        let possible = attack(&seen, 12, None);
        for (row, of_row) in counts.iter().enumerate() {
            for (column, &count) in of_row.iter().enumerate().filter(|(_, count)| is_small(**count, below)) {
                prop_assert!(possible[row][column].contains(&count));
                prop_assert!(possible[row][column].len() > 1, "{published:?}: {count} can be worked out");
            }
        }
        if !everything_hidden {
            let possible = attack(&seen, 12, Some((&counts, below)));
            for (row, of_row) in counts.iter().enumerate() {
                for (column, &count) in of_row.iter().enumerate().filter(|(_, count)| is_small(**count, below)) {
                    let left = possible[row][column].len() as u64;
                    prop_assert!(possible[row][column].contains(&count));
                    prop_assert!(left >= (below / 2).max(2), "{counts:?} {published:?}: {left} left for {count}");
                }
            }
        }
    }

    /// Nothing is hidden without a reason, and rounding is to the nearest multiple.
    #[test]
    fn without_small_numbers_all_is_shown_and_rounded(counts in counts(0..=4, 3, 500), totals in totals(), round in 0u32..=10) {
        let large: Vec<Vec<u64>> =
            counts.iter().map(|row| row.iter().map(|&count| if is_small(count, 10) { 0 } else { count }).collect()).collect();
        let disclosure = Disclosure::new(10, round).unwrap();
        let published = table(&large, 3, totals).publish(disclosure).unwrap();
        prop_assert_eq!(published.suppressed(), 0);
        for (row, counts) in large.iter().enumerate() {
            for (column, &count) in counts.iter().enumerate() {
                let shown = published.counts[row][column].count().unwrap();
                prop_assert!(shown.abs_diff(count) * 2 <= u64::from(round));
                prop_assert!(round == 0 || shown.is_multiple_of(round.into()));
            }
        }
        prop_assert_eq!(published.row_totals.is_some(), totals != Totals::None);
        prop_assert_eq!(published.column_totals.is_some(), totals == Totals::Both);
        let open = table(&counts, 3, totals).publish(Disclosure::new(0, 0).unwrap()).unwrap();
        prop_assert_eq!(open.counts, counts.iter().map(|row| row.iter().map(|&c| Shown::Count(c)).collect()).collect::<Vec<Vec<_>>>());
    }

    /// The same table gives the same cells, and shares are those of shown counts.
    #[test]
    fn shares_come_from_what_is_shown(counts in counts(1..=5, 3, 60), totals in totals()) {
        let published = table(&counts, 3, totals).publish(Disclosure::default()).unwrap();
        prop_assert_eq!(&published, &table(&counts, 3, totals).publish(Disclosure::default()).unwrap());
        for row in 0..counts.len() {
            let shown: Option<Vec<u64>> = published.counts[row].iter().map(|cell| cell.count()).collect();
            for column in 0..3 {
                let share = published.share(row, column);
                match &shown {
                    Some(shown) if shown.iter().sum::<u64>() > 0 =>
                        prop_assert_eq!(share, Some(shown[column] as f64 / shown.iter().sum::<u64>() as f64)),
                    _ => prop_assert_eq!(share, None),
                }
            }
        }
    }
}

/// The attacker above can attack: where only the small count is taken out, it is found.
#[test]
fn the_attacker_finds_what_is_badly_hidden() {
    let counts = vec![vec![3, 20, 0], vec![11, 12, 13]];
    let sums = |c: usize| Some(counts.iter().map(|row: &Vec<u64>| row[c]).sum());
    let mut seen = Seen {
        cells: counts.iter().map(|row| row.iter().map(|&count| Some(count)).collect()).collect(),
        row_totals: Some(vec![Some(23), Some(36)]),
        column_totals: Some((0..3).map(sums).collect()),
        all: Some(59),
    };
    seen.cells[0][0] = None;
    assert_eq!(attack(&seen, 60, None)[0][0].len(), 1);
    // One more in the row is not enough: its column tells.
    seen.cells[0][1] = None;
    assert_eq!(attack(&seen, 60, None)[0][0].len(), 1);
    seen.cells[1][0] = None;
    seen.cells[1][1] = None;
    assert!(attack(&seen, 60, None)[0][0].len() > 5);

    let published = table(&counts, 3, Totals::Both).publish(Disclosure::new(10, 0).unwrap()).unwrap();
    assert_eq!(published.suppressed(), 4, "{published:?}");
    // With totals of rows only, one more in the row is.
    let published = table(&counts, 3, Totals::Rows).publish(Disclosure::new(10, 0).unwrap()).unwrap();
    assert_eq!(published.counts[0], [Shown::Suppressed, Shown::Suppressed, Shown::Count(0)]);
    assert_eq!(published.suppressed(), 2);
}
