//! How long comparing takes: invented people in two files of any size, or two given files; end to end, with the rate, the
//! share of what one kernel can do, and the memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lexopt::prelude::*;
use pprl::cohort::BitMatrix;
use pprl::linkage::{Kernel, Measure, Ratio, Search};
use pprl::synth::{Agency, Population};
use pprl::{Cohort, Encoder, Linker, ProjectKey, Record, Schema};
use serde_json::{Value, json};

#[path = "support/command.rs"]
mod command;
#[path = "support/people.rs"]
mod people;
#[path = "support/progress.rs"]
mod progress;

use command::{Outcome, required, say};

const HELP: &str = "\
Measures how fast two files are compared, on this machine.

  scale --rows N [--against M]       invented people: N in the first file, M (or N) in the second
  scale --cohorts A.json B.json      given files: cohorts of this program, or anonlink's {\"clks\": [...]}

What is done, all pairs compared either way:
  --measure dice|jaccard|hamming     finds all pairs at least as alike as the threshold, in the first encoding (the default)
  --threshold T                      0.8 if nothing is said
  --brute-force                      without the exact shortcuts
  --pairs FILE                       writes the pairs: a,b,similarity; rows from 0
  --link                             links the two files: all encodings, best partners, threshold without labels

How:
  --profile clk|field|single|guarded|compact
                     what invented people are encoded as: one plain filter of 1,024 bits (the default), a filter for each
                     field, one diffused filter of 1,024 bits, the default profile, its compact variant
  --schema FILE      for --cohorts with --link
  --kernel NAME      auto (the default), avx512, avx2, neon, portable, naive
  --threads T        all if nothing is said
  --repeat R         compares R times; the fastest counts
  --seed S           other people
  --json             one JSON object instead of text
";

/// Rows of the two parts on which the peak is measured.
const PEAK: (usize, usize) = (4096, 16_384);

struct Arguments {
    rows: Option<usize>,
    against: Option<usize>,
    cohorts: Option<[PathBuf; 2]>,
    measure: Measure,
    threshold: Ratio,
    brute_force: bool,
    pairs: Option<PathBuf>,
    link: bool,
    profile: String,
    schema: Option<PathBuf>,
    kernel: Kernel,
    threads: usize,
    repeat: usize,
    seed: u64,
    json: bool,
}

/// What is compared, and what making it took.
struct Files {
    schema: Option<Schema>,
    cohorts: Vec<Cohort>,
    /// Where there are no cohorts: rows of bits that say nothing of themselves.
    matrices: Vec<BitMatrix>,
    people_seconds: Option<f64>,
    encode_seconds: Option<f64>,
}

/// What comparing took.
struct Compared {
    seconds: f64,
    found: u64,
    folded: Option<usize>,
}

fn main() -> ExitCode {
    command::exit(run())
}

