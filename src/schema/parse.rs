//! TOML to [`Schema`]: one walk over the document that collects every problem with its line and key.

mod encoding;
mod hardening;
mod rarity;
mod role;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeFloat, DeInteger, DeTable, DeValue};

use super::{
    Assignment, Date, DateFormat, DateTokens, Encoding, Field, Identifier, Kind, LinkageSettings, MatchKey,
    PostcodeSystem, Project, Schema, Threshold, risk,
};
use crate::error::{ErrorKind, Result, SchemaProblem};

const MAX_FIELDS: usize = 64;
const MAX_ENCODINGS: usize = 16;
const MAX_MATCH_KEYS: usize = 16;
const MAX_NAME: usize = 32;

pub(super) fn parse(text: &str) -> Result<Schema> {
    let line_ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place).collect();
    let sink = Sink { line_ends, problems: RefCell::new(Vec::new()) };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        sink.push(error.span().unwrap_or(0..0), "", error.message());
    }
    if !sink.problems.borrow().is_empty() {
        return Err(sink.into_error());
    }
    let root = Section::new(&sink, document.get_ref(), String::new(), document.span());
    let schema = schema(&root);
    match schema {
        Some(schema) if sink.problems.borrow().is_empty() => Ok(schema),
        _ => Err(sink.into_error()),
    }
}

/// `None` only where a problem was reported.
fn schema(root: &Section<'_>) -> Option<Schema> {
    root.integer("version", 1..=1);
    root.require("version", "the version of the schema language; write version = 1");
    let project = root.table("project").and_then(|section| project(&section));
    root.require("project", "a table with id, purpose, parties and expires");
    let accept_risk = root.table("privacy").and_then(|section| {
        let reason = section.text("accept_risk").filter(|(reason, span)| {
            let said = reason.trim().len() >= 10;
            if !said {
                section.problem(span.clone(), "accept_risk", "give the reason in words, at least ten characters");
            }
            said
        });
        section.finish();
        reason
    });

    let mut fields: Vec<Field> = Vec::new();
    for section in root.tables("field", 1..=MAX_FIELDS) {
        if let Some(field) = field(&section) {
            if fields.iter().any(|other| other.name == field.name) {
                section.problem(section.span.clone(), "name", "another field has this name");
            } else {
                fields.push(field);
            }
        }
    }
    let used = Uses(fields.iter().map(|_| Cell::new(false)).collect());

    let mut encodings: Vec<Encoding> = Vec::new();
    for section in root.tables("encoding", 1..=MAX_ENCODINGS) {
        if let Some(encoding) = encoding::encoding(&section, &fields, &used) {
            if encodings.iter().any(|other| other.name == encoding.name) {
                section.problem(section.span.clone(), "name", "another encoding has this name");
            } else {
                encodings.push(encoding);
            }
        }
    }
    let mut match_keys: Vec<MatchKey> = Vec::new();
    for section in root.tables("match_key", 0..=MAX_MATCH_KEYS) {
        if let Some(key) = match_key(&section, &fields, &used) {
            if match_keys.iter().any(|other| other.name == key.name) {
                section.problem(section.span.clone(), "name", "another match key has this name");
            } else {
                match_keys.push(key);
            }
        }
    }
    let rarity = rarity::rarity(root, &fields, &encodings);
    let parties = project.as_ref().map_or(&[][..], |project: &Project| &project.parties);
    let roles = role::roles(root, &fields, parties);
    let linkage = match root.table("linkage") {
        Some(section) => linkage(&section, parties),
        None => LinkageSettings::default(),
    };
    root.finish();
    if !root.sink.problems.borrow().is_empty() {
        return None;
    }

    for (field, used) in fields.iter().zip(&used.0) {
        if !used.get() {
            let message = format!("no encoding and no match key uses the field {}; use it or leave it out", field.name);
            root.problem(0..0, "field", &message);
        }
    }
    let risks = risk::risks(&fields, &encodings, &match_keys, &rarity);
    match &accept_risk {
        None => {
            for risk in &risks {
                let message = format!("{risk}; [privacy] accept_risk = \"the reason\" is needed");
                root.problem(0..0, "privacy.accept_risk", &message);
            }
        }
        Some((_, span)) if risks.is_empty() => {
            root.problem(
                span.clone(),
                "privacy.accept_risk",
                "there is no risk to accept in this schema; leave it out",
            );
        }
        Some(_) => {}
    }
    let accept_risk = accept_risk.map(|(reason, _)| reason);
    Some(Schema::new(project?, accept_risk, fields, encodings, match_keys, rarity, linkage).with_roles(roles))
}

