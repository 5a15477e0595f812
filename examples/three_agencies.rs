//! Police, social care and education link their children without showing each other a name: the whole story, with every
//! role in a folder of its own.
//!
//! It plays all roles in one program, but each of them opens only files of its own folder; the functions are in the
//! order of the story.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::evaluate::{Difficulty, Quality, Truth};
use pprl::linkage::{Counted, Links};
use pprl::owner::{QualityReport, RowMap, read_column, read_csv};
use pprl::synth::{self, Agency, Population};
use pprl::{CsvOptions, ProjectKey, Record, Schema};

#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/road.rs"]
mod road;
#[path = "support/tree.rs"]
mod tree;

use command::{Outcome, required, say};
use tree::Tree;

const HELP: &str = "\
Police, social care and education link their children without showing each other a name, each in a folder of its own.

  three_agencies [--seed N] [--children N] [--cohort N] [--out FOLDER]
      invents the children, and how each agency writes them down
  three_agencies --police FILE --social-care FILE --education FILE [--id-column HEADER] [--truth HEADER] [--out FOLDER]
      takes three CSV files with the columns of examples/schemas/uk_person.toml

  --seed N             other children; the same number gives the same result (1)
  --children N         how many children live in the area (5000)
  --cohort N           how many of them the police hold (225)
  --id-column HEADER   the column with each agency's own ids; without it, the number of the row
  --truth HEADER       the column that says who a row is, to measure how good the links are
  --out FOLDER         where everything goes (three-agencies); replaced if an earlier run wrote it and nobody changed it
";

/// What all parties agreed and signed.
const SCHEMA: &str = include_str!("schemas/uk_person.toml");

/// The column of the invented files that holds each agency's own ids.
const SYNTH_ID: &str = "record_id";

const AGENCIES: [&str; 3] = [Agency::Police.name(), Agency::SocialCare.name(), Agency::Education.name()];

struct Arguments {
    seed: Option<u64>,
    synth: synth::Options,
    files: [Option<PathBuf>; 3],
    id_column: Option<String>,
    truth: Option<String>,
    out: PathBuf,
}

/// Where the people come from.
enum Source {
    Invented(Box<synth::Options>),
    Files { files: [PathBuf; 3], csv: CsvOptions, truth: Option<String> },
}

