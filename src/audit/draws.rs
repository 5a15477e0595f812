//! Who is drawn from a file for an attack by known people, and whose naming is counted: the same for every such attack, so
//! that their figures can be compared.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::subject::{Subject, draw};
use super::{Leak, Named};
use crate::error::{Error, Result};
use crate::owner::{Bare, TokenId, name_length};
use crate::schema::{Kind, Schema};

/// Groups of targets by whom the attacker knows.
const RELATIVE_KNOWN: &str = "somebody known has two fields alike";
pub(super) const NO_RELATIVE_KNOWN: &str = "nobody known";

/// How many people are drawn, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) known: usize,
    pub(super) targets: usize,
    pub(super) listed: usize,
    pub(super) draws: usize,
    pub(super) seed: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { known: 6_000, targets: 1_000, listed: 5_000, draws: 1, seed: 0 }
    }
}

/// Gives an attack by known people its numbers; it has a field `sizes`.
macro_rules! known_people {
    ($attack:ident) => {
        impl $attack {
            /// 6,000 known people, 1,000 targets on a list of 5,000, one draw, seed 0.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// How many people the attacker knows, with their rows.
            #[must_use]
            pub fn known(mut self, people: usize) -> Self {
                self.sizes.known = people;
                self
            }

            /// How many rows the attacker tries to name.
            #[must_use]
            pub fn targets(mut self, rows: usize) -> Self {
                self.sizes.targets = rows;
                self
            }

            /// How many people are on the list: the targets, and others who are in the file. None of them is known.
            #[must_use]
            pub fn listed(mut self, people: usize) -> Self {
                self.sizes.listed = people;
                self
            }

            /// How often people are drawn; each draw has its own seed, and the counts are added up.
            #[must_use]
            pub fn draws(mut self, draws: usize) -> Self {
                self.sizes.draws = draws;
                self
            }

            /// Who is drawn depends on this and on the file alone.
            #[must_use]
            pub fn seed(mut self, seed: u64) -> Self {
                self.sizes.seed = seed;
                self
            }
        }
    };
}
pub(super) use known_people;

/// One draw, as rows of the file.
#[derive(Debug)]
pub(super) struct Drawn {
    seed: u64,
    /// Those whom the attacker knows.
    pub(super) known: Vec<usize>,
    /// Those whom the attacker tries to name.
    pub(super) targets: Vec<usize>,
    /// Those whose names the attacker has: the targets and others, in no order.
    pub(super) list: Vec<usize>,
    /// Where on the list each target is.
    places: Vec<usize>,
}

impl Sizes {
    /// Draws from a file.
    pub(super) fn draw(self, subject: &Subject<'_>) -> Result<Vec<Drawn>> {
        self.among(&(0..subject.rows()).collect::<Vec<_>>())
    }

    /// Draws from some rows of a file.
    pub(super) fn among(self, rows: &[usize]) -> Result<Vec<Drawn>> {
        let Sizes { known, targets, listed, draws, seed } = self;
        if targets > listed || targets == 0 || known == 0 || draws == 0 {
            return Err(Error::argument("known people, targets and draws must not be 0, and all targets are listed"));
        }
        if known + listed > rows.len() {
            return Err(Error::argument(format!(
                "there are {} rows; the attack needs {known} known people and {listed} others on the list",
                rows.len()
            )));
        }
        let one = |seed: u64| {
            let mut insiders: Vec<usize> =
                draw(rows.len(), known + listed, seed).into_iter().map(|at| rows[at]).collect();
            let others = insiders.split_off(known);
            // Equal records are told apart by lot: the first of the list is nobody in particular.
            let order = draw(listed, listed, !seed);
            let mut places = vec![0; targets];
            for (place, &other) in order.iter().enumerate().filter(|&(_, &other)| other < targets) {
                places[other] = place;
            }
            Drawn {
                seed,
                known: insiders,
                targets: others[..targets].to_vec(),
                list: order.iter().map(|&other| others[other]).collect(),
                places,
            }
        };
        Ok((0..draws as u64).map(|draw| one(seed.wrapping_add(draw))).collect())
    }
}

