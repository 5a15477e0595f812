//! Dates as Python reads them: `datetime.strptime(text, format)` of `CPython` 3.11 in the C locale, where the time zone is
//! UTC.

use std::str::Chars;

use super::letters;
use crate::schema::Date;

/// A format of `strptime`: what `CPython` makes into a regular expression, made into a small matcher of its own.
#[derive(Clone, Debug)]
pub(in crate::clkhash) struct DateFormat {
    items: Vec<Item>,
}

/// A piece of a format.
#[derive(Clone, Debug)]
enum Item {
    /// One space or more.
    Spaces,
    /// One of these characters: a letter in any case.
    Letter(Vec<char>),
    /// What a directive stands for: the first of these forms that lets the rest match.
    Part(char, Vec<Vec<Class>>),
}

/// One character of a form.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// A digit of any script.
    Digit,
    /// An ASCII digit in a range.
    Range(char, char),
    /// An ASCII character, in any case.
    Letter(char),
    /// This character and no other.
    Exactly(char),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The forms of a directive, in the order in which they are tried: `d` is a digit of any script, `[a-b]` an ASCII digit.
fn forms(directive: char) -> Option<&'static str> {
    Some(match directive {
        'd' => "3[0-1]|[1-2]d|0[1-9]|[1-9]| [1-9]",
        'f' => {
            "[0-9][0-9][0-9][0-9][0-9][0-9]|[0-9][0-9][0-9][0-9][0-9]|[0-9][0-9][0-9][0-9]|[0-9][0-9][0-9]|[0-9][0-9]|[0-9]"
        }
        'H' => "2[0-3]|[0-1]d|d",
        'I' | 'm' => "1[0-2]|0[1-9]|[1-9]",
        'j' => "36[0-6]|3[0-5]d|[1-2]dd|0[1-9]d|00[1-9]|[1-9]d|0[1-9]|[1-9]",
        'M' => "[0-5]d|d",
        'S' => "6[0-1]|[0-5]d|d",
        'U' | 'W' => "5[0-3]|[0-4]d|d",
        'w' => "[0-6]",
        'u' => "[1-7]",
        'V' => "5[0-3]|0[1-9]|[1-4]d|d",
        'y' => "dd",
        'Y' | 'G' => "dddd",
        _ => return None,
    })
}

/// Reads what [`forms`] and [`zones`] write.
fn classes(form: &str) -> Vec<Class> {
    let mut letters = form.chars();
    let mut all = Vec::new();
    while let Some(letter) = letters.next() {
        all.push(match letter {
            'd' => Class::Digit,
            '[' => {
                let range: Vec<char> = letters.by_ref().take_while(|&letter| letter != ']').collect();
                Class::Range(range.first().copied().unwrap_or('0'), range.last().copied().unwrap_or('9'))
            }
            'Z' => Class::Exactly('Z'),
            other => Class::Letter(other),
        });
    }
    all
}

/// All forms of `%z`, in the order in which a backtracking matcher tries them.
fn zones() -> Vec<Vec<Class>> {
    let mut all = Vec::new();
    for sign in ['+', '-'] {
        for first in [":", ""] {
            let start = format!("{sign}dd{first}[0-5]d");
            for second in [":", ""] {
                for digits in (0..=6).rev() {
                    let point = if digits == 0 { "" } else { "." };
                    all.push(format!("{start}{second}[0-5]d{point}{}", "d".repeat(digits)));
                }
            }
            all.push(start);
        }
    }
    all.push("Z".into());
    all.iter().map(|form| classes(form)).collect()
}

/// Forms of names.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Vec<Class>> {
    names.into_iter().map(|name| name.chars().map(Class::Letter).collect()).collect()
}

impl DateFormat {
    /// Reads a format. What is wrong with it, where Python would not read it.
    pub(in crate::clkhash) fn new(format: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        add(&mut items, format)?;
        let mut seen = Vec::new();
        for item in &items {
            if let Item::Part(directive, _) = item {
                if seen.contains(directive) {
                    return Err(format!("%{directive} is in the format twice, which Python does not take"));
                }
                seen.push(*directive);
            }
        }
        Ok(Self { items })
    }

    /// Whether the format reads a year: otherwise every date is in 1900.
    pub(in crate::clkhash) fn has_year(&self) -> bool {
        ['Y', 'y', 'G'].into_iter().any(|directive| self.has(directive))
    }

