//! What pilots on invented people have in common: chance that can be had again.
#![allow(dead_code, reason = "every program has it as a module of its own, and none uses all of it")]

use sha2::{Digest, Sha256};

/// Chance for one purpose, made from a number: keys, row ids and link ids. Real ones come from the operating system.
pub(crate) fn seed(program: &str, number: u64, purpose: &str) -> [u8; 32] {
    Sha256::digest(format!("{program} {number} {purpose}")).into()
}

/// A hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    Sha256::digest(bytes).into_iter().flat_map(digits).collect()
}

/// Draws that are the same for the same seed.
pub(crate) struct Lots {
    seed: [u8; 32],
    drawn: u64,
}

impl Lots {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Lots { seed, drawn: 0 }
    }

    /// A number in `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.drawn += 1;
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize();
        let mut word = [0; 8];
        word.copy_from_slice(&digest[..8]);
        (u64::from_be_bytes(word) % n.max(1) as u64) as usize
    }
}
