//! Numbers by lot that are the same everywhere. Nothing here has to be hard to guess.

/// SplitMix64 (Steele, Lea & Flood 2014), from a seed on.
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, all equally likely: numbers past the last whole multiple are drawn again.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let whole = u64::MAX - u64::MAX % end;
        loop {
            let number = self.next();
            if number < whole {
                return number % end;
            }
        }
    }

    /// A number below this one, which is far below 2⁶⁴: no bias that anything could see, and one draw.
    #[cfg(feature = "evaluate")]
    pub(crate) fn scaled(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// A number from 0 to 1, without 1.
    #[cfg(feature = "linkage")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
