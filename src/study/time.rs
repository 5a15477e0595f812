//! School terms and months, and time relative to an event.

use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::schema::Date;

/// A piece of time that is counted on from another: a term, or a month.
pub trait Period: Copy + Ord + Hash + fmt::Debug + fmt::Display {
    /// The one that a day is in.
    fn of(date: Date) -> Self;
    /// How many after another; negative where it is before.
    fn since(self, other: Self) -> i32;
    /// The one that comes so many later.
    #[must_use]
    fn plus(self, count: i32) -> Self;
    /// Its first month.
    fn first_month(self) -> Month;
    /// Reads what `Display` writes.
    fn parse(text: &str) -> Option<Self>;
}

/// A month of a year. As text: `2023-11`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// `None` where there is none: month 0 or above 12, or a year that is not 1 to 9999.
    #[must_use]
    pub fn new(year: u16, month: u8) -> Option<Self> {
        Date::new(year, month, 1).map(Month::of)
    }

    /// Whole years from another month to this one, rounded down: an age.
    #[must_use]
    pub fn years_since(self, other: Month) -> i32 {
        (self.0 - other.0).div_euclid(12)
    }

    /// The calendar year.
    #[must_use]
    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }
}

impl Period for Month {
    fn of(date: Date) -> Self {
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    fn since(self, other: Self) -> i32 {
        self.0 - other.0
    }

    fn plus(self, count: i32) -> Self {
        Month(self.0.saturating_add(count))
    }

    fn first_month(self) -> Month {
        self
    }

    fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Month::new(year.parse().ok()?, month.parse().ok()?)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A school term in England: autumn from September, spring from January, summer from April (Easter moves; a month is near
/// enough for counting terms). As text, with the calendar year in which it begins: `2023-autumn`, `2024-spring`,
/// `2024-summer`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(i32);

/// Terms of a calendar year, in its order, with their first months.
const TERMS: [(&str, u8); 3] = [("spring", 1), ("summer", 4), ("autumn", 9)];

impl Period for Term {
    fn of(date: Date) -> Self {
        let season = match date.month() {
            1..=3 => 0,
            4..=8 => 1,
            _ => 2,
        };
        Term(i32::from(date.year()) * 3 + season)
    }

    fn since(self, other: Self) -> i32 {
        self.0 - other.0
    }

    fn plus(self, count: i32) -> Self {
        Term(self.0.saturating_add(count))
    }

    fn first_month(self) -> Month {
        let (_, month) = TERMS[self.0.rem_euclid(3) as usize];
        Month(self.0.div_euclid(3) * 12 + i32::from(month) - 1)
    }

    fn parse(text: &str) -> Option<Self> {
        let (year, season) = text.split_once('-')?;
        let (_, month) = TERMS.into_iter().find(|(name, _)| *name == season)?;
        let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        Some(Term::of(Date::new(Some(year).filter(|_| digits)?.parse().ok()?, month, 1)?))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{}", self.0.div_euclid(3), TERMS[self.0.rem_euclid(3) as usize].0)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A stretch of time relative to each child's own event: periods from one to another, both included; 0 is that of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How it is called.
    pub name: String,
    /// The first period.
    pub from: i32,
    /// The last one.
    pub to: i32,
}

/// Which moments are looked at, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline<P> {
    /// The rows of tables.
    pub windows: Vec<Window>,
    /// How old a child must be at the beginning of every period of a window, in whole years, to be counted there.
    pub ages: RangeInclusive<i32>,
    /// Periods that are left out: schools closed for a pandemic. A window with one of them does not count.
    pub excluded: Vec<P>,
    /// What the data covers. A window that goes beyond does not count.
    pub covered: RangeInclusive<P>,
}

impl Timeline<Term> {
    /// A study's school terms: every term from 12 before the event to 8 after, at ages 5 to 18, without the two terms of 2020
    /// and 2021 in which schools in England were closed to most children (and summer 2020, when few were back).
    #[must_use]
    pub fn school_terms(covered: RangeInclusive<Term>) -> Self {
        let window = |at: i32| Window { name: format!("term {at:+}"), from: at, to: at };
        let excluded = ["2020-spring", "2020-summer", "2021-spring"].into_iter().filter_map(Term::parse).collect();
        Timeline { windows: (-12..=8).map(window).collect(), ages: 5..=18, excluded, covered }
    }
}

impl Timeline<Month> {
    /// A study's five points of social care: the month before the event, that of it, the month after, and within three and
    /// six months after. At ages 0 to 18.
    #[must_use]
    pub fn five_points(covered: RangeInclusive<Month>) -> Self {
        let points = [
            ("the month before", -1, -1),
            ("the month of the event", 0, 0),
            ("the month after", 1, 1),
            ("within 3 months after", 1, 3),
            ("within 6 months after", 1, 6),
        ];
        let window = |(name, from, to): (&str, i32, i32)| Window { name: name.to_owned(), from, to };
        Timeline { windows: points.map(window).into(), ages: 0..=18, excluded: Vec::new(), covered }
    }
}

impl<P: Period> Timeline<P> {
    /// The periods of a window for a child, or `None` where it does not count: not of the age (or of none that is known), not
    /// covered, or left out.
    pub(super) fn periods(&self, window: &Window, event: Date, born: Option<Month>) -> Option<impl Iterator<Item = P>> {
        let (event, born) = (P::of(event), born?);
        let (from, to) = (window.from, window.to);
        let counts = |at: i32| {
            let period = event.plus(at);
            self.ages.contains(&period.first_month().years_since(born))
                && self.covered.contains(&period)
                && !self.excluded.contains(&period)
        };
        (from <= to && (from..=to).all(counts)).then(|| (from..=to).map(move |at| event.plus(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse_iso(text).unwrap()
    }

    #[test]
    fn terms_and_months_are_counted_on() {
        for (day, term, month) in [
            ("2023-09-01", "2023-autumn", "2023-09"),
            ("2023-12-31", "2023-autumn", "2023-12"),
            ("2024-01-01", "2024-spring", "2024-01"),
            ("2024-02-29", "2024-spring", "2024-02"),
            ("2024-03-31", "2024-spring", "2024-03"),
            ("2024-04-01", "2024-summer", "2024-04"),
            ("2024-08-31", "2024-summer", "2024-08"),
        ] {
            assert_eq!(
                (Term::of(date(day)).to_string(), Month::of(date(day)).to_string()),
                (term.into(), month.into())
            );
            assert_eq!(
                (Term::parse(term), Month::parse(month)),
                (Some(Term::of(date(day))), Some(Month::of(date(day))))
            );
        }
        let autumn = Term::parse("2023-autumn").unwrap();
        assert_eq!(autumn.plus(1).to_string(), "2024-spring");
        assert_eq!(autumn.plus(-1).to_string(), "2023-summer");
        assert_eq!(autumn.plus(-12).to_string(), "2019-autumn");
        assert_eq!(autumn.plus(8).since(autumn), 8);
        assert_eq!(autumn.first_month().to_string(), "2023-09");
        assert_eq!(Month::of(date("2024-02-29")).plus(-2).to_string(), "2023-12");
        for bad in ["2023", "2023-winter", "23-autumn", "+023-autumn", "2023-Autumn", ""] {
            assert_eq!(Term::parse(bad), None, "{bad}");
        }
        for bad in ["2023-13", "2023-1", "2023-00", "0000-01", "+023-01", "2023-+1", "2023-01-01"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_leap_day_is_an_event_like_another() {
        let terms = Timeline::school_terms(Term::parse("2010-autumn").unwrap()..=Term::parse("2030-autumn").unwrap());
        let months = Timeline::five_points(Month::new(2020, 1).unwrap()..=Month::new(2030, 1).unwrap());
        let born = Month::new(2014, 5);
        for (one, other) in [("2024-02-29", "2024-02-28"), ("2024-02-29", "2024-02-01")] {
            for window in &terms.windows {
                let of = |day| terms.periods(window, date(day), born).map(Iterator::collect::<Vec<_>>);
                assert_eq!(of(one), of(other));
            }
            for window in &months.windows {
                let of = |day| months.periods(window, date(day), born).map(Iterator::collect::<Vec<_>>);
                assert_eq!(of(one), of(other));
                assert!(of(one).is_some());
            }
        }
    }

    #[test]
    fn a_window_counts_for_the_right_age_in_covered_terms() {
        let terms = Timeline::school_terms(Term::parse("2018-autumn").unwrap()..=Term::parse("2024-summer").unwrap());
        let named = |at: i32| Window { name: String::new(), from: at, to: at };
        let counts = |at, born| terms.periods(&named(at), date("2022-02-10"), born).is_some();
        let born = Month::new(2012, 3);
        assert!(counts(0, born) && counts(-1, born));
        assert!(!counts(0, None), "an age that is not known is not the right one");
        assert!(!counts(-3, born), "2021-spring: schools were closed");
        assert!(!counts(-6, born) && !counts(-5, born) && counts(-7, born), "2020-spring, 2020-summer");
        assert!(!counts(8, born), "2024-autumn is not covered");
        assert!(counts(7, born));
        // Five in January 2022: at the first day of that term, and not in the one before.
        assert!(counts(0, Month::new(2017, 1)) && !counts(0, Month::new(2017, 2)));
        // Eighteen until the nineteenth birthday.
        assert!(counts(0, Month::new(2003, 2)) && !counts(0, Month::new(2003, 1)));
    }
}
