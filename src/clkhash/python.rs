//! Numbers as Python reads them: `int(text, 10)` and `float(text)` of `CPython` 3.11.

pub(super) mod date;
pub(super) mod letters;
pub(super) mod regex;

use std::borrow::Cow;

use num_bigint::BigInt;

/// `CPython` reads no longer integer, and prints none.
pub(super) const MOST_DIGITS: usize = 4300;

/// Python's `int(text, 10)`: spaces around, one sign, decimal digits of any script, single underscores between digits, at
/// most [`MOST_DIGITS`] digits.
pub(super) fn integer(text: &str) -> Option<BigInt> {
    let text = plain(text);
    let text = trim(&text);
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = without_underscores(unsigned)?;
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = BigInt::parse_bytes(digits.as_bytes(), 10)?;
    Some(if negative { -number } else { number })
}

/// Python's `float(text)`: spaces around, digits of any script, single underscores between digits, `inf` and `nan` in any
/// case. What is too large is infinite.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = plain(text);
    let text = without_underscores(trim(&text))?;
    // Rust takes the same words and forms, and nothing else.
    text.parse().ok()
}

/// Other scripts' digits as ASCII digits and other spaces as ASCII spaces. A text in ASCII stays as it is, which matters:
/// the separators U+001C to U+001F are spaces to Python, and yet `int` does not trim them.
fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|letter| match letters::digit(letter) {
                _ if letter.is_ascii() => letter,
                Some(digit) => char::from(b'0' + digit),
                None if letters::is_space(letter) => ' ',
                // What is no part of a number.
                None => '?',
            })
            .collect(),
    )
}

/// Without the spaces of C around it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// `None` where an underscore is not between two digits.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let digit = |place: Option<usize>| place.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let sound = (0..bytes.len()).all(|i| bytes[i] != b'_' || digit(i.checked_sub(1)) && digit(Some(i + 1)));
    sound.then(|| Cow::Owned(text.replace('_', "")))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("007", 7),
            (" \t\n\r\x0b\x0c12\u{20}", 12),
            ("1_0_0", 100),
            ("\u{ff11}\u{ff12}", 12),
            ("-\u{663}", -3),
            ("\u{3000}5\u{a0}", 5),
            ("5\u{85}", 5),
            ("\u{1d7ce}\u{1d7d9}\u{1d7ff}", 19),
        ] {
            assert_eq!(integer(text), Some(BigInt::from(number)), "{text:?}");
        }
        for text in [
            "",
            " ",
            "+",
            "-",
            "--1",
            "+-1",
            "1__0",
            "_1",
            "1_",
            "1 0",
            "1.0",
            "1e3",
            "0x10",
            "0b1",
            "½",
            "²",
            "一",
            "\x1c5",
            "\x1c\u{ff15}",
            "5\0",
            "\u{feff}5",
            "- 5",
            "١_",
            "\u{11f51}",
            "−5",
            "\u{200b}5",
        ] {
            assert_eq!(integer(text), None, "{text:?}");
        }
        assert_eq!(integer(&"1".repeat(4300)).map(|n| n.to_string().len()), Some(4300));
        assert_eq!(integer(&"1".repeat(4301)), None);
        assert_eq!(integer(&"0".repeat(4301)), None);
        assert_eq!(integer(&vec!["1"; 4300].join("_")).map(|n| n.to_string().len()), Some(4300));
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        for (text, number) in [
            ("1.5", 1.5),
            (" .5\n", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1_0.0_1e1_0", 10.01e10),
            ("-INF", f64::NEG_INFINITY),
            ("iNfinity", f64::INFINITY),
            ("1e400", f64::INFINITY),
            ("\u{661}\u{662}.\u{665}", 12.5),
            ("\u{a0}3\u{2003}", 3.0),
            ("1.e5", 1e5),
        ] {
            assert_eq!(float(text), Some(number), "{text:?}");
        }
        assert!(float("+nan").is_some_and(f64::is_nan));
        assert!(float("-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
        for text in ["", ".", "e5", "1e", "1_.5", "1._5", "1e_5", "0x1p3", "1,5", "nan(1)", "in", "+ 1", "1 2", "i_nf"]
        {
            assert_eq!(float(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_integer_is_what_it_prints(number: i128) {
            prop_assert_eq!(integer(&number.to_string()), Some(BigInt::from(number)));
        }

        #[test]
        fn a_float_is_what_it_prints(number: f64) {
            let read = float(&format!("{number:e}"));
            prop_assert!(read == Some(number) || number.is_nan() && read.is_some_and(f64::is_nan));
        }

        #[test]
        fn any_text_is_read_or_not(text in "[0-9_+\\-. einfa\\u{a0}\\u{ff10}-\\u{ff19}\\x1c]{0,12}") {
            if let Some(number) = integer(&text) {
                prop_assert!(float(&text).is_some());
                prop_assert_eq!(integer(&number.to_string()), Some(number));
            }
        }
    }
}
