//! In what order CPython iterates over a set of integers: blocklib's block ids are made of it.

/// The smallest table.
const LEAST: usize = 8;
/// How many neighbours are looked at before the next place is computed.
const NEIGHBOURS: usize = 9;
const SHIFT: u32 = 5;
/// From how many entries on a table grows by 2 and not by 4.
const LARGE: usize = 50_000;

/// A set of integers below 2⁶¹ − 1, which are their own hashes: an open table with linear probes, then jumps.
struct Set {
    table: Vec<Option<u64>>,
    used: usize,
}

/// The numbers, each once, in the order in which CPython 3.7 to 3.13 iterates over a set to which they were added.
pub(super) fn set_order(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut set = Set { table: vec![None; LEAST], used: 0 };
    numbers.for_each(|number| set.add(number));
    set.table.into_iter().flatten().collect()
}

impl Set {
    fn add(&mut self, number: u64) {
        let place = self.place(number);
        if self.table[place].replace(number).is_some() {
            return;
        }
        self.used += 1;
        if self.used * 5 < (self.table.len() - 1) * 3 {
            return;
        }
        let least = self.used * if self.used > LARGE { 2 } else { 4 };
        let mut size = LEAST;
        while size <= least {
            size <<= 1;
        }
        for number in std::mem::replace(&mut self.table, vec![None; size]).into_iter().flatten() {
            let place = self.place(number);
            self.table[place] = Some(number);
        }
    }

    /// Where the number is, or goes.
    fn place(&self, number: u64) -> usize {
        let mask = self.table.len() - 1;
        let fits = |place: usize| self.table[place].is_none_or(|other| other == number);
        let mut place = number as usize & mask;
        let mut perturb = number;
        loop {
            let neighbours = if place + NEIGHBOURS <= mask { NEIGHBOURS } else { 0 };
            if let Some(found) = (place..=place + neighbours).find(|&place| fits(place)) {
                return found;
            }
            perturb >>= SHIFT;
            // A table has fewer than 2³² places, and `perturb` ends at 0: this comes to all of them.
            place = place.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_in_cpythons_order() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/blocking/cpython.json");
        let vectors: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let numbers = |list: &serde_json::Value| list.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let cases = vectors["sets"].as_array().unwrap();
        assert!(cases.len() > 300);
        for case in cases {
            let (added, order): (Vec<u64>, Vec<u64>) = (numbers(&case[0]), numbers(&case[1]));
            assert_eq!(set_order(added.into_iter()), order);
        }
        assert!(set_order(std::iter::empty()).is_empty());
    }

    /// A table that grows by 2, and one of numbers that all fall on one place.
    #[test]
    fn large_sets_hold_each_number_once() {
        for step in [1, 8, 1 << 20] {
            let mut order = set_order((0..70_000).chain(0..70_000).map(|i| i * step));
            order.sort_unstable();
            assert!(order.into_iter().eq((0..70_000).map(|i| i * step)));
        }
    }
}
