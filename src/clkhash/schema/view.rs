//! A value of a schema with its path, and what is found on the way: problems and surprises.

use std::cell::RefCell;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use super::json::{Node, Object, Value};
use crate::clkhash::surprise::Surprise;
use crate::error::SchemaProblem;

/// Where problems and surprises go.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) problems: RefCell<Vec<SchemaProblem>>,
    pub(super) surprises: RefCell<Vec<Surprise>>,
}

/// A value and its path.
#[derive(Clone)]
pub(super) struct View<'a> {
    pub(super) sink: &'a Sink,
    pub(super) node: &'a Node,
    pub(super) path: String,
}

/// Which numbers are integers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Integers {
    /// Those without a decimal point: version 1, and what Python uses as an integer.
    Written,
    /// Those without a remainder: 3.0 too.
    Whole,
}

impl<'a> View<'a> {
    pub(super) fn problem(&self, message: impl Into<String>) {
        let problem = SchemaProblem { line: self.node.line, key: self.path.clone(), message: message.into() };
        let mut problems = self.sink.problems.borrow_mut();
        // What several features share is wrong once.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    pub(super) fn surprise(&self, message: impl Into<String>) {
        let surprise = Surprise { path: self.path.clone(), message: message.into() };
        let mut surprises = self.sink.surprises.borrow_mut();
        if !surprises.contains(&surprise) {
            surprises.push(surprise);
        }
    }

    /// The same value with another sink: a check of which nothing is told.
    pub(super) fn quietly<'b>(&'b self, sink: &'b Sink) -> View<'b> {
        View { sink, node: self.node, path: self.path.clone() }
    }

    fn wrong<T>(&self, wanted: &str) -> Option<T> {
        self.problem(format!("must be {wanted}, not {}", self.node.value.kind()));
        None
    }

    /// The object that this must be.
    pub(super) fn object(&self) -> Option<&'a Object> {
        match &self.node.value {
            Value::Object(object) => {
                for name in &object.repeated {
                    let name = short(name);
                    self.surprise(format!("`{name}` is here more than once; the last one counts"));
                }
                Some(object)
            }
            _ => self.wrong("an object"),
        }
    }

    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<View<'a>> {
        let Value::Object(object) = &self.node.value else { return None };
        let path = member(&self.path, name);
        object.get(name).map(|node| View { sink: self.sink, node, path })
    }

    /// A member that must be there.
    pub(super) fn require(&self, name: &str, what: &str) -> Option<View<'a>> {
        let member = self.get(name);
        if member.is_none() {
            self.problem(format!("`{name}` is missing: {what}"));
        }
        member
    }

    /// The members of a list that this must be.
    pub(super) fn list(&self) -> Option<Vec<View<'a>>> {
        match &self.node.value {
            Value::List(all) => {
                let view = |(i, node)| View { sink: self.sink, node, path: format!("{}[{i}]", self.path) };
                Some(all.iter().enumerate().map(view).collect())
            }
            _ => self.wrong("a list"),
        }
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong("a text"),
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let found = match &self.node.value {
            Value::Text(text) => words.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
            _ => None,
        };
        if found.is_none() {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.problem(format!("must be {}", words.join(" or ")));
        }
        found
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong("true or false"),
        }
    }

    /// A finite number: as it was written, and as a double.
    pub(super) fn number(&self) -> Option<&'a Value> {
        match &self.node.value {
            Value::Float(value) if !value.is_finite() => {
                self.problem("must be a finite number");
                None
            }
            number @ (Value::Integer(_) | Value::Float(_)) => Some(number),
            _ => self.wrong("a number"),
        }
    }

    /// Any integer. One that is written with a decimal point is a surprise where it is taken.
    pub(super) fn any_integer(&self, integers: Integers) -> Option<BigInt> {
        match &self.node.value {
            Value::Integer(value) => Some(value.clone()),
            Value::Float(value) if value.fract() == 0.0 => {
                if integers == Integers::Written {
                    self.problem("must be an integer: write it without a decimal point and an exponent");
                    return None;
                }
                self.surprise("a number with a decimal point where an integer is meant; write it without");
                BigInt::from_f64(*value)
            }
            Value::Float(_) => {
                self.problem("must be an integer");
                None
            }
            _ => self.wrong("an integer"),
        }
    }

    /// An integer in a range. Whether the upper end is clkhash's own or ours only the message says.
    pub(super) fn integer(&self, integers: Integers, least: u64, most: u64) -> Option<u64> {
        let number = self.any_integer(integers)?;
        if number < BigInt::from(least) {
            self.problem(format!("must be at least {least}"));
            return None;
        }
        let number = number.to_u64().filter(|&number| number <= most);
        if number.is_none() {
            self.problem(format!("more than {most} is not supported here"));
        }
        number
    }

    /// Refuses members that are not among these.
    pub(super) fn only(&self, names: &[&str], what: &str) {
        for (name, node) in self.members().filter(|(name, _)| !names.contains(&name.as_str())) {
            let path = member(&self.path, name);
            View { sink: self.sink, node, path }
                .problem(format!("{what} has no such key; it may have {}", names.join(", ")));
        }
    }

    /// Tells of members that are not among these: they have no effect.
    pub(super) fn known(&self, names: &[&str]) {
        for (name, node) in self.members() {
            // What people write for each other.
            let remark =
                name.starts_with(['$', '_']) || ["description", "title", "name", "comment"].contains(&name.as_str());
            if !remark && !names.contains(&name.as_str()) {
                let path = member(&self.path, name);
                View { sink: self.sink, node, path }.surprise("clkhash does not know this key and ignores it");
            }
        }
    }

    fn members(&self) -> impl Iterator<Item = &'a (String, Node)> {
        let members: &'a [(String, Node)] = match &self.node.value {
            Value::Object(object) => &object.members,
            _ => &[],
        };
        members.iter()
    }
}

/// The longest name that is shown whole, in characters.
const LONGEST_NAME: usize = 60;

/// A name as it is shown.
fn short(name: &str) -> String {
    let mut letters = name.chars();
    let mut shown: String = letters.by_ref().take(LONGEST_NAME).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The path of a member.
fn member(path: &str, name: &str) -> String {
    if path.is_empty() { short(name) } else { format!("{path}.{}", short(name)) }
}
