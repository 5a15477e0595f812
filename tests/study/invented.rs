//! Invented children, through the linkage unit and into the research environment.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use pprl::evaluate::Truth;
use pprl::owner::{RowMap, write_payload_csv};
use pprl::study::*;
use pprl::synth::payload::Payload;
use pprl::synth::{Agency, Options, Population};
use pprl::{CsvOptions, Encoder, ErrorKind, Linker, Links, ProjectKey, Schema};

const PARTIES: [&str; 3] = [Agency::Police.name(), Agency::SocialCare.name(), Agency::Education.name()];

/// A folder for one study.
struct Place {
    folder: tempfile::TempDir,
    population: Population,
    options: Options,
}

impl Place {
    fn new(options: Options) -> Self {
        let place = Place {
            folder: tempfile::tempdir().unwrap(),
            population: Population::generate(&options).unwrap(),
            options,
        };
        let payload = Payload::generate(&place.options, &place.population);
        for agency in Agency::ALL {
            place.population.write_csv(agency, &place.path(agency.name(), "csv")).unwrap();
            payload.write_people_csv(agency, &place.path(agency.name(), "people.payload")).unwrap();
        }
        payload.write_terms_csv(&place.path("education", "terms.payload")).unwrap();
        payload.write_months_csv(&place.path("social_care", "months.payload")).unwrap();
        place
    }

    fn path(&self, party: &str, what: &str) -> PathBuf {
        self.folder.path().join(format!("{party}.{what}"))
    }

    /// Encodes, links, and puts the payload under link ids. The persons of each party's rows come with it.
    fn link(&self) -> (Links, Vec<Vec<String>>) {
        let schema = Schema::uk_person();
        let key = ProjectKey::from_bytes([5; 32]);
        let mut cohorts = Vec::new();
        let mut persons = Vec::new();
        for (number, agency) in Agency::ALL.into_iter().enumerate() {
            let encoder = Encoder::new(&schema, &key, agency.name()).unwrap().seed([number as u8; 32]);
            let encoder = encoder.release_small("invented children").unwrap();
            let csv = CsvOptions::new().id_column("record_id");
            let encoded = encoder.encode_csv_with(self.path(agency.name(), "csv"), &csv).unwrap();
            encoded.row_map.write_csv(self.path(agency.name(), "rows")).unwrap();
            let records = self.population.records(agency).iter();
            let person: HashMap<&str, &str> =
                records.map(|row| (row.record_id.as_str(), row.person_id.as_str())).collect();
            let own = encoded.row_map.entries().iter();
            persons.push(own.map(|(_, own)| person[own.as_str()].to_owned()).collect());
            cohorts.push(encoded.cohort);
        }
        let links = Linker::new(&schema).seed([9; 32]).link(&cohorts.iter().collect::<Vec<_>>()).unwrap();
        links.write_study_csv(self.path("unit", "study")).unwrap();
        for party in PARTIES {
            links.write_owner_csv(party, self.path(party, "links")).unwrap();
            let rows = RowMap::read_csv(self.path(party, "rows")).unwrap();
            rows.write_linked_csv(self.path(party, "links"), self.path(party, "linked")).unwrap();
        }
        self.send("linked");
        (links, persons)
    }

    /// The owners send their payload to research; `linked` says under which ids.
    fn send(&self, linked: &str) {
        for (party, what) in
            PARTIES.map(|p| (p, "people")).into_iter().chain([(PARTIES[2], "terms"), (PARTIES[1], "months")])
        {
            let payload = self.path(party, &format!("{what}.payload"));
            write_payload_csv(self.path(party, linked), payload, self.path(party, &format!("{what}.{linked}.sent")))
                .unwrap();
        }
    }

