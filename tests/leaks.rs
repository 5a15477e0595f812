//! Nothing leaks by accident: every program and the library over people whose values can be recognised anywhere, with files
//! that are whole and files that are broken, and a search through all that comes out.
//!
//! What comes out: both streams of every program, every file that it leaves, every error in each of its forms, every
//! `Debug`, what panics say. What is searched: values, own ids, keys, seeds, in clear and as somebody would encode them
//! without thinking. Bigrams and positions are not: that is what `audit` is for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::items_after_statements,
    clippy::needless_borrows_for_generic_args,
    clippy::semicolon_if_nothing_returned,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(
    feature = "anonlink",
    feature = "audit",
    feature = "clkhash",
    feature = "evaluate",
    feature = "seal",
    feature = "study",
    feature = "synth"
))]

#[path = "leaks/clkhash.rs"]
mod clkhash;
#[path = "helpers/helpers.rs"]
mod helpers;
#[path = "leaks/library.rs"]
mod library;
#[path = "helpers/markers.rs"]
mod markers;
#[path = "leaks/people.rs"]
mod people;
#[path = "leaks/programs.rs"]
mod programs;
#[path = "leaks/research.rs"]
mod research;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use markers::{Markers, hex};
use people::{markers, secret};

/// A search that finds nothing because it cannot find anything is worth nothing.
#[test]
fn the_search_finds_what_was_planted() {
    let markers = markers();
    let all = people::VALUES.iter().map(|(_, value)| value.to_string()).chain([people::person(7).nhs_number]);
    let mut planted = 0;
    for value in all {
        let mut plant = |form: &str, text: &[u8]| {
            for (before, after) in [("", ""), ("{\"x\":\"", "\"}"), ("ab", "cd"), ("row 3: ", " is wrong\n")] {
                let text = [before.as_bytes(), text, after.as_bytes()].concat();
                assert!(
                    !markers.find(&text).is_empty(),
                    "{value} {form} is not found in {:?}",
                    String::from_utf8_lossy(&text)
                );
                planted += 1;
            }
        };
        let bare: String = value.chars().filter(|c| c.is_alphanumeric()).collect::<String>().replace('á', "a");
        for text in [value.clone(), value.to_uppercase(), value.to_lowercase(), bare.clone(), bare.to_uppercase()] {
            if text.len() < 6 {
                continue;
            }
            let bytes = text.as_bytes();
            plant("as it is", bytes);
            plant("backwards", text.chars().rev().collect::<String>().as_bytes());
            plant("in hexadecimal", hex(bytes).as_bytes());
            plant("in capital hexadecimal", hex(bytes).to_uppercase().as_bytes());
            for behind in ["", "x", "xy", "xyz"] {
                plant("in base64", STANDARD.encode([behind.as_bytes(), bytes, b"~?"].concat()).as_bytes());
                plant("in base64 for addresses", URL_SAFE.encode([behind.as_bytes(), bytes].concat()).as_bytes());
            }
            plant("as bytes", format!("{bytes:?}").as_bytes());
            plant("as bytes on lines", format!("{bytes:#?}").as_bytes());
            plant("as hexadecimal bytes", format!("{bytes:x?}").as_bytes());
            plant("quoted", format!("{text:?}").as_bytes());
            plant("as JSON", serde_json::to_string(&text).unwrap().as_bytes());
            plant("in UTF-16", &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
            plant("in UTF-16, the other way", &text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
            plant("escaped", text.escape_default().to_string().as_bytes());
        }
    }
    assert!(planted > 1000);
    for (word, _) in people::WORDS {
        for text in [format!("year: {word}"), format!("({word})"), word.to_uppercase()] {
            assert_eq!(markers.find(text.as_bytes()).len(), 1, "{text}");
        }
        assert!(markers.find(format!("a{word}b").as_bytes()).is_empty());
    }

    // Secrets, and each half of one.
    let secret = secret("project key");
    for piece in [&secret[..], &secret[..16], &secret[16..], &secret[7..30]] {
        let forms = [
            piece.to_vec(),
            hex(piece).into_bytes(),
            hex(piece).to_uppercase().into_bytes(),
            STANDARD.encode(piece).into_bytes(),
            STANDARD.encode([b"x", piece].concat()).into_bytes(),
            URL_SAFE.encode([b"xy", piece].concat()).into_bytes(),
            format!("{piece:?}").into_bytes(),
            format!("{piece:#?}").into_bytes(),
            format!("{piece:02x?}").into_bytes(),
        ];
        for form in forms {
            assert!(!markers.find(&form).is_empty(), "{:?}", String::from_utf8_lossy(&form));
        }
    }

    // And nothing else.
    let harmless = "row 3 (line 4), date_of_birth: is no date; 1988-01-01, ZQ, anthe, 943476";
    assert!(markers.find(harmless.as_bytes()).is_empty());
    assert!(markers.find(include_bytes!("../examples/schemas/uk_person.toml")).is_empty());
    let mut random = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    })
    .take(1 << 20)
    .collect();
    for text in [noise.clone(), hex(&noise).into_bytes(), STANDARD.encode(&noise).into_bytes()] {
        assert!(markers.find(&text).is_empty(), "{:?}", markers.find(&text));
    }
}

/// Fails, naming what was found and where, and not showing it.
#[track_caller]
pub(crate) fn clean(markers: &Markers, place: &str, bytes: &[u8]) {
    let found = markers.find(bytes);
    assert!(found.is_empty(), "{place}: {found:?}");
}
