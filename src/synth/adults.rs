//! Adults: whom a prison receives, and the carers whom children's records name.

use std::path::Path;

use super::family::{Adult, Child, Family, births, household};
use super::frequency::{Listing, read_postcodes};
use super::names::Names;
use super::place::{Places, Street};
use super::random::{Purpose, Stream};
use super::record::{Desk, Person};
use super::spelling::known_as;
use super::{Agency, Options, Population, Rates, Record, Sex};
use crate::{Error, Result, file};

/// What to invent beside the children. Shares are in 10,000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdultsOptions {
    /// How many adults the prison receives.
    pub receptions: usize,
    /// Of them, those with children in the area; the others have none there.
    pub parents_share: u32,
    /// Of the parents received, those who did not live with the family.
    pub apart_share: u32,
    /// The errors of the prison's reception list, and of carers as social care and schools write them down.
    pub prison: Rates,
    /// As [`prison`](Self::prison), for carers in social care's records.
    pub social_care: Rates,
    /// As [`prison`](Self::prison), for carers in schools' records. Schools often do not ask for a date of birth.
    pub education: Rates,
    /// Of the mothers, those whom a record names.
    pub mothers_named: u32,
    /// Of the fathers, those whom a record names.
    pub fathers_named: u32,
}

impl Default for AdultsOptions {
    fn default() -> Self {
        AdultsOptions {
            receptions: 240,
            parents_share: 6_000,
            apart_share: 3_000,
            prison: Rates::police(),
            social_care: Rates { holds_nhs_number: false, holds_upn: false, ..Rates::social_care() },
            education: Rates { missing_date: 3_000, holds_nhs_number: false, holds_upn: false, ..Rates::education() },
            mothers_named: 9_500,
            fathers_named: 7_000,
        }
    }
}

/// A carer as a child's record names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carer {
    /// As written.
    pub forename: String,
    /// As written; in many families not the child's.
    pub surname: String,
    /// As the agency writes dates.
    pub date_of_birth: String,
    /// As the agency writes it.
    pub sex: String,
    /// Where the carer lives. Schools do not ask.
    pub postcode: String,
    /// Truth: the adult, as [`Parent::person_id`](super::Parent::person_id).
    pub person_id: String,
}

/// A child's record with its carers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildRecord {
    /// The child.
    pub child: Record,
    /// Nobody, one or two of them; the second only where there is a first.
    pub carers: [Option<Carer>; 2],
}

/// A prison's receptions, and children's records that name carers: the parents and children of one [`Population`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adults {
    receptions: Vec<Record>,
    social_care: Vec<ChildRecord>,
    education: Vec<ChildRecord>,
}

impl Adults {
    /// Invents them: the children are those of [`Population::generate`] with the same options.
    ///
    /// # Errors
    /// As [`Population::generate`]; where a share is above 10,000 or there are not as many families as parents received.
    pub fn generate(options: &Options, adults: &AdultsOptions) -> Result<Self> {
        let population = Population::generate(options)?;
        let shares = [adults.parents_share, adults.apart_share, adults.mothers_named, adults.fathers_named];
        if shares.iter().any(|share| *share > 10_000) {
            return Err(Error::argument("shares of adults are in 10,000 and must not be more"));
        }
        let read = |path: &Option<std::path::PathBuf>| path.as_deref().map(Listing::read).transpose();
        let names = Names::new(read(&options.surnames)?, read(&options.forenames)?);
        let postcodes = options.postcodes.as_deref().map(read_postcodes).transpose()?;
        let places = postcodes.map_or(Places::Invented, Places::Listed);
        let desk = Desk { names: &names, places: &places, reference: options.reference_date, noise: options.noise };
        let office = Office { options, adults, desk, sizes: options.sizes() };
        let receptions = office.receptions()?;
        let with_carers = |agency: Agency| {
            let records = population.records(agency).iter();
            records.map(|child| ChildRecord { child: child.clone(), carers: office.carers(agency, child) }).collect()
        };
        Ok(Adults {
            receptions,
            social_care: with_carers(Agency::SocialCare),
            education: with_carers(Agency::Education),
        })
    }