    fn has(&self, wanted: char) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Part(directive, _) if *directive == wanted))
    }

    /// The date in a text: year, month, day.
    pub(in crate::clkhash) fn read(&self, text: &str) -> Option<(u16, u8, u8)> {
        let mut parts = Vec::with_capacity(8);
        let rest = find(&self.items, text, &mut parts)?;
        if rest.is_empty() { Parts::read(&parts)?.date() } else { None }
    }
}

fn add(items: &mut Vec<Item>, format: &str) -> Result<(), String> {
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letters::is_space(letter) {
            while letters.next_if(|&next| letters::is_space(next)).is_some() {}
            items.push(Item::Spaces);
            continue;
        }
        if letter != '%' {
            items.push(Item::Letter(letters::same_letter(letter)));
            continue;
        }
        let directive = letters.next().ok_or("it ends with a stray %; write %% for a percent sign")?;
        let short = |all: &[&'static str]| names(all.iter().map(|name| &name[..3]));
        let whole = |all: &[&'static str]| {
            let mut all = all.to_vec();
            all.sort_by_key(|name| std::cmp::Reverse(name.len()));
            names(all)
        };
        let forms = match directive {
            '%' => {
                items.push(Item::Letter(vec!['%']));
                continue;
            }
            'c' => {
                add(items, "%a %b %d %H:%M:%S %Y")?;
                continue;
            }
            'x' => {
                add(items, "%m/%d/%y")?;
                continue;
            }
            'X' => {
                add(items, "%H:%M:%S")?;
                continue;
            }
            'z' => zones(),
            'a' => short(&WEEKDAYS),
            'A' => whole(&WEEKDAYS),
            'b' => short(&MONTHS),
            'B' => whole(&MONTHS),
            'p' => names(["am", "pm"]),
            'Z' => names(["utc", "gmt"]),
            other => match forms(other) {
                Some(forms) => forms.split('|').map(classes).collect(),
                None => return Err(format!("%{other} is no directive of Python's strptime")),
            },
        };
        items.push(Item::Part(directive, forms));
    }
    Ok(())
}

/// What of a text is left after the first way to match all items, as a backtracking matcher finds it.
fn find<'a>(items: &[Item], text: &'a str, parts: &mut Vec<(char, &'a str)>) -> Option<&'a str> {
    let Some((item, others)) = items.split_first() else { return Some(text) };
    match item {
        Item::Letter(letters) => {
            let mut rest = text.chars();
            letters.contains(&rest.next()?).then_some(())?;
            find(others, rest.as_str(), parts)
        }
        Item::Spaces => {
            let after = text.trim_start_matches(letters::is_space);
            let spaces = &text[..text.len() - after.len()];
            spaces.char_indices().rev().find_map(|(start, space)| {
                let end = start + space.len_utf8();
                find(others, &text[end..], parts)
            })
        }
        Item::Part(directive, forms) => forms.iter().find_map(|form| {
            let rest = after(form, text)?;
            let before = parts.len();
            parts.push((*directive, &text[..text.len() - rest.len()]));
            let found = find(others, rest, parts);
            if found.is_none() {
                parts.truncate(before);
            }
            found
        }),
    }
}

/// What of a text is left after a form.
fn after<'a>(form: &[Class], text: &'a str) -> Option<&'a str> {
    let mut rest: Chars<'a> = text.chars();
    for class in form {
        let letter = rest.next()?;
        let fits = match *class {
            Class::Digit => letters::digit(letter).is_some(),
            Class::Range(start, end) => start <= letter && letter <= end,
            // `re.IGNORECASE` would take `ſ` for `s` too, and `strptime` then finds no such name.
            Class::Letter(wanted) => letter.eq_ignore_ascii_case(&wanted),
            Class::Exactly(wanted) => letter == wanted,
        };
        if !fits {
            return None;
        }
    }
    Some(rest.as_str())
}

/// What the parts of a text say.
struct Parts {
    year: Option<i32>,
    iso_year: Option<i32>,
    month: u8,
    day: u8,
    /// From 0, Monday.
    weekday: Option<i32>,
    /// The day of the year, from 1.
    julian: Option<i32>,
    /// The week, and whether weeks begin on Monday.
    week: Option<(i32, bool)>,
    iso_week: Option<i32>,
}

/// The digits of a part, of which there are at most six, as a number.
fn number(text: &str) -> i32 {
    text.chars().filter_map(letters::digit).fold(0, |number, digit| number * 10 + i32::from(digit))
}

