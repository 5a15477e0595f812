//! One variant: two files encoded, linked and compared with the truth, and the first one attacked.

use pprl::audit::{Graph, Likelihood, Named, Reidentified, Ridge};
use pprl::evaluate::{Evaluation, Truth};
use pprl::owner::RarityList;
use pprl::schema::{Assignment, Encoding, Hardening};
use pprl::{Encoded, Encoder, Linker, ProjectKey, Record, Schema};
use serde::Serialize;

use crate::command::Outcome;
use crate::files::Files;
use crate::variants::Variant;

/// From here on few enough links are wrong to use them without looking at each.
const PRECISION: f64 = 0.99;

/// What attackers know and have, for a file of so many rows.
#[derive(Serialize)]
pub(crate) struct Sizes {
    /// People known, few and many; whom the attacker tries to name, and how many are on the list.
    pub(crate) known: [usize; 2],
    pub(crate) targets: usize,
    pub(crate) listed: usize,
    /// The same where half of the file is known.
    pub(crate) half: usize,
    pub(crate) half_targets: usize,
    pub(crate) half_listed: usize,
    /// People encoded, and as many on the list, in the graph attack; how many of them are known.
    pub(crate) graph: usize,
    pub(crate) seeds: [usize; 2],
}

impl Sizes {
    /// A short file has fewer people to be known, and as many on the list as are left.
    pub(crate) fn of(rows: usize, quick: bool) -> Self {
        let (targets, most_listed, half_targets, half_listed, graph) =
            if quick { (100, 600, 200, 400, 500) } else { (300, 5_000, 400, 2_000, 2_000) };
        let known = [50, 500].map(|known: usize| known.min(rows / 4));
        let listed = (rows - known[1]).min(most_listed);
        let half = rows / 2;
        let half_listed = (rows - half).min(half_listed);
        let graph = rows.min(graph);
        Sizes {
            known,
            targets: targets.min(listed),
            listed,
            half,
            half_targets: half_targets.min(half_listed),
            half_listed,
            graph,
            seeds: [0, 100.min(graph / 2)],
        }
    }
}

/// The two attacks by known people.
#[derive(Serialize)]
pub(crate) struct Attacked {
    pub(crate) known: usize,
    pub(crate) listed: usize,
    pub(crate) likelihood: Named,
    pub(crate) ridge: Named,
    /// By the stronger of the two: the share named, and its 95 % interval.
    pub(crate) share: f64,
    pub(crate) interval: (f64, f64),
    /// By that, of people of whom no relative or namesake is known.
    pub(crate) strangers: Named,
}

/// What one variant gives.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) variant: String,
    pub(crate) fingerprint: String,
    pub(crate) needs_accept_risk: bool,
    /// What a record takes that leaves the building, without its id.
    pub(crate) bytes: usize,
    #[serde(flatten)]
    pub(crate) quality: Evaluation,
    /// The most recall at a threshold from which 99 % of links are right, which needs the truth to find; nothing where no
    /// threshold is so.
    pub(crate) recall_at_99: Option<f64>,
    pub(crate) known: [Attacked; 2],
    pub(crate) half: Attacked,
    pub(crate) graph: [Reidentified; 2],
}

