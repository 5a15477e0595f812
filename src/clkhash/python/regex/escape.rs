//! Escapes and sets of Python's patterns.

use super::set::Set;
use super::{Flags, Parsed, Parser, Piece, wrong};

impl Parser<'_> {
    /// An escape outside a set.
    pub(super) fn escape(&mut self, flags: Flags) -> Parsed<Piece> {
        let letter = self.next().ok_or("it ends with a backslash")?;
        let word = if flags.ascii { "[0-9A-Z_a-z]" } else { r"[[\p{L}\p{N}_]&&\p{Age=14.0}]" };
        Ok(match letter {
            'A' => Piece::place(r"\A"),
            'Z' => Piece::place(r"\z"),
            'b' => Piece::place(format!("(?:(?<={word})(?!{word})|(?<!{word})(?={word}))")),
            // Python finds neither in an empty text.
            'B' => Piece::place(format!(r"(?:(?!\A\z)(?:(?<={word})(?={word})|(?<!{word})(?!{word})))")),
            '0' => {
                let digits = self.take_while(2, |letter| letter.is_digit(8));
                Piece::set(&Set::code(u32::from_str_radix(&format!("0{digits}"), 8).unwrap_or(0)), flags)
            }
            '1'..='9' => return self.number(letter, flags),
            _ => {
                let set = match Set::category(letter, flags.ascii) {
                    Some(set) => set,
                    None => Set::code(self.code(letter)?),
                };
                Piece::set(&set, flags)
            }
        })
    }

    /// Three octal digits, or else a reference to a group.
    fn number(&mut self, first: char, flags: Flags) -> Parsed<Piece> {
        let mut digits = String::from(first);
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            self.at += 1;
            digits.push(second);
            let octal = digits.chars().all(|digit| digit.is_digit(8));
            if let Some(third) = self.peek().filter(|third| octal && third.is_digit(8)) {
                self.at += 1;
                digits.push(third);
                return match u32::from_str_radix(&digits, 8) {
                    Ok(code) if code <= 0o377 => Ok(Piece::set(&Set::code(code), flags)),
                    _ => wrong("an octal escape is above \\377"),
                };
            }
        }
        match digits.parse::<usize>() {
            Ok(group) if group < self.widths.len() => self.reference(group, flags),
            _ => wrong("it refers to a group that it does not have"),
        }
    }

    /// The character that an escape stands for, in sets and outside.
    fn code(&mut self, letter: char) -> Parsed<u32> {
        let hexadecimal = |parser: &mut Self, length: usize| {
            let digits = parser.take_while(length, |letter| letter.is_ascii_hexdigit());
            match u32::from_str_radix(&digits, 16) {
                Ok(code) if digits.len() == length && code <= 0x10_ffff => Ok(code),
                _ => wrong(format!("\\{letter} must be followed by the {length} digits of a character")),
            }
        };
        Ok(match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            'x' => hexadecimal(self, 2)?,
            'u' => hexadecimal(self, 4)?,
            'U' => hexadecimal(self, 8)?,
            'N' => return wrong("\\N{…} is not supported here: write the character itself"),
            letter if letter.is_ascii_alphanumeric() => return wrong(format!("\\{letter} means nothing to Python")),
            letter => u32::from(letter),
        })
    }

    /// A set, after its bracket.
    pub(super) fn set(&mut self, flags: Flags) -> Parsed<Set> {
        let negated = self.take('^');
        let mut set = Set::default();
        let mut first = true;
        loop {
            let letter = self.next().ok_or("a [ in it is not closed")?;
            if letter == ']' && !first {
                break;
            }
            first = false;
            let low = self.member(letter, flags)?;
            if !self.take('-') {
                set.add(&low);
                continue;
            }
            let letter = self.next().ok_or("a [ in it is not closed")?;
            if letter == ']' {
                set.add(&low);
                set.add(&Set::literal('-'));
                break;
            }
            let high = self.member(letter, flags)?;
            let (Some(low), Some(high)) = (low.single(), high.single()) else {
                return wrong("a range in a set must be from one character to another");
            };
            if high < low {
                return wrong("a range in a set ends before it begins");
            }
            set.add(&Set::range(low, high));
        }
        set.negate(negated);
        Ok(set)
    }

    /// A member of a set.
    fn member(&mut self, letter: char, flags: Flags) -> Parsed<Set> {
        if letter != '\\' {
            return Ok(Set::literal(letter));
        }
        let letter = self.next().ok_or("a [ in it is not closed")?;
        if let Some(set) = Set::category(letter, flags.ascii) {
            return Ok(set);
        }
        if letter.is_digit(8) {
            let digits = format!("{letter}{}", self.take_while(2, |letter| letter.is_digit(8)));
            return match u32::from_str_radix(&digits, 8) {
                Ok(code) if code <= 0o377 => Ok(Set::code(code)),
                _ => wrong("an octal escape is above \\377"),
            };
        }
        self.code(letter).map(Set::code)
    }
}
