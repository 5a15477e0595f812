//! The figures of a report. What is small is gone here, before anything is written: whatever is drawn or worked out later comes
//! from what may be shown.

use std::fmt;

use serde::{Serialize, Serializer};

use super::super::groups::MatchRate;
use super::super::links::{Decided, Links};
use super::super::model::{Completeness, Histogram, Model, Uncertain, Weights};
use super::super::patterns::LevelPatterns;
use super::super::scale::Scale;
use super::super::summary::PairSummary;
use super::super::suppress::Counted;
use crate::schema::{Schema, Threshold};

/// How many level patterns are shown of pairs that look like strangers, and of those that look like one person.
const PATTERNS: usize = 10;

/// What was linked, and how.
#[derive(Clone, Serialize)]
pub(super) struct About {
    pub(super) project: String,
    pub(super) purpose: String,
    pub(super) fingerprint: String,
    pub(super) key_check: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accept_risk: Option<String>,
    pub(super) tool: String,
    pub(super) threshold: String,
    pub(super) assignment: &'static str,
    pub(super) solver: &'static str,
    pub(super) encodings: Vec<Encoding>,
    pub(super) match_keys: Vec<String>,
    /// Pairs that were to be linked, and not to be, whatever their scores.
    pub(super) known: Counted,
    pub(super) forbidden: Counted,
    pub(super) suppress_below: u32,
}

#[derive(Clone, Serialize)]
pub(super) struct Encoding {
    pub(super) name: String,
    pub(super) fields: Vec<String>,
    pub(super) diffused: bool,
}

#[derive(Clone, Serialize)]
pub(super) struct Party {
    pub(super) name: String,
    pub(super) rows: Counted,
    pub(super) linked: Counted,
    /// How many rows have each field, where encodings show it.
    pub(super) complete: Vec<Complete>,
    /// Why its owner sent a file of few people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) release_small: Option<String>,
}

#[derive(Clone, Serialize)]
pub(super) struct Complete {
    pub(super) encoding: String,
    pub(super) present: Counted,
    pub(super) missing: Counted,
}

#[derive(Clone, Serialize)]
pub(super) struct Groups {
    pub(super) party: String,
    pub(super) rates: Vec<MatchRate>,
}

/// Two parties, or one with itself.
#[derive(Clone, Serialize)]
pub(super) struct Pair {
    pub(super) parties: (String, String),
    pub(super) links: Counted,
    pub(super) by_match_key: Counted,
    pub(super) known: Counted,
    /// `None` where the cohorts showed no matches.
    pub(super) threshold: Option<f32>,
    pub(super) unit: &'static str,
    pub(super) origin: String,
    pub(super) learned: bool,
    pub(super) precision: Option<Uncertain>,
    pub(super) matches: Option<Counted>,
    pub(super) too_large: usize,
    pub(super) blocking: Option<String>,
    /// The links' scores.
    pub(super) scores: Vec<(f32, Counted)>,
    /// Where weights were learned: each party's rows by their best match weight.
    pub(super) best: Vec<Best>,
    pub(super) weights: Vec<Field>,
    pub(super) patterns: Patterns,
}

#[derive(Clone, Serialize)]
pub(super) struct Best {
    pub(super) party: String,
    /// From which match weight, and how many rows; only what is between the first and the last bin with a row.
    pub(super) bins: Vec<(i32, Counted)>,
    pub(super) none: Counted,
    /// For each bin, the share of rows that have no candidate from there on.
    pub(super) unlinkable: Vec<(i32, f64)>,
}

#[derive(Clone, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) hidden: bool,
    pub(super) levels: Vec<Level>,
}

#[derive(Clone, Serialize)]
pub(super) struct Level {
    pub(super) label: String,
    pub(super) m: Figure,
    pub(super) u: Figure,
    pub(super) bits: Figure,
}

