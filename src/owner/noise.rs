//! The owner's own key for randomised response. `docs/encoding.md`, section 6.

use std::collections::HashSet;
use std::path::Path;

use super::read::Record;
use super::{Encoder, place};
use crate::error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem};
use crate::key::ProjectKey;

impl Encoder {
    /// Gives the encoder the key of its noise, where the schema asks for
    /// [randomised response](crate::schema::Hardening::randomised_response).
    ///
    /// It is this owner's own: another owner who had it could take the noise away. The owner keeps it for as long as the same
    /// people may be encoded again, and gives each record the same id each time: with new noise every time, whoever sees
    /// several files takes the average and has no noise left. Without a column of ids a record's id is its row's number, and
    /// then the file must never change.
    ///
    /// # Errors
    /// [`Argument`](ErrorKind::Argument) where the schema does not ask for noise, or the key is the project's.
    pub fn noise(mut self, key: &ProjectKey) -> Result<Self> {
        if self.plans.iter().all(|plan| plan.noise_rate == 0) {
            return Err(Error::argument(
                "the schema does not ask for randomised response, so there is no noise to key",
            ));
        }
        // The project key is not kept; this is the same for two keys only where they are one.
        if key.check_value(&self.schema) == self.key_check {
            return Err(Error::argument("the key of the noise must be the owner's own, and not the project key"));
        }
        let project = self.schema.project().id();
        for (plan, encoding) in self.plans.iter_mut().zip(self.schema.encodings()).filter(|(p, _)| p.noise_rate > 0) {
            plan.noise = Some(key.keyed(project, "noise", encoding.name()));
        }
        Ok(self)
    }

    /// As [`noise`](Self::noise), from a file of the form that [`ProjectKey::write`] writes.
    ///
    /// # Errors
    /// As [`ProjectKey::from_path`] and [`noise`](Self::noise).
    pub fn noise_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let key = ProjectKey::from_path(path)?;
        self.noise(&key)
    }

    /// Refuses to go on without the noise that the schema asks for, and with two records that would get the same.
    pub(super) fn check_noise(&self, records: &[Record]) -> Result<()> {
        if self.plans.iter().all(|plan| plan.noise_rate == 0) {
            return Ok(());
        }
        if self.plans.iter().any(|plan| plan.noise_rate > 0 && plan.noise.is_none()) {
            return Err(Error::argument(
                "the schema asks for randomised response, and the encoder was given no key for its noise (Encoder::noise): \
                 one of the owner's own, which no other owner has",
            ));
        }
        let mut seen = HashSet::with_capacity(records.len());
        let mut problems = Vec::new();
        for (i, record) in records.iter().enumerate() {
            if !seen.insert(record.id()) {
                let (row, line) = place(i, record);
                let problem = "has the id of a record before it, and would get the same noise";
                problems.push(RowProblem { row, line, field: String::new(), problem });
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let total = problems.len() as u64;
        problems.truncate(ROW_PROBLEMS_KEPT);
        Err(ErrorKind::Rows { path: None, problems, total }.into())
    }
}
