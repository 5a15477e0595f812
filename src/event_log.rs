//! A log of what was done with people's data: who, when, under which schema, how many, with which verdict; no values.
//!
//! Each line is one event as JSON and carries the SHA-256 of itself and of the line before, so that a line that was
//! changed, taken out or moved is found by [`EventLog::verify`]. UK law-enforcement processing needs such logs (Data
//! Protection Act 2018, section 62).
//!
//! What the chain does not show: whoever may write the file can cut events off its end, or write all of it anew. Keep
//! the [`head`](Verified::head) elsewhere from time to time, on paper or with another department, and check against it
//! with [`EventLog::verify_to`].
//!
//! ```no_run
//! use pprl::Schema;
//! use pprl::event_log::{Action, Event, EventLog, Verdict};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = Schema::from_path("schema.toml")?;
//! let event = Event::new(Action::Audit, "j.smith").schema(&schema).party("police").count("rows", 51_200);
//! EventLog::open("events.jsonl")?.append(event.verdict(Verdict::Passed))?;
//! println!("{}", EventLog::verify("events.jsonl")?.head);
//! # Ok(())
//! # }
//! ```
//!
//! # The form of a line
//!
//! A JSON object without spaces, closed by a line feed, with these keys in this order; what is not known is `null`:
//! `version` (1), `sequence` (0, 1, 2, …), `time` (UTC, RFC 3339), `actor`, `action`, `project`, `fingerprint`,
//! `party`, `cohorts` (their manifests' SHA-256), `counts` (sorted by name), `verdict`, `reason`, `tool`, `previous`
//! (the `hash` of the line before; 64 zeros on the first) and `hash`: SHA-256 in hexadecimal of the line without
//! `,"hash":"…"` and without its line feed.

mod event;
mod timestamp;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use self::event::{Action, Event, MAX_ACTOR, MAX_COUNTS, MAX_REASON, Verdict};
use self::event::{Line, is_digest};
pub use self::timestamp::Timestamp;
use crate::error::{Error, Result};

/// What stands before the first event.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// No event takes more bytes.
const MOST_LINE: u64 = 1 << 16;

/// A log that events are appended to. Several programs may have one log open: each locks it while it appends.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
    seen: Seen,
}

/// What a log that is whole says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many events there are.
    pub events: u64,
    /// The hash of the last one, 64 hexadecimal digits; zeros where there is none. To be kept elsewhere.
    pub head: String,
}

/// How far a log has been checked.
#[derive(Clone, Debug)]
struct Seen {
    bytes: u64,
    events: u64,
    head: String,
}

impl EventLog {
    /// Opens a log, and makes it where there is none (readable by its owner only: mode 0600 on Unix). All of it is
    /// checked.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) with the first line that is
    /// wrong, as [`verify`](Self::verify).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        // Not opened for appending: on Windows, such a file cannot be cut.
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let new = !path.exists();
        let file = options.open(path).map_err(|e| Error::io(path, "open", e))?;
        #[cfg(unix)]
        if new {
            // Else a crash could take the file with it. Not all file systems let folders be flushed.
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        #[cfg(not(unix))]
        let _ = new;
        let mut log = EventLog { path: path.to_owned(), file, seen: Seen::default() };
        log.locked(Self::catch_up)?;
        Ok(log)
    }

    /// Appends an event of this moment. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the event holds what a log must not (a name with line
    /// ends, a reason that is too long); [`ErrorKind::Io`](crate::ErrorKind::Io);
    /// [`ErrorKind::File`](crate::ErrorKind::File) where what others appended in the meantime is wrong, or the log was
    /// cut. Nothing has been appended then.
    pub fn append(&mut self, event: Event) -> Result<()> {
        self.append_at(event, Timestamp::now())
    }

