//! Why true pairs were lost and wrong links made, told by what the records have in common. For who holds both files: it
//! compares values in plaintext, and tells counts of fields only.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use rayon::prelude::*;

use super::Truth;
use crate::linkage::{Reason, ScoredPairs};
use crate::owner::{Comparable, FieldReaders, Record, comparable};
use crate::schema::{Kind, Schema};

/// How a field of two records compares, as encoding sees the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// Normalised, they are the same.
    Equal,
    /// At most one edit (letter changed, added, left out, or two swapped) for every four characters, one at least; or a name
    /// of which a part is left out. Never for values that are equal or not (a sex).
    Slight,
    /// Day and month swapped, or a name that stands in another field.
    Swapped,
    /// Something else.
    Changed,
    /// One record lacks it, or both; half a postcode is none.
    Missing,
}

/// Why a true pair was not linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LostBecause {
    /// The rows were not among each other's best partners, so the pair never had a score.
    pub never_candidate: u64,
    /// The score is below the threshold.
    pub below_threshold: u64,
    /// The score is good enough, and one of the rows went to a wrong partner.
    pub to_wrong_partner: u64,
    /// The score is good enough, and the rows went to other rows of the same person.
    pub to_right_partner: u64,
}

/// One thing that is true of some pairs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Part {
    /// The field's name in the schema.
    pub field: String,
    /// How it compares.
    pub state: FieldState,
}

/// How often some things are true together.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Combination {
    /// What is true, whatever else is; three parts at most.
    pub parts: Vec<Part>,
    /// Of how many of the pairs in question.
    pub pairs: u64,
    /// Their share.
    pub share: f64,
    /// The share of all true pairs of which it is true: the combination tells as much as its share is above this.
    pub base: f64,
}

/// What is true of the pairs that were lost, or of the links that are wrong.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ErrorGroup {
    /// How many pairs.
    pub pairs: u64,
    /// What is most telling, first: the share farthest above that among all true pairs. What is true of the same pairs as a
    /// longer combination is left out.
    pub combinations: Vec<Combination>,
}

/// What went wrong in a linkage.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ErrorAnalysis {
    /// True pairs there are.
    pub truth: u64,
    /// Why true pairs were lost.
    pub lost_because: LostBecause,
    /// The true pairs that were lost: what was missing or differed.
    pub lost: ErrorGroup,
    /// The links that are wrong: also what was equal.
    pub wrong: ErrorGroup,
}

/// How many parts a combination has at most.
const PARTS: usize = 3;

/// How many combinations are told.
const MOST: usize = 10;

/// The state of every field that is looked at.
type Pattern = Vec<FieldState>;

impl Truth<'_> {
    /// Looks at the true pairs that were lost and the links that are wrong. `a` and `b` are the records in the order of the
    /// rows (no `b` for duplicates inside one file), `pairs` the links made of the scored pairs at their threshold.
    ///
    /// Fields that are in an encoding or a match key are looked at. No value of a record is in the result.
    #[must_use]
    pub fn errors(
        &self,
        schema: &Schema,
        a: &[Record],
        b: Option<&[Record]>,
        scored: &ScoredPairs,
        pairs: impl IntoIterator<Item = (u32, u32)>,
    ) -> ErrorAnalysis {
        let look = Look::new(schema, a, b);
        let links: HashSet<(u32, u32)> = pairs.into_iter().collect();
        let mut truth = Vec::new();
        self.each_true_pair(|x, y| truth.push((x, y)));
        let mut wrong: Vec<(u32, u32)> = links.iter().copied().filter(|&(x, y)| !self.is_match(x, y)).collect();
        wrong.sort_unstable();

        let candidates: HashMap<(u32, u32), (f32, Reason)> =
            scored.candidates.iter().map(|c| ((c.a, c.b), (c.score, c.reason))).collect();
        let mut wrong_rows = [HashSet::new(), HashSet::new()];
        for &(x, y) in &wrong {
            wrong_rows[0].insert(x);
            // Inside one file a row is a row, on whichever side it stands.
            wrong_rows[usize::from(b.is_some())].insert(y);
        }
        let mut because = LostBecause::default();
        let mut lost = Vec::new();
        for &(x, y) in truth.iter().filter(|pair| !links.contains(pair)) {
            lost.push((x, y));
            *match candidates.get(&(x, y)) {
                None => &mut because.never_candidate,
                Some((score, Reason::Similarity)) if *score < scored.threshold => &mut because.below_threshold,
                Some(_) if wrong_rows[0].contains(&x) || wrong_rows[usize::from(b.is_some())].contains(&y) => {
                    &mut because.to_wrong_partner
                }
                Some(_) => &mut because.to_right_partner,
            } += 1;
        }
        let base = look.patterns(&truth);
        ErrorAnalysis {
            truth: truth.len() as u64,
            lost_because: because,
            lost: look.group(&lost, &base, |state| state != FieldState::Equal),
            wrong: look.group(&wrong, &base, |_| true),
        }
    }
}

