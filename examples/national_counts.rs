//! How many people of one register are in another, and how many different people are in several: counted by a linkage unit,
//! with what linkage errors make uncertain, and with noise where that is wanted. Nothing about a row leaves.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::event_log::{Action, Verdict};
use pprl::linkage::Links;
use pprl::linkage::counts::{Chance, Epsilon, Joined, LinkErrors, Noise, Rate};
use pprl::owner::Encoded;
use pprl::synth::{Agency, Options, Population};
use pprl::{Cohort, Encoder, Linker, ProjectKey, Record, Schema};
use sha2::{Digest, Sha256};

#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;
#[path = "support/lsh.rs"]
mod lsh;
#[path = "support/people.rs"]
mod people;
#[path = "support/progress.rs"]
mod progress;

use command::{Outcome, required, say};
use log::Log;

const HELP: &str = "\
How many people are in two registers, and how many different people in all of them: counts with intervals, and no row.

  national_counts [--seed N] [--children N] [--cohort N] [--sample N] [options]
      invents the people, and a sample of links and of true pairs that somebody looked at
  national_counts --schema FILE --known FOUND/PAIRS [--reviewed RIGHT/LINKS] [options] COHORT COHORT...
      takes cohorts; counts are of the first two, and of all

  --seed N              other people; the same number gives the same result (1), but for the noise
  --children N          how many children there are (20000)
  --cohort N            how many of them the police know to have a parent in prison (2000)
  --sample N            how many links, and how many true pairs, are looked at (200)
  --known FOUND/PAIRS   of so many pairs of rows that are known from elsewhere to be one person, how many were linked
  --reviewed RIGHT/LINKS  of so many links that somebody looked at, how many are right; without it, the linkage's own estimate
  --lsh SHARE RECALL    compare only pairs that LSH finds or that share a match key, where all pairs take too long: so that of
                        pairs whose encodings differ in SHARE of their bits, RECALL are found (0.35 0.95). What is not found
                        is missing in --known as well, and so in the interval
  --epsilon E           noise that hides any one person: 0.5, or 1/2; it is for each of the counts
  --log FILE            appends what was published, and how much noise was on it
  --actor NAME          who is named in the log (the user of this machine)
";

/// What all parties agreed and signed.
const SCHEMA: &str = include_str!("schemas/uk_person.toml");

struct Arguments {
    options: Options,
    invented: bool,
    sample: usize,
    schema: Option<PathBuf>,
    known: Option<Rate>,
    reviewed: Option<Rate>,
    lsh: Option<(f64, f64)>,
    epsilon: Option<Epsilon>,
    cohorts: Vec<PathBuf>,
}

