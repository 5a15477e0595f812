//! Which pairs are looked at closely: all pairs are scored, and for every record the best partners are kept, in both
//! directions. Memory grows with the records, not with the pairs.

use std::sync::Mutex;

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
        // A poisoned lock means that a thread panicked; rayon passes that panic on, and this result is never used.
        work(&mut self.shards[tile].lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Hands out every row with its best partners, best first.
    pub(super) fn for_each(self, mut take: impl FnMut(u32, &[Partner])) {
        let mut row = 0;
        for shard in self.shards {
            let shard = shard.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (places, held) in shard.places.chunks_exact(self.keep).zip(&shard.held) {
                take(row, &places[..*held as usize]);
                row += 1;
            }
        }
    }
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
