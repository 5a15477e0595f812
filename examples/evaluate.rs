//! Encodes, links and compares with the truth in one go: what does a schema find in these files?
//!
//! For people who hold both files and the truth: a pilot on invented or consented data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;
use pprl::evaluate::{Against, Bootstrap, Difficulty, Gaps, Quality, Truth, plaintext};
use pprl::linkage::{ScoredPairs, assign};
use pprl::owner::{RarityList, read_column, read_csv};
use pprl::schema::Assignment;
use pprl::{Cohort, CsvOptions, Encoder, Linker, ProjectKey, Record, Schema};

#[path = "support/command.rs"]
mod command;
#[path = "support/evaluated.rs"]
mod evaluated;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/working.rs"]
mod working;

use command::{Outcome, required, say};
use evaluated::{Other, Report};

const HELP: &str = "\
Encodes two files (or one, to find its duplicates), links them and compares the links with the truth.

  evaluate --schema SCHEMA --a FILE [--b FILE] --truth COLUMN [options]

  --schema FILE    what is encoded and how (TOML)
  --a FILE         the first CSV file
  --b FILE         the second one; without it, duplicates inside the first are looked for
  --truth COLUMN   the column, in both files, that says who a row is; empty = known to be nobody else
  --group COLUMN   quality by this column of the first file, too; its values are shown
  --threshold X    links from this score on, instead of the threshold of the schema; scores are on the scale of the
                   threshold that is shown without it
  --errors         why true pairs were lost and wrong links made: which fields were missing or changed, in plaintext.
                   Counts of fields are shown, never a value
  --against FILE   a second schema: the same files again, and both runs compared. The same schema again, with
                   --threshold, compares that threshold with the schema's
  --curve FILE     writes quality at every threshold as CSV, at most 500 lines
  --resamples N    how often people are drawn again for intervals and gaps; 1000 unless given, 0 for none
  --rarity FIELD=FILE
                   the public list of names by which a schema wants the rarity of a field told (repeated for each)
  --names FILE     a public list of names, where a schema adds bigrams by one (repeated for each list). The noise of
                   randomised response has a fixed key for each file
  --plaintext      also compare the same records without encoding them (strsim)
  --key FILE       a project key; without it a fixed one is used, so that the result is the same every time.
                   That is safe here because nothing that is encoded leaves this program
  --threads N      how many threads; all processors unless given
  --json           one JSON object on stdout instead of tables

With two files a row has at most one partner, whatever the schema says. `default` is the quality at the threshold that
is found without labels (or stands in the schema, or is given), `best` the quality at the best threshold, which needs the
truth. Gaps are points of recall between a group and all others, with 95 % intervals; what is called beyond chance is so
although so many groups were looked at.
";

/// How many groups make a table that somebody reads.
const MOST_GROUPS: usize = 50;

/// A group of fewer people is too small to say that it is served worse.
const SMALLEST_GROUP: usize = 30;

/// The most lines of a curve.
const CURVE: usize = 500;

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    a: Option<PathBuf>,
    b: Option<PathBuf>,
    truth: Option<String>,
    group: Option<String>,
    threshold: Option<f32>,
    errors: bool,
    against: Option<PathBuf>,
    curve: Option<PathBuf>,
    resamples: Option<u32>,
    rarity: Vec<(String, PathBuf)>,
    names: Vec<PathBuf>,
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
    /// Which row of the file each is, from 0.
    order: Vec<usize>,
}

/// Tells the group of a pair of rows.
type Grouping<'a> = Box<dyn Fn(u32, u32) -> String + 'a>;

/// Two files, or one, linked under a schema.
struct Run {
    a: File,
    b: Option<File>,
    scored: ScoredPairs,
    assignment: Assignment,
    links: Vec<(u32, u32)>,
    encode_seconds: f64,
    seconds: f64,
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
            Long("threshold") => arguments.threshold = Some(parser.value()?.parse()?),
            Long("errors") => arguments.errors = true,
            Long("against") => arguments.against = Some(parser.value()?.into()),
            Long("curve") => arguments.curve = Some(parser.value()?.into()),
            Long("resamples") => arguments.resamples = Some(parser.value()?.parse()?),
            Long("rarity") => {
                let value = parser.value()?.string()?;
                let (field, file) = value.split_once('=').ok_or("--rarity needs FIELD=FILE")?;
                arguments.rarity.push((field.to_owned(), file.into()));
            }
            Long("names") => arguments.names.push(parser.value()?.into()),
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
    pool.install(|| evaluate(&arguments))
}

