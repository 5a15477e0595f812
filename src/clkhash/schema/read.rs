//! A document becomes a [`LinkageSchema`]: its frame, `clkConfig`, and the rules of the three versions.
//!
//! clkhash checks a document by the rules of its version, rewrites it to the next version, and checks it again by the rules
//! of version 3. Here each version is read by both sets of rules at once, so that a problem has the path of what its author
//! wrote.

use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive, Zero};
use sha2::{Digest, Sha256};

use super::column::{self, Weights};
use super::json::{self, Value};
use super::view::{Integers, Sink, View};
use super::{Feature, Hashing, Kdf, KdfHash, LinkageSchema, TokenHash};
use crate::clkhash::format::TextEncoding;
use crate::error::{ErrorKind, Result};

/// The longest filter before folding, in bits: what is filled for every row.
const MOST_BITS: u64 = 1 << 24;

/// blakeHash reads positions of 16 bits.
const BLAKE_BITS: u64 = 1 << 16;

/// The longest key of BLAKE2b, in bytes.
const BLAKE_KEY: u64 = 64;

const DEFAULT_KEY: u64 = 64;

pub(super) fn read(text: &str) -> Result<LinkageSchema> {
    let whole = json::parse(text).map_err(|problem| ErrorKind::Schema { path: None, problems: vec![problem] })?;
    let sink = Sink::default();
    let schema = document(&View { sink: &sink, node: &whole, path: String::new() });
    let mut problems = sink.problems.into_inner();
    match schema {
        Some(mut schema) if problems.is_empty() => {
            schema.surprises = sink.surprises.into_inner();
            schema.sha256 = crate::hex(&Sha256::digest(text.as_bytes()));
            Ok(schema)
        }
        _ => {
            problems.sort_by_key(|problem| problem.line);
            Err(ErrorKind::Schema { path: None, problems }.into())
        }
    }
}

/// `None` only where a problem was found.
fn document(root: &View<'_>) -> Option<LinkageSchema> {
    root.object()?;
    let version = version(&root.require("version", "1, 2 or 3")?)?;
    root.known(&["version", "clkConfig", "features"]);
    let config = root.require("clkConfig", "an object with l, kdf and, in version 1, k and hash");
    let features = root.require("features", "a list with one entry for each column");
    let config = config.filter(|config| config.object().is_some());
    let entries = features.as_ref().and_then(View::list);
    let (config, features, entries) = (config?, features?, entries?);

    // What Python multiplies must be an integer to Python.
    let length = config.require("l", "the length of a CLK in bits");
    let length = length.and_then(|length| length.integer(Integers::Written, 1, MOST_BITS));
    let folds = folds(&config, version);
    let kdf = config.require("kdf", "an object with type").and_then(|kdf| self::kdf(&kdf));
    let weights = if version == 1 { Some(weights(&config)) } else { None };
    match version {
        1 => config.known(&["l", "k", "kdf", "hash", "xorFolds", "xor_folds"]),
        _ => config.known(&["l", "kdf", "xorFolds", "xor_folds"]),
    }

    if entries.is_empty() {
        features.problem("there must be at least one feature");
    }
    let all: Vec<Option<Feature>> =
        entries.iter().map(|entry| column::feature(entry, version, weights.as_ref())).collect();
    let all: Option<Vec<Feature>> = all.into_iter().collect();
    let (length, folds, kdf, all) = (length?, folds?, kdf?, all?);
    if !sound_together(&config, length, folds, &kdf, &all) {
        return None;
    }
    columns(&features, &entries, &all);
    Some(LinkageSchema {
        version,
        length: length as usize,
        folds,
        kdf,
        features: all,
        surprises: Vec::new(),
        sha256: String::new(),
    })
}

