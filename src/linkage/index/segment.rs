//! Rows in memory: few as they came, many on their side.

use std::collections::HashMap;
use std::ops::Range;

use super::super::scale::Scale;
use super::super::score::{
    self, Count, GROUP, Groups, Hits, Kernel, Layout, List, Offsets, Scratch, Shares, Side, Slices, Turn, popcounts,
};
use super::model::Bound;
use super::rows::{Rows, Shape};
use crate::cohort::{BitMatrix, MatchKeyValue, RowId};

/// Rows that are turned on their side at a time.
pub(super) const TURNED: usize = 8192;

/// Groups of rows that are asked for in a tile.
const TILE: usize = 32;

/// What a row of undiffused bits adds to the least count of common bits, as a Dice coefficient in ten-thousandths. It does not
/// decide which pairs are found, only how many are looked at in vain; where thresholds are usually, that is fewest.
const DICE: i64 = 7000;
const DICE_ONE: i64 = 20_000;

/// Some rows of one party. They never change.
pub(super) struct Segment {
    ids: Vec<RowId>,
    encodings: Vec<Bits>,
    /// For each match key its values with their rows, in order.
    keys: Vec<Vec<(MatchKeyValue, u32)>>,
    rarity: Vec<Vec<u8>>,
    /// Where rows are not on their side.
    plain: Option<Rows>,
}

struct Bits {
    popcounts: Vec<u16>,
    least: i64,
    most: i64,
    turned: Option<Turned>,
}

struct Turned {
    slices: Slices,
    offsets: Offsets,
    most: i64,
}

/// Rows that are asked for.
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
}

