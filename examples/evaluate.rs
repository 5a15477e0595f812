//! Encodes, links and compares with the truth in one go.
use std::path::PathBuf;

use pprl::evaluate::Truth;
use pprl::owner::{read_column, read_csv};
use pprl::schema::Assignment;
use pprl::{CsvOptions, Encoder, Linker, ProjectKey, Schema};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |n: &str| args.iter().position(|a| a == n).map(|i| args[i + 1].clone());
    let schema = Schema::from_path(get("--schema").unwrap()).unwrap_or_else(|e| panic!("{e}"));
    let key = ProjectKey::from_bytes(std::array::from_fn(|i| i as u8));
    let mut parts = Vec::new();
    let t = std::time::Instant::now();
    for (i, flag) in ["--a", "--b"].iter().enumerate() {
        let Some(path) = get(flag) else { continue };
        let path = PathBuf::from(path);
        let records = read_csv(&path, &schema, &CsvOptions::new()).unwrap_or_else(|e| panic!("{e}"));
        let truth = read_column(&path, &get("--truth").unwrap(), &CsvOptions::new()).unwrap();
        let party = &schema.project().parties()[i];
        let encoded = Encoder::new(&schema, &key, party)
            .unwrap()
            .seed([i as u8; 32])
            .encode(&records)
            .unwrap_or_else(|e| panic!("{e}"));
        if args.iter().any(|a| a == "-v") {
            eprintln!("{}", encoded.quality);
        }
        let rows: Vec<String> =
            encoded.row_map.entries().iter().map(|(_, id)| truth[id.parse::<usize>().unwrap() - 1].clone()).collect();
        parts.push((encoded, rows));
    }
    let te = t.elapsed();
    let linker = Linker::new(&schema);
    let (scored, truth, assignment) = if parts.len() == 2 {
        (
            linker.score(&parts[0].0.cohort, &parts[1].0.cohort).unwrap(),
            Truth { a: &parts[0].1, b: Some(&parts[1].1) },
            Assignment::OneToOne,
        )
    } else {
        (linker.score_within(&parts[0].0.cohort).unwrap(), Truth { a: &parts[0].1, b: None }, Assignment::ManyToMany)
    };
    let e = truth.judge(&scored, assignment);
    println!(
        "default P {:.4} R {:.4} F1 {:.4} @{:.3}   best P {:.4} R {:.4} F1 {:.4} @{:.3}  enc {te:?} link {:?}",
        e.default.precision,
        e.default.recall,
        e.default.f1,
        e.default_threshold,
        e.best.precision,
        e.best.recall,
        e.best.f1,
        e.best_threshold,
        t.elapsed() - te
    );
}
