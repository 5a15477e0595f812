//! Keyed diffusion (Armknecht, Heng & Schnell, PoPETs 2023(2)): each output bit is the sum (XOR) of t secret filter
//! bits. `docs/encoding.md`, section 6.

use zeroize::Zeroizing;

use super::positions::Stream;
use crate::key::Keyed;
use crate::schema::MAX_BITS;

/// How many records are diffused together, at most.
pub(crate) const TOGETHER: usize = 64 * LANES;

/// Words side by side: what processors' registers hold, and still little enough for the first-level cache.
const LANES: usize = 4;

/// Output words of a record that are gathered before they are written: a line of the cache.
const GATHERED: usize = 8;

/// The index sets of one encoding.
///
/// Records are worked on together, turned on their side: a few words hold the same filter bit of all of them, so that an
/// output bit of all is the sum of t times these words. That is far fewer operations than adding up a column of output bits
/// for every filter bit that is set, or tables of sums.
pub(crate) struct Diffusion {
    /// `weight` positions for every output bit.
    rows: Zeroizing<Vec<u16>>,
    weight: usize,
    /// Bits of a filter, and of an output row.
    length: usize,
    output: usize,
}

/// Filter bits of records that are worked on together; kept, so that nothing is allocated.
#[derive(Default)]
pub(crate) struct Sides {
    one: Zeroizing<Vec<[u64; 1]>>,
    all: Zeroizing<Vec<[u64; LANES]>>,
}

impl Diffusion {
    pub(crate) fn new(keyed: &Keyed, length: usize, output: usize, weight: usize) -> Self {
        let rows = Zeroizing::new(rows(keyed, length, output, weight).concat());
        Diffusion { rows, weight, length, output }
    }

    /// Writes the images of at most [`TOGETHER`] filters, which stand one after the other in whole words, to as many rows.
    pub(crate) fn apply(&self, filters: &[u64], sides: &mut Sides, out: &mut [u64]) {
        let words = self.length.div_ceil(64);
        debug_assert!(filters.len() <= TOGETHER * words);
        debug_assert_eq!(filters.len() / words, out.len() / self.output.div_ceil(64));
        if filters.len() <= 64 * words {
            self.apply_to(filters, &mut sides.one, out);
        } else {
            self.apply_to(filters, &mut sides.all, out);
        }
    }

    /// Bit b of lane l is record 64·l + b.
    fn apply_to<const L: usize>(&self, filters: &[u64], turned: &mut Vec<[u64; L]>, out: &mut [u64]) {
        let (words, stride) = (self.length.div_ceil(64), self.output.div_ceil(64));
        turned.resize(MAX_BITS, [0; L]);
        let Some((turned, _)) = turned.split_first_chunk_mut::<MAX_BITS>() else { return };
        let mut block = [[0; L]; 64];
        for word in 0..words {
            block.fill([0; L]);
            for (record, filter) in filters.chunks_exact(words).enumerate() {
                block[record % 64][record / 64] = filter[word];
            }
            transpose(&mut block);
            turned[word * 64..][..64].copy_from_slice(&block);
        }
        let mut gathered = Zeroizing::new(vec![[0; GATHERED]; 64 * L]);
        for (turn, rows) in self.rows.chunks(64 * GATHERED * self.weight).enumerate() {
            for (word, rows) in rows.chunks(64 * self.weight).enumerate() {
                block.fill([0; L]);
                for (out, row) in block.iter_mut().zip(rows.chunks_exact(self.weight)) {
                    // In registers until it is whole.
                    let mut sum = [0; L];
                    for &position in row {
                        // The remainder changes nothing, and spares a check for each of the many.
                        let bits = turned[usize::from(position) % MAX_BITS];
                        sum = std::array::from_fn(|lane| sum[lane] ^ bits[lane]);
                    }
                    *out = sum;
                }
                transpose(&mut block);
                for (record, line) in gathered.iter_mut().enumerate() {
                    line[word] = block[record % 64][record / 64];
                }
            }
            let start = turn * GATHERED;
            for (out, line) in out.chunks_exact_mut(stride).zip(gathered.iter()) {
                let end = stride.min(start + GATHERED);
                out[start..end].copy_from_slice(&line[..end - start]);
            }
        }
    }
}

