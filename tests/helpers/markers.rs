//! A search for values and secrets that must not be somewhere, in the forms in which they could get there.
#![allow(dead_code, unreachable_pub, reason = "every test file has it as a module of its own, and none uses all of it")]

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Where a form of a marker is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// In the bytes as they are, and in those without white space.
    Exact,
    /// In these in small letters.
    Folded,
    /// As `Folded`, where no letter or digit stands beside it: for words too short to be searched anywhere.
    Word,
}

struct Needle {
    /// What it is, without its value, and in which form.
    what: String,
    bytes: Vec<u8>,
    place: In,
}

/// What is searched.
#[derive(Default)]
pub struct Markers {
    needles: Vec<Needle>,
    /// Places in `needles` by their first bytes, by where they are searched.
    starts: [HashMap<[u8; START], Vec<usize>>; 2],
}

const START: usize = 3;

/// Shorter ones would be found by chance.
const LEAST: usize = 6;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digits of base64 that depend on nothing but these bytes, behind so many other bytes.
fn inner_base64(bytes: &[u8], behind: usize, engine: &impl Engine) -> Vec<u8> {
    let text = engine.encode([&vec![0; behind][..], bytes].concat()).into_bytes();
    let (start, end) = ((behind * 8).div_ceil(6), (behind + bytes.len()) * 8 / 6);
    text[start..end].to_vec()
}

impl Markers {
    /// A value of a record, or the part that many have in common: as it is written, in small and in capital letters, without
    /// accents and punctuation, backwards, and each of these in hexadecimal, base64, UTF-16, as a list of bytes and escaped.
    pub fn value(&mut self, what: &str, value: &str) {
        let bare: String = value.chars().filter(|c| c.is_alphanumeric()).map(plain).collect();
        let joined = value.split_whitespace().collect();
        let forms: BTreeSet<String> = [value.to_owned(), joined, bare]
            .into_iter()
            .filter(|form| form.len() >= LEAST)
            .flat_map(|form| [form.to_lowercase(), form.to_uppercase(), form])
            .flat_map(|form| [form.chars().rev().collect(), form])
            .collect();
        assert!(!forms.is_empty(), "{what} is too short to be searched");
        for form in forms {
            self.add(what, "as text", form.to_ascii_lowercase().into_bytes(), In::Folded);
            self.add(what, "escaped", form.escape_default().to_string().to_ascii_lowercase().into_bytes(), In::Folded);
            let json =
                form.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) });
            self.add(what, "escaped", json.collect::<String>().to_ascii_lowercase().into_bytes(), In::Folded);
            let wide: Vec<u16> = form.to_ascii_lowercase().encode_utf16().collect();
            self.add(what, "in UTF-16", wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(), In::Folded);
            self.add(what, "in UTF-16", wide.iter().flat_map(|unit| unit.to_be_bytes()).collect(), In::Folded);
            self.bytes(what, form.as_bytes());
        }
    }

    /// A short word: as it is written, between others.
    pub fn word(&mut self, what: &str, word: &str) {
        self.add(what, "as a word", word.to_lowercase().into_bytes(), In::Word);
    }

    /// A secret: its bytes, in pieces, so that half of it is found too.
    pub fn secret(&mut self, what: &str, bytes: &[u8]) {
        assert!(bytes.len() >= 16, "{what} is too short for a secret");
        for piece in bytes.windows(12).step_by(5) {
            self.add(what, "raw", piece.to_vec(), In::Exact);
            self.bytes(what, piece);
        }
    }

    /// The forms that do not depend on what the bytes mean.
    fn bytes(&mut self, what: &str, bytes: &[u8]) {
        self.add(what, "in hexadecimal", hex(bytes).into_bytes(), In::Folded);
        let list = |form: fn(&u8) -> String| bytes.iter().map(form).collect::<Vec<_>>().join(",").into_bytes();
        self.add(what, "as a list of bytes", list(ToString::to_string), In::Folded);
        self.add(what, "as a list of bytes", list(|byte| format!("{byte:x}")), In::Folded);
        self.add(what, "as a list of bytes", list(|byte| format!("{byte:02x}")), In::Folded);
        self.add(what, "as a list of bytes", list(|byte| format!("0x{byte:02x}")), In::Folded);
        for behind in 0..3 {
            self.add(what, "in base64", inner_base64(bytes, behind, &STANDARD_NO_PAD), In::Exact);
            self.add(what, "in base64", inner_base64(bytes, behind, &URL_SAFE_NO_PAD), In::Exact);
        }
    }

    fn add(&mut self, what: &str, form: &str, bytes: Vec<u8>, place: In) {
        let number = self.needles.len();
        let start = *bytes.first_chunk::<START>().expect("markers are long enough");
        self.starts[usize::from(place != In::Exact)].entry(start).or_default().push(number);
        self.needles.push(Needle { what: format!("{what} {form}"), bytes, place });
    }

    /// What stands in these bytes; never its value.
    pub fn find(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let joined: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let mut found = BTreeSet::new();
        // A list of bytes or a long text may have been broken into lines; short words would be found across spaces.
        for (text, spaced) in [(bytes, true), (&joined, false)] {
            for (starts, text) in [(&self.starts[0], text.to_vec()), (&self.starts[1], text.to_ascii_lowercase())] {
                let begins = |start: &[u8]| usize::from(u16::from_le_bytes([start[0], start[1]]));
                let mut any = vec![false; 1 << 16];
                starts.keys().for_each(|start| any[begins(start)] = true);
                for (at, start) in text.windows(START).enumerate().filter(|(_, start)| any[begins(start)]) {
                    for &number in starts.get(start).into_iter().flatten() {
                        let Needle { what, bytes, place } = &self.needles[number];
                        let whole = || {
                            let (before, after) =
                                (at.checked_sub(1).map(|i| text[i]), text.get(at + bytes.len()).copied());
                            ![before, after].iter().flatten().any(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b))
                        };
                        if text[at..].starts_with(bytes) && (*place != In::Word || spaced && whole()) {
                            found.insert(what.as_str());
                        }
                    }
                }
            }
        }
        found
    }

    /// How many forms there are.
    pub fn len(&self) -> usize {
        self.needles.len()
    }
}

/// A letter without its accent, for the letters that these tests use.
fn plain(letter: char) -> char {
    match letter {
        'á' => 'a',
        'Á' => 'A',
        'é' => 'e',
        'É' => 'E',
        other => other,
    }
}
