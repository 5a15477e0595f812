//! Sets of characters as Python's patterns have them.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::super::letters;

/// The members of a set.
#[derive(Clone, Default)]
pub(super) struct Set {
    /// Ranges of code points, both ends included: surrogates too, which no text has.
    ranges: Vec<(u32, u32)>,
    /// `\d`, `\s`, `\w` and their opposites, which have no case.
    categories: Option<ClassUnicode>,
    negated: bool,
}

impl Set {
    pub(super) fn literal(letter: char) -> Self {
        Set::code(u32::from(letter))
    }

    pub(super) fn code(code: u32) -> Self {
        Set::range(code, code)
    }

    pub(super) fn range(low: u32, high: u32) -> Self {
        Set { ranges: vec![(low, high)], ..Set::default() }
    }

    fn of(class: &ClassUnicode, ascii: bool) -> Self {
        let mut class = class.clone();
        if ascii {
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
            // The separators are spaces in the wide sense only.
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\x1c', '\x1f')]));
        }
        Set { categories: Some(class), ..Set::default() }
    }

    /// The set of an escape such as `\d`.
    pub(super) fn category(letter: char, ascii: bool) -> Option<Self> {
        let class = match letter.to_ascii_lowercase() {
            'd' => &letters::DIGIT,
            's' => &letters::SPACE,
            'w' => &letters::WORD,
            _ => return None,
        };
        let mut set = Set::of(class, ascii);
        if letter.is_ascii_uppercase()
            && let Some(class) = &mut set.categories
        {
            class.negate();
        }
        Some(set)
    }

    /// The one character that was written, where it was one.
    pub(super) fn single(&self) -> Option<u32> {
        match (self.ranges.as_slice(), &self.categories) {
            (&[(low, high)], None) if low == high => Some(low),
            _ => None,
        }
    }

    pub(super) fn add(&mut self, other: &Set) {
        self.ranges.extend(&other.ranges);
        match (&mut self.categories, &other.categories) {
            (Some(all), Some(class)) => all.union(class),
            (all @ None, Some(class)) => *all = Some(class.clone()),
            _ => {}
        }
    }

    pub(super) fn negate(&mut self, negated: bool) {
        self.negated = negated;
    }

    /// All members, as a set of the other syntax.
    pub(super) fn text(&self, ignore_case: bool, ascii: bool) -> String {
        let class = self.class(ignore_case, ascii);
        if let [range] = class.ranges()
            && range.start() == range.end()
        {
            return letter(range.start());
        }
        if class.ranges().is_empty() {
            return "(?!)".into();
        }
        let mut text = String::from("[");
        for range in class.ranges() {
            text += &letter(range.start());
            if range.start() != range.end() {
                text.push('-');
                text += &letter(range.end());
            }
        }
        text.push(']');
        text
    }

    fn class(&self, ignore_case: bool, ascii: bool) -> ClassUnicode {
        let mut class = ClassUnicode::empty();
        for &(low, high) in &self.ranges {
            // Without the surrogates.
            for (low, high) in [(low, high.min(0xd7ff)), (low.max(0xe000), high)] {
                if low <= high
                    && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
                {
                    class.push(ClassUnicodeRange::new(low, high));
                }
            }
        }
        if ignore_case {
            let others: Vec<ClassUnicodeRange> = others(&class, ascii);
            others.into_iter().for_each(|range| class.push(range));
        }
        if let Some(categories) = &self.categories {
            class.union(categories);
        }
        if self.negated {
            class.negate();
        }
        class
    }
}

/// The other cases of what is in a class.
fn others(class: &ClassUnicode, ascii: bool) -> Vec<ClassUnicodeRange> {
    let one = |letter| ClassUnicodeRange::new(letter, letter);
    if ascii {
        let all = ('A'..='Z').chain('a'..='z').filter(|&letter| letters::has(class, letter));
        let swapped = |letter: char| {
            if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() }
        };
        return all.map(swapped).map(one).collect();
    }
    letters::with_cases()
        .filter(|(letter, _)| letters::has(class, *letter))
        .flat_map(|(_, all)| all.iter().copied().map(one))
        .collect()
}

/// A character in the other syntax, inside a set and outside.
fn letter(letter: char) -> String {
    if letter.is_ascii_alphanumeric() {
        return letter.into();
    }
    format!(r"\x{{{:X}}}", u32::from(letter))
}
