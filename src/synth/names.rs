//! Who is called what: a name for any uniform random word.
//!
//! A listed name weighs by its rank, and the generated tail goes on where the list stops, so that a few names are common
//! and very many are rare, as in a register. The choice is a binary search among integers.

use std::collections::BTreeMap;

use super::Sex;
use super::frequency::Listing;
use super::random::Stream;
use super::tables::{self, ERAS, ORIGINS, Shape};
use super::tail::{Compounds, Tail};

/// All names, built once for a population.
pub(super) struct Names {
    surnames: Surnames,
    forenames: Forenames,
    origin_shares: Vec<u32>,
}

enum Surnames {
    BuiltIn(Vec<Ranked>),
    File(Listing),
}

enum Forenames {
    BuiltIn { eras: Vec<[Ranked; 2]>, own: Vec<[Ranked; 2]> },
    File(Listing),
}

impl Names {
    pub(super) fn new(surnames: Option<Listing>, forenames: Option<Listing>) -> Self {
        let surnames = surnames.map_or_else(
            || {
                let ranked = |t: &tables::Table| Ranked::new(t.surnames, t.surname_tail, t.surname_shape);
                Surnames::BuiltIn(ORIGINS.iter().map(ranked).collect())
            },
            Surnames::File,
        );
        let forenames = forenames.map_or_else(built_in_forenames, Forenames::File);
        Names { surnames, forenames, origin_shares: ORIGINS.iter().map(|table| table.share).collect() }
    }

    pub(super) fn origin(&self, random: &mut Stream) -> usize {
        random.weighted(&self.origin_shares)
    }

    /// The truth column's label. Names from a file say nothing about origin.
    pub(super) fn label(&self, origin: usize) -> &'static str {
        match (&self.surnames, &self.forenames) {
            (Surnames::BuiltIn(_), Forenames::BuiltIn { .. }) => ORIGINS[origin].label,
            _ => "external",
        }
    }

    pub(super) fn surname(&self, origin: usize, word: u64) -> String {
        match &self.surnames {
            Surnames::BuiltIn(ranked) => ranked[origin].name(word),
            Surnames::File(list) => list.name(None, None, word).to_owned(),
        }
    }

    pub(super) fn forename(&self, origin: usize, sex: Sex, birth_year: u16, word: u64) -> String {
        match &self.forenames {
            Forenames::BuiltIn { eras, own } => {
                // The top of the word decides between the lists, the rest is stretched to a full word for the name.
                let (top, word) = (word >> 48, word << 16);
                if (top * 10_000) >> 16 < u64::from(ORIGINS[origin].own_forenames) {
                    return own[origin][sex as usize].name(word);
                }
                let era = ERAS.iter().rposition(|era| era.from <= birth_year).unwrap_or(0);
                eras[era][sex as usize].name(word)
            }
            Forenames::File(list) => list.name(Some(sex), Some(birth_year), word).to_owned(),
        }
    }

    /// The form of a surname that a daughter bears: Singh and Kaur, Kowalski and Kowalska.
    pub(super) fn daughter(&self, origin: usize, surname: &str, keeps_form: bool) -> Option<String> {
        if let Surnames::File(_) = self.surnames {
            return None;
        }
        match origin {
            tables::SIKH if surname == "Singh" => Some("Kaur".to_owned()),
            tables::EASTERN if keeps_form => {
                let stem = ["ski", "cki", "dzki"]
                    .iter()
                    .any(|end| surname.ends_with(end))
                    .then(|| &surname[..surname.len() - 1]);
                stem.map(|stem| format!("{stem}a"))
            }
            _ => None,
        }
    }

    /// Whether a family of this origin may write a single name, and leave the surname empty.
    pub(super) fn may_be_single(&self, origin: usize) -> bool {
        let customary = matches!(ORIGINS[origin].label, "south_asian_hindu" | "south_asian_muslim" | "arabic");
        customary && matches!(self.surnames, Surnames::BuiltIn(_))
    }
}

