//! Keyed streams: from a token to positions in a filter. `docs/encoding.md`, section 5.
//!
//! Every token has an independent HMAC-SHA256 stream. Double hashing would be faster and can be enumerated without the
//! key (Niedermeyer, Steinmetzer, Kroll & Schnell 2014).

use hmac::Mac;

use crate::key::Keyed;

/// HMAC-SHA256 in counter mode: `HMAC(key, be32(counter) ‖ message)` for counter 0, 1, 2, … read as big-endian 32-bit
/// words.
pub(crate) struct Stream<'a> {
    keyed: &'a Keyed,
    message: &'a [u8],
    counter: u32,
    block: [u8; 32],
    used: usize,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(keyed: &'a Keyed, message: &'a [u8]) -> Self {
        Stream { keyed, message, counter: 0, block: [0; 32], used: 32 }
    }

    /// The next word.
    pub(crate) fn word(&mut self) -> u32 {
        if self.used == 32 {
            // Cloning the keyed state spares the two compressions that keying costs.
            let mut mac = self.keyed.clone();
            mac.update(&self.counter.to_be_bytes());
            mac.update(self.message);
            self.block = mac.finalize().into_bytes().into();
            self.counter += 1;
            self.used = 0;
        }
        let word = &self.block[self.used..self.used + 4];
        self.used += 4;
        u32::from_be_bytes([word[0], word[1], word[2], word[3]])
    }

    /// The first two words as one number, before anything was drawn.
    pub(crate) fn order(&mut self) -> u64 {
        let order = u64::from(self.word()) << 32 | u64::from(self.word());
        self.used = 0;
        order
    }

    /// A number below `n`, uniform: words from the last, incomplete multiple of `n` on are passed over.
    ///
    /// `n` is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let limit = (1u64 << 32) / n as u64 * n as u64;
        loop {
            let word = u64::from(self.word());
            if word < limit {
                return (word % n as u64) as usize;
            }
        }
    }

    /// Goes on drawing until `positions` holds `count` distinct numbers below `m`. Asking for fewer gives the beginning
    /// of the same list. `count` is at most `m`.
    pub(crate) fn distinct(&mut self, count: usize, m: usize, positions: &mut Vec<u16>) {
        debug_assert!(count <= m && m <= 1 << 16);
        while positions.len() < count {
            let position = self.below(m) as u16;
            if !positions.contains(&position) {
                positions.push(position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProjectKey;

    /// `shared/vectors/native-proposal/p1_vectors.json`, made by an independent implementation in Python.
    #[test]
    fn positions_are_the_oracles() {
        let keyed = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8)).keyed("demo-2026-01", "clk", "surname");
        let expected: [(&str, usize, [u16; 10]); 4] = [
            ("HU", 1024, [1011, 234, 251, 434, 270, 1000, 415, 638, 1012, 649]),
            ("HU", 1000, [523, 458, 459, 130, 990, 736, 127, 558, 788, 977]),
            ("\u{1}H", 512, [443, 82, 510, 400, 252, 40, 305, 26, 219, 340]),
            ("É ", 1024, [945, 440, 684, 250, 880, 836, 689, 782, 1010, 527]),
        ];
        for (token, m, list) in expected {
            let mut positions = Vec::new();
            Stream::new(&keyed, token.as_bytes()).distinct(10, m, &mut positions);
            assert_eq!(positions, list, "{token} in {m}");
            let mut fewer = Vec::new();
            Stream::new(&keyed, token.as_bytes()).distinct(4, m, &mut fewer);
            assert_eq!(fewer, list[..4], "a prefix");
        }
    }

    /// A word from the last, incomplete multiple of m on is passed over: the third of this message is 0xfffff60c.
    #[test]
    fn words_beyond_the_last_multiple_are_rejected() {
        use hmac::KeyInit;
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let keyed = Keyed::new_from_slice(&key).unwrap();
        let mut stream = Stream::new(&keyed, b"83918");
        let drawn: Vec<usize> = (0..7).map(|_| stream.below(4056)).collect();
        assert_eq!(drawn, [1639, 951, 3606, 2396, 3392, 15, 1134]);
    }

    #[test]
    fn every_position_where_all_are_asked_for() {
        let keyed = ProjectKey::from_bytes([3; 32]).keyed("p", "clk", "f");
        let mut positions = Vec::new();
        Stream::new(&keyed, b"x").distinct(64, 64, &mut positions);
        positions.sort_unstable();
        assert_eq!(positions, (0..64).collect::<Vec<u16>>());
    }
}