    /// Whom the prison received: adults, with the columns of a [`Record`] and neither NHS number nor UPN. In the truth
    /// `person_id` is that of a [`Parent`](super::Parent), and somebody else's where there are no children.
    #[must_use]
    pub fn receptions(&self) -> &[Record] {
        &self.receptions
    }

    /// The children's records of social care or of schools, with their carers; the police's list names none and is empty.
    #[must_use]
    pub fn children(&self, agency: Agency) -> &[ChildRecord] {
        match agency {
            Agency::Police => &[],
            Agency::SocialCare => &self.social_care,
            Agency::Education => &self.education,
        }
    }

    /// Writes the receptions: `record_id`, `forename`, `surname`, `date_of_birth`, `sex`, `postcode`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_receptions_csv(&self, path: &Path) -> Result<()> {
        let rows = self
            .receptions
            .iter()
            .map(|r| [&r.record_id, &r.forename, &r.surname, &r.date_of_birth, &r.sex, &r.postcode]);
        let header = ["record_id", "forename", "surname", "date_of_birth", "sex", "postcode"];
        file::write_csv(path, file::Access::Default, header, rows)
    }

    /// Writes an agency's children with `carer1_forename`, `carer1_surname`, `carer1_date_of_birth`, `carer1_sex`,
    /// `carer1_postcode` and the same for `carer2`, after the columns of the child. Schools' postcodes of carers are empty.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_children_csv(&self, agency: Agency, path: &Path) -> Result<()> {
        let header = [
            "record_id",
            "forename",
            "surname",
            "date_of_birth",
            "sex",
            "postcode",
            "nhs_number",
            "upn",
            "carer1_forename",
            "carer1_surname",
            "carer1_date_of_birth",
            "carer1_sex",
            "carer1_postcode",
            "carer2_forename",
            "carer2_surname",
            "carer2_date_of_birth",
            "carer2_sex",
            "carer2_postcode",
        ];
        let nobody = Carer::default();
        let rows = self.children(agency).iter().map(|record| {
            let [a, b, c, d, e, f, g, h] = record.child.columns();
            let [one, two] = record.carers.each_ref().map(|carer| carer.as_ref().unwrap_or(&nobody));
            [
                a,
                b,
                c,
                d,
                e,
                f,
                g,
                h,
                &one.forename,
                &one.surname,
                &one.date_of_birth,
                &one.sex,
                &one.postcode,
                &two.forename,
                &two.surname,
                &two.date_of_birth,
                &two.sex,
                &two.postcode,
            ]
        });
        file::write_csv(path, file::Access::Default, header, rows)
    }

    /// Who an agency's carer is: the adult's `person_id`, by the child's record and the carer's place (1 or 2).
    #[must_use]
    pub fn carer(&self, agency: Agency, record_id: &str, place: usize) -> Option<&str> {
        // Record ids count the rows.
        let row: usize = record_id.get(1..)?.parse().ok()?;
        let record = self.children(agency).get(row.checked_sub(1)?)?;
        record.carers.get(place.checked_sub(1)?)?.as_ref().map(|carer| carer.person_id.as_str())
    }
}

/// Who writes adults down.
struct Office<'a> {
    options: &'a Options,
    adults: &'a AdultsOptions,
    desk: Desk<'a>,
    /// How many children of each family are in the population.
    sizes: Vec<u8>,
}

