//! Encodes, links and compares with the truth in one go: what does a schema find in these files?
//!
//! For people who hold both files and the truth: a pilot on invented or consented data.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::evaluate::{Difficulty, Evaluation, Quality, Truth, plaintext};
use pprl::linkage::{ScoredPairs, assign};
use pprl::owner::{read_column, read_csv};
use pprl::schema::Assignment;
use pprl::{Cohort, CsvOptions, Encoder, Linker, ProjectKey, Record, Schema};
use serde::Serialize;

#[path = "support/command.rs"]
mod command;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/working.rs"]
mod working;

use command::{Outcome, required, say};

const HELP: &str = "\
Encodes two files (or one, to find its duplicates), links them and compares the links with the truth.

  evaluate --schema SCHEMA --a FILE [--b FILE] --truth COLUMN [options]

  --schema FILE    what is encoded and how (TOML)
  --a FILE         the first CSV file
  --b FILE         the second one; without it, duplicates inside the first are looked for
  --truth COLUMN   the column, in both files, that says who a row is; empty = known to be nobody else
  --group COLUMN   quality by this column of the first file, too; its values are shown
  --plaintext      also compare the same records without encoding them (strsim)
  --key FILE       a project key; without it a fixed one is used, so that the result is the same every time.
                   That is safe here because nothing that is encoded leaves this program
  --threads N      how many threads; all processors unless given
  --json           one JSON object on stdout instead of tables

With two files a row has at most one partner, whatever the schema says. `default` is the quality at the threshold that
is found without labels (or stands in the schema), `best` the quality at the best threshold, which needs the truth.
";

/// How many groups make a table that somebody reads.
const MOST_GROUPS: usize = 50;

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    a: Option<PathBuf>,
    b: Option<PathBuf>,
    truth: Option<String>,
    group: Option<String>,
    key: Option<PathBuf>,
    threads: usize,
    plaintext: bool,
    json: bool,
}

/// One file, with everything in the order of its cohort's rows.
struct File {
    cohort: Cohort,
    records: Vec<Record>,
    truth: Vec<String>,
    group: Vec<String>,
    difficulty: Vec<Difficulty>,
}

/// The result; thresholds and precisions that are not finite are `null` in JSON.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    encoded: Evaluation,
    /// What the linker itself expects of its precision, without labels.
    expected_precision: Option<f32>,
    /// Encoding and linking, without reading the files.
    seconds: f64,
    encode_seconds: f64,
    rows: Vec<usize>,
    schema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<Evaluation>,
    groups: BTreeMap<String, BTreeMap<String, Quality>>,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("a") => arguments.a = Some(parser.value()?.into()),
            Long("b") => arguments.b = Some(parser.value()?.into()),
            Long("truth") => arguments.truth = Some(parser.value()?.string()?),
            Long("group") => arguments.group = Some(parser.value()?.string()?),
            Long("key") => arguments.key = Some(parser.value()?.into()),
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Long("plaintext") => arguments.plaintext = true,
            Long("json") => arguments.json = true,
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    // 0 threads are as many as there are processors.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| evaluate(arguments))
}

fn evaluate(arguments: Arguments) -> Outcome {
    let schema = required(arguments.schema, "--schema")?;
    let a = required(arguments.a, "--a")?;
    let truth = required(arguments.truth, "--truth")?;
    let schema = Schema::from_path(schema)?;
    let key = match arguments.key {
        Some(path) => ProjectKey::from_path(path)?,
        None => ProjectKey::from_bytes(std::array::from_fn(|i| i as u8)),
    };

    let mut encode_seconds = 0.0;
    let mut file = |path: &Path, number: u8, group: Option<&str>| {
        let party = schema.project().parties().get(usize::from(number));
        let party = party.ok_or("the schema names one party only; two files need two")?;
        File::encode(path, &schema, &key, party, number, &truth, group, &mut encode_seconds)
    };
    let a = file(&a, 0, arguments.group.as_deref())?;
    let b = arguments.b.map(|path| file(&path, 1, None)).transpose()?;

    let start = Instant::now();
    let linker = Linker::new(&schema).progress(progress::compared());
    let scored = match &b {
        Some(b) => linker.score(&a.cohort, &b.cohort)?,
        None => linker.score_within(&a.cohort)?,
    };
    let assignment = if b.is_some() { Assignment::OneToOne } else { Assignment::ManyToMany };
    let truth = Truth { a: &a.truth, b: b.as_ref().map(|b| &b.truth[..]) };
    let encoded = truth.judge(&scored, assignment);
    let seconds = encode_seconds + start.elapsed().as_secs_f64();
    let report = Report {
        encoded,
        expected_precision: scored.expected_precision,
        seconds,
        encode_seconds,
        rows: [Some(&a), b.as_ref()].into_iter().flatten().map(|file| file.cohort.rows()).collect(),
        schema: schema.fingerprint().to_owned(),
        plaintext: arguments.plaintext.then(|| {
            let records = b.as_ref().map(|b| &b.records[..]);
            let scored = working::during("comparing in plaintext", || plaintext(&schema, &a.records, records));
            truth.judge(&scored, assignment)
        }),
        groups: groups(&truth, &scored, assignment, &a, b.as_ref(), arguments.group),
    };
    say(&if arguments.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.table()? })
}