fn place(names: &[&str], text: &str) -> Option<i32> {
    names
        .iter()
        .position(|name| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text)))
        .map(|i| i as i32)
}

impl Parts {
    /// `None` where a part is none after all: a second that a minute does not have, an offset of a day and more.
    fn read(found: &[(char, &str)]) -> Option<Self> {
        let mut parts = Parts {
            year: None,
            iso_year: None,
            month: 1,
            day: 1,
            weekday: None,
            julian: None,
            week: None,
            iso_week: None,
        };
        for &(directive, text) in found {
            if directive == 'z' {
                is_offset(text).then_some(())?;
                continue;
            }
            let value = number(text);
            match directive {
                'y' => parts.year = Some(if value <= 68 { 2000 + value } else { 1900 + value }),
                'Y' => parts.year = Some(value),
                'G' => parts.iso_year = Some(value),
                'm' => parts.month = value as u8,
                'B' | 'b' => parts.month = place(&MONTHS, text)? as u8 + 1,
                'd' => parts.day = value as u8,
                'S' if value > 59 => return None,
                'A' | 'a' => parts.weekday = Some(place(&WEEKDAYS, text)?),
                'w' => parts.weekday = Some((value + 6) % 7),
                'u' => parts.weekday = Some(value - 1),
                'j' => parts.julian = Some(value),
                'U' | 'W' => parts.week = Some((value, directive == 'W')),
                'V' => parts.iso_week = Some(value),
                _ => {}
            }
        }
        Some(parts)
    }

    fn date(self) -> Option<(u16, u8, u8)> {
        if self.year.is_none() && self.iso_year.is_some() {
            if self.iso_week.is_none() || self.weekday.is_none() || self.julian.is_some() {
                return None;
            }
        } else if self.week.is_none() && self.iso_week.is_some() {
            return None;
        }
        // Without a year it is 1900, which was no leap year; Python counts in 1904 where 29 February is named.
        let leap_day = self.year.is_none() && self.month == 2 && self.day == 29;
        let mut year = self.year.unwrap_or(if leap_day { 1904 } else { 1900 });
        let mut julian = self.julian;
        if let (None, Some(weekday)) = (julian, self.weekday) {
            if let Some((week, monday)) = self.week {
                julian = Some(day_of_week(year, week, weekday, monday)?);
            } else if let (Some(iso_year), Some(week)) = (self.iso_year, self.iso_week) {
                let (of_year, day) = day_of_iso_week(iso_year, week, weekday + 1)?;
                (year, julian) = (of_year, Some(day));
            }
            if let Some(day) = julian.as_mut().filter(|day| **day <= 0) {
                year -= 1;
                *day += if is_leap(year) { 366 } else { 365 };
            }
        }
        let date = match julian {
            Some(day) => from_number(first_day(year)? + day - 1)?,
            None => date(year, self.month, self.day)?,
        };
        let year = if leap_day { 1900 } else { date.year() };
        Date::new(year, date.month(), date.day()).map(|date| (date.year(), date.month(), date.day()))
    }
}

