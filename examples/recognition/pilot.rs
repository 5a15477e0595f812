//! The pilot's roles, each with its own folder, and the truth beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pprl::evaluate::{Quality, Truth};
use pprl::linkage::Links;
use pprl::owner::{RowMap, read_column, split_role};
use pprl::synth::{Adults, Agency};
use pprl::{Cohort, CsvOptions, Encoder, Linker, ProjectKey, Schema};

use crate::command::Outcome;
use crate::invented::seed;

/// What all parties agreed and signed.
pub(crate) const SCHEMA: &str = include_str!("schema.toml");

pub(crate) const PRISON: &str = "prison";
pub(crate) const SYSTEMS: [Agency; 2] = [Agency::SocialCare, Agency::Education];

/// The least match weight of a link, in bits: odds of 32 to 1. Telling an owner that the wrong family has a parent in prison
/// is worse than a family that is not found.
const LEAST_WEIGHT: f32 = 5.0;

/// How many children's records a carer who was received can be found in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Children {
    pub(crate) in_truth: usize,
    pub(crate) found: usize,
    pub(crate) right: usize,
}

/// What came out for one of the children's systems.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) party: &'static str,
    pub(crate) rows: usize,
    pub(crate) carers: usize,
    /// Of pairs of a reception and a carer in a record.
    pub(crate) pairs: Quality,
    /// Of the same, by how many records of the system name the adult.
    pub(crate) by_family: BTreeMap<&'static str, Quality>,
    pub(crate) children: Children,
    /// Receptions of adults without a child in this system that are linked all the same.
    pub(crate) strangers_linked: usize,
    /// Who of the receptions is linked, rightly, by the adult.
    pub(crate) adults: BTreeSet<String>,
}

/// How many receptions there are, and what came out for each system.
#[derive(Debug)]
pub(crate) struct Recognised {
    pub(crate) receptions: usize,
    pub(crate) found: Vec<Found>,
}