fn project(section: &Section<'_>) -> Option<Project> {
    let id = section.name("id", "-.");
    let purpose = section.text("purpose");
    section.require("purpose", "what the linkage is for, in words");
    if let Some((purpose, span)) = &purpose
        && purpose.trim().is_empty()
    {
        section.problem(span.clone(), "purpose", "say what the linkage is for, in words");
    }
    let parties = section.names("parties", "");
    section.require("parties", "a list of at least one data owner");
    if parties.is_empty() && section.table.contains_key("parties") {
        section.problem(section.span.clone(), "parties", "name at least one data owner");
    }
    let expires = section.text("expires").and_then(|(text, span)| {
        let date = Date::parse_iso(&text);
        if date.is_none() {
            section.problem(span, "expires", "must be a date, \"YYYY-MM-DD\"");
        }
        date
    });
    section.require("expires", "the last day of use, \"YYYY-MM-DD\"");
    section.finish();
    Some(Project { id: id?, purpose: purpose?.0, parties, expires: expires? })
}

fn field(section: &Section<'_>) -> Option<Field> {
    let name = section.name("name", "");
    let column = match section.text("column") {
        Some((column, span)) if column.trim().is_empty() => {
            section.problem(span, "column", "must not be empty");
            None
        }
        Some((column, _)) => Some(column),
        None => name.clone(),
    };
    let optional = section.boolean("optional").unwrap_or(false);
    let kind = kind(section);
    let space = section.table.contains_key("space").then(|| section.name("space", ""));
    let mut missing = Vec::new();
    for (text, span) in section.texts("missing") {
        if !text.chars().any(char::is_alphanumeric) {
            section.problem(span, "missing", "holds no letter or digit, so nothing could be equal to it");
        } else if matches!(kind, Some(Kind::Date { .. }))
            && text.strip_prefix("*-").is_some_and(|day| Date::parse_iso(&format!("2000-{day}")).is_none())
        {
            section.problem(span, "missing", "must be a day in every year, such as \"*-01-01\"");
        } else {
            missing.push(text);
        }
    }
    let same = same(section, kind.as_ref());
    section.finish();
    let name = name?;
    let space = if let Some(space) = space { space? } else { name.clone() };
    Some(Field { name, column: column?, optional, kind: kind?, space, missing, same })
}

fn kind(section: &Section<'_>) -> Option<Kind> {
    let Some((word, span)) = section.text("kind") else {
        section.require("kind", "one of name, text, date, postcode, exact, identifier");
        return None;
    };
    Some(match word.as_str() {
        "name" => Kind::Name,
        "text" => Kind::Text,
        "exact" => Kind::Exact,
        "date" => {
            let mut formats = Vec::new();
            for (word, span) in section.texts("formats") {
                match section.word("formats", &word, span.clone(), DateFormat::WORDS) {
                    Some(format) if formats.contains(&format) => {
                        section.problem(span, "formats", "the same form twice");
                    }
                    format => formats.extend(format),
                }
            }
            let ambiguous = formats.contains(&DateFormat::DayMonthYear) && formats.contains(&DateFormat::MonthDayYear);
            if ambiguous {
                section.problem(span, "formats", "DD/MM/YYYY and MM/DD/YYYY cannot be told apart; keep one");
            }
            if formats.is_empty() {
                formats = vec![DateFormat::YearMonthDay, DateFormat::DayMonthYear, DateFormat::Compact];
            }
            Kind::Date { formats, tokens: section.choice("tokens", DateTokens::WORDS)?.unwrap_or(DateTokens::Parts) }
        }
        "postcode" => Kind::Postcode(section.choice("system", PostcodeSystem::WORDS)?.unwrap_or(PostcodeSystem::Uk)),
        "identifier" => {
            let scheme = section.choice("scheme", Identifier::WORDS)?;
            section.require("scheme", "one of nhs_number, upn, uln");
            Kind::Identifier(scheme?)
        }
        _ => {
            section.problem(span, "kind", "must be one of name, text, date, postcode, exact, identifier");
            return None;
        }
    })
}

