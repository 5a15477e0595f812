//! Before a run: how long it will take, and how much memory, for all pairs and with LSH. Measured on a sample of the cohorts
//! themselves, on this machine, with this kernel, in the current thread pool.

use std::fmt;
use std::time::{Duration, Instant};

use super::Linker;
use super::candidates::{Blocks, Candidates, Lsh, Sampling, percent};
use super::compare::{Comparison, Side};
use super::decide::null_pairs;
use super::run::{Meter, Stage};
use super::scale::Scale;
use crate::cohort::{BitMatrix, Cohort};
use crate::error::{Error, Result};
use crate::schema::{Encoding, Threshold};
use crate::split_mix::SplitMix64;

/// How long all pairs of a sample are compared at least, unless the cohorts are shorter.
const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// The first sample's rows, and the most: what is compared at a time in a whole run.
const SAMPLE: usize = 1024;
const SAMPLE_MOST: usize = 32_768;

/// Rows whose tables are timed: all of them up to so many, else a sample of them.
const TABLE_ROWS: usize = 1_000_000;
const TABLE_SAMPLE: usize = 100_000;

/// Single pairs that are timed.
const SINGLE: usize = 50_000;

/// What LSH is asked for where the linker has none of its own: to find 95 % of the pairs that differ in at most 10 % of an
/// encoding's bits.
const SHARE: f64 = 0.1;
const RECALL: f64 = 0.95;

/// What comparing takes beside the cohorts: rows on their side and lists of columns.
const UNITS: u64 = 100 << 20;

/// How long a run will take. Times are estimates: on a machine that did other work too, seven runs took .6 to 2 times as long.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The cohorts' rows.
    pub rows: Vec<usize>,
    /// All pairs of rows.
    pub pairs: u64,
    /// Pairs a second that were compared in a sample of the cohorts.
    pub rate: f64,
    /// Comparing all pairs.
    pub exhaustive: Estimate,
    /// Comparing what LSH finds. `None` where no LSH of the usual size would find enough.
    pub lsh: Option<LshPlan>,
}

/// What a run will take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// From the first pair to the links.
    pub time: Duration,
    /// Bytes, the cohorts included.
    pub memory: u64,
}

/// What a run with LSH will take and find.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LshPlan {
    /// The linker's own, or one for these cohorts; to be given to [`Linker::candidates`].
    pub lsh: Lsh,
    /// Pairs of rows across cohorts (of one cohort: inside it) that it will compare: estimated from the blocks of one table
    /// of each encoding, those that were found in several tables counted for each.
    pub candidates: u64,
    /// The probability with which it finds a pair that differs in at most [`Lsh::share`] of the bits of an encoding.
    pub recall: f64,
    /// What it takes.
    pub estimate: Estimate,
}

