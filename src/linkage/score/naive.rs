//! Bit by bit: too simple to be wrong.

use super::Count;

pub(super) fn count(count: Count, a: &[u64], b: &[u64], stride: usize, out: &mut [u32]) {
    let columns = b.len() / stride;
    for (pair, out) in out.iter_mut().enumerate() {
        let (i, j) = (pair / columns, pair % columns);
        *out = 0;
        for bit in 0..stride * 64 {
            let x = a[i * stride + bit / 64] >> (bit % 64) & 1;
            let y = b[j * stride + bit / 64] >> (bit % 64) & 1;
            *out += u32::from(match count {
                Count::Different => x != y,
                Count::Common => x == 1 && y == 1,
            });
        }
    }
}