    /// Appends an event of another moment.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_at(&mut self, event: Event, at: Timestamp) -> Result<()> {
        event.check()?;
        self.locked(|log| {
            log.catch_up()?;
            log.write(event, at)
        })
    }

    /// The hash of the last event, 64 hexadecimal digits: what to keep elsewhere for [`verify_to`](Self::verify_to).
    #[must_use]
    pub fn head(&self) -> &str {
        &self.seen.head
    }

    /// Checks a log from its first line to its last.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io); [`ErrorKind::File`](crate::ErrorKind::File) with the first line that
    /// was changed, does not follow the one before (a line was taken out, put in or moved), or was cut short.
    pub fn verify(path: impl AsRef<Path>) -> Result<Verified> {
        verify(path.as_ref(), |_| {})
    }

    /// As [`verify`](Self::verify), and that the log still has the event whose hash was kept elsewhere: nothing up to
    /// it was cut off or written anew.
    ///
    /// # Errors
    /// As [`verify`](Self::verify); [`ErrorKind::File`](crate::ErrorKind::File) where no event has this hash;
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where it is no hash.
    pub fn verify_to(path: impl AsRef<Path>, head: &str) -> Result<Verified> {
        let path = path.as_ref();
        if !is_digest(head) {
            return Err(Error::argument("the head of a log has 64 lower-case hexadecimal digits"));
        }
        let mut there = head == NOTHING;
        let verified = verify(path, |hash| there |= hash == head)?;
        if there {
            Ok(verified)
        } else {
            Err(Error::file(path, "has no event with this hash: events were cut off, or the log was written anew"))
        }
    }

    /// Cuts off a last line that was half written when a machine or a program stopped, and appends an event that says
    /// so, with the number of bytes cut off. Does nothing to a log that has no such line.
    ///
    /// # Errors
    /// As [`verify`](Self::verify) for all lines before; as [`append`](Self::append).
    pub fn repair(path: impl AsRef<Path>, actor: &str, reason: &str) -> Result<Self> {
        let path = path.as_ref();
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| Error::io(path, "open", e))?;
        let mut log = EventLog { path: path.to_owned(), file, seen: Seen::default() };
        let event = Event::new(Action::Repair, actor).reason(reason);
        event.check()?;
        log.locked(|log| {
            let length = log.length()?;
            let whole = log.whole_lines(length)?;
            log.rewind()?;
            log.seen.read((&log.file).take(whole), path, |_| {})?;
            if whole == length {
                return Ok(());
            }
            log.file.set_len(whole).map_err(|e| Error::io(path, "write", e))?;
            log.write(event.count("bytes_cut_off", length - whole), Timestamp::now())
        })?;
        Ok(log)
    }

    /// Does something while no other program appends.
    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.file.lock().map_err(|e| Error::io(&self.path, "lock", e))?;
        let done = work(self);
        let unlocked = self.file.unlock().map_err(|e| Error::io(&self.path, "unlock", e));
        done.and_then(|done| unlocked.map(|()| done))
    }

    fn length(&self) -> Result<u64> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|e| Error::io(&self.path, "read", e))
    }

    fn rewind(&mut self) -> Result<()> {
        self.file.rewind().map_err(|e| Error::io(&self.path, "read", e))
    }

    /// How many bytes the lines take that have an end.
    fn whole_lines(&mut self, length: u64) -> Result<u64> {
        // A half-written line is no longer than a whole one.
        let from = length.saturating_sub(MOST_LINE);
        let mut end = Vec::new();
        let read =
            self.file.seek(SeekFrom::Start(from)).and_then(|_| (&self.file).take(MOST_LINE).read_to_end(&mut end));
        read.map_err(|e| Error::io(&self.path, "read", e))?;
        Ok(end.iter().rposition(|&byte| byte == b'\n').map_or(from, |place| from + place as u64 + 1))
    }

    /// Checks what was appended since this log was last looked at.
    fn catch_up(&mut self) -> Result<()> {
        let length = self.length()?;
        if length < self.seen.bytes {
            return Err(Error::file(&self.path, "is shorter than it was: events were cut off"));
        }
        self.file.seek(SeekFrom::Start(self.seen.bytes)).map_err(|e| Error::io(&self.path, "read", e))?;
        let mut seen = self.seen.clone();
        seen.read(&self.file, &self.path, |_| {})?;
        self.seen = seen;
        Ok(())
    }

    fn write(&mut self, event: Event, at: Timestamp) -> Result<()> {
        let line = Line::new(event, at, self.seen.events, &self.seen.head);
        let mut text = line.text();
        text.push('\n');
        let written = self.file.seek(SeekFrom::Start(self.seen.bytes)).and_then(|_| {
            self.file.write_all(text.as_bytes())?;
            self.file.sync_all()
        });
        written.map_err(|e| {
            // Half an event is worse than none; the error that matters is the first.
            let _ = self.file.set_len(self.seen.bytes);
            Error::io(&self.path, "write", e)
        })?;
        self.seen = Seen { bytes: self.seen.bytes + text.len() as u64, events: self.seen.events + 1, head: line.hash };
        Ok(())
    }
}

/// Who runs this program, as the environment says (`USER`, `LOGNAME` or `USERNAME`): a default for the actor of an
/// event. The user can set it to anything; a program that knows better says so itself.
#[must_use]
pub fn user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"].iter().filter_map(|name| std::env::var(name).ok());
    let fits = |name: &String| {
        !name.trim().is_empty() && name.chars().count() <= MAX_ACTOR && !name.contains(char::is_control)
    };
    names.into_iter().find(fits).unwrap_or_else(|| "unknown".into())
}

fn verify(path: &Path, each: impl FnMut(&str)) -> Result<Verified> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    // Nobody appends while it is read.
    file.lock_shared().map_err(|e| Error::io(path, "lock", e))?;
    let mut seen = Seen::default();
    let read = seen.read(&file, path, each);
    file.unlock().map_err(|e| Error::io(path, "unlock", e))?;
    read.map(|()| Verified { events: seen.events, head: seen.head })
}

impl Default for Seen {
    fn default() -> Self {
        Seen { bytes: 0, events: 0, head: NOTHING.into() }
    }
}

impl Seen {
    /// Reads lines to the end, each checked against the one before; `each` is told their hashes.
    fn read(&mut self, input: impl Read, path: &Path, mut each: impl FnMut(&str)) -> Result<()> {
        let mut input = BufReader::new(input);
        let mut text = Vec::new();
        loop {
            let wrong = |what: &str| Err(Error::file(path, format!("line {}: {what}", self.events + 1)));
            text.clear();
            let taken = (&mut input).take(MOST_LINE).read_until(b'\n', &mut text);
            if taken.map_err(|e| Error::io(path, "read", e))? == 0 {
                return Ok(());
            }
            let Some(content) = text.strip_suffix(b"\n") else {
                return if text.len() as u64 == MOST_LINE {
                    wrong("is longer than any event")
                } else {
                    wrong("ends too early: it was half written when something stopped (repair the log), or cut short")
                };
            };
            let line = match Line::read(content) {
                Ok(line) => line,
                Err(what) => return wrong(what),
            };
            if line.sequence != self.events || line.previous != self.head {
                return wrong("does not follow the line before it: a line was taken out, put in or moved");
            }
            each(&line.hash);
            self.bytes += text.len() as u64;
            self.events += 1;
            self.head = line.hash;
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.events == 1 { "" } else { "s" };
        write!(f, "{} event{s}, none changed; head {}", self.events, self.head)
    }
}