/// Who the rows of a cohort really are, in its order.
struct Known {
    persons: Vec<String>,
    origins: Option<Vec<String>>,
    difficulty: Vec<Difficulty>,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let mut arguments = Arguments {
        seed: None,
        synth: synth::Options::default(),
        files: [const { None }; 3],
        id_column: None,
        truth: None,
        out: PathBuf::from("three-agencies"),
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
            Long("children") => arguments.synth.children = parser.value()?.parse()?,
            Long("cohort") => arguments.synth.cohort = parser.value()?.parse()?,
            Long("police") => arguments.files[0] = Some(parser.value()?.into()),
            Long("social-care") => arguments.files[1] = Some(parser.value()?.into()),
            Long("education") => arguments.files[2] = Some(parser.value()?.into()),
            Long("id-column") => arguments.id_column = Some(parser.value()?.string()?),
            Long("truth") => arguments.truth = Some(parser.value()?.string()?),
            Long("out") => arguments.out = parser.value()?.into(),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let out = arguments.out.clone();
    three_agencies(&arguments.source()?, &out)
}

impl Arguments {
    fn source(self) -> Result<Source, lexopt::Error> {
        let Arguments { seed, synth, files, id_column, truth, out: _ } = self;
        if files.iter().all(Option::is_none) {
            if id_column.is_some() || truth.is_some() {
                return Err("--id-column and --truth are for files of your own".into());
            }
            return Ok(Source::Invented(Box::new(synth::Options { seed: seed.unwrap_or(1), ..synth })));
        }
        if seed.is_some() || synth != synth::Options::default() {
            return Err("--seed, --children and --cohort are for invented children, not for files".into());
        }
        let [police, social_care, education] = files;
        let files = [
            required(police, "--police")?,
            required(social_care, "--social-care")?,
            required(education, "--education")?,
        ];
        let csv = id_column.into_iter().fold(CsvOptions::new(), CsvOptions::id_column);
        Ok(Source::Files { files, csv, truth })
    }
}

fn three_agencies(source: &Source, out: &Path) -> Outcome {
    let start = Instant::now();
    let tree = Tree::new(out)?;
    let mut story = String::from("Three agencies link their children without showing each other a name\n");

    // Everybody gets what is theirs.
    let owners = [tree.folder(AGENCIES[0], true)?, tree.folder(AGENCIES[1], true)?, tree.folder(AGENCIES[2], true)?];
    let unit = tree.folder("linkage_unit", true)?;
    let research = tree.folder("research", true)?;
    source.hand_out_people(&owners, &tree)?;
    let key = source.key()?;
    road::hand_out(&owners, &unit, &key, SCHEMA)?;
    drop(key);

    // The owners find out that they agree, and encode.
    let agreed = road::owners_agree(&owners)?;
    let mut reports = Vec::new();
    for (folder, party) in owners.iter().zip(AGENCIES) {
        reports.push(road::owner_encodes(folder, party, &source.csv(), source.seed(party))?);
        road::cohort_crosses(folder, party, &unit)?;
    }

    // The linkage unit links, and everybody gets what comes out for them.
    let links = road::unit_links(&unit, &AGENCIES, source.seed("linkage_unit"))?;
    for (folder, party) in owners.iter().zip(AGENCIES) {
        links.write_owner_csv(party, folder.join("links.csv"))?;
    }
    links.write_study_csv(research.join("study.csv"))?;
    let mut linked = Vec::new();
    for (folder, party) in owners.iter().zip(AGENCIES) {
        linked.push(road::owner_maps_back(folder, party)?);
    }

    let schema = Schema::from_toml(SCHEMA)?;
    let below = schema.linkage().suppress_below();
    source.tell_who_holds_what(&mut story, &reports, &agreed, below)?;
    tell_what_crossed(&mut story, &unit, &links)?;
    tell_what_came_back(&mut story, &links, &linked)?;
    let known = source.known(&owners, &schema, &tree)?;
    tell_how_good(&mut story, &links, known.as_deref(), below)?;
    tell_the_finding(&mut story, &links, &reports, known.as_deref(), below)?;
    tree.finish()?;
    writeln!(story, "\nAll files are in {}, made in {:.1} s.", out.display(), start.elapsed().as_secs_f64())?;
    say(&story)
}

// ---- Where the people come from -------------------------------------------------------------------------------------

impl Source {
    fn csv(&self) -> CsvOptions {
        match self {
            Source::Invented(_) => CsvOptions::new().id_column(SYNTH_ID),
            Source::Files { csv, .. } => csv.clone(),
        }
    }

    /// Chance, made repeatable for invented people; `None` is the operating system's.
    fn seed(&self, purpose: &str) -> Option<[u8; 32]> {
        match self {
            Source::Invented(options) => Some(invented::seed("three_agencies", options.seed, purpose)),
            Source::Files { .. } => None,
        }
    }

    fn key(&self) -> Outcome<ProjectKey> {
        Ok(match self.seed("key") {
            Some(bytes) => ProjectKey::from_bytes(bytes),
            None => ProjectKey::generate()?,
        })
    }

    fn hand_out_people(&self, owners: &[PathBuf; 3], tree: &Tree) -> Outcome {
        match self {
            Source::Invented(options) => {
                let population = Population::generate(options)?;
                let truth = tree.folder("truth", true)?;
                for (folder, agency) in owners.iter().zip(Agency::ALL) {
                    population.write_csv(agency, &folder.join("people.csv"))?;
                    population.write_truth_csv(agency, &truth.join(format!("{}.csv", agency.name())))?;
                }
            }
            Source::Files { files, .. } => {
                for (folder, file) in owners.iter().zip(files) {
                    fs::copy(file, folder.join("people.csv"))
                        .map_err(|e| format!("{}: cannot copy: {e}", file.display()))?;
                }
            }
        }
        Ok(())
    }

