//! What LSH finds and takes, next to comparing all pairs: the plan, both runs, and how many of the links are the same; with
//! invented people in two files of any size.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::linkage::{Candidates, Lsh};
use pprl::schema::Field;
use pprl::synth::{Agency, Population};
use pprl::{Cohort, Encoder, Linker, Links, ProjectKey, Record, Schema};

#[path = "support/command.rs"]
mod command;
#[path = "support/people.rs"]
mod people;

use command::{Outcome, required, say};

const HELP: &str = "\
Links invented people with LSH and, to compare, all pairs.

  candidates --rows N [--share S] [--recall R] [--skip-all] [--compact] [--threads T] [--seed S]

  --rows N      people in each of two files
  --share S     the share of an encoding's bits in which a pair may differ to be found (0.1)
  --recall R    with which probability (0.95)
  --skip-all    does not compare all pairs
  --compact     encodings of 1,024 bits instead of 4,096
  --seed S      other people
";

struct Arguments {
    rows: usize,
    share: f64,
    recall: f64,
    skip_all: bool,
    compact: bool,
    threads: usize,
    seed: u64,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let Some(arguments) = arguments()? else { return say(HELP) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| measure(&arguments))
}

fn arguments() -> Outcome<Option<Arguments>> {
    let mut rows = None;
    let mut arguments =
        Arguments { rows: 0, share: 0.1, recall: 0.95, skip_all: false, compact: false, threads: 0, seed: 0 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rows") => rows = Some(parser.value()?.parse()?),
            Long("share") => arguments.share = parser.value()?.parse()?,
            Long("recall") => arguments.recall = parser.value()?.parse()?,
            Long("skip-all") => arguments.skip_all = true,
            Long("compact") => arguments.compact = true,
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    arguments.rows = required(rows, "--rows")?;
    if arguments.rows == 0 {
        return Err(lexopt::Error::from("--rows must be at least 1").into());
    }
    Ok(Some(arguments))
}

fn measure(arguments: &Arguments) -> Outcome {
    let schema = if arguments.compact { people::compact()? } else { Schema::uk_person() };
    let [(a, in_a), (b, in_b)] = invented(arguments, &schema)?;
    let of_a: BTreeSet<&String> = in_a.iter().collect();
    let both = in_b.iter().collect::<BTreeSet<_>>().intersection(&of_a).count();
    let right = |pairs: &BTreeSet<(u32, u32)>| {
        pairs.iter().filter(|(row_a, row_b)| in_a[*row_a as usize] == in_b[*row_b as usize]).count()
    };
    let cohorts = [&a, &b];
    let linker = Linker::new(&schema);
    let lsh = Lsh::for_cohorts(&a, &b, arguments.share, arguments.recall)?;
    let by_lsh = linker.clone().candidates(Candidates::Lsh(lsh));
    let start = Instant::now();
    say(&by_lsh.plan(&cohorts)?.to_string())?;
    say(&format!("(planned in {:.1} s)\n\n", start.elapsed().as_secs_f64()))?;
    let start = Instant::now();
    let links = by_lsh.link(&cohorts)?;
    let seconds = start.elapsed().as_secs_f64();
    let some = pairs(&links);
    say(&format!(
        "LSH: {} links in {:.1} s, {} right of {both} people in both\n{}\n",
        some.len(),
        seconds,
        right(&some),
        links.summary().pairs[0].blocking.as_ref().map_or(String::new(), ToString::to_string)
    ))?;
    if arguments.skip_all {
        return Ok(());
    }
    let start = Instant::now();
    let all = pairs(&linker.link(&cohorts)?);
    let common = all.intersection(&some).count();
    say(&format!(
        "all pairs: {} links in {:.1} s, {} right; {common} of them ({:.2} %) by LSH too\n",
        all.len(),
        start.elapsed().as_secs_f64(),
        right(&all),
        100.0 * common as f64 / all.len().max(1) as f64
    ))
}

fn pairs(links: &Links) -> BTreeSet<(u32, u32)> {
    links.links().iter().map(|link| (link.a.row, link.b.row)).collect()
}

/// A cohort, and who its rows are.
type Side = (Cohort, Vec<String>);

/// Two files of invented people.
fn invented(arguments: &Arguments, schema: &Schema) -> Outcome<[Side; 2]> {
    let population = Population::generate(&people::options(arguments.rows, arguments.seed))?;
    let key = ProjectKey::generate()?;
    let mut sides = Vec::new();
    for agency in [Agency::SocialCare, Agency::Education] {
        let records = &population.records(agency)[..arguments.rows.min(population.records(agency).len())];
        let people: Vec<Record> = records
            .iter()
            .enumerate()
            .map(|(row, record)| {
                // Numbers would make it easy.
                let is_number = |field: &Field| matches!(field.name(), "nhs_number" | "upn");
                let value = |field| people::value(record, field).filter(|_| !is_number(field)).unwrap_or_default();
                Record::new(row.to_string(), schema.fields().iter().map(value).collect())
            })
            .collect();
        let encoded = Encoder::new(schema, &key, agency.name())?.encode(&people)?;
        let map = encoded.row_map.to_map();
        let own = |id| map[id].parse::<usize>().map(|row| records[row].person_id.clone());
        let people = encoded.cohort.row_ids().iter().map(own).collect::<Result<Vec<_>, _>>()?;
        sides.push((encoded.cohort, people));
    }
    <[Side; 2]>::try_from(sides).map_err(|_| "two files".into())
}
