//! What agencies know of the children beside who they are: attendance, school meals, help, protection, term by term and month
//! by month; and for the police's cohort the day on which a parent came into prison, with what follows.
//!
//! Figures are of the size that is published for England, by guess and not by fit. Children of the cohort have more of
//! everything before the event, and more still after it, so that a study finds something. Tables are made by person, so the
//! same child has the same terms whatever the errors of its records.

use std::collections::HashMap;
use std::path::Path;

use super::family::births;
use super::random::{Purpose, Stream};
use super::{Agency, Options, Population, Record, Sex};
use crate::error::Result;
use crate::file;
use crate::schema::Date;

/// The first school year of which schools keep terms: the calendar year of its autumn, before the reference date's year.
const SCHOOL_YEARS: u16 = 8;

/// Of how many months before the reference date social care keeps what happened.
const MONTHS: i32 = 48;

/// The event is in this many days before the reference date: three years.
const EVENT_DAYS: u32 = 3 * 365;

/// The months in which terms begin: spring, summer, autumn.
const TERMS: [(&str, u8); 3] = [("spring", 1), ("summer", 4), ("autumn", 9)];

/// What schools know of a child in a term.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "it is a row of a table")]
pub struct TermRow {
    /// The schools' id of the row in [`Population::records`].
    pub record_id: String,
    /// `2023-autumn`, `2024-spring`, `2024-summer`: the calendar year, and the term.
    pub period: String,
    /// Sessions attended, in tenths of a per cent.
    pub attendance: u32,
    /// Eligible for free school meals.
    pub free_school_meals: bool,
    /// Special educational needs, with support at school.
    pub sen_support: bool,
    /// An education, health and care plan.
    pub ehcp: bool,
    /// How often suspended.
    pub suspensions: u32,
    /// Excluded for good in this term.
    pub excluded: bool,
}

/// What social care knows of a child in a month. Months without anything have no row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "it is a row of a table")]
pub struct MonthRow {
    /// Social care's id of the row in [`Population::records`].
    pub record_id: String,
    /// `2023-11`.
    pub period: String,
    /// Early Help is given.
    pub early_help: bool,
    /// A child in need.
    pub child_in_need: bool,
    /// Under a child protection plan.
    pub child_protection: bool,
    /// Looked after by the authority.
    pub looked_after: bool,
    /// Somebody contacted the multi-agency safeguarding hub.
    pub mash_contact: bool,
}

/// What an agency tells once of each of its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// The agency's id of the row.
    pub record_id: String,
    /// `2014-05`; empty where the agency has no date of birth. The agency's errors are not in it.
    pub birth_month: String,
    /// `F` or `M`, as the agency has it; else empty.
    pub sex: &'static str,
    /// The day on which a parent came into prison: the police know it.
    pub event: Option<Date>,
}

/// What the three agencies know beside who people are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    people: [Vec<PersonRow>; 3],
    terms: Vec<TermRow>,
    months: Vec<MonthRow>,
}

/// A child as it is, without errors.
struct Life {
    number: u64,
    born: Date,
    /// The day of the event, for the cohort.
    event: Option<Date>,
}

impl Payload {
    /// Invents it for a population that was made with these options. The same options give the same rows.
    #[must_use]
    pub fn generate(options: &Options, population: &Population) -> Self {
        let lives = lives(options, population);
        let life = |record: &Record| lives.get(record.person_id.as_str());
        let person = |agency: Agency| {
            let rows = population.records(agency).iter();
            rows.filter_map(|record| Some(person(agency, record, life(record)?))).collect::<Vec<_>>()
        };
        let people = Agency::ALL.map(person);
        let schools = population.records(Agency::Education).iter();
        let terms = schools.filter_map(|record| Some(terms(options, record, life(record)?))).flatten().collect();
        let care = population.records(Agency::SocialCare).iter();
        let months = care.filter_map(|record| Some(months(options, record, life(record)?))).flatten().collect();
        Payload { people, terms, months }
    }

    /// What an agency tells once of each of its people, in the order of its records.
    #[must_use]
    pub fn people(&self, agency: Agency) -> &[PersonRow] {
        &self.people[agency as usize]
    }

    /// What schools know, child by child. Some children are without rows in some terms.
    #[must_use]
    pub fn terms(&self) -> &[TermRow] {
        &self.terms
    }

    /// What social care knows, child by child.
    #[must_use]
    pub fn months(&self) -> &[MonthRow] {
        &self.months
    }

