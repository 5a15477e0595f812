//! What an agency writes down about a child.

use super::family::Child;
use super::names::Names;
use super::place::Places;
use super::random::Stream;
use super::rates::Rates;
use super::spelling::{misheard, miskeyed, mistyped, plain_letters};
use super::{Agency, Record, Sex};
use crate::schema::Date;

/// What all records of a population share.
pub(super) struct Desk<'a> {
    pub(super) names: &'a Names,
    pub(super) places: &'a Places,
    pub(super) reference: Date,
    /// Per cent of the rates.
    pub(super) noise: u32,
}

/// A child with its numbers.
pub(super) struct Person<'a> {
    pub(super) child: &'a Child,
    pub(super) origin: usize,
    pub(super) nhs_number: &'a str,
    pub(super) upn: &'a str,
}

impl Desk<'_> {
    /// Writes one record, all but its ids. The stream is this record's own; every error takes the same words from it whether
    /// it happens or not, so the order below is part of the output.
    pub(super) fn write(&self, agency: Agency, rates: &Rates, person: &Person<'_>, random: &mut Stream) -> Record {
        let mut record = Record { origin: self.names.label(person.origin), ..Record::default() };
        (record.forename, record.surname) = self.name(rates, person, random);
        (record.date_of_birth, record.sex) = self.birth(agency, rates, person.child, random);
        record.postcode = self.postcode(rates, person.child, random);
        let mut number = |number: &str, held: bool, missing: u32| {
            let wrong = random.roll(self.scaled(rates.mistyped_number));
            let missing = random.roll(self.scaled(missing)).is_some();
            match wrong {
                _ if missing || !held => String::new(),
                Some(dice) => miskeyed(number, dice),
                None => number.to_owned(),
            }
        };
        record.nhs_number = number(person.nhs_number, rates.holds_nhs_number, rates.missing_nhs_number);
        record.upn = number(person.upn, rates.holds_upn, rates.missing_upn);
        record
    }

    /// A rate in 10,000, times a percentage, is one in a million.
    fn scaled(&self, rate: u32) -> u32 {
        rate.saturating_mul(self.noise)
    }

    fn name(&self, rates: &Rates, person: &Person<'_>, random: &mut Stream) -> (String, String) {
        let child = person.child;
        let mut roll = |rate| random.roll(self.scaled(rate));
        let (mut forename, mut surname) = (child.forename.clone(), child.surname.clone());

        // Another name of the same child.
        let known_as = roll(rates.known_as).and(child.known_as.as_ref());
        if let Some(known_as) = known_as {
            forename.clone_from(known_as);
        }
        if roll(rates.middle_name).is_some() {
            forename = format!("{forename} {}", child.middle);
        }
        if let Some(half) = roll(rates.halved_surname).and(child.half_surname.as_ref()) {
            surname.clone_from(half);
        }
        if let Some(former) = roll(rates.former_surname).and(child.former_surname.as_ref()) {
            surname.clone_from(former);
        }
        if roll(rates.mothers_surname).is_some() {
            surname.clone_from(&child.mother_surname);
        }
        if let Some(dice) = roll(rates.alias) {
            if dice.first(3) > 0 {
                surname = self.names.surname(person.origin, dice.word());
            } else {
                forename = self.names.forename(person.origin, child.sex, child.born.year(), dice.word());
            }
        }
        let infant = self.reference.number() - child.born.number() < 365;
        if roll(rates.baby).is_some() && infant {
            "BABY".clone_into(&mut forename);
        }

        // The same name, damaged.
        let damage = [
            (&mut forename, rates.misheard_forename, rates.mistyped_forename),
            (&mut surname, rates.misheard_surname, rates.mistyped_surname),
        ];
        for (name, heard, typed) in damage {
            let (heard, typed) = (roll(heard), roll(typed));
            if let Some(dice) = heard.filter(|_| !name.is_empty()) {
                *name = misheard(name, dice);
            }
            if let Some(dice) = typed {
                *name = mistyped(name, dice);
            }
        }
        if roll(rates.lost_accents).is_some() {
            (forename, surname) = (plain_letters(&forename), plain_letters(&surname));
        }
        if let Some(dice) = roll(rates.lost_apostrophe) {
            let instead = if dice.first(2) == 0 { "" } else { " " };
            (forename, surname) = (forename.replace('\'', instead), surname.replace('\'', instead));
        }
        if roll(rates.swapped_names).is_some() && !surname.is_empty() {
            (forename, surname) = (surname, forename);
        }
        if roll(rates.title).is_some() {
            let title = if child.sex == Sex::Female { "Miss" } else { "Mr" };
            forename = format!("{title} {forename}");
        }
        if let Some(dice) = roll(rates.changed_case) {
            let change = |name: &str| if dice.first(4) == 0 { name.to_lowercase() } else { name.to_uppercase() };
            (forename, surname) = (change(&forename), change(&surname));
        }

        // No name at all.
        for (name, missing) in [(&mut forename, rates.missing_forename), (&mut surname, rates.missing_surname)] {
            if let Some(dice) = roll(missing) {
                *name = if is_placeholder(rates, dice.first(10_000)) { "UNKNOWN".to_owned() } else { String::new() };
            }
        }
        (forename, surname)
    }

    fn birth(&self, agency: Agency, rates: &Rates, child: &Child, random: &mut Stream) -> (String, String) {
        let mut roll = |rate| random.roll(self.scaled(rate));
        let mut born = child.born;
        // A swap that makes no date would be noticed when it is typed, and so would one that changes nothing not be one.
        if roll(rates.swapped_day_month).is_some() {
            born = Date::new(born.year(), born.day(), born.month()).unwrap_or(born);
        }
        if roll(rates.first_of_january).is_some() {
            born = Date::new(born.year(), 1, 1).unwrap_or(born);
        }
        if let Some(dice) = roll(rates.wrong_date) {
            let step = if dice.second(2) == 0 { -1 } else { 1 };
            let other = match dice.first(3) {
                0 => Date::from_number(born.number() + step),
                1 => Date::from_number(born.number() + step * 30),
                _ => Date::from_number(born.number() + step * 365),
            };
            born = other;
        }
        let mut date = agency.date(born);
        if let Some(dice) = roll(rates.missing_date) {
            let placeholder = Date::new(1900, 1, 1).filter(|_| is_placeholder(rates, dice.first(10_000)));
            date = placeholder.map(|date| agency.date(date)).unwrap_or_default();
        }
        let wrong = roll(rates.wrong_sex).is_some();
        let mut sex = agency.sex(if wrong { child.sex.other() } else { child.sex }).to_owned();
        if let Some(dice) = roll(rates.missing_sex) {
            sex = if is_placeholder(rates, dice.first(10_000)) { "UNKNOWN".to_owned() } else { String::new() };
        }
        (date, sex)
    }

    fn postcode(&self, rates: &Rates, child: &Child, random: &mut Stream) -> String {
        let mut roll = |rate| random.roll(self.scaled(rate));
        let old = roll(rates.old_address).is_some();
        let mut postcode = self.places.postcode(if old { child.former_home } else { child.home });
        if let Some(dice) = roll(rates.mistyped_postcode) {
            postcode = miskeyed(&postcode, dice);
        }
        if let Some(dice) = roll(rates.untidy_postcode) {
            postcode = if dice.first(3) > 0 { postcode.replace(' ', "") } else { postcode.to_lowercase() };
        }
        if roll(rates.missing_postcode).is_some() {
            postcode.clear();
        }
        postcode
    }
}

fn is_placeholder(rates: &Rates, roll: usize) -> bool {
    roll < rates.placeholder as usize
}

impl Agency {
    /// As the agency writes dates: the police day first, the others ISO 8601.
    fn date(self, date: Date) -> String {
        match self {
            Agency::Police => format!("{:02}/{:02}/{:04}", date.day(), date.month(), date.year()),
            Agency::SocialCare | Agency::Education => date.to_string(),
        }
    }

    fn sex(self, sex: Sex) -> &'static str {
        match (self, sex) {
            (Agency::SocialCare, Sex::Female) => "Female",
            (Agency::SocialCare, Sex::Male) => "Male",
            (_, Sex::Female) => "F",
            (_, Sex::Male) => "M",
        }
    }
}
