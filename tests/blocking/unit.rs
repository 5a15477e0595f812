//! At the linkage unit: common blocks, filters, numbers of blocks.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

#[test]
fn numbers_of_blocks_for_candidate_pairs() {
    let a = Blocks::from_inverse_json(br#"{"x": [0, 2], "y": [2, 2]}"#).unwrap();
    let b = Blocks::from_inverse_json(br#"{"z": [0], "y": [1], "x": [1]}"#).unwrap();
    let numbers = block_numbers(&[&a, &b], &[4, 2]).unwrap();
    assert_eq!(numbers, [vec![vec![0], vec![], vec![0, 1], vec![]], vec![vec![2], vec![1, 0]]]);
    assert!(block_numbers(&[&a, &b], &[2, 2]).is_err(), "row 2 of 2");
    assert!(block_numbers(&[&a, &b], &[4]).is_err());
    let assessed = assess_blocks_2party(&a, &b, &["p", "q", "r", "s"], &["p", "r"]).unwrap();
    // x: 2 × 1; y: 2 × 1 as it names row 2 twice. Of all, the pairs (0, 1) and (2, 1).
    assert_eq!((assessed.comparisons, assessed.pairs), (4, 2));
    assert_eq!((assessed.reduction_ratio, assessed.pair_completeness), (0.5, 0.5));
    assert!(assess_blocks_2party(&a, &b, &["p"; 4], &[] as &[&str]).is_err());
    assert!(assess_blocks_2party(&a, &b, &["p"; 2], &["p"; 2]).is_err());
    for needed in [0, 1, 3] {
        assert!(generate_blocks(&[&a, &b], needed, Ids::Whole).is_err());
    }
    assert!(PositionFilter::new(&[&a, &b], 2).is_err(), "x and y are no positions");
}

#[test]
fn a_filter_is_for_keyed_ids_and_its_own_file() {
    let (keyed_blocks, plain) = (block(&psig_schema(), &keyed(1)), block(&psig_schema(), &compatible()));
    assert!(BlockFilter::new(&plain).is_err());
    let filter = BlockFilter::new(&keyed_blocks).unwrap();
    assert!(filter.candidates(&plain).is_err());
    let other = filter.candidates(&block(&psig_schema(), &keyed(2))).unwrap_err();
    assert!(matches!(other.kind(), ErrorKind::Mismatch { .. }));
    assert_eq!(format!("{filter:?}"), "BlockFilter(..)");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("filter");
    filter.write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for i in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[i] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert!(BlockFilter::read(&path).is_err(), "{i}");
        std::fs::write(&path, &bytes[..i]).unwrap();
        assert!(BlockFilter::read(&path).is_err(), "{i}");
    }
}

/// Parties of people by numbers: some in common, some not.
fn parties() -> impl Strategy<Value = Vec<Vec<u16>>> {
    prop::collection::vec(prop::collection::vec(0_u16..400, 1..80), 2..4)
}

fn people(numbers: &[u16]) -> Vec<[String; 2]> {
    numbers.iter().map(|number| [format!("name {}", number / 3), format!("{}", number % 50)]).collect()
}

fn two_strategies() -> BlockingSchema {
    schema(&json!({"type": "p-sig", "version": 1, "config": {
        "blocking-features": [0, 1], "filter": {"type": "count", "min": 1, "max": 50},
        "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4, "bf-len": 64},
        "signatureSpecs": [[{"type": "feature-value", "feature": 0}], [{"type": "feature-value", "feature": 1}]]}}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// No block that two parties have is lost to a filter, and the filter drops most of what only one has.
    #[test]
    fn filters_lose_no_common_block(parties in parties(), needed in 2_usize..4) {
        let schema = two_strategies();
        let needed = needed.min(parties.len());
        let make = |ids: &BlockIds| -> Vec<Blocks> {
            parties.iter().map(|numbers| schema.block(ids, None, &people(numbers)).unwrap().blocks).collect()
        };
        let keyed = make(&keyed(9));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("filter");
        let (mut only, mut passed) = (0, 0);
        for (i, a) in keyed.iter().enumerate() {
            BlockFilter::new(a).unwrap().write(&path).unwrap();
            let filter = BlockFilter::read(&path).unwrap();
            for b in keyed.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, b)| b) {
                let kept = ids_of(&filter.candidates(b).unwrap());
                prop_assert!(ids_of(a).intersection(&ids_of(b)).all(|id| kept.contains(id)));
                only += ids_of(b).difference(&ids_of(a)).count();
                passed += kept.difference(&ids_of(a)).count();
            }
        }
        prop_assert!(passed <= 3 + only / 20, "{passed} of {only}");
        let plain = make(&compatible());
        let plain: Vec<&Blocks> = plain.iter().collect();
        let filter = PositionFilter::new(&plain, needed).unwrap();
        let filtered: Vec<Blocks> = plain.iter().map(|blocks| filter.candidates(blocks).unwrap()).collect();
        let filtered: Vec<&Blocks> = filtered.iter().collect();
        prop_assert_eq!(
            generate_blocks(&filtered, needed, Ids::Whole).unwrap(),
            generate_blocks(&plain, needed, Ids::Whole).unwrap()
        );
    }

    /// Against the plain definition: ids that enough parties have.
    #[test]
    fn common_blocks_are_those_of_enough_parties(parties in parties(), needed in 2_usize..4) {
        let needed = needed.min(parties.len());
        let schema = two_strategies();
        let blocks: Vec<Blocks> =
            parties.iter().map(|numbers| schema.block(&keyed(9), None, &people(numbers)).unwrap().blocks).collect();
        let mut counts: HashMap<String, usize> = HashMap::new();
        blocks.iter().flat_map(ids_of).for_each(|id| *counts.entry(id).or_default() += 1);
        let made = generate_blocks(&blocks.iter().collect::<Vec<_>>(), needed, Ids::Whole).unwrap();
        for (made, own) in made.iter().zip(&blocks) {
            let expected: Listed = sorted(listed(own).into_iter().filter(|(id, _)| counts[id] >= needed).collect());
            prop_assert_eq!(sorted(listed(made)), expected);
        }
    }

    #[test]
    fn a_reader_gives_blocks_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        for bytes in [bytes, text.into_bytes()] {
            let _ = Blocks::from_json(&bytes);
            let _ = Blocks::from_inverse_json(&bytes);
            let _ = BlockingSchema::from_json(&String::from_utf8_lossy(&bytes));
        }
    }
}
