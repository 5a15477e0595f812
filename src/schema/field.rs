//! The fields of a schema: what a column holds and how it is read.

use std::collections::BTreeMap;

/// One field of the people, as all parties agree to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub(crate) name: String,
    pub(crate) column: String,
    pub(crate) optional: bool,
    pub(crate) kind: Kind,
    pub(crate) space: String,
    pub(crate) missing: Vec<String>,
    pub(crate) same: BTreeMap<String, String>,
}

/// What a field holds. It decides normalisation, validity and tokens; see `docs/encoding.md`, sections 3 and 4.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A personal name: titles dropped, parts separated, padded bigrams of each part.
    Name,
    /// Any other short text (an address line, an e-mail): padded bigrams of each part.
    Text,
    /// A calendar date.
    Date {
        /// How the file may write it; tried in this order.
        formats: Vec<DateFormat>,
        /// Which tokens it yields.
        tokens: DateTokens,
    },
    /// A postcode.
    Postcode(PostcodeSystem),
    /// A value that is equal or not: one token.
    Exact,
    /// An identifier with a check digit: one token; an invalid one counts as missing.
    Identifier(Identifier),
}

/// A way to write a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateFormat {
    /// `2011-07-09`, also with a time after it (`2011-07-09T00:00:00`, `2011-07-09 00:00`), which is not read.
    YearMonthDay,
    /// `20110709`
    Compact,
    /// `09/07/2011`, `9/7/2011`, `09-07-2011`, `09.07.2011`: the day first, as in the United Kingdom.
    DayMonthYear,
    /// `07/09/2011`: the month first, as in the United States.
    MonthDayYear,
}

/// The tokens of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateTokens {
    /// Year, day and month in one pool, and four single digits: seven tokens, none of low entropy; a swapped day and
    /// month keep five of them. For diffused encodings.
    Parts,
    /// Eight positional digits (60 % of the budget), and year, day and month (40 %). For undiffused encodings.
    Digits,
}

/// How postcodes are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostcodeSystem {
    /// United Kingdom: area, district, sector, unit.
    Uk,
    /// Any other: each character with its place.
    Other,
}

/// An identifier whose check digit is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identifier {
    /// NHS number: ten digits, modulus 11.
    NhsNumber,
    /// Unique Pupil Number: a check letter and twelve characters, modulus 23.
    Upn,
    /// Unique Learner Number: ten digits, modulus 11.
    Uln,
}

impl Field {
    /// The field's name in the schema, in encodings, match keys, reports and errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The header of its column, unless the owner names another. Not part of the agreement: every owner's file may
    /// use its own words.
    #[must_use]
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Whether an owner's file may lack the column. Not part of the agreement, as the column's name is not.
    #[must_use]
    pub fn optional(&self) -> bool {
        self.optional
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Fields with the same token space agree when their values are swapped (forename and surname). The field's own
    /// name unless the schema says otherwise.
    #[must_use]
    pub fn space(&self) -> &str {
        &self.space
    }

    /// Values that mean "missing", as written in the schema; compared after normalisation. In dates `*-01-01` stands
    /// for every 1 January; in postcodes a last `*` stands for any ending.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Values that mean the same (`MALE = "M"`), compared after normalisation; `exact` fields only.
    #[must_use]
    pub fn same(&self) -> &BTreeMap<String, String> {
        &self.same
    }
}

impl Kind {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Kind::Name => "name",
            Kind::Text => "text",
            Kind::Date { .. } => "date",
            Kind::Postcode(_) => "postcode",
            Kind::Exact => "exact",
            Kind::Identifier(_) => "identifier",
        }
    }
}

/// Gives an enum its words in the schema, so that reading, writing and the list in error messages cannot disagree.
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            pub(crate) const WORDS: &'static [(&'static str, $type)] = &[$(($word, $type::$variant)),+];

            pub(crate) fn as_str(self) -> &'static str {
                match self { $($type::$variant => $word),+ }
            }
        }
    };
}
pub(crate) use words;

words!(DateFormat {
    YearMonthDay = "YYYY-MM-DD",
    Compact = "YYYYMMDD",
    DayMonthYear = "DD/MM/YYYY",
    MonthDayYear = "MM/DD/YYYY",
});
words!(DateTokens { Parts = "parts", Digits = "digits" });
words!(PostcodeSystem { Uk = "uk", Other = "other" });
words!(Identifier { NhsNumber = "nhs_number", Upn = "upn", Uln = "uln" });