    /// Writes what an agency tells of its people: `record_id,birth_month,sex,event_date`.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_people_csv(&self, agency: Agency, path: &Path) -> Result<()> {
        let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let rows = self.people(agency).iter();
        let rows =
            rows.map(|row| [row.record_id.clone(), row.birth_month.clone(), row.sex.to_owned(), date(row.event)]);
        file::write_csv(path, file::Access::Default, ["record_id", "birth_month", "sex", "event_date"], rows)
    }

    /// Writes what schools know, with attendance in per cent.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_terms_csv(&self, path: &Path) -> Result<()> {
        let header = [
            "record_id",
            "period",
            "attendance",
            "free_school_meals",
            "sen_support",
            "ehcp",
            "suspensions",
            "permanent_exclusion",
        ];
        let rows = self.terms.iter().map(|row| {
            [
                row.record_id.clone(),
                row.period.clone(),
                format!("{}.{}", row.attendance / 10, row.attendance % 10),
                flag(row.free_school_meals),
                flag(row.sen_support),
                flag(row.ehcp),
                row.suspensions.to_string(),
                flag(row.excluded),
            ]
        });
        file::write_csv(path, file::Access::Default, header, rows)
    }

    /// Writes what social care knows.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_months_csv(&self, path: &Path) -> Result<()> {
        let header =
            ["record_id", "period", "early_help", "child_in_need", "child_protection", "looked_after", "mash_contact"];
        let rows = self.months.iter().map(|row| {
            let flags = [row.early_help, row.child_in_need, row.child_protection, row.looked_after, row.mash_contact];
            let [early, need, protection, looked_after, mash] = flags.map(flag);
            [row.record_id.clone(), row.period.clone(), early, need, protection, looked_after, mash]
        });
        file::write_csv(path, file::Access::Default, header, rows)
    }
}

fn flag(holds: bool) -> String {
    u8::from(holds).to_string()
}

/// Everybody who is in a file, by person: when born, and when the event was.
fn lives<'a>(options: &Options, population: &'a Population) -> HashMap<&'a str, Life> {
    let mut born = Vec::with_capacity(options.children);
    for (family, size) in (0..).zip(options.sizes()) {
        let mut births = births(options.seed, family, options.reference_date);
        births.truncate(size.into());
        born.extend(births.iter().map(|birth| birth.date));
    }
    let number = |name: &str| name.get(1..).and_then(|digits| digits.parse::<u64>().ok());
    let mut lives = HashMap::new();
    for agency in Agency::ALL {
        for record in population.records(agency) {
            let Some(number) = number(&record.person_id) else { continue };
            let Some(&born) = born.get(number as usize) else { continue };
            lives.entry(record.person_id.as_str()).or_insert(Life { number, born, event: None });
        }
    }
    for record in population.records(Agency::Police) {
        let family = number(&record.family_id).unwrap_or_default();
        if let Some(life) = lives.get_mut(record.person_id.as_str()) {
            // The same day for siblings, and for a child that was not born yet, soon after its birth.
            let mut random = Stream::new(options.seed, Purpose::Event, family);
            let day = options.reference_date.number() - random.below(EVENT_DAYS) as i32;
            let day = day.max(life.born.number() + 14).min(options.reference_date.number());
            life.event = Some(Date::from_number(day));
        }
    }
    lives
}

fn person(agency: Agency, record: &Record, life: &Life) -> PersonRow {
    // A placeholder is no date.
    let known = !record.date_of_birth.is_empty() && !record.date_of_birth.contains("1900");
    PersonRow {
        record_id: record.record_id.clone(),
        birth_month: if known { format!("{:04}-{:02}", life.born.year(), life.born.month()) } else { String::new() },
        sex: match Sex::parse(&record.sex) {
            Some(Sex::Female) => "F",
            Some(Sex::Male) => "M",
            None => "",
        },
        event: life.event.filter(|_| agency == Agency::Police),
    }
}

/// The words of a child that are the same for every agency.
fn stream(options: &Options, life: &Life, agency: Agency) -> Stream {
    Stream::new(options.seed, Purpose::Payload, life.number * 3 + agency as u64)
}

