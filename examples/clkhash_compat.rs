//! CLKs as clkhash makes them, to the bit; the same as a cohort; and the way out of them. Needs the feature `clkhash`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::clkhash::blocking::{BlockIds, BlockKey, BlockingSchema};
use pprl::clkhash::{ClkEncoder, Header, LinkageSchema, Secret};
use pprl::event_log::{Action, Verdict};
use pprl::owner::read_csv;
use pprl::schema::{Date, Project};
use pprl::{CsvOptions, ProjectKey, Schema};

#[path = "support/auditing.rs"]
mod auditing;
#[path = "support/columns.rs"]
mod columns;
#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;
#[cfg(feature = "audit")]
#[path = "support/working.rs"]
mod working;

use auditing::Auditing;
use command::{Outcome, refuse_existing, required, say};
use log::Log;

const HELP: &str = "\
CLKs as clkhash 0.18.3 makes them, to the bit.

  clkhash_compat --schema S.json --csv IN.csv --secret-file F --out OUT.json --accept-risk REASON
      writes {\"clks\": [...]}, as `anonlink encode` does. A plain CLK falls to some fifty known people: it takes a
      reason to make one
  clkhash_compat agreement --schema S.json PROJECT --accept-risk REASON --out AGREEMENT.toml
      the same agreement as a schema of this crate, with a fingerprint, for cohorts that `link` links
  clkhash_compat cohort --schema S.json --agreement AGREEMENT.toml --party P --csv IN.csv --secret-file F --out FOLDER
      the same CLKs as a cohort, with a manifest that says why the risk is accepted, and a risk report where this
      program is built with the feature `audit`
  clkhash_compat block --blocking B.json --csv IN.csv (--secret-file F | --key K --project ID) --out BLOCKS.json
      the blocks of one of blocklib's schemas, keyed; with --unkeyed --accept-risk REASON blocklib's own, to the byte
  clkhash_compat native --schema S.json PROJECT --out NATIVE.toml
      the way out: a schema of this crate with the same fields, diffused

  PROJECT                 --project ID --purpose TEXT --party P --party Q … --expires YYYY-MM-DD

  --blocking FILE         the blocking schema, p-sig or lambda-fold
  --key FILE              the project's key, in place of clkhash's secret
  --schema FILE           the linkage schema, version 1, 2 or 3
  --secret-file FILE      its bytes are the secret, less one line end; a secret on a command line is seen by others
  --no-header             the first line is a row; without this or the next it must be the schema's identifiers
  --ignore-header         the first line is neither a row nor checked
  --no-validate           values are not checked against their formats, as with clkhash's validate=False
  --threads N             threads (default: all cores); the output is the same
  --seed-file FILE        cohort: take the row ids from this file, so that a run can be repeated to the byte
  --release-small REASON  cohort: write a file of fewer than 100 people all the same
  --audit quick|full, --no-audit REASON
                          cohort: how the file is attacked before it is written (default full)
  --id-column NAME, --column FIELD=NAME, --delimiter C
                          cohort: how to read the file
  --log FILE, --actor NAME
                          keep an event of what was done, and by whom
";

/// The options of all commands; a command takes those that it names.
#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    people: Option<PathBuf>,
    secret: Option<PathBuf>,
    out: Option<PathBuf>,
    accept_risk: Option<String>,
    header: Header,
    unchecked: bool,
    project: Option<String>,
    purpose: Option<String>,
    parties: Vec<String>,
    expires: Option<Date>,
    agreement: Option<PathBuf>,
    blocking: Option<PathBuf>,
    key: Option<PathBuf>,
    unkeyed: bool,
    csv: CsvOptions,
    seed: Option<PathBuf>,
    release_small: Option<String>,
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
    let mut command = "encode".to_owned();
    let mut first = parser.next()?;
    if let Some(Value(word)) = first {
        command = word.string()?;
        first = parser.next()?;
    }
    let commands = ["encode", "agreement", "cohort", "block", "native"];
    let [encode, agreement, cohort, block, native] = commands.map(|name| command == name);
    if !commands.contains(&command.as_str()) {
        return Err(lexopt::Error::from("the command must be agreement, cohort, block or native, or none").into());
    }
    let (schemas, people) = (agreement || native, encode || cohort || block);
    let mut arguments = Arguments::default();
    while let Some(argument) = first {
        match argument {
            Long("schema") if !block => arguments.schema = Some(parser.value()?.into()),
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("log") if people => arguments.log = Some(parser.value()?.into()),
            Long("actor") if people => arguments.actor = Some(parser.value()?.string()?),
            Long("csv") if people => arguments.people = Some(parser.value()?.into()),
            Long("secret-file") if people => arguments.secret = Some(parser.value()?.into()),
            Long("no-validate") if encode || cohort => arguments.unchecked = true,
            Long("threads") if encode || cohort => {
                let threads: usize = parser.value()?.parse()?;
                rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
            }
            Long("no-header") if encode || block => arguments.header = Header::None,
            Long("ignore-header") if encode => arguments.header = Header::Ignored,
            Long("blocking") if block => arguments.blocking = Some(parser.value()?.into()),
            Long("key") if block => arguments.key = Some(parser.value()?.into()),
            Long("unkeyed") if block => arguments.unkeyed = true,
            Long("accept-risk") if encode || agreement || block => {
                arguments.accept_risk = Some(parser.value()?.string()?);
            }
            Long("party") if schemas || cohort => arguments.parties.push(parser.value()?.string()?),
            Long("project") if schemas || block => arguments.project = Some(parser.value()?.string()?),
            Long("purpose") if schemas => arguments.purpose = Some(parser.value()?.string()?),
            Long("expires") if schemas => {
                let text = parser.value()?.string()?;
                let date = Date::parse_iso(&text).ok_or(lexopt::Error::from("--expires takes YYYY-MM-DD"))?;
                arguments.expires = Some(date);
            }
            Long("agreement") if cohort => arguments.agreement = Some(parser.value()?.into()),
            Long("column") if cohort => {
                arguments.csv = columns::column(arguments.csv, &parser.value()?.string()?)?;
            }
            Long("delimiter") if cohort => {
                arguments.csv = columns::delimiter(arguments.csv, &parser.value()?.string()?)?;
            }
            Long("id-column") if cohort => arguments.csv = arguments.csv.id_column(parser.value()?.string()?),
            Long("seed-file") if cohort => arguments.seed = Some(parser.value()?.into()),
            Long("release-small") if cohort => arguments.release_small = Some(parser.value()?.string()?),
            Long("audit") if cohort => match parser.value()?.string()?.as_str() {
                "quick" => arguments.quick = true,
                "full" => arguments.quick = false,
                _ => return Err(lexopt::Error::from("--audit needs quick or full").into()),
            },
            Long("no-audit") if cohort => arguments.no_audit = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
        first = parser.next()?;
    }
    let out = required(arguments.out.take(), "--out")?;
    if block {
        return write_blocks(arguments, &out);
    }
    let schema = LinkageSchema::from_path(required(arguments.schema.take(), "--schema")?)?;
    // What clkhash does silently is said.
    schema.surprises().iter().for_each(|surprise| warn(&format!("warning: {surprise}\n")));
    match command.as_str() {
        "agreement" => {
            let reason = required(arguments.accept_risk.take(), "--accept-risk")?;
            let agreement = schema.agreement(arguments.project()?, &reason)?;
            write_new(&out, &agreement.to_toml())?;
            let fingerprint = agreement.fingerprint();
            say(&format!("The agreement is in {}: fingerprint {fingerprint}.\n", out.display()))
        }
        "native" => {
            let native = schema.native(arguments.project()?)?;
            let mut text = String::from(
                "# Made from a clkhash linkage schema. Read what was guessed, and audit it on your own file:\n",
            );
            for note in &native.notes {
                writeln!(text, "# * {note}")?;
            }
            write_new(&out, &(text + &native.schema.to_toml()))?;
            let notes = native.notes.join("\n  ");
            say(&format!("The schema is in {}. Look at:\n  {notes}\n", out.display()))
        }
        "cohort" => write_cohort(&schema, arguments, &out),
        _ => write_clks(&schema, arguments, &out),
    }
}

impl Arguments {
    /// The frame of a schema.
    fn project(&mut self) -> Result<Project, lexopt::Error> {
        let id = required(self.project.take(), "--project")?;
        let purpose = required(self.purpose.take(), "--purpose")?;
        let expires = required(self.expires, "--expires")?;
        Ok(Project::new(id, purpose, std::mem::take(&mut self.parties), expires))
    }

    fn secret(&mut self) -> Outcome<Secret> {
        let path = required(self.secret.take(), "--secret-file")?;
        let secret = Secret::from_path(&path)?;
        if secret.is_exposed() {
            warn(&format!("warning: {}: others can read or change the secret; chmod 600\n", path.display()));
        }
        Ok(secret)
    }
}

fn warn(text: &str) {
    // There is nobody left to tell where stderr is closed.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

/// Writes a schema, but not over another.
fn write_new(path: &Path, text: &str) -> Outcome {
    refuse_existing(path)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        format!("{}: cannot write: {error}", path.display())
    })?;
    Ok(())
}

