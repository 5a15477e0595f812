//! What another agency would have written of people whom a file of one's own holds.

use super::random::{Purpose, Stream};
use super::rates::Rates;
use super::spelling::{known_as, misheard, miskeyed, mistyped, plain_letters, split};
use crate::schema::{Date, DateFormat, Field, Identifier, Kind, Schema};

/// What errors a field is open to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Forename,
    Surname,
    Date,
    Postcode,
    Code,
    Text,
    Number(Identifier),
}

/// Writes people down again as another agency might: the same people in the same order, with the errors of `rates`.
///
/// `people` are values in the order of [`Schema::fields`], and so is what comes back. The fields' kinds say what can go wrong
/// with them. Of the fields of kind `name`, those whose own name holds `sur`, `last` or `family` are surnames, or else the
/// last of two or more; the others are forenames. Another name, another address and another code are those of somebody else
/// among the people, so that they are as frequent as they are there; half of all other postcodes are near in the alphabet.
/// A value that is missing stays missing. Names in capitals or small letters only are written with a capital each, as the
/// tables of short forms have them.
///
/// Of the errors that [`Rates`] has, these are made: misheard and mistyped names, short forms, second forenames, swapped
/// names, another name, half a double name, the mother's surname, lost accents and apostrophes, swapped day and month, the
/// first of January, a wrong date, a wrong code (`wrong_sex`, in every field of kind `exact`), an old address, a slip in a
/// postcode or number, and missing values (in a field of kind `text` as often as in a postcode). Rates that need what a file
/// does not tell (a former surname, an age) are not. Like all of them the rates are judgements.
///
/// The result depends on the arguments alone. Every record has random numbers of its own, and an error that happens at one
/// rate also happens at any higher one.
#[must_use]
pub fn partner(schema: &Schema, people: &[&[String]], rates: &Rates, seed: u64) -> Vec<Vec<String>> {
    let roles = roles(schema.fields());
    let file = File { schema, people, roles: &roles, rates, near: near(people, &roles) };
    (0..people.len()).map(|index| file.write(index, &mut Stream::new(seed, Purpose::Partner, index as u64))).collect()
}

struct File<'a> {
    schema: &'a Schema,
    people: &'a [&'a [String]],
    roles: &'a [Role],
    rates: &'a Rates,
    /// For every field that is a postcode, the people in the order of it, and where each stands there.
    near: Vec<Option<(Vec<usize>, Vec<usize>)>>,
}

fn roles(fields: &[Field]) -> Vec<Role> {
    let names: Vec<usize> = (0..fields.len()).filter(|&field| *fields[field].kind() == Kind::Name).collect();
    let says_so = |field: &usize| {
        let name = fields[*field].name().to_lowercase();
        ["sur", "last", "family"].iter().any(|part| name.contains(part))
    };
    let said = names.iter().any(says_so);
    let role = |(index, field): (usize, &Field)| match field.kind() {
        Kind::Name if says_so(&index) => Role::Surname,
        Kind::Name if !said && names.len() > 1 && names.last() == Some(&index) => Role::Surname,
        Kind::Name => Role::Forename,
        Kind::Date { .. } => Role::Date,
        Kind::Postcode(_) => Role::Postcode,
        Kind::Exact => Role::Code,
        Kind::Identifier(scheme) => Role::Number(*scheme),
        Kind::Text => Role::Text,
    };
    fields.iter().enumerate().map(role).collect()
}

fn near(people: &[&[String]], roles: &[Role]) -> Vec<Option<(Vec<usize>, Vec<usize>)>> {
    let of = |field: usize| {
        let value = |person: usize| people[person].get(field).map_or("", String::as_str);
        let mut order: Vec<usize> = (0..people.len()).filter(|&person| !value(person).is_empty()).collect();
        order.sort_by_key(|&person| (value(person), person));
        let mut places = vec![0; people.len()];
        order.iter().enumerate().for_each(|(place, &person)| places[person] = place);
        (order, places)
    };
    roles.iter().enumerate().map(|(field, role)| (*role == Role::Postcode).then(|| of(field))).collect()
}

