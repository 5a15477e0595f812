//! From a linkage schema to schemas of this crate: one for the same CLKs, and one that is the way out of them.

use std::collections::BTreeMap;

use super::format::Format;
use super::schema::{Comparison, Feature, Hashing, LinkageSchema, Strategy};
use crate::error::{Error, Result};
use crate::schema::{
    DateFormat, DateTokens, Encoding, Field, Identifier, Kind, LinkageSettings, MAX_BITS, MatchKey, Missing,
    PostcodeSystem, Project, Schema,
};

/// How a diffused encoding is made: the default's filter, output and weight, and the sum of its budgets.
const LENGTH: usize = 1024;
const OUTPUT: usize = 4096;
const DIFFUSION: usize = 14;
const BUDGET: usize = 256;

/// Any of so many fields may be wrong: each encoding leaves another one out.
const LEFT_OUT: usize = 4;
const FEWEST: usize = 3;

/// How long values are, for want of any: names, and dates and postcodes.
const CHARACTERS: usize = 7;

/// A schema for new encodings of the same fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Native {
    /// The schema: diffused, without a risk to accept.
    pub schema: Schema,
    /// What a person has to look at: what was guessed from a column's name, and what has no counterpart.
    pub notes: Vec<String>,
}

/// A feature as a field of this crate.
struct Mapped {
    field: Field,
    /// How many positions clkhash sets for a value of usual length.
    weight: usize,
}

impl LinkageSchema {
    /// The agreement about the CLKs of this linkage schema, as a schema of this crate: its one encoding, `clk`, names this
    /// file by its SHA-256. Under it [`ClkEncoder::encode_records`](super::ClkEncoder::encode_records) makes a cohort, which
    /// [`Linker`](crate::linkage) links and `audit` attacks as any other; `accept_risk` is in its manifest and in both
    /// reports. Kinds and budgets of fields are told for the audit alone, which expects bits by them; clkhash has the say in
    /// what is encoded.
    ///
    /// # Errors
    /// [`Schema`](crate::ErrorKind::Schema) where the project or the reason is not as a schema wants them, and where the CLKs
    /// are longer than [`MAX_BITS`].
    pub fn agreement(&self, project: Project, accept_risk: &str) -> Result<Schema> {
        let (fields, _) = self.fields();
        let length = self.length.next_multiple_of(8);
        // Filters are filled to the half at most, as far as the audit is concerned.
        let all: usize = fields.iter().map(|mapped| mapped.weight).sum();
        let most = (length.min(MAX_BITS) / 2).max(fields.len());
        let budget = |weight: usize| if all <= most { weight } else { (weight * most / all).max(1) };
        let budgets = fields.iter().enumerate().map(|(at, mapped)| (at, budget(mapped.weight))).collect();
        let mut encoding = Encoding::new("clk", length, 0, length, Missing::Empty, budgets);
        encoding.clkhash = Some(self.sha256.clone());
        let fields = fields.into_iter().map(|mapped| mapped.field).collect();
        schema(project, Some(accept_risk), fields, vec![encoding], Vec::new())
    }

