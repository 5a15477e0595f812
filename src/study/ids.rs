//! Study ids, and what the parties sent under link ids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use super::read::{Table, Wrong, wrong};
use super::time::{Month, Period};
use crate::error::Result;
use crate::schema::Date;

/// A random 128-bit id: of a person in the study, or of a person in what one party sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// Reads 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| plain).map(|number| Id(number.to_be_bytes()))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex(&self.0))
    }
}

/// Not shown: two that are shown are a link.
impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(..)")
    }
}

fn id(text: &str, column: &str) -> std::result::Result<Id, Wrong> {
    Id::parse(text).ok_or_else(|| wrong(column, "is not an id (32 hexadecimal digits)"))
}

/// Which link ids of which parties are one person: the table that the linkage unit gives to the research environment, and
/// to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct StudyIds {
    by_link: HashMap<(String, Id), Id>,
    parties: BTreeMap<Id, BTreeSet<String>>,
}

impl StudyIds {
    /// Reads `study_id,party,link_id` (`Links::write_study_csv` wrote it).
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::Key`](crate::ErrorKind::Key) where a line is a key;
    /// [`ErrorKind::File`](crate::ErrorKind::File) where a column is missing or it is no CSV;
    /// [`ErrorKind::Rows`](crate::ErrorKind::Rows) with all rows that hold no ids or a link id of a party again.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        let mut ids = StudyIds { by_link: HashMap::new(), parties: BTreeMap::new() };
        Table::open(path.as_ref(), &["study_id", "party", "link_id"], &[])?.each(|row| {
            let (study, link) = (id(row[0], "study_id")?, id(row[2], "link_id")?);
            if row[1].is_empty() {
                return Err(wrong("party", "is empty"));
            }
            if ids.by_link.insert((row[1].to_owned(), link), study).is_some() {
                return Err(wrong("link_id", "was there before for this party"));
            }
            ids.parties.entry(study).or_default().insert(row[1].to_owned());
            Ok(())
        })?;
        Ok(ids)
    }

    /// The person of a party's link id.
    #[must_use]
    pub fn study_id(&self, party: &str, link: Id) -> Option<Id> {
        self.by_link.get(&(party.to_owned(), link)).copied()
    }

    /// Whether a party has a record of a person.
    #[must_use]
    pub fn has(&self, study: Id, party: &str) -> bool {
        self.parties.get(&study).is_some_and(|parties| parties.contains(party))
    }

    /// How many people there are.
    #[must_use]
    pub fn people(&self) -> usize {
        self.parties.len()
    }
}

/// Counts only.
impl fmt::Debug for StudyIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StudyIds({} people)", self.people())
    }
}

/// What a party says of a person, once: no name, no day of birth.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Person {
    /// The month of birth.
    pub born: Option<Month>,
    /// A letter for the sex: `F`, `M`, or what the parties agreed.
    pub sex: Option<char>,
    /// The day of the event from which time is counted.
    pub event: Option<Date>,
}

/// A party's people, by its link ids. `Debug` says how many.
#[derive(Clone)]
pub struct People {
    party: String,
    rows: Vec<(Id, Person)>,
}

impl People {
    /// Reads what a party sent: `link_id,birth_month,sex` and, for those who know of the event, `event_date`. Values may be
    /// missing, all but the first. A month is written as `2014-05`, a day as `2022-02-28`.
    ///
    /// # Errors
    /// As [`StudyIds::read_csv`].
    pub fn read_csv(party: &str, path: impl AsRef<Path>) -> Result<Self> {
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        Table::open(path.as_ref(), &["link_id", "birth_month", "sex"], &["event_date"])?.each(|row| {
            let link = id(row[0], "link_id")?;
            let born = optional(row[1], Month::parse, "birth_month", "is not YYYY-MM")?;
            let letter = |text: &str| text.parse().ok().filter(char::is_ascii_alphabetic);
            let sex = optional(row[2], letter, "sex", "is not one letter")?;
            let event = optional(row[3], Date::parse_iso, "event_date", "is not YYYY-MM-DD")?;
            if !seen.insert(link) {
                return Err(wrong("link_id", "was there before"));
            }
            rows.push((link, Person { born, sex, event }));
            Ok(())
        })?;
        Ok(People { party: party.to_owned(), rows })
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "People({} rows)", self.rows.len())
    }
}

/// What a column says, if anything; an error where a text is there and cannot be read.
fn optional<T>(
    text: &str,
    read: impl FnOnce(&str) -> Option<T>,
    column: &str,
    problem: &'static str,
) -> std::result::Result<Option<T>, Wrong> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some).ok_or_else(|| wrong(column, problem)) }
}

/// Everybody of whom a party said something, each with what the first of the parties that knows says, in the order of
/// study ids.
#[must_use]
pub fn everybody(ids: &StudyIds, parties: &[&People]) -> Vec<Child> {
    let mut people: BTreeMap<Id, Person> = BTreeMap::new();
    for party in parties {
        for (link, said) in &party.rows {
            let Some(study) = ids.study_id(&party.party, *link) else { continue };
            let known = people.entry(study).or_default();
            known.born = known.born.or(said.born);
            known.sex = known.sex.or(said.sex);
            known.event = known.event.or(said.event);
        }
    }
    people.into_iter().map(|(id, person)| Child { id, person }).collect()
}

/// What a party observed of its people, period by period, under study ids.
#[derive(Clone)]
pub struct Observations<P> {
    party: String,
    measures: Vec<String>,
    rows: HashMap<(Id, P), Vec<Option<f64>>>,
    unknown: usize,
}

impl<P: Period> Observations<P> {
    /// Reads `link_id,period` and one column of numbers for each measure, which may be empty, and puts study ids in place of
    /// link ids. Rows of people who are not in the study are only counted.
    ///
    /// # Errors
    /// As [`StudyIds::read_csv`]; also rows with a period twice, or with a number that is none.
    pub fn read_csv(ids: &StudyIds, party: &str, path: impl AsRef<Path>) -> Result<Self> {
        let table = Table::open(path.as_ref(), &["link_id", "period"], &[])?;
        let measures = table.others.clone();
        let mut rows: HashMap<(Id, P), Vec<Option<f64>>> = HashMap::new();
        let mut unknown = 0;
        table.each(|row| {
            let link = id(row[0], "link_id")?;
            let period = P::parse(row[1]).ok_or_else(|| wrong("period", "is not a period of this study"))?;
            let mut values = Vec::with_capacity(measures.len());
            for (measure, text) in measures.iter().zip(&row[2..]) {
                let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
                values.push(optional(text, number, measure, "is not a number")?);
            }
            let Some(study) = ids.study_id(party, link) else {
                unknown += 1;
                return Ok(());
            };
            if rows.insert((study, period), values).is_some() {
                return Err(wrong("period", "was there before for this person"));
            }
            Ok(())
        })?;
        Ok(Observations { party: party.to_owned(), measures, rows, unknown })
    }

    /// Who observed.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.party
    }

    /// How many rows were of people who are not in the study: their party sent more than it was asked for.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.unknown
    }

    /// The place of a measure among the columns.
    pub(super) fn measure(&self, name: &str) -> Option<usize> {
        self.measures.iter().position(|measure| measure == name)
    }

    pub(super) fn row(&self, child: Id, period: P) -> Option<&[Option<f64>]> {
        self.rows.get(&(child, period)).map(Vec::as_slice)
    }
}

impl<P> fmt::Debug for Observations<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observations({} rows, {} measures)", self.rows.len(), self.measures.len())
    }
}

/// A child of the study: what the parties said of it, put together. `Debug` says nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// Its study id.
    pub id: Id,
    /// What is known of it.
    pub person: Person,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Child(..)")
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person(..)")
    }
}
