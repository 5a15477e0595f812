//! The owner attacks its own file before it leaves. For a data owner, on a machine where the file may be.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::audit::{Audit, RiskReport};
use pprl::event_log::{Action, Verdict};
use pprl::owner::{RarityList, read_party_csv};
use pprl::schema::Date;
use pprl::{CsvOptions, Encoder, ProjectKey, Schema};
use sha2::{Digest, Sha256};

#[path = "support/columns.rs"]
mod columns;
#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;
#[path = "support/working.rs"]
mod working;

use command::{Outcome, required, say};
use log::Log;

const HELP: &str = "\
Attacks a file of people by its owner before it leaves: how many of them would somebody name who sees the encodings?

  audit --schema SCHEMA --csv PEOPLE [options]

  --schema FILE           what is encoded and how (TOML)
  --csv FILE              your own file of people
  --key KEYFILE           the project's key; without it the test makes a key of its own from the seed. That key is no secret
                          and encodes nothing that leaves; how much leaks does not depend on which key it is
  --party PARTY           whose file it is; the schema's first party unless given
  --column FIELD=HEADER   the header of a field's column, where it is not the schema's (can be repeated)
  --delimiter CHARACTER   what stands between columns: a comma unless given; `tab` for a tabulator
  --id-column HEADER      the column with your own ids; without it, the number of the row
  --names FIELD=FILE      a public list of names to compare a field's frequencies with, and to tell its rarity by where the
                          schema asks for that: a CSV file with the header name,count (can be repeated)
  --markov-names FILE     the list of names where the schema adds bigrams by one (repeated for each list)
  --noise-file FILE       the key of your noise where the schema asks for randomised response; one from the seed unless given
  --floor N               how many people a file must have to be sent
  --quick                 small samples: enough to find what is weak, too little for a release
  --seed N                who is drawn (1); the same file, key, seed and date give the same result
  --date YYYY-MM-DD       the day that the report gives; today unless given
  --out FOLDER            write risk-report.json and risk-report.html there
  --log FILE              add who audited what, when and with which verdict to this log (no values)
  --actor NAME            who is named there: the operating system's user unless given
  --json                  the report as JSON on stdout, instead of a table
  --threads N             how many threads; all processors unless given

The exit status is 0 where the verdict is pass, 2 where it is fail, and 1 where something went wrong. The report has counts and
settings in it, and no value of a record. Audit files of your own only: to attack another owner's encodings you need that
controller's written consent (Data Protection Act 2018, sections 171 and 172).
";

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    people: Option<PathBuf>,
    key: Option<PathBuf>,
    party: Option<String>,
    csv: CsvOptions,
    names: Vec<(String, PathBuf)>,
    markov_names: Vec<PathBuf>,
    noise_file: Option<PathBuf>,
    floor: Option<usize>,
    quick: bool,
    seed: Option<u64>,
    date: Option<Date>,
    out: Option<PathBuf>,
    log: Option<PathBuf>,
    actor: Option<String>,
    json: bool,
    threads: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        // 2 is a verdict here, so that a wrong option is an error like others.
        Err(error) => {
            let _ = command::exit(Err(error));
            ExitCode::FAILURE
        }
    }
}