    /// The way out: a schema of this crate with the same fields, diffused, so that known people do not open it.
    ///
    /// With four features or more, each of four encodings leaves one of the heaviest four out, so that one of them may be
    /// wrong; with three there is one encoding of all. Fields have the weights that they have in the linkage schema, as
    /// shares of a budget of 256 bits; two names, a date and a postcode have the budgets of
    /// [`Schema::uk_person`] instead, which were measured. All fields together are a match key, and identifiers with a check
    /// digit are one each.
    ///
    /// It is a start: read its notes, and let `audit` try it on your own file.
    ///
    /// # Errors
    /// [`Argument`](crate::ErrorKind::Argument) where fewer than three features can be encoded;
    /// [`Schema`](crate::ErrorKind::Schema) where the project is not as a schema wants it.
    pub fn native(&self, project: Project) -> Result<Native> {
        let (mapped, mut notes) = self.fields();
        let identifier = |mapped: &Mapped| matches!(mapped.field.kind, Kind::Identifier(_));
        let mut heaviest: Vec<usize> = (0..mapped.len()).filter(|&at| !identifier(&mapped[at])).collect();
        if heaviest.len() < FEWEST {
            let fields = heaviest.len();
            return Err(Error::argument(format!(
                "the linkage schema has {fields} features that can be encoded, and a diffused encoding needs three: of fewer, equal \
                 names, households and twins show"
            )));
        }
        let all = heaviest.clone();
        heaviest.sort_by_key(|&at| (std::cmp::Reverse(mapped[at].weight), at));
        heaviest.truncate(LEFT_OUT);
        let encodings = match Self::usual(&mapped, &all) {
            Some(usual) => {
                notes.push(
                    "two names, a date and a postcode: the budgets are the default's, which were measured, and not the \
                     linkage schema's"
                        .to_owned(),
                );
                usual
            }
            None if heaviest.len() < LEFT_OUT => {
                notes.push(
                    "three fields: all are in one encoding, so no one of them may be wrong altogether".to_owned(),
                );
                vec![diffused("all".to_owned(), &mapped, &all)]
            }
            None => {
                let without = |&out: &usize| {
                    let rest: Vec<usize> = all.iter().copied().filter(|&at| at != out).collect();
                    diffused(left_out(&mapped[out].field), &mapped, &rest)
                };
                heaviest.iter().map(without).collect()
            }
        };
        let key = |name: &str, fields: Vec<usize>| MatchKey { name: name.to_owned(), fields };
        let identifiers = (0..mapped.len()).filter(|&at| identifier(&mapped[at]));
        let mut match_keys: Vec<MatchKey> = identifiers.map(|at| key(&mapped[at].field.name, vec![at])).collect();
        match_keys.push(key("person", all));
        let fields = mapped.into_iter().map(|mapped| mapped.field).collect();
        Ok(Native { schema: schema(project, None, fields, encodings, match_keys)?, notes })
    }

    /// The default's encodings, where the fields are its: two names, a date, a postcode and nothing else.
    fn usual(mapped: &[Mapped], all: &[usize]) -> Option<Vec<Encoding>> {
        let of = |is: fn(&Kind) -> bool| -> Vec<usize> {
            all.iter().copied().filter(|&at| is(&mapped[at].field.kind)).collect()
        };
        let (names, dates) = (of(|kind| *kind == Kind::Name), of(|kind| matches!(kind, Kind::Date { .. })));
        let postcodes = of(|kind| matches!(kind, Kind::Postcode(_)));
        let (&[one, other], &[date], &[postcode], 4) = (&names[..], &dates[..], &postcodes[..], all.len()) else {
            return None;
        };
        // The forename is the one that does not sound like a surname.
        let (forename, surname) = if is_surname(&mapped[one].field.name) { (other, one) } else { (one, other) };
        let default = Schema::uk_person();
        let places = ["forename", "surname", "date_of_birth", "postcode"]
            .map(|name| default.fields().iter().position(|field| field.name() == name).unwrap_or(usize::MAX));
        let own = [forename, surname, date, postcode];
        let place = |field: usize| places.iter().position(|&place| place == field).map(|at| own[at]);
        let encodings = default.encodings().iter().map(|encoding| {
            let budgets = encoding.budgets.iter().map(|&(field, bits)| Some((place(field)?, bits)));
            let mut budgets: Vec<(usize, usize)> = budgets.collect::<Option<_>>()?;
            budgets.sort_unstable();
            let out = own.into_iter().find(|at| budgets.iter().all(|(field, _)| field != at))?;
            Some(Encoding { name: left_out(&mapped[out].field), budgets, ..encoding.clone() })
        });
        encodings.collect()
    }

    /// The features that are hashed, as fields, and what was guessed.
    fn fields(&self) -> (Vec<Mapped>, Vec<String>) {
        let mut notes = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut mapped = Vec::new();
        for Feature { identifier, hashing } in &self.features {
            let Some(hashing) = hashing else { continue };
            let kind = kind(identifier, hashing, &mut notes);
            let name = name(identifier);
            let again = names.entry(name.clone()).or_default();
            *again += 1;
            let name = if *again > 1 { format!("{name}_{again}") } else { name };
            let missing = hashing.missing.iter().map(|missing| missing.sentinel.clone());
            let missing = missing.filter(|text| text.chars().any(char::is_alphanumeric)).collect();
            let space = if kind == Kind::Name { "names".to_owned() } else { name.clone() };
            let column = identifier.clone();
            let field = Field { name, column, optional: false, kind, space, missing, same: BTreeMap::new() };
            mapped.push(Mapped { field, weight: weight(hashing) });
        }
        (mapped, notes)
    }
}