fn same(section: &Section<'_>, kind: Option<&Kind>) -> BTreeMap<String, String> {
    let Some(same) = section.table("same") else { return BTreeMap::new() };
    if kind.is_some_and(|kind| *kind != Kind::Exact) {
        section.problem(same.span.clone(), "same", "only exact fields have values that mean the same");
    }
    let mut pairs = BTreeMap::new();
    for key in same.keys() {
        if let Some((to, _)) = same.text(&key) {
            pairs.insert(key, to);
        }
    }
    for to in pairs.values() {
        if pairs.contains_key(to) && pairs[to] != *to {
            section.problem(
                same.span.clone(),
                "same",
                "a value on the right stands on the left too; write its last form",
            );
        }
    }
    pairs
}

/// Which fields something uses.
struct Uses(Vec<Cell<bool>>);

fn match_key(section: &Section<'_>, fields: &[Field], used: &Uses) -> Option<MatchKey> {
    let name = section.name("name", "");
    let mut indices = Vec::new();
    for (field, span) in section.texts("fields") {
        match fields.iter().position(|other| other.name == field) {
            Some(index) if indices.contains(&index) => section.problem(span, "fields", "the field is named twice"),
            Some(index) => {
                used.0[index].set(true);
                indices.push(index);
            }
            None => section.problem(span, "fields", "no such field"),
        }
    }
    section.require("fields", "a list of fields");
    if indices.is_empty() && section.table.contains_key("fields") {
        section.problem(section.span.clone(), "fields", "name at least one field");
    }
    section.finish();
    Some(MatchKey { name: name?, fields: indices })
}

impl Default for LinkageSettings {
    fn default() -> Self {
        LinkageSettings {
            threshold: Threshold::Automatic,
            assignment: Assignment::OneToOne,
            candidates: 10,
            keep_unlinked: Vec::new(),
            suppress_below: 10,
        }
    }
}

fn linkage(section: &Section<'_>, parties: &[String]) -> LinkageSettings {
    let mut settings = LinkageSettings::default();
    if let Some(threshold) = section.threshold("threshold") {
        settings.threshold = threshold;
    }
    if let Some(Some(assignment)) = section.choice("assignment", Assignment::WORDS) {
        settings.assignment = assignment;
    }
    if let Some((candidates, _)) = section.integer("candidates", 1..=100) {
        settings.candidates = candidates;
    }
    if let Some((below, _)) = section.integer("suppress_below", 0..=1000) {
        settings.suppress_below = below as u32;
    }
    for (party, span) in section.texts("keep_unlinked") {
        if settings.keep_unlinked.contains(&party) {
            section.problem(span, "keep_unlinked", "the same party twice");
        } else if parties.contains(&party) {
            settings.keep_unlinked.push(party);
        } else {
            section.problem(span, "keep_unlinked", "no such party");
        }
    }
    section.finish();
    settings
}

/// Where problems go. Shared by all sections of one document.
struct Sink {
    /// The places of line ends, ascending.
    line_ends: Vec<usize>,
    problems: RefCell<Vec<SchemaProblem>>,
}

