//! What only a demonstration has: who everybody is. The same tables from true links, and how good the found ones are.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use pprl::CsvOptions;
use pprl::evaluate::Truth;
use pprl::linkage::{Counted, Links};
use pprl::owner::{RowMap, read_column};
use pprl::study::{Difference, Disclosure, Month, Page, Period, Table, Totals};
use sha2::{Digest, Sha256};

use crate::command::Outcome;
use crate::research::{AGES, Tables, age_band};
use crate::{AGENCIES, owner_sends};

/// A table of two columns of own ids and what is known of them.
fn known(file: &Path, column: &str) -> Outcome<HashMap<String, String>> {
    let csv = CsvOptions::new();
    Ok(read_column(file, "record_id", &csv)?.into_iter().zip(read_column(file, column, &csv)?).collect())
}

/// An id that says who somebody is: for the truth, which is nobody's secret here.
fn id(text: &str) -> String {
    Sha256::digest(text)[..16].iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Fills a folder as the research environment's is filled, with the links as they would be if none were missed or wrong.
/// Children are in it that are on the police's list, or in both other files.
pub(crate) fn link(truth: &Path, owners: &[PathBuf]) -> Outcome {
    let mut people: BTreeMap<String, Vec<(&str, String)>> = BTreeMap::new();
    for party in AGENCIES {
        for (own, person) in known(&truth.join(format!("{party}.truth.csv")), "person_id")? {
            people.entry(person).or_default().push((party, own));
        }
    }
    let mut study = String::from("study_id,party,link_id\n");
    let mut linked = AGENCIES.map(|party| (party, String::from("record_id,link_id\n")));
    for (person, rows) in &people {
        if rows.len() < 2 && rows.iter().all(|(party, _)| *party != AGENCIES[0]) {
            continue;
        }
        for (party, own) in rows {
            let link = id(&format!("{party} {own}"));
            writeln!(study, "{},{party},{link}", id(person))?;
            for (_, linked) in linked.iter_mut().filter(|(of, _)| of == party) {
                writeln!(linked, "{own},{link}")?;
            }
        }
    }
    std::fs::write(truth.join("study.csv"), study)?;
    for ((party, linked), folder) in linked.iter().zip(owners) {
        let file = truth.join(format!("{party}.linked.csv"));
        std::fs::write(&file, linked)?;
        owner_sends(folder, party, &file, truth)?;
    }
    Ok(())
}

/// The persons of a party's rows, in the order of its cohort.
fn persons(owner: &Path, truth: &Path, party: &str) -> Outcome<(Vec<String>, Vec<String>)> {
    let rows = RowMap::read_csv(owner.join(format!("{party}.rows.csv")))?;
    let persons = known(&truth.join(format!("{party}.truth.csv")), "person_id")?;
    let own: Vec<String> = rows.entries().iter().map(|(_, own)| own.clone()).collect();
    let persons = own.iter().map(|own| persons.get(own).cloned().unwrap_or_default()).collect();
    Ok((own, persons))
}

pub(crate) fn tell_how_good(
    story: &mut String,
    links: &Links,
    owners: &[PathBuf],
    truth: &Path,
    disclosure: Disclosure,
) -> Outcome {
    writeln!(story, "\n4. How good the links are, against the truth that only this demonstration has")?;
    writeln!(story, "   {:26} {:>10} {:>10} {:>8}", "", "true pairs", "precision", "recall")?;
    let (own, police) = persons(&owners[0], truth, AGENCIES[0])?;
    let groups = groups(&owners[0], truth, &own)?;
    let mut in_groups: BTreeMap<(&str, &str), pprl::evaluate::Quality> = BTreeMap::new();
    let mut linked = vec![false; police.len()];
    for place in [1, 2] {
        let (_, other) = persons(&owners[place], truth, AGENCIES[place])?;
        let truth = Truth { a: &police, b: Some(&other) };
        let pairs = links.pairs(AGENCIES[0], AGENCIES[place])?;
        let quality = truth.quality(pairs.iter().copied());
        let name = format!("police - {}", AGENCIES[place]);
        let count = Counted::new(quality.truth, disclosure.below());
        writeln!(story, "   {name:26} {count:>10} {:>10.3} {:>8.3}", quality.precision, quality.recall)?;
        pairs.iter().for_each(|&(a, _)| linked[a as usize] = true);
        for (kind, of_rows) in &groups {
            for (group, quality) in truth.by_group(pairs.iter().copied(), |a, _| of_rows[a as usize].as_str()) {
                let sum = in_groups.entry((kind, group)).or_default();
                *sum = *sum + quality;
            }
        }
    }

    writeln!(story, "\n5. Match rates by subgroup: children of the police's list, linked to anybody")?;
    writeln!(story, "   {:28} {:>9} {:>9} {:>8} {:>8}", "", "children", "linked", "share", "recall")?;
    for (kind, of_rows) in &groups {
        let mut counts: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
        for (group, linked) in of_rows.iter().zip(&linked) {
            counts.entry(group).or_default()[usize::from(!linked)] += 1;
        }
        let table = Table {
            title: (*kind).to_owned(),
            heading: "group".to_owned(),
            rows: counts.keys().map(|group| (*group).to_owned()).collect(),
            columns: ["linked", "not linked"].map(str::to_owned).to_vec(),
            counts: counts.values().map(|counts| counts.to_vec()).collect(),
            totals: Totals::Both,
            base: Vec::new(),
        };
        let table = table.publish(disclosure)?;
        writeln!(story, "   by {kind}")?;
        for (row, group) in table.rows.iter().enumerate() {
            let children = table.row_totals.as_ref().map_or_else(String::new, |totals| totals[row].to_string());
            let share = table.share(row, 0).map_or_else(|| "-".to_owned(), |share| format!("{share:.2}"));
            let quality = in_groups.get(&(*kind, group.as_str())).copied().unwrap_or_default();
            // From a share of a few, their number can be guessed.
            let few = Counted::new(quality.truth, disclosure.below()).exact().is_none_or(|truth| truth == 0);
            let recall = if few { "-".to_owned() } else { format!("{:.3}", quality.recall) };
            writeln!(
                story,
                "     {group:26} {children:>9} {:>9} {share:>8} {recall:>8}",
                table.counts[row][0].to_string()
            )?;
        }
    }
    Ok(())
}

/// The subgroups of the police's rows, of each kind.
fn groups(police: &Path, truth: &Path, own: &[String]) -> Outcome<Vec<(&'static str, Vec<String>)>> {
    let people = police.join("people.csv");
    let payload = police.join("payload.people.csv");
    let by = |file: &Path, column: &str, name: &dyn Fn(&str) -> String| -> Outcome<Vec<String>> {
        let values = known(file, column)?;
        Ok(own.iter().map(|own| name(values.get(own).map_or("", String::as_str))).collect())
    };
    let or_unknown = |text: &str| if text.is_empty() { "not known".to_owned() } else { text.to_owned() };
    let coarse = |origin: &str| match origin {
        "english" | "scottish" | "welsh" | "irish" => "British Isles".to_owned(),
        origin if origin.starts_with("south_asian") => "South Asia".to_owned(),
        _ => "elsewhere".to_owned(),
    };
    let born = known(&payload, "birth_month")?;
    let end = born.values().filter_map(|month| Month::parse(month)).max();
    let age = |month: &str| {
        let years = Month::parse(month).zip(end).map(|(born, end)| end.years_since(born));
        years.map_or(AGES[3], |years| AGES[age_band(years)]).to_owned()
    };
    let postcode = |text: &str| if text.is_empty() { "no postcode" } else { "with a postcode" }.to_owned();
    Ok(vec![
        ("sex", by(&payload, "sex", &or_unknown)?),
        ("age", by(&payload, "birth_month", &age)?),
        ("origin of the name", by(&truth.join("police.truth.csv"), "origin", &coarse)?),
        ("postcode", by(&people, "postcode", &postcode)?),
    ])
}

/// How far linkage errors moved what is published.
pub(crate) fn tell_difference(story: &mut String, found: &Tables, truth: &Tables) -> Outcome {
    let mut all = Difference::default();
    let mut most = Vec::new();
    for (one, other) in found.all().zip(truth.all()) {
        let difference = one.difference(other)?;
        most.push((one, difference.clone()));
        all = all + difference;
    }
    writeln!(
        story,
        "\n6. What linkage errors did to the tables: from the links found, beside those from the true ones"
    )?;
    writeln!(story, "   {} cells are shown in both, {} in only one of them", all.both, all.one)?;
    for (table, difference) in most {
        let count = difference.count.map_or_else(|| "-".to_owned(), |(count, _)| count.to_string());
        let share = difference.share.map_or_else(|| "-".to_owned(), |(share, _)| format!("{:.1}", share * 100.0));
        writeln!(story, "   {:51} largest difference: {count:>3} children, {share:>4} points", table.title)?;
    }
    if let Some((count, cell)) = all.count {
        writeln!(story, "   Largest difference of counts: {count} ({cell})")?;
    }
    if let Some((share, cell)) = all.share {
        writeln!(story, "   Largest difference of shares: {:.1} percentage points ({cell})", share * 100.0)?;
    }
    Ok(())
}

/// A page on which readers see the bias.
pub(crate) fn write_beside(folder: &Path, found: &Tables, truth: &Tables, disclosure: Disclosure) -> Outcome {
    let mut page = Page::new("The same tables from the links found, and from the true ones")
        .paragraph(&disclosure.to_string())
        .paragraph("Nobody has the right column but a demonstration with invented children.");
    for (one, other) in found.all().zip(truth.all()) {
        page = page.beside(one, other, ["linked", "true"])?;
    }
    pprl::study::write_csv(truth.all(), folder.join("figures.csv"))?;
    Ok(page.write_html(folder.join("beside.html"))?)
}
