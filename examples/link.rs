//! The linkage unit's side: cohorts in, links out. Built without the feature `owner`, this program cannot hold a key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;
use pprl::event_log::{Action, Event, Verdict};
use pprl::linkage::{Checkpoint, Constraints, Groups, Kernel, Solver};
use pprl::{Cohort, Linker, Schema};

#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;
#[path = "support/lsh.rs"]
mod lsh;
#[path = "support/progress.rs"]
mod progress;

use command::{Outcome, required, say};
use log::Log;

const HELP: &str = "\
Links the cohorts of two or more data owners, or finds the duplicates in one.

  link --schema SCHEMA --out FOLDER A.cohort.json B.cohort.json [...]
  link --schema SCHEMA --out FOLDER --dedup A.cohort.json

  --schema FILE   what the parties agreed (TOML)
  --out FOLDER    where the links go; made anew, whole or not at all
  --known FILE    pairs of rows that are one person: CSV that begins with the columns of links.csv, party_a,row_a,party_b,row_b
  --forbidden FILE
                  pairs of rows that are not one person, in the same form
  --solver NAME   greedy (the default: best pairs first), or, in a build with the feature `optimal`, optimal (the greatest
                  total), for one-to-one
  --dedup         look for people who are in one cohort more than once
  --checkpoint FOLDER
                  keep what is done there every 30 seconds; the same command goes on after it was stopped or killed. The
                  folder is removed when the links are written
  --checkpoint-every SECONDS
  --plan          say how long it will take, all pairs or with LSH, and stop
  --lsh SHARE RECALL
                  compare only pairs that LSH finds or that share a match key: so that of pairs whose encodings differ in
                  SHARE of their bits, RECALL are found (0.1 0.95). For files so large that all pairs take too long
  --groups PARTY=FILE
                  how often the rows of each group of this party are linked goes into the report: CSV with the columns
                  row_id,group; coarse groups, at most 50. Can be given for several parties
  --least-weight BITS
                  link pairs from this match weight on instead of from 0, where a pair is as likely as not one person
  --identity FILE the linkage unit's identity: the cohorts are sealed, all of them, and opened with it. In a build with
                  the feature `seal`
  --trust PARTY=FILE
                  the public key that this party signs with; can be given for several parties
  --log FILE      append an event to this log: who, when, how many, and no ids; see the program `log`
  --actor NAME    who is named in the log, instead of the user of this machine
  --kernel NAME   auto (the default), avx512, avx2, neon, portable, naive; the links are the same

