//! What blocks save and lose on invented people.

use super::{assess_blocks_2party, compatible, json, keyed, schema};

/// The figures of `docs/blocking.md`; `PPRL_CHILDREN` is how many children there are.
#[test]
#[ignore = "measures, and takes its time"]
fn figures() {
    use pprl::synth::{Agency, Options, Population};
    let children = std::env::var("PPRL_CHILDREN").map_or(20_000, |text| text.parse().unwrap());
    let options = Options { seed: 1, children, cohort: children / 4, ..Options::default() };
    let population = Population::generate(&options).unwrap();
    // Birth dates in one form, capitals: blocklib takes values as they are.
    let rows = |agency| -> Vec<[String; 4]> {
        let people = population.records(agency).iter();
        let date = |text: &str| match text.split('/').collect::<Vec<_>>()[..] {
            [day, month, year] => format!("{year}-{month}-{day}"),
            _ => text.to_owned(),
        };
        let upper = |text: &str| text.trim().to_uppercase();
        people
            .map(|p| {
                [upper(&p.forename), upper(&p.surname), date(&p.date_of_birth), upper(&p.postcode).replace(' ', "")]
            })
            .collect()
    };
    let entities = |agency| population.records(agency).iter().map(|p| p.person_id.as_str()).collect::<Vec<_>>();
    let (a, b) = (Agency::Police, Agency::Education);
    let bloom = json!({"type": "bloom filter", "number-hash-functions": 4, "bf-len": 8192});
    let psig = |most: f64| {
        json!({"type": "p-sig", "version": 1, "config": {
        "blocking-features": [0, 1, 2, 3], "filter": {"type": "ratio", "min": 0.0, "max": most}, "blocking-filter": bloom,
        "signatureSpecs": [
            [{"type": "metaphone", "feature": 0}, {"type": "metaphone", "feature": 1}],
            [{"type": "feature-value", "feature": 2}],
            [{"type": "metaphone", "feature": 1}, {"type": "feature-value", "feature": 3}]]}})
    };
    let fold = |tables: u64, sampled: u64| {
        json!({"type": "lambda-fold", "version": 1, "config": {
        "blocking-features": [0, 1, 2], "Lambda": tables, "bf-len": 2048, "num-hash-funcs": 5, "K": sampled,
        "random_state": 0, "input-clks": false}})
    };
    println!("{} and {} rows", rows(a).len(), rows(b).len());
    for (name, value) in [
        ("P-Sig", psig(0.02)),
        ("lambda-fold, 20 x 30", fold(20, 30)),
        ("lambda-fold, 30 x 60", fold(30, 60)),
        ("lambda-fold, 30 x 100", fold(30, 100)),
    ] {
        for ids in [keyed(1), compatible()] {
            let start = std::time::Instant::now();
            let [one, two] = [a, b].map(|agency| schema(&value).block(&ids, None, &rows(agency)).unwrap());
            let made = start.elapsed();
            let assessed = assess_blocks_2party(&one.blocks, &two.blocks, &entities(a), &entities(b)).unwrap();
            let all = entities(a).len() as f64 * entities(b).len() as f64;
            println!(
                "{name}, keyed {}: {:?}, coverage {:?} {:?}, blocks {} {}, largest {} {}, alone {}, 1 - pairs {:.5}, made in {made:?}",
                one.blocks.is_keyed(),
                assessed,
                one.statistics.coverage,
                two.statistics.coverage,
                one.blocks.len(),
                two.blocks.len(),
                one.statistics.sizes.most,
                two.statistics.sizes.most,
                one.blocks.iter().filter(|(_, records)| records.size_hint().0 == 1).count(),
                1.0 - assessed.pairs as f64 / all,
            );
        }
    }
}
