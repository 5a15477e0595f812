//! Invented UK families, and what three agencies write down about them.
//!
//! Linkage cannot be measured without knowing who is who, and the files in which that is known may not be shared. So this
//! module invents a county: families with siblings, twins and step-children, names of many origins, addresses that change.
//! Then it lets three agencies write the children down with the errors that each of them makes: the [police](Rates::police)
//! a small cohort at a counter, [schools](Rates::education) nearly everybody, [social care](Rates::social_care) a part.
//!
//! ```no_run
//! use pprl::synth::{Agency, Options, Population};
//!
//! let population = Population::generate(&Options { seed: 7, ..Options::default() })?;
//! for agency in Agency::ALL {
//!     population.write_csv(agency, format!("{}.csv", agency.name()).as_ref())?;
//!     population.write_truth_csv(agency, format!("{}_truth.csv", agency.name()).as_ref())?;
//! }
//! # Ok::<(), pprl::Error>(())
//! ```
//!
//! The same [`Options`] give the same bytes on every platform. Every family and every record has random numbers of its own,
//! so a change to one option leaves alone what it does not concern: with other rates the same children are written down,
//! and an error that happens at one `noise` also happens at any higher one. Comparing two encodings on two draws of people
//! would mostly compare the draws.
//!
//! Nobody in here exists. NHS numbers come from the range that is never issued, UPNs from an authority that there is not.
//! Streets are invented too; the postcodes have the form of real ones, in districts that exist, and may coincide with one.

mod adults;
mod family;
mod frequency;
mod identifier;
mod list;
mod names;
mod partner;
pub mod payload;
mod place;
mod random;
mod rates;
mod record;
mod spelling;
mod tables;
mod tail;

use std::path::{Path, PathBuf};

pub use self::adults::{Adults, AdultsOptions, Carer, ChildRecord};
pub use self::list::NameList;
pub use self::partner::partner;
pub use self::rates::Rates;
pub use crate::schema::Date;

use self::family::{Birth, Family, births, household};
use self::frequency::{Listing, read_postcodes};
use self::identifier::{NhsNumbers, upn};
use self::names::Names;
use self::place::Places;
use self::random::{Purpose, Stream};
use self::record::{Desk, Person};
use crate::{Error, Result, file};

/// The most children that [`Population::generate`] makes: so many different UPNs are there.
pub const MOST_CHILDREN: usize = 10_000_000;

/// Children are younger than this at the reference date.
const ADULT: u16 = 18;

/// What to invent. Shares are in 10,000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The same seed, with the same options, gives the same bytes.
    pub seed: u64,
    /// How many children live in the area. The default, 5,000, is a small county's worth of schools around a cohort.
    pub children: usize,
    /// How many of them the police hold, taken as groups of siblings. The default, 225, is the size of the Oxfordshire
    /// study.
    pub cohort: usize,
    /// The day on which the files were made. Every child is born in the eighteen years before it.
    pub reference_date: Date,
    /// Per cent of the rates of error: 0 is files without errors, 100 the rates as they stand, 200 twice as many.
    pub noise: u32,
    /// The errors of the police.
    pub police: Rates,
    /// The errors of social care.
    pub social_care: Rates,
    /// The errors of schools.
    pub education: Rates,
    /// Of the children of school age, those that the schools hold. The others are taught at home, or elsewhere.
    pub education_share: u32,
    /// Of the children outside the cohort, those that social care holds; whole families more than single children.
    pub social_care_share: u32,
    /// Of the cohort, those that social care holds. The default, 7,500, leaves the quarter without a record that is a
    /// finding of the Oxfordshire study, not a failure of linkage.
    pub social_care_cohort_share: u32,
    /// Records per 10,000 that are written twice in one file, with errors of their own. By default 0: each child is at
    /// most once in a file.
    pub duplicates: u32,
    /// A CSV of forenames that replaces the tables in here. A column for the name (`name`, `forename`, `firstname`), one for
    /// the weight (`weight`, `freq`, `count`, `n`), and optionally `sex` and `birthyear` or `decade`.
    pub forenames: Option<PathBuf>,
    /// A CSV of surnames that replaces the tables in here: a name (`surname`, `lastname`, `name`) and a weight.
    pub surnames: Option<PathBuf>,
    /// A CSV with a column `postcode` that replaces the invented ones. They are taken in the order of the file, thirteen to
    /// a neighbourhood.
    pub postcodes: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 0,
            children: 5_000,
            cohort: 225,
            reference_date: const { Date::new(2024, 11, 30).expect("is a date") },
            noise: 100,
            police: Rates::police(),
            social_care: Rates::social_care(),
            education: Rates::education(),
            education_share: 9_500,
            social_care_share: 2_000,
            social_care_cohort_share: 7_500,
            duplicates: 0,
            forenames: None,
            surnames: None,
            postcodes: None,
        }
    }
}

