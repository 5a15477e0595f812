//! A standing index: cohorts that stay, and single records that are looked up in them the moment they come.
//!
//! Everything is compared with everything, so no match is lost; scores are those of the [`Linker`](super::Linker). The rows are
//! kept in a folder and held in memory. Readers see the index as it was at one moment, whole, and wait for nobody; there is
//! one writer at a time. What a call to [`append`](Index::append) or [`withdraw`](Index::withdraw) has returned for is on disk.
//! `docs/index.md` has the format and what was measured.

mod content;
mod log;
mod model;
mod record;
mod rows;
mod search;
mod segment;
mod state;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use self::content::{Loaded, WITHDRAWN, entries, header, read, withdrawn};
use self::log::{Entry, Kind, Log, Reader};
pub use self::model::IndexModel;
pub use self::record::EncodedRecord;
use self::rows::{Rows, Shape};
use self::search::Search;
use self::segment::Asked;
use self::state::State;
use super::links::Reason;
use super::scale::Scale;
use super::score::Kernel;
use crate::cohort::{Cohort, RowId};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Access};
use crate::schema::{Date, Schema};

/// The files of a folder: the entries, and what a writer holds a lock on.
const ROWS: &str = "index.pprl";
const LOCK: &str = "index.lock";

/// How often a lock is tried for, five milliseconds apart.
const LOCK_TRIES: usize = 40;

/// Records that are looked up in one pass over the rows.
const AT_ONCE: usize = 256;

/// A standing index of the rows of several data owners under one schema and key.
///
/// It can be shared by threads. See the [module](self) for what it promises.
pub struct Index {
    schema: Schema,
    scales: Vec<Scale>,
    shape: Shape,
    kernel: Kernel,
    folder: PathBuf,
    key_check: String,
    state: RwLock<Arc<State>>,
    writer: Option<Mutex<Writer>>,
    torn: u64,
}

struct Writer {
    log: Log,
    /// Every row that is or was there: its party, or [`WITHDRAWN`].
    known: HashMap<RowId, u16>,
    /// Held for as long as there is a writer; the system frees it when the process ends, however it ends.
    _lock: File,
}

/// What is looked up: how many rows of each party, and from which score on.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    most: usize,
    least: Option<f32>,
    parties: Option<Vec<String>>,
}

/// A row of the index that may be the person who was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its owner.
    pub party: String,
    /// The row's id in its owner's cohort.
    pub row_id: RowId,
    /// How alike: see [`IndexModel`]. Where the match key is the reason, the score may be any.
    pub score: f32,
    /// Why it is a hit: its score, or a match key that no other row of its party has.
    pub reason: Reason,
}

/// How many rows of a party there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyRows {
    /// The party.
    pub party: String,
    /// Rows that can be found.
    pub rows: usize,
    /// Withdrawn rows of which the bits are still in memory and on disk, until [`Index::compact`].
    pub withdrawn: usize,
}

impl Ask {
    /// The best so many of each party, other than the asking one, that reach the model's threshold or share a match key.
    #[must_use]
    pub fn best(most: usize) -> Self {
        Ask { most, least: None, parties: None }
    }

    /// From this score on, instead of the model's threshold.
    #[must_use]
    pub fn least(mut self, score: f32) -> Self {
        self.least = Some(score);
        self
    }

    /// Rows of these parties only, the asking one among them if it is named.
    #[must_use]
    pub fn of<S: Into<String>>(mut self, parties: impl IntoIterator<Item = S>) -> Self {
        self.parties = Some(parties.into_iter().map(Into::into).collect());
        self
    }
}

impl Index {
    /// Makes an index of these cohorts, at least one, in a folder where there is none. It is there whole or not at all.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] without a cohort, and where the folder has an index; [`ErrorKind::Mismatch`] where a cohort or
    /// the model is of another schema, or two cohorts of another key, or share a row id; [`ErrorKind::Expired`];
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where somebody else is writing there.
    pub fn create(folder: impl AsRef<Path>, schema: &Schema, cohorts: &[&Cohort], model: &IndexModel) -> Result<Self> {
        let folder = folder.as_ref();
        let Some(first) = cohorts.first() else {
            return Err(Error::argument("an index is made of at least one cohort"));
        };
        schema.check_expiry(Date::today())?;
        let key_check = &first.manifest().key_check;
        let mut known = HashSet::new();
        for cohort in cohorts {
            check(schema, key_check, cohort)?;
            if !cohort.row_ids().iter().all(|id| known.insert(*id)) {
                return Err(mismatch(format!("{}: some of its row ids are there already", cohort.party())));
            }
        }
        check_model(schema, model)?;
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
        let lock = lock(folder)?;
        let path = folder.join(ROWS);
        if path.exists() {
            return Err(Error::argument(format!("{}: there is an index already", folder.display())));
        }
        let header = header(schema, key_check)?;
        let (shape, content) = (Shape::of(schema), model.encode()?);
        file::write(&path, Access::Private, |out| {
            let mut whole = log::Whole::begin(out, header)?;
            whole.add(Kind::Model, content)?;
            for cohort in cohorts {
                let rows = Rows::of_cohort(cohort, place_of(schema, cohort.party()));
                entries(&shape, &rows).try_for_each(|entry| whole.add(entry.kind, entry.content))?;
            }
            whole.finish()
        })?;
        sync(folder)?;
        Self::load(folder, schema, Some(lock))
    }

