//! A cohort file from another organisation: anything is a cohort or an error. What is a cohort is written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pprl::{Cohort, Linker, Schema};

fuzz_target!(|data: &[u8]| {
    match Cohort::from_json(data) {
        Ok(cohort) => {
            assert!(Cohort::from_json(&cohort.to_json()).is_ok_and(|again| again == cohort));
            let _ = Linker::new(&Schema::uk_person()).deduplicate(&cohort);
        }
        Err(error) => assert!(error.to_string().len() < 1000, "an error quotes the file"),
    }
});