/// How pairs spread over the levels of all encodings together.
#[derive(Clone, Serialize)]
pub(super) struct Patterns {
    pub(super) encodings: Vec<String>,
    pub(super) sampled: bool,
    /// Pairs that are alike in nothing.
    pub(super) nothing: Counted,
    /// The most frequent of the others that look like strangers; and how many pairs have yet others.
    pub(super) strangers: Vec<Pattern>,
    pub(super) other_strangers: Counted,
    /// The same of those that look like one person.
    pub(super) alike: Vec<Pattern>,
    pub(super) other_alike: Counted,
}

#[derive(Clone, Serialize)]
pub(super) struct Pattern {
    pub(super) levels: Vec<String>,
    pub(super) pairs: Counted,
    /// The sum of its levels' weights, where these are known.
    pub(super) bits: Option<Figure>,
}

/// A number that is not a count: to three digits, or only from where on it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Figure {
    About(f64),
    Less(f64),
    More(f64),
    Unknown,
}

impl Figure {
    /// What is known of the number, as a number.
    pub(super) fn value(self) -> Option<f64> {
        match self {
            Figure::About(x) | Figure::Less(x) | Figure::More(x) => Some(x),
            Figure::Unknown => None,
        }
    }

    fn plus(self, other: Self) -> Self {
        use Figure::{About, Less, More, Unknown};
        match (self, other) {
            (About(x), About(y)) => About(x + y),
            (About(x) | More(x), About(y) | More(y)) => More(x + y),
            (About(x) | Less(x), About(y) | Less(y)) => Less(x + y),
            _ => Unknown,
        }
    }

    /// log2 of a quotient.
    fn bits(m: Self, u: Self) -> Self {
        use Figure::{About, Less, More, Unknown};
        let bits = match (m, u) {
            (About(m), About(u)) => About((m / u).log2()),
            (About(m), Less(u)) => More((m / u).log2()),
            (Less(m), About(u)) => Less((m / u).log2()),
            _ => Unknown,
        };
        if bits.value().is_some_and(f64::is_finite) { bits } else { Unknown }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Figure::About(x) => f.write_str(&digits(x)),
            Figure::Less(x) => write!(f, "<{}", digits(x)),
            Figure::More(x) => write!(f, ">{}", digits(x)),
            Figure::Unknown => f.write_str("not shown"),
        }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Figure::About(x) => serializer.serialize_f64(digits(*x).parse().unwrap_or(*x)),
            _ => serializer.collect_str(self),
        }
    }
}

/// Three digits that count.
fn digits(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    // Rounded first: 0.09999 is 0.100 and not 0.1000.
    let x: f64 = format!("{x:.2e}").parse().unwrap_or(x);
    let places = 2 - x.abs().log10().floor() as i32;
    if places > 6 { format!("{x:.2e}") } else { format!("{x:.*}", places.max(0) as usize) }
}

impl About {
    pub(super) fn new(links: &Links) -> Self {
        let schema = &links.schema;
        let settings = schema.linkage();
        let asked = |pairs: usize| Counted::new(pairs as u64, settings.suppress_below());
        let encodings = schema.encodings().iter().map(|encoding| Encoding {
            name: encoding.name().to_owned(),
            fields: encoding.budgets().iter().map(|&(field, _)| schema.fields()[field].name().to_owned()).collect(),
            diffused: encoding.is_diffused(),
        });
        About {
            project: schema.project().id().to_owned(),
            purpose: schema.project().purpose().to_owned(),
            fingerprint: schema.fingerprint().to_owned(),
            key_check: links.key_check.clone(),
            accept_risk: schema.accept_risk().map(str::to_owned),
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            threshold: match settings.threshold() {
                Threshold::Automatic => "automatic".to_owned(),
                Threshold::Fixed(of) => format!("{}", f64::from(of) / 10_000.0),
            },
            assignment: settings.assignment().as_str(),
            solver: links.solver.name(),
            encodings: encodings.collect(),
            match_keys: schema.match_keys().iter().map(|key| key.name().to_owned()).collect(),
            known: asked(links.asked.0),
            forbidden: asked(links.asked.1),
            suppress_below: settings.suppress_below(),
        }
    }
}

