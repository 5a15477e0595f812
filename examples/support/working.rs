//! A sign of life on stderr from work that does not report how far it is, when it takes long.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long nothing is said, and how often something is said then: on a terminal, and elsewhere.
const TERMINAL: Duration = Duration::from_secs(2);
const LOG: Duration = Duration::from_secs(10);

/// Does the work, and says every so often what is being done and for how long.
pub(crate) fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let every = if io::stderr().is_terminal() { TERMINAL } else { LOG };
    let start = Instant::now();
    let (done, waiting) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            // Ends when the other end is dropped.
            while waiting.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                // Progress that cannot be shown is no reason to stop.
                let _ = writeln!(io::stderr(), "{what}: {} s", start.elapsed().as_secs());
            }
        });
        let result = work();
        drop(done);
        result
    })
}
