//! A standing index as a service: an encoded record comes in, and the parties that hold the same person are told. Built without
//! the feature `owner`, it cannot hold a key.

use std::fmt::Write;
use std::future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use lexopt::prelude::*;
use pprl::linkage::{EncodedRecord, Index, IndexModel};
use pprl::{Cohort, Linker, Schema};
use tokio::net::TcpListener;

#[path = "notify/client.rs"]
mod client;
#[path = "support/command.rs"]
mod command;
#[path = "notify/guard.rs"]
mod guard;
#[cfg(feature = "synth")]
#[path = "notify/invent.rs"]
mod invent;
#[path = "notify/journal.rs"]
mod journal;
#[path = "notify/load.rs"]
mod load;
#[path = "notify/serve.rs"]
mod serve;

use client::Client;
use command::{Outcome, required, say};
use serve::{Service, Settings};

const HELP: &str = "\
A standing index of encoded records, as a service that notifies.

  notify index --schema SCHEMA --index FOLDER [--learn ASKING.cohort.json] A.cohort.json [...]
  notify serve --schema SCHEMA --index FOLDER --tokens FILE --journal FILE [...]
  notify send --url URL --token FILE [--standing] [--from ROW] PARTY.cohort.json
  notify poll --url URL --token FILE [--after NUMBER]
  notify load --url URL --token FILE [--threads 8] [--seconds 10] PARTY.cohort.json
  notify invent --out FOLDER [--children 3000] [--seed 1]

index: makes an index of cohorts
  --learn FILE     a cohort of the kind of records that will be asked for: scores are learned from it and the first of the
                   others, where the schema's threshold is automatic
  --least-weight W from which match weight on a row is told, in bits: 5 if nothing is said, odds of 32 to 1. Telling of the
                   wrong family is worse than not telling
  --threshold T    score by mean similarity instead, from T on (0 to 1)

serve: serves it until it gets SIGTERM or SIGINT
  --tokens FILE    lines of a party and its bearer token (32 characters or more), mode 0600: openssl rand -hex 32
  --journal FILE   what was asked and who was told; made if it is not there
  --listen ADDRESS 127.0.0.1:8080 if nothing is said; put TLS in front of it
  --subscriber P   a party that is told; may be given more than once. All, if nothing is said
  --rate N         requests a second for each party, 50 if nothing is said
  --timeout S      seconds that a request may take, 10 if nothing is said
  --seconds S      stop by itself after so long

send: asks for each row of a cohort, and prints link ids in the order of the rows; waits where it is told to
  --standing       append the rows to the index instead
  --from ROW       begin with this row, where an earlier run ended early
poll: prints what the token's party is told, at most 1,000 at a time
  --after NUMBER   the party has all up to this number: they are not told again
load: asks as fast as it can, and prints how many answers there were and how long they took. These are real questions, whose
      answers are told: not for a service that is in use. Serve with a --rate that is no limit
All: --url http://HOST:PORT, without TLS: for the same machine, or through a tunnel
  --token FILE     holds the token of a party, mode 0600

invent: writes a schema and files of invented people for a pilot, in a build with the feature `synth`
";

/// Odds of 32 to 1.
const LEAST_WEIGHT: f32 = 5.0;

fn main() -> ExitCode {
    command::exit(run())
}

#[derive(Default)]
struct Arguments {
    schema: Option<PathBuf>,
    index: Option<PathBuf>,
    learn: Option<PathBuf>,
    threshold: Option<f32>,
    least_weight: Option<f32>,
    tokens: Option<PathBuf>,
    journal: Option<PathBuf>,
    listen: Option<String>,
    subscribers: Vec<String>,
    rate: Option<f64>,
    timeout: Option<f64>,
    seconds: Option<f64>,
    url: Option<String>,
    token: Option<PathBuf>,
    standing: bool,
    from: Option<usize>,
    after: u64,
    threads: Option<usize>,
    out: Option<PathBuf>,
    children: Option<usize>,
    seed: Option<u64>,
    files: Vec<PathBuf>,
}

