//! What `Debug` shows of clkhash's, blocklib's and anonlink's types.

use pprl::anonlink::blocks::{PositionFilter, assess_blocks_2party};
use pprl::anonlink::{ClksAndBlocks, find_candidate_pairs, matches_nonmatches_hist};
use pprl::clkhash::blocking::{BlockFilter, BlockIds, BlockKey, BlockingSchema};
use pprl::clkhash::{ClkEncoder, LinkageSchema, Secret};
use pprl::linkage::Measure;
use pprl::schema::{Date, Project};

use crate::library::Shown;
use crate::people::{PEOPLE, person, secret};

const SCHEMA: &str = r#"{"version": 3, "clkConfig": {"l": 512, "xorFolds": 1, "kdf": {"type": "HKDF"}}, "features": [
    {"identifier": "forename", "format": {"type": "string", "pattern": ".+"}, "hashing": {
        "comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 10}}},
    {"identifier": "surname", "format": {"type": "string"}, "hashing": {
        "comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 10}, "missingValue": {"sentinel": "none"}}},
    {"identifier": "date_of_birth", "format": {"type": "date", "format": "%Y-%m-%d"}, "hashing": {
        "comparison": {"type": "ngram", "n": 1, "positional": true}, "strategy": {"bitsPerToken": 10}}}]}"#;

const BLOCKING: &str = r#"{"type": "p-sig", "version": 1, "unknown": 1, "config": {
    "blocking-features": [0, 1, 2], "filter": {"type": "ratio", "max": 1.0},
    "blocking-filter": {"type": "bloom filter", "number-hash-functions": 4, "bf-len": 2048},
    "signatureSpecs": [[{"type": "metaphone", "feature": 1}], [{"type": "feature-value", "feature": 2}]]}}"#;

pub(crate) fn show(shown: &mut Shown) {
    let rows: Vec<[String; 3]> = (0..PEOPLE).map(person).map(|p| [p.forename, p.surname, p.date]).collect();
    let schema = LinkageSchema::from_json(SCHEMA).unwrap();
    shown.show(&schema);
    shown.show(&schema.kdf());
    shown.show(&schema.surprises()[0]);
    for feature in schema.features() {
        shown.show(feature);
        let hashing = feature.hashing().unwrap();
        shown.show(hashing);
        shown.show(hashing.format());
        hashing.missing_value().iter().for_each(|missing| shown.show(*missing));
    }
    let own = Secret::from_bytes(secret("clkhash secret").to_vec());
    shown.show(&own);
    let encoder = ClkEncoder::new(&schema, &own, "a test of what leaks").unwrap();
    shown.show(&encoder);
    let encoded = encoder.encode(&rows).unwrap();
    shown.show(&encoded);
    shown.show(&encoded.clks);
    let mut bad = rows.clone();
    bad[7][2] = "30/02/1987".to_owned();
    bad[9].swap(0, 2);
    shown.show(&encoder.encode(&bad).unwrap_err());
    let parties = vec!["police".to_owned()];
    let project = Project::new("leaks", "a test", parties, Date::parse_iso("2099-12-31").unwrap());
    shown.show(&schema.native(project).unwrap());

    let blocking = BlockingSchema::from_json(BLOCKING).unwrap();
    shown.show(&blocking);
    blocking.surprises().iter().for_each(|surprise| shown.show(surprise));
    shown.show(&BlockKey::from_secret(&own).unwrap());
    let keyed = BlockIds::keyed(BlockKey::from_secret(&own).unwrap());
    shown.show(&keyed);
    let blocked = blocking.block(&keyed, None, &rows).unwrap();
    shown.show(&blocked);
    shown.show(&blocked.statistics);
    shown.show(&BlockFilter::new(&blocked.blocks).unwrap());
    let open = BlockIds::compatible("a test of what leaks").unwrap();
    let open = blocking.block(&open, None, &rows).unwrap();
    shown.show(&PositionFilter::new(&[&open.blocks, &open.blocks], 2).unwrap());
    let people: Vec<String> = rows.iter().map(|row| row.concat()).collect();
    shown.show(&assess_blocks_2party(&blocked.blocks, &blocked.blocks, &people, &people).unwrap());

    let pairs =
        find_candidate_pairs(&[&encoded.clks, &encoded.clks], Measure::Dice, "0.7".parse().unwrap(), None, None);
    let pairs = pairs.unwrap();
    shown.show(&pairs);
    shown.show(&pairs.pairs()[0]);
    shown.show(&matches_nonmatches_hist(&pairs, 10).unwrap());
    let with_blocks = format!(r#"{{"clknblocks": [["AQI=", "{}"]]}}"#, person(3).surname);
    shown.show(&ClksAndBlocks::from_json(with_blocks.as_bytes()).unwrap());
}