fn run() -> Outcome {
    let Some(arguments) = arguments()? else { return say(HELP) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    let (result, text) = pool.install(|| measure(&arguments))?;
    say(&if arguments.json { format!("{result}\n") } else { text })
}

fn arguments() -> Outcome<Option<Arguments>> {
    let mut arguments = Arguments {
        rows: None,
        against: None,
        cohorts: None,
        measure: Measure::Dice,
        threshold: "0.8".parse()?,
        brute_force: false,
        pairs: None,
        link: false,
        profile: "clk".to_owned(),
        schema: None,
        kernel: Kernel::detect(),
        threads: 0,
        repeat: 1,
        seed: 0,
        json: false,
    };
    let usage = |error: pprl::Error| lexopt::Error::from(error.to_string());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rows") => arguments.rows = Some(parser.value()?.parse()?),
            Long("against") => arguments.against = Some(parser.value()?.parse()?),
            Long("cohorts") => arguments.cohorts = Some([parser.value()?.into(), parser.value()?.into()]),
            Long("measure") => arguments.measure = parser.value()?.string()?.parse().map_err(usage)?,
            Long("threshold") => arguments.threshold = parser.value()?.string()?.parse().map_err(usage)?,
            Long("brute-force") => arguments.brute_force = true,
            Long("pairs") => arguments.pairs = Some(parser.value()?.into()),
            Long("link") => arguments.link = true,
            Long("profile") => arguments.profile = parser.value()?.string()?,
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("kernel") => arguments.kernel = parser.value()?.string()?.parse().map_err(usage)?,
            Long("threads") => arguments.threads = parser.value()?.parse()?,
            Long("repeat") => arguments.repeat = parser.value()?.parse::<usize>()?.max(1),
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("json") => arguments.json = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let wrong = |problem: &str| Err(lexopt::Error::from(problem).into());
    match (&arguments.rows, &arguments.cohorts) {
        (Some(0), _) => return wrong("--rows must be at least 1"),
        (Some(_), Some(_)) | (None, None) => return wrong("give either --rows or --cohorts"),
        _ => {}
    }
    if arguments.link && arguments.pairs.is_some() {
        return wrong("--pairs goes with a measure and not with --link");
    }
    Ok(Some(arguments))
}

/// As JSON and as text.
fn measure(arguments: &Arguments) -> Outcome<(Value, String)> {
    let files = match &arguments.cohorts {
        Some(paths) => given(arguments, paths)?,
        None => invented(arguments)?,
    };
    let matrices: Vec<&BitMatrix> = if files.cohorts.is_empty() {
        files.matrices.iter().collect()
    } else {
        files.cohorts.iter().map(|cohort| &cohort.encodings()[0]).collect()
    };
    let rows: Vec<usize> = matrices.iter().map(|matrix| matrix.rows()).collect();
    let comparisons = rows[0] as u64 * rows[1] as u64;
    let peak = peak(arguments, &matrices)?;

    reset_peak_memory();
    let mut best: Option<Compared> = None;
    for _ in 0..arguments.repeat {
        let compared = if arguments.link { link(arguments, &files)? } else { search(arguments, &matrices)? };
        if best.as_ref().is_none_or(|best| compared.seconds < best.seconds) {
            best = Some(compared);
        }
    }
    let Compared { seconds, found, folded } = best.unwrap_or(Compared { seconds: 0.0, found: 0, folded: None });
    let threads = rayon::current_num_threads();
    let rate = comparisons as f64 / seconds.max(1e-9);
    let share = rate / (peak * threads as f64);
    let memory = peak_memory();
    let encoded = (rows[0] + rows[1]) as f64;
    let encode_rate = files.encode_seconds.map(|seconds| encoded / seconds.max(1e-9));
    let bits: Vec<usize> = match files.cohorts.first() {
        Some(cohort) => cohort.encodings().iter().map(BitMatrix::bits).collect(),
        None => vec![matrices[0].bits()],
    };
    let json = json!({
        "rows": rows,
        "profile": if arguments.cohorts.is_some() { "given" } else { &arguments.profile },
        "bits": bits,
        "measure": if arguments.link { "link" } else { arguments.measure.name() },
        "threshold": (!arguments.link).then(|| arguments.threshold.to_string()),
        "kernel": arguments.kernel.name(),
        "threads": threads,
        "folded_to_bits": folded,
        "comparisons": comparisons,
        "comparisons_per_second": rate,
        "pairs_found": found,
        "seconds": seconds,
        "one_thread_brute_force_per_second": peak,
        "share_of_threads_brute_force": share,
        "peak_rss_mb": memory,
        "people_seconds": files.people_seconds,
        "encode_seconds": files.encode_seconds,
        "encode_rows_per_second": encode_rate,
    });
    let what = if arguments.link {
        "linked".to_owned()
    } else {
        format!("{} at {} or more", arguments.measure, arguments.threshold)
    };
    let mut text = String::new();
    if let (Some(people), Some(encode), Some(rate)) = (files.people_seconds, files.encode_seconds, encode_rate) {
        writeln!(text, "people invented in {people:.1} s, encoded in {encode:.1} s ({rate:.0} rows a second)")?;
    }
    writeln!(
        text,
        "{} x {} rows, {} encoding(s) of {} bits, {what}, kernel {}, {threads} thread(s){}",
        rows[0],
        rows[1],
        bits.len(),
        bits[0],
        arguments.kernel,
        folded.map_or(String::new(), |bits| format!(", folded to {bits} bits"))
    )?;
    write!(text, "{found} pairs in {seconds:.2} s: {:.1} million comparisons a second, ", rate / 1e6)?;
    writeln!(text, "{share:.2} of {threads} x brute force on one thread ({:.1} million)", peak / 1e6)?;
    if let Some(memory) = memory {
        writeln!(text, "peak memory while comparing: {memory:.0} MB")?;
    }
    Ok((json, text))
}

fn given(arguments: &Arguments, paths: &[PathBuf; 2]) -> Outcome<Files> {
    let mut files =
        Files { schema: None, cohorts: Vec::new(), matrices: Vec::new(), people_seconds: None, encode_seconds: None };
    if arguments.link {
        files.schema = Some(Schema::from_path(required(arguments.schema.as_ref(), "--schema")?)?);
    }
    for path in paths {
        if is_cohort(path)? {
            files.cohorts.push(Cohort::read(path)?);
        } else {
            files.matrices.push(read_clks(path)?);
        }
    }
    if files.cohorts.len() == 1 {
        return Err("one file is a cohort of this program and the other is not".into());
    }
    Ok(files)
}

/// Whether a file begins as this program's cohorts do.
fn is_cohort(path: &Path) -> Outcome<bool> {
    let mut head = String::new();
    let file = File::open(path).map_err(|e| format!("{}: cannot read: {e}", path.display()))?;
    // Whatever is not text is no cohort; the reader of the other form says so.
    let _ = file.take(4096).read_to_string(&mut head);
    Ok(head.contains("\"format\"") && head.contains("pprl-cohort"))
}

/// Reads anonlink's form. What was read is not quoted in errors.
fn read_clks(path: &Path) -> Outcome<BitMatrix> {
    #[derive(serde::Deserialize)]
    struct Clks {
        clks: Vec<String>,
    }
    let wrong = |problem: &str| format!("{}: {problem}", path.display());
    let file = File::open(path).map_err(|e| wrong(&format!("cannot read: {e}")))?;
    let Clks { clks } = serde_json::from_reader(BufReader::new(file))
        .map_err(|e| wrong(&format!("is not the JSON of encodings (line {}, column {})", e.line(), e.column())))?;
    let mut matrix: Option<BitMatrix> = None;
    for (row, clk) in clks.iter().enumerate() {
        let bytes = STANDARD.decode(clk).map_err(|_| wrong(&format!("row {}: is not base64", row + 1)))?;
        if bytes.is_empty() {
            return Err(wrong(&format!("row {}: is empty", row + 1)).into());
        }
        if !matrix.get_or_insert_with(|| BitMatrix::new(bytes.len() * 8)).push_bytes(&bytes) {
            return Err(wrong(&format!("row {}: has another length than the first", row + 1)).into());
        }
    }
    Ok(matrix.ok_or_else(|| wrong("holds no encodings"))?)
}

fn invented(arguments: &Arguments) -> Outcome<Files> {
    let rows = arguments.rows.unwrap_or(1);
    let against = arguments.against.unwrap_or(rows);
    let schema = profile(&arguments.profile)?;
    let start = Instant::now();
    let most = rows.max(against);
    let population = Population::generate(&people::options(most, arguments.seed))?;
    let of = |agency: Agency, rows: usize| -> Outcome<Vec<Record>> {
        let records = population.records(agency);
        if records.len() < rows {
            return Err("too few people were invented; another --seed helps".into());
        }
        Ok(records[..rows].iter().map(|record| with_fields(record, &schema)).collect())
    };
    let records = [of(Agency::SocialCare, rows)?, of(Agency::Education, against)?];
    drop(population);
    let people_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let key = ProjectKey::generate()?;
    let mut cohorts = Vec::new();
    for (party, records) in ["social_care", "education"].into_iter().zip(records) {
        cohorts.push(Encoder::new(&schema, &key, party)?.encode(&records)?.cohort);
    }
    let encode_seconds = start.elapsed().as_secs_f64();
    let (people_seconds, encode_seconds) = (Some(people_seconds), Some(encode_seconds));
    Ok(Files { schema: Some(schema), cohorts, matrices: Vec::new(), people_seconds, encode_seconds })
}

fn with_fields(record: &pprl::synth::Record, schema: &Schema) -> Record {
    let value = |field| people::value(record, field).unwrap_or_default();
    Record::new(record.record_id.clone(), schema.fields().iter().map(value).collect())
}

/// The schema of a profile: the default one, its compact variant, or one over forename, surname, date of birth and postcode.
fn profile(name: &str) -> Outcome<Schema> {
    let fields = ["forename", "surname", "date_of_birth", "postcode"];
    let budgets = |bits: usize| fields.map(|field| format!("{field} = {bits}")).join(", ");
    let encoding =
        |name: &str, form: &str, fields: &str| format!(r#"{{ name = "{name}", {form}, fields = {{ {fields} }} }}"#);
    let plain = r#"accept_risk = "invented people, to measure speed""#;
    let (privacy, tokens, encodings) = match name {
        "guarded" => return Ok(Schema::uk_person()),
        "compact" => return Ok(people::compact()?),
        "single" => ("", "parts", encoding("all", "length = 1024, output = 1024, diffusion = 10", &budgets(80))),
        "clk" => (plain, "digits", encoding("clk", "length = 1024, diffusion = 0", &budgets(80))),
        "field" => {
            let one = |field: &str| encoding(field, "length = 128, diffusion = 0", &format!("{field} = 60"));
            (plain, "digits", fields.map(one).join(", "))
        }
        _ => return Err(lexopt::Error::from("no such profile; see --help").into()),
    };
    let text = format!(
        r#"
version = 1
project = {{ id = "scale", purpose = "measuring speed", parties = ["social_care", "education"], expires = "2999-12-31" }}
privacy = {{ {privacy} }}
field = [
    {{ name = "forename", kind = "name", space = "names" }},
    {{ name = "surname", kind = "name", space = "names" }},
    {{ name = "date_of_birth", kind = "date", tokens = "{tokens}" }},
    {{ name = "postcode", kind = "postcode" }},
]
encoding = [{encodings}]
linkage = {{ candidates = 3 }}
"#
    );
    Ok(Schema::from_toml(&text)?)
}

fn search(arguments: &Arguments, matrices: &[&BitMatrix]) -> Outcome<Compared> {
    let mut search =
        Search::new(arguments.measure, arguments.threshold).kernel(arguments.kernel).progress(progress::compared());
    if arguments.brute_force {
        search = search.brute_force();
    }
    let mut out = arguments.pairs.as_ref().map(|path| PairFile::new(path)).transpose()?;
    let start = Instant::now();
    let searched = search.between(matrices[0], matrices[1], |pairs| {
        let Some(out) = &mut out else { return Ok(()) };
        out.write(pairs);
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(out) = out {
        out.finish()?;
    }
    Ok(Compared { seconds, found: searched.pairs, folded: searched.folded })
}

fn link(arguments: &Arguments, files: &Files) -> Outcome<Compared> {
    let Some(schema) = &files.schema else { return Err("--link needs a schema".into()) };
    if files.cohorts.is_empty() {
        return Err("--link needs cohorts of this program, with a manifest".into());
    }
    let linker = Linker::new(schema).kernel(arguments.kernel).progress(progress::compared());
    let cohorts: Vec<&Cohort> = files.cohorts.iter().collect();
    let start = Instant::now();
    let links = linker.link(&cohorts)?;
    Ok(Compared { seconds: start.elapsed().as_secs_f64(), found: links.links().len() as u64, folded: None })
}

/// What brute force does on one thread, over rows of these files that stay in its caches: comparisons a second.
fn peak(arguments: &Arguments, matrices: &[&BitMatrix]) -> Outcome<f64> {
    if arguments.kernel == Kernel::Naive || matrices.iter().any(|matrix| matrix.rows() == 0) {
        return Ok(f64::NAN);
    }
    let fill = |matrix: &BitMatrix, rows: usize| {
        let mut filled = BitMatrix::new(matrix.bits());
        let pushed = (0..rows).all(|row| filled.push_bytes(&matrix.bytes(row % matrix.rows())));
        if pushed { Ok(filled) } else { Err("rows could not be copied") }
    };
    let (a, b) = (fill(matrices[0], PEAK.0)?, fill(matrices[1], PEAK.1)?);
    let search = Search::new(Measure::Dice, Ratio::new(1, 1)?).kernel(arguments.kernel).brute_force();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        one.install(|| search.between(&a, &b, |_| Ok(())))?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok((PEAK.0 * PEAK.1) as f64 / best)
}

/// A file that is there whole or not at all.
struct PairFile<'a> {
    path: &'a Path,
    temporary: PathBuf,
    out: std::io::BufWriter<File>,
    failed: std::io::Result<()>,
}

impl<'a> PairFile<'a> {
    fn new(path: &'a Path) -> Outcome<Self> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}.partial", std::process::id()));
        let temporary = PathBuf::from(temporary);
        let file = File::create_new(&temporary).map_err(|e| format!("{}: cannot create: {e}", path.display()))?;
        let mut out = std::io::BufWriter::new(file);
        let failed = out.write_all(b"a,b,similarity\n");
        Ok(PairFile { path, temporary, out, failed })
    }

    fn write(&mut self, pairs: &[pprl::linkage::Pair]) {
        for pair in pairs {
            if self.failed.is_ok() {
                self.failed = writeln!(self.out, "{},{},{}", pair.a, pair.b, pair.similarity);
            }
        }
    }

    fn finish(mut self) -> Outcome {
        let written = std::mem::replace(&mut self.failed, Ok(())).and_then(|()| self.out.flush());
        let done = written.and_then(|()| std::fs::rename(&self.temporary, self.path));
        Ok(done.map_err(|e| format!("{}: cannot write: {e}", self.path.display()))?)
    }
}

/// After [`PairFile::finish`] there is nothing to remove.
impl Drop for PairFile<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Linux only: the most memory that was resident, in MB; elsewhere nothing is known.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1024.0)
}

/// Makes [`peak_memory`] begin anew, where the system can do that.
fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