    /// Who everybody really is, where that is known.
    fn known(&self, owners: &[PathBuf; 3], schema: &Schema, tree: &Tree) -> Outcome<Option<Vec<Known>>> {
        let mut known = Vec::new();
        for (folder, party) in owners.iter().zip(AGENCIES) {
            let people = folder.join("people.csv");
            let csv = self.csv();
            let column = |file: &Path, name: &str| read_column(file, name, &CsvOptions::new());
            let records = read_csv(&people, schema, &csv)?;
            let in_file = || records.iter().map(|record| record.id().to_owned()).collect::<Vec<_>>();
            let (ids, persons, origins) = match self {
                Source::Invented(_) => {
                    let truth = tree.path().join(format!("truth/{party}.csv"));
                    (column(&truth, SYNTH_ID)?, column(&truth, "person_id")?, Some(column(&truth, "origin")?))
                }
                Source::Files { truth: Some(truth), .. } => (in_file(), column(&people, truth)?, None),
                Source::Files { truth: None, .. } => return Ok(None),
            };
            let rows = RowMap::read_csv(folder.join(format!("{party}.rows.csv")))?;
            let difficulty = Difficulty::of(schema, &records);
            let difficulty: HashMap<&str, Difficulty> = records.iter().map(Record::id).zip(difficulty).collect();
            let place: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
            let own = || rows.entries().iter().map(|(_, own)| own.as_str());
            let in_order = |values: &[String]| -> Vec<String> {
                own().map(|own| place.get(own).map(|&place| values[place].clone()).unwrap_or_default()).collect()
            };
            known.push(Known {
                persons: in_order(&persons),
                origins: origins.map(|origins| in_order(&origins)),
                difficulty: own().map(|own| difficulty.get(own).copied().unwrap_or_default()).collect(),
            });
        }
        Ok(Some(known))
    }

