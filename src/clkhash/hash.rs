//! From a token's bytes to positions in the filter.

use std::ops::ControlFlow;

use blake2::Blake2bMac512;
use blake2::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::keys::Keys;
use super::schema::TokenHash;

/// How many 16-bit numbers a digest of BLAKE2b holds.
const IN_DIGEST: usize = 32;

/// The keyed states that are kept; further ones are made when they are needed.
const MOST_STATES: usize = 16;

/// The hash of one feature.
pub(super) enum TokenHasher {
    /// Double hashing: the i-th position is a + i·b, from HMAC-SHA1 and HMAC-MD5 as big-endian numbers (Schnell, Bachteler &
    /// Reiher 2009, after Kirsch & Mitzenmacher 2006).
    Double { sha1: Hmac<Sha1>, md5: Hmac<Md5>, prevent_singularity: bool },
    /// BLAKE2b (RFC 7693), keyed; its salt counts the digests.
    Blake { key: Zeroizing<Vec<u8>>, states: Vec<Blake2bMac512> },
}

impl TokenHasher {
    /// `most` is the greatest number of positions that a token may get.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(super) fn new(hash: TokenHash, keys: Keys, most: usize) -> Self {
        match hash {
            TokenHash::Double { prevent_singularity } => TokenHasher::Double {
                sha1: Hmac::new_from_slice(&keys.first).expect("HMAC takes keys of any length"),
                md5: Hmac::new_from_slice(&keys.second).expect("HMAC takes keys of any length"),
                prevent_singularity,
            },
            TokenHash::Blake => {
                let states = most.div_ceil(IN_DIGEST).min(MOST_STATES);
                TokenHasher::Blake { states: (0..states).map(|n| state(&keys.first, n)).collect(), key: keys.first }
            }
        }
    }

    /// The first `count` positions of a token in a filter of `length` bits, some of them perhaps twice.
    pub(super) fn positions(&self, token: &[u8], count: usize, length: u32, mut take: impl FnMut(u32)) {
        match self {
            TokenHasher::Double { sha1, md5, prevent_singularity } => {
                let digest = |after: &[u8]| {
                    let mut mac = md5.clone();
                    mac.update(token);
                    mac.update(after);
                    remainder(&mac.finalize().into_bytes(), length)
                };
                let mut step = digest(&[]);
                if *prevent_singularity && step == 0 {
                    // A filter of one bit has no step but 0; clkhash looks for one through all code points, and fails.
                    let mut code_points = (0..=char::MAX as u32).filter_map(char::from_u32);
                    let _ = code_points.try_for_each(|c| {
                        step = digest(c.encode_utf8(&mut [0; 4]).as_bytes());
                        if step == 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                    });
                }
                let mut mac = sha1.clone();
                mac.update(token);
                let mut position = u64::from(remainder(&mac.finalize().into_bytes(), length));
                for _ in 0..count {
                    take(position as u32);
                    position = (position + u64::from(step)) % u64::from(length);
                }
            }
            TokenHasher::Blake { key, states } => {
                for n in 0..count.div_ceil(IN_DIGEST) {
                    let mut state = states.get(n).cloned().unwrap_or_else(|| state(key, n));
                    blake2::digest::Update::update(&mut state, token);
                    let digest = state.finalize_fixed();
                    let (numbers, _) = digest.as_chunks::<2>();
                    for number in numbers.iter().take(count - n * IN_DIGEST) {
                        take(u32::from(u16::from_le_bytes(*number)) & (length - 1));
                    }
                }
            }
        }
    }
}

/// BLAKE2b for the n-th digest: its salt is the number in decimal digits.
#[expect(clippy::expect_used, reason = "the schema has checked the key's length; a number has at most 16 digits")]
fn state(key: &[u8], n: usize) -> Blake2bMac512 {
    let salt = n.to_string();
    Blake2bMac512::new_with_salt_and_personal(Some(key), salt.as_bytes(), &[]).expect("a key of 1 to 64 bytes")
}

/// A big-endian number modulo a length.
fn remainder(digest: &[u8], length: u32) -> u32 {
    let length = u64::from(length);
    let (words, _) = digest.as_chunks::<4>();
    words.iter().fold(0, |rest, word| (rest << 32 | u64::from(u32::from_be_bytes(*word))) % length) as u32
}
