//! Which setting for this file? Links it with an invented partner under many settings, and attacks each of them.
//!
//! For a data owner, on a machine where the file may be: nothing that is encoded, and no value, leaves this program.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::audit::{Likelihood, Named};
use pprl::evaluate::{Evaluation, Truth};
use pprl::owner::read_csv;
use pprl::schema::Assignment;
use pprl::synth::{Rates, partner};
use pprl::{CsvOptions, Encoded, Encoder, Linker, ProjectKey, Record, Schema};
use serde::Serialize;

#[path = "support/command.rs"]
mod command;
#[path = "support/profiles.rs"]
mod profiles;
#[path = "tune/settings.rs"]
mod settings;
#[path = "support/svg.rs"]
mod svg;
#[path = "support/tree.rs"]
mod tree;
#[path = "support/working.rs"]
mod working;

use command::{Outcome, required, say};
use settings::Setting;
use tree::Tree;

const HELP: &str = "\
Which setting suits this file? Tries many and says what each finds and what each leaks. Nobody's labels are needed.

  tune --schema SCHEMA --csv PEOPLE [options]

  --schema FILE      what is encoded and how (TOML); its parties are two or more
  --csv FILE         your own file of people
  --rows N           how many people to draw from it (2000)
  --overlap PERCENT  how many of them the invented partner holds too (60)
  --partner AGENCY   whose errors the partner makes: police, social_care (the default) or education
  --known N          how many people the attacker knows, with their rows; half of those drawn unless given
  --most-leak SHARE  what may leak: the upper end of the interval must not be above it (0.05)
  --seed N           who is drawn and what goes wrong (1); the same seed gives the same result
  --out FOLDER       write tune.svg (a plot), tune.json and every setting's schema there
  --threads N        how many threads; all processors unless given
  --json             one JSON object on stdout instead of a table

How it works: people are drawn from your file. An invented partner writes most of them down again, with typing errors,
short names, old postcodes, swapped days and months, and gaps; the others of its people are not among yours. Both are encoded
and linked under each setting. Since we know who is who, F1 can be counted: `default` at the threshold found without labels,
`best` at the best there is. Then an attacker who knows the schema and half of your people, with their rows, but not the
key, tries to name the others from a list. `leak` is the share named correctly, with its 95 % interval; `strangers` is that of
people of whom no relative is known (nobody known has two of their fields alike).

Read it with care. The partner's errors are judgements, not your partner's. With more known people or a denser file more
leaks, with a longer list less; a better attack may find more. Relatives in the file make it easier: who knows a sister knows
a surname and a postcode. Where your file holds somebody twice, right links count as wrong. Match keys are used in linking
and are not attacked.
";

/// Fewer people than this say nothing.
const LEAST_ROWS: usize = 40;

struct Arguments {
    schema: Option<PathBuf>,
    csv: Option<PathBuf>,
    rows: usize,
    overlap: usize,
    partner: String,
    known: Option<usize>,
    most_leak: f64,
    seed: u64,
    out: Option<PathBuf>,
    threads: usize,
    json: bool,
}

/// What one setting gives.
#[derive(Serialize)]
struct Tried {
    setting: String,
    #[serde(flatten)]
    quality: Evaluation,
    leak: Named,
    leak_share: f64,
    leak_interval: (f64, f64),
    /// Of those who have no relative among the known people.
    leak_strangers: Named,
    /// What a record takes that leaves the building, without its id.
    bytes: usize,
    /// Whether the schema needs a reason to accept its risks.
    needs_accept_risk: bool,
    /// Whether the upper end of the interval is low enough.
    holds: bool,
    #[serde(skip)]
    schema: Schema,
}

#[derive(Serialize)]
struct Report {
    rows: [usize; 2],
    true_pairs: usize,
    partner: String,
    known: usize,
    targets: usize,
    listed: usize,
    seed: u64,
    most_leak: f64,
    /// The setting with the best F1 among those that hold; nothing where none does.
    recommended: Option<String>,
    settings: Vec<Tried>,
}