impl File<'_> {
    fn value(&self, person: usize, field: usize) -> &str {
        self.people[person].get(field).map_or("", String::as_str)
    }

    /// Every error takes the same words from the stream whether it happens or not.
    fn write(&self, person: usize, random: &mut Stream) -> Vec<String> {
        let mut out: Vec<String> = (0..self.roles.len()).map(|field| self.value(person, field).to_owned()).collect();
        for (field, role) in self.roles.iter().enumerate() {
            let value = out[field].trim().to_owned();
            let written = match role {
                Role::Forename | Role::Surname => self.name(field, *role, &capitals(&value), random),
                Role::Date => self.date(field, &value, random),
                Role::Postcode => self.postcode(person, field, &value, random),
                Role::Code => self.code(field, &value, random),
                Role::Text => self.text(&value, random),
                Role::Number(scheme) => self.number(*scheme, &value, random),
            };
            // What is not there cannot be written wrongly.
            out[field] = if value.is_empty() { value } else { written };
        }
        let swap = roll(random, self.rates.swapped_names).is_some();
        let place = |role| self.roles.iter().position(|other| *other == role);
        if let (true, Some(forename), Some(surname)) = (swap, place(Role::Forename), place(Role::Surname))
            && !out[forename].is_empty()
            && !out[surname].is_empty()
        {
            out.swap(forename, surname);
        }
        out
    }

    fn somebody(&self, field: usize, word: u64) -> &str {
        self.value((word % self.people.len() as u64) as usize, field).trim()
    }

    fn name(&self, field: usize, role: Role, value: &str, random: &mut Stream) -> String {
        let rates = self.rates;
        let forename = role == Role::Forename;
        let mut name = value.to_owned();
        let (short, middle) = (roll(random, rates.known_as), roll(random, rates.middle_name));
        let (half, mothers) = (roll(random, rates.halved_surname), roll(random, rates.mothers_surname));
        // Two other names in three are surnames.
        let alias = roll(random, if forename { rates.alias / 3 } else { rates.alias * 2 / 3 });
        if forename {
            if let Some(short) = short.and_then(|dice| known_as(&name, dice.word())) {
                name = short;
            }
            if let Some(dice) = middle {
                name = format!("{name} {}", capitals(self.somebody(field, dice.word())));
            }
        } else {
            let (first, rest) = split(&name);
            let rest = rest.trim_start_matches([' ', '-']);
            if let (Some(dice), false) = (half, rest.is_empty()) {
                name = if dice.first(2) == 0 { first.to_owned() } else { rest.to_owned() };
            }
        }
        for dice in [mothers.filter(|_| !forename), alias].into_iter().flatten() {
            let other = capitals(self.somebody(field, dice.word()));
            // Nobody's name is no name.
            name = if other.is_empty() { name } else { other };
        }
        let (heard, typed) = if forename {
            (rates.misheard_forename, rates.mistyped_forename)
        } else {
            (rates.misheard_surname, rates.mistyped_surname)
        };
        let (heard, typed) = (roll(random, heard), roll(random, typed));
        if let Some(dice) = heard.filter(|_| !name.is_empty()) {
            name = misheard(&name, dice);
        }
        if let Some(dice) = typed {
            name = mistyped(&name, dice);
        }
        if roll(random, rates.lost_accents).is_some() {
            name = plain_letters(&name);
        }
        if let Some(dice) = roll(random, rates.lost_apostrophe) {
            name = name.replace('\'', if dice.first(2) == 0 { "" } else { " " });
        }
        let missing = roll(random, if forename { rates.missing_forename } else { rates.missing_surname });
        if missing.is_some() { String::new() } else { name }
    }

    fn date(&self, field: usize, value: &str, random: &mut Stream) -> String {
        let rates = self.rates;
        let (swapped, january) = (roll(random, rates.swapped_day_month), roll(random, rates.first_of_january));
        let (wrong, missing) = (roll(random, rates.wrong_date), roll(random, rates.missing_date));
        if missing.is_some() {
            return String::new();
        }
        let Kind::Date { formats, .. } = self.schema.fields()[field].kind() else { return value.to_owned() };
        let Some((date, format)) = formats.iter().find_map(|&format| Some((parse(value, format)?, format))) else {
            return value.to_owned();
        };
        let mut other = date;
        if swapped.is_some() {
            other = Date::new(other.year(), other.day(), other.month()).unwrap_or(other);
        }
        if january.is_some() {
            other = Date::new(other.year(), 1, 1).unwrap_or(other);
        }
        // Not beyond the calendar's ends, where placeholders are.
        if let Some(dice) = wrong.filter(|_| (1601..9999).contains(&other.year())) {
            let step = if dice.second(2) == 0 { -1 } else { 1 };
            other = Date::from_number(other.number() + step * [1, 30, 365][dice.first(3)]);
        }
        // As the file has it, where nothing is wrong.
        if other == date { value.to_owned() } else { written(other, format) }
    }

    fn postcode(&self, person: usize, field: usize, value: &str, random: &mut Stream) -> String {
        let rates = self.rates;
        let (old, slip) = (roll(random, rates.old_address), roll(random, rates.mistyped_postcode));
        let missing = roll(random, rates.missing_postcode).is_some();
        let mut postcode = value.to_owned();
        if let (Some(dice), Some((order, places))) = (old, &self.near[field])
            && !order.is_empty()
        {
            let other = if dice.first(2) == 0 {
                order[(places[person] + 1 + dice.second(50)) % order.len()]
            } else {
                order[dice.third(order.len())]
            };
            self.value(other, field).trim().clone_into(&mut postcode);
        }
        if let Some(dice) = slip {
            postcode = miskeyed(&postcode, dice);
        }
        if missing { String::new() } else { postcode }
    }

    fn code(&self, field: usize, value: &str, random: &mut Stream) -> String {
        let (wrong, missing) = (roll(random, self.rates.wrong_sex), roll(random, self.rates.missing_sex));
        let mut code = value.to_owned();
        if let Some(dice) = wrong {
            // The next person who has another one: of a code with two values, the other.
            let (people, first) = (self.people.len(), dice.first(self.people.len()));
            let others = (0..people).map(|step| self.value((first + step) % people, field).trim());
            if let Some(other) = others.into_iter().find(|other| !other.is_empty() && *other != value) {
                other.clone_into(&mut code);
            }
        }
        if missing.is_some() { String::new() } else { code }
    }

    fn text(&self, value: &str, random: &mut Stream) -> String {
        let slip = roll(random, self.rates.mistyped_surname);
        let missing = roll(random, self.rates.missing_postcode).is_some();
        match slip {
            _ if missing => String::new(),
            Some(dice) => mistyped(value, dice),
            None => value.to_owned(),
        }
    }

    fn number(&self, scheme: Identifier, value: &str, random: &mut Stream) -> String {
        let rates = self.rates;
        let (held, missing) = match scheme {
            Identifier::NhsNumber => (rates.holds_nhs_number, rates.missing_nhs_number),
            Identifier::Upn | Identifier::Uln => (rates.holds_upn, rates.missing_upn),
        };
        let (slip, missing) = (roll(random, rates.mistyped_number), roll(random, missing).is_some());
        match slip {
            _ if missing || !held => String::new(),
            Some(dice) => miskeyed(value, dice),
            None => value.to_owned(),
        }
    }
}