    /// The links as they are in truth.
    fn link_truly(&self) {
        let mut known: HashMap<&str, usize> = HashMap::new();
        for agency in Agency::ALL {
            self.population.records(agency).iter().for_each(|row| *known.entry(&row.person_id).or_default() += 1);
        }
        let police: HashSet<&str> =
            self.population.records(Agency::Police).iter().map(|row| row.person_id.as_str()).collect();
        let mut study = "study_id,party,link_id\n".to_owned();
        for (number, agency) in Agency::ALL.into_iter().enumerate() {
            let mut linked = "record_id,link_id\n".to_owned();
            for row in self.population.records(agency) {
                let person: &str = &row.person_id;
                if known[person] > 1 || police.contains(person) {
                    let id: u128 = person[1..].parse().unwrap();
                    writeln!(study, "{:032x},{},{:032x}", id + 1, agency.name(), (id + 1) * 8 + number as u128)
                        .unwrap();
                    writeln!(linked, "{},{:032x}", row.record_id, (id + 1) * 8 + number as u128).unwrap();
                }
            }
            fs::write(self.path(agency.name(), "truly"), linked).unwrap();
        }
        fs::write(self.path("truth", "study"), study).unwrap();
        self.send("truly");
    }

    fn children(&self, study: &str, linked: &str) -> (StudyIds, Vec<Child>) {
        let ids = StudyIds::read_csv(self.path(study, "study")).unwrap();
        let people = |party| People::read_csv(party, self.path(party, &format!("people.{linked}.sent"))).unwrap();
        let (schools, care, police) = (people(PARTIES[2]), people(PARTIES[1]), people(PARTIES[0]));
        let children = everybody(&ids, &[&schools, &care, &police]);
        (ids, children)
    }

    /// Two of the figures, as they are published.
    fn figures(&self, study: &str, linked: &str) -> Vec<Published> {
        let (ids, children) = self.children(study, linked);
        let terms =
            Observations::<Term>::read_csv(&ids, PARTIES[2], self.path(PARTIES[2], &format!("terms.{linked}.sent")));
        let months =
            Observations::<Month>::read_csv(&ids, PARTIES[1], self.path(PARTIES[1], &format!("months.{linked}.sent")));
        let (terms, months) = (terms.unwrap(), months.unwrap());
        assert_eq!((terms.unknown(), months.unknown()), (0, 0));
        let last = Term::of(self.options.reference_date);
        let school_terms = Timeline::school_terms(last.plus(-22)..=last);
        let last = Month::of(self.options.reference_date);
        let five_points = Timeline::five_points(last.plus(-47)..=last);
        let school = |measure: &str, classes| {
            figure(measure, classes, NoRow::Unknown).count(&ids, &children, &school_terms, &terms)
        };
        let care = |measure: &str| {
            figure(measure, Classes::Flag, NoRow::Nothing).count(&ids, &children, &five_points, &months)
        };
        let schools = [
            school("free_school_meals", Classes::Flag),
            school("attendance", Classes::Below(90.0)),
            school("ehcp", Classes::Flag),
        ];
        let care = [care("early_help"), care("mash_contact"), care("child_protection")];
        let mut published = Vec::new();
        for tables in [schools, care] {
            let tables: Vec<Table> = tables.into_iter().map(Result::unwrap).collect();
            published.extend(Table::publish_together(&tables, Disclosure::default()).unwrap());
        }
        published
    }
}

fn figure(measure: &str, classes: Classes, no_row: NoRow) -> Figure {
    Figure { title: measure.into(), measure: measure.into(), classes, no_row, names: ["yes".into(), "no".into()] }
}

fn options(seed: u64) -> Options {
    Options { seed, children: 3_000, cohort: 400, ..Options::default() }
}