/// Rates are in 10,000 unless they are said to be something else.
fn terms(options: &Options, record: &Record, life: &Life) -> Vec<TermRow> {
    let mut random = stream(options, life, Agency::Education);
    let cohort = life.event.is_some();
    let (more, most) = if cohort { (2, 5) } else { (1, 2) };
    // What a child is like, before anything happens.
    let mut poor = random.chance(if cohort { 5_200 } else { 2_300 });
    let needs_from = random.chance(if cohort { 2_600 } else { 1_350 }).then(|| 1 + random.below(20));
    let plan_from = random.chance(if cohort { 900 } else { 430 }).then(|| 3 + random.below(20));
    let attends = 985 - random.below(if cohort { 85 } else { 55 }) - random.below(40);
    let often_suspended = random.chance(if cohort { 3_000 } else { 800 });
    let misses_terms = random.chance(300);

    let entry = life.born.year() + 4 + u16::from(life.born.month() > 8);
    let last = options.reference_date;
    let mut rows = Vec::new();
    let mut gone = false;
    for school_year in last.year().saturating_sub(SCHOOL_YEARS)..=last.year() {
        // The school year begins in autumn.
        for (at, (year, (season, month))) in
            [(school_year, TERMS[2]), (school_year + 1, TERMS[0]), (school_year + 1, TERMS[1])].into_iter().enumerate()
        {
            let Some(begins) = Date::new(year, month, 1).filter(|begins| *begins <= last) else { continue };
            let Some(class) = school_year.checked_sub(entry).filter(|class| *class < 14) else { continue };
            let term = u32::from(class) * 3 + at as u32;
            let after = life.event.is_some_and(|event| event <= begins);
            // The same words every term, whatever happens.
            let (turn, dip, long, suspended, lost, missing) = (
                random.below(10_000),
                random.below(40),
                random.chance(500),
                random.below(10_000),
                random.below(10_000),
                random.chance(4_000),
            );
            // The event makes some families poor who were not.
            poor = if after { poor || turn < 700 } else { poor ^ (turn < 120) };
            let mut attendance = attends - dip;
            attendance -= if after { 35 } else { 0 } + if long { 250 } else { 0 };
            let of_terms = if often_suspended { 1_500 * more } else { 60 } * if after { 2 } else { 1 };
            let secondary = term >= 21;
            let suspensions = match suspended {
                roll if !secondary && roll * 4 >= of_terms => 0,
                roll if roll < of_terms / 4 => most,
                roll if roll < of_terms => 1,
                _ => 0,
            };
            let excluded = often_suspended && secondary && lost < if after { 60 } else { 20 };
            if !(gone || misses_terms && missing) {
                rows.push(TermRow {
                    record_id: record.record_id.clone(),
                    period: format!("{year:04}-{season}"),
                    attendance,
                    free_school_meals: poor,
                    sen_support: needs_from.is_some_and(|from| term >= from)
                        && plan_from.is_none_or(|from| term < from),
                    ehcp: plan_from.is_some_and(|from| term >= from),
                    suspensions,
                    excluded,
                });
            }
            // An excluded child is at another school after a term or two; here it has no more rows this year.
            gone = excluded || (gone && at > 0);
        }
    }
    rows
}

fn months(options: &Options, record: &Record, life: &Life) -> Vec<MonthRow> {
    let mut random = stream(options, life, Agency::SocialCare);
    let cohort = life.event.is_some();
    let month_of = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
    let last = month_of(options.reference_date);
    let (born, event) = (month_of(life.born), life.event.map(month_of));
    // Chances in 10,000 a month that something begins, and that it ends.
    let begins = if cohort { [220, 130, 60, 20] } else { [90, 60, 20, 6] };
    let ends = [1_200, 900, 700, 250];
    let mut open = begins.map(|begin| random.chance(begin * 4));
    let mut rows = Vec::new();
    for month in last - MONTHS..=last {
        let since = event.map(|event| month - event);
        let times = match since {
            Some(0..=3) => 4,
            Some(4..) => 2,
            _ => 1,
        };
        for (kind, open) in open.iter_mut().enumerate() {
            let roll = random.below(10_000);
            *open = if *open { roll >= ends[kind] } else { roll < begins[kind] * times };
        }
        let mash = random.below(10_000) < if cohort { 250 } else { 80 } * if since == Some(0) { 10 } else { times };
        let [early_help, child_in_need, child_protection, looked_after] = open;
        if month < born || !(early_help || child_in_need || child_protection || looked_after || mash) {
            continue;
        }
        rows.push(MonthRow {
            record_id: record.record_id.clone(),
            period: format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1),
            // Whoever is protected or looked after gets more than early help.
            early_help: early_help && !child_protection && !looked_after,
            child_in_need: child_in_need && !looked_after,
            child_protection: child_protection && !looked_after,
            looked_after,
            mash_contact: mash,
        });
    }
    rows
}