/// The values of all records, as encoding sees them.
struct Look {
    names: Vec<String>,
    kinds: Vec<Kind>,
    a: Vec<Vec<Option<Comparable>>>,
    b: Option<Vec<Vec<Option<Comparable>>>>,
}

impl Look {
    fn new(schema: &Schema, a: &[Record], b: Option<&[Record]>) -> Self {
        let readers = FieldReaders::new(schema);
        let is_used = |field: usize| {
            schema.encodings().iter().any(|encoding| encoding.has(field))
                || schema.match_keys().iter().any(|key| key.fields().contains(&field))
        };
        let used: Vec<usize> = (0..schema.fields().len()).filter(|&field| is_used(field)).collect();
        let read = |records: &[Record]| {
            let values = |record| {
                let mut all = comparable(&readers, record);
                used.iter().map(|&field| all[field].take()).collect()
            };
            records.par_iter().map(values).collect()
        };
        Look {
            names: used.iter().map(|&field| schema.fields()[field].name().to_owned()).collect(),
            kinds: used.iter().map(|&field| schema.fields()[field].kind().clone()).collect(),
            a: read(a),
            b: b.map(read),
        }
    }

    /// How often pairs are of which pattern.
    fn patterns(&self, pairs: &[(u32, u32)]) -> BTreeMap<Pattern, u64> {
        let later = self.b.as_ref().unwrap_or(&self.a);
        let pattern = |&(a, b): &(u32, u32)| pattern(&self.kinds, &self.a[a as usize], &later[b as usize]);
        let patterns: Vec<Pattern> = pairs.par_iter().map(pattern).collect();
        let mut counts = BTreeMap::new();
        patterns.into_iter().for_each(|pattern| *counts.entry(pattern).or_default() += 1);
        counts
    }

