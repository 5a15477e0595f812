//! Bigrams that stand in beside those of a name: such as often follow it in a public list of names, drawn by the key (Schnell &
//! Borgs 2018). `docs/encoding.md`, section 6.

use std::collections::HashMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Encoder;
use super::positions::Stream;
use super::rarity::RarityList;
use super::tokens::{Token, bigrams};
use crate::error::{Error, Result};
use crate::key::Keyed;

/// What follows a bigram is counted in parts of this. Every bigram of the list has one part more, so that any can be drawn.
const PARTS: u128 = 1 << 14;

/// Which bigrams follow which in a list of names.
struct Transitions {
    /// All bigrams of the list, in their order.
    all: Vec<Token>,
    /// What follows each, with the sums of parts up to it.
    rows: HashMap<Token, Vec<(usize, Token)>>,
}

/// The bigrams that stand in beside others, in one encoding.
pub(crate) struct Extras {
    extra: usize,
    list_sha256: String,
    /// One key per token space.
    spaces: Vec<Keyed>,
    list: Option<Arc<Transitions>>,
}

impl Transitions {
    fn new(list: &RarityList) -> Self {
        let mut all: Vec<Token> = Vec::new();
        let mut counts: HashMap<Token, HashMap<Token, u128>> = HashMap::new();
        let mut of_part: Vec<Token> = Vec::new();
        for (name, count) in list.counts() {
            for part in name.split(' ') {
                of_part.clear();
                bigrams(part, &mut of_part);
                all.extend(&of_part);
                for pair in of_part.windows(2) {
                    *counts.entry(pair[0]).or_default().entry(pair[1]).or_default() += count;
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        let row = |(token, after): (Token, HashMap<Token, u128>)| {
            let total: u128 = after.values().sum();
            let mut after: Vec<(Token, u128)> = after.into_iter().collect();
            after.sort_unstable();
            let mut sum = 0;
            let mut up_to = |(token, count): (Token, u128)| {
                // At most PARTS in all.
                sum += (count * PARTS).checked_div(total).unwrap_or(0) as usize;
                (sum, token)
            };
            (token, after.into_iter().map(&mut up_to).collect())
        };
        Transitions { rows: counts.into_iter().map(row).collect(), all }
    }

    fn draw(&self, after: Token, stream: &mut Stream<'_>) -> Token {
        let row = self.rows.get(&after).map_or(&[][..], Vec::as_slice);
        let parts = row.last().map_or(0, |(sum, _)| *sum);
        let drawn = stream.below(self.all.len() + parts);
        match drawn.checked_sub(self.all.len()) {
            None => self.all[drawn],
            Some(drawn) => row[row.partition_point(|(sum, _)| *sum <= drawn)].1,
        }
    }
}

impl Extras {
    pub(crate) fn new(extra: usize, list_sha256: &str, spaces: Vec<Keyed>) -> Self {
        Extras { extra, list_sha256: list_sha256.to_owned(), spaces, list: None }
    }

    /// Bigrams, in their order and each once, with those that stand in beside them.
    pub(crate) fn beside(&self, space: usize, tokens: &[Token]) -> Zeroizing<Vec<Token>> {
        let mut all = Zeroizing::new(Vec::with_capacity(tokens.len() * (1 + self.extra)));
        all.extend_from_slice(tokens);
        // Nothing is encoded without the list.
        let Some(list) = &self.list else { return all };
        for &token in tokens {
            let (text, length) = token.text();
            let mut stream = Stream::new(&self.spaces[space], &text[..length]);
            let first = all.len();
            while all.len() < first + self.extra {
                let drawn = list.draw(token, &mut stream);
                if drawn != token && !all[first..].contains(&drawn) {
                    all.push(drawn);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Encoder {
    /// Gives the encoder a public list of names, for the encodings in which the schema wants bigrams encoded with those that
    /// often follow them. Every list that a [`Markov`](crate::schema::Markov) names is needed before anything can be encoded.
    ///
    /// # Errors
    /// [`File`](crate::ErrorKind::File) where the schema names another list, or none; or the list has so few bigrams that not
    /// as many as the schema wants can stand in beside one.
    pub fn names(mut self, list: &RarityList) -> Result<Self> {
        let wants = |extras: &&mut Extras| extras.list_sha256 == list.sha256();
        let mut wanting = self.plans.iter_mut().filter_map(|plan| plan.extras.as_mut()).filter(wants).peekable();
        if wanting.peek().is_none() {
            let is = list.sha256();
            let problem = format!("is no list by which an encoding of the schema adds bigrams: its SHA-256 is {is}");
            return Err(Error::file(list.path(), problem));
        }
        let transitions = Arc::new(Transitions::new(list));
        for extras in wanting {
            if transitions.all.len() <= extras.extra {
                let problem = "has too few different bigrams for as many as the schema wants beside each";
                return Err(Error::file(list.path(), problem));
            }
            extras.list = Some(Arc::clone(&transitions));
        }
        Ok(self)
    }

    /// Refuses to go on without a list that the schema asks for.
    pub(super) fn check_names(&self) -> Result<()> {
        let mut lacking = self.plans.iter().filter_map(|plan| plan.extras.as_ref()).filter(|e| e.list.is_none());
        let Some(extras) = lacking.next() else { return Ok(()) };
        Err(Error::argument(format!(
            "the schema adds bigrams by a list of names, and the encoder was given none (Encoder::names); it is the file whose \
             SHA-256 is {}",
            extras.list_sha256
        )))
    }
}
