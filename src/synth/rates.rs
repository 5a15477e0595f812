//! How often an agency writes what is not so.

/// How often each error happens in one agency's file.
///
/// Every rate is in 10,000: 250 is 2.5 %. [`Options::noise`](super::Options::noise) scales them all. A rate counts the
/// records that the error can touch: a swap of day and month needs a day that could be a month, a lost accent an accent. The defaults
/// are judgements from what is written about such files, not measurements: set your own where you know better.
///
/// Start from [`Rates::none`] to study one error alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The forename is spelt as it was heard.
    pub misheard_forename: u32,
    /// The surname is spelt as it was heard.
    pub misheard_surname: u32,
    /// One slip of the keyboard in the forename.
    pub mistyped_forename: u32,
    /// One slip of the keyboard in the surname.
    pub mistyped_surname: u32,
    /// Under the name that the child is called by, where there is one.
    pub known_as: u32,
    /// The second forename is written after the first.
    pub middle_name: u32,
    /// Forename and surname have changed places.
    pub swapped_names: u32,
    /// Another name was given: two times in three the surname, or else the forename.
    pub alias: u32,
    /// Only one half of a double-barrelled surname.
    pub halved_surname: u32,
    /// The mother's surname instead of the child's.
    pub mothers_surname: u32,
    /// The surname before it changed, where it did.
    pub former_surname: u32,
    /// Letters lose their accents, in the whole record.
    pub lost_accents: u32,
    /// "O'Connor" becomes "OConnor" or "O Connor".
    pub lost_apostrophe: u32,
    /// All capitals, or none.
    pub changed_case: u32,
    /// "Miss" or "Mr" in the field of the forename.
    pub title: u32,
    /// An infant in its first year is filed as "BABY": it was recorded before it had a name.
    pub baby: u32,
    /// Day and month have changed places, where that is a date too.
    pub swapped_day_month: u32,
    /// 1 January of the right year, because the day was not known.
    pub first_of_january: u32,
    /// The date of birth is a day, a month or a year off.
    pub wrong_date: u32,
    /// The other sex.
    pub wrong_sex: u32,
    /// The address before the last move.
    pub old_address: u32,
    /// One slip in the postcode.
    pub mistyped_postcode: u32,
    /// The postcode without its space, or in small letters.
    pub untidy_postcode: u32,
    /// One slip in the NHS number, one in the UPN, each on its own.
    pub mistyped_number: u32,
    /// No forename.
    pub missing_forename: u32,
    /// No surname.
    pub missing_surname: u32,
    /// No date of birth.
    pub missing_date: u32,
    /// No sex.
    pub missing_sex: u32,
    /// No postcode.
    pub missing_postcode: u32,
    /// No NHS number.
    pub missing_nhs_number: u32,
    /// No UPN, from the age at which children have one.
    pub missing_upn: u32,
    /// Of the missing names, dates and sexes, those that are not empty but say UNKNOWN, or 1 January 1900. A share, and
    /// therefore the one number that `noise` does not scale.
    pub placeholder: u32,
    /// Whether the agency holds NHS numbers at all.
    pub holds_nhs_number: bool,
    /// Whether the agency holds UPNs at all.
    pub holds_upn: bool,
}

impl Rates {
    /// An agency without errors that holds every number.
    #[must_use]
    pub const fn none() -> Self {
        Rates {
            misheard_forename: 0,
            misheard_surname: 0,
            mistyped_forename: 0,
            mistyped_surname: 0,
            known_as: 0,
            middle_name: 0,
            swapped_names: 0,
            alias: 0,
            halved_surname: 0,
            mothers_surname: 0,
            former_surname: 0,
            lost_accents: 0,
            lost_apostrophe: 0,
            changed_case: 0,
            title: 0,
            baby: 0,
            swapped_day_month: 0,
            first_of_january: 0,
            wrong_date: 0,
            wrong_sex: 0,
            old_address: 0,
            mistyped_postcode: 0,
            untidy_postcode: 0,
            mistyped_number: 0,
            missing_forename: 0,
            missing_surname: 0,
            missing_date: 0,
            missing_sex: 0,
            missing_postcode: 0,
            missing_nhs_number: 0,
            missing_upn: 0,
            placeholder: 0,
            holds_nhs_number: true,
            holds_upn: true,
        }
    }

    /// Written down at a counter, at night, from what somebody said: spelling by ear, unknown days, other names, old
    /// addresses, and none of the numbers that would help.
    #[must_use]
    pub const fn police() -> Self {
        Rates {
            misheard_forename: 700,
            misheard_surname: 800,
            mistyped_forename: 200,
            mistyped_surname: 250,
            known_as: 600,
            middle_name: 300,
            swapped_names: 100,
            alias: 150,
            halved_surname: 2_500,
            mothers_surname: 400,
            former_surname: 3_000,
            lost_accents: 8_500,
            lost_apostrophe: 3_000,
            changed_case: 2_000,
            title: 150,
            swapped_day_month: 300,
            first_of_january: 250,
            wrong_date: 200,
            wrong_sex: 50,
            old_address: 2_200,
            mistyped_postcode: 200,
            untidy_postcode: 500,
            missing_forename: 80,
            missing_surname: 50,
            missing_date: 200,
            missing_sex: 100,
            missing_postcode: 700,
            placeholder: 3_000,
            holds_nhs_number: false,
            holds_upn: false,
            ..Rates::none()
        }
    }

    /// Many hands, cases opened in a hurry: fields left out or filled with placeholders, the mother's surname, babies without
    /// a name; the NHS number mostly, the UPN sometimes.
    #[must_use]
    pub const fn social_care() -> Self {
        Rates {
            misheard_forename: 200,
            misheard_surname: 250,
            mistyped_forename: 100,
            mistyped_surname: 120,
            known_as: 400,
            middle_name: 200,
            swapped_names: 30,
            alias: 20,
            halved_surname: 1_200,
            mothers_surname: 700,
            former_surname: 2_000,
            lost_accents: 6_000,
            lost_apostrophe: 1_000,
            changed_case: 300,
            baby: 2_500,
            swapped_day_month: 60,
            first_of_january: 60,
            wrong_date: 80,
            wrong_sex: 20,
            old_address: 1_000,
            mistyped_postcode: 80,
            untidy_postcode: 300,
            mistyped_number: 50,
            missing_forename: 80,
            missing_surname: 60,
            missing_date: 250,
            missing_sex: 150,
            missing_postcode: 600,
            missing_nhs_number: 1_500,
            missing_upn: 4_000,
            placeholder: 5_000,
            ..Rates::none()
        }
    }

    /// Filled in by parents and used every day: names as called in class, double names cut short, the present address, and
    /// nearly always the UPN; never the NHS number.
    #[must_use]
    pub const fn education() -> Self {
        Rates {
            misheard_forename: 50,
            misheard_surname: 50,
            mistyped_forename: 50,
            mistyped_surname: 60,
            known_as: 1_000,
            middle_name: 300,
            swapped_names: 10,
            halved_surname: 2_000,
            mothers_surname: 150,
            former_surname: 800,
            lost_accents: 4_000,
            lost_apostrophe: 500,
            changed_case: 100,
            swapped_day_month: 15,
            first_of_january: 5,
            wrong_date: 30,
            wrong_sex: 5,
            old_address: 300,
            mistyped_postcode: 30,
            untidy_postcode: 100,
            mistyped_number: 20,
            missing_date: 10,
            missing_sex: 10,
            missing_postcode: 60,
            missing_upn: 200,
            holds_nhs_number: false,
            ..Rates::none()
        }
    }
}