/// Whether Python makes a time zone of what `%z` found: below a day, and colons between all its parts or none.
fn is_offset(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() < 5 {
        return true;
    }
    let hours: String = letters[1..3].iter().collect();
    let colon = letters[3] == ':';
    let minutes = if colon { 6 } else { 5 };
    let sound = letters.get(minutes).is_none_or(|&letter| (letter == ':') == colon);
    sound && number(&hours) < 24
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn date(year: i32, month: u8, day: u8) -> Option<Date> {
    let year = u16::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
    Date::new(year, month, day)
}

/// The number of the first day of a year.
fn first_day(year: i32) -> Option<i32> {
    date(year, 1, 1).map(Date::number)
}

/// `None` outside the years 1 to 9999.
fn from_number(number: i32) -> Option<Date> {
    let last = date(9999, 12, 31)?.number();
    (first_day(1)?..=last).contains(&number).then(|| Date::from_number(number))
}

/// From 0, Monday.
fn weekday(number: i32) -> Option<i32> {
    // 1 January 1900 was a Monday.
    Some((number - first_day(1900)?).rem_euclid(7))
}

/// The day of the year, from 1, of a weekday in a week as `%U` and `%W` count them: may be 0 or less.
fn day_of_week(year: i32, week: i32, day: i32, monday: bool) -> Option<i32> {
    let first = weekday(first_day(year)?)?;
    let (first, day) = if monday { (first, day) } else { ((first + 1) % 7, (day + 1) % 7) };
    Some(if week == 0 { 1 + day - first } else { 1 + (7 - first) % 7 + 7 * (week - 1) + day })
}

/// The year and the day of the year of a weekday (from 1, Monday) in a week of ISO 8601.
fn day_of_iso_week(year: i32, week: i32, day: i32) -> Option<(i32, i32)> {
    let fourth = weekday(date(year, 1, 4)?.number())? + 1;
    let day = week * 7 + day - (fourth + 3);
    if day >= 1 {
        return Some((year, day));
    }
    let start = first_day(year)?;
    Some((year - 1, day + start - first_day(year - 1)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: &str, text: &str) -> Option<(u16, u8, u8)> {
        DateFormat::new(format).unwrap().read(text)
    }

    #[test]
    fn dates_are_read_as_python_reads_them() {
        for (format, text, date) in [
            ("%Y%m%d", "1985102", (1985, 10, 2)),
            ("%Y%m%d", "198511", (1985, 1, 1)),
            ("%Y-%m-%d", "0999-12-31", (999, 12, 31)),
            ("%Y-%m-%d", "\u{ff11}985-1-2", (1985, 1, 2)),
            ("%d %m %Y", "2   1\t1985", (1985, 1, 2)),
            ("%d/%m/%y", "1/2/68", (2068, 2, 1)),
            ("%d/%m/%y", " 1/02/69", (1969, 2, 1)),
            ("%d. %B %Y", "3. MARCH 2001", (2001, 3, 3)),
            ("%b%d", "feb28", (1900, 2, 28)),
            ("%Y%j", "2000366", (2000, 12, 31)),
            ("%Y%j", "2001366", (2002, 1, 1)),
            ("%G-W%V-%u", "2004-W53-6", (2005, 1, 1)),
            ("%Y %U %w", "2000 0 0", (1999, 12, 26)),
            ("%c", "Mon Jan  1 00:00:00 1990", (1990, 1, 1)),
            ("%x", "12/31/99", (1999, 12, 31)),
            ("%Y%z", "2000+0100", (2000, 1, 1)),
            ("%%K%Y", "%\u{212a}2000", (2000, 1, 1)),
            ("", "", (1900, 1, 1)),
        ] {
            assert_eq!(read(format, text), Some(date), "{format} {text:?}");
        }
        for (format, text) in [
            ("%Y-%m-%d", "1985-13-02"),
            ("%Y-%m-%d", "1985-02-29"),
            ("%Y-%m-%d", "0000-01-01"),
            ("%Y-%m-%d", " 1985-01-02"),
            ("%Y-%m-%d", "1985-01-02 "),
            ("%Y-%m-%d", "85-01-02"),
            ("%Y-%m-%d", ""),
            ("%d%m", "2902"),
            ("%Y %S", "2000 60"),
            ("%Y%z", "2000+2400"),
            ("%Y%z", "2000+0100:30"),
            ("%Y %V %u", "2000 1 1"),
            ("%G", "2000"),
            ("%a", "\u{17f}at"),
            ("%Y%j", "9999366"),
            ("%Y %m", "2000"),
        ] {
            assert_eq!(read(format, text), None, "{format} {text:?}");
        }
    }

    #[test]
    fn formats_that_python_does_not_read_are_refused() {
        for format in ["%", "%Q", "%Y%", "% Y", "%-d", "%e", "%D", "%Y %Y", "%c %d", "%.", "%é"] {
            assert!(DateFormat::new(format).is_err(), "{format}");
        }
    }

    #[test]
    fn all_digits_are_soon_read() {
        let format = DateFormat::new("%H%I%M%S%m%d%U%W%V%j%f%y%wX").unwrap();
        let start = std::time::Instant::now();
        assert_eq!(format.read(&"1".repeat(1000)), None);
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(year in 1u16..=9999, month in 1u8..=12, day in 1u8..=28) {
            let written = [
                ("%Y-%m-%d", format!("{year:04}-{month:02}-{day:02}")),
                ("%d.%m.%Y", format!("{day}.{month}.{year:04}")),
                ("%B %d, %Y", format!("{} {day}, {year:04}", MONTHS[month as usize - 1])),
            ];
            for (format, text) in written {
                prop_assert_eq!(read(format, &text), Some((year, month, day)));
            }
        }
    }
}
