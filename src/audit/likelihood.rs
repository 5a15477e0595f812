//! The maximum-likelihood attack by known people: the strongest that we know on diffused encodings.
//!
//! The attacker knows the schema, and of some people which rows are theirs. Diffusion hides which bits are set, but not how
//! alike two rows are: of two filters that differ in a share φ of their bits, diffused t times, a share (1 − 2φ)^t more
//! output bits agree than disagree (Armknecht, Heng & Schnell, PoPETs 2023(2)). So for everybody on a public list the
//! attacker works out how alike that person's row would be to each known one, compares this with how alike the target's row
//! is, and names the person who fits best, over all known people and all encodings together. Linear decoders, which learn
//! bits from known people, find less: they do not use what the schema says.

use rayon::prelude::*;

use super::Leak;
use super::draws::{Drawn, Sizes, known_people, leak};
use super::profile::{Expected, Profile, Tokens};
use super::subject::Subject;
use crate::cohort::{Cohort, differing};
use crate::error::{Error, Result};
use crate::owner::{Bare, Encoded, FieldReaders, Reading, Record};
use crate::schema::{Encoding, Schema};

/// People of the list who are compared with all targets together, so that what is expected of them stays in the cache.
const TOGETHER: usize = 8;

/// Targets that share a load of what is expected.
const ABREAST: usize = 4;

/// Numbers that are added up side by side.
const LANES: usize = 8;

/// A row of a cohort.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The cohort.
    pub cohort: &'a Cohort,
    /// The row's place in it, from 0.
    pub row: usize,
}

/// Somebody whose row the attacker knows.
#[derive(Clone, Copy, Debug)]
pub struct KnownPerson<'a> {
    /// What the person's record says.
    pub record: &'a Record,
    /// The person's row.
    pub row: Row<'a>,
}

/// The attack on an owner's own file: draws known people, targets and a list from it, and counts who is named.
///
/// The list holds the records as they were encoded. An attacker whose list is older or spelt otherwise names fewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Likelihood {
    sizes: Sizes,
}

known_people!(Likelihood);

impl Likelihood {
    /// Attacks a file. `records` are those that `encoded` was made from, in any order, each with an id of its own.
    ///
    /// It takes time in proportion to known people × targets × list × encodings (40 to 50 s for the defaults on two shared
    /// cores of an AMD EPYC, Zen 3), and memory for known people × targets × encodings × 4 bytes. It works in
    /// rayon's current thread pool; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where there are fewer rows than known people and list together, more
    /// targets than people on the list, none at all, two records with one id, or other records than were encoded;
    /// otherwise as [`guess`].
    pub fn attack(&self, schema: &Schema, records: &[Record], encoded: &Encoded) -> Result<Leak> {
        let subject = Subject::new(schema, records, encoded)?;
        Self::on(&subject, &self.sizes.draw(&subject)?)
    }

    /// Attacks people who are drawn already.
    pub(super) fn on(subject: &Subject<'_>, drawn: &[Drawn]) -> Result<Leak> {
        let at = |&row: &usize| Row { cohort: subject.cohort, row };
        leak(subject, drawn, |drawn| {
            let known: Vec<KnownPerson<'_>> =
                drawn.known.iter().map(|row| KnownPerson { record: subject.records[*row], row: at(row) }).collect();
            let targets: Vec<Row<'_>> = drawn.targets.iter().map(at).collect();
            let list: Vec<&Record> = drawn.list.iter().map(|&row| subject.records[row]).collect();
            guess(subject.schema, &known, &targets, &list)
        })
    }
}

