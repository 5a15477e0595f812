//! From a field's text to its tokens. `docs/encoding.md`, sections 3 and 4.

use zeroize::Zeroize;

use super::normalise::{compact, name, spaced};
use super::validate::{self, Unreadable};
use crate::schema::{Date, DateFormat, DateTokens, Field, Kind, PostcodeSystem};

/// What a present value becomes. One is used again and again, so that reading allocates nothing; wiped when dropped.
#[derive(Default)]
pub(crate) struct Reading {
    /// What a match key is made of; empty where the value is not whole.
    pub(crate) whole: String,
    tokens: Vec<Token>,
    /// Where each group ends.
    ends: Vec<usize>,
}

impl Reading {
    /// The groups of the kind, always as many as [`shares`] has; a group may be empty (half a postcode). Tokens of one
    /// group are distinct, and in the order that settles ties.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Token]> {
        let start = |group: usize| if group == 0 { 0 } else { self.ends[group - 1] };
        (0..self.ends.len()).map(move |group| &self.tokens[start(group)..self.ends[group]])
    }

    /// The groups without tokens, a bit for each.
    pub(crate) fn gaps(&self) -> u32 {
        self.groups().enumerate().map(|(group, tokens)| u32::from(tokens.is_empty()) << group).sum()
    }

    fn end_group(&mut self) {
        self.ends.push(self.tokens.len());
    }

    /// Ends a group of tokens of which some may be equal.
    fn end_set(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.tokens[start..].sort_unstable();
        let mut kept = start;
        for i in start..self.tokens.len() {
            if i == start || self.tokens[i] != self.tokens[kept - 1] {
                self.tokens[kept] = self.tokens[i];
                kept += 1;
            }
        }
        self.tokens.truncate(kept);
        self.end_group();
    }

    fn single(&mut self, token: Token) {
        self.tokens.push(token);
        self.end_group();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.whole.zeroize();
        self.tokens.iter_mut().for_each(|token| token.0.zeroize());
    }
}

/// A token of at most 15 bytes as a number: its bytes from the top, its length at the bottom, so that numbers sort as texts
/// do.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize)]
pub(crate) struct Token(u128);

impl Token {
    /// The whole value, which can be longer.
    pub(crate) const WHOLE: Token = Token(0);

    fn new(parts: &[&[u8]]) -> Self {
        let mut bytes = [0; 16];
        let mut length = 0;
        for part in parts {
            bytes[length..][..part.len()].copy_from_slice(part);
            length += part.len();
        }
        bytes[15] = length as u8;
        Token(u128::from_be_bytes(bytes))
    }

    fn pair(first: char, second: char) -> Self {
        if first.is_ascii() && second.is_ascii() {
            return Token(u128::from(first as u8) << 120 | u128::from(second as u8) << 112 | 2);
        }
        let utf8 = &mut [[0; 4]; 2];
        let [a, b] = utf8;
        Token::new(&[first.encode_utf8(a).as_bytes(), second.encode_utf8(b).as_bytes()])
    }

    /// A character and its place.
    fn placed(place: usize, c: char) -> Self {
        let digits = [b'0' + (place / 10) as u8, b'0' + (place % 10) as u8];
        Token::new(&[&digits[usize::from(place < 10)..], b":", c.encode_utf8(&mut [0; 4]).as_bytes()])
    }

    /// The token as one number, which no other token has.
    pub(crate) fn number(self) -> u128 {
        self.0
    }

    /// The token's text, in a buffer, and its length.
    pub(crate) fn text(self) -> ([u8; 16], usize) {
        (self.0.to_be_bytes(), usize::from(self.0 as u8))
    }
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
        let same = field.same().iter().map(|(from, to)| (made(spaced, from), made(spaced, to))).collect();
        Reader { kind: field.kind().clone(), missing, same }
    }

    /// Whether the field holds words rather than a code.
    #[cfg(feature = "evaluate")]
    pub(crate) fn is_words(&self) -> bool {
        matches!(self.kind, Kind::Name | Kind::Text)
    }

    /// Whether nearly every value is another.
    pub(crate) fn is_identifier(&self) -> bool {
        matches!(self.kind, Kind::Identifier(_))
    }

    /// Reads one value; what the reading holds where it is missing says nothing.
    pub(crate) fn read(&self, text: &str, reading: &mut Reading) -> Result<(), Reason> {
        reading.tokens.clear();
        reading.ends.clear();
        let text = text.trim();
        // Before `same`, which may make something of a value of which nothing is left.
        if text.is_empty() {
            return Err(Reason::Empty);
        }
        let whole = &mut reading.whole;
        match &self.kind {
            Kind::Date { formats, tokens } => {
                return self.date(text, formats, *tokens, reading);
            }
            Kind::Name => name(text, whole),
            Kind::Text => spaced(text, whole),
            Kind::Exact => {
                spaced(text, whole);
                if let Some((_, to)) = self.same.iter().find(|(from, _)| from == whole) {
                    whole.clone_from(to);
                }
            }
            Kind::Identifier(_) | Kind::Postcode(_) => compact(text, whole),
        }
        if whole.is_empty() {
            return Err(Reason::Empty);
        }
        if self.is_missing(whole) {
            return Err(Reason::Placeholder);
        }
        match &self.kind {
            Kind::Name | Kind::Text => reading.bigrams(),
            Kind::Identifier(scheme) if !validate::identifier(whole, *scheme) => return Err(Reason::Invalid),
            Kind::Postcode(PostcodeSystem::Uk) => return reading.uk_postcode(),
            Kind::Postcode(PostcodeSystem::Other) => {
                reading.tokens.extend(whole.chars().take(16).enumerate().map(|(place, c)| Token::placed(place, c)));
                reading.end_group();
            }
            _ => reading.single(Token::WHOLE),
        }
        Ok(())
    }

    fn date(
        &self,
        text: &str,
        formats: &[DateFormat],
        tokens: DateTokens,
        reading: &mut Reading,
    ) -> Result<(), Reason> {
        let date = validate::date(text, formats);
        if let Ok(Some(date)) = date {
            reading.date(date, tokens);
            return if self.is_missing_date(date, &reading.whole) { Err(Reason::Placeholder) } else { Ok(()) };
        }
        // A placeholder need not be a day of the calendar (00/00/0000) nor in any form (UNKNOWN).
        spaced(text, &mut reading.whole);
        Err(match date {
            _ if self.is_missing(&reading.whole) => Reason::Placeholder,
            Ok(_) => Reason::Invalid,
            Err(Unreadable) => Reason::Unreadable,
        })
    }

    fn is_missing(&self, value: &str) -> bool {
        self.missing.iter().any(|pattern| match pattern {
            Pattern::Exactly(missing) => missing == value,
            Pattern::BeginsWith(start) => value.starts_with(start.as_str()),
            Pattern::Anniversary(..) => false,
        })
    }

    fn is_missing_date(&self, date: Date, whole: &str) -> bool {
        self.missing.iter().any(|pattern| match pattern {
            Pattern::Anniversary(month, day) => (date.month(), date.day()) == (*month, *day),
            // As `spaced` has it: every hyphen a space.
            Pattern::Exactly(missing) => whole.split('-').eq(missing.split(' ')),
            Pattern::BeginsWith(_) => false,
        })
    }
}

