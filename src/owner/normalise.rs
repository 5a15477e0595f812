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

/// Replaces what `out` holds by the parts of a text, with single spaces: runs of upper-case letters and digits, marks and
/// apostrophes gone, special letters folded, everything else a gap.
pub(crate) fn spaced(text: &str, out: &mut String) {
    out.clear();
    // Plain ASCII, which is nearly everything, needs none of Unicode's tables.
    if text.is_ascii() {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                out.push(byte.to_ascii_uppercase().into());
            } else if byte != b'\'' && byte != b'`' {
                gap(out);
            }
        }
    } else {
        let upper = text.chars().filter(|c| !APOSTROPHES.contains(c)).nfkd().flat_map(char::to_uppercase);
        for c in upper.nfkd().filter(|&c| !is_combining_mark(c) && !APOSTROPHES.contains(&c)) {
            match LETTERS.iter().find(|(letter, _)| *letter == c) {
                Some((_, folded)) => out.push_str(folded),
                None if c.is_alphanumeric() => out.push(c),
                None => gap(out),
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
}

fn gap(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// As [`spaced`], for a personal name: titles dropped, particles joined to what follows them. At least one part stays.
pub(crate) fn name(text: &str, out: &mut String) {
    spaced(text, out);
    while let Some(end) = out.find(' ').filter(|&end| TITLES.contains(&&out[..end])) {
        out.drain(..=end);
    }
    let mut start = 0;
    while let Some(length) = out[start..].find(' ') {
        let end = start + length;
        if PARTICLES.contains(&&out[start..end]) {
            out.remove(end);
            start = end;
        } else {
            start = end + 1;
        }
    }
}

/// As [`spaced`], in one piece.
pub(crate) fn compact(text: &str, out: &mut String) {
    spaced(text, out);
    out.retain(|c| c != ' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(normalise: fn(&str, &mut String), text: &str) -> String {
        let mut out = "what was there before".to_owned();
        normalise(text, &mut out);
        out
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
            ("Mac Mc O", "MACMCO"),
            ("Sir O Mac Neil O", "OMACNEIL O"),
            ("Sir Dr", "DR"),
            ("--", ""),
            ("\u{301}", ""),
            ("", ""),
        ] {
            assert_eq!(of(name, text), normal, "{text}");
        }
    }

    #[test]
    fn normal_form_is_stable() {
        for text in ["Łukasik-O'Connor", "ŉ", "ΐ", "ﬁ", "½", "①", "ǰ", "ẞ", "Ⅷ", "㎏", "ﷺ"] {
            let once = of(spaced, text);
            assert_eq!(of(spaced, &once), once, "{text}");
        }
    }
}
