//! The audit before a file is written, where this program is built with it.

use std::path::Path;

use pprl::event_log::Action;
use pprl::{Encoded, Record, Schema};

use crate::command::Outcome;
use crate::log::Log;

/// What the owner wants of the audit.
pub(crate) struct Auditing {
    /// Why there is none.
    without: Option<String>,
    quick: bool,
    /// Whether a reason was given to release a small file.
    small: bool,
}

impl Auditing {
    pub(crate) fn new(without: Option<String>, quick: bool, small: bool) -> Outcome<Self> {
        if without.as_ref().is_some_and(|reason| reason.trim().chars().count() < 10) {
            return Err(lexopt::Error::from("--no-audit needs a reason of 10 characters or more").into());
        }
        Ok(Auditing { without, quick, small })
    }

    /// Refuses a file that fails, unless its schema accepts the risk; leaves the report in `folder`. Gives what to say of it.
    pub(crate) fn before_release(
        &self,
        schema: &Schema,
        people: &[Record],
        encoded: &Encoded,
        folder: &Path,
        log: &mut Log,
    ) -> Outcome<String> {
        let event = log.event(Action::Audit).schema(schema).party(encoded.cohort.party());
        if let Some(reason) = &self.without {
            log.append(event.reason(reason.as_str()))?;
            return Ok("Not audited, for the reason given.".to_owned());
        }
        #[cfg(feature = "audit")]
        {
            use crate::working;
            use pprl::audit::Audit;
            use pprl::event_log::Verdict;
            use pprl::schema::Date;

            let mut audit = Audit::new().quick(self.quick).date(Date::today());
            if self.small {
                audit = audit.floor(0);
            }
            let report = working::during("auditing", || audit.run(schema, people, encoded))?;
            let verdict = if report.passed() { Verdict::Passed } else { Verdict::Failed };
            log.append(event.verdict(verdict))?;
            report.write(folder)?;
            report.check_release(&encoded.cohort)?;
            let said = match (report.passed(), report.accepted()) {
                (false, Some(_)) => "failed, and is released because the schema accepts the risk",
                _ => "passed",
            };
            Ok(format!("Audit {said}: {}", folder.join("risk-report.html").display()))
        }
        #[cfg(not(feature = "audit"))]
        {
            let _ = (people, folder, event, self.quick, self.small);
            Ok("Not audited: this program was built without the feature `audit`.".to_owned())
        }
    }
}