fn version(view: &View<'_>) -> Option<u8> {
    let number = match &view.node.value {
        Value::Integer(value) => value.to_f64(),
        Value::Float(value) => Some(*value),
        _ => None,
    };
    let found = [1u8, 2, 3].into_iter().find(|&version| number == Some(f64::from(version)));
    if found.is_none() {
        view.problem("must be the number 1, 2 or 3");
    }
    found
}

/// The number of folds that clkhash makes, and what it says about those that it does not make.
fn folds(config: &View<'_>, version: u8) -> Option<u32> {
    let integers = if version == 1 { Integers::Written } else { Integers::Whole };
    let documented = config.get("xorFolds");
    let read = match config.get("xor_folds") {
        None => 0,
        Some(view) => match view.node.value {
            // To Python these are 1 and 0.
            Value::Bool(value) => {
                view.surprise("true and false are taken for 1 and 0; write the number");
                u64::from(value)
            }
            _ => view.integer(Integers::Written, 0, 24)?,
        },
    };
    if let Some(view) = documented {
        let sink = Sink::default();
        let number = view.quietly(&sink).any_integer(integers).or_else(|| view.any_integer(integers))?;
        if number < BigInt::ZERO {
            view.problem("must be at least 0");
            return None;
        }
        if number != BigInt::from(read) {
            view.surprise(format!(
                "clkhash checks this key and then ignores it: CLKs are folded {read} times, not {number}. Only `xor_folds`, \
                 which is documented nowhere, folds"
            ));
        }
    }
    Some(read as u32)
}

fn kdf(view: &View<'_>) -> Option<Kdf> {
    view.object()?;
    view.require("type", "write \"HKDF\"")?.word(&[("HKDF", ())])?;
    let hash = view.get("hash").map(|hash| hash.word(&[("SHA256", KdfHash::Sha256), ("SHA512", KdfHash::Sha512)]));
    let salt = view.get("salt").map(|salt| base64(&salt));
    let info = view.get("info").map(|info| base64(&info));
    // What HKDF counts must be an integer to Python.
    let size = view.get("keySize").map(|size| size.integer(Integers::Written, 1, KdfHash::Sha512.most_bytes() as u64));
    view.known(&["type", "hash", "salt", "info", "keySize"]);
    Some(Kdf {
        hash: hash.unwrap_or(Some(KdfHash::Sha256))?,
        salt: salt.unwrap_or(Some(Vec::new()))?,
        info: info.unwrap_or(Some(Vec::new()))?,
        key_size: size.unwrap_or(Some(DEFAULT_KEY))? as usize,
    })
}

/// Python's `base64.b64decode`: other characters are dropped, and what follows a complete padding is not read.
fn base64(view: &View<'_>) -> Option<Vec<u8>> {
    let text = view.text()?;
    if !text.is_ascii() {
        view.problem("must be base64, which is ASCII");
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding, mut dropped) = (0u32, 0, 0, false);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if count >= 2 => {
                padding += 1;
                if count + padding >= 4 {
                    count = 0;
                    break;
                }
                continue;
            }
            _ => {
                dropped |= !byte.is_ascii_whitespace();
                continue;
            }
        };
        padding = 0;
        bits = bits << 6 | u32::from(value);
        count = (count + 1) % 4;
        if count != 1 {
            // Six bits more than the bytes that were written.
            bytes.push((bits >> [0, 0, 4, 2][count]) as u8);
        }
    }
    if count != 0 {
        view.problem(if count == 1 {
            "is no base64: a character is missing"
        } else {
            "is no base64: its padding is wrong"
        });
        return None;
    }
    if dropped {
        view.surprise("characters that are no base64 are dropped before it is read");
    }
    Some(bytes)
}

/// What features of version 1 share.
fn weights(config: &View<'_>) -> Weights {
    let k = config.require("k", "how many positions a token gets").and_then(|k| {
        let number = k.any_integer(Integers::Written)?;
        if number < BigInt::from(1) {
            k.problem("must be at least 1");
            return None;
        }
        Some(number)
    });
    let hash = config.require("hash", "an object with type").and_then(|hash| {
        let read = column::token_hash(&hash, true);
        read.map(|_| hash.node)
    });
    Weights { k, hash: hash.is_some(), config: config.get("hash").map(|hash| (hash.node.clone(), hash.path)) }
}

