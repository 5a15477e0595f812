//! Hardenings other than diffusion: to compare with it, and to serve agreements that name them.

use super::MAX_BITS;
use super::field::words;

/// The most steps of an encoding.
pub(super) const MAX_STEPS: usize = 8;

/// The most bigrams that stand in beside one.
pub(super) const MAX_EXTRA: usize = 16;

/// Ten-thousandths in 1.
const ONE: f64 = 10_000.0;

/// What is done to an encoding beside diffusion, or in its place.
///
/// None of it comes near diffusion: [`Risk`](super::Risk) says for each what is known, and each needs `accept_risk`.
/// `docs/encoding.md`, section 6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardening {
    pub(crate) steps: Vec<HardeningStep>,
    pub(crate) randomised_response: u16,
    pub(crate) salt: Option<Salt>,
    pub(crate) markov: Option<Markov>,
}

/// A step that works on the bits of a filter. What it does depends on the project key, but for [`Rule90`](Self::Rule90).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HardeningStep {
    /// The bits are shuffled, and the second half added (XOR) to the first: half as many are left. Schnell & Borgs 2016.
    XorFold,
    /// The bits and their opposites, shuffled: twice as many, of which exactly half are set. Schnell & Borgs 2016.
    Balance,
    /// Every bit becomes the sum (XOR) of its two neighbours, in a circle. Schnell & Borgs 2018.
    Rule90,
    /// Every bit becomes the sum (XOR) of two bits drawn at random. Ranbaduge & Schnell 2020.
    Resam,
}
words!(HardeningStep { XorFold = "xor-fold", Balance = "balance", Rule90 = "rule-90", Resam = "resam" });

/// A field on whose value the positions of all tokens depend: people who differ in it look like strangers. Chen, Schnell,
/// Armknecht & Heng 2022.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt {
    pub(crate) field: usize,
    pub(crate) part: SaltPart,
}

/// What of a field is the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaltPart {
    /// The whole value.
    Whole,
    /// The year of a date.
    Year,
}

/// Bigrams that often follow one in a public list of names are encoded with it. Schnell & Borgs 2018.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markov {
    pub(crate) extra: usize,
    pub(crate) list_sha256: String,
}

impl Hardening {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more step, after those before. An encoding may have eight.
    #[must_use]
    pub fn step(mut self, step: HardeningStep) -> Self {
        self.steps.push(step);
        self
    }

    /// With this probability, in ten-thousandths, each bit that leaves the owner is what a fair coin says: 1 to 9,999; 0 for
    /// none. Erlingsson, Pihur & Korolova 2014; Alaggan, Gambs & Kermarrec 2012.
    #[must_use]
    pub fn with_randomised_response(mut self, ten_thousandths: u16) -> Self {
        self.randomised_response = ten_thousandths;
        self
    }

    /// The salt: a field of the kind `date`, `exact`, `text` or `identifier`, by its index in
    /// [`Schema::fields`](super::Schema::fields).
    #[must_use]
    pub fn with_salt(mut self, field: usize, part: SaltPart) -> Self {
        self.salt = Some(Salt { field, part });
        self
    }

    /// So many more bigrams, 1 to 16, for each bigram of a name or text, by the list of names with this SHA-256 (64 lower-case
    /// hexadecimal digits).
    #[must_use]
    pub fn with_markov(mut self, extra: usize, list_sha256: impl Into<String>) -> Self {
        self.markov = Some(Markov { extra, list_sha256: list_sha256.into() });
        self
    }

    /// The steps, in their order.
    #[must_use]
    pub fn steps(&self) -> &[HardeningStep] {
        &self.steps
    }

    /// The probability f with which each output bit is replaced by a fair coin's, in ten-thousandths; 0 for none.
    #[must_use]
    pub fn randomised_response(&self) -> u16 {
        self.randomised_response
    }

    /// On which field's value the positions of all tokens depend.
    #[must_use]
    pub fn salt(&self) -> Option<Salt> {
        self.salt
    }

    /// Which bigrams stand in beside those of a name.
    #[must_use]
    pub fn markov(&self) -> Option<&Markov> {
        self.markov.as_ref()
    }

    /// Whether nothing is done.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Hardening::default()
    }

    /// How many filter bits are added up in one bit that leaves: 1 where no step adds any.
    #[must_use]
    pub fn weight(&self) -> usize {
        1 << self.steps.iter().filter(|step| **step != HardeningStep::Balance).count()
    }

    /// Whether exactly half of the bits are set before noise.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.steps.contains(&HardeningStep::Balance)
    }

    /// What is left of a bit's message when noise has been at it: 1 − f.
    #[must_use]
    pub fn kept(&self) -> f64 {
        1.0 - f64::from(self.randomised_response) / ONE
    }

    /// How many bits come out of a filter of `length` bits. Steps that cannot be taken change nothing; the reader of schemas
    /// refuses them.
    pub(super) fn output(&self, length: usize) -> usize {
        self.steps.iter().fold(length, |length, step| step.output(length).unwrap_or(length))
    }
}

impl HardeningStep {
    /// How many bits come out of so many; or what is wrong with these.
    pub(super) fn output(self, length: usize) -> Result<usize, String> {
        match self {
            HardeningStep::XorFold if !length.is_multiple_of(2) => {
                Err(format!("an odd number of bits, {length}, cannot be folded"))
            }
            HardeningStep::XorFold => Ok(length / 2),
            HardeningStep::Balance if 2 * length > MAX_BITS => {
                Err(format!("balancing {length} bits makes more than {MAX_BITS}"))
            }
            HardeningStep::Balance => Ok(2 * length),
            // In a circle of two, both neighbours are the same one.
            HardeningStep::Rule90 if length < 3 => Err(format!("{length} bits are no circle; rule 90 needs three")),
            HardeningStep::Rule90 | HardeningStep::Resam => Ok(length),
        }
    }
}

impl Salt {
    /// The field: an index into [`Schema::fields`](super::Schema::fields).
    #[must_use]
    pub fn field(&self) -> usize {
        self.field
    }

    /// What of it.
    #[must_use]
    pub fn part(&self) -> SaltPart {
        self.part
    }

    /// As a schema has it.
    pub(super) fn text(self, field: &str) -> String {
        match self.part {
            SaltPart::Whole => field.to_owned(),
            SaltPart::Year => format!("{field}{YEAR}"),
        }
    }
}

/// What follows the name of a date of which only the year is the salt.
pub(super) const YEAR: &str = ".year";

impl Markov {
    /// How many bigrams stand in beside each.
    #[must_use]
    pub fn extra(&self) -> usize {
        self.extra
    }

    /// SHA-256 of the list's file, 64 lower-case hexadecimal digits: all owners must use the same list.
    #[must_use]
    pub fn list_sha256(&self) -> &str {
        &self.list_sha256
    }
}