    /// Opens an index to read and to write.
    ///
    /// What was written behind the last acknowledged entry, by a process that was killed, is cut off.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where somebody else writes to it, where it is damaged, is of another version, or
    /// is no index; [`ErrorKind::Mismatch`] where it is of another schema; [`ErrorKind::Expired`].
    pub fn open(folder: impl AsRef<Path>, schema: &Schema) -> Result<Self> {
        let folder = folder.as_ref();
        schema.check_expiry(Date::today())?;
        let path = folder.join(ROWS);
        fs::metadata(&path).map_err(|e| Error::io(&path, "read", e))?;
        let lock = lock(folder)?;
        Self::load(folder, schema, Some(lock))
    }

    /// Opens an index as it is now, to read, beside a process that may be writing. What is written later is not seen.
    ///
    /// # Errors
    /// As [`open`](Self::open), but that nobody is in the way.
    pub fn read_only(folder: impl AsRef<Path>, schema: &Schema) -> Result<Self> {
        schema.check_expiry(Date::today())?;
        Self::load(folder.as_ref(), schema, None)
    }

    fn load(folder: &Path, schema: &Schema, lock: Option<File>) -> Result<Self> {
        let path = folder.join(ROWS);
        let (scales, shape, kernel) = (Scale::all(schema), Shape::of(schema), Kernel::detect());
        let Loaded { state, known, key_check, end, torn } = read(&path, schema, (&scales, kernel), &shape)?;
        let writer = match lock {
            Some(lock) => {
                let write = |e| Error::io(&path, "write", e);
                let file = OpenOptions::new().read(true).write(true).open(&path).map_err(write)?;
                let log = Log::resume(file, end).map_err(write)?;
                Some(Mutex::new(Writer { log, known, _lock: lock }))
            }
            None => None,
        };
        let state = RwLock::new(Arc::new(state));
        Ok(Index {
            schema: schema.clone(),
            scales,
            shape,
            kernel,
            folder: folder.to_owned(),
            key_check,
            state,
            writer,
            torn,
        })
    }

    /// Uses this kernel instead of the fastest that the machine can run. The hits are the same.
    ///
    /// # Errors
    /// As [`open`](Self::open): the rows are read again.
    pub fn kernel(mut self, kernel: Kernel) -> Result<Self> {
        let loaded = read(&self.folder.join(ROWS), &self.schema, (&self.scales, kernel), &self.shape)?;
        self.kernel = kernel;
        self.state = RwLock::new(Arc::new(loaded.state));
        Ok(self)
    }

    /// Appends the rows of a cohort, and returns how many when they are on disk. Whoever asks from then on finds them. After a
    /// crash in between, all of them are there or none.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where the cohort is of another schema or key, or a row with one of its ids is there or was
    /// withdrawn; [`ErrorKind::Argument`] where the index was opened to read; [`ErrorKind::Io`], after which the index takes
    /// nothing more until it is opened again; [`ErrorKind::Expired`].
    pub fn append(&self, cohort: &Cohort) -> Result<usize> {
        self.schema.check_expiry(Date::today())?;
        check(&self.schema, &self.key_check, cohort)?;
        let mut writer = self.writer()?;
        if let Some(id) = cohort.row_ids().iter().find(|id| writer.known.contains_key(id)) {
            let what = if writer.known[id] == WITHDRAWN { "were withdrawn" } else { "are there already" };
            return Err(mismatch(format!("{}: some of its row ids {what}", cohort.party())));
        }
        let rows = Rows::of_cohort(cohort, place_of(&self.schema, cohort.party()));
        let count = rows.len();
        if count == 0 {
            return Ok(0);
        }
        self.write(&mut writer, &entries(&self.shape, &rows).collect::<Vec<_>>())?;
        writer.known.extend(rows.ids.iter().map(|&id| (id, rows.party)));
        self.change(|state| state.append(rows, &self.shape, (&self.scales, self.kernel)));
        Ok(count)
    }

