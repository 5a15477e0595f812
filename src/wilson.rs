//! Where a share lies that was counted.

/// With 95 % confidence, from and to (Wilson 1927): 0 to 1 where nothing was counted.
pub(crate) fn interval(part: u64, whole: u64) -> (f64, f64) {
    interval_of(part, whole, 1.959_963_984_540_054)
}

/// The same, with the confidence of so many standard deviations to either side.
pub(crate) fn interval_of(part: u64, whole: u64, z: f64) -> (f64, f64) {
    if whole == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (whole as f64, part as f64 / whole as f64);
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    // At the ends exactly, whatever is lost in rounding.
    let low = if part == 0 { 0.0 } else { (centre - half) / scale };
    let high = if part == whole { 1.0 } else { (centre + half) / scale };
    (low, high)
}