impl Office<'_> {
    fn family(&self, number: u64) -> Family {
        let mut births = births(self.options.seed, number, self.options.reference_date);
        if let Some(&size) = self.sizes.get(number as usize) {
            births.truncate(size.into());
        }
        household(self.options.seed, number, &births, self.desk.names)
    }

    fn receptions(&self) -> Result<Vec<Record>> {
        let AdultsOptions { receptions, parents_share, .. } = *self.adults;
        let parents = receptions * parents_share as usize / 10_000;
        if parents > self.sizes.len() {
            return Err(Error::argument("there are not as many families as parents are to be received"));
        }
        let lot = |family: usize| (Stream::new(self.options.seed, Purpose::Reception, family as u64).word(), family);
        let mut lots: Vec<_> = (0..self.sizes.len()).map(lot).collect();
        lots.sort_unstable();
        // Families beyond those of the area have no child there.
        let others = (self.sizes.len()..).map(lot);
        let mut received: Vec<_> = lots.into_iter().take(parents).chain(others.take(receptions - parents)).collect();
        received.sort_unstable_by_key(|&(word, family)| (word.rotate_left(32), family));
        let write = |(row, (_, number)): (u64, (u64, usize))| {
            let number = number as u64;
            let family = self.family(number);
            let mut random = Stream::new(self.options.seed, Purpose::Reception, number);
            let _ = random.word();
            let mother = family.father.is_none() || random.chance(600);
            let apart = random.chance(self.adults.apart_share);
            let mut record =
                self.write(Agency::Police, &self.adults.prison, number, &family, mother, apart, &mut random);
            record.record_id = format!("R{row:07}");
            record
        };
        Ok((1..).zip(received).map(write).collect())
    }

    fn carers(&self, agency: Agency, child: &Record) -> [Option<Carer>; 2] {
        let digits = |id: &str| id.get(1..).and_then(|digits| digits.parse::<u64>().ok()).unwrap_or_default();
        let (number, person) = (digits(&child.family_id), digits(&child.person_id));
        let rates = if agency == Agency::Education { &self.adults.education } else { &self.adults.social_care };
        let family = self.family(number);
        let mut carers = Vec::new();
        for (mother, named) in [(true, self.adults.mothers_named), (false, self.adults.fathers_named)] {
            let index = (person * 2 + u64::from(mother)) * 3 + agency as u64;
            let mut random = Stream::new(self.options.seed, Purpose::Carer, index);
            if !random.chance(named) || (!mother && family.father.is_none()) {
                continue;
            }
            let written = self.write(agency, rates, number, &family, mother, false, &mut random);
            let Record { forename, surname, date_of_birth, sex, mut postcode, person_id, .. } = written;
            if agency == Agency::Education {
                postcode.clear();
            }
            carers.push(Carer { forename, surname, date_of_birth, sex, postcode, person_id });
        }
        let mut carers = carers.into_iter();
        [carers.next(), carers.next()]
    }

    /// One record of an adult, without its id.
    #[expect(clippy::too_many_arguments, reason = "who writes what of whom")]
    fn write(
        &self,
        agency: Agency,
        rates: &Rates,
        number: u64,
        family: &Family,
        mother: bool,
        apart: bool,
        random: &mut Stream,
    ) -> Record {
        let (adult, prefix, sex) = match (&family.father, mother) {
            (Some(father), false) => (father, 'd', Sex::Male),
            _ => (&family.mother, 'm', Sex::Female),
        };
        // What is true of an adult is the same in every record.
        let mut facts = Stream::new(self.options.seed, Purpose::Adult, number * 2 + u64::from(mother));
        let person = as_person(adult, sex, family, self.desk.names, apart, &mut facts);
        let person = Person { child: &person, origin: family.origin, nhs_number: "", upn: "" };
        let mut record = self.desk.write(agency, rates, &person, random);
        record.person_id = format!("{prefix}{number}");
        record.family_id = format!("f{number}");
        record
    }
}

/// An adult with what a desk wants to know of a person.
fn as_person(adult: &Adult, sex: Sex, family: &Family, names: &Names, apart: bool, facts: &mut Stream) -> Child {
    let middle = names.forename(family.origin, sex, adult.born.year(), facts.word());
    let known_as = known_as(&adult.forename, facts.word());
    let elsewhere = family.home.elsewhere(facts);
    let former: Street = family.home.elsewhere(facts);
    let maiden = family.children.first().map(|child| child.mother_surname.clone());
    Child {
        born: adult.born,
        sex,
        forename: adult.forename.clone(),
        middle,
        known_as,
        surname: adult.surname.clone(),
        half_surname: None,
        former_surname: maiden.filter(|maiden| sex == Sex::Female && *maiden != adult.surname),
        mother_surname: adult.surname.clone(),
        home: if apart { elsewhere } else { family.home },
        former_home: former,
    }
}
