//! The data owner's side: people in, bits out. Built without the feature `linkage`, this program cannot link.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::event_log::{Action, Verdict};
use pprl::owner::{OptOutList, RarityList, RowMap, SMALL_FILE, read_csv, read_party_csv};
use pprl::schema::Date;
use pprl::{CsvOptions, Encoder, ProjectKey, Schema};

#[path = "support/auditing.rs"]
mod auditing;
#[path = "support/columns.rs"]
mod columns;
#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;
#[path = "support/working.rs"]
mod working;

use auditing::Auditing;
use command::{Outcome, refuse_existing, required, say};
use log::Log;

const HELP: &str = "\
Encodes a data owner's people for a linkage without names.

  encode keygen KEYFILE
      makes a new project key; hand it to the other owners by a safe way, and never to the linkage unit
  encode check --schema SCHEMA --key KEYFILE
      shows what must be the same for all owners before anybody encodes: fingerprint and key check value
  encode run --schema SCHEMA --key KEYFILE --party PARTY --in PEOPLE.csv --out FOLDER [options]
      writes PARTY.cohort.json, to send to the linkage unit, and PARTY.rows.csv, to keep
      It audits the file first, where this program is built with the feature `audit`: FOLDER/risk-report.html says what an
      attacker would get. What fails the audit is not written unless the schema accepts the risk with a reason.
      Where the schema has roles for the party, a row is the people whom they name.
  encode links --schema SCHEMA --party PARTY --rows PARTY.rows.csv --in PARTY.links.csv --out FILE
      puts your own ids in place of the row ids, into the table of links that the linkage unit gave you
  encode opt-out --schema SCHEMA --key KEYFILE --in REFUSED.csv --out LIST [options]
      makes a list of people to leave out, for all owners and not for the linkage unit

Options of run and opt-out:
  --column FIELD=HEADER   the header of a field's column, where it is not the schema's (can be repeated)
  --delimiter CHARACTER   what stands between columns: a comma unless given; `tab` for a tabulator
  --log FILE              append an event to this log: who, when, how many, and no values; see the program `log`
  --actor NAME            who is named in the log, instead of the user of this machine
Options of run:
  --id-column HEADER      the column with your own ids; without it, the number of the row
  --strict                a value that cannot be true (30 February) is an error, not a missing value
  --opt-out LIST          leave out everybody on this list
  --rarity FIELD=FILE     the public list of names by which the schema wants the rarity of a field told (repeated
                          for each such field); a CSV file with the header name,count
  --names FILE            a public list of names of the same form, where the schema adds bigrams by one (repeated for
                          each list)
  --noise-file FILE       the key of your noise, where the schema asks for randomised response. Make one with keygen, keep
                          it for all files of the same people, and give it to nobody, not to other owners either
  --audit quick           audit smaller samples: enough to find what is weak
  --no-audit REASON       do not audit; the reason goes into the log
  --release-small REASON  write a file of fewer than 100 people all the same; the linkage unit is told the reason
  --decoys NUMBER         so many rows among the others that are nobody's; PARTY.rows.csv says which they are
  --seed-file FILE        take the row ids from this file instead of chance, so that a run can be repeated to the
                          byte. Make one with keygen, use it for one file only, and keep it like the key

A key or a seed is never given on the command line, where others can see it.
";

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    key: Option<PathBuf>,
    party: Option<String>,
    people: Option<PathBuf>,
    rows: Option<PathBuf>,
    out: Option<PathBuf>,
    csv: CsvOptions,
    opt_out: Option<PathBuf>,
    rarity: Vec<(String, PathBuf)>,
    names: Vec<PathBuf>,
    noise_file: Option<PathBuf>,
    seed_file: Option<PathBuf>,
    strict: bool,
    release_small: Option<String>,
    decoys: usize,
    quick: bool,
    no_audit: Option<String>,
    log: Option<PathBuf>,
    actor: Option<String>,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("say what to do: keygen, check, run, links or opt-out").into()),
    };
    match command.as_str() {
        "keygen" => keygen(parser),
        "check" | "run" | "links" | "opt-out" => {
            let Some(arguments) = Arguments::read(parser, &command)? else { return say(HELP) };
            match command.as_str() {
                "check" => check(&arguments),
                "run" => encode(arguments),
                "links" => links(arguments),
                _ => opt_out(arguments),
            }
        }
        _ => Err(lexopt::Error::from("the first argument must be keygen, check, run, links or opt-out").into()),
    }
}