/// Who writes the children down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agency {
    /// Holds the cohort.
    Police,
    /// Holds a part of the population and most of the cohort.
    SocialCare,
    /// Holds nearly everyone of school age.
    Education,
}

impl Agency {
    /// All of them.
    pub const ALL: [Agency; 3] = [Agency::Police, Agency::SocialCare, Agency::Education];

    /// One word for files and columns: `police`, `social_care` or `education`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Agency::Police => "police",
            Agency::SocialCare => "social_care",
            Agency::Education => "education",
        }
    }
}

/// One row of an agency's file. An empty string is a missing value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The agency's own number for the row. It says nothing about the person.
    pub record_id: String,
    /// As written: may be a nickname, hold two names, or say UNKNOWN.
    pub forename: String,
    /// As written.
    pub surname: String,
    /// `DD/MM/YYYY` with the police, ISO 8601 with the others.
    pub date_of_birth: String,
    /// `M` or `F`; with social care `Male` or `Female`.
    pub sex: String,
    /// As written: mostly with a space before the last three characters.
    pub postcode: String,
    /// Ten digits, from the range for tests.
    pub nhs_number: String,
    /// A check letter and twelve digits.
    pub upn: String,
    /// Truth: the child.
    pub person_id: String,
    /// Truth: its family.
    pub family_id: String,
    /// Truth: where the family's names come from, coarsely, for measuring by subgroup. `external` with names from a file.
    pub origin: &'static str,
}

impl Record {
    fn columns(&self) -> [&str; 8] {
        [
            &self.record_id,
            &self.forename,
            &self.surname,
            &self.date_of_birth,
            &self.sex,
            &self.postcode,
            &self.nhs_number,
            &self.upn,
        ]
    }

    fn truth(&self) -> [&str; 4] {
        [&self.record_id, &self.person_id, &self.family_id, self.origin]
    }
}

/// A mother or a father, without errors. A prison's reception list names parents, not children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The parent.
    pub person_id: String,
    /// The family whose children are this parent's.
    pub family_id: String,
    /// The forename.
    pub forename: String,
    /// The surname now; in many families not the children's.
    pub surname: String,
    /// The date of birth.
    pub date_of_birth: Date,
    /// `M` or `F`.
    pub sex: &'static str,
    /// The family's address.
    pub postcode: String,
}

/// Families, and the files that three agencies keep about their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    records: [Vec<Record>; 3],
    parents: Vec<Parent>,
}

impl Population {
    /// Invents the families and writes the three files, in memory. A million children take seconds.
    ///
    /// # Errors
    /// When `cohort` is larger than `children`, `children` larger than [`MOST_CHILDREN`], a share above 10,000 or the
    /// reference date before 1700; when a file of names or postcodes cannot be read or holds what is none, naming the rows
    /// and never their content.
    pub fn generate(options: &Options) -> Result<Self> {
        options.check()?;
        let read = |path: &Option<PathBuf>| path.as_deref().map(Listing::read).transpose();
        let names = Names::new(read(&options.surnames)?, read(&options.forenames)?);
        let postcodes = options.postcodes.as_deref().map(read_postcodes).transpose()?;
        let places = postcodes.map_or(Places::Invented, Places::Listed);

        let sizes = options.sizes();
        let cohort = options.cohort_by_family(&sizes);
        let desk = Desk { names: &names, places: &places, reference: options.reference_date, noise: options.noise };
        let mut files = Files { options, desk, records: Default::default(), persons: 0 };
        let mut nhs_numbers = NhsNumbers::new(options.seed);
        let mut parents = Vec::with_capacity(sizes.len() * 2);
        for (number, (&size, &in_cohort)) in (0..).zip(sizes.iter().zip(&cohort)) {
            let mut births = births(options.seed, number, options.reference_date);
            births.truncate(size.into());
            let family = household(options.seed, number, &births, &names);
            add_parents(&mut parents, number, &family, &places);
            files.add(number, &family, &births, in_cohort.into(), &mut nhs_numbers);
        }
        Ok(Population { records: files.finish(), parents })
    }

