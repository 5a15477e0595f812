//! Rows in memory, as they came: a lone record is compared with them row by row, which is as fast as memory can be read from
//! end to end; bit slices, of which a record needs half, are not read any faster. For many records rows are turned on their
//! side, some at a time.

use std::ops::Range;

use super::super::candidates::by_value;
use super::super::scale::Scale;
use super::super::score::{
    self, Count, GROUP, Groups, Hits, Kernel, List, Offsets, Scratch, Shares, Side, Slices, Turn, popcounts,
};
use super::model::Bound;
use super::rows::Rows;
use crate::cohort::{BitMatrix, MatchKeyValue, RowId};

/// The most rows of a segment.
pub(super) const MOST: usize = 8192;

/// Fewer records or rows than this are compared row by row: turning rows on their side would cost more.
const FEW: usize = 12;
const FEW_ROWS: usize = 512;

/// Groups of records in a tile.
const TILE: usize = 32;

/// Rows that are looked at together: few of these have a row that is worth a look.
const LOOK: usize = 64;

/// What a row of undiffused bits adds to the least count of common bits, as a Dice coefficient in ten-thousandths. It does not
/// decide which pairs are found, only how many are looked at in vain; where thresholds usually are, that is fewest.
const DICE: i64 = 7000;

/// Twice the ten-thousandths in 1: c ≥ Dice · (a + b) / 2.
const DICE_ONE: i64 = 20_000;

/// Some rows of one party. They never change.
pub(super) struct Segment {
    rows: Rows,
    encodings: Vec<Bits>,
    /// For each match key its values with their rows, in order.
    keys: Vec<Vec<(MatchKeyValue, u32)>>,
}

/// How many bits rows have set, and the least and the most of these.
struct Bits {
    popcounts: Vec<u16>,
    least: u16,
    most: u16,
}

/// Rows of one encoding on their side.
struct Turned {
    slices: Slices,
    offsets: Offsets,
    most: i64,
}

/// Records that are looked up.
pub(super) struct Asked {
    pub(super) rows: Rows,
    popcounts: Vec<Vec<u16>>,
    groups: Vec<Groups>,
}

/// A thread's memory for a search.
#[derive(Default)]
pub(super) struct Memory {
    scratch: Scratch,
    hits: Hits,
    indices: Vec<u16>,
    /// For every encoding the counts of common bits of all pairs.
    counts: Vec<Vec<u32>>,
}

/// What a search is told.
pub(super) type Told<'a> = (&'a [Scale], Kernel);

/// For each record, the bound of each encoding.
pub(super) type Bounds = [Vec<Bound>];

impl Asked {
    pub(super) fn new(rows: Rows, kernel: Kernel) -> Self {
        let list = |matrix: &BitMatrix| {
            let rows = matrix.row_range(0..matrix.rows());
            kernel.run(List { rows, stride: matrix.stride(), bits: matrix.bits() })
        };
        Asked {
            popcounts: rows.encodings.iter().map(narrow).collect(),
            groups: rows.encodings.iter().map(list).collect(),
            rows,
        }
    }
}

/// At most 4,096 each.
fn narrow(matrix: &BitMatrix) -> Vec<u16> {
    popcounts(matrix).into_iter().map(|bits| bits as u16).collect()
}

impl Segment {
    pub(super) fn new(rows: Rows) -> Self {
        let bits = |matrix: &BitMatrix| {
            let popcounts = narrow(matrix);
            let (least, most) = (popcounts.iter().min().copied(), popcounts.iter().max().copied());
            Bits { popcounts, least: least.unwrap_or(0), most: most.unwrap_or(0) }
        };
        let encodings = rows.encodings.iter().map(bits).collect();
        let keys = rows.keys.iter().map(|column| by_value(column)).collect();
        Segment { rows, encodings, keys }
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn id(&self, row: usize) -> RowId {
        self.rows.ids[row]
    }

    /// Classes of rarity of a pair: that of both, where it is one.
    pub(super) fn classes(&self, row: usize, asked: &Asked, place: usize) -> Vec<u8> {
        let both = self.rows.rarity.iter().zip(&asked.rows.rarity);
        both.map(|(own, other)| if own[row] == other[place] { own[row] } else { u8::MAX }).collect()
    }

    /// The rows that have a match key.
    pub(super) fn with_key(&self, key: usize, value: MatchKeyValue) -> impl Iterator<Item = usize> + '_ {
        let column = &self.keys[key];
        let first = column.partition_point(|(other, _)| *other < value);
        column[first..].iter().take_while(move |(other, _)| *other == value).map(|&(_, row)| row as usize)
    }