fn write_clks(schema: &LinkageSchema, mut arguments: Arguments, out: &Path) -> Outcome {
    let people = required(arguments.people.take(), "--csv")?;
    let reason = required(arguments.accept_risk.take(), "--accept-risk")?;
    let encoder = ClkEncoder::new(schema, &arguments.secret()?, &reason)?.validate(!arguments.unchecked);
    let mut log = Log::open(arguments.log, arguments.actor)?;
    let encoded = encoder.encode_csv(people, arguments.header)?;
    let event = log.event(Action::Encode).reason(encoder.accept_risk()).count("rows", encoded.rows as u64);
    encoded.clks.write(out)?;
    log.append(event.verdict(Verdict::Done))?;
    let (rows, length) = (encoded.rows, schema.length());
    let mut said = format!("{rows} CLKs of {length} bits are in {}.\n", out.display());
    if encoded.empty > 0 {
        writeln!(said, "{} of them have no bit: nothing was in these rows.", encoded.empty)?;
    }
    writeln!(
        said,
        "Plain CLKs: some fifty known people open such a file. Accepted because: {}",
        encoder.accept_risk()
    )?;
    say(&said)
}

fn write_blocks(mut arguments: Arguments, out: &Path) -> Outcome {
    let people = required(arguments.people.take(), "--csv")?;
    let schema = BlockingSchema::from_path(required(arguments.blocking.take(), "--blocking")?)?;
    schema.surprises().iter().for_each(|surprise| warn(&format!("warning: {surprise}\n")));
    let ids = match (arguments.unkeyed, arguments.key.take()) {
        (true, _) => BlockIds::compatible(&required(arguments.accept_risk.take(), "--accept-risk")?)?,
        (false, Some(key)) => {
            let project = required(arguments.project.take(), "--project")?;
            BlockIds::keyed(BlockKey::from_project(&ProjectKey::from_path(key)?, &project))
        }
        (false, None) => BlockIds::keyed(BlockKey::from_secret(&arguments.secret()?)?),
    };
    let mut log = Log::open(arguments.log, arguments.actor)?;
    let blocked = schema.block_csv(&ids, people, arguments.header != Header::None)?;
    blocked.blocks.write(out)?;
    let mut event = log.event(Action::Encode).count("blocks", blocked.blocks.len() as u64);
    if let Some(reason) = blocked.blocks.accept_risk() {
        event = event.reason(reason);
    }
    log.append(event.verdict(Verdict::Done))?;
    let keyed =
        if blocked.blocks.is_keyed() { "keyed" } else { "without a key: whoever has them can try names on them" };
    say(&format!("{} blocks, {keyed}, are in {}.\n", blocked.blocks.len(), out.display()))
}

