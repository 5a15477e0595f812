//! One family: when its children were born, what they are called, where they live.

use super::names::Names;
use super::place::Street;
use super::random::{Purpose, Stream};
use super::spelling::known_as;
use super::{ADULT, Sex};
use crate::schema::Date;

/// The most children that one family has, twins included.
const MOST: usize = 6;
/// Completed families per 1,000 that stop after one, two, ... births.
const BIRTHS: [u32; 6] = [220, 400, 220, 100, 40, 20];
/// Of 10,000 births that many are twins; nearly all multiple births are.
const TWINS: u32 = 150;

/// A birth of one child.
#[derive(Clone, Copy)]
pub(super) struct Birth {
    pub(super) date: Date,
    /// The second of two: same day as the child before.
    pub(super) twin: bool,
}

pub(super) struct Family {
    pub(super) origin: usize,
    pub(super) mother: Adult,
    pub(super) father: Option<Adult>,
    /// Oldest first.
    pub(super) children: Vec<Child>,
    pub(super) home: Street,
}

pub(super) struct Adult {
    pub(super) forename: String,
    pub(super) surname: String,
    pub(super) born: Date,
}

pub(super) struct Child {
    pub(super) born: Date,
    pub(super) sex: Sex,
    pub(super) forename: String,
    pub(super) middle: String,
    pub(super) known_as: Option<String>,
    pub(super) surname: String,
    /// The shorter form of a surname that joins two.
    pub(super) half_surname: Option<String>,
    pub(super) former_surname: Option<String>,
    pub(super) mother_surname: String,
    pub(super) home: Street,
    pub(super) former_home: Street,
}

/// The births of a family, oldest first, that fall into the last eighteen years. Without names, so that a first pass can
/// count children quickly.
pub(super) fn births(seed: u64, family: u64, reference: Date) -> Vec<Birth> {
    let mut random = Stream::new(seed, Purpose::Births, family);
    let planned = 1 + random.weighted(&BIRTHS);
    let mut days = [(0, false); BIRTHS.len()];
    let mut day = 0;
    for (index, slot) in days[..planned].iter_mut().enumerate() {
        if index > 0 {
            // Eleven months at least, three years on average, sometimes five.
            day += 330 + (random.below(700) + random.below(900)) as i32;
        }
        *slot = (day, random.chance(TWINS));
    }

    // The family begins on a uniform day for which any of its children can fall into the window; tried until one does. A
    // family's children beyond the window are grown up, or not born yet.
    let (first, last) = (reference.years_before(ADULT).number() + 1, reference.number());
    let mut children = Vec::new();
    while children.is_empty() {
        let begin = first - day + random.below((last - first + day + 1) as u32) as i32;
        for (day, twins) in days[..planned].iter().map(|(day, twins)| (begin + day, *twins)) {
            if (first..=last).contains(&day) {
                let date = Date::from_number(day);
                children.push(Birth { date, twin: false });
                children.extend(twins.then_some(Birth { date, twin: true }));
            }
        }
    }
    children.truncate(MOST);
    children
}

