//! What an attacker without the key can tell of an encoding beforehand: which tokens share bits, and how many bits two
//! people are expected to differ in.

use std::collections::HashMap;

use crate::owner::{Bare, TokenId, group_budgets};
use crate::schema::{Encoding, Missing, Schema};

/// What cannot be told without the key, in bits squared: which tokens get a budget's remainder.
const REMAINDER: f32 = 2.0;

/// What a record puts into one encoding. A token takes the beginning of its list of positions, as many as its share, and
/// the list is somewhere in the filter at random. So every part of a record is a chance that a bit stays free: its weight
/// is minus the logarithm of that, and weights add up.
pub(super) struct Profile {
    /// Tokens and their weights, each token once.
    pub(super) tokens: Vec<(u32, f32)>,
    /// The chance that a bit is free of all tokens, and of what stands in for missing fields. It is 1 where the row holds no
    /// bit at all.
    pub(super) free: f32,
}

/// The expected signal of a pair of rows (bits that agree less bits that do not, as a share of all), and its variance.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    pub(super) signal: f32,
    pub(super) variance: f32,
}

/// Tokens as small numbers.
#[derive(Default)]
pub(super) struct Tokens(HashMap<TokenId, u32>);

impl Tokens {
    fn number(&mut self, id: TokenId) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(id).or_insert(next)
    }

    /// The tokens of these fields of a record, each once, in ascending order.
    pub(super) fn of(&mut self, bare: &Bare, fields: impl Iterator<Item = usize>) -> Vec<u32> {
        let groups = fields.filter_map(|field| bare.fields[field].as_ref());
        let mut tokens: Vec<u32> = groups.flatten().flatten().map(|&id| self.number(id)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Profile {
    /// `None` where the row is wholly random: a diffused encoding of fewer than two fields says nothing.
    ///
    /// People whose salts differ share no token. Bigrams that stand in beside others by a list of names are left out, so that
    /// people are more alike than is expected, and fewer are named than could be: the ridge decoder does not need them.
    pub(super) fn new(schema: &Schema, encoding: &Encoding, bare: &Bare, numbers: &mut Tokens) -> Option<Self> {
        let number = schema.encodings().iter().position(|other| other.name() == encoding.name());
        let salt = bare.salts[number.unwrap_or(0)];
        // Without a salt all fields are as good as missing.
        let groups = |field: usize| bare.fields[field].as_ref().filter(|_| salt.is_some());
        let present = encoding.budgets().iter().filter(|&&(field, _)| groups(field).is_some()).count();
        if encoding.is_diffused() && present < encoding.budgets().len().min(2) {
            return None;
        }
        let length = encoding.length() as f32;
        // Half a bit is always free: the logarithm of nothing has no end.
        let weight = |bits: f32| -(1.0 - bits.min(length - 0.5) / length).ln();
        let mut tokens: HashMap<u32, f32> = HashMap::new();
        let mut alone = 0.0;
        for &(field, budget) in encoding.budgets() {
            for (group, bits) in group_budgets(schema.fields()[field].kind(), budget).enumerate() {
                let of_group = groups(field).map_or(&[][..], |groups| &groups[group]);
                if of_group.is_empty() {
                    if encoding.missing() == Missing::Random {
                        alone += weight(bits as f32);
                    }
                    continue;
                }
                // Who gets the remainder is the key's secret: everybody is given the mean.
                let share = weight(bits as f32 / of_group.len() as f32);
                for &id in of_group {
                    // A token of two fields that share a space has one list, and takes the longer beginning of it.
                    let salted = id.wrapping_add(salt.unwrap_or_default());
                    let slot = tokens.entry(numbers.number(salted)).or_default();
                    *slot = slot.max(share);
                }
            }
        }
        let mut tokens: Vec<(u32, f32)> = tokens.into_iter().collect();
        tokens.sort_unstable_by_key(|&(token, _)| token);
        let all: f32 = tokens.iter().map(|&(_, weight)| weight).sum();
        Some(Profile { tokens, free: (-(all + alone)).exp() })
    }
}

impl Expected {
    /// Of two profiles, from the chance that a bit is free in the one and in the other, and the weight of what both have.
    ///
    /// A bit differs where it is free in one and not in both. `(1 − 2φ)^t` is what remains of the agreement when t bits are
    /// added up (Armknecht, Heng & Schnell 2023), by diffusion or by folding, rule 90 or RESAM; of that, `(1 − f)²` remains
    /// when both rows are noised by randomised response. Balancing says everything twice, and changes no share. What varies is
    /// which of the n output bits agree, how many positions of the two happen to coincide, and the noise.
    pub(super) fn new(encoding: &Encoding, one: f32, other: f32, common: f32) -> Self {
        let hardening = encoding.hardening();
        let (length, output) = (encoding.length() as f32, encoding.output() as f32);
        // Rows without a bit are neither balanced nor noised.
        let nothing = [one, other].into_iter().filter(|free| *free >= 1.0).count();
        if nothing == 1 && hardening.is_balanced() {
            return Expected { signal: 0.0, variance: 1.0 / output };
        }
        let differing = (one + other - 2.0 * one * other * common.exp()).clamp(0.0, 1.0);
        let varying = if nothing == 1 {
            // Of the row that has bits, how many of its positions coincide.
            let free = one.min(other);
            free - (1.0 - free.ln()) * free * free
        } else {
            differing * (1.0 - other)
        };
        let spread = (length * varying + REMAINDER) / (length * length);
        let base = 1.0 - 2.0 * differing;
        let weight = if encoding.is_diffused() { encoding.diffusion() } else { hardening.weight() } as i32;
        let before = base.powi(weight - 1);
        let (signal, slope) = (before * base, 2.0 * weight as f32 * before);
        // Where nothing is added up, every filter bit is seen, and there is no sample of them that could vary.
        let sums = if hardening.is_balanced() { output / 2.0 } else { output };
        let sampled = if weight > 1 || encoding.is_diffused() { (1.0 - signal * signal) / sums } else { 0.0 };
        let variance = sampled + slope * slope * spread;
        let kept = (hardening.kept() as f32).powi(2 - nothing as i32);
        let noise = (1.0 - kept * kept) / output;
        Expected { signal: kept * signal, variance: kept * kept * variance + noise }
    }

    /// Of a row that says nothing with any other.
    pub(super) fn nothing(encoding: &Encoding) -> Self {
        Expected { signal: 0.0, variance: 1.0 / encoding.output() as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{BitMatrix, differing};
    use crate::owner::{FieldReaders, Reading, Record};
    use crate::schema::{Hardening, HardeningStep, SaltPart};
    use crate::{Encoder, ProjectKey};

    const FORENAMES: [&str; 9] = ["ANNA", "HANNAH", "JOHANNA", "LI", "OLIVIA", "OLIVER", "TOM", "THOMAS", ""];
    const SURNAMES: [&str; 8] = ["NG", "SMITH", "SMYTHE", "BROWN", "BROWN SMITH", "OCONNOR", "CONNOR", "ANNAN"];

    fn person(schema: &Schema, i: usize) -> Record {
        let date = format!("{}-{:02}-{:02}", 1950 + i * 7 % 9, i % 12 + 1, i * 5 % 28 + 1);
        let postcode = format!("OX{} {}A{}", i % 3 + 1, i % 5, ["A", "B"][i % 2]);
        let mut values = [FORENAMES[i * 5 % 9], SURNAMES[i * 3 % 8], &date, "M", &postcode].map(str::to_owned).to_vec();
        if i.is_multiple_of(29) {
            // A row that holds nothing at all.
            values.fill(String::new());
        } else if i.is_multiple_of(13) {
            values[2].clear();
        }
        values.resize(schema.fields().len(), String::new());
        Record::new(i.to_string(), values)
    }

    /// Over many pairs, how far signals are from what is expected of them, in standard deviations: mean, and mean square.
    fn off(schema: &Schema) -> (f64, f64) {
        const PEOPLE: usize = 150;
        let encoding = &schema.encodings()[0];
        let records: Vec<Record> = (0..PEOPLE).map(|i| person(schema, i)).collect();
        let (readers, mut reading, mut tokens) = (FieldReaders::new(schema), Reading::default(), Tokens::default());
        let mut profile =
            |record| Profile::new(schema, encoding, &Bare::read(schema, &readers, record, &mut reading), &mut tokens);
        let profiles: Vec<Option<Profile>> = records.iter().map(&mut profile).collect();
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for key in 1..5 {
            let key = ProjectKey::from_bytes(std::array::from_fn(|i| key * 40 + i as u8));
            let mut encoder = Encoder::new(schema, &key, "police").unwrap().seed([1; 32]);
            if encoding.hardening().randomised_response() > 0 {
                encoder = encoder.noise(&ProjectKey::from_bytes([7; 32])).unwrap();
            }
            let encoded = encoder.encode(&records).unwrap();
            let matrix: &BitMatrix = &encoded.cohort.encodings()[0];
            let of_row: Vec<usize> = encoded.row_map.entries().iter().map(|(_, own)| own.parse().unwrap()).collect();
            for (a, b) in (0..PEOPLE).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let signal = 1.0 - 2.0 * differing(matrix.row(a), matrix.row(b)) as f32 / encoding.output() as f32;
                let expected = match (&profiles[of_row[a]], &profiles[of_row[b]]) {
                    (Some(a), Some(b)) => {
                        let other: HashMap<u32, f32> = b.tokens.iter().copied().collect();
                        let common =
                            a.tokens.iter().map(|(token, weight)| other.get(token).map_or(0.0, |o| o.min(*weight)));
                        Expected::new(encoding, a.free, b.free, common.sum())
                    }
                    _ => Expected::nothing(encoding),
                };
                let off = f64::from((signal - expected.signal) / expected.variance.sqrt());
                sum += off;
                squares += off * off;
                count += 1.0;
            }
        }
        (sum / count, squares / count)
    }

    /// The attack stands on what it expects: of hardened rows, too, signals are about as far from it as its variance says, and
    /// not to one side.
    #[test]
    fn hardened_signals_are_where_they_are_expected() {
        use HardeningStep::{Balance, Resam, Rule90, XorFold};

        let base = Schema::uk_person();
        let steps =
            |steps: &[HardeningStep]| steps.iter().fold(Hardening::new(), |hardening, &step| hardening.step(step));
        for hardening in [
            Hardening::new(),
            steps(&[XorFold]),
            steps(&[XorFold, XorFold]),
            steps(&[Rule90]),
            steps(&[Resam]),
            steps(&[Balance]),
            steps(&[XorFold, Balance]),
            Hardening::new().with_randomised_response(500),
            Hardening::new().with_randomised_response(3000),
            steps(&[XorFold, Balance]).with_randomised_response(2000),
            Hardening::new().with_salt(2, SaltPart::Year),
            Hardening::new().with_salt(2, SaltPart::Whole),
        ] {
            for missing in [Missing::Empty, Missing::Random] {
                let budgets = vec![(0, 80), (1, 80), (2, 80), (3, 20), (4, 80)];
                let encoding = Encoding::new("clk", 1024, 0, 1024, missing, budgets).with_hardening(hardening.clone());
                let schema = base.with_encodings(vec![encoding], "a test of what is expected").unwrap();
                let (mean, squares) = off(&schema);
                assert!(
                    mean.abs() < 0.25 && (0.6..1.7).contains(&squares),
                    "{hardening:?} {missing:?}: {mean} {squares}"
                );
            }
        }
        // Diffused and salted.
        let budgets = vec![(0, 100), (1, 100), (2, 100)];
        let encoding = Encoding::new("e", 1024, 9, 1024, Missing::Random, budgets)
            .with_hardening(Hardening::new().with_salt(2, SaltPart::Year));
        let schema = base.with_encodings(vec![encoding], "a test of what is expected").unwrap();
        let (mean, squares) = off(&schema);
        assert!(mean.abs() < 0.05 && (0.9..1.1).contains(&squares), "{mean} {squares}");
    }
}