impl Party {
    pub(super) fn new(links: &Links, cohort: usize, (name, rows, linked): (String, Counted, Counted)) -> Self {
        let below = links.schema.linkage().suppress_below();
        // What was learned with one other party is as good as with any.
        let of = |decided: &Decided| match (decided.cohorts, decided.model.as_ref()?) {
            ((a, _), model) if a == cohort => model.complete.first().cloned(),
            ((_, b), model) if b == cohort => model.complete.last().cloned(),
            _ => None,
        };
        let complete = links.thresholds.iter().find_map(of).unwrap_or_default();
        let complete = complete.into_iter().map(|Completeness { encoding, present, rows }| {
            let parts = Counted::parts(&[present, rows - present], below);
            Complete { encoding, present: parts[0], missing: parts[1] }
        });
        let release_small = links.parties[cohort].release_small.clone();
        Party { name, rows, linked, complete: complete.collect(), release_small }
    }
}

impl Pair {
    pub(super) fn new(links: &Links, decided: &Decided, pair: PairSummary) -> Self {
        let below = links.schema.linkage().suppress_below();
        let model = decided.model.as_ref();
        let names = [&pair.parties.0, &pair.parties.1];
        let best = model.into_iter().flat_map(|model| names.into_iter().zip(&model.best));
        let pairs = decided.patterns.pairs() as f64;
        let weights: Vec<Field> = model.map_or_else(Vec::new, |model| {
            model.weights.iter().map(|weights| Field::new(weights, model.matches, pairs, below)).collect()
        });
        Pair {
            links: pair.links,
            by_match_key: pair.by_match_key,
            known: pair.known,
            threshold: pair.threshold.is_finite().then_some(pair.threshold),
            unit: pair.origin.unit(),
            origin: pair.origin.to_string(),
            learned: pair.origin.is_learned(),
            precision: pair.precision,
            matches: pair.matches,
            too_large: pair.too_large,
            blocking: pair.blocking.as_ref().map(ToString::to_string),
            scores: pair.histogram,
            best: best.map(|(party, histogram)| Best::new(party, histogram, below)).collect(),
            patterns: Patterns::new(&links.schema, decided, model, &weights),
            weights,
            parties: pair.parties,
        }
    }
}

impl Best {
    fn new(party: &str, Histogram { bins, none, .. }: &Histogram, below: u32) -> Self {
        let counts: Vec<u64> = bins.iter().map(|(_, count)| *count).chain([*none]).collect();
        let mut shown = rough(&counts, below);
        let none = shown.pop().unwrap_or(Counted::Exactly(0));
        let bins: Vec<(i32, Counted)> = bins.iter().map(|(from, _)| *from).zip(shown).collect();
        let some = |(_, count): &(i32, Counted)| *count != Counted::Exactly(0);
        let first = bins.iter().position(some).unwrap_or(0);
        let last = bins.iter().rposition(some).map_or(0, |last| last + 1);
        let bins = bins[first..last].to_vec();
        // From what is shown, so that the curve tells no more.
        let all: f64 = bins.iter().map(|(_, count)| drawn(*count)).sum::<f64>() + drawn(none);
        let mut below = drawn(none);
        let mut unlinkable = Vec::new();
        for &(from, count) in &bins {
            unlinkable.push((from, below / all.max(1.0)));
            below += drawn(count);
        }
        Best { party: party.to_owned(), bins, none, unlinkable }
    }
}