/// Round half to even, as Python's `round`. `None` where the number is not finite.
pub(super) fn round(number: f64) -> Option<BigInt> {
    BigInt::from_f64(number.round_ties_even())
}

/// `weight` × `k`, rounded, as Python multiplies; `None` where it cannot.
pub(super) fn weighted(weight: &Value, k: &BigInt) -> Option<BigInt> {
    match weight {
        Value::Integer(weight) => Some(weight * k),
        Value::Float(weight) => k.to_f64().filter(|k| k.is_finite()).and_then(|k| round(weight * k)),
        _ => None,
    }
}

/// Whether a weight makes its feature an ignored one.
pub(super) fn is_zero(weight: &Value) -> bool {
    match weight {
        Value::Integer(weight) => weight.is_zero(),
        Value::Float(weight) => *weight == 0.0,
        _ => false,
    }
}

/// What clkhash finds out with the first row, and what no row is needed for.
fn sound_together(config: &View<'_>, length: u64, folds: u32, kdf: &Kdf, features: &[Feature]) -> bool {
    let before = config.sink.problems.borrow().len();
    let bits = length << folds;
    let (l, keys) = (config.get("l"), config.get("kdf"));
    let (Some(l), Some(keys)) = (l, keys) else { return false };
    if bits > MOST_BITS {
        l.problem(format!("the filter has l × 2^{folds} bits; more than {MOST_BITS} are not supported here"));
    }
    let hashed = || features.iter().filter_map(Feature::hashing);
    let blake = hashed().any(|hashing| hashing.hash == TokenHash::Blake);
    if blake && !bits.is_power_of_two() {
        l.problem(format!("blakeHash needs a filter whose length is a power of two; this one has {bits} bits"));
    }
    if blake && kdf.key_size as u64 > BLAKE_KEY {
        keys.problem(format!("blakeHash takes keys of at most {BLAKE_KEY} bytes; keySize is {}", kdf.key_size));
    }
    let (wanted, most) = (2 * features.len() * kdf.key_size, kdf.hash.most_bytes());
    if wanted > most {
        keys.problem(format!(
            "HKDF with this hash gives at most {most} bytes, and {} features (ignored ones too) need {wanted}: two keys of \
             {} bytes each",
            features.len(),
            kdf.key_size
        ));
    }
    if blake && bits > BLAKE_BITS {
        l.surprise(format!(
            "blakeHash reaches the first {BLAKE_BITS} of the filter's {bits} bits only; the others stay empty"
        ));
    }
    config.sink.problems.borrow().len() == before
}

/// What surprises about the features as a whole.
fn columns(view: &View<'_>, entries: &[View<'_>], features: &[Feature]) {
    for (i, feature) in features.iter().enumerate() {
        if features[..i].iter().any(|other| other.identifier == feature.identifier) {
            entries[i].surprise("another feature has the same identifier");
        }
        let wide = |hashing: &Hashing| matches!(hashing.format.encoding(), TextEncoding::Utf16 | TextEncoding::Utf32);
        if feature.hashing().is_some_and(wide) {
            entries[i].surprise(
                "utf-16 and utf-32 put a byte order mark before every token; clkhash on a big-endian machine makes other CLKs",
            );
        }
    }
    // An id before all others is what most schemas begin with.
    let hashed = |feature: &Feature| feature.hashing.is_some();
    let first = features.iter().position(hashed).unwrap_or(0);
    let last = features.iter().rposition(hashed).unwrap_or(0);
    if features[first..=last].iter().any(|feature| feature.hashing.is_none()) {
        view.surprise(
            "ignored features before others take keys too: to remove, add or move one changes all bits of the features after it",
        );
    }
}
