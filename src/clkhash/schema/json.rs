//! JSON as Python's `json` reads it, with the line of every value: `NaN` and infinities are numbers, integers have any
//! length, of two members of one name the last counts.
//!
//! `serde_json` refuses the first, rounds the second and knows no lines.

use num_bigint::BigInt;

use crate::clkhash::python::{self, MOST_DIGITS};
use crate::error::SchemaProblem;

/// Values in values.
const MOST_DEPTH: usize = 100;

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// Written without a point and an exponent.
    Integer(BigInt),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Object(Object),
}

/// An object.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    /// One of each name.
    pub(super) members: Vec<(String, Node)>,
    /// Names that were there more than once.
    pub(super) repeated: Vec<String>,
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.members.iter().find(|(other, _)| other == name).map(|(_, node)| node)
    }
}

impl Value {
    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Node, SchemaProblem> {
    let mut parser = Parser { text, at: 0, line: 1, depth: 0 };
    let whole = parser.value()?;
    parser.spaces();
    if parser.at < text.len() {
        return Err(parser.problem("there is more after the end of the JSON document"));
    }
    Ok(whole)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    depth: usize,
}

type Parsed<T> = Result<T, SchemaProblem>;

impl<'a> Parser<'a> {
    fn problem(&self, message: &str) -> SchemaProblem {
        SchemaProblem { line: self.line, key: String::new(), message: format!("not valid JSON: {message}") }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) {
        while let Some(byte) = self.peek().filter(|byte| b" \t\n\r".contains(byte)) {
            self.line += usize::from(byte == b'\n');
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self) -> Parsed<Node> {
        self.spaces();
        let line = self.line;
        let value = match self.peek() {
            Some(b'{') => Value::Object(self.nested(Self::object)?),
            Some(b'[') => Value::List(self.nested(Self::list)?),
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.word("null") => Value::Null,
            _ if self.word("true") => Value::Bool(true),
            _ if self.word("false") => Value::Bool(false),
            _ if self.word("NaN") => Value::Float(f64::NAN),
            _ if self.word("Infinity") => Value::Float(f64::INFINITY),
            Some(_) if self.text[self.at..].starts_with('\u{feff}') => {
                return Err(self.problem("it begins with a byte order mark; save it as UTF-8 without one"));
            }
            Some(_) => return Err(self.problem("a value is expected here")),
            None => return Err(self.problem("it ends too soon")),
        };
        Ok(Node { line, value })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.problem(&format!("values are nested more than {MOST_DEPTH} deep, which no schema needs")));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn list(&mut self) -> Parsed<Vec<Node>> {
        let mut all = Vec::new();
        self.spaces();
        if self.take(b']') {
            return Ok(all);
        }
        loop {
            all.push(self.value()?);
            self.spaces();
            if self.take(b']') {
                return Ok(all);
            }
            if !self.take(b',') {
                return Err(self.problem("a comma or ] is expected here"));
            }
        }
    }

    fn object(&mut self) -> Parsed<Object> {
        let mut object = Object::default();
        let mut places = std::collections::HashMap::new();
        self.spaces();
        if self.take(b'}') {
            return Ok(object);
        }
        loop {
            self.spaces();
            if self.peek() != Some(b'"') {
                return Err(self.problem("a name in quotation marks is expected here"));
            }
            let name = self.string()?;
            self.spaces();
            if !self.take(b':') {
                return Err(self.problem("a colon is expected here"));
            }
            let node = self.value()?;
            if let Some(&place) = places.get(&name) {
                let member: &mut (String, Node) = &mut object.members[place];
                member.1 = node;
                if !object.repeated.contains(&name) {
                    object.repeated.push(name);
                }
            } else {
                places.insert(name.clone(), object.members.len());
                object.members.push((name, node));
            }
            self.spaces();
            if self.take(b'}') {
                return Ok(object);
            }
            if !self.take(b',') {
                return Err(self.problem("a comma or } is expected here"));
            }
        }
    }

    fn digits(&mut self) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.take(b'-');
        if self.at > start && self.word("Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let whole = self.digits();
        if whole.is_empty() || whole.len() > 1 && whole.starts_with('0') {
            return Err(self.problem("a number begins with 0, or with nothing"));
        }
        let mut float = false;
        if self.take(b'.') {
            float = true;
            if self.digits().is_empty() {
                return Err(self.problem("digits are expected after a decimal point"));
            }
        }
        if self.take(b'e') || self.take(b'E') {
            float = true;
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits().is_empty() {
                return Err(self.problem("digits are expected in an exponent"));
            }
        }
        let text = &self.text[start..self.at];
        let number =
            if float { python::float(text).map(Value::Float) } else { python::integer(text).map(Value::Integer) };
        number.ok_or_else(|| self.problem(&format!("a number has more than {MOST_DIGITS} digits")))
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut all = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find(|letter: char| letter < ' ' || letter == '"' || letter == '\\') else {
                return Err(self.problem("a text has no end"));
            };
            all.push_str(&rest[..end]);
            self.at += end;
            if self.take(b'"') {
                return Ok(all);
            }
            if !self.take(b'\\') {
                return Err(self.problem("a text contains a control character; write it as an escape"));
            }
            let escape = self.peek();
            self.at += usize::from(escape.is_some_and(|byte| byte.is_ascii()));
            all.push(match escape {
                Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
                Some(b'b') => '\x08',
                Some(b'f') => '\x0c',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => self.unicode()?,
                _ => return Err(self.problem("a backslash in a text is followed by no escape")),
            });
        }
    }

