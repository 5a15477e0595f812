//! A8: how long somebody with the key needs to try everybody there is.
//!
//! Who holds the key encodes a list of all people and looks up each row: no encoding can prevent that, and a better one only
//! makes it a little slower. What answers it is who holds the key. The figure says how little time it takes.

use super::gate::Gate;
use super::subject::Subject;

/// About the population of the United Kingdom.
pub(super) const POPULATION: u64 = 67_000_000;

/// Seconds that one core takes to try one person in one encoding, where no rate was measured: an estimate, a few
/// microseconds where the encoding is diffused and a fraction of one where not.
const DIFFUSED: f64 = 3e-6;
const UNDIFFUSED: f64 = 2e-7;

/// The figure, in seconds, for a list of so many people. `rate` is how many people per second were encoded, in all of the
/// schema's encodings, on `cores` cores; where it is `None` (or is no rate) the estimate for one core stands in.
pub(super) fn check(subject: &Subject<'_>, people: u64, rate: Option<(f64, usize)>) -> Vec<Gate> {
    let measured = rate.filter(|&(rate, cores)| rate.is_finite() && rate > 0.0 && cores > 0);
    let estimate = || {
        let each = |diffused| if diffused { DIFFUSED } else { UNDIFFUSED };
        1.0 / subject.schema.encodings().iter().map(|encoding| each(encoding.is_diffused())).sum::<f64>()
    };
    let (rate, cores) = measured.unwrap_or_else(|| (estimate(), 1));
    let seconds = people as f64 / rate;
    let statement = format!(
        "Whoever holds the key and this file encodes {people} people in about {} and finds those in it. No encoding \
         prevents it: the key stays with the data owners ({}), and never reaches the linkage unit.",
        duration(seconds),
        subject.schema.project().parties().join(", ")
    );
    let title = "Seconds that somebody with the key needs to try everybody on a list";
    vec![
        Gate::information("A8", title, seconds)
            .with("people", people)
            .with("people_per_second", rate)
            .with("cores", cores)
            .with("measured", measured.is_some())
            .with("statement", statement),
    ]
}

fn duration(seconds: f64) -> String {
    let (number, unit) = match seconds {
        ..60.0 => (seconds, "seconds"),
        ..7_200.0 => (seconds / 60.0, "minutes"),
        ..172_800.0 => (seconds / 3_600.0, "hours"),
        _ => (seconds / 86_400.0, "days"),
    };
    format!("{number:.0} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture;

    #[test]
    fn time_is_people_over_rate() {
        let file = fixture::guarded(1);
        let gates = file.with(|subject| check(subject, 1_000_000, Some((250_000.0, 2))));
        let gate = &gates[0];
        assert_eq!((gate.value, gate.limit, gate.passed), (4.0, None, true));
        assert_eq!((&gate.details["measured"], &gate.details["cores"]), (&true.into(), &2.into()));
        let statement = gate.details["statement"].as_str().unwrap();
        assert!(statement.contains("1000000 people in about 4 seconds") && statement.contains("police"), "{statement}");
    }

    #[test]
    fn without_a_rate_it_is_an_estimate() {
        let seconds = |file: &fixture::Fixture, rate| file.with(|subject| check(subject, POPULATION, rate)[0].value);
        let (guarded, clk) = (fixture::guarded(1), fixture::clk(1));
        assert!((seconds(&guarded, None) - 67e6 * 12e-6).abs() < 1e-6, "four diffused encodings");
        assert!((seconds(&clk, None) - 13.4).abs() < 1e-6, "one plain filter");
        for none in [(0.0, 1), (f64::NAN, 1), (-3.0, 1), (f64::INFINITY, 1), (5.0, 0)] {
            assert_eq!(seconds(&clk, Some(none)), seconds(&clk, None), "{none:?} is no rate");
        }
    }

    #[test]
    fn durations_in_words() {
        let words = [(3.2, "3 seconds"), (804.0, "13 minutes"), (9_000.0, "2 hours"), (864_000.0, "10 days")];
        words.iter().for_each(|&(seconds, text)| assert_eq!(duration(seconds), text));
    }
}