/// Everything else about the family.
pub(super) fn household(seed: u64, family: u64, births: &[Birth], names: &Names) -> Family {
    let mut random = Stream::new(seed, Purpose::Household, family);
    let origin = names.origin(&mut random);
    // One couple in nine or so is of two origins.
    let (other, word) = (names.origin(&mut random), random.word());
    let mother_origin = if random.chance(1_200) { other } else { origin };
    let mothers = names.surname(mother_origin, word);
    let fathers = names.surname(origin, random.word());
    let home = Street::near(family, &mut random);
    let former_home = home.elsewhere(&mut random);

    let style = SurnameStyle::choose(&mut random, &mothers, &fathers);
    let married = random.chance(if style == SurnameStyle::Fathers { 7_500 } else { 500 });
    let keeps_form = random.chance(6_000);
    let single = random.chance(60) && names.may_be_single(origin);
    let step = births.len() > 1 && random.chance(1_200);
    // The children before this one are from an earlier relationship.
    let step_until = 1 + random.below((births.len() as u32).saturating_sub(1)) as usize;
    let earlier = names.surname(origin, random.word());
    let earlier_changed = random.chance(4_000);
    let moved_out = random.chance(2_500);

    let family_surname = match style {
        SurnameStyle::Fathers => fathers.clone(),
        SurnameStyle::Mothers => mothers.clone(),
        SurnameStyle::Both => format!("{mothers}-{fathers}"),
    };
    let mut children: Vec<Child> = Vec::with_capacity(births.len());
    for (index, birth) in births.iter().enumerate() {
        let before = children.last();
        // A third of twins are identical.
        let like_twin = random.chance(3_333);
        let drawn = if random.chance(5_122) { Sex::Male } else { Sex::Female };
        let sex = before.filter(|_| birth.twin && like_twin).map_or(drawn, |twin| twin.sex);
        let year = birth.date.year();
        let mut forename = names.forename(origin, sex, year, random.word());
        // No two siblings share a name; a file of two names would not have another.
        for _ in 0..20 {
            if children.iter().all(|child| child.forename != forename) {
                break;
            }
            forename = names.forename(origin, sex, year, random.word());
        }
        let middle = names.forename(origin, sex, year, random.word());

        let is_step = step && index < step_until;
        let mut surname = family_surname.clone();
        let mut half_surname = (style == SurnameStyle::Both).then(|| fathers.clone());
        let mut former_surname = None;
        let renamed = random.chance(500);
        if is_step && earlier_changed {
            former_surname = Some(earlier.clone());
        } else if is_step {
            (surname, half_surname) = (earlier.clone(), None);
        } else if renamed && surname != mothers {
            former_surname = Some(mothers.clone());
        }
        if sex == Sex::Female
            && let Some(form) = names.daughter(origin, &surname, keeps_form)
        {
            surname = form;
        }
        if single {
            (surname, half_surname, former_surname) = (String::new(), None, None);
        }
        let nickname = known_as(&forename, random.word());
        // A few without a short form go by their middle name.
        let by_middle = random.chance(800);
        let known_as = nickname.or_else(|| by_middle.then(|| middle.clone()));
        let away = home.elsewhere(&mut random);
        children.push(Child {
            born: birth.date,
            sex,
            forename,
            middle,
            known_as,
            surname,
            half_surname,
            former_surname,
            mother_surname: mothers.clone(),
            home: if is_step && moved_out { away } else { home },
            former_home: if is_step && moved_out { home } else { former_home },
        });
    }

    let eldest = births.first().map_or(0, |birth| birth.date.number());
    let mut adult = |sex, origin, surname: &str, youngest: i32| {
        let born = Date::from_number(eldest - youngest * 365 - random.below(20 * 365) as i32);
        let forename = names.forename(origin, sex, born.year(), random.word());
        Adult { forename, surname: surname.to_owned(), born }
    };
    let mother = adult(Sex::Female, mother_origin, if married { &fathers } else { &mothers }, 18);
    let father = adult(Sex::Male, origin, &fathers, 20);
    let known_father = married || random.chance(7_000);
    Family { origin, mother, father: known_father.then_some(father), children, home }
}

/// Whose surname the children have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SurnameStyle {
    Fathers,
    Mothers,
    Both,
}

impl SurnameStyle {
    fn choose(random: &mut Stream, mothers: &str, fathers: &str) -> Self {
        let style = [SurnameStyle::Fathers, SurnameStyle::Mothers, SurnameStyle::Both][random.weighted(&[72, 21, 7])];
        // Three names in a row are rarely kept, and "Khan-Khan" never is.
        let joined = |name: &str| name.contains(['-', ' ']);
        match style {
            SurnameStyle::Both if mothers == fathers || joined(mothers) || joined(fathers) => SurnameStyle::Fathers,
            style => style,
        }
    }
}