    /// The indices of a pair.
    pub(super) fn indices(&self, asked: &Asked, place: usize, row: usize, scales: &[Scale]) -> Vec<u16> {
        let common = |encoding: usize| {
            let (a, b) = (asked.rows.encodings[encoding].row(place), self.rows.encodings[encoding].row(row));
            a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum()
        };
        let mut indices = Vec::new();
        self.index(asked, (place, row), scales, common, &mut indices);
        indices
    }

    /// Gives the place in `asked`, the row and the indices of all pairs that are within the bound of an encoding at least, and
    /// of some more, of some of the rows.
    pub(super) fn search(
        &self,
        rows: Range<usize>,
        (asked, bounds): (&Asked, &Bounds),
        told: Told<'_>,
        memory: &mut Memory,
        mut found: impl FnMut(usize, usize, &[u16]),
    ) {
        if asked.rows.len() < FEW || rows.len() <= FEW_ROWS || told.1 == Kernel::Naive {
            self.row_by_row(rows, (asked, bounds), told, memory, &mut found);
        } else {
            self.sliced(rows, (asked, bounds), told, memory, &mut found);
        }
    }

    fn row_by_row(
        &self,
        rows: Range<usize>,
        (asked, bounds): (&Asked, &Bounds),
        (scales, kernel): Told<'_>,
        memory: &mut Memory,
        found: &mut impl FnMut(usize, usize, &[u16]),
    ) {
        let (records, width) = (asked.rows.len(), rows.len());
        let Memory { indices, counts, .. } = memory;
        counts.resize_with(scales.len(), Vec::new);
        for (counts, (a, b)) in counts.iter_mut().zip(asked.rows.encodings.iter().zip(&self.rows.encodings)) {
            counts.resize(records * width, 0);
            kernel.count(Count::Common, a.row_range(0..records), b.row_range(rows.clone()), a.stride(), counts);
        }
        let mut worth = [false; LOOK];
        for (place, bounds) in bounds.iter().enumerate() {
            for start in (0..width).step_by(LOOK) {
                let some = start..(start + LOOK).min(width);
                worth.fill(false);
                for (encoding, (bound, scale)) in bounds.iter().zip(scales).enumerate() {
                    let a = u32::from(asked.popcounts[encoding][place]);
                    let counts = &counts[encoding][place * width..][some.clone()];
                    let b = &self.encodings[encoding].popcounts[rows.clone()][some.clone()];
                    mark(*bound, scale, a, (counts, b), &mut worth);
                }
                if worth.iter().all(|worth| !worth) {
                    continue;
                }
                for row in some.filter(|row| worth[row - start]) {
                    let common = |encoding: usize| counts[encoding][place * width + row];
                    self.index(asked, (place, rows.start + row), scales, common, indices);
                    found(place, rows.start + row, indices);
                }
            }
        }
    }