    fn group(
        &self,
        pairs: &[(u32, u32)],
        base: &BTreeMap<Pattern, u64>,
        tells: impl Fn(FieldState) -> bool,
    ) -> ErrorGroup {
        let patterns = self.patterns(pairs);
        let total = pairs.len() as f64;
        let base_total = base.values().sum::<u64>().max(1) as f64;
        // A thing that is no more frequent than among all true pairs (an identifier that nobody has) tells nothing.
        let of_all = |patterns: &BTreeMap<Pattern, u64>, field: usize, state: FieldState| {
            patterns.iter().filter(|(pattern, _)| pattern[field] == state).map(|(_, pairs)| pairs).sum::<u64>() as f64
        };
        let telling: BTreeSet<(usize, FieldState)> = patterns
            .keys()
            .flat_map(|pattern| pattern.iter().copied().enumerate())
            .filter(|&(_, state)| tells(state))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|&(field, state)| of_all(&patterns, field, state) / total > of_all(base, field, state) / base_total)
            .collect();
        let counted = count(&patterns, &telling);
        let base = count(base, &telling);
        // What a longer one says of the same pairs, a shorter one need not.
        let mut said: BTreeSet<Vec<(usize, FieldState)>> = BTreeSet::new();
        for (parts, pairs) in counted.iter().filter(|(parts, _)| parts.len() > 1) {
            for left_out in 0..parts.len() {
                let mut shorter = parts.clone();
                shorter.remove(left_out);
                if counted[&shorter] == *pairs {
                    said.insert(shorter);
                }
            }
        }
        let combination = |(parts, pairs): (&Vec<(usize, FieldState)>, &u64)| Combination {
            parts: parts.iter().map(|&(field, state)| Part { field: self.names[field].clone(), state }).collect(),
            pairs: *pairs,
            share: *pairs as f64 / total,
            base: base.get(parts).copied().unwrap_or(0) as f64 / base_total,
        };
        let mut combinations: Vec<Combination> =
            counted.iter().filter(|(parts, _)| !said.contains(*parts)).map(combination).collect();
        combinations.retain(|found| found.share > found.base);
        let above = |found: &Combination| found.share - found.base;
        combinations.sort_by(|x, y| above(y).total_cmp(&above(x)).then_with(|| x.parts.cmp(&y.parts)));
        combinations.truncate(MOST);
        ErrorGroup { pairs: pairs.len() as u64, combinations }
    }
}

/// Of how many pairs each set of up to [`PARTS`] states is true.
fn count(
    patterns: &BTreeMap<Pattern, u64>,
    telling: &BTreeSet<(usize, FieldState)>,
) -> BTreeMap<Vec<(usize, FieldState)>, u64> {
    let mut counts = BTreeMap::new();
    for (pattern, pairs) in patterns {
        let mut sets: Vec<Vec<(usize, FieldState)>> = vec![Vec::new()];
        for part in pattern.iter().copied().enumerate().filter(|part| telling.contains(part)) {
            let with = |set: &Vec<_>| set.iter().copied().chain([part]).collect();
            let longer: Vec<_> = sets.iter().filter(|set| set.len() < PARTS).map(with).collect();
            sets.extend(longer);
        }
        sets.into_iter().filter(|set| !set.is_empty()).for_each(|set| *counts.entry(set).or_default() += pairs);
    }
    counts
}

fn pattern(kinds: &[Kind], a: &[Option<Comparable>], b: &[Option<Comparable>]) -> Pattern {
    let state = |kind: &Kind, a: &Option<Comparable>, b: &Option<Comparable>| match (a, b) {
        (Some(a), Some(b)) => state(kind, a.text(), b.text()),
        _ => FieldState::Missing,
    };
    let mut pattern: Pattern = (0..kinds.len()).map(|field| state(&kinds[field], &a[field], &b[field])).collect();
    let alike = |x: usize, y: usize| state(&Kind::Name, &a[x], &b[y]) <= FieldState::Slight;
    let names: Vec<usize> = (0..kinds.len()).filter(|&field| kinds[field] == Kind::Name).collect();
    for (i, &x) in names.iter().enumerate() {
        for &y in &names[i + 1..] {
            if pattern[x] == FieldState::Changed && pattern[y] == FieldState::Changed && alike(x, y) && alike(y, x) {
                (pattern[x], pattern[y]) = (FieldState::Swapped, FieldState::Swapped);
            }
        }
    }
    pattern
}

fn state(kind: &Kind, a: &str, b: &str) -> FieldState {
    if a == b {
        return FieldState::Equal;
    }
    match kind {
        Kind::Exact => return FieldState::Changed,
        // Both in the form YYYY-MM-DD.
        Kind::Date { .. } if a.get(..4) == b.get(..4) && a.get(5..7) == b.get(8..) && a.get(8..) == b.get(5..7) => {
            return FieldState::Swapped;
        }
        Kind::Name | Kind::Text => {
            let parts = |text: &'_ str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
            let (a, b) = (parts(a), parts(b));
            if a.is_subset(&b) || b.is_subset(&a) {
                return FieldState::Slight;
            }
        }
        _ => {}
    }
    let longer = a.chars().count().max(b.chars().count());
    if strsim::damerau_levenshtein(a, b) <= (longer / 4).max(1) { FieldState::Slight } else { FieldState::Changed }
}

