//! How many people are in two files, or in any of several: estimated from links that are not all right and not all there,
//! with an interval, and with noise where that is wanted. Counts leave; no row does.

mod noise;

use std::fmt;

pub use self::noise::{Chance, Epsilon, Noise};
use super::links::Links;
use super::model::Uncertain;
use super::suppress::Counted;
use crate::error::{Error, Result};
use crate::event_log::Event;
use crate::schema::Threshold;
use crate::wilson;

/// Standard deviations to either side of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Where the knowledge of an error rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The linkage learned it without labels: right if the model is right.
    Model,
    /// Somebody looked at a sample, drawn by lot.
    Sample {
        /// How many they looked at.
        looked_at: u64,
    },
    /// Somebody says so.
    Assumed,
}

/// How many links are right, or how many of those that should be there are: a share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    share: Uncertain,
    source: Source,
}

impl Rate {
    /// From a sample: of `looked_at`, `good` ones. The interval is Wilson's (1927).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there are none, none good, or more good ones than there are.
    pub fn sample(good: u64, looked_at: u64) -> Result<Self> {
        if good == 0 || good > looked_at {
            return Err(Error::argument("of a sample, some must be good, and no more than there are"));
        }
        let (low, high) = wilson::interval(good, looked_at);
        let share = Uncertain { value: good as f64 / looked_at as f64, low, high };
        Ok(Rate { share, source: Source::Sample { looked_at } })
    }

    /// As somebody assumes it.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where it is not above 0, not in its interval, or that not below 1.
    pub fn assumed(share: Uncertain) -> Result<Self> {
        let Uncertain { value, low, high } = share;
        if !(value > 0.0 && (0.0..=value).contains(&low) && (value..=1.0).contains(&high)) {
            return Err(Error::argument("a share must be above 0, and in an interval from 0 to 1"));
        }
        Ok(Rate { share, source: Source::Assumed })
    }

    /// The share.
    #[must_use]
    pub fn share(&self) -> Uncertain {
        self.share
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }
}

impl Source {
    /// Behind what was looked at, where that was a sample.
    fn words(self) -> &'static str {
        match self {
            Source::Model => "as the linkage learned without labels, if its model is right",
            Source::Sample { .. } => "that somebody looked at, drawn by lot",
            Source::Assumed => "as assumed",
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Uncertain { value, low, high } = self.share;
        write!(f, "{:.1} % ({:.1} to {:.1} %), ", value * 100.0, low * 100.0, high * 100.0)?;
        if let Source::Sample { looked_at } = self.source {
            write!(f, "by {looked_at} ")?;
        }
        f.write_str(self.source.words())
    }
}

/// A rate without the size of its sample: beside a count with noise, a sample of all links would be the count.
struct Rounded<'a>(&'a Rate);

impl fmt::Display for Rounded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rate { share, source } = self.0;
        let sample = if matches!(source, Source::Sample { .. }) { "by a sample " } else { "" };
        write!(f, "about {:.0} %, {sample}{}", share.value * 100.0, source.words())
    }
}

/// What is known of a linkage's errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkErrors {
    /// The share of links that are right.
    pub precision: Rate,
    /// The share of true pairs that were linked. No linkage can say this of itself: it has to come from a sample of pairs
    /// that are known from elsewhere to be one person, or be assumed.
    pub recall: Rate,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// People in both files, which hold so many at most.
    Overlap { most: u64 },
    /// Different people in files of so many rows.
    Distinct { rows: u64 },
}

/// How often rows were found to be one person: a count that stays with the linkage unit until it is
/// [estimated](Self::estimate) from. `Debug` does not show it.
#[derive(Clone, PartialEq)]
pub struct Joined {
    what: What,
    joins: i64,
    shown: bool,
    noise: Option<Noise>,
    learned: bool,
}

impl Joined {
    /// From counts that were made elsewhere: people found in both of two files, each at most once in each. Not to be published
    /// where they are above 0 and below `suppress_below`, nor where those of one file who are not in the other are.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where they are more than a file has rows.
    pub fn overlap(found: u64, rows: [u64; 2], suppress_below: u32) -> Result<Self> {
        let most = rows[0].min(rows[1]);
        if found > most {
            return Err(Error::argument("no more people are in both files than one of them has rows"));
        }
        Ok(Joined::new(What::Overlap { most }, found, &rows.map(|rows| rows - found), suppress_below))
    }