impl File {
    #[expect(clippy::too_many_arguments, reason = "one call, in the closure that fills in what both files share")]
    fn encode(
        path: &Path,
        schema: &Schema,
        key: &ProjectKey,
        party: &str,
        number: u8,
        truth: &str,
        group: Option<&str>,
        seconds: &mut f64,
    ) -> Outcome<Self> {
        let options = CsvOptions::new();
        let records = read_csv(path, schema, &options)?;
        let truth = read_column(path, truth, &options)?;
        let group = group.map(|column| read_group(path, column, &options)).transpose()?;
        let start = Instant::now();
        let encoded = Encoder::new(schema, key, party)?.seed([number; 32]).encode(&records)?;
        *seconds += start.elapsed().as_secs_f64();

        // Without a column for ids, a row's own id is its number in the file.
        let order = encoded.row_map.entries().iter().map(|(_, id)| Ok(id.parse::<usize>()? - 1));
        let order = order.collect::<Result<Vec<usize>, std::num::ParseIntError>>()?;
        let mut records: Vec<Option<Record>> = records.into_iter().map(Some).collect();
        let records: Vec<Record> = order.iter().filter_map(|&row| records[row].take()).collect();
        let in_order = |values: Vec<String>| order.iter().map(|&row| values[row].clone()).collect();
        Ok(File {
            cohort: encoded.cohort,
            difficulty: Difficulty::of(schema, &records),
            records,
            truth: in_order(truth),
            group: group.map(in_order).unwrap_or_default(),
        })
    }
}

/// A column to group by. Groups are shown by name, so a column of names or ids is none.
fn read_group(path: &Path, column: &str, options: &CsvOptions) -> Outcome<Vec<String>> {
    let values = read_column(path, column, options)?;
    let different = values.iter().collect::<BTreeSet<_>>().len();
    if different > MOST_GROUPS {
        let problem = format!("column {column:?} has {different} different values; to group by, at most {MOST_GROUPS}");
        return Err(format!("{}: {problem}", path.display()).into());
    }
    Ok(values)
}

/// Quality at the default threshold, by group.
fn groups(
    truth: &Truth<'_>,
    scored: &ScoredPairs,
    assignment: Assignment,
    a: &File,
    b: Option<&File>,
    column: Option<String>,
) -> BTreeMap<String, BTreeMap<String, Quality>> {
    let links = assign(&scored.candidates, scored.threshold, assignment);
    let by = |group: &dyn Fn(u32, u32) -> String| truth.by_group(links.iter().map(|link| (link.a, link.b)), group);
    let of_pair = |x: u32, y: u32| a.difficulty[x as usize].with(b.unwrap_or(a).difficulty[y as usize]);
    let mut groups = BTreeMap::from([
        ("shortest_name".to_owned(), by(&|x, y| of_pair(x, y).name_length().to_owned())),
        ("missing_fields".to_owned(), by(&|x, y| of_pair(x, y).missing_fields().to_owned())),
    ]);
    if let Some(column) = column {
        groups.insert(format!("column:{column}"), by(&|x, _| a.group[x as usize].clone()));
    }
    groups
}

impl Report {
    fn table(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        let rows: Vec<String> = self.rows.iter().map(usize::to_string).collect();
        writeln!(
            out,
            "{} rows, {} true pairs, {:.1} seconds",
            rows.join(" and "),
            self.encoded.best.truth,
            self.seconds
        )?;
        if let Some(expected) = self.expected_precision {
            writeln!(out, "precision expected without labels: {expected:.3}")?;
        }
        writeln!(out, "\n{:28} precision  recall      f1    links  correct     true  threshold", "")?;
        let line = |out: &mut String, name: &str, quality: &Quality, threshold: Option<f32>| {
            let Quality { precision, recall, f1, links, correct, truth } = quality;
            write!(out, "{name:28} {precision:9.4} {recall:7.4} {f1:7.4} {links:8} {correct:8} {truth:8}")?;
            match threshold {
                Some(threshold) if threshold.is_finite() => writeln!(out, "  {threshold:9.3}"),
                Some(_) => writeln!(out, "       none"),
                None => writeln!(out),
            }
        };
        let evaluations = [("", Some(&self.encoded)), ("plaintext, ", self.plaintext.as_ref())];
        for (name, evaluation) in evaluations.into_iter().filter_map(|(name, e)| Some((name, e?))) {
            line(&mut out, &format!("{name}default"), &evaluation.default, Some(evaluation.default_threshold))?;
            line(&mut out, &format!("{name}best"), &evaluation.best, Some(evaluation.best_threshold))?;
        }
        for (by, groups) in &self.groups {
            writeln!(out, "by {by}")?;
            for (group, quality) in groups {
                let group = if group.is_empty() { "(empty)" } else { group };
                line(&mut out, &format!("  {group}"), quality, None)?;
            }
        }
        Ok(out)
    }
}