/// Swaps bit i of word j with bit j of word i, for all of them (Warren, Hacker's Delight, section 7-3), in every lane.
fn transpose<const L: usize>(block: &mut [[u64; L]; 64]) {
    let mut width = 32;
    let mut mask = 0x0000_0000_ffff_ffff;
    while width > 0 {
        let mut row = 0;
        while row < 64 {
            let (before, from) = block.split_at_mut(row + width);
            for (a, b) in before[row].iter_mut().zip(&mut from[0]) {
                let swap = ((*a >> width) ^ *b) & mask;
                *a ^= swap << width;
                *b ^= swap;
            }
            row = (row + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

/// The index sets: dealt from shuffled decks of all positions, so that every filter bit is used equally often, and no
/// row holds a position twice.
fn rows(keyed: &Keyed, length: usize, output: usize, weight: usize) -> Zeroizing<Vec<Vec<u16>>> {
    let mut stream = Stream::new(keyed, b"deck");
    let mut deck: Vec<u16> = Vec::new();
    let mut rows = Zeroizing::new(Vec::with_capacity(output));
    for _ in 0..output {
        let mut row: Vec<u16> = deck.drain(..weight.min(deck.len())).collect();
        if row.len() < weight {
            let mut fresh = shuffled(&mut stream, length);
            fresh.retain(|position| {
                let take = row.len() < weight && !row.contains(position);
                if take {
                    row.push(*position);
                }
                !take
            });
            deck = fresh;
        }
        rows.push(row);
    }
    rows
}

/// Fisher-Yates from the end.
pub(super) fn shuffled(stream: &mut Stream<'_>, length: usize) -> Vec<u16> {
    let mut deck: Vec<u16> = (0..length as u16).collect();
    for i in (1..length).rev() {
        let j = stream.below(i + 1);
        deck.swap(i, j);
    }
    deck
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProjectKey;

    fn key() -> ProjectKey {
        ProjectKey::from_bytes(std::array::from_fn(|i| i as u8))
    }

    /// `shared/vectors/native-proposal/p1_vectors.json`, made by an independent implementation in Python.
    #[test]
    fn rows_are_the_oracles() {
        let keyed = key().keyed("demo-2026-01", "diffuse", "");
        let sorted = |row: &[u16]| {
            let mut row = row.to_vec();
            row.sort_unstable();
            row
        };
        let rows = rows(&keyed, 1024, 1024, 10);
        assert_eq!(sorted(&rows[0]), [227, 312, 344, 360, 434, 501, 570, 590, 698, 783]);
        assert_eq!(sorted(&rows[3]), [93, 157, 382, 451, 537, 628, 737, 830, 866, 881]);
        assert_eq!(sorted(&rows[1023]), [14, 89, 195, 233, 293, 437, 616, 624, 657, 835]);
    }

    #[test]
    fn every_bit_is_used_equally_often() {
        let keyed = key().keyed("p", "diffuse", "e");
        for (length, output, weight) in [(64, 100, 10), (1000, 1000, 8), (1024, 4096, 11), (7, 5, 7), (5, 1, 1)] {
            let rows = rows(&keyed, length, output, weight);
            let mut uses = vec![0; length];
            for row in rows.iter() {
                assert_eq!(row.len(), weight);
                row.iter().for_each(|&p| uses[usize::from(p)] += 1);
                let mut distinct = row.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), weight);
            }
            let (least, most) = (uses.iter().min().unwrap(), uses.iter().max().unwrap());
            assert!(most - least <= 2, "{least} to {most}");
        }
    }

    #[test]
    fn outputs_are_sums_over_the_index_sets() {
        let keyed = key().keyed("p", "diffuse", "e");
        for (length, output, weight) in [(130, 67, 5), (64, 64, 1), (1, 1, 1), (1000, 1023, 12), (65, 4096, 3)] {
            let (words, stride) = (usize::div_ceil(length, 64), usize::div_ceil(output, 64));
            let diffusion = Diffusion::new(&keyed, length, output, weight);
            let rows = rows(&keyed, length, output, weight);
            let mut sides = Sides::default();
            for records in [0, 1, 2, 63, 64, 65, 200, TOGETHER] {
                let mut state = 1u64;
                let mut filters: Vec<u64> = Vec::new();
                for i in 0..records * words {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                    let past = if (i + 1) % words == 0 && length % 64 != 0 { 64 - length % 64 } else { 0 };
                    filters.push(state.rotate_left(29) << past >> past);
                }
                let mut out = vec![0; records * stride];
                diffusion.apply(&filters, &mut sides, &mut out);
                for (filter, out) in filters.chunks_exact(words).zip(out.chunks_exact(stride)) {
                    for bit in 0..stride * 64 {
                        let sum = rows.get(bit).map_or(0, |row| {
                            row.iter().fold(0, |sum, &p| sum ^ (filter[usize::from(p) / 64] >> (p % 64) & 1))
                        });
                        assert_eq!(out[bit / 64] >> (bit % 64) & 1, sum, "{length} {output} {weight}: bit {bit}");
                    }
                }
            }
        }
    }
}