In the folder:
  links.csv        all links, for the linkage unit only
  PARTY.links.csv  for each owner: its own rows and their link ids
  study.csv        for the research environment: study ids, and the link ids under which owners send what they know
  summary.txt      counts without rows, also printed; small ones are not shown
  report.html      the same for a browser or a printer, with charts; no rows in it either
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut schema, mut out, mut dedup, mut files) = (None, None, false, Vec::<PathBuf>::new());
    let (mut checkpoint, mut every, mut kernel) = (None, None, Kernel::detect());
    let (mut solver, mut known, mut forbidden) = (Solver::default(), None::<PathBuf>, None::<PathBuf>);
    let mut groups = Vec::<(String, PathBuf)>::new();
    let (mut plan, mut lsh) = (false, None::<(f64, f64)>);
    let mut least_weight = 0.0;
    let (mut log, mut actor) = (None, None);
    let (mut identity, mut trust) = (None::<PathBuf>, Vec::<(String, PathBuf)>::new());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("schema") => schema = Some(parser.value()?),
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("dedup") => dedup = true,
            Long("plan") => plan = true,
            Long("lsh") => lsh = Some((parser.value()?.parse()?, parser.value()?.parse()?)),
            Long("checkpoint") => checkpoint = Some(PathBuf::from(parser.value()?)),
            Long("checkpoint-every") => every = Some(Duration::from_secs(parser.value()?.parse()?)),
            Long("least-weight") => least_weight = parser.value()?.parse::<f32>()?,
            Long("kernel") => kernel = named(&parser.value()?.string()?)?,
            Long("solver") => solver = named(&parser.value()?.string()?)?,
            Long("known") => known = Some(parser.value()?.into()),
            Long("groups") => groups.push(of_party(&parser.value()?.string()?, "--groups")?),
            Long("identity") => identity = Some(parser.value()?.into()),
            Long("trust") => trust.push(of_party(&parser.value()?.string()?, "--trust")?),
            Long("log") => log = Some(parser.value()?.into()),
            Long("actor") => actor = Some(parser.value()?.string()?),
            Long("forbidden") => forbidden = Some(parser.value()?.into()),
            Value(file) => files.push(file.into()),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let schema = required(schema, "--schema")?;
    let out = if plan { out.unwrap_or_default() } else { required(out, "--out")? };
    if every.is_some() && checkpoint.is_none() {
        return Err(lexopt::Error::from("--checkpoint-every goes with --checkpoint").into());
    }
    match (files.len(), dedup) {
        (1, true) | (2.., false) => {}
        (_, true) => return Err(lexopt::Error::from("--dedup takes one cohort").into()),
        _ => return Err(lexopt::Error::from("linkage needs at least two cohorts; or --dedup and one").into()),
    }

    let schema = Schema::from_path(schema)?;
    let mut log = Log::open(log, actor)?;
    let cohorts = match identity {
        Some(identity) => opened(&files, &identity, &trust)?,
        None if trust.is_empty() => files.iter().map(Cohort::read).collect::<pprl::Result<Vec<_>>>()?,
        None => return Err(lexopt::Error::from("--trust goes with --identity").into()),
    };
    let mut by_group = Vec::new();
    for (party, file) in groups {
        let cohort = cohorts.iter().find(|cohort| cohort.party() == party);
        let cohort = cohort.ok_or_else(|| lexopt::Error::from("--groups: no such party among the cohorts"))?;
        let groups = Groups::read_csv(file)?;
        // Now, and not after hours of work.
        groups.check(cohort)?;
        by_group.push((party, groups));
    }
    let constraints = |file: Option<PathBuf>| file.map_or_else(|| Ok(Constraints::new()), Constraints::read_csv);
    let mut linker =
        Linker::new(&schema).kernel(kernel).solver(solver).least_weight(least_weight).progress(progress::compared());
    linker = linker.known(constraints(known)?).forbidden(constraints(forbidden)?);
    let all: Vec<&Cohort> = cohorts.iter().collect();
    if let Some(lsh) = lsh {
        linker = lsh::near(linker, &all, lsh)?;
    }
    if plan {
        return say(&format!("{}\n", linker.plan(&all)?));
    }
    let checkpoint = checkpoint.map(|folder| {
        let checkpoint = Checkpoint::new(folder);
        every.map_or(checkpoint.clone(), |every| checkpoint.every(every))
    });
    if let Some(checkpoint) = &checkpoint {
        linker = linker.checkpoint(checkpoint.clone());
    }
    let links = match &cohorts[..] {
        [cohort] => linker.deduplicate(cohort)?,
        _ => linker.link(&all)?,
    };
    links.write(&out)?;
    let event = log.event(Action::Link).schema(&schema).verdict(Verdict::Done);
    let event = cohorts.iter().fold(event, Event::cohort);
    let event = event.count("rows", cohorts.iter().map(|cohort| cohort.rows() as u64).sum());
    log.append(event.count("links", links.links().len() as u64))?;
    if !by_group.is_empty() {
        let mut report = links.report();
        for (party, groups) in &by_group {
            report = report.with_groups(&links, party, groups)?;
        }
        report.write_html(out.join("report.html"))?;
    }
    if let Some(checkpoint) = checkpoint {
        checkpoint.remove()?;
    }
    say(&format!("{}\nThe links are in {}.\n", links.summary(), out.display()))
}

/// `PARTY=FILE`.
fn of_party(text: &str, option: &str) -> Result<(String, PathBuf), lexopt::Error> {
    let (party, file) = text.split_once('=').ok_or_else(|| format!("{option} takes PARTY=FILE"))?;
    Ok((party.to_owned(), file.into()))
}

/// Sealed cohorts, each signed by the key that is trusted for its party.
#[cfg(feature = "seal")]
fn opened(files: &[PathBuf], identity: &Path, trust: &[(String, PathBuf)]) -> Outcome<Vec<Cohort>> {
    use pprl::seal::{Identity, PublicKey, Trusted, open};
    let identity = Identity::from_path(identity)?;
    let mut trusted = Trusted::new();
    for (party, file) in trust {
        trusted = trusted.party(party, PublicKey::from_path(file)?);
    }
    files.iter().map(|file| Ok(open(file, &identity, &trusted)?.cohort)).collect()
}

#[cfg(not(feature = "seal"))]
fn opened(_: &[PathBuf], _: &Path, _: &[(String, PathBuf)]) -> Outcome<Vec<Cohort>> {
    Err(lexopt::Error::from("--identity needs a build with the feature `seal`").into())
}

/// Something that the library knows by name; another name is a mistake on the command line.
fn named<T: std::str::FromStr<Err = pprl::Error>>(name: &str) -> Result<T, lexopt::Error> {
    name.parse().map_err(|error: pprl::Error| lexopt::Error::from(error.to_string()))
}
