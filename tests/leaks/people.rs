//! People whose values are found wherever they turn up.

use sha2::{Digest, Sha256};

use crate::markers::Markers;

/// What the values of a field have in common, or all there are of them.
pub(crate) const VALUES: [(&str, &str); 30] = [
    ("a forename", "Zqxanthe"),
    ("a forename with an accent", "Zqxánthe"),
    ("a surname", "Quyzbornek"),
    ("an own id", "ZQXID-"),
    ("who a row is", "zqxwho"),
    ("a date", "1987-06-11"),
    ("a date", "1987-06-12"),
    ("a date", "1987-06-13"),
    ("a date", "1987-06-14"),
    ("a date", "1987-06-15"),
    ("a date", "1987-06-16"),
    ("a date", "11/06/1987"),
    ("a date", "12/06/1987"),
    ("a date", "13/06/1987"),
    ("a date", "14/06/1987"),
    ("a date", "15/06/1987"),
    ("a date", "16/06/1987"),
    ("a date", "06/13/1987"),
    ("a date", "06/14/1987"),
    ("a date", "1987-02-30"),
    ("a date as Debug has it", "year: 1987, month: 6"),
    ("a postcode", "ZQ7 4QX"),
    ("a postcode", "ZQ8 4QX"),
    ("a postcode", "ZQ9 4QX"),
    ("a postcode", "ZQ7 5QX"),
    ("a postcode", "ZQ8 5QX"),
    ("a postcode", "ZQ9 5QX"),
    ("no postcode", "ZQX-NOWHERE"),
    ("no date", "ZQX-SOMEDAY"),
    ("no number", "ZQX-NUMBER"),
];

/// Parts of values, too short to be searched inside words.
pub(crate) const WORDS: [(&str, &str); 4] =
    [("1987", "a year"), ("zq7", "half a postcode"), ("zq8", "half a postcode"), ("zq9", "half a postcode")];

/// Enough to be released without a reason, and to be audited.
pub(crate) const PEOPLE: usize = 130;

pub(crate) const HEADER: &str = "record_id,forename,surname,date_of_birth,sex,postcode,nhs_number,upn,who,part\n";

#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) forename: String,
    pub(crate) surname: String,
    pub(crate) date: String,
    pub(crate) postcode: String,
    pub(crate) nhs_number: String,
    pub(crate) upn: String,
    pub(crate) who: String,
}

pub(crate) fn person(number: usize) -> Person {
    let forename = if number % 10 == 9 { "Zqxánthe" } else { "Zqxanthe" };
    Person {
        id: format!("ZQXID-{number:04}"),
        forename: format!("{forename}{}", letters(number * 7 + 1)),
        surname: format!("Quyzbornek{}", letters(number / 2 * 13 + 5)),
        date: format!("1987-06-{}", 11 + number % 6),
        postcode: format!("ZQ{} {}QX", 7 + number % 3, 4 + number / 3 % 2),
        nhs_number: nhs_number(number),
        upn: upn(number),
        who: format!("zqxwho{number}"),
    }
}

impl Person {
    pub(crate) fn line(&self, separator: char) -> String {
        let Person { id, forename, surname, date, postcode, nhs_number, upn, who } = self;
        let part = if id.ends_with(['0', '2', '4', '6', '8']) { "north" } else { "south" };
        let sex = if part == "north" { "F" } else { "M" };
        let values: [&str; 10] = [id, forename, surname, date, sex, postcode, nhs_number, upn, who, part];
        values.join(&separator.to_string()) + "\n"
    }

    /// In the order of the fields of `uk_person.toml`.
    pub(crate) fn values(&self) -> Vec<String> {
        let Person { forename, surname, date, postcode, nhs_number, upn, .. } = self;
        [forename, surname, date, "M", postcode, nhs_number, upn].map(str::to_owned).to_vec()
    }
}

/// A file of all of them, some changed.
pub(crate) fn csv(change: impl Fn(usize, &mut Person)) -> String {
    let lines = (0..PEOPLE).map(|number| {
        let mut person = person(number);
        change(number, &mut person);
        person.line(',')
    });
    HEADER.to_owned() + &lines.collect::<String>()
}

fn letters(number: usize) -> String {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    };
    (0..5).map(letter).collect()
}

/// A number with a right check digit; none where it would be 10.
fn nhs_number(number: usize) -> String {
    (0..)
        .map(|more| format!("{:09}", 943_476_000 + number * 3 + more))
        .find_map(|digits| {
            let sum: u32 = digits.bytes().zip((2..=10).rev()).map(|(digit, by)| u32::from(digit - b'0') * by).sum();
            let check = (11 - sum % 11) % 11;
            (check < 10).then(|| format!("{digits}{check}"))
        })
        .unwrap()
}

fn upn(number: usize) -> String {
    let digits = format!("{:012}", 820_432_100_000u64 + number as u64 * 17);
    let sum: u32 = digits.bytes().zip(2..).map(|(digit, by)| u32::from(digit - b'0') * by).sum();
    format!("{}{digits}", char::from(b"ABCDEFGHJKLMNPQRTUVWXYZ"[(sum % 23) as usize]))
}

pub(crate) const SECRETS: [&str; 6] =
    ["project key", "other project key", "seed", "noise key", "signing key", "clkhash secret"];

/// The same in every run, so that chance finds nothing today and something tomorrow.
pub(crate) fn secret(name: &str) -> [u8; 32] {
    assert!(SECRETS.contains(&name));
    Sha256::digest(format!("pprl leaks test: {name}")).into()
}

pub(crate) fn markers() -> Markers {
    let mut markers = long_markers();
    WORDS.iter().for_each(|(word, what)| markers.word(what, word));
    markers
}

/// Those that do not occur by chance in bytes that are as good as random.
pub(crate) fn long_markers() -> Markers {
    let mut markers = Markers::default();
    VALUES.iter().for_each(|(what, value)| markers.value(what, value));
    for number in 0..PEOPLE {
        let person = person(number);
        markers.value("an NHS number", &person.nhs_number);
        markers.value("a UPN", &person.upn);
    }
    SECRETS.iter().for_each(|name| markers.secret(name, &secret(name)));
    markers
}
