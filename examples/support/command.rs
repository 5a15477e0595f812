//! What the examples share as programs: arguments, exit status and output.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Everything that can go wrong. A `lexopt::Error` is a usage error, the rest are errors of the work.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Says what went wrong on stderr, and gives the exit status: 0, 1 for errors, 2 for usage.
pub(crate) fn exit(outcome: Outcome) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let usage = error.is::<lexopt::Error>();
    let hint = if usage { "\nTry --help." } else { "" };
    // There is nobody left to tell where stderr is closed.
    let _ = writeln!(io::stderr(), "error: {error}{hint}");
    if usage { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Writes text to stdout; unlike `print!`, a closed pipe is an error and not a panic.
pub(crate) fn say(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Refuses what would be written over.
#[allow(dead_code, reason = "every program has this as a module of its own, and not all write files")]
pub(crate) fn refuse_existing(path: &Path) -> Outcome {
    if path.exists() {
        return Err(format!("{}: is there already, and is not overwritten", path.display()).into());
    }
    Ok(())
}

/// The value of an option that must be given.
#[allow(dead_code, reason = "every program has this as a module of its own, and not all need options")]
pub(crate) fn required<T>(value: Option<T>, option: &str) -> Result<T, lexopt::Error> {
    value.ok_or_else(|| format!("{option} is missing").into())
}