fn built_in_forenames() -> Forenames {
    let british = ORIGINS[tables::ENGLISH].forename_tail;
    let eras = ERAS.iter().map(|era| {
        // The tail begins with names like Lily-Mae, which no parent has.
        let [girls, boys] = british.map(|tail| if era.from < 1995 { &tail[1..] } else { tail });
        [Ranked::new(era.girls, girls, era.shapes[0]), Ranked::new(era.boys, boys, era.shapes[1])]
    });
    let eras = eras.collect();
    let shape = Shape { eighths: 10, shift: 4 };
    let own = ORIGINS
        .iter()
        .map(|t| [Ranked::new(t.girls, t.forename_tail[0], shape), Ranked::new(t.boys, t.forename_tail[1], shape)])
        .collect();
    Forenames::BuiltIn { eras, own }
}

/// How many of ten million people have each listed surname, and each listed forename.
pub(super) fn built_in_counts() -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    const PEOPLE: u64 = 10_000_000;
    let (mut surnames, mut forenames) = (BTreeMap::new(), BTreeMap::new());
    let names = Names::new(None, None);
    let shares: u64 = names.origin_shares.iter().copied().map(u64::from).sum();
    for (number, table) in ORIGINS.iter().enumerate() {
        let people = PEOPLE * u64::from(table.share) / shares;
        if let Surnames::BuiltIn(ranked) = &names.surnames {
            ranked[number].add_counts(people, &mut surnames);
        }
        if let Forenames::BuiltIn { eras, own } = &names.forenames {
            let with_own = people * u64::from(table.own_forenames) / 10_000;
            own[number].iter().for_each(|ranked| ranked.add_counts(with_own / 2, &mut forenames));
            let of_era = (people - with_own) / (2 * eras.len() as u64);
            eras.iter().flatten().for_each(|ranked| ranked.add_counts(of_era, &mut forenames));
        }
    }
    (surnames, forenames)
}

/// A ranking: the listed names, then the tail.
struct Ranked {
    listed: Vec<&'static str>,
    tail: Compounds,
    cumulative: Vec<u64>,
}

impl Ranked {
    fn new(names: &'static str, tail: Tail, shape: Shape) -> Self {
        let listed: Vec<_> = names.split_whitespace().collect();
        let tail = Compounds::new(tail);
        let (mut sum, mut step) = (0, 0);
        let cumulative = (1..=listed.len() as u64 + tail.len())
            .map(|rank| {
                // In the tail many ranks share a weight: no roots for a difference that nobody sees.
                if rank.is_multiple_of(1 + rank / 64) {
                    step = weight(rank, shape);
                }
                sum += step;
                sum
            })
            .collect();
        Ranked { listed, tail, cumulative }
    }

    /// Adds how many of `people` have each listed name; names that nobody has are left out.
    fn add_counts(&self, people: u64, counts: &mut BTreeMap<String, u64>) {
        let total = self.cumulative.last().copied().unwrap_or(1).max(1);
        let mut before = 0;
        for (name, &sum) in self.listed.iter().zip(&self.cumulative) {
            let count = (u128::from(people) * u128::from(sum - before) / u128::from(total)) as u64;
            before = sum;
            if count > 0 {
                *counts.entry(name.replace('_', " ")).or_default() += count;
            }
        }
    }

    fn name(&self, word: u64) -> String {
        let rank = choose(&self.cumulative, word);
        match self.listed.get(rank) {
            Some(name) => name.replace('_', " "),
            None => self.tail.name((rank - self.listed.len()) as u64),
        }
    }
}

/// The index that a uniform word falls on, by cumulative weight.
pub(super) fn choose(cumulative: &[u64], word: u64) -> usize {
    let total = cumulative.last().copied().unwrap_or(0);
    let at = ((u128::from(word) * u128::from(total)) >> 64) as u64;
    cumulative.partition_point(|&sum| sum <= at)
}

/// `(rank + shift) ^ (-eighths / 8)`, scaled. Roots of integers, because `powf` may differ between platforms.
fn weight(rank: u64, Shape { eighths, shift }: Shape) -> u64 {
    // The eighth root, times 2^12.
    let root = (u128::from(rank + shift) << 96).isqrt().isqrt().isqrt();
    let mut weight = 1u128 << 44;
    for _ in 0..eighths {
        weight = (weight << 12) / root;
    }
    weight.max(1) as u64
}
