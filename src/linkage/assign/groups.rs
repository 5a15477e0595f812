//! Things that hang together: a union-find.

/// Numbers from 0 in groups; at first each in its own.
pub(super) struct Groups(Vec<u32>);

impl Groups {
    pub(super) fn new(count: usize) -> Self {
        Groups((0..count as u32).collect())
    }

    /// The number that stands for a group.
    pub(super) fn find(&mut self, mut one: u32) -> u32 {
        while self.0[one as usize] != one {
            let above = self.0[self.0[one as usize] as usize];
            self.0[one as usize] = above;
            one = above;
        }
        one
    }

    /// Puts the group of `from` into that of `into`, whose number stands for both.
    pub(super) fn join(&mut self, from: u32, into: u32) {
        let (from, into) = (self.find(from), self.find(into));
        self.0[from as usize] = into;
    }

    /// Puts two groups together; the lower number stands for both.
    pub(super) fn join_lower(&mut self, x: u32, y: u32) {
        let (x, y) = (self.find(x), self.find(y));
        self.join(x.max(y), x.min(y));
    }
}
