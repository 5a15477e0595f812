//! What a service bears: so many threads that ask one thing after the other, and how long each answer took.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::command::Outcome;

/// Asks for these records in turn, and says how many answers there were of each status, and how long they took.
pub(crate) fn load(url: &str, token: &str, records: &[String], threads: usize, lasting: Duration) -> Outcome<String> {
    let start = Instant::now();
    let ask = |first: usize| -> Outcome<Vec<(u16, Duration)>> {
        let mut client = Client::new(url, token)?;
        let mut answers = Vec::new();
        for record in records.iter().cycle().skip(first * 31 % records.len().max(1)) {
            let sent = Instant::now();
            if sent.duration_since(start) >= lasting {
                break;
            }
            let (status, _) = client.request("POST", "/v1/records", record)?;
            answers.push((status, sent.elapsed()));
        }
        Ok(answers)
    };
    let answers: Vec<Outcome<Vec<(u16, Duration)>>> = thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> = (0..threads).map(|first| scope.spawn(move || ask(first))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread ended early".into()))).collect()
    });
    let took = start.elapsed().as_secs_f64();
    let answers: Vec<(u16, Duration)> = answers.into_iter().collect::<Outcome<Vec<_>>>()?.concat();
    let mut by_status: BTreeMap<u16, Vec<Duration>> = BTreeMap::new();
    answers.iter().for_each(|(status, took)| by_status.entry(*status).or_default().push(*took));
    let good = answers.iter().filter(|(status, _)| *status == 202).count();
    let mut text = format!(
        "{good} questions of {threads} threads were answered in {took:.1} s: {:.0} a second\n",
        good as f64 / took
    );
    for (status, times) in &mut by_status {
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        writeln!(
            text,
            "{status}: {} answers; median {:.2} ms, 95 % within {:.2} ms, 99 % within {:.2} ms, longest {:.2} ms",
            times.len(),
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        )?;
    }
    Ok(text)
}