    /// The rows of an agency's file, in the file's order, which has nothing to do with the families'.
    #[must_use]
    pub fn records(&self, agency: Agency) -> &[Record] {
        &self.records[agency as usize]
    }

    /// The mothers and fathers, family by family.
    #[must_use]
    pub fn parents(&self) -> &[Parent] {
        &self.parents
    }

    /// Writes an agency's file: a header, then the columns of [`Record`] without the truth. The file appears whole, or not
    /// at all.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_csv(&self, agency: Agency, path: &Path) -> Result<()> {
        let header = ["record_id", "forename", "surname", "date_of_birth", "sex", "postcode", "nhs_number", "upn"];
        file::write_csv(path, file::Access::Default, header, self.records(agency).iter().map(Record::columns))
    }

    /// Writes who the rows of an agency's file are: `record_id`, `person_id`, `family_id`, `origin`. Apart, so that the file
    /// itself can go through a linkage as a real one would.
    ///
    /// # Errors
    /// When the file cannot be created, written or renamed.
    pub fn write_truth_csv(&self, agency: Agency, path: &Path) -> Result<()> {
        let header = ["record_id", "person_id", "family_id", "origin"];
        file::write_csv(path, file::Access::Default, header, self.records(agency).iter().map(Record::truth))
    }
}

impl Options {
    fn rates(&self, agency: Agency) -> &Rates {
        match agency {
            Agency::Police => &self.police,
            Agency::SocialCare => &self.social_care,
            Agency::Education => &self.education,
        }
    }

    fn check(&self) -> Result<()> {
        if self.cohort > self.children {
            return Err(Error::argument(format!(
                "cohort must not be larger than children ({} and {})",
                self.cohort, self.children
            )));
        }
        if self.children > MOST_CHILDREN {
            return Err(Error::argument(format!("children must be at most {MOST_CHILDREN}")));
        }
        if self.reference_date.year() < 1700 {
            return Err(Error::argument("reference_date must be in 1700 or later"));
        }
        let shares = [
            ("education_share", self.education_share),
            ("social_care_share", self.social_care_share),
            ("social_care_cohort_share", self.social_care_cohort_share),
            ("duplicates", self.duplicates),
        ];
        match shares.iter().find(|(_, share)| *share > 10_000) {
            Some((name, _)) => Err(Error::argument(format!("{name} is in 10,000 and must not be more"))),
            None => Ok(()),
        }
    }

    /// How many children each family has. The last one gives up some so that the sum is right.
    fn sizes(&self) -> Vec<u8> {
        let mut sizes = Vec::with_capacity(self.children * 6 / 10);
        let mut left = self.children;
        while left > 0 {
            let size = births(self.seed, sizes.len() as u64, self.reference_date).len().min(left);
            sizes.push(size as u8);
            left -= size;
        }
        sizes
    }

    /// How many children of each family the police hold. Families draw lots, and those with the lowest come in whole: what
    /// brings one child to notice is a parent.
    fn cohort_by_family(&self, sizes: &[u8]) -> Vec<u8> {
        let mut held = vec![0; sizes.len()];
        if self.cohort == 0 {
            return held;
        }
        let lot = |family: usize| (Stream::new(self.seed, Purpose::Cohort, family as u64).word(), family);
        let mut lots: Vec<_> = (0..sizes.len()).map(lot).collect();
        lots.sort_unstable();
        let mut left = self.cohort;
        for (_, family) in lots {
            let size = usize::from(sizes[family]).min(left);
            held[family] = size as u8;
            left -= size;
        }
        held
    }
}

/// The three files while they grow.
struct Files<'a> {
    options: &'a Options,
    desk: Desk<'a>,
    /// With the number by which the finished file is sorted.
    records: [Vec<(u64, Record)>; 3],
    persons: u64,
}