    fn hexadecimal(&mut self) -> Parsed<u32> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.problem("\\u is not followed by four hexadecimal digits"))
    }

    fn unicode(&mut self) -> Parsed<char> {
        let mut code = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&code) && self.word("\\u") {
            let low = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&low) {
                code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            }
        }
        char::from_u32(code).ok_or_else(|| {
            self.problem("half of a surrogate pair, which no text file can contain, is not supported here")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The value as `serde_json` has it, where it can.
    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => serde_json::from_str(&value.to_string()).unwrap(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.clone().into(),
            Value::List(all) => all.iter().map(plain).collect(),
            Value::Object(object) => object
                .members
                .iter()
                .map(|(name, node)| (name.clone(), plain(node)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    #[test]
    fn lines_and_repeats_are_known() {
        let whole = parse("{\n \"a\": 1,\n\n \"b\": [2,\n 3.0], \"a\": \"x\\ud83d\\ude00\"}").unwrap();
        let Value::Object(object) = &whole.value else { panic!() };
        assert_eq!(object.repeated, ["a"]);
        assert_eq!(object.get("a").unwrap().line, 5);
        assert!(matches!(&object.get("a").unwrap().value, Value::Text(text) if text == "x😀"));
        let Value::List(list) = &object.get("b").unwrap().value else { panic!() };
        assert!(matches!(list[0].value, Value::Integer(_)) && matches!(list[1].value, Value::Float(_)));
        assert_eq!((list[0].line, list[1].line), (4, 5));
    }

    #[test]
    fn what_python_takes_is_taken_and_nothing_else() {
        for text in ["NaN", "-Infinity", "Infinity", "1e999", " [ ] ", "{}", "-0", "\"\u{7f}\"", &"1".repeat(4300)] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ué12\"",
            "'a'",
            "1 2",
            "\u{feff}1",
            "nul",
            "-NaN",
            "// x\n1",
            &"1".repeat(4301),
            &"[".repeat(1_000_000),
            "\"\\é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_serde_json_reads(text in "[\\[\\]{}:,\"\\\\a0-9.eE+\\- \\ntrufalsn]{0,24}") {
            let ours = parse(&text);
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) => prop_assert_eq!(plain(&ours.unwrap()), value),
                // Rust's refuses numbers that are too large.
                Err(error) => prop_assert!(ours.is_err() || error.to_string().contains("out of range")),
            }
        }

        #[test]
        fn it_reads_what_serde_json_writes(texts in proptest::collection::vec(any::<String>(), 0..5), number: i64, float in -1e300..1e300) {
            let value = serde_json::json!({"a": texts, "b": {"c": number, "d": [float, null, true]}});
            prop_assert_eq!(plain(&parse(&value.to_string()).unwrap()), value.clone());
            prop_assert_eq!(plain(&parse(&serde_json::to_string_pretty(&value).unwrap()).unwrap()), value);
        }
    }
}
