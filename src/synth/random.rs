//! Randomness that is the same everywhere.
//!
//! Every family, and every record that an agency writes, has a ChaCha stream of its own, keyed by the seed, the purpose
//! and a number. So a change to one option (a rate, the size of the cohort) leaves every other draw as it was. All
//! decisions are made on integers: no platform's floating point can tip one.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for. The numbers are part of the output: changing one changes every file made with a seed.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Births = 1,
    Household = 2,
    Cohort = 3,
    Coverage = 4,
    Police = 5,
    SocialCare = 6,
    Education = 7,
    Partner = 8,
    Payload = 9,
    Event = 10,
    Adult = 11,
    Reception = 12,
    Carer = 13,
}

/// One stream of random words.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&index.to_le_bytes());
        Stream(ChaCha8Rng::from_seed(key))
    }

    /// A number in `0..n`; 0 where `n` is 0. The bias of the multiplication is below 2⁻³² times `n`, and it always takes
    /// one word, so that what comes after does not depend on it.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        scale(self.0.next_u32(), n)
    }

    pub(super) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// True for `rate` in 10,000.
    pub(super) fn chance(&mut self, rate: u32) -> bool {
        self.below(10_000) < rate
    }

    /// One of a short list, by weight.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (index, &weight) in weights.iter().enumerate() {
            if at < weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    /// Rolls for an error that happens to `rate` in a million. Whether it happens or not, four words are taken, so that
    /// one rate never moves the draws of another; and whoever is hit at one rate is also hit at every higher one.
    pub(super) fn roll(&mut self, rate: u32) -> Option<Dice> {
        let gate = self.below(1_000_000);
        let dice = Dice([self.0.next_u32(), self.0.next_u32(), self.0.next_u32()]);
        (gate < rate).then_some(dice)
    }
}

/// Three words that decide how an error looks, once it happens.
#[derive(Clone, Copy)]
pub(super) struct Dice([u32; 3]);

impl Dice {
    pub(super) fn first(self, n: usize) -> usize {
        self.pick(0, n)
    }

    pub(super) fn second(self, n: usize) -> usize {
        self.pick(1, n)
    }

    pub(super) fn third(self, n: usize) -> usize {
        self.pick(2, n)
    }

    /// The last two words as one.
    pub(super) fn word(self) -> u64 {
        u64::from(self.0[1]) << 32 | u64::from(self.0[2])
    }

    fn pick(self, word: usize, n: usize) -> usize {
        scale(self.0[word], n as u32) as usize
    }
}

fn scale(word: u32, n: u32) -> u32 {
    ((u64::from(word) * u64::from(n)) >> 32) as u32
}
