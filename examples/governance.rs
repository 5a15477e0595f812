//! A project's papers, from the signed schema to the deletion receipts. On invented people.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::linkage::Counted;

#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "governance/pilot.rs"]
mod pilot;

use command::{Outcome, refuse_existing, say};
use pilot::Project;

const HELP: &str = "\
Plays a whole project on invented people: schema signed by all, risk reports, manifests, sealed transfer, links, the same run
again, deletion receipts, and a log of each party.

  governance [--seed N] [--children N] [--out FOLDER]

  --seed N          other people; the same number gives the same links (1)
  --children N      how many children live in the area (2500)
  --out FOLDER      where the papers go (governance); it must not be there
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut number, mut children, mut out) = (1, 2500, PathBuf::from("governance"));
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => number = parser.value()?.parse()?,
            Long("children") => children = parser.value()?.parse()?,
            Long("out") => out = parser.value()?.into(),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    refuse_existing(&out)?;
    let start = Instant::now();
    let project = pilot::play(&out, children, number).inspect_err(|_| {
        // It was not there before; a project that was broken off leaves no keys behind.
        let _ = fs::remove_dir_all(&out);
    })?;
    let mut story = tell(&project)?;
    writeln!(story, "\nAll papers are in {}, made in {:.1} s.", out.display(), start.elapsed().as_secs_f64())?;
    say(&story)
}

fn tell(project: &Project) -> Result<String, std::fmt::Error> {
    let mut story = String::from("A project, from the signed schema to the deletion receipts\n\n");
    writeln!(story, "1. Agreement: the schema is signed by all parties; fingerprint\n   {}", project.fingerprint)?;
    for (party, passed) in &project.audits {
        let verdict = if *passed { "passed" } else { "failed" };
        writeln!(story, "2. {party}: quick audit {verdict}; the report is in {party}/risk-report.html")?;
    }
    for (party, rows) in &project.manifests {
        writeln!(story, "3. {party}: {rows} rows in the manifest, sealed to the linkage unit and signed")?;
    }
    writeln!(
        story,
        "4. Linkage unit: {} links; each owner was given its own table",
        Counted::new(project.linked as u64, 10)
    )?;
    writeln!(story, "5. The same run again: {} of {} files have the same bytes", project.same.0, project.same.1)?;
    for receipt in &project.receipts {
        let bytes: u64 = receipt.files.iter().map(|file| file.bytes).sum();
        writeln!(story, "6. Deleted by the {}: {} files, {bytes} bytes", receipt.actor, receipt.files.len())?;
    }
    for (folder, events, head) in &project.logs {
        writeln!(story, "7. Log of {folder}: {events} events, none changed; keep elsewhere {head}")?;
    }
    Ok(story)
}