impl Field {
    /// Of so many matches and so many pairs in all.
    fn new(weights: &Weights, matches: f64, pairs: f64, below: u32) -> Self {
        let figures = |of: &dyn Fn(usize) -> f64, all: f64| -> Vec<Figure> {
            let shares: Vec<f64> = (0..weights.levels.len()).map(of).collect();
            if below == 0 {
                return shares.into_iter().map(Figure::About).collect();
            }
            let counts: Vec<u64> = shares.iter().map(|share| (share * all).round() as u64).collect();
            // The sum of no probabilities is −0.
            let all = all.abs();
            let figure = |(share, count): (&f64, Counted)| match count {
                // What is left of a share then is what is believed before anything is seen.
                Counted::Exactly(0) => Figure::Less((f64::from(below) / all).min(1.0)),
                Counted::Exactly(_) => Figure::About(*share),
                Counted::Below(limit) => Figure::Less((limit as f64 / all).min(1.0)),
            };
            shares.iter().zip(Counted::parts(&counts, below)).map(figure).collect()
        };
        let m = figures(&|level| weights.levels[level].m, matches);
        let u = figures(&|level| weights.levels[level].u, pairs);
        let level = |(level, (&m, &u)): (usize, (&Figure, &Figure))| Level {
            label: weights.levels[level].label.clone(),
            m,
            u,
            bits: Figure::bits(m, u),
        };
        let levels = m.iter().zip(&u).enumerate().map(level).collect();
        Field { name: weights.name.clone(), hidden: weights.hidden, levels }
    }
}

impl Patterns {
    fn new(schema: &Schema, decided: &Decided, model: Option<&Model>, weights: &[Field]) -> Self {
        let scales = Scale::all(schema);
        let patterns = &decided.patterns;
        let top: Vec<u8> = patterns.levels().iter().map(|levels| (*levels).max(1) as u8 - 1).collect();
        let of_encoding: Vec<Option<&Field>> = schema
            .encodings()
            .iter()
            .map(|encoding| weights.iter().find(|field| !field.hidden && field.name == encoding.name()))
            .collect();
        // Diffused encodings have no weights level by level: their fields have.
        let additive = model.is_some() && scales.iter().all(|scale| !scale.diffused);
        let bits = |pattern: &[u8]| {
            let level = |(field, &level): (&Option<_>, &u8)| {
                let field: &Field = (*field)?;
                Some(field.levels.get(usize::from(level))?.bits)
            };
            let levels = of_encoding.iter().zip(pattern).filter_map(level);
            additive.then(|| levels.fold(Figure::About(0.0), Figure::plus))
        };
        // As likely as not to be one person, if fields were independent and no row had another candidate.
        let pairs = patterns.pairs() as f64;
        let needed = model.map_or(0.0, |model| (pairs / model.matches.max(0.01)).log2());
        let alike = |pattern: &[u8]| match bits(pattern) {
            Some(bits) => bits.value().is_some_and(|bits| bits > needed),
            None => pattern.iter().zip(&top).any(|(level, top)| level == top),
        };
        let seen = |level: u8| level > 0 && level != LevelPatterns::NO_EVIDENCE;
        let (some, none): (Vec<_>, Vec<_>) =
            patterns.iter().partition(|(pattern, _)| pattern.iter().any(|&level| seen(level)));
        let (mut one, mut two): (Vec<_>, Vec<_>) = some.into_iter().partition(|(pattern, _)| !alike(pattern));
        let sum = |patterns: &[(&[u8], u64)]| patterns.iter().map(|(_, count)| count).sum::<u64>();
        let mut counts = vec![sum(&none)];
        for patterns in [&mut one, &mut two] {
            patterns.sort_by(|x, y| y.1.cmp(&x.1).then(x.0.cmp(y.0)));
            counts.push(sum(patterns.get(PATTERNS..).unwrap_or_default()));
            patterns.truncate(PATTERNS);
            counts.extend(patterns.iter().map(|(_, count)| *count));
        }
        let counts = Counted::parts(&counts, schema.linkage().suppress_below());
        let label = |(scale, &level): (&Scale, &u8)| label(scale, level);
        let shown = |patterns: &[(&[u8], u64)], counts: &[Counted]| {
            let pattern = |(&(pattern, _), &pairs): (&(&[u8], u64), &Counted)| Pattern {
                levels: scales.iter().zip(pattern).map(label).collect(),
                pairs,
                bits: bits(pattern),
            };
            patterns.iter().zip(counts).map(pattern).collect::<Vec<_>>()
        };
        let (of_one, of_two) = counts[1..].split_at(one.len() + 1);
        Patterns {
            encodings: schema.encodings().iter().map(|encoding| encoding.name().to_owned()).collect(),
            sampled: decided.blocking.is_some(),
            nothing: counts[0],
            strangers: shown(&one, &of_one[1..]),
            other_strangers: of_one[0],
            alike: shown(&two, &of_two[1..]),
            other_alike: of_two[0],
        }
    }
}