/// Measures one variant of a schema.
pub(crate) fn variant(
    variant: &Variant,
    schema: &Schema,
    files: &Files,
    list: Option<&RarityList>,
    sizes: &Sizes,
    seed: u64,
) -> Outcome<Measured> {
    let tried = &variant.schema;
    let [of_a, of_b] = files.records.each_ref().map(|file| records(schema, tried, file));
    let (a, b) = (encode(tried, &of_a, 0, list, seed)?, encode(tried, &of_b, 1, list, seed)?);
    let (who_a, who_b) = (who(&a, &files.who[0])?, who(&b, &files.who[1])?);
    let scored = Linker::new(tried).score(&a.cohort, &b.cohort)?;
    let truth = Truth { a: &who_a, b: Some(&who_b) };
    // Every threshold that makes a difference.
    let curve = truth.curve(&scored, Assignment::OneToOne, usize::MAX);
    let sure = curve.points.iter().map(|point| point.quality).filter(|quality| quality.precision >= PRECISION);
    let graph = |seeds: usize| Graph::new().people(sizes.graph).seeds(seeds).seed(seed).attack(tried, &of_a, &a);
    let known = |known: usize| attacked(tried, &of_a, &a, [known, sizes.targets, sizes.listed], seed);
    Ok(Measured {
        variant: variant.name.clone(),
        fingerprint: tried.fingerprint().to_owned(),
        needs_accept_risk: tried.accept_risk().is_some(),
        bytes: tried.encodings().iter().map(|encoding| encoding.output().div_ceil(8)).sum(),
        quality: truth.judge(&scored, Assignment::OneToOne),
        recall_at_99: sure.map(|quality| quality.recall).reduce(f64::max),
        known: [known(sizes.known[0])?, known(sizes.known[1])?],
        half: attacked(tried, &of_a, &a, [sizes.half, sizes.half_targets, sizes.half_listed], seed)?,
        graph: [graph(sizes.seeds[0])?, graph(sizes.seeds[1])?],
    })
}

fn attacked(
    schema: &Schema,
    records: &[Record],
    encoded: &Encoded,
    [known, targets, listed]: [usize; 3],
    seed: u64,
) -> pprl::Result<Attacked> {
    let likelihood = Likelihood::new().known(known).targets(targets).listed(listed).seed(seed);
    let likelihood = likelihood.attack(schema, records, encoded)?;
    let ridge = Ridge::new().known(known).targets(targets).listed(listed).seed(seed);
    let ridge = ridge.attack(schema, records, encoded)?;
    let stronger = if likelihood.all.named >= ridge.all.named { &likelihood } else { &ridge };
    Ok(Attacked {
        known,
        listed,
        share: stronger.all.share(),
        interval: stronger.all.interval(),
        strangers: stronger.strangers(),
        likelihood: likelihood.all,
        ridge: ridge.all,
    })
}

/// Records with the fields that a variant has. Their ids are their places in the file.
fn records(schema: &Schema, tried: &Schema, records: &[Record]) -> Vec<Record> {
    let places: Vec<usize> = tried
        .fields()
        .iter()
        .filter_map(|field| schema.fields().iter().position(|other| other.name() == field.name()))
        .collect();
    let record = |(place, record): (usize, &Record)| {
        Record::new(place.to_string(), places.iter().map(|&place| record.values()[place].clone()).collect())
    };
    records.iter().enumerate().map(record).collect()
}

fn encode(
    schema: &Schema,
    records: &[Record],
    party: usize,
    list: Option<&RarityList>,
    seed: u64,
) -> pprl::Result<Encoded> {
    let bytes = |purpose: u8| {
        let mut bytes = [purpose; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[31] = party as u8;
        bytes
    };
    // The key is not the party's own.
    let mut key = bytes(0x74);
    key[31] = 0x74;
    let key = ProjectKey::from_bytes(key);
    let mut encoder = Encoder::new(schema, &key, &schema.project().parties()[party])?.seed(bytes(0x72));
    let hardenings = || schema.encodings().iter().map(Encoding::hardening);
    if hardenings().any(|hardening| hardening.randomised_response() > 0) {
        encoder = encoder.noise(&ProjectKey::from_bytes(bytes(0x6e)))?;
    }
    let wanted = |list: &&RarityList| {
        let mut markov = hardenings().filter_map(Hardening::markov);
        markov.any(|markov| markov.list_sha256() == list.sha256())
    };
    if let Some(list) = list.filter(wanted) {
        encoder = encoder.names(list)?;
    }
    encoder.encode(records)
}

/// Who each row of a cohort is.
fn who(encoded: &Encoded, who: &[String]) -> Outcome<Vec<String>> {
    encoded.row_map.entries().iter().map(|(_, id)| Ok(who[id.parse::<usize>()?].clone())).collect()
}