fn run() -> Outcome {
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next()? {
        Some(Value(command)) => command.string()?,
        Some(Short('h') | Long("help")) => return say(HELP),
        Some(other) => return Err(other.unexpected().into()),
        None => return Err(lexopt::Error::from("a command is missing").into()),
    };
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("schema") => arguments.schema = Some(parser.value()?.into()),
            Long("index") => arguments.index = Some(parser.value()?.into()),
            Long("learn") => arguments.learn = Some(parser.value()?.into()),
            Long("threshold") => arguments.threshold = Some(parser.value()?.parse()?),
            Long("least-weight") => arguments.least_weight = Some(parser.value()?.parse()?),
            Long("tokens") => arguments.tokens = Some(parser.value()?.into()),
            Long("journal") => arguments.journal = Some(parser.value()?.into()),
            Long("listen") => arguments.listen = Some(parser.value()?.string()?),
            Long("subscriber") => arguments.subscribers.push(parser.value()?.string()?),
            Long("rate") => arguments.rate = Some(positive(&mut parser)?),
            Long("timeout") => arguments.timeout = Some(positive(&mut parser)?),
            Long("seconds") => arguments.seconds = Some(positive(&mut parser)?),
            Long("url") => arguments.url = Some(parser.value()?.string()?),
            Long("token") => arguments.token = Some(parser.value()?.into()),
            Long("standing") => arguments.standing = true,
            Long("from") => arguments.from = Some(parser.value()?.parse()?),
            Long("after") => arguments.after = parser.value()?.parse()?,
            Long("threads") => arguments.threads = Some(parser.value()?.parse()?),
            Long("out") => arguments.out = Some(parser.value()?.into()),
            Long("children") => arguments.children = Some(parser.value()?.parse()?),
            Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
            Value(file) => arguments.files.push(file.into()),
            Short('h') | Long("help") => return say(HELP),
            _ => return Err(argument.unexpected().into()),
        }
    }
    match command.as_str() {
        "index" => make(arguments),
        "serve" => serve(arguments),
        "send" => send(arguments),
        "poll" => poll(arguments),
        "load" => load(arguments),
        "invent" => invented(arguments),
        _ => Err(lexopt::Error::from("no such command").into()),
    }
}

fn positive(parser: &mut lexopt::Parser) -> Result<f64, lexopt::Error> {
    let number: f64 = parser.value()?.parse()?;
    if number > 0.0 && number < 1e9 { Ok(number) } else { Err("a number above 0 is needed".into()) }
}

fn make(arguments: Arguments) -> Outcome {
    let schema = Schema::from_path(required(arguments.schema, "--schema")?)?;
    let folder = required(arguments.index, "--index")?;
    let cohorts = arguments.files.iter().map(Cohort::read).collect::<pprl::Result<Vec<_>>>()?;
    let Some(first) = cohorts.first() else { return Err(lexopt::Error::from("a cohort is missing").into()) };
    let model = match (arguments.threshold, arguments.learn) {
        (Some(threshold), None) if arguments.least_weight.is_none() => IndexModel::similarity(&schema, threshold)?,
        (None, Some(asking)) => {
            let linker = Linker::new(&schema).least_weight(arguments.least_weight.unwrap_or(LEAST_WEIGHT));
            IndexModel::learn(&linker, &Cohort::read(asking)?, first)?
        }
        _ => return Err(lexopt::Error::from("--learn or --threshold is needed, and not both").into()),
    };
    let index = Index::create(folder, &schema, &cohorts.iter().collect::<Vec<_>>(), &model)?;
    let kind = if model.is_learned() { "match weights that were learned" } else { "mean similarity" };
    let mut text = format!("scores: {kind}, from {} on\n", model.threshold());
    for party in index.counts() {
        writeln!(text, "{}: {} rows", party.party, party.rows)?;
    }
    say(&text)
}

fn serve(arguments: Arguments) -> Outcome {
    let schema = Schema::from_path(required(arguments.schema, "--schema")?)?;
    let parties = schema.project().parties().to_vec();
    let settings = Settings {
        schema,
        index: required(arguments.index, "--index")?,
        tokens: required(arguments.tokens, "--tokens")?,
        journal: required(arguments.journal, "--journal")?,
        subscribers: if arguments.subscribers.is_empty() { parties } else { arguments.subscribers },
        rate: arguments.rate.unwrap_or(50.0),
        timeout: Duration::from_secs_f64(arguments.timeout.unwrap_or(10.0)),
    };
    let service = Service::open(settings)?;
    let listen = arguments.listen.unwrap_or_else(|| "127.0.0.1:8080".into());
    let seconds = arguments.seconds;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(&listen).await.map_err(|e| format!("{listen}: {e}"))?;
        say(&format!("listening on http://{}\n", listener.local_addr()?))?;
        service.serve(listener, told_to_stop(seconds)).await?;
        say("stopped\n")
    })
}