impl Linker {
    /// Says before a run how long it will take: for all pairs, and for the linker's LSH, or one that finds 95 % of the pairs
    /// that differ in at most a tenth of an encoding's bits. One cohort: its duplicates.
    ///
    /// It compares a sample for some tenths of a second, and puts the rows of at most a million into tables.
    ///
    /// # Errors
    /// As [`link`](Self::link), and [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there are no cohorts, or the
    /// linker's LSH does not fit them.
    pub fn plan(&self, cohorts: &[&Cohort]) -> Result<Plan> {
        self.check(cohorts)?;
        let within = cohorts.len() == 1;
        let pairs: Vec<(&Cohort, &Cohort)> = match cohorts {
            [] => return Err(Error::argument("a plan needs a cohort")),
            [one] => vec![(one, one)],
            _ => {
                (0..cohorts.len()).flat_map(|i| (i + 1..cohorts.len()).map(move |j| (cohorts[i], cohorts[j]))).collect()
            }
        };
        let scales = Scale::all(&self.schema);
        let automatic = self.schema.linkage().threshold() == Threshold::Automatic;
        let meter = Meter::new(None, 0);
        let stage = Stage { meter: &meter, cancel: &self.cancel, place: None };
        let count = |a: &Cohort, b: &Cohort| {
            let (a, b) = (a.rows() as u64, b.rows() as u64);
            if within { a * a.saturating_sub(1) / 2 } else { a * b }
        };
        let own = match &self.candidates {
            Candidates::Lsh(lsh) | Candidates::LshAndMatchKeys(lsh, _) => Some(lsh.clone()),
            _ => None,
        };
        let largest = pairs.iter().max_by_key(|(a, b)| count(a, b)).copied();
        let lsh = own.or_else(|| largest.and_then(|(a, b)| Lsh::for_cohorts(a, b, SHARE, RECALL).ok()));
        let (mut all, mut seconds, mut lsh_seconds, mut candidates) = (0, 0.0, 0.0, 0.0);
        let mut rate = 0.0f64;
        for &(a, b) in &pairs {
            let (weights, least) = self.setting(&scales, (a, b), automatic, &stage)?;
            let comparison = Comparison { least, ..self.comparison(&scales, &weights) };
            rate = rate.max(self.rate(&comparison, a, b, &stage)?);
            let nulls =
                if automatic && !within { null_pairs(a.rows(), b.rows()) + null_pairs(b.rows(), a.rows()) } else { 0 };
            all += count(a, b);
            seconds += (count(a, b) + nulls) as f64 / rate.max(1.0);
            if let Some(lsh) = &lsh {
                let (tables, pairs) = tables(lsh, a, (!within).then_some(b))?;
                let single = single(&comparison, a, b);
                // The inside of each file is looked at too, to see what strangers are like.
                let inside = if automatic && !within {
                    (count_within(a) + count_within(b)) / count(a, b).max(1) as f64
                } else {
                    0.0
                };
                candidates += pairs;
                lsh_seconds += tables * if inside > 0.0 { 2.0 } else { 1.0 } + pairs * (1.0 + inside) * single;
            }
        }
        let keep = self.schema.linkage().candidates() as u64;
        let rows: Vec<usize> = cohorts.iter().map(|cohort| cohort.rows()).collect();
        let total: u64 = rows.iter().map(|&rows| rows as u64).sum();
        let largest = rows.iter().copied().max().unwrap_or(0) as u64;
        let held: u64 = cohorts.iter().map(|cohort| held(cohort)).sum();
        // For each row its best partners, their scores and, at the end, the candidates with their indices.
        let base = held + total * (keep * 8 + 2 * scales.len() as u64 + 64);
        let time = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let lsh = lsh.map(|lsh| {
            let lengths: Vec<usize> = self.schema.encodings().iter().map(Encoding::output).collect();
            // A byte for each row and table, and for two cohorts at a time a few keys and what is sorted.
            let memory = base + 2 * largest * (lsh.tables() as u64 + 8 * 8 + 16 * 2);
            LshPlan {
                candidates: candidates as u64,
                recall: lsh.recall_at(lsh.share(), &lengths),
                estimate: Estimate { time: time(lsh_seconds), memory },
                lsh,
            }
        });
        let exhaustive = Estimate { time: time(seconds), memory: base + UNITS };
        Ok(Plan { rows, pairs: all, rate, exhaustive, lsh })
    }

    /// Pairs a second, from samples that grow until they take long enough.
    fn rate(&self, comparison: &Comparison<'_>, a: &Cohort, b: &Cohort, stage: &Stage<'_>) -> Result<f64> {
        let mut rows = SAMPLE;
        loop {
            let (side_a, side_b) = (Side::sample(a, rows), Side::sample(b, rows));
            let pairs = side_a.rows as f64 * side_b.rows as f64;
            let start = Instant::now();
            comparison.between(&side_a, &side_b, stage)?;
            let elapsed = start.elapsed();
            if elapsed >= LONG_ENOUGH || rows >= SAMPLE_MOST || rows >= a.rows().max(b.rows()) {
                return Ok(pairs / elapsed.as_secs_f64().max(1e-9));
            }
            self.cancel.check()?;
            rows *= 2;
        }
    }
}