    fn sliced(
        &self,
        rows: Range<usize>,
        (asked, bounds): (&Asked, &Bounds),
        (scales, kernel): Told<'_>,
        memory: &mut Memory,
        found: &mut impl FnMut(usize, usize, &[u16]),
    ) {
        let turn = |(encoding, scale): (usize, &Scale)| {
            let matrix = &self.rows.encodings[encoding];
            let of_rows = matrix.row_range(rows.clone());
            let slices = kernel.run(Turn { rows: of_rows, stride: matrix.stride(), bits: matrix.bits() });
            let share = |&b: &u16| if scale.diffused { i64::from(b) / 2 } else { i64::from(b) * DICE / DICE_ONE };
            let shares = Shares::new(self.encodings[encoding].popcounts[rows.clone()].iter().map(share));
            Turned { offsets: shares.offsets(&slices), most: shares.most(), slices }
        };
        let turned: Vec<Turned> = scales.iter().enumerate().map(turn).collect();
        let least: Vec<Vec<i32>> = (scales.iter().zip(&turned).enumerate())
            .map(|(encoding, (scale, turned))| self.least(encoding, (asked, bounds), scale, turned.most))
            .collect();
        let sides: Vec<Side<'_>> = (turned.iter().zip(&asked.groups).zip(&least))
            .map(|((turned, groups), least)| Side { groups, slices: &turned.slices, offsets: &turned.offsets, least })
            .collect();
        let blocks = turned.first().map_or(0, |turned| turned.slices.blocks());
        let groups = asked.rows.len().div_ceil(GROUP);
        let Memory { scratch, hits, indices, .. } = memory;
        for tile in (0..groups).step_by(TILE) {
            let tile = tile..(tile + TILE).min(groups);
            for block in 0..blocks {
                score::search(kernel, &sides, tile.clone(), block, scratch, hits);
                for (hit, counts) in hits.pairs.iter().zip(hits.counts.chunks_exact(scales.len())) {
                    let (place, row) = (hit.a as usize, rows.start + hit.b as usize);
                    self.index(asked, (place, row), scales, |encoding| counts[encoding].into(), indices);
                    found(place, row, indices);
                }
                hits.pairs.clear();
                hits.counts.clear();
            }
        }
    }

    fn index(
        &self,
        asked: &Asked,
        (place, row): (usize, usize),
        scales: &[Scale],
        common: impl Fn(usize) -> u32,
        indices: &mut Vec<u16>,
    ) {
        let index = |(encoding, scale): (usize, &Scale)| {
            let (a, b) = (asked.popcounts[encoding][place], self.encodings[encoding].popcounts[row]);
            scale.index(common(encoding), a.into(), b.into()) as u16
        };
        indices.clear();
        indices.extend(scales.iter().enumerate().map(index));
    }

    /// For each record, the least total of a pair within the bound of an encoding.
    fn least(&self, encoding: usize, (asked, bounds): (&Asked, &Bounds), scale: &Scale, most: i64) -> Vec<i32> {
        let bits = &self.encodings[encoding];
        let of_record = |(&a, bounds): (&u16, &Vec<Bound>)| {
            let (last, a) = match bounds[encoding] {
                Bound::Index(last) => (last as i64, i64::from(a)),
                Bound::None => return i32::MAX,
                Bound::All => return 0,
            };
            let least = if scale.diffused {
                // c ≥ (a + b − last)/2, of which b/2 is in the offset.
                ceil(a - last, 2)
            } else {
                // c ≥ last · (a + b), of which DICE · b is in the offset; the rest of b where it makes least.
                let b = i64::from(if last >= DICE { bits.least } else { bits.most });
                ceil(last * a + (last - DICE) * b, DICE_ONE)
            };
            (least + most).max(0) as i32
        };
        asked.popcounts[encoding].iter().zip(bounds).map(of_record).collect()
    }
}

/// Marks the rows that are within a bound, with no branch between one row and the next.
fn mark(bound: Bound, scale: &Scale, a: u32, (counts, b): (&[u32], &[u16]), worth: &mut [bool; LOOK]) {
    let rows = counts.iter().zip(b).zip(worth);
    match bound {
        Bound::None => {}
        Bound::All => rows.for_each(|(_, worth)| *worth = true),
        Bound::Index(last) if scale.diffused => {
            let last = last as u32;
            rows.for_each(|((&common, &b), worth)| *worth |= a + u32::from(b) <= last + 2 * common);
        }
        Bound::Index(last) => {
            // At most 10,000 times 8,192. A row without a bit reaches it too, and is told apart later.
            let last = last as u32;
            rows.for_each(|((&common, &b), worth)| *worth |= last * (a + u32::from(b)) <= DICE_ONE as u32 * common);
        }
    }
}

fn ceil(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}
