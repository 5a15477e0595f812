//! How many different children ten small organisations help together, without showing each other a list. On invented people.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::Schema;

#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "support/people.rs"]
mod people;
#[path = "distinct_children/pilot.rs"]
mod pilot;

use command::{Outcome, say};

const HELP: &str = "\
Counts the different children on ten organisations' lists of 5 to 60 rows, with repeats inside and across. All are invented.

  distinct_children [--seed N] [--noise PERCENT]

  --seed N           other children; the same number gives the same result (1)
  --noise PERCENT    how many errors the lists have, as a share of those in the trials (100)
";

/// Trials have other children than the lists, whatever their seed.
const TRIALS_FROM: u64 = 1 << 40;

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut number, mut noise) = (1, 100);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => number = parser.value()?.parse()?,
            Long("noise") => noise = parser.value()?.parse()?,
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if noise > 1000 || number >= TRIALS_FROM {
        return Err(lexopt::Error::from("--noise is at most 1000, and --seed below 2^40").into());
    }
    let start = Instant::now();
    let schema = Schema::from_toml(pilot::SCHEMA)?;
    let lists = pilot::invent(&schema, number, noise)?;
    let cohorts = pilot::encode(&schema, &lists, number)?;
    let counted = pilot::count(&schema, &cohorts)?;
    let trials = pilot::trials(&schema, TRIALS_FROM)?;
    let estimate = pilot::estimate(&counted, &trials)?;

    let mut story = String::from("Different children on ten organisations' lists\n\n");
    writeln!(story, "1. Who holds what: each organisation its own list; the linkage unit encodings, and no key")?;
    writeln!(
        story,
        "   {} lists, {} rows together, each list smaller than a hundred and sent for this reason:",
        counted.lists, counted.rows
    )?;
    writeln!(story, "   \"{}\"", pilot::REASON)?;
    writeln!(story, "\n2. What the unit gives back, to all: one number")?;
    writeln!(
        story,
        "   {:.0} different children, between {:.0} and {:.0} ({:.0} % interval); {} as linked",
        estimate.people,
        estimate.low,
        estimate.high,
        estimate.level * 100.0,
        counted.people
    )?;
    writeln!(
        story,
        "   The interval is from {} trials on invented lists of known truth, linked in the same way. It holds if the",
        pilot::TRIALS
    )?;
    writeln!(story, "   organisations' errors and lists are like those of the trials.")?;
    writeln!(story, "\n3. The truth, which only this demonstration has")?;
    writeln!(
        story,
        "   {} different children; {} rows repeat a child of the same list. Adding up the lists would say {}.",
        lists.children, lists.repeats_inside, counted.rows
    )?;
    let quality = pilot::quality(&schema, &lists, number)?;
    writeln!(
        story,
        "   {} pairs of rows are of one child: found with precision {:.3} and recall {:.3}, all lists taken as one file.",
        quality.truth, quality.precision, quality.recall
    )?;
    writeln!(story, "\nMade in {:.1} s.", start.elapsed().as_secs_f64())?;
    say(&story)
}
