//! Every step against what clkhash 0.18.3 gave: `tests/vectors/clkhash/unit_level.json`.

use serde_json::Value;

use super::encode::fold;
use super::format::TextEncoding;
use super::hash::TokenHasher;
use super::keys::{self, Keys};
use super::schema::{Comparison, Kdf, KdfHash, LinkageSchema, Strategy, TokenHash};
use super::tokens::{Tokens, count};

fn cases(of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/clkhash/unit_level.json")).unwrap();
    all[of].as_array().unwrap().clone()
}

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap_or("").as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A feature as its schema has it, through the reader of schemas.
fn feature(format: &Value, hashing: &Value) -> LinkageSchema {
    let feature = serde_json::json!({ "identifier": "a", "format": format, "hashing": hashing });
    let clk = serde_json::json!({ "l": 1024, "kdf": { "type": "HKDF" } });
    let schema = serde_json::json!({ "version": 3, "clkConfig": clk, "features": [feature] });
    LinkageSchema::from_json(&schema.to_string()).unwrap()
}

#[test]
fn keys_are_clkhashs() {
    for case in cases("kdf") {
        let kdf = Kdf {
            hash: if case["hash"] == "SHA256" { KdfHash::Sha256 } else { KdfHash::Sha512 },
            salt: unhex(&case["salt_hex"]),
            info: unhex(&case["info_hex"]),
            key_size: case["key_size"].as_u64().unwrap() as usize,
        };
        let features = case["num_fields"].as_u64().unwrap() as usize;
        let keys = keys::derive(&kdf, features, case["secret"].as_str().unwrap().as_bytes()).unwrap();
        for (keys, expected) in keys.iter().zip(case["keys_hex"].as_array().unwrap()) {
            assert_eq!((&*keys.first, &*keys.second), (&unhex(&expected[0]), &unhex(&expected[1])));
        }
        assert_eq!(keys.len(), case["keys_hex"].as_array().unwrap().len());
    }
    let kdf = Kdf { hash: KdfHash::Sha256, salt: Vec::new(), info: Vec::new(), key_size: 64 };
    assert!(keys::derive(&kdf, 63, b"secret").is_ok() && keys::derive(&kdf, 64, b"secret").is_err());
}

#[test]
fn tokens_are_clkhashs() {
    for case in cases("tokens") {
        let strategy = serde_json::json!({ "bitsPerToken": 1 });
        let hashing = serde_json::json!({ "comparison": case["comparison"], "strategy": strategy });
        let schema = feature(&serde_json::json!({ "type": "string" }), &hashing);
        let comparison = schema.features()[0].hashing().unwrap().comparison();
        let mut tokens = Tokens::default();
        tokens.read(case["text"].as_str().unwrap(), comparison, TextEncoding::Utf8).unwrap();
        let tokens: Vec<&str> = tokens.iter().map(|token| std::str::from_utf8(token).unwrap()).collect();
        assert_eq!(serde_json::json!(tokens), case["tokens"], "{case}");
    }
    let numeric = Comparison::Numeric { step: 10.into(), resolution: 2, precision: 0 };
    for text in ["abc", "nan", "inf", "1,5", "NA", " ", "1e999", "0x10"] {
        let mut tokens = Tokens::default();
        assert!(tokens.read(text, &numeric, TextEncoding::Utf8).is_err(), "{text:?}");
    }
    let mut tokens = Tokens::default();
    assert!(tokens.read("Zoë", &Comparison::Exact, TextEncoding::Ascii).is_err());
}

#[test]
fn counts_are_clkhashs() {
    for case in cases("strategy") {
        let bits = |key: &str| case["strategy"][key].as_u64().map(|bits| bits as usize);
        let strategy = bits("bitsPerToken").map(Strategy::BitsPerToken);
        let strategy = strategy.or(bits("bitsPerFeature").map(Strategy::BitsPerFeature)).unwrap();
        let tokens = case["num_tokens"].as_u64().unwrap() as usize;
        let counts: Vec<usize> = (0..tokens).map(|i| count(strategy, tokens, i)).collect();
        assert_eq!(serde_json::json!(counts), case["ks"], "{case}");
    }
}

#[test]
fn positions_are_clkhashs() {
    for case in cases("token_hash") {
        let hash = match case["hash"].as_str().unwrap() {
            "blake" => TokenHash::Blake,
            "double" => TokenHash::Double { prevent_singularity: false },
            _ => TokenHash::Double { prevent_singularity: true },
        };
        let [first, second] = [0, 1].map(|i| unhex(&case["keys_hex"][i]).into());
        let [k, length] = ["k", "l"].map(|key| case[key].as_u64().unwrap() as usize);
        let encoding = match case["encoding"].as_str().unwrap() {
            "utf-8" => TextEncoding::Utf8,
            "utf-16" => TextEncoding::Utf16,
            _ => TextEncoding::Utf32,
        };
        let mut tokens = Tokens::default();
        tokens.read(case["token"].as_str().unwrap(), &Comparison::Exact, encoding).unwrap();
        // An empty text has no token; clkhash's hash of one is of what stands before every token.
        let mark: &[u8] = match encoding {
            TextEncoding::Utf16 => &[0xff, 0xfe],
            TextEncoding::Utf32 => &[0xff, 0xfe, 0, 0],
            _ => &[],
        };
        let bytes = tokens.iter().next().unwrap_or(mark).to_vec();
        let mut positions = Vec::new();
        TokenHasher::new(hash, Keys { first, second }, k).positions(&bytes, k, length as u32, |p| positions.push(p));
        assert_eq!(positions.len(), k);
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(serde_json::json!(positions), case["bit_positions"], "{case}");
    }
}

#[test]
fn folds_are_clkhashs() {
    for case in cases("xor_fold") {
        let bits = case["bits"].as_str().unwrap().as_bytes();
        let mut filter = vec![0; bits.len().div_ceil(64)];
        for (bit, _) in bits.iter().enumerate().filter(|&(_, &bit)| bit == b'1') {
            filter[bit / 64] |= 1 << ((bit ^ 7) % 64);
        }
        fold(&mut filter, bits.len(), case["folds"].as_u64().unwrap() as u32);
        let bit = |bit: usize| if filter[bit / 64] >> ((bit ^ 7) % 64) & 1 == 1 { '1' } else { '0' };
        let length = case["folded"].as_str().unwrap().len();
        assert_eq!((0..length).map(bit).collect::<String>(), case["folded"].as_str().unwrap());
        // Nothing stays behind the end.
        assert_eq!((length..filter.len() * 64).filter(|&at| bit(at) == '1').count(), 0);
    }
}