    /// From counts that were made elsewhere: rows of all files, and how many of them were found to be somebody who stands in
    /// an earlier one.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where all rows are somebody's who was there before.
    pub fn distinct(again: u64, rows: u64, suppress_below: u32) -> Result<Self> {
        if again > 0 && again >= rows {
            return Err(Error::argument("not every row can be somebody's who was there before"));
        }
        Ok(Joined::new(What::Distinct { rows }, again, &[rows - again], suppress_below))
    }

    fn new(what: What, joins: u64, rests: &[u64], suppress_below: u32) -> Self {
        let shown = Counted::beside(&[joins], rests, suppress_below)[0].exact().is_some();
        Joined { what, joins: joins as i64, shown, noise: None, learned: false }
    }

    /// Adds noise, once: with it, the estimate may be published however small it is.
    ///
    /// What ε promises holds for the number of links if one person changes that by no more than the noise's sensitivity. With
    /// a threshold that the schema sets, and one-to-one assignment, a row more or less changes the number of links between two
    /// files by at most one, as far as every pair above the threshold is a candidate. A threshold that is learned from
    /// the files (automatic) is not covered by ε, nor are error rates that come from the same people; the text of an
    /// estimate says so. Every further count of the same people adds its ε to this one.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is noise already, or no randomness to be had.
    pub fn with_noise(mut self, noise: Noise, chance: &mut Chance) -> Result<Self> {
        if self.noise.is_some() {
            return Err(Error::argument("there is noise on this count already; once is enough"));
        }
        self.joins += noise.draw(chance)?;
        self.noise = Some(noise);
        Ok(self)
    }

    /// How many people there are, by the links and what is known of their errors.
    ///
    /// Of L links, L · precision are right, and they are the recall's share of all: L · precision / recall. The interval
    /// puts together, on the logarithmic scale, the intervals of both rates (Zou & Donner 2008, "Construction of confidence
    /// limits about effect measures"), that missing a pair is chance, and the noise. It takes the rates as independent, and
    /// the same for all kinds of people.
    #[must_use]
    pub fn estimate(&self, errors: LinkErrors) -> Estimate {
        let people = (self.shown || self.noise.is_some()).then(|| {
            let pairs = self.pairs(errors);
            match self.what {
                What::Overlap { most } => {
                    let within = |x: f64| x.clamp(0.0, most as f64);
                    Uncertain { value: within(pairs.value), low: within(pairs.low), high: within(pairs.high) }
                }
                What::Distinct { rows } => {
                    let without = |x: f64| (rows as f64 - x).clamp(f64::from(u8::from(rows > 0)), rows as f64);
                    Uncertain { value: without(pairs.value), low: without(pairs.high), high: without(pairs.low) }
                }
            }
        });
        Estimate { what: self.what, people, errors, noise: self.noise, learned: self.learned }
    }

    fn pairs(&self, errors: LinkErrors) -> Uncertain {
        let (p, q) = (errors.precision.share, errors.recall.share);
        let links = self.joins.max(0) as f64;
        let value = links * p.value / q.value;
        let missed = Z * ((1.0 - q.value).max(0.0) / (links * p.value).max(1.0)).sqrt();
        let apart = |x: f64, y: f64| (x / y).ln();
        let sum = |x: f64, y: f64| (x * x + y * y + missed * missed).sqrt();
        let low = value * (-sum(apart(p.value, p.low), apart(q.high, q.value))).exp();
        let high = value * sum(apart(p.high, p.value), apart(q.value, q.low)).exp();
        let noise = self.noise.map_or(0.0, |noise| noise.within() as f64 * p.value / q.value);
        Uncertain { value, low: value - (value - low).hypot(noise), high: value + (high - value).hypot(noise) }
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("noise", &self.noise).finish_non_exhaustive()
    }
}

impl Links {
    /// How many people were found in both of two parties' files.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a party was not linked, or both are one.
    pub fn overlap(&self, a: &str, b: &str) -> Result<Joined> {
        let (a, b) = (self.cohort(a)?, self.cohort(b)?);
        if a == b {
            return Err(Error::argument("the overlap of a file with itself is all of it"));
        }
        let clusters = self.clusters().iter();
        let has = |cohort: usize| move |member: &super::Member| member.cohort == cohort;
        let both = clusters.filter(|cluster| cluster.members.iter().any(has(a)) && cluster.members.iter().any(has(b)));
        let rows = [a, b].map(|cohort| self.parties[cohort].row_ids.len() as u64);
        let joined = Joined::overlap(both.count() as u64, rows, self.schema.linkage().suppress_below())?;
        Ok(Joined { learned: self.learned(), ..joined })
    }

