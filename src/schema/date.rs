//! Calendar dates of the proleptic Gregorian calendar.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A calendar date that exists: year 1 to 9999, leap days only in leap years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The date, or `None` where the calendar has no such day.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) {
            return None;
        }
        Some(Date { year, month, day })
    }

    /// Reads `YYYY-MM-DD`; `None` for any other form and for days that do not exist.
    #[must_use]
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        Date::new(digits(&bytes[..4])?, digits(&bytes[5..7])?.try_into().ok()?, digits(&bytes[8..])?.try_into().ok()?)
    }

    /// Today in UTC.
    #[must_use]
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // A clock beyond year 9999 is broken; the last date there is makes every schema expired, which is the safe side.
        let days = i32::try_from(seconds / 86_400).unwrap_or(i32::MAX).min(LAST_DAY - FIRST_OF_1970);
        Date::from_unix_days(days)
    }

    /// The day so many days after 1 January 1970.
    pub(crate) fn from_unix_days(days: i32) -> Self {
        Date::from_number(FIRST_OF_1970 + days)
    }

    /// Days since 1 March 1600, so that leap days come at the end of a year and need no special case (Howard Hinnant,
    /// "chrono-compatible low-level date algorithms").
    #[cfg(any(feature = "audit", feature = "clkhash", feature = "synth", test))]
    pub(crate) fn number(self) -> i32 {
        let (year, month) = (i32::from(self.year) - 1600, i32::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        year * 365 + year.div_euclid(4) - year.div_euclid(100)
            + year.div_euclid(400)
            + (month * 153 + 2) / 5
            + i32::from(self.day)
            - 1
    }

    /// The day of a number that [`number`](Self::number) gives.
    pub(crate) fn from_number(number: i32) -> Self {
        let era = number.div_euclid(146_097);
        let day = number.rem_euclid(146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (year * 365 + year / 4 - year / 100);
        let month = (of_year * 5 + 2) / 153;
        let day = of_year - (month * 153 + 2) / 5 + 1;
        let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
        Date { year: (1600 + era * 400 + year) as u16, month: month as u8, day: day as u8 }
    }

    /// The same day `years` earlier; 29 February becomes the 28th where it has to. The year must be greater than `years`.
    #[cfg(feature = "synth")]
    pub(crate) fn years_before(self, years: u16) -> Self {
        let year = self.year - years;
        Date { year, day: self.day.min(days_in(year, self.month)), ..self }
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.day
    }
}

/// Numbers of 1 January 1970 and of 31 December 9999; a test checks them.
const FIRST_OF_1970: i32 = 135_080;
const LAST_DAY: i32 = 3_067_976;

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// ASCII digits to a number; `None` for anything else. At most four digits.
fn digits(bytes: &[u8]) -> Option<u16> {
    bytes.iter().try_fold(0u16, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_calendar() {
        assert!(Date::new(2000, 2, 29).is_some());
        assert!(Date::new(1900, 2, 29).is_none());
        assert!(Date::new(2024, 2, 29).is_some());
        assert!(Date::new(2023, 2, 29).is_none());
        assert!(Date::new(2023, 4, 31).is_none());
        assert!(Date::new(2023, 0, 1).is_none());
        assert!(Date::new(2023, 13, 1).is_none());
        assert!(Date::new(0, 1, 1).is_none());
    }

    #[test]
    fn reads_iso_only() {
        assert_eq!(Date::parse_iso("2026-11-23"), Date::new(2026, 11, 23));
        for bad in ["2026-11-3", "2026/11/23", "23-11-2026", "2026-11-31", "", "２０２６-11-23", "+026-11-23"] {
            assert_eq!(Date::parse_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_and_dates_are_one_to_one() {
        assert_eq!(Date::new(1970, 1, 1).unwrap().number(), FIRST_OF_1970);
        assert_eq!(Date::new(9999, 12, 31).unwrap().number(), LAST_DAY);
        assert_eq!(Date::from_number(FIRST_OF_1970 + 20_780).to_string(), "2026-11-23");
        let mut expected = Date::new(1896, 1, 1).unwrap().number();
        for year in 1896..2105 {
            for month in 1..=12 {
                for date in (1..=31).filter_map(|day| Date::new(year, month, day)) {
                    assert_eq!(date.number(), expected);
                    assert_eq!(Date::from_number(expected), date);
                    expected += 1;
                }
            }
        }
    }
}
