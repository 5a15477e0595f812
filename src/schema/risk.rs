//! What in a schema is weaker than the defaults, and therefore needs `accept_risk`.

use std::fmt;

use super::field::{Field, Kind};
use super::{Encoding, HardeningStep, MatchKey, Missing, Rarity};

/// The dose T = t·B/m below which known people open a diffused encoding of at most 1,024 output bits, times 100.
/// Longer outputs show more of each pair and need more. Measured: `docs/encoding.md`, section 11.
const DOSE_SHORT: usize = 250;
const DOSE_LONG: usize = 300;
const SHORT_OUTPUT: usize = 1024;

/// How many diffused encodings together were measured to hold; more of them let an attacker solve for single fields.
const MOST_ENCODINGS: usize = 4;

/// Something in a schema that published or measured attacks exploit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Risk {
    /// Not diffused: some fifty known people open the file (privacy-preserving record linkage literature since 2011).
    Undiffused {
        /// The encoding.
        encoding: String,
    },
    /// Diffused too little for its budget and output length.
    WeakDiffusion {
        /// The encoding.
        encoding: String,
    },
    /// Fewer than three fields: equal names, households and twins show.
    FewFields {
        /// The encoding.
        encoding: String,
    },
    /// A missing field leaves an encoding of fewer fields.
    EmptyMissing {
        /// The encoding.
        encoding: String,
    },
    /// More diffused encodings of the same people than were measured to hold.
    ManyEncodings,
    /// A match key whose values repeat, so that its frequencies can be compared with a public list's.
    FrequentMatchKey {
        /// The match key.
        match_key: String,
    },
    /// Hardened by a step that known people open: whole tokens show again in what is added up. Measured with a linear attack:
    /// `docs/encoding.md`, section 11.
    Hardened {
        /// The encoding.
        encoding: String,
        /// The step.
        step: HardeningStep,
    },
    /// Randomised response: in a whole record the bound of differential privacy says nothing.
    Noise {
        /// The encoding.
        encoding: String,
        /// ε of a whole record, rounded down: 2·B·ln((1 − f/2) / (f/2)), B the sum of budgets. About 1 would be a promise.
        epsilon: u64,
    },
    /// A salt: protects as far as people differ in it, and whoever has it wrong in one file is lost.
    Salted {
        /// The encoding.
        encoding: String,
        /// The field, and `.year` where it is the year of a date.
        salt: String,
    },
    /// Bigrams that stand in beside others: linear attacks read them as they read those.
    Markov {
        /// The encoding.
        encoding: String,
    },
    /// A class of every name goes out beside the encodings, in clear: with four classes of equal size, two bits of it.
    Rarity {
        /// The field.
        field: String,
    },
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Risk::Undiffused { encoding } => {
                write!(f, "encoding {encoding} is not diffused: about fifty known people open it")
            }
            Risk::WeakDiffusion { encoding } => write!(
                f,
                "encoding {encoding} is diffused too little: diffusion × budget / length must be at least 2.5, or 3 \
                 where the output is longer than {SHORT_OUTPUT} bits"
            ),
            Risk::FewFields { encoding } => {
                write!(f, "encoding {encoding} has fewer than three fields: equal names, households and twins show")
            }
            Risk::EmptyMissing { encoding } => {
                write!(
                    f,
                    "encoding {encoding} leaves missing fields empty: an encoding of fewer fields is what remains"
                )
            }
            Risk::ManyEncodings => write!(f, "more than {MOST_ENCODINGS} encodings of the same people"),
            Risk::FrequentMatchKey { match_key } => write!(
                f,
                "match key {match_key} has neither an identifier nor three fields: its values repeat and can be counted"
            ),
            Risk::Hardened { encoding, step } => {
                let known = match step {
                    HardeningStep::Balance => "it hides how many bits are set and nothing else",
                    HardeningStep::XorFold => "150 known people open most of it",
                    HardeningStep::Rule90 | HardeningStep::Resam => "150 known people open it",
                };
                write!(f, "encoding {encoding} is hardened by {}: {known}", step.as_str())
            }
            Risk::Noise { encoding, epsilon } => write!(
                f,
                "encoding {encoding} is noised by randomised response: its epsilon is {epsilon} for a whole record, which \
                 promises nothing, and 150 known people open it"
            ),
            Risk::Salted { encoding, salt } => write!(
                f,
                "encoding {encoding} is salted by {salt}: it protects only as far as people differ in it (of people of one \
                 birth year 20 known people open all), and an error in {salt} loses the link"
            ),
            Risk::Markov { encoding } => write!(
                f,
                "encoding {encoding} holds bigrams that stand in beside others: attacks that solve for bits read them all \
                 the same"
            ),
            Risk::Rarity { field } => write!(
                f,
                "the rarity of {field} is sent in clear: it narrows down who each row is, and shows who has no {field}"
            ),
        }
    }
}

pub(super) fn risks(fields: &[Field], encodings: &[Encoding], match_keys: &[MatchKey], rarity: &[Rarity]) -> Vec<Risk> {
    let mut risks = Vec::new();
    for encoding in encodings {
        let name = || encoding.name.clone();
        hardened(encoding, fields, &mut risks);
        if !encoding.is_diffused() {
            risks.push(Risk::Undiffused { encoding: name() });
            continue;
        }
        let dose = if encoding.output <= SHORT_OUTPUT { DOSE_SHORT } else { DOSE_LONG };
        if encoding.diffusion * encoding.budget() * 100 < dose * encoding.length {
            risks.push(Risk::WeakDiffusion { encoding: name() });
        }
        if encoding.budgets.len() < 3 {
            risks.push(Risk::FewFields { encoding: name() });
        }
        if encoding.missing == Missing::Empty {
            risks.push(Risk::EmptyMissing { encoding: name() });
        }
    }
    if encodings.iter().filter(|encoding| encoding.is_diffused()).count() > MOST_ENCODINGS {
        risks.push(Risk::ManyEncodings);
    }
    for key in match_keys {
        let identifier = key.fields.iter().any(|&f| matches!(fields[f].kind, Kind::Identifier(_)));
        if !identifier && key.fields.len() < 3 {
            risks.push(Risk::FrequentMatchKey { match_key: key.name.clone() });
        }
    }
    risks.extend(rarity.iter().map(|rarity| Risk::Rarity { field: fields[rarity.field].name.clone() }));
    risks
}

fn hardened(encoding: &Encoding, fields: &[Field], risks: &mut Vec<Risk>) {
    let name = || encoding.name.clone();
    let hardening = &encoding.hardening;
    for (place, &step) in hardening.steps.iter().enumerate() {
        if !hardening.steps[..place].contains(&step) {
            risks.push(Risk::Hardened { encoding: name(), step });
        }
    }
    if hardening.randomised_response > 0 {
        let flipped = (1.0 - hardening.kept()) / 2.0;
        let epsilon = 2.0 * encoding.budget() as f64 * ((1.0 - flipped) / flipped).ln();
        risks.push(Risk::Noise { encoding: name(), epsilon: epsilon as u64 });
    }
    if let Some(salt) = hardening.salt {
        // Of an encoding that was made by hand the field may not exist.
        let field = fields.get(salt.field).map_or("", |field| &field.name);
        risks.push(Risk::Salted { encoding: name(), salt: salt.text(field) });
    }
    if hardening.markov.is_some() {
        risks.push(Risk::Markov { encoding: name() });
    }
}
