//! What a long run leaves on disk, so that it can go on after it was stopped or killed.
//!
//! A run has stages (each pair of cohorts, and what strangers look like inside a file), and a stage has units. After a unit
//! the state of the stage is written if the last time was long enough ago: to a temporary file that is renamed, so that
//! there is a whole state at any time. A run that finds a state goes on behind it, with the same result as if it had never
//! been interrupted. A state says which cohorts, schema and settings it belongs to, and is refused by others.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::candidates::{BestPartners, take};
use super::patterns::Tally;
use crate::error::{Error, Result};
use crate::file::{self, Access};

const MAGIC: &[u8] = b"pprl-checkpoint-1\n";

/// How often a state is written if nothing else is said.
const EVERY: Duration = Duration::from_secs(30);

/// A folder for the states of one run.
///
/// It holds row numbers and scores, no encodings and no names; keep it as you keep links. It is not removed by a run that
/// is done: do that when its links are where they should be.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    every: Duration,
}

impl Checkpoint {
    /// States in this folder, which is made if it is not there.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Checkpoint { folder: folder.into(), every: EVERY }
    }

    /// Writes a state so often, every 30 seconds if nothing is said; at most after every unit of work, which is a second
    /// or less. The default profile with a million rows has states of about 170 MB.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Removes the folder and the states in it. Files that are not a run's stay, and the folder then too.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn remove(&self) -> Result<()> {
        let error = |e| Error::io(&self.folder, "remove", e);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(error(e)),
        };
        for entry in entries {
            let path = entry.map_err(error)?.path();
            let own = path.extension().is_some_and(|extension| extension == EXTENSION || extension == "partial");
            if own {
                fs::remove_file(&path).map_err(|e| Error::io(&path, "remove", e))?;
            }
        }
        // It may hold what is not ours.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// The seed of the run's ids: the one that was kept, or else this one, which is kept then.
    pub(super) fn seed(&self, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let path = self.path("seed");
        match fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| Error::file(&path, "is not the seed of a run")),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.write(&path, &fresh)?;
                Ok(fresh)
            }
            Err(e) => Err(Error::io(&path, "read", e)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(EXTENSION)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, "create", e))?;
        file::write(path, Access::Private, |out| out.write_all(bytes))
    }
}

const EXTENSION: &str = "state";

/// Where a stage's state is kept.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    /// The stage's name, a file's.
    pub(super) stage: String,
    /// What the stage's result depends on, so far as the run knows.
    pub(super) context: Sha256,
}

/// The state of one stage. Without a place nothing is kept.
pub(super) struct Saved<'a> {
    place: Option<(&'a Checkpoint, PathBuf, [u8; 32])>,
    last: Instant,
}

impl<'a> Saved<'a> {
    /// `identify` adds what else the result depends on, the size of units included.
    pub(super) fn open(place: Option<&Place<'a>>, identify: impl FnOnce(&mut Sha256)) -> Self {
        let place = place.map(|place| {
            let mut context = place.context.clone();
            context.update(&place.stage);
            identify(&mut context);
            (place.checkpoint, place.checkpoint.path(&place.stage), context.finalize().into())
        });
        Saved { place, last: Instant::now() }
    }

    /// How many units are done; what they left goes into `best` and `tally`. Partners are among so many `others`.
    pub(super) fn resume(&self, best: &[&BestPartners], others: &[usize], tally: &mut Tally) -> Result<u64> {
        let Some((_, path, identity)) = &self.place else { return Ok(0) };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(e) => return Err(Error::io(path, "read", e)),
        };
        let damaged = || Error::file(path, "is damaged, or not the state of a run; remove it to begin anew");
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or_else(damaged)?;
        if Sha256::digest(content)[..] != digest[..] {
            return Err(damaged());
        }
        let mut rest = content.strip_prefix(MAGIC).ok_or_else(damaged)?;
        if take::<32>(&mut rest).ok_or_else(damaged)? != *identity {
            let problem = "is of another run: other cohorts, another schema or other settings; name another folder";
            return Err(Error::file(path, problem));
        }
        restore(&mut rest, best, others, tally).ok_or_else(damaged)
    }

    /// Writes the state after a unit if it is time.
    pub(super) fn after(&mut self, unit: u64, best: &[&BestPartners], tally: impl FnOnce() -> Tally) -> Result<()> {
        match &self.place {
            Some((checkpoint, ..)) if self.last.elapsed() >= checkpoint.every => self.save(unit, best, &tally()),
            _ => Ok(()),
        }
    }

    /// Writes the state now.
    pub(super) fn save(&mut self, unit: u64, best: &[&BestPartners], tally: &Tally) -> Result<()> {
        let Some((checkpoint, path, identity)) = &self.place else { return Ok(()) };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(identity);
        bytes.extend(unit.to_le_bytes());
        let mut counts: Vec<_> = tally.each().collect();
        counts.sort_unstable();
        bytes.extend((counts.len() as u64).to_le_bytes());
        for (key, pairs) in counts {
            bytes.extend(key.to_le_bytes());
            bytes.extend(pairs.to_le_bytes());
        }
        best.iter().for_each(|best| best.save(&mut bytes));
        bytes.extend(Sha256::digest(&bytes));
        checkpoint.write(path, &bytes)?;
        self.last = Instant::now();
        Ok(())
    }
}

/// A digest is no signature: what is read may be anything.
fn restore(bytes: &mut &[u8], best: &[&BestPartners], others: &[usize], tally: &mut Tally) -> Option<u64> {
    let unit = u64::from_le_bytes(take(bytes)?);
    let counts = 0..u64::from_le_bytes(take(bytes)?);
    let mut number = || Some(u64::from_le_bytes(take(bytes)?));
    tally.restore(counts.map(|_| Some((number()?, number()?))))?;
    for (best, &others) in best.iter().zip(others) {
        best.restore(bytes, others)?;
    }
    bytes.is_empty().then_some(unit)
}