/// What a level of an encoding means.
fn label(scale: &Scale, level: u8) -> String {
    let level = usize::from(level);
    let signal = |place: usize| scale.signal_cuts().nth(place).unwrap_or(1.0);
    match level {
        _ if level == usize::from(LevelPatterns::NO_EVIDENCE) => "missing".to_owned(),
        _ if !scale.diffused => scale.label(level),
        0 => "as strangers".to_owned(),
        _ if signal(level - 1) >= 1.0 => "equal".to_owned(),
        _ => format!("signal {:.2} to {:.2}", signal(level - 1), signal(level)),
    }
}

/// Counts to the nearest multiple of what is not shown, so that no small difference to another count can be told.
fn rough(counts: &[u64], below: u32) -> Vec<Counted> {
    let step = u64::from(below.max(1));
    let round = |count: Counted| match count {
        Counted::Exactly(count) => Counted::Exactly((count + step / 2) / step * step),
        below @ Counted::Below(_) => below,
    };
    Counted::parts(counts, below).into_iter().map(round).collect()
}

/// How a count is drawn: one that is not shown by the middle of what it may be.
pub(super) fn drawn(count: Counted) -> f64 {
    match count {
        Counted::Exactly(count) => count as f64,
        Counted::Below(limit) => limit as f64 / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::LevelWeight;
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let text = |x: f64| Figure::About(x).to_string();
        assert_eq!([0.5, 0.012_345, 12.345, 1234.5, 0.0].map(text), ["0.500", "0.0123", "12.3", "1230", "0"]);
        assert_eq!([0.099_99, 0.999_9, -2.04].map(text), ["0.100", "1.00", "-2.04"]);
        assert_eq!(text(1.234_5e-7), "1.23e-7");
        assert_eq!(
            serde_json::to_string(&[Figure::About(0.12345), Figure::Less(0.01)]).unwrap(),
            "[0.123,\"<0.0100\"]"
        );
        assert_eq!(Figure::About(1.0).plus(Figure::More(2.0)), Figure::More(3.0));
        assert_eq!(Figure::Less(1.0).plus(Figure::More(2.0)), Figure::Unknown);
        assert_eq!(Figure::bits(Figure::About(0.5), Figure::Less(0.125)), Figure::More(2.0));
    }

    #[test]
    fn few_expected_matches_are_not_told_by_a_share() {
        let levels = [(0.02, 0.999), (0.03, 0.000_9), (0.95, 0.000_1)];
        let levels = levels.map(|(m, u)| LevelWeight::new("", m, u));
        let weights = Weights { name: "forename".into(), hidden: false, levels: levels.to_vec() };
        let field = Field::new(&weights, 200.0, 1e6, 10);
        assert_eq!(
            field.levels.iter().map(|level| level.m).collect::<Vec<_>>(),
            [
                // 4 and 6 matches: what is left of 200 tells their sum, 10, and not them.
                Figure::Less(0.05),
                Figure::Less(0.05),
                Figure::About(0.95),
            ]
        );
        assert!(matches!(field.levels[0].bits, Figure::Less(_)));
        let whole = Field::new(&weights, 200.0, 1e6, 0);
        assert!(whole.levels.iter().all(|level| matches!(level.m, Figure::About(_))));
    }

    #[test]
    fn histograms_are_rounded() {
        assert_eq!(rough(&[104, 96, 15, 0], 10), [100, 100, 20, 0].map(Counted::Exactly));
        assert_eq!(rough(&[104, 3], 0), [104, 3].map(Counted::Exactly));
    }
}
