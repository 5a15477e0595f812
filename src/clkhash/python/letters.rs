//! Letters as Python 3.11 knows them: Unicode 14.0, whatever version Rust and its crates are at.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

/// A class of characters by name, without those that came after Unicode 14.0.
fn class(members: &str) -> ClassUnicode {
    let class = |text: &str| match regex_syntax::parse(text).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        _ => ClassUnicode::empty(),
    };
    let mut all = class(members);
    all.intersect(&class(r"\p{Age=14.0}"));
    all
}

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $members:expr;)*) => {
        $($(#[$doc])* pub(in crate::clkhash) static $name: LazyLock<ClassUnicode> = LazyLock::new(|| class($members));)*
    };
}

classes! {
    /// What is assigned.
    ASSIGNED = r"[\s\S]";
    /// `\d`: decimal digits of any script.
    DIGIT = r"\p{Nd}";
    /// `\w`: `str.isalnum` and the underscore. Unlike elsewhere, no combining marks.
    WORD = r"[\p{L}\p{N}_]";
    /// `\s`: `str.isspace`.
    SPACE = r"[\s\x1c-\x1f]";
    /// With what an identifier begins.
    IDENTIFIER_START = r"[\p{XID_Start}_]";
    /// With what it goes on: four of these characters came later.
    IDENTIFIER_CONTINUE = r"[\p{XID_Continue}--\x{200C}\x{200D}\x{30FB}\x{FF65}]";
}

/// Whether a class has a character.
pub(in crate::clkhash) fn has(class: &ClassUnicode, letter: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < letter);
    ranges.get(at).is_some_and(|range| range.start() <= letter)
}

/// The value of a decimal digit of any script.
pub(in crate::clkhash) fn digit(letter: char) -> Option<u8> {
    if letter.is_ascii() {
        return letter.to_digit(10).map(|digit| digit as u8);
    }
    let ranges = DIGIT.ranges();
    let range = ranges.get(ranges.partition_point(|range| range.end() < letter))?;
    // Every range is one or more runs from 0 to 9.
    (u32::from(letter)).checked_sub(u32::from(range.start())).map(|place| (place % 10) as u8)
}

/// Python's `str.isspace` for one character.
pub(in crate::clkhash) fn is_space(letter: char) -> bool {
    matches!(letter, '\t'..='\r' | '\x1c'..=' ') || !letter.is_ascii() && has(&SPACE, letter)
}

/// What Python's `str.upper` makes of a character.
fn upper(letter: char) -> impl Iterator<Item = char> + Clone {
    known(letter, letter.to_uppercase())
}

/// What Python's `str.lower` makes of a character, but for the sigma at the end of a word.
fn lower(letter: char) -> impl Iterator<Item = char> + Clone {
    known(letter, letter.to_lowercase())
}

/// Another case that came after Unicode 14.0 is none.
fn known(letter: char, other: impl Iterator<Item = char> + Clone) -> impl Iterator<Item = char> + Clone {
    let kept = has(&ASSIGNED, letter) && other.clone().all(|letter| has(&ASSIGNED, letter));
    let itself = (!kept).then_some(letter);
    other.filter(move |_| kept).chain(itself)
}

/// Python's `text.upper() == text`.
pub(in crate::clkhash) fn is_upper(text: &str) -> bool {
    text.chars().all(|letter| if letter.is_ascii() { !letter.is_ascii_lowercase() } else { upper(letter).eq([letter]) })
}

/// Python's `text.lower() == text`. The only rule that looks at neighbours makes a small sigma of a capital one, which is
/// a change whichever it makes.
pub(in crate::clkhash) fn is_lower(text: &str) -> bool {
    text.chars().all(|letter| if letter.is_ascii() { !letter.is_ascii_uppercase() } else { lower(letter).eq([letter]) })
}

