//! What a record is encoded from, without the key: for the audit, whose attacker knows everything else.

use sha2::{Digest, Sha256};

use super::tokens::{Reading, Token};
use super::{FieldReaders, Record};
use crate::schema::{Encoding, Kind, SaltPart, Schema};

/// The tokens of a record, each as a number that stands for its text in its token space.
pub(crate) struct Bare {
    /// For every field of the schema, its groups of tokens; a group may be empty (half a postcode). `None` where the field is
    /// missing.
    pub(crate) fields: Vec<Option<Vec<Vec<TokenId>>>>,
    /// For every encoding of the schema, what it is salted by, as a number that stands for it; `None` where that is missing.
    /// The same for everybody where nothing is salted.
    pub(crate) salts: Vec<Option<TokenId>>,
    /// How many letters the shortest name among the fields of kind `name` has; `None` where no name is there.
    pub(crate) shortest_name: Option<usize>,
}

/// A digest and not the text: whoever holds a list of these holds no names in clear.
pub(crate) type TokenId = u128;

impl Bare {
    /// Reads a record as the encoder does.
    pub(crate) fn read(schema: &Schema, readers: &FieldReaders, record: &Record, reading: &mut Reading) -> Self {
        let salt = |encoding: &Encoding| match encoding.hardening().salt() {
            None => Some(TokenId::default()),
            Some(salt) => {
                let whole = readers.whole(salt.field(), record, reading)?;
                let until = if salt.part() == SaltPart::Year { 4 } else { whole.len() };
                Some(token_id("", whole.get(..until)?.as_bytes()))
            }
        };
        let salts = schema.encodings().iter().map(salt).collect();
        let mut bare = Bare { fields: Vec::with_capacity(schema.fields().len()), salts, shortest_name: None };
        for ((field, reader), text) in schema.fields().iter().zip(&readers.0).zip(record.values()) {
            if reader.read(text, reading).is_err() {
                bare.fields.push(None);
                continue;
            }
            if *field.kind() == Kind::Name {
                let letters = reading.whole.chars().filter(|c| !c.is_whitespace()).count();
                bare.shortest_name = Some(bare.shortest_name.map_or(letters, |least| least.min(letters)));
            }
            let id = |token: &Token| {
                let (text, length) = token.text();
                let text = if *token == Token::WHOLE { reading.whole.as_bytes() } else { &text[..length] };
                token_id(field.space(), text)
            };
            bare.fields.push(Some(reading.groups().map(|tokens| tokens.iter().map(id).collect()).collect()));
        }
        bare
    }
}

/// Names of spaces are short and hold no zero byte.
fn token_id(space: &str, text: &[u8]) -> TokenId {
    let digest = Sha256::new().chain_update(space).chain_update([0]).chain_update(text).finalize();
    digest.iter().take(16).fold(0, |id, &byte| id << 8 | u128::from(byte))
}
