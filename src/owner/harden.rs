//! Hardenings that work on the bits of a filter: XOR folding, balancing (both Schnell & Borgs 2016), rule 90 (Schnell & Borgs
//! 2018), RESAM (Ranbaduge & Schnell 2020) and randomised response (Erlingsson, Pihur & Korolova 2014).
//! `docs/encoding.md`, section 6.
//!
//! They are here for comparison and for agreements that name them; diffusion protects better than any of them.

use zeroize::Zeroizing;

use super::diffusion::shuffled;
use super::positions::Stream;
use crate::key::Keyed;
use crate::schema::HardeningStep;

/// Ten-thousandths in 1.
const ONE: usize = 10_000;

/// One step with its secret positions.
pub(crate) enum Step {
    /// Each output bit is the sum (XOR) of two bits.
    Sums(Zeroizing<Vec<[u16; 2]>>),
    /// Each output bit is one bit, or the opposite of one where the position is from their number on.
    Balance(Zeroizing<Vec<u16>>),
}

impl Step {
    /// The step that works on `bits` bits; `keyed` gives the key of a purpose.
    pub(crate) fn new(step: HardeningStep, bits: usize, keyed: impl Fn(&str) -> Keyed) -> Self {
        let permutation = |of: usize| Zeroizing::new(shuffled(&mut Stream::new(&keyed("perm"), b"deck"), of));
        match step {
            HardeningStep::XorFold => Step::fold(&permutation(bits)),
            HardeningStep::Balance => Step::Balance(permutation(2 * bits)),
            HardeningStep::Rule90 => Step::rule_90(bits),
            HardeningStep::Resam => {
                let keyed = keyed("resam");
                let mut stream = Stream::new(&keyed, b"pairs");
                Step::Sums(Zeroizing::new((0..bits).map(|_| [(); 2].map(|()| stream.below(bits) as u16)).collect()))
            }
        }
    }

    fn fold(permutation: &[u16]) -> Self {
        let (first, second) = permutation.split_at(permutation.len() / 2);
        Step::Sums(Zeroizing::new(first.iter().zip(second).map(|(&a, &b)| [a, b]).collect()))
    }

    fn rule_90(bits: usize) -> Self {
        let neighbours = |bit: usize| [(bit + bits - 1) % bits, (bit + 1) % bits].map(|bit| bit as u16);
        Step::Sums(Zeroizing::new((0..bits).map(neighbours).collect()))
    }

    /// How many bits come out.
    pub(crate) fn output(&self) -> usize {
        match self {
            Step::Sums(pairs) => pairs.len(),
            Step::Balance(places) => places.len(),
        }
    }

    fn apply(&self, bits: &[u64], out: &mut Vec<u64>) {
        let bit = |place: usize| bits[place / 64] >> (place % 64) & 1;
        out.clear();
        out.resize(self.output().div_ceil(64), 0);
        let mut set = |place: usize, bit: u64| out[place / 64] |= bit << (place % 64);
        match self {
            Step::Sums(pairs) => {
                for (place, &[a, b]) in pairs.iter().enumerate() {
                    set(place, bit(a.into()) ^ bit(b.into()));
                }
            }
            Step::Balance(places) => {
                let half = places.len() / 2;
                for (place, from) in places.iter().map(|&from| usize::from(from)).enumerate() {
                    set(place, if from < half { bit(from) } else { 1 ^ bit(from - half) });
                }
            }
        }
    }
}

/// Takes the steps one after the other with a filter, and writes what comes out. A filter without a bit gives a row without a
/// bit, whatever the steps: it is of nobody, and stays "no evidence" for whoever compares.
pub(crate) fn harden(steps: &[Step], filter: &[u64], buffers: &mut [Zeroizing<Vec<u64>>; 2], out: &mut [u64]) {
    if filter.iter().all(|word| *word == 0) {
        out.fill(0);
        return;
    }
    let [bits, next] = buffers;
    bits.clear();
    bits.extend_from_slice(filter);
    for step in steps {
        step.apply(bits, next);
        std::mem::swap(bits, next);
    }
    out.copy_from_slice(bits);
}

