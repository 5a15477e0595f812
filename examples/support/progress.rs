//! Progress on long work, on stderr: at once where that is a terminal, or else only when it takes long.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use pprl::linkage::Progress;

/// How often a line that nobody watches is written, and one that is redrawn.
const LOG: Duration = Duration::from_secs(10);
const REDRAW: Duration = Duration::from_millis(200);

/// For [`pprl::Linker::progress`].
pub(crate) fn compared() -> impl Fn(Progress) + Send + Sync {
    let terminal = io::stderr().is_terminal();
    let every = if terminal { REDRAW } else { LOG };
    let last = Mutex::new(Instant::now());
    move |progress| {
        let Progress { done, total, .. } = progress;
        // Whoever holds the lock is writing; one line is enough.
        let Ok(mut last) = last.try_lock() else { return };
        if last.elapsed() < every && !(terminal && done == total) {
            return;
        }
        *last = Instant::now();
        let percent = done as f64 * 100.0 / total.max(1) as f64;
        let rate = progress.rate() / 1e6;
        let left = progress.remaining().map_or(String::new(), |left| format!(", {} s to go", left.as_secs()));
        let line = format!("compared {percent:5.1} % of {total} pairs, {rate:.0} million a second{left}   ");
        let mut err = io::stderr();
        // Progress that cannot be shown is no reason to stop.
        let _ = match (terminal, done == total) {
            (true, false) => write!(err, "\r{line}"),
            (true, true) => write!(err, "\r{:width$}\r", "", width = line.len()),
            (false, _) => writeln!(err, "{line}"),
        };
    }
}
