//! Dates, postcodes and identifiers: what is real, what is not. `docs/encoding.md`, section 3.

use crate::schema::{Date, DateFormat, Identifier};

/// Reads a date in one of the formats. `Ok(None)`: in one of the forms, but no day of the calendar.
pub(crate) fn date(text: &str, formats: &[DateFormat]) -> Result<Option<Date>, Unreadable> {
    let text = text.trim();
    for format in formats {
        let Some([year, month, day]) = split(text, *format) else { continue };
        let date = u8::try_from(month).ok().zip(u8::try_from(day).ok());
        return Ok(date.and_then(|(month, day)| Date::new(year, month, day)));
    }
    Err(Unreadable)
}

/// A text that is in none of the agreed forms.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Year, month, day as numbers, where the text has the format's shape.
fn split(text: &str, format: DateFormat) -> Option<[u16; 3]> {
    match format {
        DateFormat::YearMonthDay => {
            // A time may follow, as databases write it; it is not read.
            let day = match text.find(['T', ' ']) {
                Some(end) if time(&text[end + 1..]) => &text[..end],
                Some(_) => return None,
                None => text,
            };
            let mut parts = day.split('-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let shape = parts.next().is_none() && year.len() == 4 && month.len() == 2 && day.len() == 2;
            shape.then(|| numbers([year, month, day])).flatten()
        }
        DateFormat::Compact => {
            let shape = text.len() == 8 && text.is_ascii();
            shape.then(|| numbers([&text[..4], &text[4..6], &text[6..]])).flatten()
        }
        DateFormat::DayMonthYear | DateFormat::MonthDayYear => {
            let separator = text.chars().find(|c| ['/', '-', '.'].contains(c))?;
            let mut parts = text.split(separator);
            let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
            let short = |part: &str| (1..=2).contains(&part.len());
            let shape = parts.next().is_none() && year.len() == 4 && short(first) && short(second);
            let (month, day) = if format == DateFormat::DayMonthYear { (second, first) } else { (first, second) };
            shape.then(|| numbers([year, month, day])).flatten()
        }
    }
}

/// Something like 00:00, 00:00:00.000 or 00:00:00Z.
fn time(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || [':', '.', 'Z', '+', '-'].contains(&c))
}

fn numbers(parts: [&str; 3]) -> Option<[u16; 3]> {
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(parts) {
        if !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

/// A postcode of the United Kingdom in its parts, from its letters and digits in one piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UkPostcode<'a> {
    /// One or two letters.
    pub(crate) area: &'a str,
    /// Area and district: the outward code.
    pub(crate) outward: &'a str,
    /// The digit of the sector and the two letters of the unit, where there are any.
    pub(crate) inward: Option<&'a str>,
}

/// Shape only: `A9`, `A99`, `A9A`, `AA9`, `AA99`, `AA9A`, alone or followed by `9AA`. Whether it is in use is not known
/// here.
pub(crate) fn uk_postcode(compact: &str) -> Option<UkPostcode<'_>> {
    if !compact.is_ascii() {
        return None;
    }
    let bytes = compact.as_bytes();
    let is_inward = |b: &[u8]| b.len() == 3 && b[0].is_ascii_digit() && b[1..].iter().all(u8::is_ascii_alphabetic);
    let cut = bytes.len().saturating_sub(3);
    if cut >= 2
        && is_inward(&bytes[cut..])
        && let Some(area) = outward(&compact[..cut])
    {
        return Some(UkPostcode { area, outward: &compact[..cut], inward: Some(&compact[cut..]) });
    }
    outward(compact).map(|area| UkPostcode { area, outward: compact, inward: None })
}

/// The area of an outward code.
fn outward(code: &str) -> Option<&str> {
    let letters = code.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = &code.as_bytes()[letters..];
    let district = match rest {
        [first] => first.is_ascii_digit(),
        [first, second] => first.is_ascii_digit() && second.is_ascii_alphanumeric(),
        _ => false,
    };
    ((1..=2).contains(&letters) && district).then(|| &code[..letters])
}

/// Whether an identifier, given as its letters and digits in one piece and in upper case, is whole and its check digit
/// right.
pub(crate) fn identifier(compact: &str, scheme: Identifier) -> bool {
    let bytes = compact.as_bytes();
    match scheme {
        Identifier::NhsNumber => modulus_11(bytes).is_some_and(|remainder| {
            // 11 is written 0; 10 cannot be written, so such numbers are not issued.
            let check = (11 - remainder) % 11;
            check != 10 && check == u32::from(bytes[9] - b'0')
        }),
        Identifier::Uln => modulus_11(bytes).is_some_and(|remainder| {
            // Remainder 0 would need the check digit 10, so such numbers are not issued.
            remainder != 0 && 10 - remainder == u32::from(bytes[9] - b'0')
        }),
        Identifier::Upn => upn(bytes),
    }
}