impl Arguments {
    /// The options of a command; `None` where help was asked for.
    fn read(mut parser: lexopt::Parser, command: &str) -> Result<Option<Self>, lexopt::Error> {
        let (run, links) = (command == "run", command == "links");
        let people = run || command == "opt-out";
        let mut arguments = Arguments::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("schema") => arguments.schema = Some(parser.value()?.into()),
                Long("key") if !links => arguments.key = Some(parser.value()?.into()),
                Long("in") if people || links => arguments.people = Some(parser.value()?.into()),
                Long("rows") if links => arguments.rows = Some(parser.value()?.into()),
                Long("out") if people || links => arguments.out = Some(parser.value()?.into()),
                Long("column") if people => {
                    arguments.csv = columns::column(arguments.csv, &parser.value()?.string()?)?;
                }
                Long("delimiter") if people => {
                    arguments.csv = columns::delimiter(arguments.csv, &parser.value()?.string()?)?;
                }
                Long("log") if people => arguments.log = Some(parser.value()?.into()),
                Long("actor") if people => arguments.actor = Some(parser.value()?.string()?),
                Long("audit") if run => match parser.value()?.string()?.as_str() {
                    "quick" => arguments.quick = true,
                    "full" => arguments.quick = false,
                    _ => return Err("--audit needs quick or full".into()),
                },
                Long("no-audit") if run => arguments.no_audit = Some(parser.value()?.string()?),
                Long("release-small") if run => arguments.release_small = Some(parser.value()?.string()?),
                Long("decoys") if run => arguments.decoys = parser.value()?.parse()?,
                Long("party") if run || links => arguments.party = Some(parser.value()?.string()?),
                Long("id-column") if run => arguments.csv = arguments.csv.id_column(parser.value()?.string()?),
                Long("strict") if run => arguments.strict = true,
                Long("opt-out") if run => arguments.opt_out = Some(parser.value()?.into()),
                Long("rarity") if run => {
                    let value = parser.value()?.string()?;
                    let (field, file) = value.split_once('=').ok_or("--rarity needs FIELD=FILE")?;
                    arguments.rarity.push((field.to_owned(), file.into()));
                }
                Long("names") if run => arguments.names.push(parser.value()?.into()),
                Long("noise-file") if run => arguments.noise_file = Some(parser.value()?.into()),
                Long("seed-file") if run => arguments.seed_file = Some(parser.value()?.into()),
                Short('h') | Long("help") => return Ok(None),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(Some(arguments))
    }

    /// What all owners have in common.
    fn agreed(&self) -> Outcome<(Schema, ProjectKey)> {
        let schema = required(self.schema.as_ref(), "--schema")?;
        let key = required(self.key.as_ref(), "--key")?;
        Ok((Schema::from_path(schema)?, ProjectKey::from_path(key)?))
    }
}

fn keygen(mut parser: lexopt::Parser) -> Outcome {
    let path = match parser.next()? {
        Some(Value(path)) => PathBuf::from(path),
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("keygen needs the name of the file to make").into()),
    };
    if let Some(more) = parser.next()? {
        return Err(more.unexpected().into());
    }
    ProjectKey::generate()?.write(&path)?;
    say(&format!("A new key is in {}. Only you can read it.\n", path.display()))
}

fn check(arguments: &Arguments) -> Outcome {
    let (schema, key) = arguments.agreed()?;
    schema.check_expiry(Date::today())?;
    let project = schema.project();
    let mut out = String::new();
    writeln!(out, "project          {}", project.id())?;
    writeln!(out, "purpose          {}", project.purpose())?;
    writeln!(out, "parties          {}", project.parties().join(", "))?;
    writeln!(out, "expires          {}", project.expires())?;
    writeln!(out, "fingerprint      {}", schema.fingerprint())?;
    writeln!(out, "key check value  {}", key.check_value(&schema))?;
    for risk in schema.risks() {
        writeln!(out, "risk             {risk}")?;
    }
    for rarity in schema.rarity() {
        let field = schema.fields()[rarity.field()].name();
        writeln!(out, "list of {field:<8} SHA-256 {}", rarity.list_sha256())?;
    }
    for encoding in schema.encodings() {
        if let Some(markov) = encoding.hardening().markov() {
            writeln!(out, "names of {:<8} SHA-256 {}", encoding.name(), markov.list_sha256())?;
        }
    }
    if let Some(reason) = schema.accept_risk() {
        writeln!(out, "accepted because {reason}")?;
    }
    writeln!(
        out,
        "\nFingerprint and key check value must be the same for all owners. Compare them before you encode."
    )?;
    say(&out)
}

