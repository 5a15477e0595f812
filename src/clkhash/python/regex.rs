//! Patterns of Python's `re` (`CPython` 3.11), matched against whole texts: translated to the syntax of `fancy_regex`.
//!
//! Python's syntax is read here, because the two differ in what every other sign means. What comes out uses little of the
//! other syntax: groups, repeats, sets of explicit ranges, looking around. What cannot be said in it is refused.

mod escape;
mod set;

use std::collections::HashMap;

use self::set::Set;
use super::letters;

/// Steps of backtracking before a text is given up: never a match then.
const MOST_STEPS: usize = 1_000_000;

/// Bytes of a compiled pattern.
const MOST_BYTES: usize = 1 << 25;

/// Groups in groups.
const MOST_DEPTH: usize = 100;

/// The longest translation, in bytes.
const LONGEST: usize = 1 << 22;

const TOO_LARGE: &str = "it is too large to be supported here";

/// Python's greatest width of a pattern.
const MOST_WIDTH: u128 = 1 << 64;

/// Python's greatest count of a repeat, which stands for no end.
const MOST_REPEATS: u128 = u32::MAX as u128;

/// A pattern of Python's `re`.
#[derive(Clone, Debug)]
pub(in crate::clkhash) struct Pattern {
    regex: fancy_regex::Regex,
}

impl Pattern {
    /// Translates a pattern. What is wrong with it, where Python refuses it or it cannot be translated.
    pub(in crate::clkhash) fn new(pattern: &str) -> Result<Self, String> {
        let text = translate(pattern)?;
        let mut builder = fancy_regex::RegexBuilder::new(&text);
        builder.backtrack_limit(MOST_STEPS).delegate_size_limit(MOST_BYTES);
        // The message would quote the translation, which nobody wrote.
        let regex = builder
            .build()
            .map_err(|_| "this pattern is too large or uses Python's syntax in a way that is not supported here")?;
        Ok(Self { regex })
    }

    /// Python's `fullmatch`. `None` where the pattern would take too long: nobody knows then.
    pub(in crate::clkhash) fn matches(&self, text: &str) -> Option<bool> {
        self.regex.is_match(text).ok()
    }
}

/// Python's pattern in the syntax of `fancy_regex`, held to the whole text.
fn translate(pattern: &str) -> Result<String, String> {
    let letters: Vec<char> = pattern.chars().collect();
    let mut parser = Parser {
        letters: &letters,
        at: 0,
        flags: Flags::default(),
        widths: vec![None],
        names: HashMap::new(),
        behind: None,
        unicode: false,
        depth: 0,
    };
    let whole = parser.alternatives(None)?;
    if parser.at < letters.len() {
        return Err("it has a ) that closes nothing".into());
    }
    Ok(format!(r"\A(?:{})\z", whole.text))
}

/// Python's flags, as far as they change a match.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five flags, each on or off")]
struct Flags {
    ascii: bool,
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    verbose: bool,
}

impl Flags {
    fn set(&mut self, flag: char, on: bool) {
        match flag {
            'i' => self.ignore_case = on,
            'm' => self.multiline = on,
            's' => self.dot_all = on,
            'x' => self.verbose = on,
            'a' => self.ascii = on,
            'u' => self.ascii = !on,
            _ => {}
        }
    }
}

/// A translated piece, and how many characters it takes.
#[derive(Clone)]
struct Piece {
    text: String,
    least: u128,
    most: u128,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `^`, `$`, `\b`, …: cannot be repeated.
    Place,
    /// Cannot be repeated again.
    Repeat,
    Other,
}

impl Piece {
    fn new(text: impl Into<String>, least: u128, most: u128) -> Self {
        Piece { text: text.into(), least, most, kind: Kind::Other }
    }

    fn place(text: impl Into<String>) -> Self {
        Piece { text: text.into(), least: 0, most: 0, kind: Kind::Place }
    }

    fn set(set: &Set, flags: Flags) -> Self {
        Piece::new(set.text(flags.ignore_case, flags.ascii), 1, 1)
    }

    fn all(pieces: &[Piece]) -> Self {
        let text = pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        let sum = |width: fn(&Piece) -> u128| pieces.iter().map(width).sum::<u128>().min(MOST_WIDTH);
        Piece::new(text, sum(|piece| piece.least), sum(|piece| piece.most))
    }
}

type Parsed<T> = Result<T, String>;

fn wrong<T>(message: impl Into<String>) -> Parsed<T> {
    Err(message.into())
}

