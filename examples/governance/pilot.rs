//! A project from its signed schema to the receipts for what was deleted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pprl::audit::Audit;
use pprl::deletion::{Receipt, delete};
use pprl::event_log::{Action, Event, EventLog, Verdict};
use pprl::owner::read_csv;
use pprl::schema::Date;
use pprl::seal::{Identity, PublicKey, Recipient, SchemaSignature, SigningKey, Trusted, check_signed, open, seal};
use pprl::synth::{Agency, Options, Population};
use pprl::{Cohort, CsvOptions, Encoder, Linker, Links, ProjectKey, Schema};

use crate::command::Outcome;
use crate::invented::{seed, sha256};

/// What both parties sign.
const SCHEMA: &str = include_str!("../schemas/uk_person.toml");

pub(crate) const OWNERS: [Agency; 2] = [Agency::SocialCare, Agency::Education];

/// What a whole project leaves behind.
pub(crate) struct Project {
    pub(crate) fingerprint: String,
    /// Verdicts of the owners' audits, by party.
    pub(crate) audits: BTreeMap<&'static str, bool>,
    /// Rows of each cohort as its manifest says.
    pub(crate) manifests: BTreeMap<String, u64>,
    pub(crate) linked: usize,
    /// How many files the second run gave with the same bytes, and how many there are.
    pub(crate) same: (usize, usize),
    pub(crate) receipts: Vec<Receipt>,
    /// For each log: its folder, how many events, and the hash to keep elsewhere.
    pub(crate) logs: Vec<(String, u64, String)>,
}

/// The two owners' schema: the default one, with the project's own frame.
fn schema_text() -> String {
    SCHEMA
        .replace("id = \"example-project\" ", "id = \"governance-pilot\" ")
        .replace(
            "Example: what the linkage is for, under which agreement",
            "Pilot on invented people, agreement 2026-11",
        )
        .replace("[\"police\", \"social_care\", \"education\"]", "[\"social_care\", \"education\"]")
        .replace("keep_unlinked = [\"police\"] ", "keep_unlinked = [] ")
}

/// One party's folder and log.
struct Office {
    folder: PathBuf,
    actor: String,
    log: EventLog,
}

