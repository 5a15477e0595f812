//! Double metaphone (Philips, C/C++ Users Journal, June 2000): how a name may sound, in two codes.
//!
//! Which of its many variants: the one of Python's `metaphone` 0.6, which blocklib calls. Where that one is odd, so is this:
//! a sign that it has no rule for (an apostrophe, a digit, a letter of another script) repeats the sound before it.

use std::sync::LazyLock;

use fancy_regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What stands for a letter and how far to go on. The second text is the other way to say it.
#[derive(Clone, Copy)]
struct Sound(&'static str, &'static str, usize);

const fn same(sound: &'static str, letters: usize) -> Sound {
    Sound(sound, sound, letters)
}

/// How many letters there are, where the next may be the same letter again.
fn doubled(double: bool) -> usize {
    if double { 2 } else { 1 }
}

/// Both codes of a name. The second is empty where it is the first.
pub(super) fn double_metaphone(text: &str) -> (String, String) {
    let word = Word::new(text);
    let (mut first, mut second) = (String::new(), String::new());
    let mut at = 0;
    if word.any(0, &["GN", "KN", "PN", "WR", "PS"]) {
        at += 1;
    }
    if word.at(0) == 'X' {
        first.push('S');
        second.push('S');
        at += 1;
    }
    let mut sound = same("", 1);
    while at < word.end {
        if word.at(at) == ' ' {
            at += 1;
            continue;
        }
        // Nothing said: what was said before is said again.
        sound = word.sound(at).unwrap_or(sound);
        first.push_str(sound.0);
        second.push_str(sound.1);
        at += sound.2 as isize;
    }
    if first == second {
        second.clear();
    }
    (first, second)
}

/// A word in capitals without accents. Places count from its first letter; around it are dashes.
struct Word {
    letters: Vec<char>,
    end: isize,
    /// Looks Slavic or Germanic.
    slavic: bool,
}

impl Word {
    fn new(text: &str) -> Self {
        let upper: String = text
            .chars()
            .map(|c| if matches!(c, 'Ç' | 'ç') { 's' } else { c })
            .nfd()
            .filter(|&c| !(is_combining_mark(c) && is_nonspacing(c)))
            .flat_map(char::to_uppercase)
            .collect();
        let slavic = ["W", "K", "CZ", "WITZ"].iter().any(|sign| upper.contains(sign));
        let letters: Vec<char> = upper.chars().collect();
        Word { end: letters.len() as isize, letters, slavic }
    }

    fn at(&self, place: isize) -> char {
        usize::try_from(place).ok().and_then(|place| self.letters.get(place)).copied().unwrap_or('-')
    }

    fn is(&self, place: isize, text: &str) -> bool {
        text.chars().zip(place..).all(|(c, place)| self.at(place) == c)
    }

