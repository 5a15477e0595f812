//! A scatter plot as SVG: quality against leak.

use std::fmt::Write;

/// One point, with the interval of its leak.
pub(crate) struct Point<'a> {
    pub(crate) name: &'a str,
    pub(crate) f1: f64,
    pub(crate) leak: f64,
    pub(crate) interval: (f64, f64),
    /// Filled where the leak is low enough.
    pub(crate) holds: bool,
    pub(crate) recommended: bool,
}

/// The plot's place in the picture.
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 380.0;

/// Leaks are shown on a logarithmic scale; what is less than this stands at its left end.
const LEAST: f64 = 0.001;

/// Draws F1 upwards and the leak, from .001 to 1, to the right; `across` says what leak it is. Points are numbered, and named
/// beside the plot.
pub(crate) fn scatter(
    title: &str,
    across: &str,
    points: &[Point<'_>],
    most_leak: f64,
) -> Result<String, std::fmt::Error> {
    let lowest = points.iter().map(|point| point.f1).fold(1.0, f64::min);
    // A line for each of at most seven round steps, so that points that are near each other can be told apart.
    let span = (1.0 - lowest).max(0.001) * 1.1;
    let step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].into_iter().find(|step| span / step <= 7.0).unwrap_or(0.2);
    let lines = (span / step).ceil().min((1.0_f64 / step).round());
    let bottom = 1.0 - step * lines;
    let x = |leak: f64| LEFT + WIDTH * (1.0 - leak.max(LEAST).log10() / LEAST.log10());
    let y = |f1: f64| TOP + HEIGHT * (1.0 - (f1 - bottom) / (1.0 - bottom));
    let mut out = String::new();
    let height = (TOP + HEIGHT + 60.0).max(TOP + 18.0 * points.len() as f64 + 40.0);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#222\">"
    )?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>")?;
    writeln!(out, "<text x=\"{LEFT}\" y=\"26\" font-size=\"15\">{}</text>", escaped(title))?;
    let (right, floor) = (LEFT + WIDTH, TOP + HEIGHT);
    for leak in [0.001, 0.01, 0.1, 1.0] {
        let at = x(leak);
        writeln!(out, "<path d=\"M{at:.1} {TOP}V{floor}\" stroke=\"#ddd\"/>")?;
        writeln!(out, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{leak}</text>", floor + 18.0)?;
    }
    for line in 0..=lines as u32 {
        let f1 = bottom + f64::from(line) * step;
        let at = y(f1);
        writeln!(out, "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>")?;
        writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{f1:.3}</text>", LEFT - 8.0, at + 4.0)?;
    }
    let limit = x(most_leak);
    writeln!(out, "<path d=\"M{limit:.1} {TOP}V{floor}\" stroke=\"#a33\" stroke-dasharray=\"5 4\"/>")?;
    let middle = LEFT + WIDTH / 2.0;
    let below = floor + 42.0;
    writeln!(out, "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>", escaped(across))?;
    let half = TOP + HEIGHT / 2.0;
    writeln!(
        out,
        "<text transform=\"translate(22 {half:.1}) rotate(-90)\" text-anchor=\"middle\">F1, no labels used</text>"
    )?;
    for (number, point) in (1..).zip(points) {
        let (cx, cy) = (x(point.leak), y(point.f1));
        let (low, high) = point.interval;
        let colour = if point.recommended { "#0a6" } else { "#246" };
        let fill = if point.holds { colour } else { "#fff" };
        let label = if point.holds { "#fff" } else { colour };
        writeln!(out, "<path d=\"M{:.1} {cy:.1}H{:.1}\" stroke=\"{colour}\" opacity=\".5\"/>", x(low), x(high))?;
        writeln!(out, "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"9\" fill=\"{fill}\" stroke=\"{colour}\"/>")?;
        let text = cy + 3.5;
        writeln!(
            out,
            "<text x=\"{cx:.1}\" y=\"{text:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"{label}\">{number}</text>"
        )?;
        let (line, weight) = (TOP + 18.0 * number as f64, if point.recommended { "bold" } else { "normal" });
        let name = escaped(point.name);
        let beside = right + 24.0;
        writeln!(out, "<text x=\"{beside}\" y=\"{line}\" font-weight=\"{weight}\">{number}  {name}</text>")?;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