/// Counts who is named. `guess` gives for each target of a draw the place on its list of the person whom it takes it for.
pub(super) fn leak(
    subject: &Subject<'_>,
    drawn: &[Drawn],
    mut guess: impl FnMut(&Drawn) -> Result<Vec<usize>>,
) -> Result<Leak> {
    let mut leak = Leak {
        known: drawn.first().map_or(0, |drawn| drawn.known.len()),
        listed: drawn.first().map_or(0, |drawn| drawn.list.len()),
        all: Named::default(),
        by_name_length: BTreeMap::new(),
        by_missing: BTreeMap::new(),
        by_commonness: BTreeMap::new(),
        by_relatives: BTreeMap::new(),
        mean_dice: 0.0,
        seeds: drawn.iter().map(|drawn| drawn.seed).collect(),
    };
    let schema = subject.schema;
    for drawn in drawn {
        let guesses = guess(drawn)?;
        let guessed: Vec<usize> = guesses.iter().map(|&place| drawn.list[place]).collect();
        let guessed = subject.bare(&guessed);
        let known = subject.bare(&drawn.known);
        let pairs: HashSet<_> = known.iter().flat_map(|bare| pairs(schema, bare)).collect();
        let commonness = Commonness::new(schema, known.iter().chain(&subject.bare(&drawn.list)));
        for (target, bare) in subject.bare(&drawn.targets).iter().enumerate() {
            let named = guesses[target] == drawn.places[target];
            leak.all.count(named);
            leak.by_name_length.entry(name_length(bare.shortest_name)).or_default().count(named);
            leak.by_missing.entry(missing(schema, bare)).or_default().count(named);
            leak.by_commonness.entry(commonness.of(schema, bare)).or_default().count(named);
            let related = self::pairs(schema, bare).any(|pair| pairs.contains(&pair));
            leak.by_relatives.entry(if related { RELATIVE_KNOWN } else { NO_RELATIVE_KNOWN }).or_default().count(named);
            leak.mean_dice += dice(schema, bare, &guessed[target]);
        }
    }
    leak.mean_dice /= leak.all.targets.max(1) as f64;
    Ok(leak)
}

/// The Dice coefficient of two records' tokens, of all encoded fields; 1 where neither has any.
fn dice(schema: &Schema, one: &Bare, other: &Bare) -> f64 {
    let tokens = |bare: &Bare| -> HashSet<(usize, TokenId)> {
        let fields = bare.fields.iter().enumerate().filter(|&(field, _)| is_encoded(schema, field));
        let all = |(field, groups): (usize, &Option<Vec<Vec<TokenId>>>)| -> Vec<(usize, TokenId)> {
            groups.iter().flatten().flatten().map(|&token| (field, token)).collect()
        };
        fields.flat_map(all).collect()
    };
    let (one, other) = (tokens(one), tokens(other));
    match one.len() + other.len() {
        0 => 1.0,
        both => 2.0 * one.intersection(&other).count() as f64 / both as f64,
    }
}

/// How many of the people who were drawn have a name: the only sign of where a name comes from that every file has.
struct Commonness(HashMap<(usize, TokenId), u32>);

impl Commonness {
    fn new<'a>(schema: &Schema, people: impl Iterator<Item = &'a Bare>) -> Self {
        let mut counts = HashMap::new();
        people.flat_map(|bare| names(schema, bare)).for_each(|name| *counts.entry(name).or_default() += 1);
        Commonness(counts)
    }

    /// By the rarest name of a person.
    fn of(&self, schema: &Schema, bare: &Bare) -> &'static str {
        match names(schema, bare).filter_map(|name| self.0.get(&name)).min() {
            None => "no name",
            Some(1) => "a name that nobody else has",
            Some(2..=9) => "a name of 2 to 9 people",
            Some(_) => "names of 10 people or more",
        }
    }
}

fn names(schema: &Schema, bare: &Bare) -> impl Iterator<Item = (usize, TokenId)> {
    let is_name = |field: &usize| is_encoded(schema, *field) && *schema.fields()[*field].kind() == Kind::Name;
    let fields: Vec<usize> = (0..bare.fields.len()).filter(is_name).collect();
    fields.into_iter().filter_map(|field| Some((field, whole(bare.fields[field].as_ref()?))))
}

pub(super) fn is_encoded(schema: &Schema, field: usize) -> bool {
    schema.encodings().iter().any(|encoding| encoding.has(field))
}

fn missing(schema: &Schema, bare: &Bare) -> &'static str {
    match (0..bare.fields.len()).filter(|&field| is_encoded(schema, field) && bare.fields[field].is_none()).count() {
        0 => "0 missing",
        1 => "1 missing",
        _ => "2 missing or more",
    }
}

/// What two fields of a record hold, for every two that are present and encoded and more than a code.
pub(super) fn pairs(schema: &Schema, bare: &Bare) -> impl Iterator<Item = [(usize, TokenId); 2]> + use<> {
    let telling = |field: usize| is_encoded(schema, field) && *schema.fields()[field].kind() != Kind::Exact;
    let present: Vec<(usize, TokenId)> = (0..bare.fields.len())
        .filter(|&field| telling(field))
        .filter_map(|field| Some((field, whole(bare.fields[field].as_ref()?))))
        .collect();
    let pairs = |i: usize| (0..i).map(move |j| (j, i));
    (0..present.len()).flat_map(pairs).map(move |(j, i)| [present[j], present[i]])
}

/// All tokens of a value as one number: they are digests, and so is a sum of multiples of them.
fn whole(groups: &[Vec<TokenId>]) -> TokenId {
    let mix = |sum: TokenId, &token: &TokenId| {
        sum.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).wrapping_add(token)
    };
    groups.iter().flatten().fold(0, mix)
}
