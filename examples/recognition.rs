//! Recognition: which children's records name a carer who was received into prison. On invented people.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::linkage::Counted;
use pprl::synth::{Adults, AdultsOptions, Options};

#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "recognition/pilot.rs"]
mod pilot;
#[path = "support/tree.rs"]
mod tree;

use command::{Outcome, say};
use pilot::{Found, Recognised};
use tree::Tree;

const HELP: &str = "\
Finds children's records that name a carer who was received into prison, in two systems. All people are invented.

  recognition [--seed N] [--children N] [--receptions N] [--out FOLDER]

  --seed N             other people; the same number gives the same result (1)
  --children N         how many children live in the area (5000)
  --receptions N       how many adults the prison receives; six in ten have children in the area (240)
  --out FOLDER         where everything goes (recognition); replaced if an earlier run wrote it and nobody changed it
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut people, mut adults) = (Options { seed: 1, ..Options::default() }, AdultsOptions::default());
    let mut out = PathBuf::from("recognition");
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => people.seed = parser.value()?.parse()?,
            Long("children") => people.children = parser.value()?.parse()?,
            Long("receptions") => adults.receptions = parser.value()?.parse()?,
            Long("out") => out = parser.value()?.into(),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if people.children == 0 || adults.receptions == 0 {
        return Err(lexopt::Error::from("at least one child and one reception are needed").into());
    }
    people.cohort = people.cohort.min(people.children);
    let start = Instant::now();
    let tree = Tree::new(&out)?;
    let invented = Adults::generate(&people, &adults)?;
    let recognised = pilot::play(tree.path(), &invented, people.seed)?;
    tree.finish()?;
    let mut story = tell(&recognised)?;
    writeln!(story, "\nAll files are in {}, made in {:.1} s.", out.display(), start.elapsed().as_secs_f64())?;
    say(&story)
}

fn tell(recognised: &Recognised) -> Result<String, std::fmt::Error> {
    let below = 10;
    let shown = |count: usize| Counted::new(count as u64, below);
    let mut story =
        String::from("Children's records that name a carer who was received into prison\n\n1. Who holds what\n");
    writeln!(story, "   prison       {:6} receptions of adults", recognised.receptions)?;
    for Found { party, rows, carers, .. } in &recognised.found {
        writeln!(story, "   {party:12} {rows:6} children, who name {carers} carers")?;
    }
    writeln!(story, "\n2. What came back, to the owner of the children's records alone")?;
    for Found { party, children, .. } in &recognised.found {
        writeln!(
            story,
            "   {party:12} {:>6} children with a link id, in {party}/recognised.csv; {} in truth, {} of them found",
            shown(children.found),
            shown(children.in_truth),
            shown(children.right)
        )?;
    }
    if let [one, other] = &recognised.found[..] {
        let both = one.adults.intersection(&other.adults).count();
        let either = one.adults.union(&other.adults).count();
        writeln!(
            story,
            "   {} adults are found with children, {} of them in both systems (which no owner learns)",
            shown(either),
            shown(both)
        )?;
    }
    writeln!(story, "   The prison gets nothing: it need not know whose children are where.")?;
    writeln!(story, "\n3. How good the links are, against the truth that only this demonstration has")?;
    writeln!(story, "   {:34} true pairs  precision  recall", "")?;
    for Found { party, pairs, by_family, strangers_linked, .. } in &recognised.found {
        let all = [("all carers", *pairs)];
        for (group, quality) in all.into_iter().chain(by_family.iter().map(|(group, quality)| (*group, *quality))) {
            if quality.truth == 0 {
                continue;
            }
            write!(story, "   {party:12} {group:21} {:>10}", Counted::new(quality.truth, below))?;
            match Counted::new(quality.truth, below) {
                Counted::Exactly(_) => writeln!(story, "  {:9.3} {:7.3}", quality.precision, quality.recall)?,
                Counted::Below(_) => writeln!(story, "          -       -")?,
            }
        }
        writeln!(story, "   {party:12} {} adults without a child there are linked, wrongly", shown(*strangers_linked))?;
    }
    Ok(story)
}