#[test]
fn the_study_comes_out_as_the_truth_has_it_nearly() {
    let place = Place::new(options(3));
    let (links, persons) = place.link();
    for other in [1, 2] {
        let truth = Truth { a: &persons[0], b: Some(&persons[other]) };
        let quality = truth.quality(links.pairs(PARTIES[0], PARTIES[other]).unwrap());
        assert!(quality.precision > 0.98 && quality.recall > 0.9, "{quality:?}");
    }
    place.link_truly();
    let (found, truth) = (place.figures("unit", "linked"), place.figures("truth", "truly"));
    let (_, children) = place.children("truth", "truly");
    assert_eq!(children.iter().filter(|child| child.person.event.is_some()).count(), 400);
    let mut shares = 0;
    for (found, truth) in found.iter().zip(&truth) {
        let difference = found.difference(truth).unwrap();
        let (count, share) = (difference.count.unwrap(), difference.share);
        // One child in ten is missed at most, of 400, and counts are rounded.
        assert!(count.0 <= 45, "{count:?}");
        if let Some((share, place)) = share {
            assert!(share <= 0.08, "{place}: {share}");
            shares += 1;
        }
    }
    assert!(shares >= 4);
    // There is something to find: the event has an effect, and it is found.
    let early_help = &truth[3];
    assert!(early_help.share(4, 0).unwrap() > 2.0 * early_help.share(0, 0).unwrap());
    assert!(found[3].share(4, 0).unwrap() > 2.0 * found[3].share(0, 0).unwrap());
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let place = Place::new(Options { seed: 8, children: 600, cohort: 80, ..Options::default() });
        pool.install(|| place.link());
        let figures = place.figures("unit", "linked");
        let file = place.path("figures", "csv");
        write_csv(&figures, &file).unwrap();
        let page = figures.iter().fold(Page::new("t"), Page::table);
        page.write_html(place.path("figures", "html")).unwrap();
        let read = |what: &str| fs::read(place.path("figures", what)).unwrap();
        (read("csv"), read("html"), fs::read(place.path(PARTIES[2], "terms.linked.sent")).unwrap())
    };
    assert!(run(1) == run(4));
}

#[test]
fn nobody_on_the_list_is_a_study_too() {
    let place = Place::new(Options { seed: 2, children: 300, cohort: 0, ..Options::default() });
    place.link_truly();
    for published in place.figures("truth", "truly") {
        let nothing = published.counts.iter().flatten().all(|cell| cell.count() == Some(0));
        assert!(nothing && published.share(0, 0).is_none());
    }
    let (_, children) = place.children("truth", "truly");
    assert!(!children.is_empty() && matched(&children, 2).chosen.is_empty());
}

/// Payload is the same whoever writes the children down, and what follows the event follows it.
#[test]
fn payload_belongs_to_the_child_and_not_to_its_record() {
    let options = options(5);
    let population = Population::generate(&options).unwrap();
    let payload = Payload::generate(&options, &population);
    assert_eq!(payload, Payload::generate(&options, &population));
    let other = Options { noise: 300, ..options.clone() };
    let noisy = Payload::generate(&other, &Population::generate(&other).unwrap());
    assert_eq!((payload.terms(), payload.months()), (noisy.terms(), noisy.months()));

    let family: HashMap<&str, &str> =
        population.records(Agency::Police).iter().map(|row| (row.record_id.as_str(), row.family_id.as_str())).collect();
    let reference = options.reference_date;
    let mut months = HashSet::new();
    let mut of_family: HashMap<&str, HashSet<String>> = HashMap::new();
    for row in payload.people(Agency::Police) {
        let event = row.event.unwrap();
        assert!(event <= reference && Month::of(reference).since(Month::of(event)) <= 36);
        months.insert(Month::of(event));
        of_family.entry(family[row.record_id.as_str()]).or_default().insert(event.to_string());
    }
    assert!(months.len() > 30, "events are spread over three years");
    let same = of_family.values().filter(|days| days.len() == 1).count();
    assert!(same * 10 > of_family.len() * 8, "most siblings have one event");
    let rows = |agency: Agency| payload.people(agency).len();
    assert!(Agency::ALL.iter().all(|&agency| rows(agency) == population.records(agency).len()));
    // Not every child has every term: some are too young, some miss one.
    let terms: HashMap<&str, usize> = payload.terms().iter().fold(HashMap::new(), |mut terms, row| {
        *terms.entry(row.record_id.as_str()).or_default() += 1;
        assert!(row.attendance <= 1_000 && Term::parse(&row.period).is_some());
        terms
    });
    assert!(terms.len() <= rows(Agency::Education) && terms.values().collect::<HashSet<_>>().len() > 15);
    let with_two = payload.months().iter().map(|row| (&row.record_id, &row.period)).collect::<HashSet<_>>();
    assert_eq!(with_two.len(), payload.months().len());
}

