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

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Profile {
    /// `None` where the row is wholly random: a diffused encoding of fewer than two fields says nothing.
    ///
    /// People whose salts differ share no token. Bigrams that stand in beside another by a list of names come and go with it,
    /// so they are taken as more positions of that one: together with them it has the share that it has alone elsewhere. What
    /// two people share because different bigrams were given the same ones is left out.
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
        let spread = (length * differing * (1.0 - other) + REMAINDER) / (length * length);
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
