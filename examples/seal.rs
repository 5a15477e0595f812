//! Cohorts on their way: sealed by a data owner, opened by the linkage unit. Needs the feature `seal`.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::Cohort;
use pprl::event_log::{Action, Verdict};
use pprl::seal::{Identity, PublicKey, Recipient, SigningKey, Trusted, open, seal};

#[path = "support/command.rs"]
mod command;
#[path = "support/log.rs"]
mod log;

use command::{Outcome, refuse_existing, required, say};
use log::Log;

const HELP: &str = "\
Encrypts a cohort file to the linkage unit and signs it, or opens one that was.

  seal keygen-unit FILE
      at the linkage unit: makes an identity, and FILE.pub, to give to the data owners
  seal keygen-owner FILE
      at a data owner: makes a key for signing, and FILE.pub, to give to the linkage unit
  seal run --in PARTY.cohort.json --to UNIT.pub --sign-with FILE --out SEALED [--log FILE] [--actor NAME]
      at a data owner: seals a cohort
  seal open --in SEALED --identity FILE --trust PARTY=OWNER.pub --out PARTY.cohort.json [--log FILE] [--actor NAME]
      at the linkage unit: opens it; the program `link` can do so too, without a copy in clear

Public keys must come by a way on which nobody can exchange them: read them to each other on the telephone. A key or an
identity is never given on the command line, and never sent to anybody.
";

fn main() -> ExitCode {
    command::exit(run())
}

#[derive(Default)]
struct Arguments {
    from: Option<PathBuf>,
    out: Option<PathBuf>,
    to: Option<PathBuf>,
    key: Option<PathBuf>,
    identity: Option<PathBuf>,
    trust: Vec<(String, PathBuf)>,
    log: Option<PathBuf>,
    actor: Option<String>,
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("say what to do: keygen-unit, keygen-owner, run or open").into()),
    };
    let (seals, opens) = (command == "run", command == "open");
    if command.starts_with("keygen-") {
        return keygen(&command, parser);
    }
    if !seals && !opens {
        let problem = "the first argument must be keygen-unit, keygen-owner, run or open";
        return Err(lexopt::Error::from(problem).into());
    }
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("in") => arguments.from = Some(parser.value()?.into()),
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("to") if seals => arguments.to = Some(parser.value()?.into()),
            Long("sign-with") if seals => arguments.key = Some(parser.value()?.into()),
            Long("identity") if opens => arguments.identity = Some(parser.value()?.into()),
            Long("trust") if opens => {
                let text = parser.value()?.string()?;
                let (party, file) =
                    text.split_once('=').ok_or_else(|| lexopt::Error::from("--trust takes PARTY=FILE"))?;
                arguments.trust.push((party.to_owned(), file.into()));
            }
            Long("log") => arguments.log = Some(parser.value()?.into()),
            Long("actor") => arguments.actor = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let from = required(arguments.from, "--in")?;
    let out = required(arguments.out, "--out")?;
    refuse_existing(&out)?;
    let mut log = Log::open(arguments.log, arguments.actor)?;
    let (action, cohort) = if seals {
        let recipient = Recipient::from_path(required(arguments.to, "--to")?)?;
        let key = SigningKey::from_path(required(arguments.key, "--sign-with")?)?;
        let cohort = Cohort::read(from)?;
        seal(&cohort, &recipient, &key, &out)?;
        (Action::Seal, cohort)
    } else {
        let identity = Identity::from_path(required(arguments.identity, "--identity")?)?;
        let mut trusted = Trusted::new();
        for (party, file) in arguments.trust {
            trusted = trusted.party(party, PublicKey::from_path(file)?);
        }
        let opened = open(from, &identity, &trusted)?;
        opened.cohort.write(&out)?;
        (Action::Open, opened.cohort)
    };
    let event = log.event(action).manifest(cohort.manifest()).count("rows", cohort.rows() as u64);
    log.append(event.verdict(Verdict::Done))?;
    say(&format!("{} rows of {} are in {}.\n", cohort.rows(), cohort.party(), out.display()))
}

fn keygen(command: &str, mut parser: lexopt::Parser) -> Outcome {
    let path = match parser.next()? {
        Some(Value(path)) => PathBuf::from(path),
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("say the name of the file to make").into()),
    };
    if let Some(more) = parser.next()? {
        return Err(more.unexpected().into());
    }
    let mut public = path.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    refuse_existing(&public)?;
    match command {
        "keygen-unit" => {
            let identity = Identity::generate()?;
            identity.write(&path)?;
            identity.recipient().write(&public)?;
        }
        "keygen-owner" => {
            let key = SigningKey::generate()?;
            key.write(&path)?;
            key.public().write(&public)?;
        }
        _ => return Err(lexopt::Error::from("keys are made by keygen-unit and keygen-owner").into()),
    }
    say(&format!("The secret is in {}: only you can read it. Give {} away.\n", path.display(), public.display()))
}