/// The characters that are one letter to Python's `re.IGNORECASE`, in order: only those that are not alone.
static SAME_LETTER: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut by_name: BTreeMap<String, Vec<char>> = BTreeMap::new();
    for letter in '\0'..=char::MAX {
        // Python takes the one-character lower case, which İ alone does not have in Rust.
        let small = if letter == 'İ' { 'i' } else { lower(letter).next().unwrap_or(letter) };
        let name: String = upper(small).collect();
        if small != letter || !upper(letter).eq([letter]) {
            by_name.entry(name).or_default().push(letter);
        }
    }
    let classes = by_name.into_values().filter(|class| class.len() > 1);
    classes.flat_map(|class| class.clone().into_iter().map(move |letter| (letter, class.clone()))).collect()
});

/// The characters that are the same letter as this one to Python's `re.IGNORECASE`, this one among them.
pub(in crate::clkhash) fn same_letter(letter: char) -> Vec<char> {
    // Digits and marks are most of what formats hold, and the table takes a tenth of a second to make.
    if letter.is_ascii() && !letter.is_ascii_alphabetic() {
        return vec![letter];
    }
    SAME_LETTER.get(&letter).cloned().unwrap_or_else(|| vec![letter])
}

/// All characters that are not alone in [`same_letter`], with what they are the same as.
pub(in crate::clkhash) fn with_cases() -> impl Iterator<Item = (char, &'static [char])> {
    SAME_LETTER.iter().map(|(&letter, all)| (letter, all.as_slice()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn known_answers() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/clkhash/python-unicode.json")).unwrap()
    }

    fn check(name: &str, has: impl Fn(char) -> bool) {
        let answers = known_answers();
        let number = |value: &Value| value.as_u64().unwrap() as u32;
        let ranges: Vec<(u32, u32)> =
            answers[name].as_array().unwrap().iter().map(|range| (number(&range[0]), number(&range[1]))).collect();
        assert!(ranges.len() > 5);
        for letter in '\0'..=char::MAX {
            let code = u32::from(letter);
            let expected = ranges.iter().any(|&(start, end)| start <= code && code <= end);
            assert_eq!(has(letter), expected, "{name}: U+{code:04X}");
        }
    }

    #[test]
    fn classes_are_those_of_python() {
        check("word", |letter| has(&WORD, letter));
        check("space", |letter| has(&SPACE, letter));
        check("space", is_space);
        check("digit", |letter| has(&DIGIT, letter));
        check("digit", |letter| digit(letter).is_some());
        check("identifier_start", |letter| has(&IDENTIFIER_START, letter));
        check("identifier_continue", |letter| has(&IDENTIFIER_CONTINUE, letter));
    }

    #[test]
    fn digits_have_the_values_of_python() {
        for (letter, value) in [('0', 0), ('9', 9), ('\u{ff15}', 5), ('\u{669}', 9), ('\u{1d7ce}', 0), ('\u{1d7ff}', 9)]
        {
            assert_eq!(digit(letter), Some(value));
        }
        assert_eq!(digit('½'), None);
    }

    #[test]
    fn cases_are_those_of_python() {
        check("upper_changes", |letter| !is_upper(&letter.to_string()));
        check("lower_changes", |letter| !is_lower(&letter.to_string()));
        assert!(is_lower("ας") && is_lower("ασ") && !is_lower("αΣ"));
        assert!(is_upper("ÉCLAIR 12") && !is_upper("STRAßE") && !is_upper("ŉ") && !is_upper("ǅ") && !is_lower("ǅ"));
    }

    #[test]
    fn letters_are_the_same_as_in_python() {
        let answers = known_answers();
        let mut classes: HashMap<char, Vec<char>> = HashMap::new();
        for class in answers["same_letter"].as_array().unwrap() {
            let class: Vec<char> = class
                .as_array()
                .unwrap()
                .iter()
                .map(|code| char::from_u32(code.as_u64().unwrap() as u32).unwrap())
                .collect();
            class.iter().for_each(|&letter| drop(classes.insert(letter, class.clone())));
        }
        assert!(classes.len() > 2000);
        for letter in '\0'..=char::MAX {
            let expected = classes.get(&letter).cloned().unwrap_or_else(|| vec![letter]);
            assert_eq!(same_letter(letter), expected, "U+{:04X}", u32::from(letter));
        }
    }
}