/// Who is drawn, by place in the file: the owner's people, and those whom the partner writes down.
struct Drawn {
    own: Vec<usize>,
    partners: Vec<usize>,
    both: usize,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut arguments = Arguments {
        schema: None,
        csv: None,
        rows: 2_000,
        overlap: 60,
        partner: "social_care".to_owned(),
        known: None,
        most_leak: 0.05,
        seed: 1,
        out: None,
        threads: 0,
        json: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("csv") => arguments.csv = Some(parser.value()?.into()),
            Long("rows") => arguments.rows = parser.value()?.parse()?,
            Long("overlap") => arguments.overlap = parser.value()?.parse()?,
            Long("partner") => arguments.partner = parser.value()?.string()?,
            Long("known") => arguments.known = Some(parser.value()?.parse()?),
            Long("most-leak") => arguments.most_leak = parser.value()?.parse()?,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Long("json") => arguments.json = true,
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    // 0 threads are as many as there are processors.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| tune(&arguments))
}

fn tune(arguments: &Arguments) -> Outcome {
    let path = required(arguments.schema.as_ref(), "--schema")?;
    let csv = required(arguments.csv.as_ref(), "--csv")?;
    let rates = match arguments.partner.as_str() {
        "police" => Rates::police(),
        "social_care" => Rates::social_care(),
        "education" => Rates::education(),
        _ => return Err(usage("--partner must be police, social_care or education")),
    };
    if !(1..=100).contains(&arguments.overlap) {
        return Err(usage("--overlap must be 1 to 100 per cent"));
    }
    if !(0.0..=1.0).contains(&arguments.most_leak) {
        return Err(usage("--most-leak must be 0 to 1"));
    }
    let schema = Schema::from_path(path)?;
    if schema.project().parties().len() < 2 {
        return Err(format!("{}: names one party only; two files need two", path.display()).into());
    }
    let people = read_csv(csv, &schema, &CsvOptions::new())?;
    let drawn = Drawn::new(people.len(), arguments);
    if drawn.own.len() < LEAST_ROWS {
        return Err(format!("{}: {LEAST_ROWS} people or more are needed", csv.display()).into());
    }
    let known = arguments.known.unwrap_or(drawn.own.len() / 2);
    let listed = drawn.own.len().saturating_sub(known);
    if known == 0 || listed == 0 {
        return Err(usage("--known must be 1 or more, and fewer than --rows"));
    }
    let tree = arguments.out.as_deref().map(Tree::new).transpose()?;

    let values = |places: &[usize]| places.iter().map(|&place| people[place].values()).collect::<Vec<_>>();
    let own: Vec<Vec<String>> = values(&drawn.own).into_iter().map(<[String]>::to_vec).collect();
    let written = partner(&schema, &values(&drawn.partners), &rates, arguments.seed);
    let mut tried = Vec::new();
    for setting in settings::all(&schema)? {
        let what = format!("trying {}", setting.name);
        tried.push(working::during(&what, || {
            try_setting(setting, &schema, [&own, &written], &drawn, known, arguments)
        })?);
    }

    let best = tried.iter().filter(|tried| tried.holds).reduce(|best, other| {
        let (a, b) = (&best.quality.default.f1, &other.quality.default.f1);
        // Of equally good ones the shorter.
        if b > a || (a == b && other.bytes < best.bytes) { other } else { best }
    });
    let report = Report {
        rows: [drawn.own.len(), drawn.partners.len()],
        true_pairs: drawn.both,
        partner: arguments.partner.clone(),
        known,
        targets: listed,
        listed,
        seed: arguments.seed,
        most_leak: arguments.most_leak,
        recommended: best.map(|tried| tried.setting.clone()),
        settings: tried,
    };
    let json = serde_json::to_string_pretty(&report)? + "\n";
    if let Some(tree) = tree {
        let path = tree.path().to_owned();
        fs::write(path.join("tune.svg"), report.plot()?)?;
        fs::write(path.join("tune.json"), &json)?;
        let schemas = tree.folder("schemas", false)?;
        for tried in &report.settings {
            fs::write(schemas.join(tried.setting.replace(' ', "_") + ".toml"), tried.schema.to_toml())?;
        }
        tree.finish()?;
    }
    say(&if arguments.json { json } else { report.table()? })
}

fn usage(problem: &str) -> Box<dyn std::error::Error + Send + Sync> {
    lexopt::Error::from(problem.to_owned()).into()
}

impl Drawn {
    fn new(people: usize, arguments: &Arguments) -> Self {
        // As many of the partner's people are not among the owner's as the file has left.
        let others = 100 - arguments.overlap;
        let own = arguments.rows.min(people * 100 / (100 + others));
        let both = own * arguments.overlap / 100;
        let mut order: Vec<usize> = (0..people).collect();
        let mut state = arguments.seed;
        for i in (1..people).rev() {
            order.swap(i, (next(&mut state) % (i as u64 + 1)) as usize);
        }
        order.truncate(own + own - both);
        // The file's order could say who is who.
        let mut partners: Vec<usize> = order[own - both..].to_vec();
        partners.sort_unstable();
        Drawn { own: order[..own].to_vec(), partners, both }
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014): nothing here has to be secret.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn try_setting(
    setting: Setting,
    schema: &Schema,
    [own, written]: [&[Vec<String>]; 2],
    drawn: &Drawn,
    known: usize,
    arguments: &Arguments,
) -> Outcome<Tried> {
    let Setting { name, schema: tried } = setting;
    // A setting may leave fields out.
    let places: Vec<usize> = tried
        .fields()
        .iter()
        .filter_map(|field| schema.fields().iter().position(|other| other.name() == field.name()))
        .collect();
    // A row's own id is who it is: the person's place in the file.
    let records = |people: &[Vec<String>], who: &[usize]| -> Vec<Record> {
        let record = |(values, who): (&Vec<String>, &usize)| {
            Record::new(who.to_string(), places.iter().map(|&place| values[place].clone()).collect())
        };
        people.iter().zip(who).map(record).collect()
    };
    let mut bytes = [0x74; 32];
    bytes[..8].copy_from_slice(&arguments.seed.to_le_bytes());
    let key = ProjectKey::from_bytes(bytes);
    let encode = |party: usize, records: &[Record]| -> pprl::Result<Encoded> {
        let party_name = &tried.project().parties()[party];
        let mut seed = bytes;
        seed[31] = party as u8;
        Encoder::new(&tried, &key, party_name)?.seed(seed).encode(records)
    };
    let (own, written) = (records(own, &drawn.own), records(written, &drawn.partners));
    let (a, b) = (encode(0, &own)?, encode(1, &written)?);
    let who = |encoded: &Encoded| encoded.row_map.entries().iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
    let (of_a, of_b) = (who(&a), who(&b));
    let scored = Linker::new(&tried).score(&a.cohort, &b.cohort)?;
    let quality = Truth { a: &of_a, b: Some(&of_b) }.judge(&scored, Assignment::OneToOne);
    let others = own.len() - known;
    let attack = Likelihood::new().known(known).targets(others).listed(others).seed(arguments.seed);
    let leak = attack.attack(&tried, &own, &a)?;
    let (strangers, leak) = (leak.strangers(), leak.all);
    Ok(Tried {
        setting: name,
        quality,
        leak,
        leak_share: leak.share(),
        leak_interval: leak.interval(),
        leak_strangers: strangers,
        bytes: tried.encodings().iter().map(|encoding| encoding.output().div_ceil(8)).sum(),
        needs_accept_risk: tried.accept_risk().is_some(),
        holds: leak.interval().1 <= arguments.most_leak,
        schema: tried,
    })
}

impl Report {
    fn plot(&self) -> Result<String, std::fmt::Error> {
        let points: Vec<svg::Point<'_>> = self
            .settings
            .iter()
            .map(|tried| svg::Point {
                name: &tried.setting,
                f1: tried.quality.default.f1,
                leak: tried.leak_share,
                interval: tried.leak_interval,
                holds: tried.holds,
                recommended: self.recommended.as_ref() == Some(&tried.setting),
            })
            .collect();
        let title = format!("What each setting finds and leaks: {} people, {} of them known", self.rows[0], self.known);
        let across = "leak: share of people named correctly, with its 95 % interval (logarithmic)";
        svg::scatter(&title, across, &points, self.most_leak)
    }

