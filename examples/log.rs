//! The log of events: checks one, writes by hand what no program knows of, and repairs what a crash left.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::Schema;
use pprl::event_log::{Action, Event, EventLog, Verdict, user};

#[path = "support/command.rs"]
mod command;

use command::{Outcome, required, say};

const HELP: &str = "\
Works on a log of events, as the programs `encode`, `seal` and `link` write it with --log.

  log check FILE [--head HASH]
      whether a line was changed, taken out or moved; with the hash that was kept elsewhere, also whether events were
      cut off or the log was written anew. Prints how many events there are, and the hash to keep elsewhere
  log release FILE --schema SCHEMA [--party PARTY] [--count NAME=NUMBER ...] --reason TEXT [--actor NAME]
      something was given to somebody: to whom, and why
  log delete FILE --schema SCHEMA [--party PARTY] [--count NAME=NUMBER ...] --reason TEXT [--actor NAME]
      something was deleted
  log repair FILE --reason TEXT [--actor NAME]
      cuts off a last line that was half written, and says so in the log

Name nobody in a reason: the log is for those who may not see the data.
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("say what to do: check, release, delete or repair").into()),
    };
    let (checks, repairs) = (command == "check", command == "repair");
    let adds = command == "release" || command == "delete";
    if !checks && !repairs && !adds {
        return Err(lexopt::Error::from("the first argument must be check, release, delete or repair").into());
    }
    let (mut file, mut head, mut schema, mut party) = (None::<PathBuf>, None, None, None);
    let (mut reason, mut actor, mut counts) = (None, None, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("head") if checks => head = Some(parser.value()?.string()?),
            Long("schema") if adds => schema = Some(parser.value()?),
            Long("party") if adds => party = Some(parser.value()?.string()?),
            Long("count") if adds => {
                let text = parser.value()?.string()?;
                let (name, number) =
                    text.split_once('=').ok_or_else(|| lexopt::Error::from("--count takes NAME=NUMBER"))?;
                let number = number.parse::<u64>();
                counts.push((name.to_owned(), number.map_err(|_| lexopt::Error::from("--count takes NAME=NUMBER"))?));
            }
            Long("reason") if !checks => reason = Some(parser.value()?.string()?),
            Long("actor") if !checks => actor = Some(parser.value()?.string()?),
            Value(path) if file.is_none() => file = Some(path.into()),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let file = required(file, "the name of the log")?;
    if checks {
        let verified = match head {
            Some(head) => EventLog::verify_to(file, &head)?,
            None => EventLog::verify(file)?,
        };
        return say(&format!("{verified}\n"));
    }
    let (reason, actor) = (required(reason, "--reason")?, actor.unwrap_or_else(user));
    let log = if repairs {
        EventLog::repair(file, &actor, &reason)?
    } else {
        let action = if command == "release" { Action::Release } else { Action::Delete };
        let schema = Schema::from_path(required(schema, "--schema")?)?;
        let mut event = Event::new(action, actor).schema(&schema).reason(reason).verdict(Verdict::Done);
        if let Some(party) = party {
            event = event.party(party);
        }
        event = counts.into_iter().fold(event, |event, (name, number)| event.count(name, number));
        let mut log = EventLog::open(file)?;
        log.append(event)?;
        log
    };
    say(&format!("{}\n", log.head()))
}
