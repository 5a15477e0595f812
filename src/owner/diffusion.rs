//! Keyed diffusion (Armknecht, Heng & Schnell, PoPETs 2023(2)): each output bit is the sum (XOR) of t secret filter
//! bits. `docs/encoding.md`, section 6.

use zeroize::Zeroizing;

use super::positions::Stream;
use crate::key::Keyed;

/// The index sets of one encoding, as the columns of the linear map: which output bits a filter bit changes.
pub(crate) struct Diffusion {
    /// Words of an output row.
    stride: usize,
    /// `length` columns of `stride` words.
    columns: Zeroizing<Vec<u64>>,
}

impl Diffusion {
    pub(crate) fn new(keyed: &Keyed, length: usize, output: usize, weight: usize) -> Self {
        let stride = output.div_ceil(64);
        let mut columns = Zeroizing::new(vec![0u64; length * stride]);
        for (bit, row) in rows(keyed, length, output, weight).iter().enumerate() {
            for &position in row {
                columns[usize::from(position) * stride + bit / 64] ^= 1 << (bit % 64);
            }
        }
        Diffusion { stride, columns }
    }

    /// Adds the filter's image to `out`, which holds zeros.
    pub(crate) fn apply(&self, filter: &[u64], out: &mut [u64]) {
        for (place, &word) in filter.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                let bit = place * 64 + rest.trailing_zeros() as usize;
                let column = &self.columns[bit * self.stride..(bit + 1) * self.stride];
                for (out, column) in out.iter_mut().zip(column) {
                    *out ^= column;
                }
                rest &= rest - 1;
            }
        }
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
fn shuffled(stream: &mut Stream<'_>, length: usize) -> Vec<u16> {
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
    fn columns_are_the_rows() {
        let keyed = key().keyed("p", "diffuse", "e");
        let (length, output, weight) = (130, 67, 5);
        let filter = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, 0b10];
        let diffusion = Diffusion::new(&keyed, length, output, weight);
        let mut out = vec![0; 2];
        diffusion.apply(&filter, &mut out);
        for (bit, row) in rows(&keyed, length, output, weight).iter().enumerate() {
            let sum = row.iter().fold(0, |sum, &p| sum ^ (filter[usize::from(p) / 64] >> (p % 64) & 1));
            assert_eq!(out[bit / 64] >> (bit % 64) & 1, sum, "bit {bit}");
        }
        assert_eq!(out[1] >> 3, 0, "nothing past the length");
    }
}