fn evaluate(arguments: &Arguments) -> Outcome {
    let schema = required(arguments.schema.as_ref(), "--schema")?;
    required(arguments.a.as_ref(), "--a")?;
    required(arguments.truth.as_ref(), "--truth")?;
    if arguments.threshold.is_some_and(f32::is_nan) {
        return Err(lexopt::Error::from("--threshold must be a number").into());
    }
    let schema = Schema::from_path(schema)?;
    let against = arguments.against.as_ref().map(Schema::from_path).transpose()?;
    let bootstrap = match arguments.resamples {
        None => Some(Bootstrap::default()),
        Some(0) => None,
        Some(resamples) => Some(Bootstrap::new(resamples, Bootstrap::default().level(), 1)?),
    };

    let run = Run::new(&schema, arguments, arguments.threshold)?;
    let truth = run.truth();
    let encoded = truth.judge(&run.scored, run.assignment);
    if let Some(path) = &arguments.curve {
        truth.curve(&run.scored, run.assignment, CURVE).write_csv(path)?;
    }
    let gaps = bootstrap.map(|bootstrap| run.gaps(&bootstrap, arguments.group.as_deref())).unwrap_or_default();
    let records = run.b.as_ref().map(|b| &b.records[..]);
    let errors = || truth.errors(&schema, &run.a.records, records, &run.scored, run.links.iter().copied());
    let report = Report {
        encoded,
        expected_precision: run.scored.expected_precision,
        seconds: run.seconds,
        encode_seconds: run.encode_seconds,
        rows: run.files().map(|file| file.cohort.rows()).collect(),
        schema: schema.fingerprint().to_owned(),
        plaintext: arguments.plaintext.then(|| {
            let scored = working::during("comparing in plaintext", || plaintext(&schema, &run.a.records, records));
            truth.judge(&scored, run.assignment)
        }),
        groups: run.groups(arguments.group.as_deref()),
        intervals: bootstrap.map(|bootstrap| truth.intervals(run.links.iter().copied(), &bootstrap)),
        gaps,
        errors: arguments.errors.then(errors),
        against: against.map(|schema| compare(&run, &schema, arguments, &bootstrap.unwrap_or_default())).transpose()?,
    };
    say(&if arguments.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.table()? })
}

/// The same files under another schema.
fn compare(first: &Run, schema: &Schema, arguments: &Arguments, bootstrap: &Bootstrap) -> Outcome<Other> {
    let second = Run::new(schema, arguments, None)?;
    // Rows are in another order, so both runs are compared by the rows of the files.
    let [a, b] = [Some(&first.a), first.b.as_ref()].map(|file| file.map(File::truth_of_the_file));
    let truth = Truth { a: a.as_deref().unwrap_or_default(), b: b.as_deref() };
    Ok(Other {
        schema: schema.fingerprint().to_owned(),
        encoded: second.truth().judge(&second.scored, second.assignment),
        expected_precision: second.scored.expected_precision,
        comparison: truth.compare(first.links_of_the_files(), second.links_of_the_files(), bootstrap),
    })
}

impl Run {
    fn new(schema: &Schema, arguments: &Arguments, threshold: Option<f32>) -> Outcome<Self> {
        let key = match &arguments.key {
            Some(path) => ProjectKey::from_path(path)?,
            None => ProjectKey::from_bytes(std::array::from_fn(|i| i as u8)),
        };
        let truth = arguments.truth.as_deref().unwrap_or_default();
        let mut encode_seconds = 0.0;
        let mut file = |path: &Path, number: u8, group: Option<&str>| {
            let party = schema.project().parties().get(usize::from(number));
            let party = party.ok_or("the schema names one party only; two files need two")?;
            File::encode(path, schema, (&key, arguments), party, number, truth, group, &mut encode_seconds)
        };
        let a = file(arguments.a.as_deref().unwrap_or(Path::new("")), 0, arguments.group.as_deref())?;
        let b = arguments.b.as_ref().map(|path| file(path, 1, None)).transpose()?;

        let start = Instant::now();
        let linker = Linker::new(schema).progress(progress::compared());
        let mut scored = match &b {
            Some(b) => linker.score(&a.cohort, &b.cohort)?,
            None => linker.score_within(&a.cohort)?,
        };
        if let Some(threshold) = threshold {
            // What is expected at another threshold says nothing of this one.
            (scored.threshold, scored.expected_precision) = (threshold, None);
        }
        let assignment = if b.is_some() { Assignment::OneToOne } else { Assignment::ManyToMany };
        let links = assign(&scored.candidates, scored.threshold, assignment);
        let links = links.iter().map(|link| (link.a, link.b)).collect();
        let seconds = encode_seconds + start.elapsed().as_secs_f64();
        Ok(Run { a, b, scored, assignment, links, encode_seconds, seconds })
    }