    fn tell_who_holds_what(
        &self,
        story: &mut String,
        reports: &[QualityReport],
        key_check: &str,
        below: u32,
    ) -> fmt::Result {
        writeln!(story, "\n1. Who holds what")?;
        match self {
            Source::Invented(options) => writeln!(
                story,
                "   An area with {} children, invented (seed {}): nobody in here exists. Each agency writes them\n   \
                 down with errors of its own.",
                options.children, options.seed
            )?,
            Source::Files { .. } => writeln!(story, "   Three files of your own.")?,
        }
        for (party, report) in AGENCIES.iter().zip(reports) {
            let gaps: u64 =
                report.fields.iter().filter(|field| field.present > 0).map(|f| f.empty + f.placeholder).sum();
            let bad = Counted::new(report.bad_values(), below);
            writeln!(
                story,
                "   {party:12} {:6} records, {gaps:5} gaps, {bad:>4} values that cannot be true",
                report.rows
            )?;
        }
        writeln!(
            story,
            "   Each has the same key in its own folder; they compared the key check value, {key_check}.\n   \
             The linkage unit has no key."
        )?;
        if matches!(self, Source::Invented(_)) {
            writeln!(
                story,
                "   (The key is made from the seed here, so that these figures can be had again. Real ones come from the\n   \
                 operating system.)"
            )?;
        }
        Ok(())
    }
}

// ---- The story: counts, never a value, and no small numbers ---------------------------------------------------------

fn tell_what_crossed(story: &mut String, unit: &Path, links: &Links) -> Outcome {
    writeln!(story, "\n2. What the linkage unit saw: random row ids and bits, no name and no key")?;
    for party in AGENCIES {
        let name = format!("{party}.cohort.json");
        let megabytes = fs::metadata(unit.join(&name))?.len() as f64 / 1e6;
        writeln!(story, "   {name:25} {megabytes:6.1} MB")?;
    }
    let summary = links.summary();
    for pair in &summary.pairs {
        let names = format!("{} - {}", pair.parties.0, pair.parties.1);
        writeln!(
            story,
            "   {names:25} {:>6} direct links, {:>6} of them by a match key",
            pair.links, pair.by_match_key
        )?;
    }
    for (parties, count) in &summary.clusters {
        writeln!(story, "   {count} children are in {parties} of the 3 files")?;
    }
    Ok(())
}

fn tell_what_came_back(story: &mut String, links: &Links, linked: &[usize]) -> fmt::Result {
    writeln!(
        story,
        "\n3. What came back: link ids, different ones for every owner, so that no two can join their tables"
    )?;
    for (party, rows) in AGENCIES.iter().zip(linked) {
        writeln!(story, "   {party:12} {rows:6} rows with a link id; beside its own ids in {party}/linked.csv")?;
    }
    let studied = links.study_table().chunk_by(|x, y| x.0 == y.0).count();
    writeln!(story, "   research     {studied:6} study ids, in research/study.csv; the owners never see them")?;
    writeln!(story, "   All rows of the police have one, linked or not: a child that nobody else knows is a finding.")
}

fn tell_how_good(story: &mut String, links: &Links, known: Option<&[Known]>, below: u32) -> Outcome {
    let Some(known) = known else { return Ok(()) };
    writeln!(story, "\n4. How good the links are, against the truth that only this demonstration has")?;
    writeln!(story, "   {:28} true pairs  precision  recall", "")?;
    let mut by_pair = BTreeMap::new();
    let mut groups: BTreeMap<&str, BTreeMap<String, Quality>> = BTreeMap::new();
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let pairs = links.pairs(AGENCIES[a], AGENCIES[b])?;
        let (one, other) = (&known[a], &known[b]);
        let truth = Truth { a: &one.persons, b: Some(&other.persons) };
        let quality = truth.quality(pairs.iter().copied());
        by_pair.insert(format!("{} - {}", AGENCIES[a], AGENCIES[b]), quality);
        let of_pair = |x: u32, y: u32| one.difficulty[x as usize].with(other.difficulty[y as usize]);
        let mut by = |name, group: &dyn Fn(u32, u32) -> String| {
            for (group, quality) in truth.by_group(pairs.iter().copied(), group) {
                let sum = groups.entry(name).or_default().entry(group).or_default();
                *sum = *sum + quality;
            }
        };
        by("shortest name", &|x, y| of_pair(x, y).name_length().to_owned());
        by("missing fields", &|x, y| of_pair(x, y).missing_fields().to_owned());
        if let Some(origins) = &one.origins {
            by("origin of the name", &|x, _| origins[x as usize].clone());
        }
    }
    groups.insert("agencies", by_pair);
    for (by, groups) in groups {
        writeln!(story, "   by {by}")?;
        let truths: Vec<u64> = groups.values().map(|quality| quality.truth).collect();
        for ((group, quality), truth) in groups.iter().zip(Counted::parts(&truths, below)) {
            write!(story, "     {group:26} {truth:>10}")?;
            match truth {
                Counted::Exactly(_) => writeln!(story, "  {:9.3} {:7.3}", quality.precision, quality.recall)?,
                // From a share of a few, their number can be guessed.
                Counted::Below(_) => writeln!(story, "          -       -")?,
            }
        }
    }
    Ok(())
}

/// What the study wants to know: who of the cohort is known elsewhere. Missed links would look like children without help.
fn tell_the_finding(
    story: &mut String,
    links: &Links,
    reports: &[QualityReport],
    known: Option<&[Known]>,
    below: u32,
) -> Outcome {
    writeln!(story, "\n5. The finding")?;
    let cohort = reports[0].rows;
    for (place, what) in [(1, "social care"), (2, "school")] {
        let found = links.pairs(AGENCIES[0], AGENCIES[place])?.len() as u64;
        write!(story, "   {} of {cohort} children have a {what} record, as found", suppressed(found, cohort, below))?;
        if let Some(known) = known {
            let truth = Truth { a: &known[0].persons, b: Some(&known[place].persons) };
            write!(story, "; {} in truth", suppressed(truth.quality([]).truth, cohort, below))?;
        }
        writeln!(story, ".")?;
    }
    Ok(())
}

/// A part of a whole that gives away neither itself nor the rest where they are small.
fn suppressed(part: u64, whole: u64, below: u32) -> String {
    match Counted::new(whole.saturating_sub(part), below) {
        Counted::Below(least) => format!("all but fewer than {least}"),
        Counted::Exactly(_) => Counted::new(part, below).to_string(),
    }
}
