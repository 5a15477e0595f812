//! A10: what randomised response promises, in full.
//!
//! Permanent randomised response (RAPPOR: Erlingsson, Pihur & Korolova 2014; BLIP: Alaggan, Gambs & Kermarrec 2012)
//! replaces each bit with probability f by a fair coin, so a bit flips with probability f/2. The privacy loss of one bit is
//! ε = ln((1 − f/2)/(f/2)), and that is what is usually quoted. But a person is not a bit. One changed token of k bits
//! takes up to k bits away and puts k others there: 2k·ε. A typing error changes two bigrams of a padded name: 4k·ε. And
//! one person in another's place changes all bits of both: twice the budget times ε, which for any noise that linkage
//! survives is hundreds, where up to 1 is strong.
//!
//! These are upper bounds, for noise that is drawn afresh for every record and is the same each time that a record is
//! released. What is done to the bits afterwards (diffusion) does not change them.

use super::gate::Gate;
use crate::error::{Error, Result};

/// Randomised response in one encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    f: f64,
    budget: usize,
    k: f64,
}

/// The privacy loss ε of what may differ, upper bounds; infinite where there is no noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Epsilon {
    /// One bit.
    pub(super) bit: f64,
    /// One token in another's place.
    pub(super) token: f64,
    /// One wrong letter within a padded name.
    pub(super) typo: f64,
    /// One person in another's place.
    pub(super) record: f64,
}

impl Noise {
    /// `f`: the probability with which a bit is replaced by a fair coin, 0 to 1; `budget`: the bits of all fields of the
    /// encoding, as in [`Encoding::budget`](crate::schema::Encoding::budget); `k`: bits of one token.
    pub(super) fn new(f: f64, budget: usize, k: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&f) {
            return Err(Error::argument("the probability of randomised response is from 0 to 1"));
        }
        if !(k.is_finite() && k >= 0.0) {
            return Err(Error::argument("the bits of a token are a number from 0 on"));
        }
        Ok(Noise { f, budget, k })
    }

    pub(super) fn epsilon(self) -> Epsilon {
        let bit = ((1.0 - self.f / 2.0) / (self.f / 2.0)).ln();
        // No bits lose nothing, even without noise.
        let times = |bits: f64| if bits == 0.0 { 0.0 } else { bits * bit };
        Epsilon { bit, token: times(2.0 * self.k), typo: times(4.0 * self.k), record: times(2.0 * self.budget as f64) }
    }
}

/// A figure for each encoding that has noise, and one for a person in all of them together: losses add up, whoever holds
/// the file holds all. Empty where there is no encoding with noise.
pub(super) fn check(noises: &[(&str, Noise)]) -> Vec<Gate> {
    if noises.is_empty() {
        return Vec::new();
    }
    let each = |&(name, noise): &(&str, Noise)| {
        let Epsilon { bit, token, typo, record } = noise.epsilon();
        let title = format!("Privacy loss ε of a whole person by the randomised response of {name} (1 is strong)");
        Gate::information(format!("A10.{name}"), title, record)
            .with("f", noise.f)
            .with("budget", noise.budget)
            .with("bits_per_token", noise.k)
            .with("epsilon_bit", bit)
            .with("epsilon_token", token)
            .with("epsilon_typo", typo)
            .with("epsilon_record", record)
    };
    let all: f64 = noises.iter().map(|(_, noise)| noise.epsilon().record).sum();
    let title = "Privacy loss ε of a whole person in all encodings with randomised response together";
    let statement = format!(
        "ε is {all:.0} for a whole person{}. Differential privacy is commonly called strong up to 1 and weak from 10 on; \
         what protects here is not the noise.",
        if all.is_finite() { "" } else { ", which is no bound at all" }
    );
    let total = Gate::information("A10", title, all);
    let total = if all > 10.0 { total.with("statement", statement) } else { total };
    noises.iter().map(each).chain([total]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epsilon_is_the_published_one() {
        for (f, bit) in [(0.01, 5.29), (0.05, 3.66), (0.1, 2.94), (0.2, 2.20), (0.5, 1.10), (1.0, 0.0)] {
            let epsilon = Noise::new(f, 280, 10.0).unwrap().epsilon();
            assert!((epsilon.bit - bit).abs() < 0.006, "{f}: {epsilon:?}");
            assert!((epsilon.token - 20.0 * epsilon.bit).abs() < 1e-9);
            assert!((epsilon.typo - 40.0 * epsilon.bit).abs() < 1e-9);
        }
        let record = Noise::new(0.1, 280, 10.0).unwrap().epsilon().record;
        assert!((record - 1_648.9).abs() < 0.1, "{record}");
    }

    #[test]
    fn no_noise_is_no_bound_and_nonsense_is_refused() {
        let none = Noise::new(0.0, 280, 10.0).unwrap();
        assert_eq!(none.epsilon().bit, f64::INFINITY);
        assert_eq!(Noise::new(0.0, 0, 0.0).unwrap().epsilon().record, 0.0);
        for f in [-0.1, 1.1, f64::NAN] {
            assert!(Noise::new(f, 280, 10.0).is_err(), "{f}");
        }
        for k in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Noise::new(0.1, 280, k).is_err(), "{k}");
        }
        let gates = check(&[("clk", none)]);
        assert!(gates[1].details["statement"].as_str().unwrap().contains("no bound"));
        assert!(serde_json::to_string(&gates).is_ok());
    }

    #[test]
    fn losses_of_encodings_add_up() {
        assert!(check(&[]).is_empty());
        let (one, other) = (Noise::new(0.1, 280, 10.0).unwrap(), Noise::new(0.5, 100, 5.0).unwrap());
        let gates = check(&[("one", one), ("other", other)]);
        let ids: Vec<&str> = gates.iter().map(|gate| gate.id.as_str()).collect();
        assert_eq!(ids, ["A10.one", "A10.other", "A10"]);
        assert!((gates[2].value - gates[0].value - gates[1].value).abs() < 1e-9);
        assert_eq!(gates[0].details["epsilon_bit"].as_f64().unwrap(), one.epsilon().bit);
        assert!(gates.iter().all(|gate| gate.limit.is_none() && gate.passed));
        let strong = check(&[("strong", Noise::new(0.999, 10, 1.0).unwrap())]);
        assert!(!strong[1].details.contains_key("statement"));
    }
}