    fn files(&self) -> impl Iterator<Item = &File> {
        [Some(&self.a), self.b.as_ref()].into_iter().flatten()
    }

    fn truth(&self) -> Truth<'_> {
        Truth { a: &self.a.truth, b: self.b.as_ref().map(|b| &b.truth[..]) }
    }

    /// The links by the rows of the files.
    fn links_of_the_files(&self) -> impl Iterator<Item = (u32, u32)> {
        let (a, b) = (&self.a.order, &self.b.as_ref().unwrap_or(&self.a).order);
        self.links.iter().map(|&(x, y)| (a[x as usize] as u32, b[y as usize] as u32))
    }

    /// The names of what pairs are grouped by, and the group of a pair.
    fn groupings<'a>(&'a self, column: Option<&str>) -> Vec<(String, Grouping<'a>)> {
        let of_pair = |x: u32, y: u32| {
            let later = self.b.as_ref().unwrap_or(&self.a);
            self.a.difficulty[x as usize].with(later.difficulty[y as usize])
        };
        let mut groupings: Vec<(String, Grouping<'a>)> = vec![
            ("shortest_name".to_owned(), Box::new(move |x, y| of_pair(x, y).name_length().to_owned())),
            ("missing_fields".to_owned(), Box::new(move |x, y| of_pair(x, y).missing_fields().to_owned())),
        ];
        if let Some(column) = column {
            groupings.push((format!("column:{column}"), Box::new(|x, _| self.a.group[x as usize].clone())));
        }
        groupings
    }

    /// Quality at the default threshold, by group.
    fn groups(&self, column: Option<&str>) -> BTreeMap<String, BTreeMap<String, Quality>> {
        let by = |group| self.truth().by_group(self.links.iter().copied(), group);
        self.groupings(column).into_iter().map(|(name, group)| (name, by(group))).collect()
    }

    /// The same with the gaps between groups.
    fn gaps(&self, bootstrap: &Bootstrap, column: Option<&str>) -> BTreeMap<String, Gaps<String>> {
        let links = || self.links.iter().copied();
        let by = |group| self.truth().gaps(links(), group, SMALLEST_GROUP, Against::Others, bootstrap);
        self.groupings(column).into_iter().map(|(name, group)| (name, by(group))).collect()
    }
}

impl File {
    #[expect(clippy::too_many_arguments, reason = "one call, in the closure that fills in what both files share")]
    fn encode(
        path: &Path,
        schema: &Schema,
        (key, arguments): (&ProjectKey, &Arguments),
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
        let mut encoder = Encoder::new(schema, key, party)?.seed([number; 32]);
        for (field, list) in &arguments.rarity {
            encoder = encoder.rarity(field, &RarityList::read(list)?)?;
        }
        for list in &arguments.names {
            encoder = encoder.names(&RarityList::read(list)?)?;
        }
        if schema.encodings().iter().any(|encoding| encoding.hardening().randomised_response() > 0) {
            encoder = encoder.noise(&ProjectKey::from_bytes(std::array::from_fn(|i| number + 101 + i as u8)))?;
        }
        let start = Instant::now();
        let encoded = encoder.encode(&records)?;
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
            order,
        })
    }

    /// The truth in the order of the file's rows.
    fn truth_of_the_file(&self) -> Vec<String> {
        let mut truth = vec![String::new(); self.truth.len()];
        self.order.iter().zip(&self.truth).for_each(|(&row, who)| truth[row].clone_from(who));
        truth
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
