//! What each way of encoding finds and what it gives away: the same two files under every one of them, linked and attacked.
//!
//! For whoever chooses a profile. Without files it invents two, so that anybody gets the same table.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pprl::Schema;
use pprl::owner::RarityList;

#[path = "support/command.rs"]
mod command;
#[path = "privacy_table/files.rs"]
mod files;
#[path = "privacy_table/measure.rs"]
mod measure;
#[path = "support/people.rs"]
mod people;
#[path = "support/profiles.rs"]
mod profiles;
#[path = "privacy_table/report.rs"]
mod report;
#[path = "support/svg.rs"]
mod svg;
#[path = "support/tree.rs"]
mod tree;
#[path = "privacy_table/variants.rs"]
mod variants;
#[path = "support/working.rs"]
mod working;

use command::{Outcome, required, say};
use files::Files;
use measure::Sizes;
use report::Report;
use tree::Tree;

const HELP: &str = "\
Links two files under many ways of encoding them and attacks each: what does it find, and what does it give away?

  privacy_table [--schema SCHEMA --a FILE --b FILE --truth COLUMN] [options]

  --schema FILE        the fields, and the setting that is called `schema as it is` (TOML); the default schema unless given
  --a FILE             the first CSV file; it is the one that is attacked
  --b FILE             the second one
  --truth COLUMN       the column, in both files, that says who a row is; empty = known to be nobody else
  --markov-names FILE  a public list of names (CSV with the header name,count), by which Markov bigrams are drawn; without it
                       that variant is left out
  --rows N             take at most so many rows of each file, people by lot with all of their rows; invent so many (4500)
  --only NAME          this variant alone (can be repeated); the names are those of the table
  --seed N             who is invented, drawn and known (1); the same seed gives the same result
  --quick              800 rows, and smaller attacks: to see that it works, not to quote
  --out FOLDER         write privacy_table.md, privacy_table.json and frontier.svg (a plot) there
  --threads N          how many threads; all processors unless given
  --json               one JSON object on stdout instead of the table

Without files, two are invented: police and social care write down the same families of children, with the errors of such
files. Where the schema has match keys, they link under every variant, and are not attacked.

Read it with care. The attackers know the schema and some people with their rows, but not the key. Their list is spelt as the
file is, which is the most that they could hope for, and a better attack may find more.
";

/// Rows of an invented file, and of a quick run.
const ROWS: usize = 4_500;
const QUICK_ROWS: usize = 800;

/// Fewer rows than this say nothing.
const LEAST_ROWS: usize = 40;

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    a: Option<PathBuf>,
    b: Option<PathBuf>,
    truth: Option<String>,
    markov_names: Option<PathBuf>,
    rows: Option<usize>,
    only: Vec<String>,
    seed: Option<u64>,
    quick: bool,
    out: Option<PathBuf>,
    threads: usize,
    json: bool,
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
            Long("markov-names") => arguments.markov_names = Some(parser.value()?.into()),
            Long("rows") => arguments.rows = Some(parser.value()?.parse()?),
            Long("only") => arguments.only.push(parser.value()?.string()?),
            Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
            Long("quick") => arguments.quick = true,
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Long("json") => arguments.json = true,
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    // 0 threads are as many as there are processors.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    pool.install(|| compare(&arguments))
}

fn compare(arguments: &Arguments) -> Outcome {
    let seed = arguments.seed.unwrap_or(1);
    let given = if arguments.a.is_some() || arguments.b.is_some() || arguments.truth.is_some() {
        required(arguments.schema.as_ref(), "--schema")?;
        let (a, b) = (required(arguments.a.as_ref(), "--a")?, required(arguments.b.as_ref(), "--b")?);
        Some(([a.as_path(), b.as_path()], required(arguments.truth.as_ref(), "--truth")?))
    } else {
        None
    };
    let schema = arguments.schema.as_ref().map_or_else(|| Ok(Schema::uk_person()), Schema::from_path)?;
    if schema.project().parties().len() < 2 {
        return Err("the schema names one party only; two files need two".into());
    }
    let list = arguments.markov_names.as_ref().map(RarityList::read).transpose()?;
    let mut variants = variants::all(&schema, list.as_ref())?;
    if !arguments.only.is_empty() {
        let names: BTreeSet<&str> = variants.iter().map(|variant| &variant.name[..]).collect();
        if let Some(other) = arguments.only.iter().find(|only| !names.contains(&only[..])) {
            let names = Vec::from_iter(names).join("; ");
            return Err(lexopt::Error::from(format!("--only: there is no {other:?}, but: {names}")).into());
        }
        variants.retain(|variant| arguments.only.contains(&variant.name));
    }
    let rows = arguments.rows.or(arguments.quick.then_some(QUICK_ROWS));
    let files = match given {
        Some((paths, truth)) => {
            let files = Files::read(&schema, paths, truth)?;
            if let Some(rows) = rows { files.thinned(rows, seed) } else { files }
        }
        None => Files::invent(&schema, rows.unwrap_or(ROWS), seed)?,
    };
    if files.records.iter().any(|records| records.len() < LEAST_ROWS) {
        return Err(format!("{LEAST_ROWS} rows or more are needed in each file").into());
    }
    let tree = arguments.out.as_deref().map(Tree::new).transpose()?;

    let sizes = Sizes::of(files.records[0].len(), arguments.quick);
    let mut measured = Vec::new();
    for variant in &variants {
        let what = format!("trying {}", variant.name);
        measured
            .push(working::during(&what, || measure::variant(variant, &schema, &files, list.as_ref(), &sizes, seed))?);
    }
    let report = Report {
        invented: given.is_none(),
        quick: arguments.quick,
        rows: files.records.each_ref().map(Vec::len),
        true_pairs: files.true_pairs(),
        match_keys: schema.match_keys().len(),
        seed,
        sizes,
        variants: measured,
    };
    let json = serde_json::to_string_pretty(&report)? + "\n";
    let table = report.table()?;
    if let Some(tree) = tree {
        let path = tree.path().to_owned();
        fs::write(path.join("privacy_table.md"), &table)?;
        fs::write(path.join("privacy_table.json"), &json)?;
        fs::write(path.join("frontier.svg"), report.plot()?)?;
        tree.finish()?;
    }
    say(if arguments.json { &json } else { &table })
}

/// SplitMix64 (Steele, Lea & Flood 2014): nothing here has to be secret.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