/// For each target, the place on the list of the person who fits its row best; of equally good ones the first.
///
/// The attack itself, for whoever chooses who is known: rows of two owners, a list from elsewhere. A record on the list has
/// its values in the order of the schema's fields.
///
/// # Errors
/// [`Argument`](crate::ErrorKind::Argument) where a row is not in its cohort, a record has not as many values as the schema
/// has fields, or the list is empty; [`Mismatch`](crate::ErrorKind::Mismatch) where a cohort was made under another schema.
pub fn guess(schema: &Schema, known: &[KnownPerson<'_>], targets: &[Row<'_>], list: &[&Record]) -> Result<Vec<usize>> {
    let mut records = known.iter().map(|person| person.record).chain(list.iter().copied());
    if records.any(|record| record.values().len() != schema.fields().len()) {
        return Err(Error::argument("a record has not as many values as the schema has fields"));
    }
    if list.is_empty() {
        return Err(Error::argument("the list is empty"));
    }
    let mut checked: Option<&Cohort> = None;
    for row in known.iter().map(|person| person.row).chain(targets.iter().copied()) {
        if checked.is_none_or(|cohort| !std::ptr::eq(cohort, row.cohort)) {
            row.cohort.check_schema(schema)?;
            checked = Some(row.cohort);
        }
        if row.row >= row.cohort.rows() {
            return Err(Error::argument("a row is not in its cohort"));
        }
    }
    let views = views(schema, known, targets, list);
    let places: Vec<usize> = (0..list.len()).collect();
    let none = || vec![(f64::INFINITY, 0); targets.len()];
    let best = places.par_chunks(TOGETHER).map(|people| best_of(&views, people, targets.len())).reduce(none, |a, b| {
        // The better one, and of equals the earlier, in whatever order parts are joined.
        a.into_iter().zip(b).map(|(a, b)| if (b.0, b.1) < (a.0, a.1) { b } else { a }).collect()
    });
    Ok(best.into_iter().map(|(_, place)| place).collect())
}

/// All encodings as the attacker sees them. Records have as many values as the schema has fields.
fn views<'a>(schema: &'a Schema, known: &[KnownPerson<'_>], targets: &[Row<'_>], list: &[&Record]) -> Vec<View<'a>> {
    let readers = FieldReaders::new(schema);
    let mut reading = Reading::default();
    let bare: Vec<Bare> = known
        .iter()
        .map(|person| person.record)
        .chain(list.iter().copied())
        .map(|record| Bare::read(schema, &readers, record, &mut reading))
        .collect();
    let (of_known, of_list) = bare.split_at(known.len());
    schema
        .encodings()
        .iter()
        .enumerate()
        .map(|(number, encoding)| {
            let mut tokens = Tokens::default();
            let mut profiles = |bare: &[Bare]| -> Vec<Option<Profile>> {
                bare.iter().map(|bare| Profile::new(schema, encoding, bare, &mut tokens)).collect()
            };
            let (of_known, list) = (profiles(of_known), profiles(of_list));
            let mut view = View { encoding, number, free: Vec::new(), holders: Vec::new(), list, signals: Vec::new() };
            view.observe(known, &of_known, targets, tokens.len());
            view
        })
        .collect()
}

/// One encoding as the attacker sees it.
struct View<'a> {
    encoding: &'a Encoding,
    /// Which of the schema's encodings it is.
    number: usize,
    /// Of the known people whose rows say something: the chance that a bit is free.
    free: Vec<f32>,
    /// For every token, who of them has it, and its weight there.
    holders: Vec<Vec<(u32, f32)>>,
    list: Vec<Option<Profile>>,
    /// The signals of every target with each of them, padded to whole lanes.
    signals: Vec<f32>,
}