impl Office {
    fn new(root: &Path, name: &str) -> Outcome<Self> {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        let log = EventLog::open(folder.join("events.jsonl"))?;
        Ok(Office { folder, actor: format!("officer of {name}"), log })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn event(&self, action: Action) -> Event {
        Event::new(action, &self.actor)
    }
}

/// Plays a project inside `root`.
pub(crate) fn play(root: &Path, children: usize, number: u64) -> Outcome<Project> {
    let agreement = root.join("agreement");
    fs::create_dir_all(&agreement)?;
    fs::write(agreement.join("schema.toml"), schema_text())?;
    let schema = Schema::from_path(agreement.join("schema.toml"))?;
    let mut owners = [Office::new(root, OWNERS[0].name())?, Office::new(root, OWNERS[1].name())?];
    let mut unit = Office::new(root, "linkage_unit")?;

    let options = Options { seed: number, children, cohort: 0, social_care_share: 4_000, ..Options::default() };
    let population = Population::generate(&options)?;
    for (owner, agency) in owners.iter().zip(OWNERS) {
        population.write_csv(agency, &owner.path("people.csv"))?;
    }
    let identity = Identity::generate()?;
    identity.write(unit.path("unit.identity"))?;
    identity.recipient().write(agreement.join("unit.pub"))?;

    let trusted = sign(&agreement, &schema, &mut owners)?;
    let mut audits = BTreeMap::new();
    let mut manifests = BTreeMap::new();
    let key = ProjectKey::from_bytes(seed("governance", number, "key"));
    for (owner, agency) in owners.iter_mut().zip(OWNERS) {
        let party = agency.name();
        key.write(owner.path("project.key"))?;
        ProjectKey::from_bytes(seed("governance", number, party)).write(owner.path("row-ids.seed"))?;
        let (passed, rows) = encode(owner, party, &schema)?;
        audits.insert(party, passed);
        manifests.insert(party.to_owned(), rows);
        send(owner, party, &agreement, &root.join("linkage_unit"))?;
    }
    drop(key);
    let links = link(&mut unit, &schema, &trusted, number)?;
    for (owner, agency) in owners.iter().zip(OWNERS) {
        fs::copy(unit.path(&format!("result/{}.links.csv", agency.name())), owner.path("links.csv"))?;
    }
    let same = again(root, &schema, number)?;
    let receipts = end(&mut owners, &mut unit, &schema)?;
    let mut logs = Vec::new();
    for office in owners.iter().chain([&unit]) {
        let verified = EventLog::verify_to(office.path("events.jsonl"), office.log.head())?;
        let name = office.folder.file_name().map(|name| name.display().to_string()).unwrap_or_default();
        logs.push((name, verified.events, verified.head));
    }
    Ok(Project {
        fingerprint: schema.fingerprint().to_owned(),
        audits,
        manifests,
        linked: links.links().len(),
        same,
        receipts,
        logs,
    })
}

/// Both sign the schema, and each checks that all did.
fn sign(agreement: &Path, schema: &Schema, owners: &mut [Office; 2]) -> Outcome<Trusted> {
    for (owner, agency) in owners.iter_mut().zip(OWNERS) {
        let key = SigningKey::generate()?;
        key.write(owner.path("signing.key"))?;
        key.public().write(agreement.join(format!("{}.public", agency.name())))?;
        SchemaSignature::sign(schema, agency.name(), &key)?
            .write(agreement.join(format!("{}.signature", agency.name())))?;
        let text = fs::read(agreement.join("schema.toml"))?;
        let event = owner.event(Action::Sign).schema(schema).party(agency.name());
        owner.log.append(event.verdict(Verdict::Done).reason(format!("schema.toml sha256 {}", sha256(&text))))?;
    }
    let mut trusted = Trusted::new();
    let mut signatures = Vec::new();
    for agency in OWNERS {
        // Public keys come by a way on which nobody can exchange them.
        trusted =
            trusted.party(agency.name(), PublicKey::from_path(agreement.join(format!("{}.public", agency.name())))?);
        signatures.push(SchemaSignature::read(agreement.join(format!("{}.signature", agency.name())))?);
    }
    check_signed(schema, &signatures, &trusted)?;
    Ok(trusted)
}

/// The risk report, and then what may leave.
fn encode(owner: &mut Office, party: &str, schema: &Schema) -> Outcome<(bool, u64)> {
    let key = ProjectKey::from_path(owner.path("project.key"))?;
    let encoder = Encoder::new(schema, &key, party)?.seed_file(owner.path("row-ids.seed"))?;
    let people = read_csv(owner.path("people.csv"), schema, &CsvOptions::new().id_column("record_id"))?;
    let encoded = encoder.encode(&people)?;
    let report = Audit::new().quick(true).date(Date::today()).run(schema, &people, &encoded)?;
    let verdict = if report.passed() { Verdict::Passed } else { Verdict::Failed };
    report.write(&owner.folder)?;
    owner.log.append(owner.event(Action::Audit).schema(schema).party(party).verdict(verdict))?;
    report.check_release(&encoded.cohort)?;
    encoded.write(&owner.folder)?;
    let event = owner.event(Action::Encode).schema(schema).party(party).cohort(&encoded.cohort);
    let event = event.count("people", encoded.row_map.people() as u64);
    let event = event.count("opted_out", encoded.quality.opted_out).count("no_consent", encoded.quality.no_consent);
    owner.log.append(event.verdict(Verdict::Done))?;
    // What stays when the cohort is deleted: what crossed, without an encoding, and how much of the file could be used.
    fs::write(owner.path("manifest.json"), serde_json::to_vec_pretty(encoded.cohort.manifest())?)?;
    fs::write(owner.path("quality.txt"), encoded.quality.to_string())?;
    Ok((report.passed(), encoded.cohort.manifest().rows))
}

/// Sealed to the unit and signed.
fn send(owner: &mut Office, party: &str, agreement: &Path, unit: &Path) -> Outcome {
    let cohort = Cohort::read(owner.path(&format!("{party}.cohort.json")))?;
    let recipient = Recipient::from_path(agreement.join("unit.pub"))?;
    let key = SigningKey::from_path(owner.path("signing.key"))?;
    seal(&cohort, &recipient, &key, unit.join(format!("{party}.age")))?;
    owner.log.append(owner.event(Action::Seal).manifest(cohort.manifest()).verdict(Verdict::Done))?;
    Ok(())
}

fn link(unit: &mut Office, schema: &Schema, trusted: &Trusted, number: u64) -> Outcome<Links> {
    let identity = Identity::from_path(unit.path("unit.identity"))?;
    let mut cohorts = Vec::new();
    for agency in OWNERS {
        let opened = open(unit.path(&format!("{}.age", agency.name())), &identity, trusted)?;
        let manifest = opened.cohort.manifest();
        let event = unit.event(Action::Open).manifest(manifest).count("rows", manifest.rows);
        unit.log.append(event.verdict(Verdict::Done))?;
        cohorts.push(opened.cohort);
    }
    let links = linker(schema, number).link(&cohorts.iter().collect::<Vec<_>>())?;
    links.write(unit.path("result"))?;
    let event = cohorts.iter().fold(unit.event(Action::Link).schema(schema), Event::cohort);
    unit.log.append(event.count("links", links.links().len() as u64).verdict(Verdict::Done))?;
    for agency in OWNERS {
        let event = unit.event(Action::Release).schema(schema).party(agency.name());
        let rows = links.owner_table(agency.name())?.len() as u64;
        unit.log.append(event.count("rows", rows).reason("its own table of links").verdict(Verdict::Done))?;
    }
    Ok(links)
}

fn linker(schema: &Schema, number: u64) -> Linker {
    Linker::new(schema).seed(seed("governance", number, "links"))
}

/// The whole run again, from the same files, keys and seeds: every file must have the same bytes.
fn again(root: &Path, schema: &Schema, number: u64) -> Outcome<(usize, usize)> {
    let again = root.join("again");
    let mut cohorts = Vec::new();
    let (mut same, mut all) = (0, 0);
    let mut compare = |one: &Path, other: &Path| -> Outcome {
        all += 1;
        same += usize::from(fs::read(one)? == fs::read(other)?);
        Ok(())
    };
    for agency in OWNERS {
        let (party, owner) = (agency.name(), root.join(agency.name()));
        let key = ProjectKey::from_path(owner.join("project.key"))?;
        let encoder = Encoder::new(schema, &key, party)?.seed_file(owner.join("row-ids.seed"))?;
        let encoded = encoder.encode_csv_with(owner.join("people.csv"), &CsvOptions::new().id_column("record_id"))?;
        let files = encoded.write(again.join(party))?;
        compare(&files.send, &owner.join(format!("{party}.cohort.json")))?;
        compare(&files.keep, &owner.join(format!("{party}.rows.csv")))?;
        cohorts.push(encoded.cohort);
    }
    let links = linker(schema, number).link(&cohorts.iter().collect::<Vec<_>>())?;
    links.write(again.join("result"))?;
    for entry in fs::read_dir(again.join("result"))? {
        let entry = entry?;
        compare(&entry.path(), &root.join("linkage_unit/result").join(entry.file_name()))?;
    }
    fs::remove_dir_all(again)?;
    Ok((same, all))
}

/// What is no longer needed is deleted: at the owners what was made to be sent, and at the unit all but its log.
fn end(owners: &mut [Office; 2], unit: &mut Office, schema: &Schema) -> Outcome<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for (owner, agency) in owners.iter_mut().zip(OWNERS) {
        let cohort = format!("{}.cohort.json", agency.name());
        let files: Vec<PathBuf> =
            [cohort.as_str(), "row-ids.seed", "project.key"].map(|name| owner.path(name)).to_vec();
        let receipt = owner.path("deletion-receipt.json");
        receipts.push(delete(&files, schema, &owner.actor, "end of the project", &mut owner.log, receipt)?);
    }
    let mut files: Vec<PathBuf> = OWNERS.iter().map(|agency| unit.path(&format!("{}.age", agency.name()))).collect();
    for entry in fs::read_dir(unit.path("result"))? {
        files.push(entry?.path());
    }
    // Counts, which stay.
    for name in ["summary.txt", "report.html"] {
        fs::copy(unit.path("result").join(name), unit.path(name))?;
    }
    files.push(unit.path("unit.identity"));
    files.sort();
    let receipt = unit.path("deletion-receipt.json");
    receipts.push(delete(&files, schema, &unit.actor, "end of the project", &mut unit.log, receipt)?);
    fs::remove_dir(unit.path("result"))?;
    Ok(receipts)
}