/// What an error shows of a key and of a message at most, in characters: a file that is no schema is not to be quoted at
/// length.
const MOST_KEY: usize = 200;
const MOST_MESSAGE: usize = 600;

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

impl Sink {
    /// An empty span at 0 stands for the whole file.
    fn push(&self, span: Range<usize>, key: &str, message: &str) {
        let line = match span {
            Range { start: 0, end: 0 } => 0,
            span => 1 + self.line_ends.partition_point(|&end| end < span.start),
        };
        let (key, message) = (cut(key, MOST_KEY), cut(message, MOST_MESSAGE));
        self.problems.borrow_mut().push(SchemaProblem { line, key, message });
    }

    fn into_error(self) -> crate::Error {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems.dedup();
        ErrorKind::Schema { path: None, problems }.into()
    }
}

/// One table of the document, which remembers the keys that were asked for so that the others can be reported.
struct Section<'a> {
    sink: &'a Sink,
    table: &'a DeTable<'a>,
    path: String,
    span: Range<usize>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Section<'a> {
    fn new(sink: &'a Sink, table: &'a DeTable<'a>, path: String, span: Range<usize>) -> Self {
        Section { sink, table, path, span, asked: RefCell::default() }
    }

    fn problem(&self, span: Range<usize>, key: &str, message: &str) {
        self.sink.push(span, &self.key(key), message);
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    /// Where a key's value stands.
    fn span_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Reports a key that is not there.
    fn require(&self, key: &str, what: &str) {
        if !self.table.contains_key(key) {
            self.problem(self.span.clone(), key, &format!("is missing: {what}"));
        }
    }

    /// Reports the keys that nobody asked for.
    fn finish(&self) {
        let asked = self.asked.borrow();
        for key in self.table.keys().filter(|key| !asked.contains(key.get_ref().as_ref())) {
            let known = asked.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.problem(key.span(), key.get_ref(), &format!("unknown key; known here: {known}"));
        }
    }

    fn text(&self, key: &str) -> Option<(String, Range<usize>)> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.problem(value.span(), key, "must be a string");
        }
        Some((text?.to_owned(), value.span()))
    }

    /// The digest of a public list that all owners use.
    fn list_sha256(&self) -> Option<String> {
        self.require("list_sha256", "the SHA-256 of the public list that all owners use, 64 hexadecimal digits");
        let (digits, span) = self.text("list_sha256")?;
        let good = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !good {
            self.problem(span, "list_sha256", "must be 64 hexadecimal digits in lower case");
        }
        good.then_some(digits)
    }

    fn array(&self, key: &str) -> Option<&'a DeArray<'a>> {
        let value = self.value(key)?;
        let array = value.get_ref().as_array();
        if array.is_none() {
            self.problem(value.span(), key, "must be a list");
        }
        array
    }

    fn texts(&self, key: &str) -> Vec<(String, Range<usize>)> {
        let mut texts = Vec::new();
        for value in self.array(key).into_iter().flat_map(|array| array.iter()) {
            match value.get_ref().as_str() {
                Some(text) => texts.push((text.to_owned(), value.span())),
                None => self.problem(value.span(), key, "must be a list of strings"),
            }
        }
        texts
    }

    fn integer(&self, key: &str, range: std::ops::RangeInclusive<usize>) -> Option<(usize, Range<usize>)> {
        let value = self.value(key)?;
        let integer = value.get_ref().as_integer();
        let number = integer.and_then(|n| usize::from_str_radix(n.as_str(), n.radix()).ok());
        let number = number.filter(|n| range.contains(n));
        if number.is_none() {
            let message = format!("must be a whole number from {} to {}", range.start(), range.end());
            self.problem(value.span(), key, &message);
        }
        Some((number?, value.span()))
    }

    fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.problem(value.span(), key, "must be true or false");
        }
        boolean
    }

    /// A score from 0 to 1 with at most four decimals, or "automatic".
    fn threshold(&self, key: &str) -> Option<Threshold> {
        let value = self.value(key)?;
        if value.get_ref().as_str() == Some("automatic") {
            return Some(Threshold::Automatic);
        }
        let fixed = decimal(value).filter(|n| (1..=10_000).contains(n));
        if fixed.is_none() {
            let message = "must be \"automatic\" or a number above 0 and up to 1 with at most four decimals";
            self.problem(value.span(), key, message);
        }
        fixed.map(Threshold::Fixed)
    }

    fn table(&self, key: &str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.problem(value.span(), key, "must be a table");
        }
        Some(Section::new(self.sink, table?, self.key(key), value.span()))
    }

    fn tables(&self, key: &str, count: std::ops::RangeInclusive<usize>) -> Vec<Section<'a>> {
        let array = self.array(key);
        let length = array.map_or(0, |array| array.len());
        if !count.contains(&length) {
            let message = format!("there must be {} to {} of these tables: [[{key}]]", count.start(), count.end());
            self.problem(0..0, key, &message);
        }
        let mut sections = Vec::new();
        for (index, value) in array.into_iter().flat_map(|array| array.iter()).take(*count.end()).enumerate() {
            let path = self.key(&format!("{key}[{}]", index + 1));
            match value.get_ref().as_table() {
                Some(table) => sections.push(Section::new(self.sink, table, path, value.span())),
                None => self.problem(value.span(), key, "must be a list of tables"),
            }
        }
        sections
    }

    /// A name: a lower-case letter, then lower-case letters, digits, underscores and the `also` characters.
    fn name(&self, key: &str, also: &str) -> Option<String> {
        self.require(key, "a name in lower-case letters, digits and underscores");
        let (name, span) = self.text(key)?;
        self.is_name(key, &name, span, also).then_some(name)
    }

    fn names(&self, key: &str, also: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, span) in self.texts(key) {
            if names.contains(&name) {
                self.problem(span, key, "the same name twice");
            } else if self.is_name(key, &name, span, also) {
                names.push(name);
            }
        }
        names
    }

    fn is_name(&self, key: &str, name: &str, span: Range<usize>, also: &str) -> bool {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || also.contains(c);
        let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        let good = first && name.len() <= MAX_NAME && name.chars().all(plain);
        if !good {
            let message = format!(
                "must begin with a lower-case letter and go on in lower-case letters, digits and underscores{}, at most \
                 {MAX_NAME} in all",
                if also.is_empty() { "" } else { ", hyphens and full stops" }
            );
            self.problem(span, key, &message);
        }
        good
    }

    /// `Some(None)`: not given. `None`: given, and wrong.
    #[expect(clippy::option_option, reason = "not given and wrong are two things, and both are common")]
    fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<Option<T>> {
        if !self.table.contains_key(key) {
            self.asked.borrow_mut().insert(key.to_owned());
            return Some(None);
        }
        let (word, span) = self.text(key)?;
        self.word(key, &word, span, words).map(Some)
    }

    fn word<T: Copy>(&self, key: &str, word: &str, span: Range<usize>, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(w, _)| *w == word).map(|&(_, value)| value);
        if found.is_none() {
            let all = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            self.problem(span, key, &format!("must be one of {all}"));
        }
        found
    }
}

/// A number with at most four decimals, in ten-thousandths.
fn decimal(value: &Spanned<DeValue<'_>>) -> Option<u16> {
    let value = value.get_ref();
    let decimal = |integer: &&DeInteger<'_>| integer.radix() == 10;
    let text = value.as_float().map(DeFloat::as_str);
    text.or_else(|| value.as_integer().filter(decimal).map(DeInteger::as_str)).and_then(ten_thousandths)
}

/// "0.825" to 8250; `None` for more than four decimals and for anything but digits and a point.
fn ten_thousandths(decimal: &str) -> Option<u16> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    if fraction.len() > 4 || whole.len() > 1 {
        return None;
    }
    format!("{whole}{fraction:0<4}").parse().ok()
}
