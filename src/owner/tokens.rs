//! From a field's text to its tokens. `docs/encoding.md`, sections 3 and 4.

use super::normalise::{compact, name_parts, parts};
use super::validate::{self, Unreadable};
use crate::schema::{Date, DateTokens, Field, Kind, PostcodeSystem};

/// What a field of one record holds, after normalisation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Something to encode.
    Present(Present),
    /// Nothing, for this reason.
    Missing(Reason),
}

/// Why a field counts as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// The cell is empty, or nothing is left of it.
    Empty,
    /// The value is on the schema's list of values that mean "missing".
    Placeholder,
    /// The value is in the right form and cannot be true: 30 February, a wrong check digit.
    Invalid,
    /// The value is not in any agreed form.
    Unreadable,
}

/// A value to encode: its tokens in groups, and its whole as one text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Present {
    /// The groups of the kind, always as many as [`shares`] has; a group may be empty (half a postcode). Tokens of one
    /// group are distinct.
    pub(crate) groups: Vec<Vec<String>>,
    /// What a match key is made of; empty where the value is not whole.
    pub(crate) whole: String,
}

impl Value {
    /// Why it is missing; `None` where it is present.
    pub(crate) fn missing(&self) -> Option<Reason> {
        match self {
            Value::Present(_) => None,
            Value::Missing(reason) => Some(*reason),
        }
    }
}

impl Reason {
    /// What to tell the owner of a value that somebody wrote down as a fact; `None` for values that are simply not there.
    pub(crate) fn problem(self, kind: &Kind) -> Option<&'static str> {
        Some(match (self, kind) {
            (Reason::Empty | Reason::Placeholder, _) => return None,
            (Reason::Unreadable, _) => "is not in any of the agreed date formats",
            (Reason::Invalid, Kind::Date { .. }) => "is no day of the calendar",
            (Reason::Invalid, Kind::Postcode(_)) => "is not a postcode",
            (Reason::Invalid, _) => "is not a whole identifier with a right check digit",
        })
    }
}

/// How the groups of a kind share a field's budget, in per cent; they add up to 100.
pub(crate) fn shares(kind: &Kind) -> &'static [usize] {
    match kind {
        Kind::Date { tokens: DateTokens::Digits, .. } => &[60, 40],
        Kind::Postcode(PostcodeSystem::Uk) => &[17, 25, 33, 25],
        _ => &[100],
    }
}

/// The bits of each group of a kind when the field has `budget` bits: cumulative shares, rounded down.
pub(crate) fn group_budgets(kind: &Kind, budget: usize) -> impl Iterator<Item = usize> {
    let mut sum = 0;
    shares(kind).iter().map(move |share| {
        let before = budget * sum / 100;
        sum += share;
        budget * sum / 100 - before
    })
}

/// A reader of one field: the schema's lists in normal form, made once.
pub(crate) struct Reader {
    kind: Kind,
    missing: Vec<Pattern>,
    same: Vec<(String, String)>,
}

/// A value that means "missing".
enum Pattern {
    Exactly(String),
    BeginsWith(String),
    /// Month and day, in any year.
    Anniversary(u8, u8),
}

impl Reader {
    pub(crate) fn new(field: &Field) -> Self {
        let missing = field.missing().iter().filter_map(|text| pattern(field.kind(), text)).collect();
        let same = field.same().iter().map(|(from, to)| (spaced(from), spaced(to))).collect();
        Reader { kind: field.kind().clone(), missing, same }
    }

    /// Whether the field holds words rather than a code.
    #[cfg(feature = "evaluate")]
    pub(crate) fn is_words(&self) -> bool {
        matches!(self.kind, Kind::Name | Kind::Text)
    }

    /// Why a value is missing; `None` where it is present. The same as [`read`](Self::read), without the tokens.
    pub(crate) fn missing(&self, text: &str) -> Option<Reason> {
        let text = text.trim();
        let words = match &self.kind {
            Kind::Name => name_parts(text),
            Kind::Text => parts(text),
            _ => return self.read(text).missing(),
        };
        self.missing_words(&words.join(" "))
    }

    fn missing_words(&self, whole: &str) -> Option<Reason> {
        if whole.is_empty() { Some(Reason::Empty) } else { self.is_missing(whole).then_some(Reason::Placeholder) }
    }

    /// Reads one value.
    pub(crate) fn read(&self, text: &str) -> Value {
        let text = text.trim();
        if text.is_empty() {
            return Value::Missing(Reason::Empty);
        }
        match &self.kind {
            Kind::Name => self.words(&name_parts(text)),
            Kind::Text => self.words(&parts(text)),
            Kind::Exact => self.exact(text),
            Kind::Identifier(scheme) => {
                let value = compact(text);
                if value.is_empty() {
                    Value::Missing(Reason::Empty)
                } else if self.is_missing(&value) {
                    Value::Missing(Reason::Placeholder)
                } else if validate::identifier(&value, *scheme) {
                    present(vec![vec![value.clone()]], value)
                } else {
                    Value::Missing(Reason::Invalid)
                }
            }
            Kind::Date { formats, tokens } => match validate::date(text, formats) {
                Ok(Some(date)) if self.is_missing_date(date) => Value::Missing(Reason::Placeholder),
                Ok(Some(date)) => present(date_tokens(date, *tokens), date.to_string()),
                // A placeholder need not be a day of the calendar (00/00/0000) nor in any form (UNKNOWN).
                _ if self.is_missing(&spaced(text)) => Value::Missing(Reason::Placeholder),
                Ok(None) => Value::Missing(Reason::Invalid),
                Err(Unreadable) => Value::Missing(Reason::Unreadable),
            },
            Kind::Postcode(system) => self.postcode(&compact(text), *system),
        }
    }