fn write_cohort(schema: &LinkageSchema, mut arguments: Arguments, out: &Path) -> Outcome {
    let people = required(arguments.people.take(), "--csv")?;
    let agreement = Schema::from_path(required(arguments.agreement.take(), "--agreement")?)?;
    let [party] = &arguments.parties[..] else { return Err(lexopt::Error::from("name one --party").into()) };
    let (party, small) = (party.clone(), arguments.release_small.is_some());
    let reason = agreement.accept_risk().unwrap_or_default();
    let mut encoder = ClkEncoder::new(schema, &arguments.secret()?, reason)?.validate(!arguments.unchecked);
    if let Some(seed) = &arguments.seed {
        encoder = encoder.seed_file(seed)?;
    }
    if let Some(reason) = &arguments.release_small {
        encoder = encoder.release_small(reason)?;
    }
    let auditing = Auditing::new(arguments.no_audit, arguments.quick, small)?;
    let mut log = Log::open(arguments.log, arguments.actor)?;
    let records = read_csv(&people, &agreement, &arguments.csv)?;
    let encoded = encoder.encode_records(&agreement, &party, &records).map_err(|e| e.in_file(&people))?;
    let audited = auditing.before_release(&agreement, &records, &encoded, out, &mut log)?;
    let event = log.event(Action::Encode).manifest(encoded.cohort.manifest());
    let files = encoded.write(out)?;
    log.append(event.count("rows", encoded.cohort.rows() as u64).verdict(Verdict::Done))?;
    say(&format!(
        "{}{audited}\nGoes to the linkage unit: {}\nStays with you: {}\nPlain CLKs, accepted because: {reason}\n",
        encoded.quality,
        files.send.display(),
        files.keep.display()
    ))
}