/// Until the process is told to end, or its time is over.
async fn told_to_stop(seconds: Option<f64>) {
    let over = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs_f64(seconds)).await,
            None => future::pending().await,
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = future::pending::<()>();
    tokio::select! {
        () = over => {}
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// The token in a file.
fn token(path: &Path) -> Outcome<String> {
    Ok(guard::private(path)?.trim().to_owned())
}

fn records(files: &[PathBuf]) -> Outcome<Vec<String>> {
    let [file] = files else { return Err(lexopt::Error::from("one cohort is needed").into()) };
    let cohort = Cohort::read(file)?;
    Ok((0..cohort.rows()).map(|row| EncodedRecord::of(&cohort, row).to_json()).collect())
}

fn send(arguments: Arguments) -> Outcome {
    let url = required(arguments.url, "--url")?;
    let token = token(&required(arguments.token, "--token")?)?;
    let records = records(&arguments.files)?;
    let mut client = Client::new(&url, &token)?;
    let method = if arguments.standing { "PUT" } else { "POST" };
    let first = arguments.from.unwrap_or(1);
    if first == 0 || first > records.len() {
        return Err(lexopt::Error::from("--from is the number of a row of the cohort").into());
    }
    for (number, record) in (1..).zip(&records).skip(first - 1) {
        let sent = loop {
            match client.request(method, "/v1/records", record) {
                // As the service says.
                Ok((429, _)) => thread::sleep(Duration::from_secs(1)),
                sent => break sent,
            }
        };
        let problem = match sent {
            Ok((201, _)) => continue,
            Ok((202, answer)) => {
                let answer: serde_json::Value = serde_json::from_str(&answer)?;
                say(&format!("{}\n", answer["link_id"].as_str().unwrap_or_default()))?;
                continue;
            }
            Ok((status, answer)) => format!("{status} {}", answer.trim()),
            Err(error) => error.to_string(),
        };
        return Err(format!("row {number}: {problem}\nThe rows before it are done; go on with --from {number}.").into());
    }
    if arguments.standing { say(&format!("{} rows appended\n", records.len() + 1 - first)) } else { Ok(()) }
}

fn poll(arguments: Arguments) -> Outcome {
    let url = required(arguments.url, "--url")?;
    let token = token(&required(arguments.token, "--token")?)?;
    let path = format!("/v1/notifications?after={}", arguments.after);
    match Client::new(&url, &token)?.request("GET", &path, "")? {
        (200, answer) => say(&answer),
        (status, answer) => Err(format!("{status} {}", answer.trim()).into()),
    }
}

fn load(arguments: Arguments) -> Outcome {
    let url = required(arguments.url, "--url")?;
    let token = token(&required(arguments.token, "--token")?)?;
    let records = records(&arguments.files)?;
    let lasting = Duration::from_secs_f64(arguments.seconds.unwrap_or(10.0));
    let threads = arguments.threads.unwrap_or(8);
    if threads == 0 || records.is_empty() {
        return Err(lexopt::Error::from("at least one thread and one row are needed").into());
    }
    say(&load::load(&url, &token, &records, threads, lasting)?)
}

fn invented(arguments: Arguments) -> Outcome {
    let out = required(arguments.out, "--out")?;
    command::refuse_existing(&out)?;
    #[cfg(feature = "synth")]
    {
        let invented = invent::invent(arguments.children.unwrap_or(3000), arguments.seed.unwrap_or(1))?;
        invented.write(&out)?;
        let counts: Vec<String> =
            invented.files.iter().map(|(name, rows)| format!("{name}: {} rows\n", rows.len())).collect();
        say(&counts.concat())
    }
    #[cfg(not(feature = "synth"))]
    {
        let _ = (out, arguments.children, arguments.seed);
        Err("invent needs a build with the feature `synth`".into())
    }
}
