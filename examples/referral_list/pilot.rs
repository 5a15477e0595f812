//! A referral list made ready: who is left out, which rows cannot be linked, and whether it may leave.
#![allow(dead_code, reason = "the test of the pilots looks at more than the program")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use pprl::owner::{EncodedFiles, LeftOut, OptOutList, QualityReport, Readiness, SMALL_FILE, Verdict, read_csv};
use pprl::synth::{Agency, Options, Population, Rates};
use pprl::{CsvOptions, Encoded, Encoder, ProjectKey, Record, Schema};

use crate::command::Outcome;
use crate::invented::{Lots, seed};

/// What the charity and the council agreed and signed.
pub(crate) const SCHEMA: &str = include_str!("schema.toml");

/// The words that mean yes, unless told.
pub(crate) const ACCEPTED: &str = "yes,y,agreed";

/// How many referrals are on the invented list.
pub(crate) const REFERRALS: usize = 37;

/// What is wanted.
pub(crate) struct Request {
    pub(crate) people: PathBuf,
    pub(crate) schema: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) party: String,
    pub(crate) csv: CsvOptions,
    /// Why nobody's consent stands in the list.
    pub(crate) all_agreed: Option<String>,
    pub(crate) opt_out: Option<PathBuf>,
    pub(crate) release_small: Option<String>,
    /// `None`: a report only.
    pub(crate) out: Option<PathBuf>,
    pub(crate) seed: Option<[u8; 32]>,
}

/// What is said of the list, and what was written of it.
pub(crate) struct Prepared {
    pub(crate) readiness: Readiness,
    pub(crate) quality: QualityReport,
    pub(crate) people: usize,
    pub(crate) small: bool,
    pub(crate) files: Option<EncodedFiles>,
    pub(crate) encoded: Encoded,
}

/// Reads, checks and encodes a list, and writes it where it may leave and that is wanted.
pub(crate) fn prepare(request: &Request) -> Outcome<Prepared> {
    let schema = Schema::from_path(&request.schema)?;
    let key = ProjectKey::from_path(&request.key)?;
    let mut encoder = Encoder::new(&schema, &key, &request.party)?;
    if let Some(reason) = &request.release_small {
        encoder = encoder.release_small(reason)?;
    }
    if let Some(list) = &request.opt_out {
        encoder = encoder.opt_out(OptOutList::read(list)?)?;
    }
    if let Some(seed) = request.seed {
        encoder = encoder.seed(seed);
    }
    let records = read_csv(&request.people, &schema, &request.csv)?;
    let readiness = encoder.readiness(&records)?;
    let encoded = encoder.encode(&records)?;
    let people = encoded.row_map.people();
    let small = people < SMALL_FILE;
    let may = people > 0 && (!small || request.release_small.is_some());
    let files = request.out.as_ref().filter(|_| may).map(|out| encoded.write(out)).transpose()?;
    let prepared = Prepared { readiness, quality: encoded.quality.clone(), people, small, files, encoded };
    if let (Some(out), Some(_)) = (&request.out, &prepared.files) {
        // What was known when it was sent, and why it was.
        fs::write(out.join("report.txt"), prepared.told(request)?)?;
    }
    Ok(prepared)
}

impl Prepared {
    /// What an office worker is told: counts, and the numbers of rows.
    pub(crate) fn told(&self, request: &Request) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let count = |verdict: Verdict| self.readiness.count(|v| *v == verdict);
        writeln!(text, "1. Your list: {} rows, {} people may be sent", self.quality.rows, self.people)?;
        writeln!(
            text,
            "   {} without consent and {} on the opt-out list are left out.",
            count(Verdict::LeftOut(LeftOut::NoConsent)),
            count(Verdict::LeftOut(LeftOut::OptedOut))
        )?;
        if let Some(reason) = &request.all_agreed {
            writeln!(text, "   No column of consent was looked at, for this reason: {reason}")?;
        }
        writeln!(text, "\n2. Which rows can be linked (row 1 is the first below the header)")?;
        self.readiness.to_string().lines().try_for_each(|line| writeln!(text, "   {line}"))?;
        for problem in &self.quality.problems {
            writeln!(text, "   {problem}; it counts as missing")?;
        }
        writeln!(
            text,
            "   Ask for what is missing before you send the list: it is the cheapest way to find more children."
        )?;
        writeln!(text, "\n3. Is it safe to send?")?;
        if self.small {
            writeln!(
                text,
                "   It is a small list: {} people, fewer than {SMALL_FILE}. Somebody at the linkage unit who knows who was \
                 referred has\n   few to choose from. What you can do:\n   \
                 - send it together with other charities' lists, under one agreement, as one file of a hundred or more;\n   \
                 - wait until there are more referrals;\n   \
                 - or, where the agreement covers it, send it with the reason: --release-small \"…\". It goes into the file.",
                self.people
            )?;
        } else {
            writeln!(
                text,
                "   It has {} people. Have it audited before it leaves (the program `encode`, built with `audit`).",
                self.people
            )?;
        }
        let ending = match (&self.files, &request.out) {
            (Some(files), _) => format!(
                "Send {} to the linkage unit.\nKeep {}: only you can tell who the rows are.",
                files.send.display(),
                files.keep.display()
            ),
            (None, Some(_)) if self.people == 0 => "Nothing was written: there is nobody who may be sent.".to_owned(),
            (None, Some(_)) => "Nothing was written: a small list is not sent without a reason.".to_owned(),
            (None, None) => "Nothing was written: this was a look. Name a folder with --out to write.".to_owned(),
        };
        writeln!(text, "\n{ending}")?;
        Ok(text)
    }
}

