//! What was asked and who was told: a line of JSON each, on disk before anybody hears of it.
//!
//! A line is written for every question, whether somebody is told or not: so that the time it takes says nothing.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::command::Outcome;

/// One question.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Who asked, and the id that was answered.
    asker: String,
    link_id: String,
    told: Vec<Told>,
}

/// A row that a party is told about, under a link id of its own: what two parties were told cannot be joined.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) party: String,
    pub(crate) link_id: String,
    pub(crate) row_id: String,
}

/// A notification as its party gets it. Numbers are each party's own, so that gaps say nothing of others.
#[derive(Clone, Serialize)]
pub(crate) struct Notification {
    pub(crate) number: u64,
    pub(crate) link_id: String,
    pub(crate) row_id: String,
}

#[derive(Default)]
struct Queue {
    last: u64,
    waiting: VecDeque<Notification>,
}

pub(crate) struct Journal {
    file: Mutex<File>,
    queues: Mutex<HashMap<String, Queue>>,
}

impl Journal {
    /// Opens a journal. The end of a line that was never finished is cut off.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let failed = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let journal = Journal { file: Mutex::new(file), queues: Mutex::default() };
        for (number, line) in (1..).zip(text[..whole].lines()) {
            let line: Line =
                serde_json::from_str(line).map_err(|_| format!("{}, line {number}: damaged", path.display()))?;
            journal.queue(line.told);
        }
        Ok(journal)
    }

    /// Writes a question down and tells whom it concerns. All of it is on disk then.
    pub(crate) fn tell(&self, asker: &str, link_id: &str, told: Vec<Told>) -> std::io::Result<()> {
        let line = Line { asker: asker.to_owned(), link_id: link_id.to_owned(), told };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        let mut file = lock(&self.file);
        file.write_all(&bytes)?;
        file.sync_data()?;
        // Before the next line may be written, so that a party's numbers are those of the file.
        self.queue(line.told);
        Ok(())
    }

    fn queue(&self, told: Vec<Told>) {
        let mut queues = lock(&self.queues);
        for Told { party, link_id, row_id } in told {
            let queue = queues.entry(party).or_default();
            queue.last += 1;
            queue.waiting.push_back(Notification { number: queue.last, link_id, row_id });
        }
    }

    /// What a party has not said it has: at most so many of those behind `after`, which it has then.
    pub(crate) fn waiting(&self, party: &str, after: u64, most: usize) -> Vec<Notification> {
        let mut queues = lock(&self.queues);
        let Some(queue) = queues.get_mut(party) else { return Vec::new() };
        while queue.waiting.front().is_some_and(|first| first.number <= after) {
            queue.waiting.pop_front();
        }
        queue.waiting.iter().take(most).cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