/// Rates are in 10,000.
fn roll(random: &mut Stream, rate: u32) -> Option<super::random::Dice> {
    random.roll(rate.saturating_mul(100))
}

/// Every part with a capital, where a name is all capitals or has none.
fn capitals(name: &str) -> String {
    let mixed = name.chars().any(char::is_lowercase) && name.chars().any(char::is_uppercase);
    if mixed {
        return name.to_owned();
    }
    let mut begins = true;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        begins = !c.is_alphanumeric();
    }
    out
}

fn parse(text: &str, format: DateFormat) -> Option<Date> {
    let number = |text: &str, digits: usize| -> Option<u16> {
        let plain = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain { text.parse().ok() } else { None }
    };
    let date = |year: &str, month: &str, day: &str| {
        let [month, day] = [month, day].map(|part| number(part, 2).and_then(|part| u8::try_from(part).ok()));
        Date::new(number(year, 4).filter(|_| year.len() == 4)?, month?, day?)
    };
    match format {
        DateFormat::YearMonthDay => Date::parse_iso(text.get(..10)?),
        DateFormat::Compact if text.len() == 8 && text.is_ascii() => date(&text[..4], &text[4..6], &text[6..]),
        DateFormat::Compact => None,
        DateFormat::DayMonthYear | DateFormat::MonthDayYear => {
            let mut parts = text.split(['/', '-', '.']);
            let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
            let (day, month) = if format == DateFormat::DayMonthYear { (first, second) } else { (second, first) };
            date(year, month, day).filter(|_| parts.next().is_none())
        }
    }
}

