//! Tables of a study: what is suppressed cannot be worked out, time is counted from each child's own event, and the study of
//! invented children comes out as the truth has it, nearly.
#![cfg(feature = "study")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use pprl::study::{Disclosure, Page, Published, Shown, Table, Totals, write_csv};

#[cfg(all(feature = "evaluate", feature = "synth"))]
#[path = "study/invented.rs"]
mod invented;
use proptest::prelude::*;

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

/// The least and greatest value of each cell, as sums tell.
fn narrowed(seen: &Seen) -> Vec<Vec<(u64, u64)>> {
    let (rows, columns) = (seen.cells.len(), seen.cells[0].len());
    let start = |cell: &Option<u64>| cell.map_or((1, 1_000), |told| (told, told));
    let mut bounds: Vec<Vec<(u64, u64)>> = seen.cells.iter().map(|row| row.iter().map(start).collect()).collect();
    let mut lines: Vec<(u64, Vec<(usize, usize)>)> = Vec::new();
    for (r, total) in seen.row_totals.iter().flatten().enumerate() {
        lines.extend(total.map(|total| (total, (0..columns).map(|c| (r, c)).collect())));
    }
    for (c, total) in seen.column_totals.iter().flatten().enumerate() {
        lines.extend(total.map(|total| (total, (0..rows).map(|r| (r, c)).collect())));
    }
    loop {
        let before = bounds.clone();
        for (total, cells) in &lines {
            for &(r, c) in cells {
                let others = || cells.iter().filter(|&&cell| cell != (r, c)).map(|&(r, c)| bounds[r][c]);
                let most = total - others().map(|(low, _)| low).sum::<u64>();
                let least = total.saturating_sub(others().map(|(_, high)| high).sum());
                let (low, high) = bounds[r][c];
                bounds[r][c] = (low.max(least), high.min(most));
            }
        }
        if bounds == before {
            return bounds;
        }
    }
}

/// What an attacker knows of a published table without rounding: cells with the totals as a last row and column; `None` for
/// what is not shown, and whether there are such totals at all.
#[derive(Debug)]
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

/// Somebody who tries every table of whole numbers that agrees with what is seen: hidden cells and totals are above 0, and no
/// cell is above `most`. With `small`, the truth and what is small, they even know which of the hidden ones are small.
struct Attack<'a> {
    seen: &'a Seen,
    hidden: Vec<(usize, usize)>,
    most: u64,
    small: Option<(&'a [Vec<u64>], u64)>,
    guess: Vec<Vec<u64>>,
    possible: Vec<Vec<BTreeSet<u64>>>,
}

/// The values that each hidden cell may have.
fn attack(seen: &Seen, most: u64, small: Option<(&[Vec<u64>], u64)>) -> Vec<Vec<BTreeSet<u64>>> {
    let (rows, columns) = (seen.cells.len(), seen.cells.first().map_or(0, Vec::len));
    let places = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c)));
    let hidden = places.filter(|&(r, c)| seen.cells[r][c].is_none()).collect();
    let guess = seen.cells.iter().map(|row| row.iter().map(|cell| cell.unwrap_or(0)).collect()).collect();
    let possible = vec![vec![BTreeSet::new(); columns]; rows];
    let mut attack = Attack { seen, hidden, most, small, guess, possible };
    attack.search(0);
    attack.possible
}