impl View<'_> {
    fn observe(&mut self, known: &[KnownPerson<'_>], profiles: &[Option<Profile>], targets: &[Row<'_>], tokens: usize) {
        self.holders.resize(tokens, Vec::new());
        let mut rows: Vec<&[u64]> = Vec::new();
        for (person, profile) in known.iter().zip(profiles) {
            let Some(profile) = profile else { continue };
            for &(token, weight) in &profile.tokens {
                self.holders[token as usize].push((self.free.len() as u32, weight));
            }
            self.free.push(profile.free);
            rows.push(person.row.cohort.encodings()[self.number].row(person.row.row));
        }
        let (number, bits) = (self.number, self.encoding.output() as f32);
        let stride = self.stride();
        self.signals.resize(stride * targets.len(), 0.0);
        // Without known people there is nothing to see, and there are no chunks of nothing.
        self.signals.par_chunks_mut(stride.max(1)).zip(targets).for_each(|(signals, target)| {
            let target = target.cohort.encodings()[number].row(target.row);
            for (signal, row) in signals.iter_mut().zip(&rows) {
                *signal = 1.0 - 2.0 * differing(target, row) as f32 / bits;
            }
        });
    }

    fn stride(&self) -> usize {
        self.free.len().next_multiple_of(LANES)
    }

    /// What is to be expected of a person of the list: signals, and one over their variances (0 in the padding). Gives the
    /// sum of the logarithms of the variances.
    fn expect(&self, person: usize, common: &mut Vec<f32>, signals: &mut [f32], precisions: &mut [f32]) -> f64 {
        let mut logarithms = 0.0;
        let mut set = |at: usize, expected: Expected| {
            signals[at] = expected.signal;
            precisions[at] = 1.0 / expected.variance;
            logarithms += f64::from(expected.variance.ln());
        };
        let Some(profile) = &self.list[person] else {
            (0..self.free.len()).for_each(|at| set(at, Expected::nothing(self.encoding)));
            return logarithms;
        };
        common.clear();
        common.resize(self.free.len(), 0.0);
        for &(token, weight) in &profile.tokens {
            for &(at, other) in &self.holders[token as usize] {
                // Both take a beginning of one list, so the shorter one is in both.
                common[at as usize] += weight.min(other);
            }
        }
        for (at, (&free, &common)) in self.free.iter().zip(&*common).enumerate() {
            set(at, Expected::new(self.encoding, profile.free, free, common));
        }
        logarithms
    }
}