/// Appends the padded bigrams of every part: `_A AN NN NA A_`.
pub(super) fn bigrams(whole: &str, tokens: &mut Vec<Token>) {
    let mut before = '_';
    for c in whole.chars() {
        let c = if c == ' ' { '_' } else { c };
        tokens.push(Token::pair(before, c));
        before = c;
    }
    tokens.push(Token::pair(before, '_'));
}

fn made(normalise: fn(&str, &mut String), text: &str) -> String {
    let mut out = String::new();
    normalise(text, &mut out);
    out
}

fn pattern(kind: &Kind, text: &str) -> Option<Pattern> {
    let pattern = match kind {
        Kind::Name => Pattern::Exactly(made(name, text)),
        Kind::Text | Kind::Exact => Pattern::Exactly(made(spaced, text)),
        Kind::Identifier(_) => Pattern::Exactly(made(compact, text)),
        Kind::Postcode(_) => match text.strip_suffix('*') {
            Some(start) => Pattern::BeginsWith(made(compact, start)),
            None => Pattern::Exactly(made(compact, text)),
        },
        Kind::Date { formats, .. } => match text.strip_prefix("*-") {
            // Read in a leap year, so that 29 February can be named.
            Some(rest) => {
                let date = Date::parse_iso(&format!("2000-{rest}"))?;
                Pattern::Anniversary(date.month(), date.day())
            }
            None => Pattern::Exactly(match validate::date(text, formats) {
                Ok(Some(date)) => made(spaced, &date.to_string()),
                _ => made(spaced, text),
            }),
        },
    };
    let empty = matches!(&pattern, Pattern::Exactly(text) | Pattern::BeginsWith(text) if text.is_empty());
    (!empty).then_some(pattern)
}

impl Reading {
    fn bigrams(&mut self) {
        bigrams(&self.whole, &mut self.tokens);
        self.end_set();
    }

    fn date(&mut self, date: Date, tokens: DateTokens) {
        let (year, month, day) = (usize::from(date.year()), usize::from(date.month()), usize::from(date.day()));
        let digits = [year / 1000, year / 100, year / 10, year, month / 10, month, day / 10, day];
        let digits = digits.map(|number| b'0' + (number % 10) as u8);
        let [year, month, day] = [&digits[..4], &digits[4..6], &digits[6..]];
        self.whole.clear();
        for (place, &digit) in digits.iter().enumerate() {
            if place == 4 || place == 6 {
                self.whole.push('-');
            }
            self.whole.push(digit.into());
        }
        if tokens == DateTokens::Digits {
            self.tokens.extend((0..8).map(|place| Token::placed(place, digits[place].into())));
            self.end_group();
        }
        // Day and month in one pool: swapped, they are the same two tokens.
        self.tokens.extend([Token::new(&[b"Y", year]), Token::new(&[b"P", month]), Token::new(&[b"P", day])]);
        if tokens == DateTokens::Parts {
            let single = |tag: u8, place: usize| Token::new(&[&[tag, digits[place]]]);
            self.tokens.extend([single(b'C', 2), single(b'D', 3), single(b'M', 5), single(b'K', 7)]);
        }
        self.end_set();
    }

    /// Whatever is not in the form of a postcode is invalid.
    fn uk_postcode(&mut self) -> Result<(), Reason> {
        let Some(postcode) = validate::uk_postcode(&self.whole) else { return Err(Reason::Invalid) };
        let (outward, inward) = (postcode.outward.as_bytes(), postcode.inward.map(str::as_bytes));
        let (area, district) = (Token::new(&[b"A", postcode.area.as_bytes()]), Token::new(&[b"D", outward]));
        let finer = inward.map(|inward| {
            [Token::new(&[b"S", outward, b" ", &inward[..1]]), Token::new(&[b"U", outward, b" ", inward])]
        });
        self.single(area);
        self.single(district);
        if let Some([sector, unit]) = finer {
            self.single(sector);
            self.single(unit);
        } else {
            self.end_group();
            self.end_group();
            self.whole.clear();
        }
        Ok(())
    }
}
