//! A whole linkage: two agencies' cohorts of invented children, default profile, automatic threshold.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start should stop")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pprl::synth::{Agency, Options, Population};
use pprl::{Cohort, Encoder, Linker, ProjectKey, Schema};

fn cohort(schema: &Schema, key: &ProjectKey, population: &Population, agency: Agency) -> Cohort {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    population.write_csv(agency, &path).unwrap();
    Encoder::new(schema, key, agency.name()).unwrap().encode_csv(&path).unwrap().cohort
}

fn link(c: &mut Criterion) {
    let schema = Schema::uk_person();
    let key = ProjectKey::generate().unwrap();
    let mut group = c.benchmark_group("link/guarded");
    group.sample_size(10);
    for children in [1_000, 4_000] {
        let options = Options { children, cohort: 200, ..Options::default() };
        let population = Population::generate(&options).unwrap();
        let care = cohort(&schema, &key, &population, Agency::SocialCare);
        let school = cohort(&schema, &key, &population, Agency::Education);
        let linker = Linker::new(&schema);
        assert!(!linker.link(&[&care, &school]).unwrap().links().is_empty());
        group.throughput(Throughput::Elements((care.rows() * school.rows()) as u64));
        group.bench_function(format!("{} x {} rows", care.rows(), school.rows()), |b| {
            b.iter(|| linker.link(&[&care, &school]).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, link);
criterion_main!(benches);