    /// How many rows were found to be somebody's who stands in the files before: for the number of different people in all
    /// files together.
    #[must_use]
    pub fn distinct(&self) -> Joined {
        let rows = self.parties.iter().map(|party| party.row_ids.len() as u64).sum();
        let again: u64 = self.clusters().iter().map(|cluster| cluster.members.len() as u64 - 1).sum();
        let joined =
            Joined::new(What::Distinct { rows }, again, &[rows - again], self.schema.linkage().suppress_below());
        Joined { learned: self.learned(), ..joined }
    }

    /// The share of links of two parties that are right, as the linkage learned it; `None` where it did not, or where there
    /// are too few links.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a party was not linked.
    pub fn learned_precision(&self, a: &str, b: &str) -> Result<Option<Rate>> {
        let (a, b) = (self.cohort(a)?, self.cohort(b)?);
        let summary = self.summary();
        let names = [a.min(b), a.max(b)].map(|cohort| self.parties[cohort].name.as_str());
        let pair = summary.pairs.iter().find(|pair| [pair.parties.0.as_str(), pair.parties.1.as_str()] == names);
        let precision = pair.and_then(|pair| pair.precision).filter(|precision| precision.value > 0.0);
        Ok(precision.map(|share| Rate { share, source: Source::Model }))
    }

    fn learned(&self) -> bool {
        self.schema.linkage().threshold() == Threshold::Automatic
    }
}

/// How many people there are, with 95 % confidence from where to where; as text, with all that is assumed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    what: What,
    people: Option<Uncertain>,
    errors: LinkErrors,
    noise: Option<Noise>,
    learned: bool,
}

impl Estimate {
    /// The number; `None` where it is too small to be shown.
    #[must_use]
    pub fn people(&self) -> Option<Uncertain> {
        self.people
    }

    /// The noise that is on it.
    #[must_use]
    pub fn noise(&self) -> Option<Noise> {
        self.noise
    }

    /// Puts into an event what was published and with how much noise.
    #[must_use]
    pub fn event(&self, event: Event) -> Event {
        let event = match self.people {
            Some(people) => event.count("people_estimated", people.value.round() as u64),
            None => event,
        };
        match self.noise {
            None => event.reason("a count without noise"),
            Some(noise) => event
                .count("epsilon_numerator", noise.epsilon().numerator().into())
                .count("epsilon_denominator", noise.epsilon().denominator().into())
                .count("sensitivity", noise.sensitivity().into())
                .reason(format!(
                    "a count with discrete Laplace noise: epsilon {}, sensitivity {}",
                    noise.epsilon(),
                    noise.sensitivity()
                )),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Overlap { .. } => "people are in both files",
            What::Distinct { .. } => "different people are in the files",
        };
        match self.people {
            Some(Uncertain { value, low, high }) => writeln!(
                f,
                "About {:.0} {what}; with 95 % confidence {:.0} to {:.0}.",
                value,
                low.floor(),
                high.ceil()
            )?,
            // Nor how many links somebody looked at, who may have looked at all of them.
            None => return writeln!(f, "How many {what} is not shown: the number, or that of the others, is small."),
        }
        let LinkErrors { precision, recall } = &self.errors;
        if self.noise.is_none() {
            writeln!(f, "  Links that are right: {precision}")?;
            writeln!(f, "  Of all there are, linked: {recall}")?;
        } else {
            writeln!(f, "  Links that are right: {}", Rounded(precision))?;
            writeln!(f, "  Of all there are, linked: {}", Rounded(recall))?;
        }
        writeln!(f, "  Assumed: both rates are independent, and the same for all kinds of people.")?;
        match self.noise {
            None => writeln!(f, "  Without noise.")?,
            Some(noise) => {
                writeln!(
                    f,
                    "  With discrete Laplace noise: epsilon {}, if one person changes the number of links by at most {};",
                    noise.epsilon(),
                    noise.sensitivity()
                )?;
                let learned =
                    if self.learned { "; nor is the threshold, which was learned from the files" } else { "" };
                writeln!(f, "  the rates above are not covered by it{learned}.")?;
            }
        }
        Ok(())
    }
}
