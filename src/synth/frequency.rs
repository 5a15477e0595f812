//! Name and postcode lists from files, for those who hold better ones than ours.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::Sex;
use super::names::choose;
use super::tail::title;
use crate::error::{ErrorKind, ROW_PROBLEMS_KEPT, RowProblem};
use crate::{Error, Result};

const NAME: &[&str] = &["name", "forename", "firstname", "first_name", "surname", "lastname", "last_name"];
const WEIGHT: &[&str] = &["weight", "freq", "frequency", "count", "n"];
const SEX: &[&str] = &["sex", "gender"];
const YEAR: &[&str] = &["birthyear", "birth_year", "year"];
const DECADE: &[&str] = &["decade"];
const POSTCODE: &[&str] = &["postcode"];

/// Names with weights, by sex and year where the file says so.
pub(super) struct Listing {
    groups: Vec<Group>,
}

struct Group {
    sex: Option<Sex>,
    years: Option<(u16, u16)>,
    names: Vec<String>,
    cumulative: Vec<u64>,
}

impl Listing {
    /// Reads a CSV with a header: a name, a weight, and optionally sex and birth year (or decade).
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut table = Table::open(path)?;
        let name = table.need(NAME)?;
        let weight = table.need(WEIGHT)?;
        let (sex, decade) = (table.find(SEX), table.find(DECADE));
        let year = table.find(YEAR).or(decade);
        let last = if decade == year { 9 } else { 0 };

        let mut rows = Vec::new();
        table.rows(|cells| {
            let name = cells.text(name, "name")?;
            let weight = cells.text(weight, "weight")?.parse::<f64>().ok().filter(|w| w.is_finite() && *w >= 0.0);
            let weight = weight.ok_or(("weight", "is not a number that is zero or more"))?;
            let sex = sex.map(|at| cells.text(at, "sex")).transpose()?;
            let sex = sex.map(|sex| Sex::parse(sex).ok_or(("sex", "is neither male nor female"))).transpose()?;
            let year = year.map(|at| cells.text(at, "birth year")).transpose()?;
            let year = year.map(|year| year.parse::<u16>().map_err(|_| ("birth year", "is not a year"))).transpose()?;
            let years = year.map(|year| (year, year.saturating_add(last)));
            rows.push((sex, years, title(name), weight));
            Ok(())
        })?;

        // The largest weight becomes 2^32. Division and rounding are exact to the last bit on every platform.
        let largest = rows.iter().map(|row| row.3).fold(0.0, f64::max);
        if largest <= 0.0 {
            return Err(Error::file(path, "no name has a weight above zero"));
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut index = HashMap::new();
        for (sex, years, name, weight) in rows {
            let weight = (weight / largest * 4_294_967_296.0).round() as u64;
            if weight == 0 {
                continue;
            }
            let at = *index.entry((sex, years)).or_insert_with(|| {
                groups.push(Group { sex, years, names: Vec::new(), cumulative: Vec::new() });
                groups.len() - 1
            });
            let group = &mut groups[at];
            group.cumulative.push(group.cumulative.last().copied().unwrap_or(0) + weight);
            group.names.push(name);
        }
        for sex in Sex::BOTH {
            if groups.iter().all(|group| group.sex.is_some_and(|s| s != sex)) {
                return Err(Error::file(path, "has names for one sex only"));
            }
        }
        Ok(Listing { groups })
    }

    /// A name for that sex, from the year nearest to that year; any name where nothing is asked for.
    pub(super) fn name(&self, sex: Option<Sex>, year: Option<u16>, word: u64) -> &str {
        let distance = |group: &Group| match (group.years, year) {
            (Some((first, last)), Some(wanted)) => wanted.clamp(first, last).abs_diff(wanted),
            _ => 0,
        };
        let fits = |group: &&Group| group.sex.is_none() || sex.is_none() || group.sex == sex;
        let group = self.groups.iter().filter(fits).min_by_key(|group| distance(group));
        group.map_or("", |group| &group.names[choose(&group.cumulative, word)])
    }
}

/// Reads the column `postcode`. Each must have the form of one; a list of something else would go unnoticed for long.
pub(super) fn read_postcodes(path: &Path) -> Result<Vec<String>> {
    let mut table = Table::open(path)?;
    let postcode = table.need(POSTCODE)?;
    let mut postcodes = Vec::new();
    table.rows(|cells| {
        let text = cells.text(postcode, "postcode")?;
        if !is_postcode(text) {
            return Err(("postcode", "does not have the form of a UK postcode"));
        }
        postcodes.push(text.to_ascii_uppercase());
        Ok(())
    })?;
    if postcodes.is_empty() {
        return Err(Error::file(path, "holds no postcode"));
    }
    Ok(postcodes)
}

fn is_postcode(text: &str) -> bool {
    let Some((outward, inward)) = text.split_once(' ') else { return false };
    let (outward, inward) = (outward.as_bytes(), inward.as_bytes());
    let area = outward.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    (1..=2).contains(&area)
        && (area + 1..=4).contains(&outward.len())
        && outward[area].is_ascii_digit()
        && outward[area..].iter().all(u8::is_ascii_alphanumeric)
        && matches!(inward, [sector, a, b] if sector.is_ascii_digit() && a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
}

struct Table<'a> {
    path: &'a Path,
    reader: Reader<File>,
    header: Vec<String>,
}

/// A field and what is wrong with it.
type Problem = (&'static str, &'static str);

struct Cells<'a>(&'a ByteRecord);

impl Cells<'_> {
    fn text(&self, at: usize, field: &'static str) -> Result<&str, Problem> {
        let cell = self.0.get(at).ok_or((field, "is not there: the row is too short"))?;
        let text = std::str::from_utf8(cell).map_err(|_| (field, "is not UTF-8"))?.trim();
        if text.is_empty() { Err((field, "is empty")) } else { Ok(text) }
    }
}

impl<'a> Table<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io(path, "read", source))?;
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader.byte_headers().map_err(|error| wrong(path, error))?;
        let cell = |cell: &[u8]| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').trim().to_lowercase();
        let header = header.iter().map(cell).collect();
        Ok(Table { path, reader, header })
    }

    fn find(&self, names: &[&str]) -> Option<usize> {
        self.header.iter().position(|column| names.contains(&column.as_str()))
    }

    fn need(&self, names: &[&str]) -> Result<usize> {
        self.find(names)
            .ok_or_else(|| Error::file(self.path, format!("the header has no column called {}", names.join(" or "))))
    }

    /// Hands over every row, and gathers what is wrong with them.
    fn rows(&mut self, mut take: impl FnMut(Cells<'_>) -> Result<(), Problem>) -> Result<()> {
        let (mut problems, mut total) = (Vec::new(), 0);
        let (mut cells, mut row) = (ByteRecord::new(), 0);
        while self.reader.read_byte_record(&mut cells).map_err(|error| wrong(self.path, error))? {
            row += 1;
            if let Err((field, problem)) = take(Cells(&cells)) {
                total += 1;
                if problems.len() < ROW_PROBLEMS_KEPT {
                    let line = cells.position().map_or(0, csv::Position::line);
                    problems.push(RowProblem { row, line, field: field.to_owned(), problem });
                }
            }
        }
        if total > 0 {
            return Err(ErrorKind::Rows { path: Some(self.path.to_owned()), problems, total }.into());
        }
        Ok(())
    }
}

/// The csv crate's messages may quote a cell; of these only the position is kept.
fn wrong(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::io(path, "read", source),
        _ => Error::file(path, line.map_or("is not CSV".to_owned(), |line| format!("line {line} is not CSV"))),
    }
}