/// Randomised response: with probability `rate` (in ten-thousandths) each bit becomes what a fair coin says. The coins are the
/// owner's own, and are the same whenever this record is encoded, so that nobody gets an average. A row without a bit stays as
/// it is.
pub(crate) fn noise(keyed: &Keyed, id: &str, rate: u16, bits: usize, row: &mut [u64]) {
    if row.iter().all(|word| *word == 0) {
        return;
    }
    let rate = usize::from(rate);
    let mut stream = Stream::new(keyed, id.as_bytes());
    for place in 0..bits {
        let drawn = stream.below(2 * ONE);
        if drawn < 2 * rate {
            let mask = 1 << (place % 64);
            row[place / 64] &= !mask;
            row[place / 64] |= mask * u64::from(drawn < rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ProjectKey;
    use crate::schema::Hardening;

    fn keyed(purpose: &str) -> Keyed {
        ProjectKey::from_bytes([9; 32]).keyed("p", purpose, "e/0")
    }

    fn words(bits: &[bool]) -> Vec<u64> {
        let word = |bits: &[bool]| bits.iter().enumerate().map(|(i, &bit)| u64::from(bit) << i).sum();
        bits.chunks(64).map(word).collect()
    }

    fn text(bits: &[u64], count: usize) -> String {
        (0..count).map(|i| if bits[i / 64] >> (i % 64) & 1 == 1 { '1' } else { '0' }).collect()
    }

    fn hardened(steps: &[Step], bits: &[bool]) -> Vec<u64> {
        let mut out = vec![u64::MAX; steps.last().map_or(bits.len(), Step::output).div_ceil(64)];
        harden(steps, &words(bits), &mut Default::default(), &mut out);
        out
    }

    /// Answers of other programs (fable-core 0.2.0, clkhash 0.18.2), of steps that shuffle nothing.
    #[test]
    fn known_answers_of_others() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/hardening-deterministic.json")).unwrap();
        let mut seen = 0;
        for case in vectors["cases"].as_array().unwrap() {
            let n = case["n"].as_u64().unwrap() as usize;
            let input: Vec<bool> = case["input"].as_str().unwrap().chars().map(|c| c == '1').collect();
            let places = |count: usize| (0..count as u16).collect::<Vec<u16>>();
            let fold = |bits: usize| Step::fold(&places(bits));
            let rule_90 = |times: usize| (0..times).map(|_| Step::rule_90(n)).collect::<Vec<_>>();
            let folds = match n % 4 {
                0 => vec![("xor_fold_1", vec![fold(n)]), ("xor_fold_2_clkhash", vec![fold(n), fold(n / 2)])],
                _ => Vec::new(),
            };
            let others = [
                ("balance_concat", vec![Step::Balance(Zeroizing::new(places(2 * n)))]),
                ("rule90_1", rule_90(1)),
                ("rule90_2", rule_90(2)),
                ("rule90_3", rule_90(3)),
            ];
            for (name, steps) in folds.into_iter().chain(others) {
                let answer = case[name].as_str().unwrap();
                assert_eq!(text(&hardened(&steps, &input), answer.len()), answer, "{name} of {n} bits");
                seen += 1;
            }
        }
        assert_eq!(seen, 22);
    }

    fn bits() -> impl Strategy<Value = Vec<bool>> {
        // Lengths around whole words, and a bit that is set, since nothing is done to what is empty.
        (prop_oneof![3..200usize, Just(1024), Just(2000)], any::<u64>()).prop_flat_map(|(length, _)| {
            (prop::collection::vec(any::<bool>(), length), 0..length).prop_map(|(mut bits, set)| {
                bits[set] = true;
                bits
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Bit by bit, from the streams as the document has them.
        #[test]
        fn steps_are_what_a_naive_reader_makes_of_the_document(bits in bits()) {
            let n = bits.len();
            let deck = |count: usize| {
                let keyed = keyed("perm");
                let mut stream = Stream::new(&keyed, b"deck");
                let mut deck: Vec<usize> = (0..count).collect();
                for i in (1..count).rev() {
                    let j = stream.below(i + 1);
                    deck.swap(i, j);
                }
                deck
            };
            let one = |step| text(&hardened(&[Step::new(step, n, keyed)], &bits), match step {
                HardeningStep::XorFold => n / 2,
                HardeningStep::Balance => 2 * n,
                _ => n,
            });
            let show = |bit: bool| if bit { '1' } else { '0' };
            if n % 2 == 0 {
                let deck = deck(n);
                let folded: String = (0..n / 2).map(|i| show(bits[deck[i]] != bits[deck[i + n / 2]])).collect();
                prop_assert_eq!(one(HardeningStep::XorFold), folded);
            }
            let both: Vec<bool> = bits.iter().copied().chain(bits.iter().map(|bit| !bit)).collect();
            let balanced: String = deck(2 * n).into_iter().map(|place| show(both[place])).collect();
            prop_assert_eq!(balanced.matches('1').count(), n);
            prop_assert_eq!(one(HardeningStep::Balance), balanced);
            let circle: String = (0..n).map(|i| show(bits[if i == 0 { n - 1 } else { i - 1 }] != bits[(i + 1) % n])).collect();
            prop_assert_eq!(one(HardeningStep::Rule90), circle);
            let key = keyed("resam");
            let mut stream = Stream::new(&key, b"pairs");
            let mut resampled = String::new();
            for _ in 0..n {
                let a = stream.below(n);
                resampled.push(show(bits[a] != bits[stream.below(n)]));
            }
            prop_assert_eq!(one(HardeningStep::Resam), resampled);
        }

        /// Steps one after the other; what is past the last bit stays free, and nothing stays nothing.
        #[test]
        fn steps_follow_each_other(bits in bits(), order in prop::collection::vec(0..3usize, 1..5)) {
            let steps = [HardeningStep::Rule90, HardeningStep::Resam, HardeningStep::Balance];
            let (mut count, mut so_far, mut made) = (bits.len(), bits.clone(), Vec::new());
            for step in order.into_iter().map(|step| steps[step]) {
                if step == HardeningStep::Balance && count > 1000 {
                    continue;
                }
                let out = hardened(&[Step::new(step, count, keyed)], &so_far);
                made.push(Step::new(step, count, keyed));
                count = made.last().unwrap().output();
                so_far = text(&out, count).chars().map(|c| c == '1').collect();
                if !so_far.contains(&true) {
                    // Between steps nothing is no sign of nobody.
                    return Ok(());
                }
            }
            let out = hardened(&made, &bits);
            prop_assert_eq!(&out, &words(&so_far));
            let nothing = vec![false; bits.len()];
            prop_assert!(hardened(&made, &nothing).iter().all(|word| *word == 0));
        }
    }

    #[test]
    fn coins_are_fair_and_each_records_own() {
        let (key, bits) = (keyed("noise"), 4096);
        let stripes: Vec<u64> = (0..bits / 64).map(|i| if i % 2 == 0 { u64::MAX } else { 0 }).collect();
        let noised = |key: &Keyed, id: &str, rate| {
            let mut row = stripes.clone();
            noise(key, id, rate, bits, &mut row);
            row
        };
        let differing = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        for rate in [500, 1000, 2000, 5000, 9999] {
            let (mut set, mut freed) = (0, 0);
            for record in 0..40 {
                let row = noised(&key, &record.to_string(), rate);
                for (now, before) in row.iter().zip(&stripes) {
                    set += (now & !before).count_ones();
                    freed += (before & !now).count_ones();
                }
            }
            // Half of the bits were set: each side flips f/2 of its own.
            let of = 40.0 * bits as f64 / 2.0;
            let expected = f64::from(rate) / 2.0 / ONE as f64;
            let deviation = (expected * (1.0 - expected) / of).sqrt();
            for flipped in [set, freed] {
                assert!((f64::from(flipped) / of - expected).abs() < 4.0 * deviation, "{flipped} at {rate}");
            }
        }
        let row = noised(&key, "a", 2000);
        assert_eq!(row, noised(&key, "a", 2000), "the same for the same record");
        let other = ProjectKey::from_bytes([8; 32]).keyed("p", "noise", "e/0");
        // Two that are independent differ in 2 · f/2 · (1 − f/2) of the bits.
        for another in [noised(&key, "b", 2000), noised(&other, "a", 2000)] {
            let share = f64::from(differing(&row, &another)) / bits as f64;
            assert!((share - 0.18).abs() < 0.03, "{share}");
        }
        let mut nothing = vec![0; bits / 64];
        noise(&key, "a", 9999, bits, &mut nothing);
        assert!(nothing.iter().all(|word| *word == 0));
    }

    #[test]
    fn lengths_are_those_of_the_schema() {
        for (steps, length, output) in [
            (&[HardeningStep::XorFold][..], 1024, 512),
            (&[HardeningStep::XorFold; 3], 1024, 128),
            (&[HardeningStep::Rule90, HardeningStep::Resam, HardeningStep::Balance], 65, 130),
            (&[], 77, 77),
        ] {
            let mut bits = length;
            for &step in steps {
                bits = Step::new(step, bits, keyed).output();
            }
            assert_eq!(bits, output);
            let hardening = steps.iter().fold(Hardening::new(), |hardening, &step| hardening.step(step));
            let encoding = crate::schema::Encoding::new("e", length, 0, length, crate::schema::Missing::Empty, vec![]);
            assert_eq!(encoding.with_hardening(hardening).output(), output);
        }
    }
}
