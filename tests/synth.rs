//! The invented families hold what the documentation of `pprl::synth` says of them.
#![cfg(feature = "synth")]
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::{HashMap, HashSet};
use std::fs;

use pprl::ErrorKind;
use pprl::synth::{Agency, Date, Options, Population, Rates, Record};

fn generate(options: &Options) -> Population {
    Population::generate(options).expect("generates")
}

/// Everyone, by the police alone, with the rates of one error.
fn police_of(rates: Rates, noise: u32) -> Population {
    let everyone = Options {
        seed: 11,
        children: 20_000,
        cohort: 20_000,
        education_share: 0,
        social_care_cohort_share: 0,
        ..Options::default()
    };
    generate(&Options { police: rates, noise, ..everyone })
}

fn by_person(records: &[Record]) -> HashMap<&str, &Record> {
    records.iter().map(|record| (record.person_id.as_str(), record)).collect()
}

/// Of the records that an error can touch, how many there are and for how many `differs` holds, beside the same person's
/// clean record.
fn counts(
    clean: &Population,
    after: &Population,
    of: impl Fn(&Record) -> bool,
    differs: impl Fn(&Record, &Record) -> bool,
) -> (f64, f64) {
    let clean = by_person(clean.records(Agency::Police));
    let pairs = after.records(Agency::Police).iter().map(|r| (clean[r.person_id.as_str()], r));
    let touched: Vec<_> = pairs.filter(|(before, _)| of(before)).collect();
    let hit = touched.iter().filter(|(before, after)| differs(before, after)).count();
    (touched.len() as f64, hit as f64)
}

fn share(clean: &Population, after: &Population, differs: impl Fn(&Record, &Record) -> bool) -> f64 {
    let (touched, hit) = counts(clean, after, |_| true, differs);
    hit / touched
}

fn day_month_year(date: &str) -> Option<(u16, u8, u8)> {
    let parts: Vec<_> = date.split(['/', '-']).collect();
    let [a, b, c] = parts[..] else { return None };
    let (year, day) = if date.contains('/') { (c, a) } else { (a, c) };
    Some((year.parse().ok()?, b.parse().ok()?, day.parse().ok()?))
}

#[test]
fn same_seed_same_bytes() {
    let folder = tempfile::tempdir().expect("folder");
    let mut files = Vec::new();
    for (run, seed) in [(0, 1), (1, 1), (2, 2)] {
        let population = generate(&Options { seed, children: 1_500, ..Options::default() });
        for agency in Agency::ALL {
            let path = folder.path().join(format!("{}-{run}.csv", agency.name()));
            let truth = folder.path().join(format!("{}-{run}-truth.csv", agency.name()));
            population.write_csv(agency, &path).expect("writes");
            population.write_truth_csv(agency, &truth).expect("writes");
            files.push((run, fs::read(path).expect("reads"), fs::read(truth).expect("reads")));
        }
    }
    let of_run = |run| files.iter().filter(move |file| file.0 == run).map(|file| (&file.1, &file.2));
    assert!(of_run(0).eq(of_run(1)));
    assert!(of_run(0).zip(of_run(2)).all(|(a, b)| a != b));
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 18, "no temporary file stays behind");
}