impl fmt::Display for FieldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            FieldState::Equal => "equal",
            FieldState::Slight => "slightly different",
            FieldState::Swapped => "swapped",
            FieldState::Changed => "changed",
            FieldState::Missing => "missing",
        })
    }
}

/// As "surname changed and postcode changed".
impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(|part| format!("{} {}", part.field, part.state)).collect();
        f.write_str(&parts.join(" and "))
    }
}

/// In plain words; fields and counts, never a value.
impl fmt::Display for ErrorAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: f64| format!("{:.1} %", share * 100.0);
        let LostBecause { never_candidate, below_threshold, to_wrong_partner, to_right_partner } = self.lost_because;
        let ErrorAnalysis { truth, lost, wrong, .. } = self;
        writeln!(f, "{} of {truth} true pairs lost, {} wrong links.", lost.pairs, wrong.pairs)?;
        write!(
            f,
            "Of those lost, {never_candidate} were never a candidate, {below_threshold} are below the threshold, "
        )?;
        writeln!(f, "{to_wrong_partner} lost a row to a wrong partner, {to_right_partner} to a right one.")?;
        let groups = [(lost, "pairs lost"), (wrong, "wrong links")];
        for (group, name) in groups.into_iter().filter(|(group, _)| group.pairs > 0) {
            writeln!(f, "{name}:")?;
            for found in &group.combinations {
                writeln!(f, "  {:>7} had {found} ({} of all true pairs)", share(found.share), share(found.base))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_as_somebody_would_say() {
        let date = Kind::Date { formats: Vec::new(), tokens: crate::schema::DateTokens::Parts };
        let code = Kind::Postcode(crate::schema::PostcodeSystem::Uk);
        for (kind, a, b, expected) in [
            (&Kind::Name, "ANN", "ANN", FieldState::Equal),
            (&Kind::Name, "ANN", "ANNE", FieldState::Slight),
            (&Kind::Name, "ANN", "IAN", FieldState::Changed),
            (&Kind::Name, "BROWN SMITH", "SMITH", FieldState::Slight),
            (&Kind::Name, "THOMPSON", "TOMSON", FieldState::Slight),
            (&Kind::Name, "PRICE", "BRICK", FieldState::Changed),
            (&Kind::Exact, "M", "F", FieldState::Changed),
            (&date, "2011-07-09", "2011-09-07", FieldState::Swapped),
            (&date, "2011-07-09", "2012-07-09", FieldState::Slight),
            (&date, "2011-07-09", "2012-09-07", FieldState::Changed),
            (&code, "OX11AA", "OX11AB", FieldState::Slight),
            (&code, "OX11AA", "M432ZZ", FieldState::Changed),
        ] {
            assert_eq!((state(kind, a, b), state(kind, b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn sets_are_counted_whatever_else_is_true() {
        use FieldState::{Changed, Equal, Missing};
        let patterns = BTreeMap::from([(vec![Changed, Changed, Equal], 3), (vec![Changed, Missing, Changed], 2)]);
        let telling = (0..3).flat_map(|field| [(field, Changed), (field, Missing)]).collect();
        let counts = count(&patterns, &telling);
        assert_eq!(counts[&vec![(0, Changed)]], 5);
        assert_eq!(counts[&vec![(0, Changed), (1, Changed)]], 3);
        assert_eq!(counts[&vec![(0, Changed), (1, Missing), (2, Changed)]], 2);
        assert_eq!(counts.len(), 3 + 7 - 1);
    }
}