    fn any(&self, place: isize, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(place, text))
    }

    fn one_of(&self, place: isize, letters: &str) -> bool {
        letters.contains(self.at(place))
    }

    fn vowel(&self, place: isize) -> bool {
        self.one_of(place, "AEIOUY")
    }

    fn last(&self, place: isize) -> bool {
        place == self.end - 1
    }

    fn germanic(&self) -> bool {
        self.any(0, &["VAN ", "VON ", "SCH"])
    }

    /// `None`: there is no rule for it.
    fn sound(&self, at: isize) -> Option<Sound> {
        let twice = |others: &str| doubled(self.one_of(at + 1, others));
        Some(match self.at(at) {
            'A' | 'E' | 'I' | 'O' | 'U' | 'Y' => same(if at == 0 { "A" } else { "" }, 1),
            'B' => same("P", twice("B")),
            'C' => self.c(at),
            'D' => self.d(at),
            'F' => same("F", twice("F")),
            'G' => return self.g(at),
            'H' if (at == 0 || self.vowel(at - 1)) && self.vowel(at + 1) => same("H", 2),
            'H' => same("", 1),
            'J' => self.j(at),
            'K' => same("K", twice("K")),
            'L' => self.l(at),
            'M' => {
                let silent_b = self.is(at + 1, "UMB") && (self.last(at + 1) || self.is(at + 2, "ER"));
                same("M", doubled(silent_b || self.at(at + 1) == 'M'))
            }
            'N' => same("N", twice("N")),
            'P' if self.at(at + 1) == 'H' => same("F", 2),
            'P' => same("P", twice("PB")),
            'Q' => same("K", twice("Q")),
            'R' => {
                let french = self.last(at) && !self.slavic && self.is(at - 2, "IE") && !self.any(at - 4, &["ME", "MA"]);
                Sound(if french { "" } else { "R" }, "R", twice("R"))
            }
            'S' => self.s(at),
            'T' => self.t(at),
            'V' => same("F", twice("V")),
            'W' => self.w(at),
            'X' => {
                let french = self.last(at) && (self.any(at - 3, &["IAU", "EAU"]) || self.any(at - 2, &["AU", "OU"]));
                same(if french { "" } else { "KS" }, twice("CX"))
            }
            'Z' => self.z(at),
            _ => return None,
        })
    }

    fn c(&self, at: isize) -> Sound {
        let bach = at > 1 && !self.vowel(at - 2) && self.is(at - 1, "ACH");
        if bach && !self.one_of(at + 2, "I") && (!self.one_of(at + 2, "E") || self.any(at - 2, &["BACHER", "MACHER"])) {
            return same("K", 2);
        }
        if at == 0 && self.is(0, "CAESAR") {
            return same("S", 2);
        }
        if self.is(at, "CHIA") {
            return same("K", 2);
        }
        if self.is(at, "CH") {
            return self.ch(at);
        }
        // Czerny, but not Wiczek.
        if self.is(at, "CZ") && !self.is(at - 2, "WICZ") {
            return Sound("S", "X", 2);
        }
        if self.is(at + 1, "CIA") {
            return same("X", 3);
        }
        if self.is(at, "CC") && !(at == 1 && self.at(0) == 'M') {
            // Bellocchio, but not Bacchus.
            if !self.one_of(at + 2, "IEH") || self.is(at + 2, "HU") {
                return same("K", 2);
            }
            let accident = (at == 1 && self.at(0) == 'A') || self.any(at - 1, &["UCCEE", "UCCES"]);
            return same(if accident { "KS" } else { "X" }, 3);
        }
        if self.any(at, &["CK", "CG", "CQ"]) {
            return same("K", 2);
        }
        if self.any(at, &["CI", "CE", "CY"]) {
            return Sound("S", if self.any(at, &["CIO", "CIE", "CIA"]) { "X" } else { "S" }, 2);
        }
        // Mac Caffrey, Mac Gregor.
        if self.any(at + 1, &[" C", " Q", " G"]) {
            return same("K", 3);
        }
        same("K", doubled(self.one_of(at + 1, "CKQ") && !self.any(at + 1, &["CE", "CI"])))
    }

    fn ch(&self, at: isize) -> Sound {
        if at > 0 && self.is(at, "CHAE") {
            return Sound("K", "X", 2);
        }
        let greek = ["CHARAC", "CHARIS", "CHOR", "CHYM", "CHIA", "CHEM"];
        if at == 0 && self.any(0, &greek) && !self.is(0, "CHORE") {
            return same("K", 2);
        }
        let before = at == 0 || self.one_of(at - 1, "AOUE");
        if self.germanic()
            || self.any(at - 2, &["ORCHES", "ARCHIT", "ORCHID"])
            || self.one_of(at + 2, "TS")
            || (before && self.one_of(at + 2, "LRNMBHFVW"))
        {
            return same("K", 2);
        }
        match (at, self.is(0, "MC")) {
            (0, _) => same("X", 2),
            (_, true) => same("K", 2),
            (_, false) => Sound("X", "K", 2),
        }
    }

    fn d(&self, at: isize) -> Sound {
        if self.is(at, "DG") {
            return if self.one_of(at + 2, "IEY") { same("J", 3) } else { same("TK", 2) };
        }
        same("T", doubled(self.one_of(at + 1, "TD")))
    }

    fn g(&self, at: isize) -> Option<Sound> {
        let next = self.at(at + 1);
        if next == 'H' {
            return self.gh(at);
        }
        let y_or = |others: &[&str]| next == 'Y' || self.any(at + 1, others);
        let hard_or_soft = (at == 0 && y_or(&["ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER"]))
            || (y_or(&["ER"])
                && !self.any(0, &["DANGER", "RANGER", "MANGER"])
                && !self.one_of(at - 1, "EI")
                && !self.any(at - 1, &["RGY", "OGY"]));
        Some(if next == 'N' {
            match (at == 1 && self.vowel(0), self.slavic) {
                (true, false) => Sound("KN", "N", 2),
                // Not Cagney.
                (_, false) if !self.is(at + 2, "EY") => Sound("N", "KN", 2),
                _ => same("KN", 2),
            }
        } else if self.is(at + 1, "LI") && !self.slavic {
            Sound("KL", "L", 2)
        } else if hard_or_soft {
            Sound("K", "J", 2)
        } else if self.one_of(at + 1, "EIY") || self.any(at - 1, &["AGGI", "OGGI"]) {
            if self.germanic() || self.is(at + 1, "ET") {
                same("K", 2)
            } else {
                Sound("J", if self.is(at + 1, "IER ") { "J" } else { "K" }, 2)
            }
        } else {
            same("K", doubled(next == 'G'))
        })
    }

    fn gh(&self, at: isize) -> Option<Sound> {
        if at > 0 && !self.vowel(at - 1) {
            return Some(same("K", 2));
        }
        if at < 3 {
            // Ghislane; and nothing new is said of Hughes.
            return (at == 0).then(|| same(if self.at(2) == 'I' { "J" } else { "K" }, 2));
        }
        // Parker's rule: Hugh, bought, broughton.
        if self.one_of(at - 2, "BHD") || self.one_of(at - 3, "BHD") || (at > 3 && self.one_of(at - 4, "BH")) {
            return Some(same("", 2));
        }
        // Laugh, McLaughlin, cough.
        if self.at(at - 1) == 'U' && self.one_of(at - 3, "CGLRT") {
            return Some(same("F", 2));
        }
        (self.at(at - 1) != 'I').then(|| same("K", 2))
    }

    fn j(&self, at: isize) -> Sound {
        let go = doubled(self.at(at + 1) == 'J');
        let san = self.is(0, "SAN ");
        if self.is(at, "JOSE") || san {
            let spanish = san || (at == 0 && self.at(4) == ' ');
            return Sound(if spanish { "H" } else { "J" }, "H", go);
        }
        // Yankelovich, Jankelowicz.
        if at == 0 {
            return Sound("J", "A", go);
        }
        if self.vowel(at - 1) && !self.slavic && self.one_of(at + 1, "AO") {
            return Sound("J", "H", go);
        }
        if self.last(at) {
            return Sound("J", " ", go);
        }
        let silent = self.one_of(at + 1, "LTKSNMBZ") || self.one_of(at - 1, "SKL");
        same(if silent { "" } else { "J" }, go)
    }

    fn l(&self, at: isize) -> Sound {
        let end = self.end;
        let spanish = (at == end - 3 && self.any(at - 1, &["ILLO", "ILLA", "ALLE"]))
            || ((self.any(end - 2, &["AS", "OS"]) || self.one_of(end - 1, "AO")) && self.is(at - 1, "ALLE"));
        match self.at(at + 1) {
            'L' => Sound("L", if spanish { "" } else { "L" }, 2),
            _ => same("L", 1),
        }
    }

    fn s(&self, at: isize) -> Sound {
        let next = self.at(at + 1);
        // Isle, Carlisle, Carlysle.
        if self.any(at - 1, &["ISL", "YSL"]) {
            return same("", 1);
        }
        if at == 0 && self.is(0, "SUGAR") {
            return Sound("X", "S", 1);
        }
        if next == 'H' {
            let germanic = self.any(at + 1, &["HEIM", "HOEK", "HOLM", "HOLZ"]);
            return same(if germanic { "S" } else { "X" }, 2);
        }
        if self.any(at, &["SIO", "SIA"]) {
            return Sound("S", if self.slavic { "S" } else { "X" }, 3);
        }
        // Smith with Schmidt, Snider with Schneider.
        if (at == 0 && self.one_of(1, "MNLW")) || next == 'Z' {
            return Sound("S", "X", doubled(next == 'Z'));
        }
        if next == 'C' {
            return self.sc(at);
        }
        // Resnais, Artois.
        if self.last(at) && self.any(at - 2, &["AI", "OI"]) {
            return Sound("", "S", 1);
        }
        same("S", doubled(next == 'S'))
    }

    fn sc(&self, at: isize) -> Sound {
        if self.at(at + 2) != 'H' {
            return same(if self.one_of(at + 2, "IEY") { "S" } else { "SK" }, 3);
        }
        // Schermerhorn, Schenker; school, schooner.
        if self.any(at + 3, &["ER", "EN"]) {
            return Sound("X", "SK", 3);
        }
        if self.any(at + 3, &["OO", "UY", "ED", "EM"]) {
            return same("SK", 3);
        }
        Sound("X", if at == 0 && !self.vowel(3) && self.at(3) != 'W' { "S" } else { "X" }, 3)
    }

    fn t(&self, at: isize) -> Sound {
        if self.any(at, &["TION", "TIA", "TCH"]) {
            return same("X", 3);
        }
        if self.any(at, &["TH", "TTH"]) {
            // Thomas, Thames.
            let plain = self.any(at + 2, &["OM", "AM"]) || self.germanic();
            return Sound(if plain { "T" } else { "0" }, "T", 2);
        }
        same("T", doubled(self.one_of(at + 1, "TD")))
    }

    fn w(&self, at: isize) -> Sound {
        if self.is(at, "WR") {
            return same("R", 2);
        }
        // Wasserman with Vasserman.
        if at == 0 && (self.vowel(1) || self.is(0, "WH")) {
            return Sound("A", if self.vowel(1) { "F" } else { "A" }, 1);
        }
        // Arnow with Arnoff.
        let ends = self.last(at) && self.vowel(at - 1);
        if ends || self.any(at - 1, &["EWSKI", "EWSKY", "OWSKI", "OWSKY"]) || self.is(0, "SCH") {
            return Sound("", "F", 1);
        }
        if self.any(at, &["WICZ", "WITZ"]) {
            return Sound("TS", "FX", 4);
        }
        same("", 1)
    }

    fn z(&self, at: isize) -> Sound {
        let next = self.at(at + 1);
        if next == 'H' {
            return same("J", 2);
        }
        let italian = self.any(at + 1, &["ZO", "ZI", "ZA"]);
        let slavic = self.slavic && at > 0 && self.at(at - 1) != 'T';
        Sound("S", if italian || slavic { "TS" } else { "S" }, doubled(next == 'Z'))
    }
}

/// Whether Unicode's general category of a mark is Mn.
fn is_nonspacing(mark: char) -> bool {
    #[expect(clippy::expect_used, reason = "the pattern is a constant")]
    static NONSPACING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{Mn}$").expect("a sound pattern"));
    NONSPACING.is_match(mark.encode_utf8(&mut [0; 4])).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_pythons_metaphone() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/blocking");
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(format!("{folder}/{name}")).unwrap()).unwrap()
        };
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let names = read("metaphone.json");
        let names = names["names"].as_array().unwrap();
        assert!(names.len() > 2000);
        for case in names {
            assert_eq!(double_metaphone(&text(&case[0])), (text(&case[1]), text(&case[2])), "{case}");
        }
        for (name, codes) in read("blocklib.json")["double_metaphone"].as_object().unwrap() {
            assert_eq!(double_metaphone(name), (text(&codes[0]), text(&codes[1])), "{name}");
        }
        assert_eq!(double_metaphone(""), (String::new(), String::new()));
    }
}