/// For every target, who of these people fits best, and how badly: minus twice the log-likelihood, but for a constant.
fn best_of(views: &[View<'_>], people: &[usize], targets: usize) -> Vec<(f64, usize)> {
    let mut misfits = vec![0.0; people.len() * targets];
    let mut common = Vec::new();
    for view in views {
        let stride = view.stride();
        let mut expected = vec![0.0; people.len() * stride];
        let mut precisions = vec![0.0; people.len() * stride];
        let mut logarithms = vec![0.0; people.len()];
        for (i, &person) in people.iter().enumerate() {
            let lanes = i * stride..(i + 1) * stride;
            logarithms[i] = view.expect(person, &mut common, &mut expected[lanes.clone()], &mut precisions[lanes]);
        }
        for first in (0..targets).step_by(ABREAST) {
            // The last one stands in for those that are not there.
            let signals: [&[f32]; ABREAST] =
                std::array::from_fn(|i| &view.signals[(first + i).min(targets - 1) * stride..][..stride]);
            for i in 0..people.len() {
                let lanes = i * stride..(i + 1) * stride;
                let sums = squares(signals, &expected[lanes.clone()], &precisions[lanes]);
                for (target, sum) in (first..targets).zip(sums) {
                    misfits[i * targets + target] += f64::from(sum) + logarithms[i];
                }
            }
        }
    }
    let mut best = vec![(f64::INFINITY, 0); targets];
    for (misfits, &person) in misfits.chunks(targets.max(1)).zip(people) {
        for (best, &misfit) in best.iter_mut().zip(misfits) {
            if misfit < best.0 {
                *best = (misfit, person);
            }
        }
    }
    best
}

/// The sums of squared differences, each times its precision, in lanes that a processor adds side by side.
fn squares(observed: [&[f32]; ABREAST], expected: &[f32], precisions: &[f32]) -> [f32; ABREAST] {
    let mut sums = [[0.0; LANES]; ABREAST];
    let (expected, _) = expected.as_chunks::<LANES>();
    let (precisions, _) = precisions.as_chunks::<LANES>();
    let observed = observed.map(|signals| signals.as_chunks::<LANES>().0);
    for (at, (expected, precisions)) in expected.iter().zip(precisions).enumerate() {
        for (sums, observed) in sums.iter_mut().zip(observed) {
            let observed = &observed[at];
            for lane in 0..LANES {
                let difference = observed[lane] - expected[lane];
                sums[lane] += difference * difference * precisions[lane];
            }
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoder;
    use crate::ProjectKey;
    use crate::schema::Missing;

    const FORENAMES: [&str; 9] = ["ANNA", "HANNAH", "JOHANNA", "LI", "OLIVIA", "OLIVER", "TOM", "THOMAS", ""];
    const SURNAMES: [&str; 8] = ["NG", "SMITH", "SMYTHE", "BROWN", "BROWN SMITH", "OCONNOR", "CONNOR", "ANNAN"];

    fn person(schema: &Schema, i: usize) -> Record {
        let date = format!("{}-{:02}-{:02}", 1950 + i * 7 % 60, i % 12 + 1, i * 5 % 28 + 1);
        let postcode = if i.is_multiple_of(11) {
            "OX1".to_owned()
        } else {
            format!("OX{} {}A{}", i % 3 + 1, i % 5, ["A", "B"][i % 2])
        };
        let values =
            [FORENAMES[i * 5 % 9], SURNAMES[i * 3 % 8], if i.is_multiple_of(13) { "" } else { &date }, "M", &postcode];
        let mut values: Vec<String> = values.map(str::to_owned).to_vec();
        values.resize(schema.fields().len(), String::new());
        Record::new(i.to_string(), values)
    }

    /// The attack stands on what it expects: over many pairs, from strangers to equal people, with gaps and half postcodes,
    /// signals are as far from it as its variance says, and not to one side.
    #[test]
    fn signals_are_where_they_are_expected() {
        let guarded = Schema::uk_person();
        let plain = |missing| {
            let budgets = vec![(0, 80), (1, 80), (2, 80), (3, 20), (4, 80)];
            let encodings = vec![Encoding::new("clk", 1024, 0, 1024, missing, budgets)];
            guarded.with_encodings(encodings, "a test of what is expected").unwrap()
        };
        for schema in [guarded.clone(), plain(Missing::Empty), plain(Missing::Random)] {
            let records: Vec<Record> = (0..240).map(|i| person(&schema, i)).collect();
            let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
            for key in 1..4 {
                let key = ProjectKey::from_bytes(std::array::from_fn(|i| key * 40 + i as u8));
                let encoded = Encoder::new(&schema, &key, "police").unwrap().seed([1; 32]).encode(&records).unwrap();
                let mut rows = vec![0; records.len()];
                for (row, (_, id)) in encoded.row_map.entries().iter().enumerate() {
                    rows[id.parse::<usize>().unwrap()] = row;
                }
                let row = |i: usize| Row { cohort: &encoded.cohort, row: rows[i] };
                let known: Vec<_> = (0..120).map(|i| KnownPerson { record: &records[i], row: row(i) }).collect();
                let targets: Vec<_> = (120..240).map(row).collect();
                let list: Vec<&Record> = records[120..].iter().collect();
                for view in views(&schema, &known, &targets, &list) {
                    let mut expected = vec![0.0; view.stride()];
                    let mut precisions = vec![0.0; view.stride()];
                    for target in 0..list.len() {
                        view.expect(target, &mut Vec::new(), &mut expected, &mut precisions);
                        for at in 0..view.free.len() {
                            let off = view.signals[target * view.stride() + at] - expected[at];
                            sum += f64::from(off * precisions[at].sqrt());
                            squares += f64::from(off * off * precisions[at]);
                            count += 1.0;
                        }
                    }
                }
            }
            let (mean, variance): (f64, f64) = (sum / count, squares / count);
            let name = schema.encodings()[0].name();
            // Plain filters of few tokens share their collisions: what is off for one pair is off for its neighbours.
            let (most, range) = if schema == guarded { (0.01, 0.97..1.03) } else { (0.2, 0.8..1.6) };
            assert!(mean.abs() < most && range.contains(&variance), "{name}: {mean} {variance} of {count}");
        }
    }
}
