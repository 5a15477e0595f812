//! Numbers with a check: NHS numbers and unique pupil numbers that belong to nobody.

/// NHS numbers from the range 999 000 0000 to 999 999 9999, which is set aside for tests and never issued. About 909,000
/// of them have a valid check digit; children beyond that have none rather than a stranger's.
pub(super) struct NhsNumbers {
    next: u32,
    start: u32,
}

impl NhsNumbers {
    pub(super) fn new(seed: u64) -> Self {
        NhsNumbers { next: 0, start: (seed % 1_000_000) as u32 }
    }
}

impl Iterator for NhsNumbers {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.next < 1_000_000 {
            // A stride that shares no factor with a million visits every number once, and neighbours lie far apart.
            let middle = (u64::from(self.next) * 618_033 + u64::from(self.start)) % 1_000_000;
            self.next += 1;
            let nine = format!("999{middle:06}");
            if let Some(check) = nhs_check(nine.as_bytes()) {
                return Some(format!("{nine}{check}"));
            }
        }
        None
    }
}

/// The check digit: weights 10 to 2, modulo 11; a remainder of 1 has no digit and the number is not used.
fn nhs_check(nine: &[u8]) -> Option<u32> {
    let sum: u32 = nine.iter().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match 11 - sum % 11 {
        10 => None,
        11 => Some(0),
        check => Some(check),
    }
}

/// A unique pupil number: check letter, local authority 999 (there is none), school, year of entry, serial number.
/// `person` below 10,000,000 makes it unique.
pub(super) fn upn(person: u64, entry_year: u16) -> String {
    let twelve = format!("999{:04}{:02}{:03}", person / 1000 % 10_000, entry_year % 100, person % 1000);
    let sum: usize = twelve.bytes().zip(2..).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    format!("{}{twelve}", char::from(b"ABCDEFGHJKLMNPQRTUVWXYZ"[sum % 23]))
}
