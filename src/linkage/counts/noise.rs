//! Noise that hides whether any one person is counted: the discrete Laplace distribution, drawn exactly.
//!
//! Canonne, Kamath & Steinke 2020, "The discrete Gaussian for differential privacy", algorithms 1 and 2. All arithmetic is on
//! whole numbers: with floating point, the last digits of noise can tell what it was added to (Mironov 2012). How long a draw
//! takes depends on the noise; nobody but the linkage unit can watch it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The greatest numerator and denominator.
const MOST: u32 = 1_000_000;

/// The greatest sensitivity.
const MOST_SENSITIVITY: u32 = 1_000;

/// What a published count gives away of each person at most: the odds of anything that is seen differ by no more than a
/// factor of e to the ε, whether the person is in the files or not (Dwork, McSherry, Nissim & Smith 2006). A fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epsilon {
    numerator: u32,
    denominator: u32,
}

impl Epsilon {
    /// A fraction; it is reduced.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where a number is 0 or above a million, or the fraction above 100.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self> {
        let fits = |number: u32| (1..=MOST).contains(&number);
        if !fits(numerator) || !fits(denominator) || u64::from(numerator) > 100 * u64::from(denominator) {
            return Err(Error::argument(
                "epsilon must be a fraction of whole numbers from 1 to 1000000, and at most 100",
            ));
        }
        let (mut divisor, mut rest) = (numerator, denominator);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Ok(Epsilon { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The number above the line.
    #[must_use]
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The number below the line.
    #[must_use]
    pub fn denominator(self) -> u32 {
        self.denominator
    }
}

/// `1/2`, or `0.5` with at most six places.
impl FromStr for Epsilon {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = |text: &str| {
            let plain = (1..=7).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| plain)
        };
        let wrong = || Error::argument("epsilon must be a number such as 0.5, or a fraction such as 1/2");
        if let Some((numerator, denominator)) = text.split_once('/') {
            return Epsilon::new(digits(numerator).ok_or_else(wrong)?, digits(denominator).ok_or_else(wrong)?);
        }
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        if places.len() > 6 {
            return Err(wrong());
        }
        let denominator = 10u32.pow(places.len() as u32);
        let numerator = digits(whole).ok_or_else(wrong)?.checked_mul(denominator).ok_or_else(wrong)?;
        Epsilon::new(numerator + digits(places).ok_or_else(wrong)?, denominator)
    }
}

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => self.numerator.fmt(f),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// Noise for a count: whole numbers z with probability proportional to e to the −|z|·ε/sensitivity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    epsilon: Epsilon,
    sensitivity: u32,
}

impl Noise {
    /// `sensitivity` is by how much one person can change the count, from 1 on.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where it is 0 or above 1,000.
    pub fn new(epsilon: Epsilon, sensitivity: u32) -> Result<Self> {
        if !(1..=MOST_SENSITIVITY).contains(&sensitivity) {
            return Err(Error::argument("a sensitivity must be from 1 to 1000"));
        }
        Ok(Noise { epsilon, sensitivity })
    }

    /// What one count with this noise gives away.
    #[must_use]
    pub fn epsilon(self) -> Epsilon {
        self.epsilon
    }

    /// By how much one person can change the count.
    #[must_use]
    pub fn sensitivity(self) -> u32 {
        self.sensitivity
    }

    /// The numbers s and t of the paper: the rate is s/t.
    fn rate(self) -> (u64, u64) {
        (self.epsilon.numerator.into(), u64::from(self.epsilon.denominator) * u64::from(self.sensitivity))
    }

    /// Draws once.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the operating system has no randomness to give.
    pub fn draw(self, chance: &mut Chance) -> Result<i64> {
        let (s, t) = self.rate();
        loop {
            let part = chance.below(t)?;
            if !chance.exp_minus(part, t)? {
                continue;
            }
            let mut whole = 0;
            while chance.exp_minus(1, 1)? {
                whole += 1;
            }
            let size = ((part + t * whole) / s) as i64;
            let negative = chance.below(2)? == 1;
            if !(negative && size == 0) {
                return Ok(if negative { -size } else { size });
            }
        }
    }

    /// The probability of a number.
    #[must_use]
    pub fn probability(self, z: i64) -> f64 {
        let (s, t) = self.rate();
        let rate = s as f64 / t as f64;
        // (1 − e^−r) / (1 + e^−r) is tanh(r/2).
        (rate / 2.0).tanh() * (-rate * z.unsigned_abs() as f64).exp()
    }

    /// Within how much of 0 it lies with a probability of 95 %, or a little more.
    #[must_use]
    pub fn within(self) -> u64 {
        let (s, t) = self.rate();
        let rate = s as f64 / t as f64;
        // Beyond h lies 2 e^(−r(h+1)) / (1 + e^−r).
        let tail = 0.05 * (1.0 + (-rate).exp()) / 2.0;
        (-tail.ln() / rate - 1.0).ceil().max(0.0) as u64
    }
}

/// Where noise comes from.
pub struct Chance(Words);

enum Words {
    System,
    Seeded { seed: [u8; 32], next: u64 },
}

impl Chance {
    /// The operating system's randomness: for everything that is published.
    #[must_use]
    pub fn system() -> Self {
        Chance(Words::System)
    }

    /// From a seed, the same every time, for tests: whoever knows the seed can take the noise away.
    #[must_use]
    pub fn seeded(seed: [u8; 32]) -> Self {
        Chance(Words::Seeded { seed, next: 0 })
    }

    fn word(&mut self) -> Result<u64> {
        let mut word = [0; 8];
        match &mut self.0 {
            Words::System => crate::random::fill(&mut word)?,
            Words::Seeded { seed, next } => {
                let hash = Sha256::new().chain_update(*seed).chain_update(next.to_le_bytes()).finalize();
                word.copy_from_slice(&hash[..8]);
                *next += 1;
            }
        }
        Ok(u64::from_le_bytes(word))
    }

    /// A number below `end`, all equally likely: words past the last whole multiple are drawn again.
    fn below(&mut self, end: u64) -> Result<u64> {
        let whole = u64::MAX - u64::MAX % end;
        loop {
            let word = self.word()?;
            if word < whole {
                return Ok(word % end);
            }
        }
    }

    /// True with the probability e to the −part/whole, for a part that is no greater (algorithm 1).
    fn exp_minus(&mut self, part: u64, whole: u64) -> Result<bool> {
        let mut k = 1;
        // True with probability part / (whole · k).
        while self.below(whole * k)? < part {
            k += 1;
        }
        Ok(k % 2 == 1)
    }
}

/// Not the seed.
impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Words::System => "Chance(system)",
            Words::Seeded { .. } => "Chance(seeded)",
        })
    }
}
