//! Hash tables from short byte strings to numbers, for texts and tokens that come again and again.
//!
//! Open addressing; keys are packed into words and stand in the slots themselves, so that a look-up touches one place in
//! memory. A table grows into a new allocation and the old one is wiped, as is the last when it is dropped: what is in
//! here are names.

use zeroize::Zeroizing;

/// How many slots a table has at first.
const FIRST: usize = 64;

/// Odd numbers with as many ones as zeros, as wyhash has them.
const MIX: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];

/// The longest text that [`key`] packs, in bytes.
pub(crate) const MOST_BYTES: usize = 24;

/// A table whose slots have `N` words: the key's, and one for the number, which is not 0 and below 2^32, and what else
/// tells keys apart, in its upper half.
pub(crate) struct Table<const N: usize> {
    slots: Zeroizing<Vec<[u64; N]>>,
    used: usize,
}

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Table { slots: Zeroizing::new(vec![[0; N]; FIRST]), used: 0 }
    }
}

impl<const N: usize> Table<N> {
    /// The number of a key, whose last word has nothing in its lower half.
    #[inline]
    pub(crate) fn get(&self, key: [u64; N]) -> Option<u32> {
        let found = self.slots[self.place(key)][N - 1] as u32;
        (found != 0).then_some(found)
    }

    /// Adds a key that is not there.
    pub(crate) fn add(&mut self, key: [u64; N], number: u32) {
        debug_assert!(number != 0 && self.get(key).is_none());
        if (self.used + 1) * 2 > self.slots.len() {
            let slots = Zeroizing::new(vec![[0; N]; self.slots.len() * 2]);
            let old = std::mem::replace(&mut self.slots, slots);
            for slot in old.iter().filter(|slot| slot[N - 1] as u32 != 0) {
                let mut key = *slot;
                key[N - 1] = key[N - 1] >> 32 << 32;
                let place = self.place(key);
                self.slots[place] = *slot;
            }
        }
        let place = self.place(key);
        self.slots[place] = key;
        self.slots[place][N - 1] |= u64::from(number);
        self.used += 1;
    }

    /// Where the key stands, or the free slot where it would.
    #[inline]
    fn place(&self, key: [u64; N]) -> usize {
        // The number of slots is a power of two, and half of them are free.
        let last = self.slots.len() - 1;
        let mut place = hash(&key) as usize & last;
        loop {
            let slot = &self.slots[place];
            // Word by word: comparing slices would send a key that stands in registers through memory.
            let other = (0..N - 1).fold((slot[N - 1] ^ key[N - 1]) >> 32, |other, i| other | (slot[i] ^ key[i]));
            if other == 0 || slot[N - 1] as u32 == 0 {
                return place;
            }
            place = (place + 1) & last;
        }
    }
}

/// Folded products (Wang Yi's wyhash, without its seed: the tables are small, and filled by the owner alone).
#[inline]
fn hash(key: &[u64]) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    key.iter().fold(MIX[0], |hash, word| fold(hash ^ word, MIX[1]))
}

/// A text of at most [`MOST_BYTES`] bytes as a key: its bytes, some of them twice, and its length.
#[inline]
pub(crate) fn key(text: &[u8]) -> Option<[u64; 4]> {
    let length = (text.len() as u64) << 32;
    let word = |start: usize| text[start..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let last = text.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Some(match text.len() {
        0 => [0, 0, 0, length],
        1..4 => {
            let [first, middle, last] = [text[0], text[text.len() / 2], text[text.len() - 1]].map(u64::from);
            [first | middle << 8 | last << 16, 0, 0, length]
        }
        4..8 => {
            let half = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
            [half(text.first_chunk()) | half(text.last_chunk()) << 32, 0, 0, length]
        }
        8..17 => [word(0), last, 0, length],
        17..=MOST_BYTES => [word(0), word(8), last, length],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_remembers_all_and_nothing_else() {
        let mut table = Table::<4>::default();
        let text = |n: u32| "x".repeat(n as usize % 20) + &n.to_string();
        for n in 1..5000 {
            let key = key(text(n).as_bytes()).unwrap();
            assert_eq!(table.get(key), None);
            table.add(key, n);
        }
        for n in 1..5000 {
            assert_eq!(table.get(key(text(n).as_bytes()).unwrap()), Some(n));
            assert_eq!(table.get(key(text(n + 5000).as_bytes()).unwrap()), None);
        }
        assert_eq!(table.get([0; 4]), None);
        table.add([0; 4], 7);
        assert_eq!(table.get([0; 4]), Some(7));
    }

    #[test]
    fn keys_differ_where_texts_do() {
        let mut keys = std::collections::HashMap::new();
        for length in 0..=MOST_BYTES {
            for place in 0..=length {
                let mut text = vec![b'a'; length];
                // One other byte, or none.
                if let Some(byte) = text.get_mut(place) {
                    *byte = 0;
                }
                let before = keys.insert(key(&text).unwrap(), text.clone());
                assert!(before.is_none_or(|before| before == text));
            }
        }
        assert_eq!(key(&[b'a'; MOST_BYTES + 1]), None);
    }
}