fn encode(arguments: Arguments) -> Outcome {
    let (schema, key) = arguments.agreed()?;
    let party = required(arguments.party, "--party")?;
    let file = required(arguments.people, "--in")?;
    let folder = required(arguments.out, "--out")?;
    let mut log = Log::open(arguments.log, arguments.actor)?;
    let mut encoder = Encoder::new(&schema, &key, &party)?.strict(arguments.strict);
    let audit = Auditing::new(arguments.no_audit, arguments.quick, arguments.release_small.is_some())?;
    if let Some(reason) = &arguments.release_small {
        encoder = encoder.release_small(reason)?;
    }
    if let Some(list) = arguments.opt_out {
        encoder = encoder.opt_out(OptOutList::read(list)?)?;
    }
    for (field, file) in arguments.rarity {
        encoder = encoder.rarity(&field, &RarityList::read(file)?)?;
    }
    for file in arguments.names {
        encoder = encoder.names(&RarityList::read(file)?)?;
    }
    if let Some(noise) = arguments.noise_file {
        encoder = encoder.noise_file(noise)?;
    }
    if let Some(seed) = arguments.seed_file {
        encoder = encoder.seed_file(seed)?;
    }

    let people = read_party_csv(&file, &schema, &party, &arguments.csv)?;
    let encode =
        |encoder: &Encoder| working::during("encoding", || encoder.encode(&people)).map_err(|e| e.in_file(&file));
    let mut encoded = encode(&encoder)?;
    // The audit is of people; decoys come after it.
    let audited = audit.before_release(&schema, &people, &encoded, &folder, &mut log)?;
    if arguments.decoys > 0 {
        encoded = encode(&encoder.decoys(arguments.decoys))?;
    }
    let people = encoded.row_map.people();
    let mut event = log.event(Action::Encode).schema(&schema).party(&party).cohort(&encoded.cohort);
    event = event.count("people", people as u64).count("decoys", encoded.row_map.decoys() as u64);
    event = event.count("opted_out", encoded.quality.opted_out);
    if let Some(reason) = arguments.release_small.filter(|_| people < SMALL_FILE) {
        event = event.reason(reason);
    }
    let written = encoded.write(&folder);
    log.append(event.verdict(if written.is_ok() { Verdict::Done } else { Verdict::Refused }))?;
    let files = written?;
    // Written already; a report that cannot be shown does not change that.
    let _ = writeln!(io::stderr(), "{}{audited}", encoded.quality);
    say(&format!(
        "Send {} to the linkage unit, with the schema.\nKeep {}: only you can tell who the rows are.\n",
        files.send.display(),
        files.keep.display()
    ))
}

fn links(arguments: Arguments) -> Outcome {
    let schema = Schema::from_path(required(arguments.schema, "--schema")?)?;
    let party = required(arguments.party, "--party")?;
    let rows = required(arguments.rows, "--rows")?;
    let links = required(arguments.people, "--in")?;
    let out = required(arguments.out, "--out")?;
    refuse_existing(&out)?;
    schema.party(&party)?;
    let rows = RowMap::read_csv(rows)?;
    let linked = if schema.roles(&party).is_empty() {
        rows.write_linked_csv(links, &out)?
    } else {
        rows.write_linked_roles_csv(links, &out)?
    };
    say(&format!("{linked} of your {} rows have a link id, in {}.\n", rows.people(), out.display()))
}

fn opt_out(arguments: Arguments) -> Outcome {
    let (schema, key) = arguments.agreed()?;
    let people = required(arguments.people, "--in")?;
    let list = required(arguments.out, "--out")?;
    refuse_existing(&list)?;
    let mut log = Log::open(arguments.log, arguments.actor)?;
    // The list is the same whichever party makes it.
    let encoder = Encoder::new(&schema, &key, &schema.project().parties()[0])?;
    let people = read_csv(people, &schema, &arguments.csv)?;
    encoder.opt_out_list(&people)?.write(&list)?;
    let event = log.event(Action::OptOut).schema(&schema).count("people", people.len() as u64);
    log.append(event.verdict(Verdict::Done))?;
    say(&format!(
        "{} people are on {}.\nGive it to the other owners, and not to the linkage unit.\n",
        people.len(),
        list.display()
    ))
}
