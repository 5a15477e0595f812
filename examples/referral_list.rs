//! A charity's referral list, made ready to be linked: consent, opt-out, what is missing, and whether it may leave.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::CsvOptions;

#[path = "support/columns.rs"]
mod columns;
#[path = "support/command.rs"]
mod command;
#[path = "support/invented.rs"]
mod invented;
#[path = "referral_list/pilot.rs"]
mod pilot;

use command::{Outcome, refuse_existing, required, say};
use pilot::Request;

const HELP: &str = "\
Makes a list of referrals ready to be linked: leaves out who did not agree, says which rows cannot be linked and why, and
whether the list may leave. It shows row numbers and never a name.

  referral_list demo FOLDER [--seed N]
      an invented list of 37 referrals, with all that is needed to try this program
  referral_list --in FILE --schema FILE --key FILE --party NAME [--out FOLDER] [more]
      looks at a list; with --out also writes what may be sent

  --consent-column HEADER    the column that says whether the family agreed
  --all-agreed REASON        instead of it, where the list has none: how it is known that everybody agreed; it goes into the
                             report
  --consent-yes WORDS        what counts as a yes, with commas between (yes,y,agreed); all else is a no, and so is nothing
  --id-column HEADER         the column with your own references; without it, the number of the row
  --column FIELD=HEADER      a column that is called otherwise than in the schema
  --delimiter CHARACTER      what stands between columns (,)
  --opt-out FILE             the list of people who said no to another party
  --release-small REASON     lets a list of fewer than a hundred people leave, for this reason, which goes into the file
";

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let (mut people, mut schema, mut key, mut party) = (None::<PathBuf>, None::<PathBuf>, None::<PathBuf>, None);
    let (mut csv, mut consent, mut accepted) = (CsvOptions::new(), None, pilot::ACCEPTED.to_owned());
    let mut all_agreed = None::<String>;
    let (mut opt_out, mut release_small, mut out, mut demo, mut seed) = (None, None, None, None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if word == "demo" && demo.is_none() => demo = Some(PathBuf::from(parser.value()?)),
            Long("seed") if demo.is_some() => seed = Some(parser.value()?.parse()?),
            Long("in") => people = Some(parser.value()?.into()),
            Long("schema") => schema = Some(parser.value()?.into()),
            Long("key") => key = Some(parser.value()?.into()),
            Long("party") => party = Some(parser.value()?.string()?),
            Long("out") => out = Some(parser.value()?.into()),
            Long("consent-column") => consent = Some(parser.value()?.string()?),
            Long("all-agreed") => all_agreed = Some(parser.value()?.string()?),
            Long("consent-yes") => accepted = parser.value()?.string()?,
            Long("id-column") => csv = csv.id_column(parser.value()?.string()?),
            Long("column") => csv = columns::column(csv, &parser.value()?.string()?)?,
            Long("delimiter") => csv = columns::delimiter(csv, &parser.value()?.string()?)?,
            Long("opt-out") => opt_out = Some(parser.value()?.into()),
            Long("release-small") => release_small = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if let Some(folder) = demo {
        refuse_existing(&folder)?;
        pilot::invent(&folder, seed.unwrap_or(1))?;
        let f = folder.display();
        return say(&format!(
            "An invented list of {} referrals is in {f}. Look at it with\n  referral_list --in {f}/referrals.csv --schema \
             {f}/schema.toml --key {f}/project.key --party charity --id-column reference --consent-column consent --opt-out \
             {f}/optout.list\n",
            pilot::REFERRALS
        ));
    }
    match (consent, &all_agreed) {
        (Some(column), None) => csv = csv.consent(column, accepted.split(',')),
        (None, Some(reason)) if reason.trim().len() >= 10 => {}
        (None, Some(_)) => return Err(lexopt::Error::from("--all-agreed needs a reason in words").into()),
        _ => return Err(lexopt::Error::from("--consent-column or --all-agreed is needed, and not both").into()),
    }
    let request = Request {
        people: required(people, "--in")?,
        schema: required(schema, "--schema")?,
        key: required(key, "--key")?,
        party: required(party, "--party")?,
        csv,
        all_agreed,
        opt_out,
        release_small,
        out,
        seed: None,
    };
    let prepared = pilot::prepare(&request)?;
    say(&prepared.told(&request)?)?;
    if request.out.is_some() && prepared.files.is_none() {
        return Err("the list was not written; see above".into());
    }
    Ok(())
}