    fn words(&self, parts: &[String]) -> Value {
        // One pattern for a whole name and for a name in pieces: NOT KNOWN.
        let whole = parts.join(" ");
        match self.missing_words(&whole) {
            Some(reason) => Value::Missing(reason),
            None => present(vec![bigrams(parts)], whole),
        }
    }

    fn exact(&self, text: &str) -> Value {
        let mut value = spaced(text);
        if let Some((_, to)) = self.same.iter().find(|(from, _)| *from == value) {
            value.clone_from(to);
        }
        if value.is_empty() {
            Value::Missing(Reason::Empty)
        } else if self.is_missing(&value) {
            Value::Missing(Reason::Placeholder)
        } else {
            present(vec![vec![value.clone()]], value)
        }
    }

    fn postcode(&self, compact: &str, system: PostcodeSystem) -> Value {
        if compact.is_empty() {
            return Value::Missing(Reason::Empty);
        }
        if self.is_missing(compact) {
            return Value::Missing(Reason::Placeholder);
        }
        match system {
            PostcodeSystem::Other => {
                let tokens = compact.chars().take(16).enumerate().map(|(place, c)| format!("{place}:{c}")).collect();
                present(vec![tokens], compact.to_owned())
            }
            PostcodeSystem::Uk => match validate::uk_postcode(compact) {
                None => Value::Missing(Reason::Invalid),
                Some(postcode) => {
                    let mut groups = vec![vec![format!("A{}", postcode.area)], vec![format!("D{}", postcode.outward)]];
                    if let Some(inward) = postcode.inward {
                        groups.push(vec![format!("S{} {}", postcode.outward, &inward[..1])]);
                        groups.push(vec![format!("U{} {inward}", postcode.outward)]);
                        present(groups, compact.to_owned())
                    } else {
                        groups.extend([Vec::new(), Vec::new()]);
                        present(groups, String::new())
                    }
                }
            },
        }
    }

    fn is_missing(&self, value: &str) -> bool {
        self.missing.iter().any(|pattern| match pattern {
            Pattern::Exactly(missing) => missing == value,
            Pattern::BeginsWith(start) => value.starts_with(start.as_str()),
            Pattern::Anniversary(..) => false,
        })
    }

    fn is_missing_date(&self, date: Date) -> bool {
        self.missing.iter().any(|pattern| match pattern {
            Pattern::Anniversary(month, day) => (date.month(), date.day()) == (*month, *day),
            Pattern::Exactly(missing) => *missing == spaced(&date.to_string()),
            Pattern::BeginsWith(_) => false,
        })
    }
}

fn present(groups: Vec<Vec<String>>, whole: String) -> Value {
    Value::Present(Present { groups, whole })
}

/// Parts with single spaces.
fn spaced(text: &str) -> String {
    parts(text).join(" ")
}

fn pattern(kind: &Kind, text: &str) -> Option<Pattern> {
    let pattern = match kind {
        Kind::Name => Pattern::Exactly(name_parts(text).join(" ")),
        Kind::Text | Kind::Exact => Pattern::Exactly(spaced(text)),
        Kind::Identifier(_) => Pattern::Exactly(compact(text)),
        Kind::Postcode(_) => match text.strip_suffix('*') {
            Some(start) => Pattern::BeginsWith(compact(start)),
            None => Pattern::Exactly(compact(text)),
        },
        Kind::Date { formats, .. } => match text.strip_prefix("*-") {
            // Read in a leap year, so that 29 February can be named.
            Some(rest) => {
                let date = Date::parse_iso(&format!("2000-{rest}"))?;
                Pattern::Anniversary(date.month(), date.day())
            }
            None => Pattern::Exactly(match validate::date(text, formats) {
                Ok(Some(date)) => spaced(&date.to_string()),
                _ => spaced(text),
            }),
        },
    };
    let empty = matches!(&pattern, Pattern::Exactly(text) | Pattern::BeginsWith(text) if text.is_empty());
    (!empty).then_some(pattern)
}

/// Padded bigrams of every part, each once: `_A AN NN NA A_`.
fn bigrams(parts: &[String]) -> Vec<String> {
    let mut tokens = Vec::new();
    for part in parts {
        let mut before = '_';
        for c in part.chars().chain(['_']) {
            tokens.push([before, c].iter().collect());
            before = c;
        }
    }
    distinct(tokens)
}

fn date_tokens(date: Date, tokens: DateTokens) -> Vec<Vec<String>> {
    let digits = format!("{:04}{:02}{:02}", date.year(), date.month(), date.day());
    let year = ["Y", &digits[..4]].concat();
    // Day and month in one pool: swapped, they are the same two tokens.
    let (month, day) = (["P", &digits[4..6]].concat(), ["P", &digits[6..]].concat());
    match tokens {
        DateTokens::Parts => {
            let single = |tag: &str, place: usize| [tag, &digits[place..=place]].concat();
            vec![distinct(vec![year, month, day, single("C", 2), single("D", 3), single("M", 5), single("K", 7)])]
        }
        DateTokens::Digits => {
            let positional = digits.chars().enumerate().map(|(place, c)| format!("{place}:{c}")).collect();
            vec![positional, distinct(vec![year, month, day])]
        }
    }
}

fn distinct(mut tokens: Vec<String>) -> Vec<String> {
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