fn ids(folder: &Path) -> StudyIds {
    let file = folder.join("study.csv");
    let id = |n: u8| format!("{n:032x}");
    let row = |study: u8, party: &str, link: u8| format!("{},{party},{}\n", id(study), id(link));
    let rows = [row(1, "police", 11), row(1, "education", 21), row(2, "police", 12), row(3, "police", 13)];
    fs::write(&file, "study_id,party,link_id\n".to_owned() + &rows.concat()).unwrap();
    StudyIds::read_csv(file).unwrap()
}

/// Three children, one of them without school, with events on a leap day and around it.
#[test]
fn a_small_study_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let ids = ids(folder.path());
    let police = file(
        "police.csv",
        &format!(
            "sex,link_id,event_date,birth_month\nF,{:032x},2024-02-29,2014-02\nM,{:032x},2024-02-28,\n,{:032x},,2010-01\n",
            11, 12, 13
        ),
    );
    let schools = file("schools.csv", &format!("link_id,birth_month,sex\n{:032x},2014-03,M\n", 21));
    let (police, schools) =
        (People::read_csv("police", police).unwrap(), People::read_csv("education", schools).unwrap());
    let children = everybody(&ids, &[&schools, &police]);
    assert_eq!(children.len(), 3);
    assert_eq!(children[0].person.born, Month::new(2014, 3), "schools are asked first");
    assert_eq!(children[0].person.sex, Some('M'));
    assert!(children[0].person.event.is_some() && children[2].person.event.is_none());

    let terms = format!(
        "link_id,period,attendance,free_school_meals\n{0:032x},2023-autumn,89.9,0\n{0:032x},2024-spring,,1\n{0:032x},2024-summer,90,\n{1:032x},2024-summer,5,1\n",
        21, 99
    );
    let terms = Observations::<Term>::read_csv(&ids, "education", file("terms.csv", &terms)).unwrap();
    assert_eq!(terms.unknown(), 1);
    let timeline = Timeline::school_terms(Term::parse("2020-autumn").unwrap()..=Term::parse("2024-summer").unwrap());
    let count = |measure: &str, classes, no_row| {
        let table = figure(measure, classes, no_row).count(&ids, &children, &timeline, &terms).unwrap();
        [-1, 0, 1, 2].map(|at| table.counts[(at + 12) as usize].clone())
    };
    assert_eq!(
        count("attendance", Classes::Below(90.0), NoRow::Unknown),
        [[1, 0], [0, 0], [0, 1], [0, 0]].map(Vec::from)
    );
    assert_eq!(
        count("free_school_meals", Classes::Flag, NoRow::Unknown),
        [[0, 1], [1, 0], [0, 0], [0, 0]].map(Vec::from)
    );
    // Where no row means that nothing happened; the term after next is not covered.
    assert_eq!(
        count("free_school_meals", Classes::Flag, NoRow::Nothing),
        [[0, 1], [1, 0], [0, 1], [0, 0]].map(Vec::from)
    );
    assert!(figure("height", Classes::Flag, NoRow::Unknown).count(&ids, &children, &timeline, &terms).is_err());
}

/// Reads the table, and gives the error that it must be.
type Read<'a> = &'a dyn Fn() -> pprl::Error;