    /// Withdraws rows of a party, and returns how many of these there were, when that is on disk. Nobody finds them from then
    /// on, and rows with their ids are not taken again. Their bits stay in memory and on disk until [`compact`](Self::compact).
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema has no such party, or the index was opened to read; [`ErrorKind::Io`], as
    /// [`append`](Self::append).
    pub fn withdraw(&self, party: &str, rows: &[RowId]) -> Result<usize> {
        self.schema.party(party)?;
        let party = place_of(&self.schema, party);
        let mut writer = self.writer()?;
        let ids: HashSet<RowId> = rows.iter().copied().filter(|id| writer.known.get(id) == Some(&party)).collect();
        if ids.is_empty() {
            return Ok(0);
        }
        self.write(&mut writer, &withdrawn(&ids.iter().copied().collect::<Vec<_>>()).collect::<Vec<_>>())?;
        writer.known.extend(ids.iter().map(|&id| (id, WITHDRAWN)));
        self.change(|state| state.withdraw(&ids));
        Ok(ids.len())
    }

    /// Scores by another model from now on.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where it is of another schema; otherwise as [`append`](Self::append).
    pub fn set_model(&self, model: &IndexModel) -> Result<()> {
        check_model(&self.schema, model)?;
        let mut writer = self.writer()?;
        self.write(&mut writer, &[Entry { kind: Kind::Model, content: model.encode()? }])?;
        self.change(|state| state.model = model.clone());
        Ok(())
    }