/// The output is part of the interface: figures in the documentation were measured on it. A change here is a change of
/// every measurement, and belongs in the changelog.
#[test]
fn bytes_do_not_depend_on_the_platform() {
    let population = generate(&Options { seed: 42, children: 2_000, ..Options::default() });
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for record in Agency::ALL.iter().flat_map(|&agency| population.records(agency)) {
        for byte in format!("{record:?}").bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(sum, FINGERPRINT, "{sum:#018x}");
}

const FINGERPRINT: u64 = 0x89e5_3fc2_9dff_b5fc;

#[test]
fn the_file_has_no_truth_in_it() {
    let folder = tempfile::tempdir().expect("folder");
    let population = generate(&Options::default());
    let (file, truth) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
    population.write_csv(Agency::Police, &file).expect("writes");
    population.write_truth_csv(Agency::Police, &truth).expect("writes");
    let (file, truth) = (fs::read_to_string(file).expect("reads"), fs::read_to_string(truth).expect("reads"));
    assert_eq!(file.lines().next(), Some("record_id,forename,surname,date_of_birth,sex,postcode,nhs_number,upn"));
    assert_eq!(truth.lines().next(), Some("record_id,person_id,family_id,origin"));
    assert_eq!((file.lines().count(), truth.lines().count()), (226, 226));
    assert!(population.write_csv(Agency::Police, &folder.path().join("nowhere/a.csv")).is_err());
    assert!(population.write_csv(Agency::Police, "/".as_ref()).is_err());
}

#[test]
fn check_digits_are_right() {
    let population = generate(&Options { noise: 0, ..Options::default() });
    let mut seen = HashSet::new();
    for record in population.records(Agency::SocialCare) {
        let digits: Vec<u32> = record.nhs_number.chars().map(|c| c.to_digit(10).expect("digit")).collect();
        assert_eq!((digits.len(), &digits[..3]), (10, &[9, 9, 9][..]));
        let sum: u32 = (0..9).map(|i| digits[i] * (10 - i as u32)).sum();
        assert_eq!((sum + digits[9]) % 11, 0);
        assert!(seen.insert(&record.nhs_number));
    }
    let letters = "ABCDEFGHJKLMNPQRTUVWXYZ";
    for record in population.records(Agency::Education) {
        let (letter, digits) = record.upn.split_at(1);
        assert_eq!((digits.len(), &digits[..3]), (12, "999"));
        let sum: u32 = digits.chars().zip(2..).map(|(c, weight)| c.to_digit(10).expect("digit") * weight).sum();
        assert_eq!(letters.find(letter), Some(sum as usize % 23));
        assert!(seen.insert(&record.upn));
    }
}

#[test]
fn every_date_is_real_and_every_age_below_eighteen() {
    for noise in [0, 300] {
        let population = generate(&Options { noise, children: 10_000, cohort: 10_000, ..Options::default() });
        for record in Agency::ALL.iter().flat_map(|&agency| population.records(agency)) {
            if record.date_of_birth.is_empty() || record.date_of_birth == "UNKNOWN" {
                assert!(noise > 0);
                continue;
            }
            let (year, month, day) = day_month_year(&record.date_of_birth).expect("is a date");
            let date = Date::new(year, month, day).expect("is a real date");
            if noise == 0 {
                assert!(
                    date > Date::new(2006, 11, 30).expect("real") && date <= Date::new(2024, 11, 30).expect("real")
                );
            }
        }
    }
    let clean = police_of(Rates::none(), 0);
    let leap = clean.records(Agency::Police).iter().filter(|r| r.date_of_birth.starts_with("29/02")).count();
    assert!((2..60).contains(&leap), "{leap} born on 29 February");
}

#[test]
fn ages_are_spread_evenly() {
    let clean = police_of(Rates::none(), 0);
    let mut years: HashMap<u16, usize> = HashMap::new();
    for record in clean.records(Agency::Police) {
        *years.entry(day_month_year(&record.date_of_birth).expect("is a date").0).or_default() += 1;
    }
    for year in 2007..2024 {
        assert!((850..1_400).contains(&years[&year]), "{year}: {}", years[&year]);
    }
}

#[test]
fn postcodes_have_the_form_of_postcodes() {
    let population = generate(&Options { noise: 0, children: 40_000, ..Options::default() });
    let mut households: HashMap<&str, HashSet<&str>> = HashMap::new();
    for record in population.records(Agency::Education) {
        let (outward, inward) = record.postcode.split_once(' ').expect("two parts");
        assert!((2..=4).contains(&outward.len()) && inward.len() == 3);
        assert!(outward.starts_with(|c: char| c.is_ascii_uppercase()));
        assert!(outward.chars().any(|c| c.is_ascii_digit()));
        assert!(inward.starts_with(|c: char| c.is_ascii_digit()));
        assert!(inward[1..].chars().all(|c| c.is_ascii_uppercase() && !"CIKMOV".contains(c)));
        households.entry(&record.postcode).or_default().insert(&record.family_id);
    }
    let shared = households.values().filter(|families| families.len() > 1).count();
    assert!(shared * 2 > households.len(), "streets share postcodes");
}

#[test]
fn each_person_is_at_most_once_in_a_file() {
    let population = generate(&Options::default());
    let sizes = Agency::ALL.map(|agency| {
        let records = population.records(agency);
        assert_eq!(by_person(records).len(), records.len());
        let ids: HashSet<_> = records.iter().map(|record| &record.record_id).collect();
        assert_eq!(ids.len(), records.len());
        records.len()
    });
    assert_eq!(sizes[0], 225);
    assert!((950..1_300).contains(&sizes[1]), "{sizes:?}");
    assert!((3_000..3_800).contains(&sizes[2]), "{sizes:?}");

    let twice = generate(&Options { duplicates: 1_000, ..Options::default() });
    let education = twice.records(Agency::Education);
    let copies = education.len() - by_person(education).len();
    assert!((250..450).contains(&copies), "{copies} duplicates");
    assert_eq!(by_person(education).len(), sizes[2]);
}

#[test]
fn social_care_knows_most_of_the_cohort() {
    let population = generate(&Options { children: 40_000, cohort: 8_000, ..Options::default() });
    let known = by_person(population.records(Agency::SocialCare));
    let police = population.records(Agency::Police);
    let both = police.iter().filter(|record| known.contains_key(record.person_id.as_str())).count();
    let (cohort, others) = (both as f64 / 8_000.0, (known.len() - both) as f64 / 32_000.0);
    assert!((0.72..0.78).contains(&cohort), "{cohort} of the cohort");
    assert!((0.18..0.22).contains(&others), "{others} of the others");
}

#[test]
fn siblings_and_twins_exist() {
    let clean = police_of(Rates::none(), 0);
    let mut families: HashMap<&str, Vec<&Record>> = HashMap::new();
    for record in clean.records(Agency::Police) {
        families.entry(&record.family_id).or_default().push(record);
    }
    assert!(families.values().all(|family| family.len() <= 6));
    let mean = 20_000.0 / families.len() as f64;
    assert!((1.5..2.3).contains(&mean), "{mean} children a family");

    let (mut births, mut twins, mut pairs, mut surnames, mut homes) = (0, 0, 0, 0, 0);
    for family in families.values() {
        let days: HashSet<_> = family.iter().map(|record| &record.date_of_birth).collect();
        births += days.len();
        twins += family.len() - days.len();
        let names: HashSet<_> = family.iter().map(|record| &record.forename).collect();
        assert_eq!(names.len(), family.len(), "siblings have names of their own");
        for pair in family.windows(2) {
            pairs += 1;
            surnames += usize::from(pair[0].surname == pair[1].surname);
            homes += usize::from(pair[0].postcode == pair[1].postcode);
        }
    }
    let twins = twins as f64 / births as f64;
    assert!((0.011..0.020).contains(&twins), "{twins} of births are twins");
    let (surnames, homes) = (surnames as f64 / pairs as f64, homes as f64 / pairs as f64);
    assert!((0.85..0.99).contains(&surnames), "{surnames} of siblings share the surname");
    assert!((0.93..0.999).contains(&homes), "{homes} of siblings share the address");
    let boys = clean.records(Agency::Police).iter().filter(|record| record.sex == "M").count();
    assert!((9_900..10_600).contains(&boys), "{boys} boys");
}

#[test]
fn the_cohort_comes_as_sibling_groups() {
    let population = generate(&Options { noise: 0, ..Options::default() });
    let families: HashSet<_> = population.records(Agency::Police).iter().map(|record| &record.family_id).collect();
    assert!((95..170).contains(&families.len()), "{} families", families.len());
}

#[test]
fn without_noise_the_agencies_agree() {
    let population = generate(&Options { noise: 0, cohort: 2_000, ..Options::default() });
    let police = by_person(population.records(Agency::Police));
    let mut compared = 0;
    for agency in [Agency::SocialCare, Agency::Education] {
        for record in population.records(agency) {
            let Some(other) = police.get(record.person_id.as_str()) else { continue };
            assert_eq!((&record.forename, &record.surname), (&other.forename, &other.surname));
            assert_eq!(record.postcode, other.postcode);
            assert_eq!(day_month_year(&record.date_of_birth), day_month_year(&other.date_of_birth));
            assert_eq!(record.sex[..1], other.sex[..1]);
            assert_eq!((&record.family_id, record.origin), (&other.family_id, other.origin));
            compared += 1;
        }
    }
    assert!(compared > 2_000);
    assert!(population.records(Agency::Police).iter().all(|r| r.nhs_number.is_empty() && r.upn.is_empty()));
}

#[test]
fn each_error_happens_as_often_as_it_says() {
    let clean = police_of(Rates::none(), 0);
    let all = |_: &Record| true;
    let named = |r: &Record| !r.surname.is_empty();
    let check =
        |after: &Population, what: &str, of: &dyn Fn(&Record) -> bool, differs: &dyn Fn(&Record, &Record) -> bool| {
            let (touched, hit) = counts(&clean, after, of, differs);
            // Two in ten, give or take four and a half standard deviations, and what falls on a value that was the same before.
            let slack = 4.5 * (0.16 * touched).sqrt() + 0.01 * touched;
            assert!(touched > 50.0 && (hit - 0.2 * touched).abs() < slack, "{what}: {hit} of {touched}");
        };
    // Errors in different fields do not meet, so one population serves several.
    let none = Rates::none();

    let rates = Rates { misheard_forename: 2_000, mistyped_surname: 2_000, ..none.clone() };
    let after = police_of(Rates { swapped_day_month: 2_000, old_address: 2_000, wrong_sex: 2_000, ..rates }, 100);
    check(&after, "misheard forename", &all, &|a, b| a.forename != b.forename);
    check(&after, "mistyped surname", &named, &|a, b| a.surname != b.surname);
    check(&after, "old address", &all, &|a, b| a.postcode != b.postcode);
    check(&after, "wrong sex", &all, &|a, b| a.sex != b.sex);
    let could_swap =
        |r: &Record| day_month_year(&r.date_of_birth).is_some_and(|(_, month, day)| day <= 12 && day != month);
    check(&after, "swapped day and month", &could_swap, &|a, b| {
        let (a, b) = (day_month_year(&a.date_of_birth), day_month_year(&b.date_of_birth));
        a.zip(b).is_some_and(|(a, b)| a.0 == b.0 && (a.1, a.2) == (b.2, b.1))
    });

    let rates = Rates { mistyped_forename: 2_000, misheard_surname: 2_000, ..none.clone() };
    let rates = Rates { first_of_january: 2_000, mistyped_postcode: 2_000, missing_sex: 2_000, ..rates };
    let after = police_of(Rates { mistyped_number: 2_000, ..rates }, 100);
    check(&after, "mistyped forename", &all, &|a, b| a.forename != b.forename);
    check(&after, "misheard surname", &named, &|a, b| a.surname != b.surname);
    check(&after, "first of January", &|r| !r.date_of_birth.starts_with("01/01"), &|a, b| {
        b.date_of_birth == format!("01/01/{}", &a.date_of_birth[6..])
    });
    check(&after, "mistyped postcode", &all, &|a, b| a.postcode != b.postcode);
    check(&after, "missing sex", &all, &|_, b| b.sex.is_empty());
    check(&after, "mistyped NHS number", &all, &|a, b| a.nhs_number != b.nhs_number);
    check(&after, "mistyped UPN", &|r| !r.upn.is_empty(), &|a, b| a.upn != b.upn);

    let rates = Rates { middle_name: 2_000, lost_accents: 2_000, wrong_date: 2_000, ..none.clone() };
    let after =
        police_of(Rates { untidy_postcode: 2_000, missing_nhs_number: 2_000, missing_upn: 2_000, ..rates }, 100);
    check(&after, "middle name", &|r| r.forename.is_ascii(), &|a, b| {
        b.forename.starts_with(&format!("{} ", a.forename))
    });
    check(&after, "lost accents", &|r| !r.surname.is_ascii(), &|_, b| b.surname.is_ascii());
    check(&after, "wrong date", &all, &|a, b| a.date_of_birth != b.date_of_birth);
    check(&after, "untidy postcode", &all, &|a, b| {
        a.postcode != b.postcode && a.postcode.replace(' ', "") == b.postcode.replace(' ', "").to_uppercase()
    });
    check(&after, "missing NHS number", &all, &|_, b| b.nhs_number.is_empty());
    check(&after, "missing UPN", &|r| !r.upn.is_empty(), &|_, b| b.upn.is_empty());

    let rates = Rates { title: 2_000, lost_apostrophe: 2_000, missing_date: 4_000, placeholder: 5_000, ..none.clone() };
    let after = police_of(Rates { missing_postcode: 2_000, ..rates }, 100);
    check(&after, "title", &all, &|_, b| b.forename.starts_with("Mr ") || b.forename.starts_with("Miss "));
    check(&after, "lost apostrophe", &|r| r.surname.contains('\''), &|_, b| !b.surname.contains('\''));
    check(&after, "placeholder", &all, &|_, b| b.date_of_birth == "01/01/1900");
    check(&after, "missing date", &all, &|_, b| b.date_of_birth.is_empty());
    check(&after, "missing postcode", &all, &|_, b| b.postcode.is_empty());

    let after = police_of(Rates { missing_forename: 2_000, missing_surname: 2_000, ..none.clone() }, 100);
    check(&after, "missing forename", &all, &|_, b| b.forename.is_empty());
    check(&after, "missing surname", &named, &|_, b| b.surname.is_empty());
    let after = police_of(Rates { swapped_names: 2_000, ..none.clone() }, 100);
    check(&after, "swapped names", &named, &|a, b| a.forename == b.surname && a.surname == b.forename);
    let after = police_of(Rates { changed_case: 2_000, ..none.clone() }, 100);
    check(&after, "changed case", &named, &|a, b| {
        a.surname != b.surname && a.surname.to_lowercase() == b.surname.to_lowercase()
    });
    let after = police_of(Rates { alias: 2_000, ..none.clone() }, 100);
    check(&after, "alias", &named, &|a, b| a.forename != b.forename || a.surname != b.surname);

    // Errors that only some children can have, made to happen to all of those.
    let some = |what: &str, rates: Rates, low: f64, high: f64, differs: &dyn Fn(&Record, &Record) -> bool| {
        let found = share(&clean, &police_of(rates, 100), differs);
        assert!((low..high).contains(&found), "{what}: {found}");
    };
    let surname = |a: &Record, b: &Record| a.forename == b.forename && a.surname != b.surname;
    some("known as", Rates { known_as: 10_000, ..none.clone() }, 0.25, 0.60, &|a, b| {
        a.forename != b.forename && a.surname == b.surname
    });
    some("halved surname", Rates { halved_surname: 10_000, ..none.clone() }, 0.03, 0.10, &|a, b| {
        a.surname.ends_with(&format!("-{}", b.surname))
    });
    some("mother's surname", Rates { mothers_surname: 10_000, ..none.clone() }, 0.60, 0.85, &surname);
    some("former surname", Rates { former_surname: 10_000, ..none.clone() }, 0.02, 0.10, &surname);
    some("baby", Rates { baby: 10_000, ..none.clone() }, 0.04, 0.07, &|_, b| b.forename == "BABY");
}

#[test]
fn noise_scales_the_errors_and_only_adds_to_them() {
    let rates = Rates { old_address: 2_000, misheard_surname: 1_000, ..Rates::none() };
    let clean = police_of(rates.clone(), 0);
    let [half, full, double] = [50, 100, 200].map(|noise| police_of(rates.clone(), noise));
    let moved = |a: &Record, b: &Record| a.postcode != b.postcode;
    let shares = [&half, &full, &double].map(|after| share(&clean, after, moved));
    assert!(
        (0.08..0.12).contains(&shares[0]) && (0.17..0.23).contains(&shares[1]) && (0.37..0.43).contains(&shares[2])
    );
    let (clean, double) = (by_person(clean.records(Agency::Police)), by_person(double.records(Agency::Police)));
    for record in full.records(Agency::Police) {
        let person = record.person_id.as_str();
        assert!(record.postcode == clean[person].postcode || record.postcode == double[person].postcode);
        assert!(record.surname == clean[person].surname || record.surname == double[person].surname);
    }
    let most = police_of(Rates { misheard_surname: u32::MAX, ..Rates::none() }, u32::MAX);
    assert_eq!(most.records(Agency::Police).len(), 20_000);
}

#[test]
fn options_leave_alone_what_they_do_not_concern() {
    let small = generate(&Options { noise: 0, ..Options::default() });
    let large =
        generate(&Options { noise: 0, children: 8_000, cohort: 400, social_care_share: 500, ..Options::default() });
    let large = by_person(large.records(Agency::Education));
    let same = small.records(Agency::Education).iter().filter(|record| {
        let other = large[record.person_id.as_str()];
        (&record.forename, &record.surname, &record.postcode, &record.upn)
            == (&other.forename, &other.surname, &other.postcode, &other.upn)
    });
    assert_eq!(same.count(), small.records(Agency::Education).len());
}

#[test]
fn empty_and_impossible_sizes() {
    let nobody = generate(&Options { children: 0, cohort: 0, ..Options::default() });
    assert!(Agency::ALL.iter().all(|&agency| nobody.records(agency).is_empty()));
    assert!(nobody.parents().is_empty());
    let no_cohort = generate(&Options { children: 100, cohort: 0, ..Options::default() });
    assert!(no_cohort.records(Agency::Police).is_empty());
    assert!(!no_cohort.records(Agency::Education).is_empty());
    for options in [
        Options { children: 10, cohort: 11, ..Options::default() },
        Options { children: usize::MAX, ..Options::default() },
        Options { education_share: 10_001, ..Options::default() },
        Options { reference_date: Date::new(1650, 1, 1).expect("real"), ..Options::default() },
    ] {
        let error = Population::generate(&options).expect_err("is refused");
        assert!(matches!(error.kind(), ErrorKind::Argument { .. }), "{error}");
    }
    let one = generate(&Options { children: 1, cohort: 1, ..Options::default() });
    assert_eq!(one.records(Agency::Police).len(), 1);
}

#[test]
fn parents_are_older_than_their_children() {
    let population = generate(&Options { noise: 0, cohort: 5_000, ..Options::default() });
    let mut parents: HashMap<&str, Vec<_>> = HashMap::new();
    for parent in population.parents() {
        parents.entry(&parent.family_id).or_default().push(parent);
    }
    for child in population.records(Agency::Police) {
        let (year, ..) = day_month_year(&child.date_of_birth).expect("is a date");
        let parents = &parents[child.family_id.as_str()];
        assert!((1..=2).contains(&parents.len()));
        assert!(parents.iter().all(|parent| parent.date_of_birth.year() + 17 <= year));
    }
}

#[test]
fn names_have_the_shape_of_a_register() {
    let clean = generate(&Options { seed: 3, children: 10_000, cohort: 10_000, noise: 0, ..Options::default() });
    let counts = |value: &dyn Fn(&Record) -> &str| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for record in clean.records(Agency::Police).iter().filter(|record| !value(record).is_empty()) {
            *counts.entry(value(record).to_owned()).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_unstable_by_key(|&count| std::cmp::Reverse(count));
        let total: usize = counts.iter().sum();
        (counts.len(), counts.iter().take(10).sum::<usize>() as f64 / total as f64)
    };
    let (distinct, top) = counts(&|record| &record.surname);
    assert!((2_000..4_500).contains(&distinct), "{distinct} surnames");
    assert!((0.05..0.10).contains(&top), "the ten commonest surnames hold {top}");
    for sex in ["F", "M"] {
        let (distinct, top) = counts(&|record| if record.sex == sex { &record.forename } else { "" });
        assert!((800..2_500).contains(&distinct), "{distinct} forenames of {sex}");
        assert!((0.07..0.18).contains(&top), "the ten commonest forenames of {sex} hold {top}");
    }
    let origins: HashSet<_> = clean.records(Agency::Police).iter().map(|record| record.origin).collect();
    assert_eq!(origins.len(), 14);
    for needed in ["O'Connor", "Ng", "Li", "Singh", "Kaur"] {
        let found = |record: &Record| record.surname.split('-').any(|part| part == needed);
        assert!(clean.records(Agency::Police).iter().any(found), "nobody is called {needed}");
    }
    let accents = clean.records(Agency::Police).iter().filter(|record| !record.surname.is_ascii()).count();
    assert!((50..500).contains(&accents), "{accents} surnames with accents");
    assert!(clean.records(Agency::Police).iter().any(|record| record.surname.contains('-')));
    assert!(clean.records(Agency::Police).iter().any(|record| record.surname.is_empty()));
}

#[test]
fn names_and_postcodes_come_from_files() {
    let folder = tempfile::tempdir().expect("folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writes");
        Some(path)
    };
    let options = Options {
        forenames: write(
            "f.csv",
            "firstname,freq,sex,birthyear\nadam,0.5,male,2010\neve,3e-1,female,2010\nold,0.5,male,1950\nlost,0,male,2010\n",
        ),
        surnames: write("s.csv", "surname,freq\no'neill,1\nsmith-jones,3\n"),
        postcodes: write("p.csv", "postcode,country\nAB1 2CD,Scotland\nE1W 3EF,England\n"),
        noise: 0,
        cohort: 4_000,
        ..Options::default()
    };
    let population = generate(&options);
    let police = population.records(Agency::Police);
    assert!(police.iter().all(|r| r.forename == if r.sex == "M" { "Adam" } else { "Eve" }));
    assert!(police.iter().all(|r| r.origin == "external"));
    assert!(police.iter().all(|r| r.postcode == "AB1 2CD" || r.postcode == "E1W 3EF"));
    let jones = police.iter().filter(|r| r.surname == "Smith-Jones").count();
    assert!((2_400..3_500).contains(&jones), "{jones}");
    assert!(police.iter().all(|r| r.surname == "Smith-Jones" || r.surname == "O'Neill"));

    let decades = write("d.csv", "sex,decade,name,n\nF,2000,Ann,5\nF,2010,Bea,7\nM,2000,Cay,1\nM,2010,Dan,1\n");
    let population = generate(&Options { forenames: decades, surnames: None, postcodes: None, ..options });
    for record in population.records(Agency::Police) {
        let early = day_month_year(&record.date_of_birth).expect("is a date").0 < 2010;
        let expected = match (record.sex.as_str(), early) {
            ("F", true) => "Ann",
            ("F", false) => "Bea",
            (_, true) => "Cay",
            (_, false) => "Dan",
        };
        assert_eq!(record.forename, expected);
    }
}

