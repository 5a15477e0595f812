//! One row, or two or three, against a block: a record that is looked up.
//!
//! There is nothing to share, and a block is used once: what takes time is memory. Processors bring what lies in a row before
//! it is asked for. Of a single row only some columns are wanted, here and there, which they do not foresee; so they are told.
//! And where no row of a block can become worth a look any more, the rest of its columns is not asked for.
#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the caller's instructions")]

use super::groups::{GROUP, Groups, OCTET};
use super::simd::Simd;
use super::sliced::{add_to, at_least_of, columns, piece, ripple};
use super::slices::Slices;

/// How many octets ahead slices are asked for.
const SOON: usize = 12;

/// Adds the counts of the rows of a group that [is alone](Groups::is_lone) to their totals, or to `start`, in one strip of a
/// block. `least` are the totals that are worth a look after this strip, for each row, or nothing; a total that cannot become so
/// much need not be whole. Sums have A planes and totals R or more, as in [`sliced`](super::sliced).
#[inline(always)]
pub(super) fn add<S: Simd, const A: usize, const R: usize>(
    simd: S,
    (groups, all): (&Groups, &Slices),
    (block, strip): (usize, usize),
    least: &[i32],
    start: Option<&[u64]>,
    totals: &mut [u64],
) {
    let mut lists = groups.lists(0, strip);
    let slices = all.strip(block, strip);
    // Blocks that lie side by side come together.
    let next = block + all.across();
    let first = block.is_multiple_of(all.across());
    let after = if next < all.blocks() { all.strip(next, strip) } else { &[] };
    for (row, totals) in totals.chunks_exact_mut((totals.len() / GROUP).max(1)).enumerate().rev() {
        let octets = lists.single(row);
        if row >= groups.rows() {
            continue;
        }
        if let Some(start) = start {
            totals.copy_from_slice(start);
        }
        let (low, high) = totals.split_at_mut(R * S::WORDS);
        let mut total = [simd.zero(); R];
        for (plane, words) in total.iter_mut().zip(low.chunks_exact(S::WORDS)) {
            *plane = simd.load(words);
        }
        let least = least.get(row).filter(|_| high.is_empty());
        let mut done = 0;
        for some in octets.chunks(piece(A)) {
            let mut sum = [simd.zero(); A];
            for octet in some {
                if first {
                    foresee(simd, octets, done + SOON, (slices, after));
                }
                sum = columns(simd, sum, std::slice::from_ref(octet), slices);
                done += 1;
            }
            let carry = add_to(simd, &mut total, sum);
            ripple(simd, high, carry);
            let missing = (octets.len() - done) * OCTET;
            if let Some(least) = least
                && !simd.any(at_least_of(simd, total.into_iter(), least - missing as i32))
            {
                break;
            }
        }
        for (&plane, words) in total.iter().zip(low.chunks_exact_mut(S::WORDS)) {
            simd.store(plane, words);
        }
    }
}

/// Asks for the slices of the octet at `place`, of these blocks or, past the end, of those that come after them.
#[inline(always)]
fn foresee<S: Simd>(simd: S, octets: &[[u16; OCTET]], place: usize, (slices, after): (&[u64], &[u64])) {
    let soon = match octets.get(place) {
        Some(octet) => Some((octet, slices)),
        None => octets.get(place - octets.len()).map(|octet| (octet, after)),
    };
    if let Some((octet, slices)) = soon {
        octet.iter().for_each(|&column| simd.prefetch(slices, column.into()));
    }
}