impl Asked {
    pub(super) fn new(rows: Rows, kernel: Kernel) -> Self {
        let list = |matrix: &BitMatrix| {
            let rows = matrix.row_range(0..matrix.rows());
            kernel.run(List { rows, stride: matrix.stride(), bits: matrix.bits(), layout: Layout::Lines })
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
    pub(super) fn plain(rows: Rows) -> Self {
        let bits = |matrix: &BitMatrix| Bits::new(narrow(matrix), None);
        let encodings = rows.encodings.iter().map(bits).collect();
        let keys = rows.keys.iter().map(|column| super::super::candidates::by_value(column)).collect();
        Segment { ids: rows.ids.clone(), encodings, keys, rarity: rows.rarity.clone(), plain: Some(rows) }
    }

    /// The same on their side.
    pub(super) fn turned(rows: Rows, scales: &[Scale], kernel: Kernel) -> Self {
        let mut segment = Self::plain(rows);
        let Some(rows) = segment.plain.take() else { return segment };
        for ((bits, matrix), scale) in segment.encodings.iter_mut().zip(&rows.encodings).zip(scales) {
            let of_rows = matrix.row_range(0..matrix.rows());
            let slices =
                kernel.run(Turn { rows: of_rows, stride: matrix.stride(), bits: matrix.bits(), layout: Layout::Lines });
            let share = |&b: &u16| if scale.diffused { i64::from(b) / 2 } else { i64::from(b) * DICE / DICE_ONE };
            let shares = Shares::new(bits.popcounts.iter().map(share));
            bits.turned = Some(Turned { offsets: shares.offsets(&slices), most: shares.most(), slices });
        }
        segment
    }

    pub(super) fn rows(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn id(&self, row: usize) -> RowId {
        self.ids[row]
    }

    pub(super) fn ids(&self) -> &[RowId] {
        &self.ids
    }

    /// The rows as they came, where they are not on their side.
    pub(super) fn as_rows(&self) -> Option<&Rows> {
        self.plain.as_ref()
    }

    /// Class of rarity of a pair: that of both, where it is one.
    pub(super) fn classes(&self, row: usize, asked: &Asked, place: usize) -> Vec<u8> {
        let both = self.rarity.iter().zip(&asked.rows.rarity);
        both.map(|(own, other)| if own[row] == other[place] { own[row] } else { u8::MAX }).collect()
    }

    /// The rows that have a match key.
    pub(super) fn with_key(&self, key: usize, value: MatchKeyValue) -> impl Iterator<Item = usize> + '_ {
        let column = &self.keys[key];
        let first = column.partition_point(|(other, _)| *other < value);
        column[first..].iter().take_while(move |(other, _)| *other == value).map(|&(_, row)| row as usize)
    }

    /// Gives the place in `asked`, the row and the indices of all pairs that are within the bounds of an encoding at least,
    /// and of some more, in these blocks. `bounds` has a list for each row that is asked for.
    pub(super) fn search(
        &self,
        blocks: Range<usize>,
        (asked, bounds): (&Asked, &[Vec<Bound>]),
        (scales, kernel): (&[Scale], Kernel),
        memory: &mut Memory,
        mut found: impl FnMut(usize, usize, &[u16]),
    ) {
        if let Some(rows) = &self.plain {
            return self.row_by_row(rows, (asked, bounds), (scales, kernel), memory, &mut found);
        }
        let least = self.least(asked, scales, |place| &bounds[place]);
        let sides = self.sides(asked, &least);
        let groups = asked.rows.len().div_ceil(GROUP);
        for tile in (0..groups).step_by(TILE) {
            let tile = tile..(tile + TILE).min(groups);
            for block in blocks.clone() {
                self.block((asked, &sides), tile.clone(), block, (scales, kernel), memory, &mut found);
            }
        }
    }

    /// In how many blocks rows are searched; where they are not on their side, in one.
    pub(super) fn blocks(&self) -> usize {
        let turned = self.encodings.first().and_then(|bits| bits.turned.as_ref());
        turned.map_or(1, |turned| turned.slices.blocks())
    }

    /// The indices of some pairs: places in `asked`, and rows.
    pub(super) fn indices(
        &self,
        asked: &Asked,
        pairs: &[(usize, usize)],
        (scales, kernel): (&[Scale], Kernel),
        memory: &mut Memory,
    ) -> HashMap<(usize, usize), Vec<u16>> {
        let mut all = HashMap::new();
        if let Some(rows) = &self.plain {
            for &(place, row) in pairs {
                let common = |e: usize| {
                    let both = asked.rows.encodings[e].row(place).iter().zip(rows.encodings[e].row(row));
                    both.map(|(a, b)| (a & b).count_ones()).sum()
                };
                let mut indices = Vec::new();
                self.index(asked, place, row, scales, common, &mut indices);
                all.insert((place, row), indices);
            }
            return all;
        }
        for &(wanted, row) in pairs {
            let bounds = |place: usize| if place == wanted { &[Bound::All; 1][..] } else { &[Bound::None; 1][..] };
            let least = self.least(asked, scales, bounds);
            let sides = self.sides(asked, &least);
            let Some(lanes) = sides.first().map(|side| side.slices.lanes()) else { continue };
            let group = wanted / GROUP;
            self.block(
                (asked, &sides),
                group..group + 1,
                row / lanes,
                (scales, kernel),
                memory,
                &mut |place, found, indices: &[u16]| {
                    if (place, found) == (wanted, row) {
                        all.insert((place, row), indices.to_vec());
                    }
                },
            );
        }
        all
    }

    fn block(
        &self,
        (asked, sides): (&Asked, &[Side<'_>]),
        groups: Range<usize>,
        block: usize,
        (scales, kernel): (&[Scale], Kernel),
        memory: &mut Memory,
        found: &mut impl FnMut(usize, usize, &[u16]),
    ) {
        let Memory { scratch, hits, indices } = memory;
        score::search(kernel, sides, groups, block, scratch, hits);
        for (hit, counts) in hits.pairs.iter().zip(hits.counts.chunks_exact(scales.len())) {
            let (place, row) = (hit.a as usize, hit.b as usize);
            self.index(asked, place, row, scales, |encoding| counts[encoding].into(), indices);
            found(place, row, indices);
        }
        hits.pairs.clear();
        hits.counts.clear();
    }

    fn row_by_row(
        &self,
        rows: &Rows,
        (asked, bounds): (&Asked, &[Vec<Bound>]),
        (scales, kernel): (&[Scale], Kernel),
        memory: &mut Memory,
        found: &mut impl FnMut(usize, usize, &[u16]),
    ) {
        let indices = &mut memory.indices;
        let counts: Vec<Vec<u32>> = (asked.rows.encodings.iter().zip(&rows.encodings))
            .map(|(a, b)| {
                let mut counts = vec![0; a.rows() * b.rows()];
                let (of_a, of_b) = (a.row_range(0..a.rows()), b.row_range(0..b.rows()));
                kernel.count(Count::Common, of_a, of_b, a.stride(), &mut counts);
                counts
            })
            .collect();
        let width = rows.len();
        for (place, bounds) in bounds.iter().enumerate() {
            for row in 0..width {
                self.index(asked, place, row, scales, |e| counts[e][place * width + row], indices);
                let within = |((bound, scale), &index): ((&Bound, &Scale), &u16)| match *bound {
                    Bound::All => true,
                    Bound::None => false,
                    Bound::Index(last) if scale.diffused => usize::from(index) <= last,
                    Bound::Index(last) => usize::from(index) >= last,
                };
                if bounds.iter().zip(scales).zip(&*indices).any(within) {
                    found(place, row, indices);
                }
            }
        }
    }

    fn index(
        &self,
        asked: &Asked,
        place: usize,
        row: usize,
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

    /// For each encoding and each row that is asked for, the least total of a pair within its bound. A bound that stands alone
    /// is that of all encodings.
    fn least<'b>(&self, asked: &Asked, scales: &[Scale], bounds: impl Fn(usize) -> &'b [Bound]) -> Vec<Vec<i32>> {
        let of_encoding = |(encoding, scale): (usize, &Scale)| {
            let bits = &self.encodings[encoding];
            let most = bits.turned.as_ref().map_or(0, |turned| turned.most);
            let of_row = |(place, &a): (usize, &u16)| {
                let (bounds, a) = (bounds(place), i64::from(a));
                let last = match bounds.get(encoding).or(bounds.first()) {
                    Some(Bound::Index(last)) => *last as i64,
                    Some(Bound::None) => return i32::MAX,
                    Some(Bound::All) | None => return 0,
                };
                let least = if scale.diffused {
                    // c ≥ (a + b − last)/2, of which b/2 is in the offset.
                    ceil(a - last, 2)
                } else {
                    // c ≥ last · (a + b), of which DICE · b is in the offset; the rest of b at its least.
                    let b = if last >= DICE { bits.least } else { bits.most };
                    ceil(last * a + (last - DICE) * b, DICE_ONE)
                };
                (least + most).max(0) as i32
            };
            asked.popcounts[encoding].iter().enumerate().map(of_row).collect()
        };
        scales.iter().enumerate().map(of_encoding).collect()
    }

    fn sides<'s>(&'s self, asked: &'s Asked, least: &'s [Vec<i32>]) -> Vec<Side<'s>> {
        let encodings = self.encodings.iter().filter_map(|bits| bits.turned.as_ref());
        let sides = encodings.zip(&asked.groups).zip(least);
        sides
            .map(|((turned, groups), least)| Side { groups, slices: &turned.slices, offsets: &turned.offsets, least })
            .collect()
    }
}

impl Bits {
    fn new(popcounts: Vec<u16>, turned: Option<Turned>) -> Self {
        let least = popcounts.iter().copied().min().unwrap_or(0).into();
        let most = popcounts.iter().copied().max().unwrap_or(0).into();
        Bits { popcounts, least, most, turned }
    }
}

fn ceil(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

/// Some rows joined into one list.
pub(super) fn join(shape: &Shape, party: u16, parts: impl Iterator<Item = Rows>) -> Rows {
    parts.fold(Rows::none(shape, party), |mut all, part| {
        all.extend(&part);
        all
    })
}