fn written(date: Date, format: DateFormat) -> String {
    let (year, month, day) = (date.year(), date.month(), date.day());
    match format {
        DateFormat::YearMonthDay => date.to_string(),
        DateFormat::Compact => format!("{year:04}{month:02}{day:02}"),
        DateFormat::DayMonthYear => format!("{day:02}/{month:02}/{year:04}"),
        DateFormat::MonthDayYear => format!("{month:02}/{day:02}/{year:04}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize) -> Vec<Vec<String>> {
        let person = |i: usize| {
            let forename = ["ALEXANDER", "Zoë", "olivia", "Muhammad"][i % 4];
            let surname = ["O'CONNOR", "Smith-Jones", "Patel"][i % 3];
            let date = format!("{:04}-{:02}-{:02}", 1990 + i % 25, i % 12 + 1, i % 27 + 1);
            let sex = ["M", "F"][i % 2];
            let postcode = format!("OX{} {}AA", i % 20 + 1, i % 9);
            [forename, surname, &date, sex, &postcode, "", ""].map(str::to_owned).to_vec()
        };
        (0..count).map(person).collect()
    }

    fn written_by(people: &[Vec<String>], rates: &Rates, seed: u64) -> Vec<Vec<String>> {
        let people: Vec<&[String]> = people.iter().map(Vec::as_slice).collect();
        partner(&Schema::uk_person(), &people, rates, seed)
    }

    #[test]
    fn without_errors_only_capitals_change() {
        let people = people(40);
        for (before, after) in people.iter().zip(written_by(&people, &Rates::none(), 1)) {
            let lower = |values: &[String]| values.iter().map(|value| value.to_lowercase()).collect::<Vec<_>>();
            assert_eq!(lower(before), lower(&after));
        }
    }

    /// Each error, at a rate of one, does what it says to those it can touch, and nothing to other fields.
    #[test]
    fn every_error_does_what_it_says() {
        let people = people(60);
        let one = |rates: Rates| written_by(&people, &rates, 3);
        let none = one(Rates::none());
        let changed = |rates: Rates, field: usize, at_least: usize| {
            let after = one(rates);
            let count = |f: usize| after.iter().zip(&none).filter(|(a, b)| a[f] != b[f]).count();
            assert!(count(field) >= at_least, "field {field}: {}", count(field));
            assert_eq!((0..7).filter(|&f| f != field).map(count).sum::<usize>(), 0, "other fields than {field}");
        };
        let always = 10_000;
        changed(Rates { misheard_forename: always, ..Rates::none() }, 0, 50);
        changed(Rates { mistyped_forename: always, ..Rates::none() }, 0, 55);
        changed(Rates { known_as: always, ..Rates::none() }, 0, 45);
        changed(Rates { middle_name: always, ..Rates::none() }, 0, 60);
        changed(Rates { halved_surname: always, ..Rates::none() }, 1, 20);
        changed(Rates { mothers_surname: always, ..Rates::none() }, 1, 30);
        changed(Rates { mistyped_surname: always, ..Rates::none() }, 1, 55);
        changed(Rates { lost_apostrophe: always, ..Rates::none() }, 1, 20);
        changed(Rates { swapped_day_month: always, ..Rates::none() }, 2, 10);
        changed(Rates { first_of_january: always, ..Rates::none() }, 2, 50);
        changed(Rates { wrong_date: always, ..Rates::none() }, 2, 60);
        changed(Rates { missing_date: always, ..Rates::none() }, 2, 60);
        changed(Rates { wrong_sex: always, ..Rates::none() }, 3, 60);
        changed(Rates { old_address: always, ..Rates::none() }, 4, 50);
        changed(Rates { mistyped_postcode: always, ..Rates::none() }, 4, 60);
        let swapped = one(Rates { swapped_names: always, ..Rates::none() });
        assert!(swapped.iter().zip(&none).all(|(a, b)| (&a[0], &a[1]) == (&b[1], &b[0])));
        let gone = one(Rates { missing_forename: always, missing_postcode: always, ..Rates::none() });
        assert!(gone.iter().all(|person| person[0].is_empty() && person[4].is_empty()));
    }

    #[test]
    fn the_same_every_time_and_more_with_higher_rates() {
        let people = people(300);
        let police = written_by(&people, &Rates::police(), 9);
        assert_eq!(police, written_by(&people, &Rates::police(), 9));
        assert_ne!(police, written_by(&people, &Rates::police(), 10));
        let differ = |rates: u32| {
            let after = written_by(&people, &Rates { wrong_date: rates, ..Rates::none() }, 4);
            (0..300).filter(|&i| after[i][2] != people[i][2]).collect::<std::collections::BTreeSet<_>>()
        };
        assert!(differ(500).is_subset(&differ(2_000)) && differ(500).len() < differ(2_000).len());
    }

    #[test]
    fn dates_are_read_and_written_in_every_form() {
        let date = Date::new(2011, 7, 9).unwrap();
        for (text, format) in [
            ("2011-07-09", DateFormat::YearMonthDay),
            ("20110709", DateFormat::Compact),
            ("09/07/2011", DateFormat::DayMonthYear),
            ("07/09/2011", DateFormat::MonthDayYear),
        ] {
            assert_eq!(parse(text, format), Some(date));
            assert_eq!(written(date, format), text);
        }
        assert_eq!(parse("9.7.2011", DateFormat::DayMonthYear), Some(date));
        assert_eq!(parse("2011-07-09T00:00:00", DateFormat::YearMonthDay), Some(date));
        for (text, format) in
            [("é011070", DateFormat::Compact), ("1/2", DateFormat::DayMonthYear), ("", DateFormat::YearMonthDay)]
        {
            assert_eq!(parse(text, format), None);
        }
    }
}