struct Parser<'a> {
    letters: &'a [char],
    at: usize,
    /// Those of the whole pattern.
    flags: Flags,
    /// The widths of the groups from 0; `None` while a group is open.
    widths: Vec<Option<(u128, u128)>>,
    names: HashMap<String, usize>,
    /// In a look-behind: how many groups there were before it.
    behind: Option<usize>,
    /// Whether the flag `u` was set for the whole pattern.
    unicode: bool,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn take(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    fn take_while(&mut self, most: usize, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.at - start < most && self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }

    /// What stands before a sign that ends it.
    fn until(&mut self, end: char) -> Parsed<String> {
        let text = self.take_while(usize::MAX, |letter| letter != end);
        if !self.take(end) || text.is_empty() {
            return wrong("a name in it is missing or does not end");
        }
        Ok(text)
    }

    /// `a|b|c`. Flags of `None` mean: those of the whole pattern, which may be set at its start.
    fn alternatives(&mut self, flags: Option<Flags>) -> Parsed<Piece> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return wrong(format!("its groups are nested more than {MOST_DEPTH} deep, which is not supported here"));
        }
        let mut all = Vec::new();
        let mut length = 0;
        loop {
            let first = flags.is_none() && all.is_empty();
            let piece = self.sequence(flags.unwrap_or(self.flags), first)?;
            length += piece.text.len();
            if length > LONGEST {
                return wrong(TOO_LARGE);
            }
            all.push(piece);
            if !self.take('|') {
                break;
            }
        }
        self.depth -= 1;
        if all.len() == 1 {
            return Ok(all.remove(0));
        }
        let text = all.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join("|");
        let least = all.iter().map(|piece| piece.least).min().unwrap_or(0);
        let most = all.iter().map(|piece| piece.most).max().unwrap_or(0);
        Ok(Piece::new(format!("(?:{text})"), least, most))
    }

    /// Pieces one after the other. `global`: flags for the whole pattern may stand here.
    fn sequence(&mut self, mut flags: Flags, global: bool) -> Parsed<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let (mut length, mut counted) = (0, 0);
        while let Some(letter) = self.peek().filter(|letter| !matches!(letter, '|' | ')')) {
            self.at += 1;
            if flags.verbose && matches!(letter, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
                continue;
            }
            if flags.verbose && letter == '#' {
                self.take_while(usize::MAX, |letter| letter != '\n');
                self.next();
                continue;
            }
            match letter {
                '\\' => pieces.push(self.escape(flags)?),
                '[' => pieces.push(Piece::set(&self.set(flags)?, flags)),
                '.' => pieces.push(Piece::new(if flags.dot_all { "(?s:.)" } else { r"[^\n]" }, 1, 1)),
                '^' => pieces.push(Piece::place(if flags.multiline { "(?m:^)" } else { r"\A" })),
                '$' => pieces.push(Piece::place(if flags.multiline { "(?m:$)" } else { r"(?:\z|(?=\n\z))" })),
                '*' | '+' | '?' | '{' => self.repeat(letter, &mut pieces, flags)?,
                '(' => match self.group(flags)? {
                    Group::Piece(piece) => pieces.push(piece),
                    Group::Comment => {}
                    Group::Flags if global && pieces.is_empty() => flags = self.flags,
                    Group::Flags => return wrong("flags for the whole pattern must stand at its start"),
                },
                literal => pieces.push(Piece::set(&Set::literal(literal), flags)),
            }
            length += pieces[counted..].iter().map(|piece| piece.text.len()).sum::<usize>();
            counted = pieces.len();
            if length > LONGEST {
                return wrong(TOO_LARGE);
            }
        }
        Ok(Piece::all(&pieces))
    }

    fn repeat(&mut self, sign: char, pieces: &mut Vec<Piece>, flags: Flags) -> Parsed<()> {
        let (least, most) = match sign {
            '?' => (0, 1),
            '*' => (0, MOST_REPEATS),
            '+' => (1, MOST_REPEATS),
            _ => {
                let Some(counts) = self.braces()? else {
                    pieces.push(Piece::set(&Set::literal('{'), flags));
                    return Ok(());
                };
                counts
            }
        };
        let Some(piece) = pieces.last_mut().filter(|piece| piece.kind != Kind::Place) else {
            return wrong("it repeats nothing");
        };
        if piece.kind == Kind::Repeat {
            return wrong("it repeats a repeat");
        }
        let counts = if most == MOST_REPEATS { format!("{{{least},}}") } else { format!("{{{least},{most}}}") };
        let text = &piece.text;
        let text = if self.take('?') {
            format!("(?:{text}){counts}?")
        } else if self.take('+') {
            format!("(?>(?>{text}){counts})")
        } else {
            format!("(?:{text}){counts}")
        };
        let width = if most == MOST_REPEATS && piece.most > 0 { MOST_WIDTH } else { piece.most * most };
        *piece = Piece {
            text,
            least: (piece.least * least).min(MOST_WIDTH),
            most: width.min(MOST_WIDTH),
            kind: Kind::Repeat,
        };
        Ok(())
    }

    /// The counts after a brace; `None` where the brace stands for itself.
    fn braces(&mut self) -> Parsed<Option<(u128, u128)>> {
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let start = self.at;
        let digits = |letter: char| letter.is_ascii_digit();
        let low = self.take_while(usize::MAX, digits);
        let high = if self.take(',') { self.take_while(usize::MAX, digits) } else { low.clone() };
        if !self.take('}') {
            self.at = start;
            return Ok(None);
        }
        let count = |text: &str, default| match text.trim_start_matches('0') {
            _ if text.is_empty() => Ok(default),
            "" => Ok(0),
            digits => match digits.parse::<u128>() {
                Ok(count) if count < MOST_REPEATS => Ok(count),
                _ => wrong("it repeats too often"),
            },
        };
        let (low, high) = (count(&low, 0)?, count(&high, MOST_REPEATS)?);
        if high < low {
            return wrong("its least count of repeats is above the greatest");
        }
        Ok(Some((low, high)))
    }

    fn group(&mut self, flags: Flags) -> Parsed<Group> {
        if !self.take('?') {
            return self.capture(None, flags).map(Group::Piece);
        }
        let piece = match self.next() {
            Some('P') if self.take('<') => {
                let name = self.until('>')?;
                if !is_identifier(&name) {
                    return wrong("the name of a group has a bad character");
                }
                self.capture(Some(name), flags)?
            }
            Some('P') if self.take('=') => {
                let name = self.until(')')?;
                let Some(&group) = self.names.get(&name) else {
                    return wrong("it refers to a group that it does not have");
                };
                self.reference(group, flags)?
            }
            Some(':') => self.inner(flags)?,
            Some('>') => {
                let inner = self.inner(flags)?;
                Piece::new(format!("(?>{})", inner.text), inner.least, inner.most)
            }
            Some('#') => {
                self.take_while(usize::MAX, |letter| letter != ')');
                return if self.take(')') { Ok(Group::Comment) } else { wrong("a comment in it does not end") };
            }
            Some('=') => self.look("(?=", false, flags)?,
            Some('!') => self.look("(?!", false, flags)?,
            Some('<') if self.take('=') => self.look("(?<=", true, flags)?,
            Some('<') if self.take('!') => self.look("(?<!", true, flags)?,
            Some('(') => self.condition(flags)?,
            Some(letter) if is_flag(letter) || letter == '-' => match self.flags(letter, flags)? {
                Some(flags) => self.inner(flags)?,
                None => return Ok(Group::Flags),
            },
            _ => return wrong("it has a (? that Python does not know"),
        };
        Ok(Group::Piece(piece))
    }

    fn close(&mut self) -> Parsed<()> {
        if self.take(')') { Ok(()) } else { wrong("it has a ( that is not closed") }
    }

    /// A group that is not numbered.
    fn inner(&mut self, flags: Flags) -> Parsed<Piece> {
        let inner = self.alternatives(Some(flags))?;
        self.close()?;
        Ok(Piece::new(format!("(?:{})", inner.text), inner.least, inner.most))
    }

    fn capture(&mut self, name: Option<String>, flags: Flags) -> Parsed<Piece> {
        let number = self.widths.len();
        self.widths.push(None);
        if let Some(name) = name
            && self.names.insert(name, number).is_some()
        {
            return wrong("two groups have one name");
        }
        let inner = self.alternatives(Some(flags))?;
        self.close()?;
        self.widths[number] = Some((inner.least, inner.most));
        Ok(Piece::new(format!("({})", inner.text), inner.least, inner.most))
    }

    fn look(&mut self, open: &str, behind: bool, flags: Flags) -> Parsed<Piece> {
        let outer = self.behind;
        if behind {
            self.behind = outer.or(Some(self.widths.len()));
        }
        let inner = self.alternatives(Some(flags))?;
        self.behind = outer;
        self.close()?;
        if behind && inner.least != inner.most {
            return wrong("what a look-behind looks for must have one length");
        }
        Ok(Piece::new(format!("{open}{})", inner.text), 0, 0))
    }

    /// Refuses what a look-behind cannot refer to, which holds for other references in part only.
    fn check_behind(&self, group: u64) -> Parsed<()> {
        let open = self.widths.get(group as usize).is_none_or(Option::is_none);
        if self.behind.is_some_and(|before| open || group >= before as u64) {
            return wrong("a look-behind refers to a group that is open or within it");
        }
        Ok(())
    }

    fn reference(&mut self, group: usize, flags: Flags) -> Parsed<Piece> {
        let Some((least, most)) = self.widths[group] else {
            return wrong("it refers to a group that is still open");
        };
        self.check_behind(group as u64)?;
        if flags.ignore_case {
            return wrong("a reference to a group that ignores case is not supported here");
        }
        Ok(Piece::new(format!(r"(?:\{group})"), least, most))
    }

    fn condition(&mut self, flags: Flags) -> Parsed<Piece> {
        let name = self.until(')')?;
        let group = if is_identifier(&name) {
            match self.names.get(&name) {
                Some(&group) => group as u64,
                None => return wrong("it asks for a group that it does not have"),
            }
        } else {
            let number = super::integer(&name).and_then(|number| u64::try_from(number).ok());
            let Some(number) = number.filter(|number| (1..1 << 31).contains(number)) else {
                return wrong("it asks for a group by a bad name");
            };
            number
        };
        self.check_behind(group)?;
        if self.widths.get(group as usize).is_none_or(Option::is_none) {
            return wrong("a condition on a group that does not end before it is not supported here");
        }
        self.depth += 1;
        let yes = self.sequence(flags, false)?;
        let no = if self.take('|') { Some(self.sequence(flags, false)?) } else { None };
        self.depth -= 1;
        if self.peek() == Some('|') {
            return wrong("a condition in it has more than two branches");
        }
        self.close()?;
        let (least, most) = no.as_ref().map_or((0, yes.most), |no| (no.least.min(yes.least), no.most.max(yes.most)));
        let no = no.map_or_else(String::new, |no| no.text);
        Ok(Piece::new(format!("(?({group})(?:{})|(?:{no}))", yes.text), least, most))
    }

    /// Flags after `(?`: for what follows the colon, or `None`: for all, set in the parser.
    fn flags(&mut self, first: char, mut flags: Flags) -> Parsed<Option<Flags>> {
        let mut letter = first;
        let (mut on, mut off) = (String::new(), String::new());
        while !matches!(letter, '-' | ':' | ')') {
            match letter {
                'L' => return wrong("the flag L is for bytes"),
                't' => return wrong("the flag t is not supported here"),
                _ if !is_flag(letter) => return wrong("it has an unknown flag"),
                _ => on.push(letter),
            }
            letter = self.next().ok_or("its flags do not end")?;
        }
        if on.contains('a') && on.contains('u') {
            return wrong("the flags a and u exclude each other");
        }
        if letter == ')' {
            // Python refuses both for a whole pattern, even one after the other.
            if on.contains('u') && self.flags.ascii || on.contains('a') && self.unicode {
                return wrong("the flags a and u exclude each other");
            }
            self.unicode |= on.contains('u');
            on.chars().for_each(|flag| self.flags.set(flag, true));
            return Ok(None);
        }
        if letter == '-' {
            loop {
                letter = self.next().ok_or("its flags do not end")?;
                match letter {
                    ':' if !off.is_empty() => break,
                    'a' | 'u' | 'L' => return wrong("the flags a, u and L cannot be turned off"),
                    't' => return wrong("the flag t is not supported here"),
                    _ if !is_flag(letter) => return wrong("it has an unknown flag, or none after -"),
                    _ => off.push(letter),
                }
            }
        }
        if on.chars().any(|flag| off.contains(flag)) {
            return wrong("it turns a flag on and off");
        }
        on.chars().for_each(|flag| flags.set(flag, true));
        off.chars().for_each(|flag| flags.set(flag, false));
        Ok(Some(flags))
    }
}

enum Group {
    Piece(Piece),
    Comment,
    /// Flags for the whole pattern.
    Flags,
}

fn is_flag(letter: char) -> bool {
    matches!(letter, 'i' | 'L' | 'm' | 's' | 'x' | 'a' | 't' | 'u')
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|letter| letters::has(&letters::IDENTIFIER_START, letter))
        && letters.all(|letter| letters::has(&letters::IDENTIFIER_CONTINUE, letter))
}

#[cfg(test)]
mod tests;
