//! When something happened.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::schema::Date;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A second in UTC, written as RFC 3339: `2026-11-26T10:17:02Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Seconds since 1 January 1970, leap seconds not counted. `None` after the year 9999.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        (seconds <= LAST).then_some(Timestamp(seconds))
    }

    /// What the machine's clock says. A clock that stands before 1970 or after 9999 gives the nearer of the two.
    #[must_use]
    pub fn now() -> Self {
        Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let date = Date::from_unix_days(days as i32);
        write!(f, "{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::from_unix(LAST + 1), None);
        assert!(Timestamp::now() > Timestamp(1_600_000_000));
    }
}