#[test]
fn errors_name_rows_and_columns_and_no_values() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ids(folder.path());
    let good = format!("{:032x}", 11);
    let path = folder.path().join("wrong.csv");
    let study: Read<'_> = &|| StudyIds::read_csv(&path).unwrap_err();
    let people: Read<'_> = &|| People::read_csv("police", &path).unwrap_err();
    let terms: Read<'_> = &|| Observations::<Term>::read_csv(&ids, "police", &path).unwrap_err();
    for (read, content, says) in [
        (study, "study_id,party\n".to_owned(), "no column link_id"),
        (study, format!("study_id,party,link_id\nQuyz,police,{good}\n"), "row 1 (line 2), study_id"),
        (
            study,
            format!("study_id,party,link_id\n{good},police,{good}\n{good},police,{good}\n"),
            "row 2 (line 3), link_id",
        ),
        (study, format!("study_id,party,link_id\n{good},,{good}\n"), "party: is empty"),
        (study, format!("study_id,party,link_id\n{good},Quyz\n"), "as many columns"),
        (people, "link_id,birth_month,sex\nQuyz,2014-05,F\n".to_owned(), "row 1 (line 2), link_id"),
        (people, format!("link_id,birth_month,sex\n{good},Quyz,F\n"), "birth_month: is not"),
        (people, format!("link_id,birth_month,sex\n{good},2014-05,Quyz\n"), "sex: is not"),
        (people, format!("link_id,birth_month,sex,event_date\n{good},,,2023-02-29\n"), "event_date: is not"),
        (people, format!("link_id,birth_month,sex\n{good},,\n{good},,\n"), "row 2 (line 3), link_id: was"),
        (terms, format!("link_id,period,x\n{good},Quyz,1\n"), "period: is not"),
        (terms, format!("link_id,period,x\n{good},2023-autumn,Quyz\n"), "x: is not a number"),
        (terms, format!("link_id,period,x\n{good},2023-autumn,NaN\n"), "x: is not a number"),
        (
            terms,
            format!("link_id,period,x\n{good},2023-autumn,1\n{good},2023-autumn,1\n"),
            "row 2 (line 3), period: was",
        ),
    ] {
        fs::write(&path, &content).unwrap();
        let error = read().to_string();
        assert!(error.contains(says) && !error.contains("Quyz") && !error.contains(&good), "{error}");
    }
    fs::write(&path, [0xff, 0xfe, b'\n', 0xff]).unwrap();
    for read in [study, people, terms] {
        assert!(matches!(read().kind(), ErrorKind::File { .. }));
    }
    fs::write(&path, "0".repeat(64) + "\n").unwrap();
    for read in [study, people, terms] {
        assert!(matches!(read().kind(), ErrorKind::Key { .. }), "a project key is not a table");
    }
    let shown = format!("{:?} {:?}", ids, everybody(&ids, &[]));
    assert!(!shown.contains("0000"), "{shown}");
}

#[test]
fn a_comparison_group_is_of_the_same_sex_and_year() {
    let place = Place::new(options(6));
    place.link_truly();
    let (_, children) = place.children("truth", "truly");
    let comparison = matched(&children, 1);
    let study: Vec<Child> = children.iter().copied().filter(|child| child.person.event.is_some()).collect();
    let ids = |children: &[Child]| children.iter().map(|child| child.id).collect::<HashSet<_>>();
    let (of_study, chosen, others) = (ids(&study), ids(&comparison.chosen), ids(&comparison.others));
    assert_eq!(chosen.len(), comparison.chosen.len(), "each child once");
    assert!(of_study.is_disjoint(&chosen) && chosen.is_disjoint(&others) && of_study.is_disjoint(&others));
    assert_eq!(of_study.len() + chosen.len() + others.len(), children.len());
    assert_eq!(study.len(), chosen.len() + comparison.alone);
    let kinds = |children: &[Child]| {
        children.iter().fold(HashMap::new(), |mut kinds: HashMap<_, i32>, child| {
            *kinds.entry((child.person.sex, child.person.born.map(Month::year))).or_default() += 1;
            kinds
        })
    };
    let (of_study, of_chosen) = (kinds(&study), kinds(&comparison.chosen));
    assert!(of_chosen.iter().all(|(kind, count)| of_study[kind] >= *count && kind.0.is_some() && kind.1.is_some()));
    assert!(comparison.chosen.iter().all(|child| child.person.event.is_some()));

    let groups = [study.as_slice(), &comparison.chosen, &comparison.others];
    let sex = |child: &Child| usize::from(child.person.sex == Some('M'));
    let balance = balance("Sex", &["girls or not known", "boys"], groups, sex, Disclosure::default()).unwrap();
    let [to_chosen, _] = balance.differences[1];
    assert!(to_chosen.unwrap().abs() < 0.15, "{to_chosen:?}");
    assert!(pprl::study::balance("Sex", &["girls"], groups, |_| 1, Disclosure::default()).is_err());
}
