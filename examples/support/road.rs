//! What each role does on the way from people to links, with nothing but its own folder: `people.csv`, `schema.toml` and
//! `project.key` at an owner, `schema.toml` and the cohorts at the linkage unit.

use std::fs;
use std::path::{Path, PathBuf};

use pprl::linkage::Links;
use pprl::owner::{QualityReport, RowMap};
use pprl::{Cohort, CsvOptions, Encoder, Linker, ProjectKey, Schema};

use crate::command::Outcome;
use crate::progress;

/// Everybody gets what all agreed on, and the owners the key.
pub(crate) fn hand_out(owners: &[PathBuf], unit: &Path, key: &ProjectKey, schema: &str) -> Outcome {
    for folder in owners {
        key.write(folder.join("project.key"))?;
        fs::write(folder.join("schema.toml"), schema)?;
    }
    Ok(fs::write(unit.join("schema.toml"), schema)?)
}

/// Before anything is encoded, the owners read their key check values to each other.
pub(crate) fn owners_agree(owners: &[PathBuf]) -> Outcome<String> {
    let mut values = Vec::new();
    for folder in owners {
        let schema = Schema::from_path(folder.join("schema.toml"))?;
        values.push(ProjectKey::from_path(folder.join("project.key"))?.check_value(&schema));
    }
    match values.pop() {
        Some(value) if values.iter().all(|other| *other == value) => Ok(value),
        _ => Err("the owners' key check values differ: they have different keys or schemas".into()),
    }
}

pub(crate) fn owner_encodes(
    folder: &Path,
    party: &str,
    csv: &CsvOptions,
    seed: Option<[u8; 32]>,
) -> Outcome<QualityReport> {
    let schema = Schema::from_path(folder.join("schema.toml"))?;
    let key = ProjectKey::from_path(folder.join("project.key"))?;
    // Nothing leaves this machine.
    let mut encoder = Encoder::new(&schema, &key, party)?.release_small("a trial: all parties are one machine")?;
    if let Some(seed) = seed {
        encoder = encoder.seed(seed);
    }
    let encoded = encoder.encode_csv_with(folder.join("people.csv"), csv)?;
    encoded.write(folder)?;
    Ok(encoded.quality)
}

/// The one file that leaves an owner.
pub(crate) fn cohort_crosses(folder: &Path, party: &str, unit: &Path) -> Outcome {
    let cohort = format!("{party}.cohort.json");
    Ok(fs::rename(folder.join(&cohort), unit.join(&cohort))?)
}

pub(crate) fn unit_links(folder: &Path, parties: &[&str], seed: Option<[u8; 32]>) -> Outcome<Links> {
    let schema = Schema::from_path(folder.join("schema.toml"))?;
    let cohorts = parties.iter().map(|party| Cohort::read(folder.join(format!("{party}.cohort.json"))));
    let cohorts = cohorts.collect::<Result<Vec<_>, _>>()?;
    let mut linker = Linker::new(&schema).progress(progress::compared());
    if let Some(seed) = seed {
        linker = linker.seed(seed);
    }
    let links = linker.link(&cohorts.iter().collect::<Vec<_>>())?;
    links.write_csv(folder.join("links.csv"))?;
    fs::write(folder.join("summary.txt"), links.summary().to_string())?;
    Ok(links)
}

pub(crate) fn owner_maps_back(folder: &Path, party: &str) -> Outcome<usize> {
    let rows = RowMap::read_csv(folder.join(format!("{party}.rows.csv")))?;
    Ok(rows.write_linked_csv(folder.join("links.csv"), folder.join("linked.csv"))?)
}
