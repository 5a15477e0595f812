//! From what a file says to what is encoded. `docs/encoding.md`, section 3.
//!
//! Both sides of a linkage must do this to the letter, or nothing links; every step here is in that document.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters that Unicode does not decompose, and what they become. Upper case only: case is folded first.
const LETTERS: [(char, &str); 25] = [
    ('Æ', "AE"),
    ('Ð', "D"),
    ('Ø', "O"),
    ('Þ', "TH"),
    ('ẞ', "SS"),
    ('Đ', "D"),
    ('Ħ', "H"),
    ('ĸ', "K"),
    ('Ł', "L"),
    ('Ŋ', "N"),
    ('Œ', "OE"),
    ('Ŧ', "T"),
    ('Ɓ', "B"),
    ('Ɔ', "O"),
    ('Ɖ', "D"),
    ('Ɗ', "D"),
    ('Ə', "A"),
    ('Ɛ', "E"),
    ('Ɣ', "G"),
    ('Ɨ', "I"),
    ('Ƙ', "K"),
    ('Ɲ', "N"),
    ('Ƴ', "Y"),
    ('Ʉ', "U"),
    ('Ʋ', "V"),
];

/// Apostrophes and what is typed for them. Deleted, so that O'Connor and OConnor are one.
const APOSTROPHES: [char; 13] = [
    '\'', '`', '´', '\u{02B9}', '\u{02BB}', '\u{02BC}', '\u{02BD}', '\u{02BE}', '\u{02BF}', '\u{2018}', '\u{2019}',
    '\u{2032}', '\u{FF07}',
];

/// Words before a name that are no part of it.
const TITLES: [&str; 16] = [
    "MR",
    "MRS",
    "MISS",
    "MS",
    "MX",
    "MASTER",
    "DR",
    "PROF",
    "PROFESSOR",
    "REV",
    "REVD",
    "SIR",
    "LADY",
    "LORD",
    "DAME",
    "MSTR",
];

/// Particles that are written now with a space and now without.
const PARTICLES: [&str; 3] = ["MAC", "MC", "O"];

/// Splits a text into parts of upper-case letters and digits: marks and apostrophes gone, special letters folded,
/// everything else a gap.
pub(crate) fn parts(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    // Plain ASCII, which is nearly everything, needs none of Unicode's tables.
    if text.is_ascii() {
        for c in text.chars().filter(|c| !APOSTROPHES.contains(c)) {
            push(&mut parts, &mut part, c.to_ascii_uppercase());
        }
    } else {
        let upper = text.chars().filter(|c| !APOSTROPHES.contains(c)).nfkd().flat_map(char::to_uppercase);
        for c in upper.nfkd().filter(|&c| !is_combining_mark(c) && !APOSTROPHES.contains(&c)) {
            match LETTERS.iter().find(|(letter, _)| *letter == c) {
                Some((_, folded)) => folded.chars().for_each(|c| push(&mut parts, &mut part, c)),
                None => push(&mut parts, &mut part, c),
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn push(parts: &mut Vec<String>, part: &mut String, c: char) {
    if c.is_alphanumeric() {
        part.push(c);
    } else if !part.is_empty() {
        parts.push(std::mem::take(part));
    }
}

/// The parts of a personal name: titles dropped, particles joined to what follows them. At least one part stays.
pub(crate) fn name_parts(text: &str) -> Vec<String> {
    let mut parts = parts(text);
    while parts.len() > 1 && TITLES.contains(&parts[0].as_str()) {
        parts.remove(0);
    }
    let mut joined: Vec<String> = Vec::with_capacity(parts.len());
    let mut particle = String::new();
    for part in parts {
        if PARTICLES.contains(&part.as_str()) {
            particle.push_str(&part);
        } else {
            joined.push(std::mem::take(&mut particle) + &part);
        }
    }
    if !particle.is_empty() {
        joined.push(particle);
    }
    joined
}

/// Letters and digits only, upper case, in one piece.
pub(crate) fn compact(text: &str) -> String {
    parts(text).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        name_parts(text).join(" ")
    }

    #[test]
    fn names_of_the_mission() {
        for (text, normal) in [
            ("Muhammad", "MUHAMMAD"),
            ("  li ", "LI"),
            ("Ng", "NG"),
            ("O'Connor", "OCONNOR"),
            ("O’Connor", "OCONNOR"),
            ("O´Connor", "OCONNOR"),
            ("O Connor", "OCONNOR"),
            ("Mc Donald", "MCDONALD"),
            ("Siobhán", "SIOBHAN"),
            ("Siobha\u{301}n", "SIOBHAN"),
            ("Łukasik", "LUKASIK"),
            ("Smith-Jones", "SMITH JONES"),
            ("Smith\u{2011}Jones", "SMITH JONES"),
            ("Zoë", "ZOE"),
            ("Strauß", "STRAUSS"),
            ("STRAUẞ", "STRAUSS"),
            ("Ærøskøbing", "AEROSKOBING"),
            ("Şükrü İnönü ıŞıK", "SUKRU INONU ISIK"),
            ("Nguyễn Thị", "NGUYEN THI"),
            ("Ｌｉ", "LI"),
            ("Мария", "МАРИЯ"),
            ("李小龍", "李小龍"),
            ("Mr. Dr John", "JOHN"),
            ("Master", "MASTER"),
            ("O", "O"),
            ("D'Souza", "DSOUZA"),
            ("--", ""),
            ("\u{301}", ""),
            ("", ""),
        ] {
            assert_eq!(name(text), normal, "{text}");
        }
    }

    #[test]
    fn normal_form_is_stable() {
        for text in ["Łukasik-O'Connor", "ŉ", "ΐ", "ﬁ", "½", "①", "ǰ", "ẞ", "Ⅷ", "㎏", "ﷺ"] {
            let once = parts(text).join(" ");
            assert_eq!(parts(&once).join(" "), once, "{text}");
        }
    }
}
