//! What was asked and who was told: a line of JSON each, on disk before anybody hears of it.
//!
//! A line is written for every question, whether somebody is told or not: so that the time it takes says nothing. A question
//! that comes again, because its answer was lost on the way, has the answer that it had, and nobody is told twice.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pprl::cohort::RowId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::command::Outcome;

/// What happened.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Asked(Asked),
    /// A party has its notifications up to this number.
    Has {
        party: String,
        number: u64,
    },
    /// A party has taken a row out: it is not told of it any more.
    Withdrawn {
        party: String,
        row_id: String,
    },
}

/// One question.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Who asked, the digest of the record's row id, and the id that was answered.
    asker: String,
    question: String,
    link_id: String,
    /// Who is told of it, and was not told before.
    told: Vec<Told>,
}

/// A row that a party is told about, under a link id of its own: what two parties were told cannot be joined.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    party: String,
    link_id: String,
    row_id: String,
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

/// What came of a question.
struct Answered {
    link_id: String,
    told: Vec<Told>,
}

/// By asker and digest.
type Questions = HashMap<(String, String), Answered>;

pub(crate) struct Journal {
    file: Mutex<(File, Questions)>,
    queues: Mutex<HashMap<String, Queue>>,
}

impl Journal {
    /// Opens a journal. The end of a line that was never finished is cut off.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let failed = |e: io::Error| format!("{}: {e}", path.display());
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let journal = Journal { file: Mutex::new((file, HashMap::new())), queues: Mutex::default() };
        for (number, line) in (1..).zip(text[..whole].lines()) {
            let line: Line =
                serde_json::from_str(line).map_err(|_| format!("{}, line {number}: damaged", path.display()))?;
            journal.remember(&mut lock(&journal.file).1, line);
        }
        Ok(journal)
    }

    /// Writes a question down, and tells those whose rows it concerns, unless they were told: all of it is on disk then. Gives
    /// the asker's link id.
    pub(crate) fn tell(
        &self,
        asker: &str,
        record: RowId,
        rows: impl IntoIterator<Item = (String, RowId)>,
        link_id: impl Fn() -> io::Result<String>,
    ) -> io::Result<String> {
        let mut question = [0; 16];
        question.copy_from_slice(&Sha256::digest(record.0)[..16]);
        let question = RowId(question).to_string();
        let mut file = lock(&self.file);
        let (file, questions) = &mut *file;
        let before = questions.get(&(asker.to_owned(), question.clone()));
        let mut known: Vec<Told> = before.map(|before| before.told.clone()).unwrap_or_default();
        let first = known.len();
        for (party, row_id) in rows {
            let row_id = row_id.to_string();
            if known.iter().any(|told| told.party == party && told.row_id == row_id) {
                continue;
            }
            // One id for each party, however many of its rows it is.
            let same = known.iter().find(|told| told.party == party).map(|told| told.link_id.clone());
            known.push(Told { link_id: same.map_or_else(&link_id, Ok)?, party, row_id });
        }
        let own = before.map(|before| before.link_id.clone()).map_or_else(&link_id, Ok)?;
        let told = known.split_off(first);
        let line = Line::Asked(Asked { asker: asker.to_owned(), question, link_id: own.clone(), told });
        self.write(file, questions, line)?;
        Ok(own)
    }

    /// A party has taken a row out.
    pub(crate) fn withdrawn(&self, party: &str, row_id: RowId) -> io::Result<()> {
        self.append(Line::Withdrawn { party: party.to_owned(), row_id: row_id.to_string() })
    }

    fn append(&self, line: Line) -> io::Result<()> {
        let mut file = lock(&self.file);
        let (file, questions) = &mut *file;
        self.write(file, questions, line)
    }

    fn write(&self, file: &mut File, questions: &mut Questions, line: Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        file.write_all(&bytes)?;
        file.sync_data()?;
        // Before the next line may be written, so that a party's numbers are those of the file.
        self.remember(questions, line);
        Ok(())
    }

    fn remember(&self, questions: &mut Questions, line: Line) {
        let mut queues = lock(&self.queues);
        match line {
            Line::Asked(Asked { asker, question, link_id, told }) => {
                let answered = questions.entry((asker, question)).or_insert(Answered { link_id, told: Vec::new() });
                answered.told.extend_from_slice(&told);
                for Told { party, link_id, row_id } in told {
                    let queue = queues.entry(party).or_default();
                    queue.last += 1;
                    queue.waiting.push_back(Notification { number: queue.last, link_id, row_id });
                }
            }
            Line::Has { party, number } => {
                queues.entry(party).or_default().waiting.retain(|waiting| waiting.number > number);
            }
            Line::Withdrawn { party, row_id } => {
                queues.entry(party).or_default().waiting.retain(|waiting| waiting.row_id != row_id);
            }
        }
    }

    /// What a party has not said it has: at most so many of those behind `after`, which it has then. `None` where it has not been
    /// told so many.
    pub(crate) fn waiting(&self, party: &str, after: u64, most: usize) -> io::Result<Option<Vec<Notification>>> {
        let of_party =
            || lock(&self.queues).get(party).map(|queue| (queue.last, queue.waiting.front().map(|w| w.number)));
        let (last, first) = of_party().unwrap_or((0, None));
        if after > last {
            return Ok(None);
        }
        if first.is_some_and(|first| first <= after) {
            self.append(Line::Has { party: party.to_owned(), number: after })?;
        }
        let queues = lock(&self.queues);
        let waiting = queues.get(party).map(|queue| queue.waiting.iter().take(most).cloned().collect());
        Ok(Some(waiting.unwrap_or_default()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
