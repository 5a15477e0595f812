//! What `Debug` shows of the standing index, of what is read of a study, and of a file's readiness.

use pprl::linkage::{Ask, EncodedRecord, Index, IndexModel};
use pprl::schema::Role;
use pprl::study::{Month, Observations, People, StudyIds, everybody};
use pprl::{Cohort, Record, Schema};

use crate::library::{Shown, encoder};

pub(crate) fn show(shown: &mut Shown, cohort: &Cohort, people: &[Record]) {
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema::uk_person();
    let model = IndexModel::similarity(&schema, 0.5).unwrap();
    shown.show(&model);
    let index = Index::create(folder.path().join("index"), &schema, &[cohort], &model).unwrap();
    shown.show(&index);
    shown.show(&index.counts());
    let record = EncodedRecord::of(cohort, 0);
    shown.show(&record);
    let ask = Ask::best(3).of([cohort.party()]);
    shown.show(&ask);
    let hits = index.query(&record.into_cohort(&schema).unwrap(), &ask).unwrap();
    assert!(!hits[0].is_empty());
    shown.show(&hits);

    shown.show(&encoder("police").readiness(people).unwrap());
    shown.show(&encoder("police").readiness(people).unwrap().rows);
    shown.show(&Role::new("carer").prefix("carer1_"));

    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (study, link) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let ids = write("ids.csv", &format!("study_id,party,link_id\n{study},police,{link}\n"));
    let ids = StudyIds::read_csv(ids).unwrap();
    shown.show(&ids);
    let said = write("people.csv", &format!("link_id,birth_month,sex,event_date\n{link},1987-06,F,1987-06-11\n"));
    let said = People::read_csv("police", said).unwrap();
    shown.show(&said);
    let children = everybody(&ids, &[&said]);
    assert_eq!(children.len(), 1);
    shown.show(&children);
    shown.show(&children[0]);
    shown.show(&children[0].id);
    shown.show(&children[0].person);
    let months = write("months.csv", &format!("link_id,period,contacts\n{link},1987-06,1\n"));
    shown.show(&Observations::<Month>::read_csv(&ids, "police", months).unwrap());
}
