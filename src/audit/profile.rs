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
    /// The chance that a bit is free of all tokens, and of what stands in for missing fields.
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
    pub(super) fn number(&mut self, id: TokenId) -> u32 {
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
    pub(super) fn new(schema: &Schema, encoding: &Encoding, bare: &Bare, numbers: &mut Tokens) -> Option<Self> {
        let present = encoding.budgets().iter().filter(|&&(field, _)| bare.fields[field].is_some()).count();
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
                let of_group = bare.fields[field].as_ref().map_or(&[][..], |groups| &groups[group]);
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
                    let slot = tokens.entry(numbers.number(id)).or_default();
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
    /// added up (Armknecht, Heng & Schnell 2023). What varies is which of the n output bits agree, and how many positions
    /// of the two happen to coincide.
    pub(super) fn new(encoding: &Encoding, one: f32, other: f32, common: f32) -> Self {
        let (length, output) = (encoding.length() as f32, encoding.output() as f32);
        let differing = (one + other - 2.0 * one * other * common.exp()).clamp(0.0, 1.0);
        let spread = (length * differing * (1.0 - other) + REMAINDER) / (length * length);
        let base = 1.0 - 2.0 * differing;
        if !encoding.is_diffused() {
            return Expected { signal: base, variance: 4.0 * spread };
        }
        let weight = encoding.diffusion() as i32;
        let before = base.powi(weight - 1);
        let (signal, slope) = (before * base, 2.0 * weight as f32 * before);
        Expected { signal, variance: (1.0 - signal * signal) / output + slope * slope * spread }
    }

    /// Of a row that says nothing with any other.
    pub(super) fn nothing(encoding: &Encoding) -> Self {
        Expected { signal: 0.0, variance: 1.0 / encoding.output() as f32 }
    }
}