/// Through the reader, which knows every rule.
fn schema(
    project: Project,
    accept_risk: Option<&str>,
    fields: Vec<Field>,
    encodings: Vec<Encoding>,
    match_keys: Vec<MatchKey>,
) -> Result<Schema> {
    let linkage = LinkageSettings::default();
    let reason = accept_risk.map(str::to_owned);
    Schema::from_toml(&Schema::new(project, reason, fields, encodings, match_keys, Vec::new(), linkage).to_toml())
}

/// An encoding of these fields, with their weights as shares of the budget.
fn diffused(name: String, mapped: &[Mapped], fields: &[usize]) -> Encoding {
    let all: usize = fields.iter().map(|&at| mapped[at].weight).sum();
    let budgets = fields.iter().map(|&at| (at, (BUDGET * mapped[at].weight / all).max(1))).collect();
    Encoding::new(name, LENGTH, DIFFUSION, OUTPUT, Missing::Random, budgets)
}

fn left_out(field: &Field) -> String {
    let mut name = format!("no_{}", field.name);
    name.truncate(32);
    name
}

/// How many positions clkhash sets for a value of usual length.
fn weight(hashing: &Hashing) -> usize {
    let bits = match hashing.strategy {
        Strategy::BitsPerFeature(bits) => return bits,
        Strategy::BitsPerToken(bits) => bits,
    };
    let tokens = match &hashing.comparison {
        Comparison::Exact => 1,
        Comparison::Ngram { n, .. } => CHARACTERS + n - 1,
        Comparison::Numeric { resolution, .. } => 2 * resolution + 1,
    };
    bits.saturating_mul(tokens)
}

/// A name as schemas have it.
fn name(identifier: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = identifier.chars().map(plain).collect();
    let name = name.trim_matches('_');
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    // With room for a number and for "no_".
    format!("{}{name}", if first { "" } else { "f_" }).chars().take(26).collect()
}

fn is_surname(name: &str) -> bool {
    ["surname", "last", "family", "sn"].iter().any(|word| name.contains(word))
}

fn kind(identifier: &str, hashing: &Hashing, notes: &mut Vec<String>) -> Kind {
    let plain: String = identifier.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| plain.contains(word));
    let mut note = |text: String| notes.push(format!("{identifier}: {text}"));
    let date = |formats| Kind::Date { formats, tokens: DateTokens::Parts };
    match (&hashing.format, &hashing.comparison) {
        (Format::Date { .. }, _) => {
            if let Some(format) = date_format(&hashing.format) {
                return date(vec![format]);
            }
            note("its date format has no counterpart; it is compared as text".to_owned());
            return Kind::Text;
        }
        _ if has(&["nhsno", "nhsnumber"]) => return Kind::Identifier(Identifier::NhsNumber),
        _ if plain == "upn" => return Kind::Identifier(Identifier::Upn),
        _ if plain == "uln" => return Kind::Identifier(Identifier::Uln),
        (Format::Integer { .. }, _) | (_, Comparison::Numeric { .. }) if has(&["dob", "birth"]) => {
            note("taken for a date written YYYYMMDD".to_owned());
            return date(vec![DateFormat::Compact]);
        }
        _ if has(&["postcode", "zip", "postalcode"]) => {
            let uk = has(&["postcode"]) && !matches!(hashing.format, Format::Integer { .. });
            let system = if uk { PostcodeSystem::Uk } else { PostcodeSystem::Other };
            note(format!("taken for a postcode, system = {:?}", system.as_str()));
            return Kind::Postcode(system);
        }
        (_, Comparison::Numeric { .. }) => {
            note("numbers that are near each other do not agree in part: it is compared as equal or not".to_owned());
            return Kind::Exact;
        }
        (Format::Enum { .. }, _) | (_, Comparison::Exact) => return Kind::Exact,
        _ => {}
    }
    let name =
        has(&["name", "forename", "given", "first", "last", "family"]) && !has(&["street", "town", "user", "file"]);
    if name { Kind::Name } else { Kind::Text }
}

/// The date format that reads what this one does.
fn date_format(format: &Format) -> Option<DateFormat> {
    let Format::Date { format } = format else { return None };
    match format.as_str() {
        "%Y-%m-%d" => Some(DateFormat::YearMonthDay),
        "%Y%m%d" => Some(DateFormat::Compact),
        "%d/%m/%Y" | "%d-%m-%Y" | "%d.%m.%Y" => Some(DateFormat::DayMonthYear),
        "%m/%d/%Y" | "%m-%d-%Y" => Some(DateFormat::MonthDayYear),
        _ => None,
    }
}
