//! Which pairs are looked at closely: all pairs are scored, and for every record the best partners are kept, in both
//! directions. Memory grows with the records, not with the pairs. Where there are too many pairs for that, LSH and match keys
//! say which are looked at.

mod blocks;
mod lsh;
mod match_keys;
mod scored;
mod source;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::blocks::{Blocks, MOST_PAIRS};
pub use self::lsh::{Lsh, MOST_KEY_BITS, MOST_TABLES, Sampling};
pub use self::match_keys::MatchKeys;
pub(in crate::linkage) use self::match_keys::by_value;
pub(in crate::linkage) use self::source::percent;
pub use self::source::{Blocking, Candidates, Proposed};

/// Rows of a shard, of a tile of the earlier cohort and of the later one: one encoding of both fits the second-level
/// cache.
pub(super) const TILE: usize = 128;

/// A partner of a row, and the pair's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Partner {
    pub(super) score: f32,
    pub(super) row: u32,
}

impl Partner {
    /// The order that settles every tie: higher score, then lower row.
    fn better(self, other: Partner) -> bool {
        self.score > other.score || (self.score == other.score && self.row < other.row)
    }
}

/// The best partners of every row of one cohort. What it holds in the end does not depend on the order of the offers.
pub(super) struct BestPartners {
    keep: usize,
    shards: Vec<Mutex<Shard>>,
}

/// The best partners of [`TILE`] neighbouring rows.
pub(super) struct Shard {
    keep: usize,
    /// `keep` places for each row, best first; only the first `held` count.
    places: Vec<Partner>,
    held: Vec<u32>,
}

impl BestPartners {
    pub(super) fn new(rows: usize, keep: usize, least: f32) -> Self {
        let shard = |first: usize| {
            let rows = TILE.min(rows - first);
            let empty = Partner { score: least, row: u32::MAX };
            Mutex::new(Shard { keep, places: vec![empty; rows * keep], held: vec![0; rows] })
        };
        BestPartners { keep, shards: (0..rows).step_by(TILE).map(shard).collect() }
    }

    /// Works on the rows of one tile; `tile` counts tiles.
    pub(super) fn with_tile(&self, tile: usize, work: impl FnOnce(&mut Shard)) {
        work(&mut lock(&self.shards[tile]));
    }

    /// How many partners of each row are kept.
    pub(super) fn keep(&self) -> usize {
        self.keep
    }

    /// The score that a partner of each of these rows must reach to be kept. The rows begin with a tile.
    pub(super) fn worst(&self, rows: std::ops::Range<usize>, out: &mut [f32]) {
        for (tile, out) in (rows.start / TILE..).zip(out.chunks_mut(TILE)) {
            let first = if tile == rows.start / TILE { rows.start % TILE } else { 0 };
            self.with_tile(tile, |shard| {
                out.iter_mut().zip(first..).for_each(|(out, row)| *out = shard.worst(row));
            });
        }
    }

    /// Appends what is held, to be read again by [`restore`](Self::restore).
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        out.extend((self.keep as u64).to_le_bytes());
        out.extend((self.shards.iter().map(|shard| lock(shard).held.len()).sum::<usize>() as u64).to_le_bytes());
        for shard in &self.shards {
            let shard = lock(shard);
            for (places, held) in shard.places.chunks_exact(self.keep).zip(&shard.held) {
                out.extend(held.to_le_bytes());
                for partner in &places[..*held as usize] {
                    out.extend(partner.score.to_le_bytes());
                    out.extend(partner.row.to_le_bytes());
                }
            }
        }
    }

    /// Takes what [`save`](Self::save) wrote from the front of `bytes`. `None` where it is not that of as many rows, with
    /// partners among so many `others`.
    pub(super) fn restore(&self, bytes: &mut &[u8], others: usize) -> Option<()> {
        let rows: usize = self.shards.iter().map(|shard| lock(shard).held.len()).sum();
        let (keep, count) = (u64::from_le_bytes(take(bytes)?), u64::from_le_bytes(take(bytes)?));
        if (keep, count) != (self.keep as u64, rows as u64) {
            return None;
        }
        for shard in &self.shards {
            let shard = &mut *lock(shard);
            for (places, held) in shard.places.chunks_exact_mut(self.keep).zip(&mut shard.held) {
                *held = u32::from_le_bytes(take(bytes)?);
                for partner in places.get_mut(..*held as usize)? {
                    partner.score = f32::from_le_bytes(take(bytes)?);
                    partner.row = u32::from_le_bytes(take(bytes)?);
                    if !partner.score.is_finite() || partner.row as usize >= others {
                        return None;
                    }
                }
            }
        }
        Some(())
    }

    /// Hands out every row with its best partners, best first.
    pub(super) fn for_each(self, mut take: impl FnMut(u32, &[Partner])) {
        let mut row = 0;
        for shard in self.shards {
            let shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (places, held) in shard.places.chunks_exact(self.keep).zip(&shard.held) {
                take(row, &places[..*held as usize]);
                row += 1;
            }
        }
    }
}

/// A poisoned lock means that a thread panicked; rayon passes that panic on, and what is behind the lock is never used.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

impl Shard {
    /// The score that a partner must reach to be kept.
    #[inline]
    pub(super) fn worst(&self, row: usize) -> f32 {
        self.places[(row + 1) * self.keep - 1].score
    }

    /// Keeps the partner if it is among the row's best.
    #[inline]
    pub(super) fn offer(&mut self, row: usize, partner: Partner) {
        let places = &mut self.places[row * self.keep..(row + 1) * self.keep];
        let last = self.keep - 1;
        if !partner.better(places[last]) {
            return;
        }
        let mut place = last.min(self.held[row] as usize);
        while place > 0 && partner.better(places[place - 1]) {
            places[place] = places[place - 1];
            place -= 1;
        }
        places[place] = partner;
        self.held[row] = (self.held[row] + 1).min(self.keep as u32);
    }
}