    fn table(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        let Report { rows: [own, written], true_pairs, known, listed, partner, seed, most_leak, .. } = self;
        writeln!(
            out,
            "{own} people of the file, and {written} written down by an invented partner ({partner}): {true_pairs} in both"
        )?;
        writeln!(
            out,
            "the attacker knows {known} people and their rows, and names {listed} others from a list of {listed}"
        )?;
        writeln!(out, "seed {seed}\n")?;
        writeln!(
            out,
            "{:24} {:>7} {:>9} {:>7} {:>7}   {:>5} {:>14} {:>9}  {:>5}  reason",
            "setting", "F1", "precision", "recall", "best F1", "leak", "95 %", "strangers", "bytes"
        )?;
        for tried in &self.settings {
            let (default, best) = (&tried.quality.default, &tried.quality.best);
            let (low, high) = tried.leak_interval;
            writeln!(
                out,
                "{:24} {:7.4} {:9.4} {:7.4} {:7.4}   {:5.3} {low:5.3} to {high:5.3} {:9.3}  {:5}  {}",
                tried.setting,
                default.f1,
                default.precision,
                default.recall,
                best.f1,
                tried.leak_share,
                tried.leak_strangers.share(),
                tried.bytes,
                if tried.needs_accept_risk { "needed" } else { "" }
            )?;
        }
        match &self.recommended {
            Some(setting) => {
                writeln!(out, "\nrecommended: {setting}, the best F1 of those that leak {most_leak} at most")?;
            }
            None => writeln!(out, "\nnone holds: every setting may leak more than {most_leak}")?,
        }
        Ok(out)
    }
}