/// Whether the verdict is pass; so it is where only help was asked for.
fn run() -> Outcome<bool> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("csv") => arguments.people = Some(parser.value()?.into()),
            Long("key") => arguments.key = Some(parser.value()?.into()),
            Long("party") => arguments.party = Some(parser.value()?.string()?),
            Long("column") => arguments.csv = columns::column(arguments.csv, &parser.value()?.string()?)?,
            Long("delimiter") => arguments.csv = columns::delimiter(arguments.csv, &parser.value()?.string()?)?,
            Long("id-column") => arguments.csv = arguments.csv.id_column(parser.value()?.string()?),
            Long("names") => {
                let value = parser.value()?.string()?;
                let (field, file) = value.split_once('=').ok_or(lexopt::Error::from("--names needs FIELD=FILE"))?;
                arguments.names.push((field.to_owned(), file.into()));
            }
            Long("markov-names") => arguments.markov_names.push(parser.value()?.into()),
            Long("noise-file") => arguments.noise_file = Some(parser.value()?.into()),
            Long("floor") => arguments.floor = Some(parser.value()?.parse()?),
            Long("quick") => arguments.quick = true,
            Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
            Long("date") => {
                let date = Date::parse_iso(&parser.value()?.string()?);
                arguments.date = Some(date.ok_or(lexopt::Error::from("--date needs a day, as YYYY-MM-DD"))?);
            }
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("log") => arguments.log = Some(parser.value()?.into()),
            Long("actor") => arguments.actor = Some(parser.value()?.string()?),
            Long("json") => arguments.json = true,
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Short('h') | Long("help") => return say(HELP).map(|()| true),
            _ => return Err(argument.unexpected().into()),
        }
    }
    // 0 threads are as many as there are processors.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    // Where the log is broken, nothing is done.
    let mut log = Log::open(arguments.log.clone(), arguments.actor.clone())?;
    let report = pool.install(|| audit(&arguments, &mut log))?;
    if let Some(folder) = &arguments.out {
        report.write(folder)?;
    }
    say(&if arguments.json { report.to_json() + "\n" } else { report.to_string() })?;
    Ok(report.passed())
}

fn audit(arguments: &Arguments, log: &mut Log) -> Outcome<RiskReport> {
    let path = required(arguments.schema.as_ref(), "--schema")?;
    let people = required(arguments.people.as_ref(), "--csv")?;
    let seed = arguments.seed.unwrap_or(1);
    let schema = Schema::from_path(path)?;
    let key = match &arguments.key {
        Some(path) => ProjectKey::from_path(path)?,
        None => ProjectKey::from_bytes(bytes_of(seed, "key")),
    };
    let party = arguments.party.as_ref().unwrap_or(&schema.project().parties()[0]);
    let mut encoder = Encoder::new(&schema, &key, party)?.seed(bytes_of(seed, "rows"));
    let mut audit = Audit::new().seed(seed).quick(arguments.quick).date(arguments.date.unwrap_or_else(Date::today));
    if let Some(floor) = arguments.floor {
        audit = audit.floor(floor);
    }
    if schema.encodings().iter().any(|encoding| encoding.hardening().randomised_response() > 0) {
        encoder = match &arguments.noise_file {
            Some(path) => encoder.noise_file(path)?,
            None => encoder.noise(&ProjectKey::from_bytes(bytes_of(seed, "noise")))?,
        };
    }
    for list in &arguments.markov_names {
        encoder = encoder.names(&RarityList::read(list)?)?;
    }
    if let Some(path) = &arguments.key {
        audit = audit.key_file(path);
    }
    for (field, file) in &arguments.names {
        let Some(place) = schema.fields().iter().position(|other| other.name() == field) else {
            return Err(format!("--names: the schema has no field {field}").into());
        };
        if schema.rarity().iter().any(|rarity| rarity.field() == place) {
            encoder = encoder.rarity(field, &RarityList::read(file)?)?;
        }
        audit = audit.names(field, file)?;
    }
    let people = read_party_csv(people, &schema, party, &arguments.csv)?;
    let start = Instant::now();
    let encoded = working::during("encoding", || encoder.encode(&people))?;
    let mut report = working::during("attacking", || audit.run(&schema, &people, &encoded))?;
    report.took(start.elapsed());
    let event = log.event(Action::Audit).schema(&schema).manifest(encoded.cohort.manifest());
    let failed = report.gates().iter().filter(|gate| !gate.passed).count();
    let event = event.count("gates", report.gates().len() as u64).count("gates_failed", failed as u64);
    log.append(event.verdict(if report.passed() { Verdict::Passed } else { Verdict::Failed }))?;
    Ok(report)
}

/// 32 bytes that anybody can work out from the seed: the same for the same seed, and others for another purpose.
fn bytes_of(seed: u64, purpose: &str) -> [u8; 32] {
    Sha256::digest(format!("pprl audit {purpose} {seed}")).into()
}
