//! What hardens an encoding: keys of the tables `[[encoding]]`.

use super::{Section, Uses, decimal};
use crate::schema::hardening::{MAX_EXTRA, MAX_STEPS, YEAR};
use crate::schema::{Field, Hardening, HardeningStep, Kind, Markov, Salt, SaltPart};

/// `None` where a problem was reported. What depends on the rest of the table is left to [`check`].
pub(super) fn hardening(section: &Section<'_>, fields: &[Field], used: &Uses) -> Option<Hardening> {
    let steps = steps(section);
    let randomised_response = randomised_response(section);
    let salt = salt(section, fields, used);
    let markov = markov(section);
    Some(Hardening { steps: steps?, randomised_response: randomised_response?, salt: salt?, markov: markov? })
}

fn steps(section: &Section<'_>) -> Option<Vec<HardeningStep>> {
    if section.value("hardening").is_none() {
        return Some(Vec::new());
    }
    let array = section.array("hardening")?;
    let texts = section.texts("hardening");
    let count = array.len();
    if !(1..=MAX_STEPS).contains(&count) {
        let message = format!("must be a list of 1 to {MAX_STEPS} steps; leave it out for none");
        section.problem(section.span_of("hardening"), "hardening", &message);
        return None;
    }
    let mut steps = Vec::new();
    for (word, span) in texts {
        let step = section.word("hardening", &word, span.clone(), HardeningStep::WORDS)?;
        if steps.contains(&HardeningStep::Balance) {
            section.problem(span, "hardening", "balance must be the last step: what follows would undo it");
            return None;
        }
        steps.push(step);
    }
    (steps.len() == count).then_some(steps)
}

fn randomised_response(section: &Section<'_>) -> Option<u16> {
    let Some(value) = section.value("randomised_response") else { return Some(0) };
    let rate = decimal(value).filter(|rate| (1..10_000).contains(rate));
    if rate.is_none() {
        let message = "must be a number above 0 and below 1 with at most four decimals";
        section.problem(value.span(), "randomised_response", message);
    }
    rate
}

#[expect(clippy::option_option, reason = "not given and wrong are two things")]
fn salt(section: &Section<'_>, fields: &[Field], used: &Uses) -> Option<Option<Salt>> {
    if section.value("salt").is_none() {
        return Some(None);
    }
    let (text, span) = section.text("salt")?;
    let (name, part) = match text.strip_suffix(YEAR) {
        Some(name) => (name, SaltPart::Year),
        None => (text.as_str(), SaltPart::Whole),
    };
    let Some(field) = fields.iter().position(|field| field.name == name) else {
        section.problem(span, "salt", "no such field; write a field, or a date and .year");
        return None;
    };
    used.0[field].set(true);
    match (&fields[field].kind, part) {
        (Kind::Date { .. }, _) | (Kind::Exact | Kind::Text | Kind::Identifier(_), SaltPart::Whole) => {}
        (Kind::Name | Kind::Postcode(_), _) => {
            let message = "must be the same in all files: a field of the kind date, exact, text or identifier. Names are \
                           spelt otherwise, and postcodes change";
            section.problem(span, "salt", message);
            return None;
        }
        (_, SaltPart::Year) => {
            section.problem(span, "salt", "only a date has a year");
            return None;
        }
    }
    Some(Some(Salt { field, part }))
}

#[expect(clippy::option_option, reason = "not given and wrong are two things")]
fn markov(section: &Section<'_>) -> Option<Option<Markov>> {
    if section.value("markov").is_none() {
        return Some(None);
    }
    let table = section.table("markov")?;
    table.require("extra", "how many bigrams stand in beside each");
    let extra = table.integer("extra", 1..=MAX_EXTRA);
    let list = table.list_sha256();
    table.finish();
    Some(Some(Markov { extra: extra?.0, list_sha256: list? }))
}

/// What does not go together; gives how many bits leave where nothing is diffused.
pub(super) fn check(
    section: &Section<'_>,
    hardening: &Hardening,
    fields: &[Field],
    budgets: &[(usize, usize)],
    (length, diffusion): (usize, usize),
) -> Option<usize> {
    let bigrams = |&(field, _): &(usize, usize)| matches!(fields[field].kind, Kind::Name | Kind::Text);
    if hardening.markov.is_some() && !budgets.iter().any(bigrams) {
        let message = "no field of this encoding is of the kind name or text, and only these have bigrams";
        section.problem(section.span_of("markov"), "markov", message);
    }
    if diffusion > 0 {
        for (key, is_there) in
            [("hardening", !hardening.steps.is_empty()), ("randomised_response", hardening.randomised_response > 0)]
        {
            if is_there {
                let message = "takes the place of diffusion; with it, diffusion must be 0";
                section.problem(section.span_of(key), key, message);
            }
        }
        return None;
    }
    let mut bits = length;
    for step in &hardening.steps {
        match step.output(bits) {
            Ok(output) => bits = output,
            Err(message) => {
                section.problem(section.span_of("hardening"), "hardening", &message);
                return None;
            }
        }
    }
    Some(bits)
}