impl Files<'_> {
    fn add(&mut self, number: u64, family: &Family, births: &[Birth], cohort: usize, nhs_numbers: &mut NhsNumbers) {
        let options = self.options;
        let mut coverage = Stream::new(options.seed, Purpose::Coverage, number);
        let family_lot = coverage.below(10_000);
        for (index, (child, birth)) in family.children.iter().zip(births).enumerate() {
            let (child_lot, school_lot) = (coverage.below(10_000), coverage.below(10_000));
            let in_cohort = index < cohort;
            let share = if in_cohort { options.social_care_cohort_share } else { options.social_care_share };
            // Where social care knows a family it knows 85 % of its children; so that the product is the share.
            let of_families = (share * 10_000 / 8_500).min(10_000);
            let of_children = (share * 10_000).checked_div(of_families).unwrap_or(0);

            let school = School::of(birth.date, options.reference_date);
            let held = [
                in_cohort,
                family_lot < of_families && child_lot < of_children,
                school_lot < school.share(options.education_share),
            ];
            let nhs_number = nhs_numbers.next().unwrap_or_default();
            let upn = school.entered().map(|year| upn(self.persons, year)).unwrap_or_default();
            let person = Person { child, origin: family.origin, nhs_number: &nhs_number, upn: &upn };
            for agency in Agency::ALL.into_iter().filter(|&agency| held[agency as usize]) {
                self.write(agency, &person, number);
            }
            self.persons += 1;
        }
    }

    fn write(&mut self, agency: Agency, person: &Person<'_>, family: u64) {
        let purpose = match agency {
            Agency::Police => Purpose::Police,
            Agency::SocialCare => Purpose::SocialCare,
            Agency::Education => Purpose::Education,
        };
        for copy in 0..2 {
            let mut random = Stream::new(self.options.seed, purpose, self.persons * 2 + copy);
            let (order, twice) = (random.word(), random.chance(self.options.duplicates));
            let mut record = self.desk.write(agency, self.options.rates(agency), person, &mut random);
            record.person_id = format!("c{}", self.persons);
            record.family_id = format!("f{family}");
            self.records[agency as usize].push((order, record));
            if !twice {
                break;
            }
        }
    }

    fn finish(self) -> [Vec<Record>; 3] {
        let mut agencies = Agency::ALL.into_iter();
        self.records.map(|mut records| {
            records.sort_by_key(|(order, _)| *order);
            let prefix = agencies.next().map_or("", |agency| match agency {
                Agency::Police => "P",
                Agency::SocialCare => "S",
                Agency::Education => "E",
            });
            let numbered = (1..)
                .zip(records)
                .map(|(row, (_, record)): (u64, _)| Record { record_id: format!("{prefix}{row:07}"), ..record });
            numbered.collect()
        })
    }
}

/// How far a child is in school at the reference date.
#[derive(Clone, Copy)]
enum School {
    NotYet,
    /// Reception to year 11, with the year of entry.
    Pupil(u16),
    /// Sixth form, for the part that stays.
    After(u16),
}

impl School {
    /// Children enter in the September after their fourth birthday.
    fn of(born: Date, reference: Date) -> Self {
        let entry = born.year() + 4 + u16::from(born.month() > 8);
        let september = reference.year() - u16::from(reference.month() < 9);
        match september.checked_sub(entry) {
            None => School::NotYet,
            Some(0..12) => School::Pupil(entry),
            Some(_) => School::After(entry),
        }
    }

    fn share(self, of_pupils: u32) -> u32 {
        match self {
            School::NotYet => 0,
            School::Pupil(_) => of_pupils,
            School::After(_) => of_pupils * 6 / 10,
        }
    }

    fn entered(self) -> Option<u16> {
        match self {
            School::NotYet => None,
            School::Pupil(year) | School::After(year) => Some(year),
        }
    }
}

fn add_parents(parents: &mut Vec<Parent>, number: u64, family: &Family, places: &Places) {
    let adults = [("m", "F", Some(&family.mother)), ("d", "M", family.father.as_ref())];
    for (prefix, sex, adult) in adults {
        parents.extend(adult.map(|adult| Parent {
            person_id: format!("{prefix}{number}"),
            family_id: format!("f{number}"),
            forename: adult.forename.clone(),
            surname: adult.surname.clone(),
            date_of_birth: adult.born,
            sex,
            postcode: places.postcode(family.home),
        }));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sex {
    Female = 0,
    Male = 1,
}

impl Sex {
    const BOTH: [Sex; 2] = [Sex::Female, Sex::Male];

    fn other(self) -> Self {
        match self {
            Sex::Female => Sex::Male,
            Sex::Male => Sex::Female,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "f" | "female" | "girl" => Some(Sex::Female),
            "m" | "male" | "boy" => Some(Sex::Male),
            _ => None,
        }
    }
}