/// Makes everybody's folder inside `root`, and lets them play.
pub(crate) fn play(root: &Path, adults: &Adults, number: u64) -> Outcome<Recognised> {
    let folder = |name: &str| -> Outcome<PathBuf> {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let unit = folder("linkage_unit")?;
    fs::write(unit.join("schema.toml"), SCHEMA)?;
    let key = ProjectKey::from_bytes(seed("recognition", number, "key"));
    let prison = folder(PRISON)?;
    adults.write_receptions_csv(&prison.join("people.csv"))?;
    for agency in SYSTEMS {
        adults.write_children_csv(agency, &folder(agency.name())?.join("people.csv"))?;
    }
    for party in [PRISON, SYSTEMS[0].name(), SYSTEMS[1].name()] {
        key.write(root.join(party).join("project.key"))?;
        fs::write(root.join(party).join("schema.toml"), SCHEMA)?;
        owner_encodes(&root.join(party), party, number)?;
        let cohort = format!("{party}.cohort.json");
        fs::rename(root.join(party).join(&cohort), unit.join(&cohort))?;
    }
    let mut found = Vec::new();
    for agency in SYSTEMS {
        let links = unit_links(&unit, agency.name(), number)?;
        // To the owner of the children's records, and to nobody else.
        let owner = root.join(agency.name());
        links.write_owner_csv(agency.name(), owner.join("links.csv"))?;
        let rows = RowMap::read_csv(owner.join(format!("{}.rows.csv", agency.name())))?;
        rows.write_linked_roles_csv(owner.join("links.csv"), owner.join("recognised.csv"))?;
        found.push(compare(root, agency, adults, &links)?);
    }
    Ok(Recognised { receptions: adults.receptions().len(), found })
}

fn owner_encodes(folder: &Path, party: &str, number: u64) -> Outcome {
    let schema = Schema::from_path(folder.join("schema.toml"))?;
    let key = ProjectKey::from_path(folder.join("project.key"))?;
    let options = CsvOptions::new().id_column("record_id");
    // Nothing leaves this machine.
    let encoder = Encoder::new(&schema, &key, party)?.release_small("a trial: all parties are one machine")?;
    let encoder = encoder.seed(seed("recognition", number, party));
    // Adults as they are, carers in their roles: so the schema has it.
    let encoded = encoder.encode_csv_with(folder.join("people.csv"), &options)?;
    encoded.write(folder)?;
    fs::write(folder.join("quality.txt"), encoded.quality.to_string())?;
    Ok(())
}

/// The two systems are linked to the receptions one by one: whether a family is in the other system is not asked.
fn unit_links(folder: &Path, system: &str, number: u64) -> Outcome<Links> {
    let schema = Schema::from_path(folder.join("schema.toml"))?;
    let receptions = Cohort::read(folder.join(format!("{PRISON}.cohort.json")))?;
    let carers = Cohort::read(folder.join(format!("{system}.cohort.json")))?;
    let linker = Linker::new(&schema).least_weight(LEAST_WEIGHT);
    let linker = linker.seed(seed("recognition", number, &format!("links for {system}")));
    let links = linker.link(&[&receptions, &carers])?;
    links.write_csv(folder.join(format!("{system}.pairs.csv")))?;
    fs::write(folder.join(format!("{system}.summary.txt")), links.summary().to_string())?;
    Ok(links)
}

/// Against the truth, which only this demonstration has.
fn compare(root: &Path, agency: Agency, adults: &Adults, links: &Links) -> Outcome<Found> {
    let party = agency.name();
    let own = |party: &str| -> Outcome<Vec<String>> {
        let rows = RowMap::read_csv(root.join(party).join(format!("{party}.rows.csv")))?;
        Ok(rows.entries().iter().map(|(_, own)| own.clone()).collect())
    };
    let received: BTreeMap<&str, &str> =
        adults.receptions().iter().map(|r| (r.record_id.as_str(), r.person_id.as_str())).collect();
    let receptions: Vec<String> =
        own(PRISON)?.iter().map(|id| received.get(id.as_str()).copied().unwrap_or_default().to_owned()).collect();
    let carer = |id: &String| {
        let (row, role) = split_role(id)?;
        adults.carer(agency, row, if role == "carer1" { 1 } else { 2 }).map(str::to_owned)
    };
    let carers = own(party)?;
    let persons: Vec<String> = carers.iter().map(|id| carer(id).unwrap_or_default()).collect();
    let truth = Truth { a: &receptions, b: Some(&persons) };
    let pairs = links.pairs(PRISON, party)?;

    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    persons.iter().for_each(|person| *named.entry(person).or_default() += 1);
    let size = |a: u32, _: u32| match named.get(receptions[a as usize].as_str()) {
        None | Some(0) => "in no record",
        Some(1) => "in one record",
        Some(2) => "in two records",
        Some(_) => "in three or more",
    };
    let child = |b: u32| split_role(&carers[b as usize]).map_or("", |(row, _)| row);
    let in_prison: BTreeSet<&str> = receptions.iter().map(String::as_str).collect();
    let true_children: BTreeSet<&str> =
        (0..persons.len() as u32).filter(|&b| in_prison.contains(persons[b as usize].as_str())).map(child).collect();
    let found_children: BTreeSet<&str> = pairs.iter().map(|&(_, b)| child(b)).collect();
    let strangers: BTreeSet<u32> =
        pairs.iter().map(|&(a, _)| a).filter(|&a| !named.contains_key(receptions[a as usize].as_str())).collect();
    Ok(Found {
        party,
        rows: read_column(root.join(party).join("people.csv"), "record_id", &CsvOptions::new())?.len(),
        carers: carers.len(),
        pairs: truth.quality(pairs.iter().copied()),
        by_family: truth.by_group(pairs.iter().copied(), size),
        children: Children {
            in_truth: true_children.len(),
            found: found_children.len(),
            right: found_children.intersection(&true_children).count(),
        },
        strangers_linked: strangers.len(),
        adults: pairs
            .iter()
            .filter(|&&(a, b)| truth.is_match(a, b))
            .map(|&(a, _)| receptions[a as usize].clone())
            .collect(),
    })
}
