//! The log of events that a program was told to keep, if it was.

use std::path::PathBuf;

use pprl::event_log::{Action, Event, EventLog, user};

/// A log, or none; and who is named in it.
pub(crate) struct Log {
    log: Option<EventLog>,
    actor: String,
}

impl Log {
    /// Opens the log before any work is done: where it is broken, nothing is.
    pub(crate) fn open(path: Option<PathBuf>, actor: Option<String>) -> pprl::Result<Self> {
        Ok(Log { log: path.map(EventLog::open).transpose()?, actor: actor.unwrap_or_else(user) })
    }

    /// An event of this program's user, to be filled in.
    pub(crate) fn event(&self, action: Action) -> Event {
        Event::new(action, &self.actor)
    }

    pub(crate) fn append(&mut self, event: Event) -> pprl::Result<()> {
        self.log.as_mut().map_or(Ok(()), |log| log.append(event))
    }
}
