//! A study of children after a parent's reception into prison: three owners, a linkage unit and a research environment, each
//! in a folder of its own; and the same tables from the true links beside those from the links that were found.
//!
//! It plays all roles in one program, but each of them opens only files of its own folder; the functions are in the order of
//! the story.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::owner::write_payload_csv;
use pprl::study::Disclosure;
use pprl::synth::payload::Payload;
use pprl::synth::{Agency, Options, Population};
use pprl::{CsvOptions, ProjectKey};

#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "support/progress.rs"]
mod progress;
#[path = "longitudinal_study/research.rs"]
mod research;
#[path = "support/road.rs"]
mod road;
#[path = "support/tree.rs"]
mod tree;
#[path = "longitudinal_study/truth.rs"]
mod truth;

use command::{Outcome, say};
use research::Study;
use tree::Tree;

const HELP: &str = "\
Children after a parent's reception into prison: what schools and social care saw, before and after, joined without a name;
and the same tables from the true links beside those from the links that were found.

  longitudinal_study [--seed N] [--children N] [--cohort N] [--below N] [--round N] [--out FOLDER]

  --seed N       other children; the same number gives the same result (1)
  --children N   how many children live in the area (5000)
  --cohort N     how many of them the police know to have a parent in prison (225)
  --below N      counts below this are not shown (10)
  --round N      all others are rounded to the nearest multiple of this (5)
  --out FOLDER   where everything goes (longitudinal-study); replaced if an earlier run wrote it and nobody changed it
";

/// What all parties agreed and signed.
const SCHEMA: &str = include_str!("schemas/uk_person.toml");

pub(crate) const AGENCIES: [&str; 3] = [Agency::Police.name(), Agency::SocialCare.name(), Agency::Education.name()];

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let mut options = Options { seed: 1, ..Options::default() };
    let mut out = PathBuf::from("longitudinal-study");
    let (mut below, mut round) = (Disclosure::default().below(), Disclosure::default().round_to());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("children") => options.children = parser.value()?.parse()?,
            Long("cohort") => options.cohort = parser.value()?.parse()?,
            Long("below") => below = parser.value()?.parse()?,
            Long("round") => round = parser.value()?.parse()?,
            Long("out") => out = parser.value()?.into(),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let disclosure = Disclosure::new(below, round).map_err(|e| lexopt::Error::from(e.to_string()))?;
    if options.cohort == 0 || options.cohort < below as usize {
        // Who is on a list of so few could be told from any table.
        return Err(lexopt::Error::from(format!("--cohort must be at least {}", below.max(1))).into());
    }
    longitudinal_study(&options, disclosure, &out)
}

fn longitudinal_study(options: &Options, disclosure: Disclosure, out: &Path) -> Outcome {
    let start = Instant::now();
    let tree = Tree::new(out)?;
    let seed = |purpose: &str| Some(invented::seed("longitudinal_study", options.seed, purpose));

    // Everybody gets what is theirs.
    let owners = AGENCIES.map(|agency| tree.folder(agency, true));
    let owners = owners.into_iter().collect::<Outcome<Vec<_>>>()?;
    let (unit, research) = (tree.folder("linkage_unit", true)?, tree.folder("research", true)?);
    let truth = tree.folder("truth", true)?;
    hand_out(options, &owners, &truth)?;
    let key = ProjectKey::from_bytes(invented::seed("longitudinal_study", options.seed, "key"));
    road::hand_out(&owners, &unit, &key, SCHEMA)?;
    drop(key);

    // The owners encode, the linkage unit links, and everybody gets what comes out for them.
    let agreed = road::owners_agree(&owners)?;
    let csv = CsvOptions::new().id_column("record_id");
    for (folder, party) in owners.iter().zip(AGENCIES) {
        road::owner_encodes(folder, party, &csv, seed(party))?;
        road::cohort_crosses(folder, party, &unit)?;
    }
    let links = road::unit_links(&unit, &AGENCIES, seed("linkage_unit"))?;
    links.write_study_csv(research.join("study.csv"))?;
    let mut story = String::from("Children after a parent's reception into prison\n");
    writeln!(
        story,
        "\n1. The owners compared their key check value, {agreed}, and sent encodings to the linkage unit.\n\
         \n2. What they sent to the research environment, under link ids: linked rows, and all of the police's"
    )?;
    for (folder, party) in owners.iter().zip(AGENCIES) {
        links.write_owner_csv(party, folder.join("links.csv"))?;
        road::owner_maps_back(folder, party)?;
        for (file, sent) in owner_sends(folder, party, &folder.join("linked.csv"), &research)? {
            writeln!(story, "   {party:12} {file:24} {:6} rows; {:6} stay", sent.rows, sent.left_out)?;
        }
    }

    // The research environment joins by study id, and publishes.
    let study = Study::read(&research, options.reference_date)?;
    let found = study.tables(disclosure)?;
    found.write(&research, disclosure)?;
    found.tell(&mut story, disclosure)?;

    // What only this demonstration can do: the same from the true links.
    truth::link(&truth, &owners)?;
    let true_study = Study::read(&truth, options.reference_date)?;
    let true_tables = true_study.tables(disclosure)?;
    truth::tell_how_good(&mut story, &links, &owners, &truth, disclosure)?;
    truth::tell_difference(&mut story, &found, &true_tables)?;
    truth::write_beside(&truth, &found, &true_tables, disclosure)?;
    tree.finish()?;
    writeln!(story, "\nAll files are in {}, made in {:.1} s.", out.display(), start.elapsed().as_secs_f64())?;
    say(&story)
}

fn hand_out(options: &Options, owners: &[PathBuf], truth: &Path) -> Outcome {
    let population = Population::generate(options)?;
    let payload = Payload::generate(options, &population);
    for (folder, agency) in owners.iter().zip(Agency::ALL) {
        population.write_csv(agency, &folder.join("people.csv"))?;
        population.write_truth_csv(agency, &truth.join(format!("{}.truth.csv", agency.name())))?;
        payload.write_people_csv(agency, &folder.join("payload.people.csv"))?;
        match agency {
            Agency::Police => {}
            Agency::SocialCare => payload.write_months_csv(&folder.join("payload.months.csv"))?,
            Agency::Education => payload.write_terms_csv(&folder.join("payload.terms.csv"))?,
        }
    }
    Ok(())
}

/// Puts an owner's payload under link ids.
pub(crate) fn owner_sends(
    folder: &Path,
    party: &str,
    linked: &Path,
    to: &Path,
) -> Outcome<Vec<(String, pprl::owner::Payload)>> {
    let mut sent = Vec::new();
    for what in ["people", "terms", "months"] {
        let payload = folder.join(format!("payload.{what}.csv"));
        if payload.exists() {
            let file = format!("{party}.{what}.csv");
            let written = write_payload_csv(linked, payload, to.join(&file))?;
            sent.push((file, written));
        }
    }
    Ok(sent)
}