#[test]
fn a_malformed_file_is_named_with_its_row_and_without_its_content() {
    let folder = tempfile::tempdir().expect("folder");
    let refused = |text: &[u8], postcodes: bool| {
        let path = folder.path().join("names.csv");
        fs::write(&path, text).expect("writes");
        let path = Some(path);
        let options = if postcodes {
            Options { postcodes: path, ..Options::default() }
        } else {
            Options { forenames: path, ..Options::default() }
        };
        let error = Population::generate(&options).expect_err("is refused");
        let text = format!("{error} {error:?}");
        assert!(text.contains("names.csv") && !text.to_lowercase().contains("secret"), "{text}");
        error.to_string()
    };
    let rows: [(&[u8], bool, &str); 9] = [
        (b"name,weight\nsecret,1\nsecret,secret\n", false, "row 2 (line 3), weight"),
        (b"name,weight\nsecret,-1\n", false, "row 1 (line 2), weight"),
        (b"name,weight\nsecret,NaN\n", false, "row 1 (line 2), weight"),
        (b"name,weight\n,1\n", false, "row 1 (line 2), name: is empty"),
        (b"name,weight\nsecret\n", false, "row 1 (line 2), weight"),
        (b"name,weight\nsecret\xff,1\n", false, "row 1 (line 2), name: is not UTF-8"),
        (b"name,weight,sex\nsecret,1,secret\n", false, "row 1 (line 2), sex"),
        (b"name,weight,sex,birthyear\nsecret,1,F,secret\n", false, "row 1 (line 2), birth year"),
        (b"postcode\nAB1 2CD\nsecret\n", true, "row 2 (line 3), postcode"),
    ];
    for (text, postcodes, expected) in rows {
        let message = refused(text, postcodes);
        assert!(message.contains(expected), "{message}");
    }
    assert!(refused(b"secret,weight\nx,1\n", false).contains("no column called name"));
    assert!(refused(b"name,weight\nsecret,0\n", false).contains("no name has a weight above zero"));
    assert!(refused(b"name,weight,sex\nsecret,1,F\n", false).contains("one sex only"));
    assert!(refused(b"", false).contains("no column"));
    assert!(refused(b"postcode\n", true).contains("holds no postcode"));
    let missing = Options { surnames: Some(folder.path().join("none.csv")), ..Options::default() };
    let error = Population::generate(&missing).expect_err("is refused");
    assert!(matches!(error.kind(), ErrorKind::Io { .. }));
}