    /// Writes the file anew without the rows that were withdrawn, whole or not at all, and lets go of them in memory when nobody
    /// is reading them any more. Their ids stay, so that they do not come back. Readers go on meanwhile; it takes as long as
    /// opening the index, and the memory of a second one.
    ///
    /// A disk or a copy may still hold what a file no longer does.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the index was opened to read; [`ErrorKind::Io`] and [`ErrorKind::File`] as
    /// [`open`](Self::open).
    pub fn compact(&self) -> Result<()> {
        let mut writer = self.writer()?;
        let path = self.folder.join(ROWS);
        let mut reader = Reader::open(&path)?;
        let header = header(&self.schema, &self.key_check)?;
        let model = self.state().model.encode()?;
        let parties = self.schema.project().parties().len();
        let mut gone: Vec<RowId> =
            writer.known.iter().filter(|(_, party)| **party == WITHDRAWN).map(|(id, _)| *id).collect();
        gone.sort_unstable();
        file::write(&path, Access::Private, |out| {
            let mut whole = log::Whole::begin(out, header)?;
            whole.add(Kind::Model, model)?;
            withdrawn(&gone).try_for_each(|entry| whole.add(entry.kind, entry.content))?;
            while let Some(group) = reader.next().map_err(std::io::Error::other)? {
                for entry in group.into_iter().filter(|entry| entry.kind == Kind::Rows) {
                    let rows = Rows::decode(&self.shape, parties, &entry.content);
                    let rows = rows.ok_or_else(|| std::io::Error::other("rows that are no rows"))?;
                    let stays = |&row: &usize| writer.known.get(&rows.ids[row]) != Some(&WITHDRAWN);
                    let rows = rows.select((0..rows.len()).filter(stays));
                    entries(&self.shape, &rows).try_for_each(|entry| whole.add(entry.kind, entry.content))?;
                }
            }
            whole.finish()
        })?;
        // From here on the old file is gone: what cannot go on must not write to it.
        writer.log.give_up();
        sync(&self.folder)?;
        let loaded = read(&path, &self.schema, (&self.scales, self.kernel), &self.shape)?;
        let write = |e| Error::io(&path, "write", e);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(write)?;
        writer.log = Log::resume(file, loaded.end).map_err(write)?;
        writer.known = loaded.known;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded.state);
        Ok(())
    }

    /// Looks up every row of a cohort on its own, and gives the hits of each: party after party in the schema's order, and for
    /// each those by match key first and then the best. All see the index at the same moment.
    ///
    /// A pair has the score that [`Linker::score`](super::Linker::score) gives it under the same model:
    ///
    /// * By mean similarity, exactly that.
    /// * Where weights were learned, that of a linkage in which nothing but the row itself competes for a partner
    ///   (`many-to-one`), up to a few hundredths of a bit: the linkage weighs a row's pairs against some more candidates, those
    ///   that are among the best of a standing row only. With `one-to-one`, a linkage also knows who else asks for the same
    ///   standing row; records that are looked up do not compete with each other.
    ///
    /// The work is done in rayon's current thread pool where there is much of it, else in the calling thread.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where the cohort is of another schema or key; [`ErrorKind::Argument`] where the schema has no
    /// such party as is asked for, or the least score is no number; [`ErrorKind::Expired`].
    pub fn query(&self, cohort: &Cohort, ask: &Ask) -> Result<Vec<Vec<Hit>>> {
        self.schema.check_expiry(Date::today())?;
        check(&self.schema, &self.key_check, cohort)?;
        let parties: Vec<usize> = if let Some(names) = &ask.parties {
            let mut places = names.iter().map(|name| self.schema.party(name)).collect::<Result<Vec<_>>>()?;
            places.sort_unstable();
            places.dedup();
            places
        } else {
            let own = usize::from(place_of(&self.schema, cohort.party()));
            (0..self.schema.project().parties().len()).filter(|&party| party != own).collect()
        };
        let state = self.state();
        let least = ask.least.unwrap_or_else(|| state.model.threshold());
        if least.is_nan() {
            return Err(Error::argument("the least score is no number"));
        }
        let search = Search {
            scales: &self.scales,
            kernel: self.kernel,
            model: &state.model,
            most: ask.most,
            least,
            keep: self.schema.linkage().candidates(),
        };
        let rows = Rows::of_cohort(cohort, 0);
        let mut hits: Vec<Vec<Hit>> = Vec::with_capacity(rows.len());
        for start in (0..rows.len()).step_by(AT_ONCE) {
            let some = rows.select(start..(start + AT_ONCE).min(rows.len()));
            let mut found: Vec<Vec<Hit>> = vec![Vec::new(); some.len()];
            let asked = Asked::new(some, self.kernel);
            for &party in &parties {
                let name = &self.schema.project().parties()[party];
                for (found, matches) in found.iter_mut().zip(search.party(&asked, &state.parties[party])) {
                    found.extend(matches.into_iter().map(|one| Hit {
                        party: name.clone(),
                        row_id: one.id,
                        score: one.score,
                        reason: one.reason,
                    }));
                }
            }
            hits.append(&mut found);
        }
        Ok(hits)
    }

    /// How many rows of each party there are, in the schema's order.
    #[must_use]
    pub fn counts(&self) -> Vec<PartyRows> {
        let state = self.state();
        let names = self.schema.project().parties().iter();
        let count = |(name, party): (&String, &state::Party)| {
            let withdrawn = party.segments.iter().map(|held| held.withdrawn).sum();
            let all: usize = party.segments.iter().map(|held| held.segment.rows()).sum();
            PartyRows { party: name.clone(), rows: all - withdrawn, withdrawn }
        };
        names.zip(&state.parties).map(count).collect()
    }

    /// How many rows can be found.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.counts().iter().map(|party| party.rows).sum()
    }

    /// How it scores.
    #[must_use]
    pub fn model(&self) -> IndexModel {
        self.state().model.clone()
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many bytes that were never acknowledged stood at the end of the file when it was opened: what a process that was
    /// killed had begun to write.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // Made beside, so that readers wait for no more than the exchange. There is one writer: nothing is lost between.
        let mut state = State::clone(&self.state());
        change(&mut state);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>> {
        let writer = self.writer.as_ref().ok_or_else(|| Error::argument("the index was opened to read"))?;
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, writer: &mut Writer, entries: &[Entry]) -> Result<()> {
        writer.log.append(entries).map_err(|e| Error::io(&self.folder.join(ROWS), "write", e))
    }
}

/// Counts; the rows are somebody's.
impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("folder", &self.folder)
            .field("fingerprint", &self.schema.fingerprint())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

fn check(schema: &Schema, key_check: &str, cohort: &Cohort) -> Result<()> {
    cohort.check_schema(schema)?;
    let found = &cohort.manifest().key_check;
    if found == key_check {
        return Ok(());
    }
    Err(mismatch(format!(
        "{} used another key than the index (key check values {found} and {key_check}); encode again with its key",
        cohort.party()
    )))
}

fn check_model(schema: &Schema, model: &IndexModel) -> Result<()> {
    if model.is_of(schema) { Ok(()) } else { Err(mismatch("the model of an index is of another schema".into())) }
}

fn mismatch(problem: String) -> Error {
    ErrorKind::Mismatch { problem }.into()
}

/// The place of a party that is known to be there; a schema has few.
fn place_of(schema: &Schema, party: &str) -> u16 {
    schema.party(party).unwrap_or_default() as u16
}

/// The lock of a folder's writer.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(|e| Error::io(&path, "create", e))?;
    // A child that this process has just forked has all that was open until it becomes another program.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::Error(e)) => return Err(Error::io(&path, "lock", e)),
        }
    }
    Err(Error::file(&path, "somebody else is writing to this index"))
}

/// Makes a name in a folder last.
fn sync(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Error::io(folder, "write", e))?;
    }
    Ok(())
}