/// Who is who on the invented list, and what the council has.
pub(crate) struct Invented {
    /// By row, from 1.
    pub(crate) persons: Vec<String>,
    pub(crate) consents: Vec<bool>,
    pub(crate) refused: Vec<String>,
    pub(crate) council: Vec<pprl::synth::Record>,
}

/// Invents a list with all that is needed to try the program: `referrals.csv`, `schema.toml`, `project.key`, `optout.list`,
/// and the council's records in `council.csv`.
pub(crate) fn invent(folder: &Path, number: u64) -> Outcome<Invented> {
    let options = Options {
        seed: number,
        children: 900,
        cohort: REFERRALS,
        social_care_share: 6_000,
        social_care_cohort_share: 8_000,
        police: Rates { missing_date: 1_300, missing_postcode: 2_000, ..Rates::police() },
        ..Options::default()
    };
    let population = Population::generate(&options)?;
    let referrals = population.records(Agency::Police);
    let mut lots = Lots::new(seed("referral_list", number, "list"));
    let words = ["yes", "yes", "Yes ", "YES", "y", "agreed", "no", "", "not asked", "yes - by phone?"];
    let (mut text, mut consents) =
        (String::from("reference,forename,surname,date_of_birth,sex,postcode,consent\n"), Vec::new());
    for record in referrals {
        let place = lots.below(words.len());
        consents.push(place < 6);
        let values = [
            &record.record_id,
            &record.forename,
            &record.surname,
            &record.date_of_birth,
            &record.sex,
            &record.postcode,
            words[place],
        ];
        writeln!(text, "{}", values.map(|value| format!("\"{}\"", value.replace('"', "\"\""))).join(","))?;
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("referrals.csv"), text)?;
    population.write_csv(Agency::SocialCare, &folder.join("council.csv"))?;
    fs::write(folder.join("schema.toml"), SCHEMA)?;
    let key = ProjectKey::from_bytes(seed("referral_list", number, "key"));
    key.write(folder.join("project.key"))?;

    // Two families said no, to the council: it keeps the list.
    let schema = Schema::from_toml(SCHEMA)?;
    let whole = |r: &&pprl::synth::Record| {
        [&r.forename, &r.surname, &r.date_of_birth, &r.postcode].iter().all(|v| !v.is_empty())
    };
    let refused: Vec<&pprl::synth::Record> = referrals
        .iter()
        .zip(&consents)
        .filter(|(_, consents)| **consents)
        .map(|(r, _)| r)
        .filter(whole)
        .step_by(9)
        .take(2)
        .collect();
    let values = |r: &&pprl::synth::Record| {
        [&r.forename, &r.surname, &r.date_of_birth, &r.sex, &r.postcode, &r.nhs_number, &r.upn]
            .map(String::clone)
            .to_vec()
    };
    let listed: Vec<Record> = refused.iter().map(|r| Record::new(r.record_id.clone(), values(r))).collect();
    let able = |record: &&Record| {
        let encoder = Encoder::new(&schema, &key, "council");
        encoder.and_then(|encoder| encoder.opt_out_list(std::slice::from_ref(*record))).is_ok()
    };
    let (listed, refused): (Vec<&Record>, Vec<String>) =
        listed.iter().filter(able).map(|record| (record, record.id().to_owned())).unzip();
    let listed: Vec<Record> = listed.iter().map(|r| Record::new(r.id(), r.values().to_vec())).collect();
    Encoder::new(&schema, &key, "council")?.opt_out_list(&listed)?.write(folder.join("optout.list"))?;
    Ok(Invented {
        persons: referrals.iter().map(|record| record.person_id.clone()).collect(),
        consents,
        refused,
        council: population.records(Agency::SocialCare).to_vec(),
    })
}
