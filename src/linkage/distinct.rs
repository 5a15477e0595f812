//! How many different people stand in many lists, counted without saying who.

use super::{Linker, Links};
use crate::cohort::{BitMatrix, Cohort, MatchKeyValue, RarityColumn};
use crate::error::{Error, ErrorKind, Result};

/// How many different people stand in several lists: counts over all of them, none of any one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// How many lists there are.
    pub lists: u64,
    /// How many rows they have together.
    pub rows: u64,
    /// How many people these rows are, as linked.
    pub people: u64,
}

/// A count with its uncertainty; see [`Distinct::calibrate`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistinctEstimate {
    /// The most likely number of people.
    pub people: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How often an interval like this should hold the truth, as a share.
    pub level: f64,
}

/// What was found in lists whose truth is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What was counted.
    pub counted: Distinct,
    /// How many people there really were.
    pub people: u64,
}

impl Linker {
    /// Counts the different people in several lists, who may stand in any of them any number of times.
    ///
    /// The lists are put together and [deduplicated](Self::deduplicate) as one: files of a few rows are too small to learn
    /// anything from alone, and repeats inside a list are found as those across lists are.
    ///
    /// # Errors
    /// As [`link`](Self::link); [`ErrorKind::Argument`] where there is no cohort.
    pub fn distinct(&self, cohorts: &[&Cohort]) -> Result<Distinct> {
        self.check(cohorts)?;
        let links = self.deduplicate(&pool(cohorts)?)?;
        Ok(Distinct::new(cohorts, &links))
    }
}

impl Distinct {
    fn new(cohorts: &[&Cohort], links: &Links) -> Self {
        let rows: u64 = cohorts.iter().map(|cohort| cohort.rows() as u64).sum();
        Distinct { lists: cohorts.len() as u64, rows, people: rows - repeats(links) }
    }

    /// How many rows are of somebody who stands in the lists before.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.rows - self.people
    }

    /// The number of people with an interval, from trials on lists of known truth (invented people, under the same schema).
    ///
    /// What is assumed: that of the repeats found here as large a share is right, and of all repeats as large a share is
    /// found, as in one of the trials drawn at random; that is, that the errors and the sizes of the lists are alike. Then
    /// true repeats are found ones times the trial's ratio, and the interval is the trials' quantiles: a percentile interval
    /// (Efron 1981) of which the resamples are the trials. Trials without a found repeat say nothing and are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where fewer than 20 trials say something, or the level is not between 0 and 1.
    pub fn calibrate(&self, trials: &[Trial], level: f64) -> Result<DistinctEstimate> {
        if !(level > 0.0 && level < 1.0) {
            return Err(Error::argument("the level of an interval is a share between 0 and 1"));
        }
        let useful = trials.iter().filter(|trial| trial.counted.repeats() > 0);
        let ratio =
            |trial: &Trial| trial.counted.rows.saturating_sub(trial.people) as f64 / trial.counted.repeats() as f64;
        let mut ratios: Vec<f64> = useful.map(ratio).collect();
        if ratios.len() < 20 {
            return Err(Error::argument("an interval needs 20 trials or more in which a repeat was found"));
        }
        ratios.sort_unstable_by(f64::total_cmp);
        // Never more people than rows, nor fewer than one.
        let people = |ratio: f64| {
            let least = if self.rows == 0 { 0.0 } else { 1.0 };
            (self.rows as f64 - self.repeats() as f64 * ratio).clamp(least, self.rows as f64)
        };
        let outside = (1.0 - level) / 2.0;
        Ok(DistinctEstimate {
            people: people(quantile(&ratios, 0.5)),
            low: people(quantile(&ratios, 1.0 - outside)),
            high: people(quantile(&ratios, outside)),
            level,
        })
    }
}

/// Between the two nearest of sorted values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] * (1.0 - part) + sorted[above] * part
}

/// Rows that are not the first of their cluster.
fn repeats(links: &Links) -> u64 {
    links.clusters().iter().map(|cluster| cluster.members.len() as u64 - 1).sum()
}

/// One cohort of all rows, in the order of their ids.
fn pool(cohorts: &[&Cohort]) -> Result<Cohort> {
    let Some(first) = cohorts.first() else { return Err(Error::argument("there are no cohorts to count in")) };
    let mut rows: Vec<(usize, usize)> =
        cohorts.iter().enumerate().flat_map(|(c, cohort)| (0..cohort.rows()).map(move |row| (c, row))).collect();
    rows.sort_unstable_by_key(|&(c, row)| cohorts[c].row_ids()[row]);
    let mut manifest = first.manifest().clone();
    manifest.rows = rows.len() as u64;
    manifest.sha256 = String::new();
    let matrix = |number: usize| {
        let mut matrix = BitMatrix::new(first.encodings()[number].bits());
        let whole = rows.iter().all(|&(c, row)| matrix.push_bytes(&cohorts[c].encodings()[number].bytes(row)));
        if whole {
            Ok(matrix)
        } else {
            Err(ErrorKind::Mismatch { problem: "encodings differ in length".into() }.into())
        }
    };
    let encodings = (0..first.encodings().len()).map(matrix).collect::<Result<_>>()?;
    let keys = |number: usize| -> Vec<Option<MatchKeyValue>> {
        rows.iter().map(|&(c, row)| cohorts[c].match_keys()[number][row]).collect()
    };
    let rarity = |number: usize| {
        RarityColumn::new(rows.iter().map(|&(c, row)| cohorts[c].rarity()[number].classes()[row]).collect())
    };
    Cohort::new(
        manifest,
        rows.iter().map(|&(c, row)| cohorts[c].row_ids()[row]).collect(),
        encodings,
        (0..first.match_keys().len()).map(keys).collect(),
        (0..first.rarity().len()).map(rarity).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(rows: u64, found: u64, truth: u64) -> Trial {
        Trial { counted: Distinct { lists: 2, rows, people: rows - found }, people: rows - truth }
    }

    #[test]
    fn trials_make_an_interval() {
        let counted = Distinct { lists: 10, rows: 300, people: 200 };
        // Ratios .9, .905, …, 1.0: 21 of them.
        let trials: Vec<Trial> = (0..21).map(|i| trial(1000, 200, 180 + i)).collect();
        let estimate = counted.calibrate(&trials, 0.9).unwrap();
        assert!((estimate.people - 205.0).abs() < 1e-9, "{estimate:?}");
        assert!((estimate.low - (300.0 - 99.5)).abs() < 1e-9 && (estimate.high - (300.0 - 90.5)).abs() < 1e-9);
        assert!(counted.calibrate(&trials[..19], 0.9).is_err());
        assert!(counted.calibrate(&[trial(10, 0, 0); 30], 0.9).is_err());
        assert!([0.0, 1.0, f64::NAN].iter().all(|level| counted.calibrate(&trials, *level).is_err()));
        // Never more people than rows, nor fewer than one.
        let most = Distinct { lists: 1, rows: 5, people: 1 }.calibrate(&[trial(100, 10, 99); 20], 0.9).unwrap();
        assert!((most.people - 1.0).abs() < f64::EPSILON);
        let none = Distinct { lists: 1, rows: 5, people: 5 }.calibrate(&trials, 0.9).unwrap();
        assert!((none.low - 5.0).abs() < f64::EPSILON);
    }
}