/// The weighted sum of the first nine of ten digits (10 down to 2), modulo 11. `None` where there are not ten digits,
/// or all are the same, as in numbers that are typed to fill a field.
fn modulus_11(digits: &[u8]) -> Option<u32> {
    let ten = digits.len() == 10 && digits.iter().all(u8::is_ascii_digit);
    if !ten || digits.iter().all(|d| *d == digits[0]) {
        return None;
    }
    Some((2..=10).rev().zip(digits).map(|(weight, digit)| weight * u32::from(digit - b'0')).sum::<u32>() % 11)
}

/// A check letter, then eleven digits, then a digit or (temporary numbers) a letter; the twelve weighted 2 to 13,
/// modulo 23. Department for Education, "Unique pupil numbers: a guide".
fn upn(bytes: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    if bytes.len() != 13 {
        return false;
    }
    let mut sum = 0;
    for (place, &byte) in bytes.iter().enumerate().skip(1) {
        let value = match byte {
            b'0'..=b'9' => usize::from(byte - b'0'),
            letter if place == 12 => match LETTERS.iter().position(|l| *l == letter) {
                Some(value) => value,
                None => return false,
            },
            _ => return false,
        };
        sum += value * (place + 1);
    }
    LETTERS[sum % 23] == bytes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    const UK: [DateFormat; 3] = [DateFormat::YearMonthDay, DateFormat::DayMonthYear, DateFormat::Compact];

    #[test]
    fn dates_in_their_forms() {
        let ninth = Date::new(2011, 7, 9);
        for text in [
            "2011-07-09",
            "09/07/2011",
            "9/7/2011",
            "9.7.2011",
            "09-07-2011",
            "20110709",
            " 2011-07-09 ",
            "2011-07-09T00:00:00",
            "2011-07-09 00:00:00.000",
            "2011-07-09T00:00:00-05:00",
        ] {
            assert_eq!(date(text, &UK), Ok(ninth), "{text}");
        }
        for text in ["2011-02-30", "30/02/2011", "29/02/2023", "20110231", "00/01/2011", "2011-13-01"] {
            assert_eq!(date(text, &UK), Ok(None), "{text}");
        }
        for text in [
            "July 2011",
            "9/7/11",
            "2011",
            "",
            "2011-7-9",
            "201107091",
            "２０１１０７０９",
            "+2011-07-09",
            "9/7/2011/1",
        ] {
            assert_eq!(date(text, &UK), Err(Unreadable), "{text}");
        }
        assert_eq!(date("07/09/2011", &[DateFormat::MonthDayYear]), Ok(ninth));
        assert_eq!(date("29/02/2024", &UK), Ok(Date::new(2024, 2, 29)));
    }

    #[test]
    fn postcodes_by_shape() {
        for (text, area, outward, inward) in [
            ("M11AE", "M", "M1", Some("1AE")),
            ("M601NW", "M", "M60", Some("1NW")),
            ("CR26XH", "CR", "CR2", Some("6XH")),
            ("DN551PT", "DN", "DN55", Some("1PT")),
            ("W1A1HQ", "W", "W1A", Some("1HQ")),
            ("EC1A1BB", "EC", "EC1A", Some("1BB")),
            ("OX1", "OX", "OX1", None),
            ("EC1A", "EC", "EC1A", None),
        ] {
            assert_eq!(uk_postcode(text), Some(UkPostcode { area, outward, inward }), "{text}");
        }
        for text in ["", "OX", "1AA", "OX1 1AA", "OXX11AA", "OX111", "4560", "É11AE", "A"] {
            assert_eq!(uk_postcode(text), None, "{text}");
        }
    }

    #[test]
    fn nhs_numbers() {
        // 943 476 5919 is the worked example of the NHS Data Dictionary.
        assert!(identifier("9434765919", Identifier::NhsNumber));
        for wrong in ["9434765918", "943476591", "94347659190", "9434765A19", "0000000000", "1111111111", ""] {
            assert!(!identifier(wrong, Identifier::NhsNumber), "{wrong}");
        }
    }

    #[test]
    fn one_wrong_digit_is_always_found() {
        for scheme in [Identifier::NhsNumber, Identifier::Uln] {
            let mut valid = 0;
            for n in (1_000_000_000u64..1_000_020_000).step_by(7) {
                let text = n.to_string();
                if !identifier(&text, scheme) {
                    continue;
                }
                valid += 1;
                for place in 0..10 {
                    for digit in b'0'..=b'9' {
                        let mut other = text.clone().into_bytes();
                        if other[place] != digit {
                            other[place] = digit;
                            let other = String::from_utf8(other).unwrap();
                            assert!(!identifier(&other, scheme), "{text} {other}");
                        }
                    }
                }
            }
            assert!(valid > 100);
        }
    }

    #[test]
    fn upns() {
        // Worked by hand: digits 2..=12 are 0 but the last, value 1 × weight 13 = 13, letter 13 is P.
        assert!(identifier("P000000000001", Identifier::Upn));
        // Temporary: last letter A counts 0, so the sum is 0 and the check letter A.
        assert!(identifier("A00000000000A", Identifier::Upn));
        for wrong in ["A000000000001", "P00000000001", "P0000000000011", "P00000A000001", "P00000000000I", ""] {
            assert!(!identifier(wrong, Identifier::Upn), "{wrong}");
        }
    }
}