/// How long all tables take, in seconds, and how many pairs they give: one table of each encoding is made.
fn tables(lsh: &Lsh, a: &Cohort, b: Option<&Cohort>) -> Result<(f64, f64)> {
    let most = a.rows().max(b.map_or(0, Cohort::rows));
    let select = |cohort: &Cohort| -> Vec<BitMatrix> {
        let count = TABLE_SAMPLE.min(cohort.rows());
        let rows = || (0..count).map(|i| i * cohort.rows() / count);
        cohort.encodings().iter().map(|matrix| matrix.select(rows())).collect()
    };
    let samples = (most > TABLE_ROWS).then(|| (select(a), b.map(select)));
    let (of_a, of_b) = match &samples {
        Some((of_a, of_b)) => (&of_a[..], of_b.as_deref()),
        None => (a.encodings(), b.map(Cohort::encodings)),
    };
    let rows = |side: &[BitMatrix]| side.first().map_or(0, BitMatrix::rows).max(1) as f64;
    let more_a = a.rows() as f64 / rows(of_a);
    let more_b = b.zip(of_b).map_or(more_a, |(cohort, side)| cohort.rows() as f64 / rows(side));
    let (mut seconds, mut pairs) = (0.0, 0.0);
    for (encoding, sampling) in lsh.encodings().iter().enumerate().filter(|(_, sampling)| sampling.tables > 0) {
        let only =
            |(other, sampling): (usize, &Sampling)| Sampling { tables: usize::from(other == encoding), ..*sampling };
        let samplings: Vec<Sampling> = lsh.encodings().iter().enumerate().map(only).collect();
        let start = Instant::now();
        let (_, Blocks { pairs: found, .. }) = lsh.with(&samplings)?.stream(of_a, of_b, &mut |_| Ok(()))?;
        let tables = sampling.tables as f64;
        seconds += start.elapsed().as_secs_f64() * more_a.max(more_b) * tables;
        pairs += found as f64 * more_a * more_b * tables;
    }
    Ok((seconds, pairs))
}

/// How long a single pair takes, in seconds.
fn single(comparison: &Comparison<'_>, a: &Cohort, b: &Cohort) -> f64 {
    if a.rows() == 0 || b.rows() == 0 {
        return 0.0;
    }
    let mut random = SplitMix64(1);
    let mut row = |cohort: &Cohort| random.below(cohort.rows() as u64) as u32;
    let pairs: Vec<(u32, u32)> = (0..SINGLE).map(|_| (row(a), row(b))).collect();
    let (side_a, side_b) = (Side::new(a), Side::new(b));
    let start = Instant::now();
    let indices = comparison.indices(&side_a, &side_b, &pairs);
    std::hint::black_box(indices);
    start.elapsed().as_secs_f64() / SINGLE as f64
}

fn count_within(cohort: &Cohort) -> f64 {
    let rows = cohort.rows() as f64;
    rows * (rows - 1.0) / 2.0
}

/// The bytes of a cohort.
fn held(cohort: &Cohort) -> u64 {
    let words: usize = cohort.encodings().iter().map(BitMatrix::stride).sum();
    cohort.rows() as u64 * (words * 8 + 16 + 17 * cohort.match_keys().len()) as u64
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<String> = self.rows.iter().map(|&rows| grouped(rows as u64)).collect();
        writeln!(f, "{} rows = {} pairs", rows.join(" x "), grouped(self.pairs))?;
        writeln!(f, "exhaustive: {}; misses nothing", self.exhaustive)?;
        if let Some(LshPlan { lsh, candidates, recall, estimate }) = &self.lsh {
            let (recall, share) = (percent(*recall), percent(lsh.share()));
            writeln!(
                f,
                "{lsh}: {estimate}, about {} candidates; finds {recall} of the pairs that differ in at most {share} of the \
                 bits of an encoding",
                grouped(*candidates)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64();
        let (number, unit) = match seconds {
            s if s < 1.0 => return write!(f, "less than a second, {}", bytes(self.memory)),
            s if s < 100.0 => (s, "second"),
            s if s < 6000.0 => (s / 60.0, "minute"),
            s if s < 48.0 * 3600.0 => (s / 3600.0, "hour"),
            s => (s / 86_400.0, "day"),
        };
        let number = number.round() as u64;
        write!(f, "about {} {unit}{}, {}", grouped(number), if number == 1 { "" } else { "s" }, bytes(self.memory))
    }
}

/// Bytes in MB or GB.
fn bytes(bytes: u64) -> String {
    if bytes < 1_000_000_000 { format!("{} MB", bytes / 1_000_000) } else { format!("{:.1} GB", bytes as f64 / 1e9) }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        let said = |seconds, memory| Estimate { time: Duration::from_secs_f64(seconds), memory }.to_string();
        assert_eq!(said(0.2, 5_400_000), "less than a second, 5 MB");
        assert_eq!(said(1.2, 999_999_999), "about 1 second, 999 MB");
        assert_eq!(said(540.0, 2_460_000_000), "about 9 minutes, 2.5 GB");
        assert_eq!(said(5.0e7, 0), "about 579 days, 0 MB");
        assert_eq!(["0", "999", "1,000", "12,345,678"].map(String::from), [0, 999, 1000, 12_345_678].map(grouped));
    }
}