impl Arguments {
    fn linker(&self, schema: &Schema, cohorts: &[&Cohort]) -> Outcome<Linker> {
        let linker = Linker::new(schema).progress(progress::compared());
        match self.lsh {
            None => Ok(linker),
            Some(lsh) => lsh::near(linker, cohorts, lsh),
        }
    }
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let options = Options { seed: 1, children: 20_000, cohort: 2_000, ..Options::default() };
    let mut arguments = Arguments {
        options,
        invented: false,
        sample: 200,
        schema: None,
        known: None,
        reviewed: None,
        lsh: None,
        epsilon: None,
        cohorts: Vec::new(),
    };
    let (mut log, mut actor) = (None, None);
    while let Some(argument) = parser.next()? {
        arguments.invented |= matches!(argument, Long("seed" | "children" | "cohort" | "sample"));
        match argument {
            Long("seed") => arguments.options.seed = parser.value()?.parse()?,
            Long("children") => arguments.options.children = parser.value()?.parse()?,
            Long("cohort") => arguments.options.cohort = parser.value()?.parse()?,
            Long("sample") => arguments.sample = parser.value()?.parse()?,
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("known") => arguments.known = Some(rate(&parser.value()?.string()?)?),
            Long("reviewed") => arguments.reviewed = Some(rate(&parser.value()?.string()?)?),
            Long("lsh") => arguments.lsh = Some((parser.value()?.parse()?, parser.value()?.parse()?)),
            Long("epsilon") => {
                let epsilon = parser.value()?.string()?.parse::<Epsilon>();
                arguments.epsilon = Some(epsilon.map_err(|e| lexopt::Error::from(e.to_string()))?);
            }
            Long("log") => log = Some(parser.value()?.into()),
            Long("actor") => actor = Some(parser.value()?.string()?),
            Value(cohort) => arguments.cohorts.push(cohort.into()),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if arguments.cohorts.is_empty() {
        if arguments.schema.is_some() || arguments.known.is_some() || arguments.reviewed.is_some() {
            return Err(lexopt::Error::from("--schema, --known and --reviewed are for cohorts").into());
        }
        return invented(&arguments, &mut Log::open(log, actor)?);
    }
    if arguments.invented {
        return Err(lexopt::Error::from("--seed, --children, --cohort and --sample are for invented people").into());
    }
    if arguments.cohorts.len() < 2 {
        return Err(lexopt::Error::from("counts need at least two cohorts").into());
    }
    let schema = required(arguments.schema.as_ref(), "--schema")?;
    let known = required(arguments.known, "--known")?;
    from_cohorts(&arguments, &Schema::from_path(schema)?, known, &mut Log::open(log, actor)?)
}

/// `RIGHT/LOOKED_AT`.
fn rate(text: &str) -> Result<Rate, lexopt::Error> {
    let parts = text.split_once('/').and_then(|(good, of)| Some((good.parse().ok()?, of.parse().ok()?)));
    let (good, looked_at) = parts.ok_or("a sample is written as two numbers: 190/200")?;
    Rate::sample(good, looked_at).map_err(|e| e.to_string().into())
}

/// At a linkage unit.
fn from_cohorts(arguments: &Arguments, schema: &Schema, recall: Rate, log: &mut Log) -> Outcome {
    let cohorts = arguments.cohorts.iter().map(Cohort::read).collect::<Result<Vec<_>, _>>()?;
    let cohorts: Vec<&Cohort> = cohorts.iter().collect();
    let links = arguments.linker(schema, &cohorts)?.link(&cohorts)?;
    let parties: Vec<&str> = links.parties().collect();
    let learned = links.learned_precision(parties[0], parties[1])?;
    let precision = arguments.reviewed.or(learned);
    let problem = "the linkage has no estimate of how many links are right; look at a sample, and say --reviewed";
    let errors = LinkErrors { precision: precision.ok_or(problem)?, recall };
    let mut story = String::new();
    for (number, (what, joined)) in counts(&links)?.into_iter().enumerate() {
        let counted = if number == 0 { &cohorts[..2] } else { &cohorts };
        writeln!(story, "{what}\n{}", publish(joined, errors, arguments.epsilon, log, schema, counted)?)?;
    }
    say(&story)
}

/// What is counted, in words.
fn counts(links: &Links) -> Outcome<Vec<(String, Joined)>> {
    let parties: Vec<&str> = links.parties().collect();
    let mut counts = vec![(format!("{} and {}", parties[0], parties[1]), links.overlap(parties[0], parties[1])?)];
    if parties.len() > 2 {
        counts.push((parties.join(", "), links.distinct()));
    }
    Ok(counts)
}

/// All that leaves: a text, after the log has it.
fn publish(
    joined: Joined,
    errors: LinkErrors,
    epsilon: Option<Epsilon>,
    log: &mut Log,
    schema: &Schema,
    cohorts: &[&Cohort],
) -> Outcome<String> {
    let joined = match epsilon {
        // Each person is at most once in each file, and a row changes the links by one at most.
        Some(epsilon) => joined.with_noise(Noise::new(epsilon, cohorts.len() as u32)?, &mut Chance::system())?,
        None => joined,
    };
    let estimate = joined.estimate(errors);
    let mut event = log.event(Action::Release).schema(schema).verdict(Verdict::Done);
    for cohort in cohorts {
        event = event.cohort(cohort);
    }
    log.append(estimate.event(event))?;
    Ok(estimate.to_string())
}

/// The whole story with people who do not exist, so that the truth can stand beside.
fn invented(arguments: &Arguments, log: &mut Log) -> Outcome {
    let start = Instant::now();
    let options = &arguments.options;
    let schema = Schema::from_toml(SCHEMA)?;
    let population = Population::generate(options)?;
    let key = ProjectKey::from_bytes(seed(options, "key"));
    // Schools and social care first: their overlap is the count.
    let agencies = [Agency::Education, Agency::SocialCare, Agency::Police];
    let mut encoded = Vec::new();
    let mut persons = Vec::new();
    for agency in agencies {
        let encoder = Encoder::new(&schema, &key, agency.name())?
            .release_small("invented people, for trying out")?
            .seed(seed(options, agency.name()));
        let found = encoder.encode(&records(&population, agency, &schema))?;
        persons.push(in_order(&population, agency, &found));
        encoded.push(found.cohort);
    }
    drop(key);

    let cohorts: Vec<&Cohort> = encoded.iter().collect();
    let links = arguments.linker(&schema, &cohorts)?.seed(seed(options, "links")).link(&cohorts)?;
    let mut story = String::from("Counts over registers, without a row of them\n\n");
    for agency in agencies {
        writeln!(story, "  {:12} {:7} rows", agency.name(), population.records(agency).len())?;
    }
    if let Some(learned) = links.learned_precision(agencies[0].name(), agencies[1].name())? {
        writeln!(story, "\nThe linkage itself says of the first two that of its links are right: {learned}")?;
    }
    let truths = [overlap(&persons[0], &persons[1]), distinct(&persons)];
    for (number, (what, joined)) in counts(&links)?.into_iter().enumerate() {
        let files = if number == 0 { &[0, 1][..] } else { &[0, 1, 2] };
        let (errors, [precision, recall]) = looked_at(arguments, &links, &persons, files)?;
        let text = publish(joined, errors, arguments.epsilon, log, &schema, &cohorts[..files.len()])?;
        writeln!(story, "\n{what}\n{text}  In truth, which only this demonstration knows: {}.", truths[number])?;
        writeln!(story, "  Of all links, and of all true pairs: precision {precision:.3}, recall {recall:.3}.")?;
    }
    if arguments.epsilon.is_some() {
        writeln!(story, "\nWhoever sees both counts sees their epsilons' sum.")?;
    }
    writeln!(story, "\nMade in {:.1} s.", start.elapsed().as_secs_f64())?;
    say(&story)
}

fn seed(options: &Options, purpose: &str) -> [u8; 32] {
    Sha256::digest(format!("national_counts {} {purpose}", options.seed)).into()
}

fn records(population: &Population, agency: Agency, schema: &Schema) -> Vec<Record> {
    let values = |row| schema.fields().iter().map(|field| people::value(row, field).unwrap_or_default()).collect();
    population.records(agency).iter().map(|row| Record::new(&row.record_id, values(row))).collect()
}

/// Who the rows of a cohort are.
fn in_order(population: &Population, agency: Agency, encoded: &Encoded) -> Vec<String> {
    let person: HashMap<&str, &str> =
        population.records(agency).iter().map(|row| (row.record_id.as_str(), row.person_id.as_str())).collect();
    let own = encoded.row_map.entries().iter();
    own.map(|(_, own)| person.get(own.as_str()).copied().unwrap_or_default().to_owned()).collect()
}

fn overlap(a: &[String], b: &[String]) -> usize {
    let a: std::collections::HashSet<&String> = a.iter().collect();
    b.iter().filter(|person| a.contains(person)).count()
}

fn distinct(files: &[Vec<String>]) -> usize {
    files.iter().flatten().collect::<std::collections::HashSet<_>>().len()
}

/// What somebody would find who looked at a sample of links, and at a sample of pairs known to be one person; and precision
/// and recall, which are known to nobody outside of a demonstration.
fn looked_at(
    arguments: &Arguments,
    links: &Links,
    persons: &[Vec<String>],
    files: &[usize],
) -> Outcome<(LinkErrors, [f64; 2])> {
    let parties: Vec<&str> = links.parties().collect();
    let (mut made, mut there) = (Vec::new(), Vec::new());
    for (place, &a) in files.iter().enumerate() {
        for &b in &files[place + 1..] {
            let pairs = links.pairs(parties[a], parties[b])?;
            let row: HashMap<&String, u32> = persons[b].iter().zip(0..).collect();
            for (person, x) in persons[a].iter().zip(0..) {
                there.extend(row.get(person).map(|&y| (a, x, b, y)));
            }
            made.extend(pairs.into_iter().map(|(x, y)| (a, x, b, y)));
        }
    }
    let is_right = |&(a, x, b, y): &(usize, u32, usize, u32)| persons[a][x as usize] == persons[b][y as usize];
    let linked: std::collections::HashSet<_> = made.iter().copied().collect();
    let right = made.iter().filter(|pair| is_right(pair)).count() as f64;
    let in_truth = [right / made.len().max(1) as f64, right / there.len().max(1) as f64];
    let drawn = |mut pairs: Vec<(usize, u32, usize, u32)>, purpose: &str| {
        let salt = seed(&arguments.options, purpose);
        pairs.sort_by_cached_key(|pair| Sha256::digest([&salt[..], format!("{pair:?}").as_bytes()].concat()));
        pairs.truncate(arguments.sample);
        pairs
    };
    let (reviewed, known) = (drawn(made, "reviewed"), drawn(there, "known"));
    let right = reviewed.iter().filter(|pair| is_right(pair)).count();
    let found = known.iter().filter(|pair| linked.contains(pair)).count();
    let errors = LinkErrors {
        precision: Rate::sample(right as u64, reviewed.len() as u64)?,
        recall: Rate::sample(found as u64, known.len() as u64)?,
    };
    Ok((errors, in_truth))
}