impl Attack<'_> {
    fn search(&mut self, at: usize) {
        let Some(&(r, c)) = self.hidden.get(at) else {
            if self.fits() {
                for &(r, c) in &self.hidden {
                    self.possible[r][c].insert(self.guess[r][c]);
                }
            }
            return;
        };
        let (low, high) = match self.small {
            Some((truth, below)) if truth[r][c] < below => (1, below - 1),
            Some((_, below)) => (below, self.most),
            None => (1, self.most),
        };
        for value in low..=high.min(self.most) {
            self.guess[r][c] = value;
            // The last hidden cell of a row decides whether the row can be.
            let last = self.hidden.get(at + 1).is_none_or(|next| next.0 != r);
            if !last || self.row_fits(r) {
                self.search(at + 1);
            }
        }
        self.guess[r][c] = 0;
    }

    fn total_fits(&self, told: Option<u64>, sum: impl Fn(&[Vec<u64>]) -> u64) -> bool {
        let guessed = sum(&self.guess);
        match (told, self.small) {
            (Some(told), _) => told == guessed,
            (None, None) => guessed > 0,
            (None, Some((truth, below))) => guessed > 0 && (sum(truth) < below) == (guessed < below),
        }
    }

    fn row_fits(&self, r: usize) -> bool {
        let totals = self.seen.row_totals.as_ref();
        totals.is_none_or(|totals| self.total_fits(totals[r], |table| table[r].iter().sum()))
    }

    fn fits(&self) -> bool {
        let columns = self.seen.column_totals.iter().flatten().enumerate();
        (0..self.guess.len()).all(|r| self.row_fits(r))
            && columns.clone().all(|(c, &told)| self.total_fits(told, |table| table.iter().map(|row| row[c]).sum()))
            && (self.seen.column_totals.is_none()
                || self.total_fits(self.seen.all, |table| table.iter().flatten().sum()))
    }
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
        (columns, counts) in (2usize..=3).prop_flat_map(|columns| (Just(columns), counts(1..=6 / columns, columns, 9))),
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

    /// Larger tables, against somebody who narrows down what each hidden cell may be, row by row and column by column, until
    /// nothing changes.
    #[test]
    fn bounds_of_larger_tables_stay_wide(counts in counts(1..=12, 5, 40), both in any::<bool>()) {
        let totals = if both { Totals::Both } else { Totals::Rows };
        let seen = seen(&table(&counts, 5, totals).publish(Disclosure::new(10, 0).unwrap()).unwrap());
        let bounds = narrowed(&seen);
        for (row, of_row) in counts.iter().enumerate() {
            for (column, &count) in of_row.iter().enumerate() {
                let (low, high) = bounds[row][column];
                prop_assert!((low..=high).contains(&count));
                prop_assert!(!is_small(count, 10) || high - low >= 4, "{low} to {high}: {seen:?}");
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
    let counts = vec![vec![3, 20, 0], vec![31, 32, 33]];
    let sums = |c: usize| Some(counts.iter().map(|row: &Vec<u64>| row[c]).sum());
    let mut seen = Seen {
        cells: counts.iter().map(|row| row.iter().map(|&count| Some(count)).collect()).collect(),
        row_totals: Some(vec![Some(23), Some(96)]),
        column_totals: Some((0..3).map(sums).collect()),
        all: Some(119),
    };
    seen.cells[0][0] = None;
    assert_eq!(attack(&seen, 120, None)[0][0].len(), 1);
    // One more in the row is not enough: its column tells.
    seen.cells[0][1] = None;
    assert_eq!(attack(&seen, 120, None)[0][0].len(), 1);
    seen.cells[1][0] = None;
    seen.cells[1][1] = None;
    assert!(attack(&seen, 120, None)[0][0].len() > 5);

    let published = table(&counts, 3, Totals::Both).publish(Disclosure::new(10, 0).unwrap()).unwrap();
    assert_eq!(published.suppressed(), 4, "{published:?}");
    // With totals of rows only, one more in the row is.
    let published = table(&counts, 3, Totals::Rows).publish(Disclosure::new(10, 0).unwrap()).unwrap();
    assert_eq!(published.counts[0], [Shown::Suppressed, Shown::Suppressed, Shown::Count(0)]);
    assert_eq!(published.suppressed(), 2);
}

/// A page takes no tables that do not fit, and what it is given is text.
#[test]
fn a_page_shows_what_is_published_and_nothing_else() {
    let mut counts = table(&[vec![7, 41, 52], vec![60, 70, 80]], 3, Totals::Both);
    counts.rows[0] = "<b>".into();
    let published = counts.publish(Disclosure::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (html, csv) = (folder.path().join("t.html"), folder.path().join("t.csv"));
    let page = Page::new("t").table(&published).beside(&published, &published, ["one", "other"]).unwrap();
    page.write_html(&html).unwrap();
    let html = std::fs::read_to_string(html).unwrap();
    assert!(html.contains("[c]") && html.contains("&lt;b&gt;") && !html.contains("<b>"));
    assert!([">7<", ">41<", ">52<"].into_iter().all(|hidden| !html.contains(hidden)));
    write_csv([&published], &csv).unwrap();
    let csv = std::fs::read_to_string(csv).unwrap();
    assert!(csv.starts_with("table,row,column,count,share\nt,<b>,c0,[c],\n") && csv.contains("t,total,total,310,\n"));
    let rounded = |count: &str| count == "[c]" || count.parse::<u64>().unwrap().is_multiple_of(5);
    assert!(csv.lines().skip(1).all(|line| rounded(line.split(',').nth(3).unwrap())), "{csv}");
    let other = table(&[vec![7, 41, 52]], 3, Totals::Both).publish(Disclosure::default()).unwrap();
    assert!(Page::new("t").beside(&published, &other, ["", ""]).is_err());
    assert!(published.difference(&other).is_err());
}

/// Tables that share their totals, against somebody who puts both together.
#[test]
fn tables_that_are_published_together_cannot_be_worked_out_together() {
    let disclosure = Disclosure::new(5, 0).unwrap();
    let mut hidden = 0;
    for total in 0..=20u64 {
        for a in 0..=total {
            for b in 0..=total {
                let tables = [a, b].map(|part| table(&[vec![part, total - part]], 2, Totals::Rows));
                let published = Table::publish_together(&tables, disclosure).unwrap();
                let seen: Vec<Seen> = published.iter().map(seen).collect();
                let fits = |seen: &Seen, part: u64, whole: u64| {
                    let cell = |told: Option<u64>, guess: u64| told.map_or(guess > 0, |told| told == guess);
                    cell(seen.cells[0][0], part)
                        && cell(seen.cells[0][1], whole - part)
                        && cell(seen.row_totals.as_ref().unwrap()[0], whole)
                };
                let parts = |table: usize, whole: u64| {
                    (0..=whole).filter(|&part| fits(&seen[table], part, whole)).collect::<Vec<_>>()
                };
                for (table, part) in [(0, a), (1, b)] {
                    for (column, count) in [part, total - part].into_iter().enumerate().filter(|(_, c)| is_small(*c, 5))
                    {
                        hidden += 1;
                        let possible: BTreeSet<u64> = (0..=30)
                            .filter(|&whole| !parts(1 - table, whole).is_empty())
                            .flat_map(|whole| {
                                parts(table, whole).into_iter().map(move |p| if column == 0 { p } else { whole - p })
                            })
                            .collect();
                        assert!(possible.contains(&count) && possible.len() > 1, "{a}, {b} of {total}: {published:?}");
                    }
                }
            }
        }
    }
    assert!(hidden > 1_000);
    let other = table(&[vec![1, 2], vec![3, 4]], 2, Totals::Rows);
    assert!(Table::publish_together(&[other, table(&[vec![1, 2]], 2, Totals::Rows)], disclosure).is_err());
}
