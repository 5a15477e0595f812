//! Charts as SVG inside a page, whose style sheet has their colours. They show what they are given and work nothing out.

use std::fmt::{Result, Write};

use super::escaped;

/// The width of a chart, in units of its own; the page makes it fit.
const WIDTH: f64 = 720.0;

/// Room for numbers on the left of a chart with two axes, and for what stands below it.
const LEFT: f64 = 64.0;
const BELOW: f64 = 44.0;
const TOP: f64 = 14.0;
const HEIGHT: f64 = 180.0;

/// The height of a line of bars.
const LINE: f64 = 18.0;

/// A bar of a histogram.
pub(crate) struct Bin {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) height: f64,
    /// What it says when pointed at.
    pub(crate) says: String,
    /// Whether its height is only known roughly.
    pub(crate) vague: bool,
}

/// A line of a chart with bars lying down: a heading, or a name with bars.
pub(crate) enum Line {
    Heading(String),
    Bars(String, Vec<Lying>),
}

/// A bar that lies down, from one number to another.
#[derive(Default)]
pub(crate) struct Lying {
    pub(crate) class: &'static str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// What stands behind it.
    pub(crate) says: String,
    /// Numbers between which a line is drawn across the bar's end.
    pub(crate) interval: Option<(f64, f64)>,
    /// A number at which a line is drawn: what the bar must not reach beyond.
    pub(crate) limit: Option<f64>,
    /// Whether a dot stands where the bar would end, instead of the bar.
    pub(crate) dot: bool,
}

/// How a chart with bars lying down is drawn.
pub(crate) struct Across<'a> {
    pub(crate) title: &'a str,
    /// What it shows, for those who cannot see it; empty where the title says enough.
    pub(crate) describes: &'a str,
    /// From which number to which.
    pub(crate) ends: (f64, f64),
    /// Room for the names of bars, and for what stands behind bars.
    pub(crate) room: (f64, f64),
    /// How the numbers below it are written; none stand there without.
    pub(crate) axis: Option<fn(f64) -> String>,
}

/// Counts, with a line where the threshold is. A bar that would make all others flat is cut off, and says what it counts.
pub(crate) fn histogram(out: &mut String, (title, axis): (&str, &str), bins: &[Bin], mark: Option<f64>) -> Result {
    let mut heights: Vec<f64> = bins.iter().map(|bin| bin.height).collect();
    heights.sort_by(|x, y| y.total_cmp(x));
    let most = match heights[..] {
        [first, second, ..] if second > 0.0 && first > 3.0 * second => 1.25 * second,
        [first, ..] => first,
        [] => 0.0,
    };
    let (low, high) = ends(bins.iter().flat_map(|bin| [bin.from, bin.to]).chain(mark));
    let frame = Frame::new(low, high, if most > 0.0 { most } else { 1.0 });
    frame.begin(out, title, axis, |y| format!("{y}"))?;
    for bin in bins.iter().filter(|bin| bin.height > 0.0) {
        let (left, right) = (frame.x(bin.from), frame.x(bin.to));
        let (top, floor) = (frame.y(bin.height.min(most)), frame.y(0.0));
        writeln!(
            out,
            "<rect class=\"{}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            if bin.vague { "bar vague" } else { "bar" },
            (right - left - 1.0).max(1.0),
            floor - top,
            escaped(&bin.says)
        )?;
        if bin.height > most {
            let (anchor, beside) = if left > WIDTH / 2.0 { ("end", left - 5.0) } else { ("start", right + 4.0) };
            // The last part, as there is little room.
            let says = escaped(bin.says.rsplit(": ").next().unwrap_or_default());
            let line = TOP + 22.0;
            writeln!(
                out,
                "<text class=\"says\" x=\"{beside:.1}\" y=\"{line}\" text-anchor=\"{anchor}\">cut off: {says}</text>"
            )?;
        }
    }
    frame.end(out, mark)
}

/// Shares by a number, as steps; several curves, each with its class.
#[cfg(feature = "linkage")]
pub(crate) fn curves(
    out: &mut String,
    (title, axis): (&str, &str),
    curves: &[(&str, Vec<(f64, f64)>)],
    mark: Option<f64>,
) -> Result {
    let (low, high) = ends(curves.iter().flat_map(|(_, points)| points).map(|(x, _)| *x).chain(mark));
    let frame = Frame::new(low, high, 1.0);
    frame.begin(out, title, axis, |y| format!("{:.0} %", y * 100.0))?;
    for (class, points) in curves {
        let mut path = String::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            let (x, y) = (frame.x(x), frame.y(y));
            if i == 0 { write!(path, "M{x:.1} {y:.1}")? } else { write!(path, "H{x:.1}V{y:.1}")? }
        }
        writeln!(out, "<path class=\"curve {class}\" d=\"{path}\"/>")?;
    }
    frame.end(out, mark)
}

/// Bars that lie down, under headings.
#[cfg(feature = "linkage")]
pub(crate) fn lying(out: &mut String, title: &str, lines: &[Line], ends: (f64, f64)) -> Result {
    across(out, &Across { title, describes: "", ends, room: (230.0, 120.0), axis: None }, lines)
}

/// Bars that lie down, under headings, with limits and numbers below where they are wanted.
pub(crate) fn across(out: &mut String, chart: &Across<'_>, lines: &[Line]) -> Result {
    let height_of = |line: &Line| match line {
        Line::Heading(_) => LINE + 8.0,
        Line::Bars(_, bars) => (bars.len() as f64 * (bar_height(bars) + 3.0) + 4.0).max(LINE),
    };
    let floor = lines.iter().map(height_of).sum::<f64>() + 10.0;
    let (low, high) = chart.ends;
    let span = if high > low { high - low } else { 1.0 };
    let (names, behind) = chart.room;
    let x = |value: f64| names + (WIDTH - names - behind) * ((value - low) / span).clamp(0.0, 1.0);
    begin(out, chart.title, chart.describes, floor + if chart.axis.is_some() { LINE } else { 0.0 })?;
    if let Some(number) = chart.axis {
        for value in rounds(low, low + span, 5.0) {
            let (at, below) = (x(value), floor + 13.0);
            writeln!(out, "<path class=\"grid\" d=\"M{at:.1} 0V{floor:.1}\"/>")?;
            let text = escaped(&number(value));
            writeln!(out, "<text class=\"says\" x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{text}</text>")?;
        }
    }
    let zero = x(0.0);
    writeln!(out, "<path class=\"axis\" d=\"M{zero:.1} 0V{floor:.1}\"/>")?;
    let mut y = 4.0;
    for line in lines {
        match line {
            Line::Heading(name) => {
                writeln!(out, "<text class=\"heading\" x=\"4\" y=\"{:.1}\">{}</text>", y + 16.0, escaped(name))?;
            }
            Line::Bars(name, bars) => {
                let middle = y + height_of(line) / 2.0 + 2.0;
                let beside = names - 8.0;
                writeln!(out, "<text x=\"{beside}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>", escaped(name))?;
                let tall = bar_height(bars);
                for (i, bar) in (0..).zip(bars) {
                    bar.draw(out, &x, y + f64::from(i) * (tall + 3.0), tall)?;
                }
            }
        }
        y += height_of(line);
    }
    out.write_str("</svg>\n")
}

fn bar_height(bars: &[Lying]) -> f64 {
    if bars.len() > 1 { 9.0 } else { 12.0 }
}

impl Lying {
    /// At a height, as tall as this; `x` says where a number is.
    fn draw(&self, out: &mut String, x: &impl Fn(f64) -> f64, top: f64, tall: f64) -> Result {
        let (left, right) = (x(self.from.min(self.to)), x(self.from.max(self.to)));
        let (class, width) = (self.class, (right - left).max(0.5));
        let (mut after, at) = (right, top + tall / 2.0);
        if !self.dot {
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{tall}\"/>"
            )?;
        }
        if let Some((from, to)) = self.interval {
            let (from, to) = (x(from), x(to));
            after = after.max(to);
            writeln!(out, "<path class=\"interval\" d=\"M{from:.1} {at:.1}H{to:.1}\"/>")?;
        }
        if self.dot {
            let end = x(self.to);
            writeln!(out, "<circle class=\"{class}\" cx=\"{end:.1}\" cy=\"{at:.1}\" r=\"4.5\"/>")?;
            after = after.max(end + 4.5);
        }
        if let Some(limit) = self.limit {
            let (limit, above, below) = (x(limit), top - 2.0, top + tall + 2.0);
            writeln!(out, "<path class=\"limit\" d=\"M{limit:.1} {above:.1}V{below:.1}\"/>")?;
            // What stands behind the bar is not written across the line.
            if (after..after + 60.0).contains(&limit) {
                after = limit;
            }
        }
        let (after, line) = (after + 6.0, at + 3.5);
        let says = escaped(&self.says);
        writeln!(out, "<text class=\"says\" x=\"{after:.1}\" y=\"{line:.1}\">{says}</text>")
    }
}

/// A chart with two axes.
struct Frame {
    low: f64,
    high: f64,
    most: f64,
}

impl Frame {
    fn new(low: f64, high: f64, most: f64) -> Self {
        Frame { low, high, most }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - 16.0) * (value - self.low) / (self.high - self.low)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + HEIGHT * (1.0 - value / self.most)
    }

    fn begin(&self, out: &mut String, title: &str, axis: &str, number: impl Fn(f64) -> String) -> Result {
        begin(out, title, "", TOP + HEIGHT + BELOW)?;
        let right = WIDTH - 16.0;
        for y in rounds(0.0, self.most, 4.0) {
            let (at, beside) = (self.y(y), LEFT - 8.0);
            writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{right}\"/>")?;
            writeln!(out, "<text x=\"{beside}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", at + 4.0, number(y))?;
        }
        let floor = self.y(0.0);
        for x in rounds(self.low, self.high, 10.0) {
            let (at, below) = (self.x(x), floor + 16.0);
            // 0.30000000000000004 is 0.3.
            let x = (x * 1000.0).round() / 1000.0;
            writeln!(out, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{x}</text>")?;
        }
        let (middle, below) = (f64::midpoint(LEFT, right), floor + 36.0);
        writeln!(out, "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>", escaped(axis))
    }

    fn end(&self, out: &mut String, mark: Option<f64>) -> Result {
        let floor = self.y(0.0);
        writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {floor:.1}H{}\"/>", WIDTH - 16.0)?;
        if let Some(mark) = mark {
            let at = self.x(mark);
            writeln!(out, "<path class=\"mark\" d=\"M{at:.1} {TOP}V{floor:.1}\"/>")?;
            let (anchor, beside) = if at > WIDTH / 2.0 { ("end", at - 5.0) } else { ("start", at + 5.0) };
            let top = TOP + 8.0;
            writeln!(
                out,
                "<text class=\"marked\" x=\"{beside:.1}\" y=\"{top}\" text-anchor=\"{anchor}\">threshold</text>"
            )?;
        }
        out.write_str("</svg>\n")
    }
}

fn begin(out: &mut String, title: &str, describes: &str, height: f64) -> Result {
    writeln!(out, "<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height:.0}\">", escaped(title))?;
    if describes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<title>{}</title>\n<desc>{}</desc>", escaped(title), escaped(describes))
}

/// From where to where there are numbers: never nowhere.
fn ends(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = numbers
        .filter(|x| x.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low < high {
        (low, high)
    } else if low.is_finite() {
        (low, low + 1.0)
    } else {
        (0.0, 1.0)
    }
}

/// Round numbers from one to another, about so many.
fn rounds(low: f64, high: f64, count: f64) -> impl Iterator<Item = f64> {
    let rough = (high - low) / count;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().map(|by| by * power).find(|step| *step >= rough).unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(move |i| i as f64 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_numbers() {
        let numbers = |low, high, count| rounds(low, high, count).collect::<Vec<f64>>();
        assert_eq!(numbers(0.0, 100.0, 4.0), [0.0, 50.0, 100.0]);
        assert_eq!(numbers(-7.0, 13.0, 10.0), [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        assert_eq!(ends([].into_iter()), (0.0, 1.0));
        assert_eq!(ends([3.0].into_iter()), (3.0, 4.0));
        assert_eq!(ends([f64::INFINITY, 2.0, 5.0].into_iter()), (2.0, 5.0));
    }

    #[test]
    fn bars_stand_on_the_floor_and_inside() {
        let bin = |from, height| Bin { from, to: from + 1.0, height, says: "a < b".into(), vague: false };
        let mut out = String::new();
        histogram(&mut out, ("title", "axis"), &[bin(0.0, 10.0), bin(1.0, 5.0), bin(2.0, 0.0)], Some(3.0)).unwrap();
        assert_eq!(out.matches("<rect").count(), 2, "{out}");
        assert!(out.contains("y=\"14.0\" width=\"212.3\" height=\"180.0\"><title>a &lt; b</title>"), "{out}");
        assert!(out.contains("y=\"104.0\"") && out.contains("d=\"M704.0 14V194.0\""), "{out}");
        let mut out = String::new();
        histogram(&mut out, ("", ""), &[bin(0.0, 1000.0), bin(1.0, 8.0), bin(2.0, 4.0)], None).unwrap();
        assert_eq!(out.matches("cut off: a &lt; b").count(), 1, "{out}");
        assert!(out.contains("y=\"14.0\"") && out.contains("y=\"50.0\"") && out.contains("y=\"122.0\""), "{out}");
        let mut out = String::new();
        histogram(&mut out, ("", ""), &[], None).unwrap();
        #[cfg(feature = "linkage")]
        curves(&mut out, ("", ""), &[("a", vec![])], Some(0.0)).unwrap();
        let chart =
            Across { title: "", describes: "", ends: (0.0, 0.0), room: (1.0, 1.0), axis: Some(|x| x.to_string()) };
        across(&mut out, &chart, &[]).unwrap();
        assert!(!out.contains("NaN") && !out.contains("inf"), "{out}");
    }

    #[test]
    fn bars_dots_and_limits_lie_at_their_numbers() {
        let bar = |dot| Lying {
            class: "c",
            to: 5.0,
            says: "<5>".into(),
            interval: Some((4.0, 20.0)),
            limit: Some(2.0),
            dot,
            ..Lying::default()
        };
        let lines = [
            Line::Heading("a & b".into()),
            Line::Bars("one".into(), vec![bar(false)]),
            Line::Bars("two".into(), vec![bar(true)]),
        ];
        let axis = Some((|x| format!("{x} <")) as fn(f64) -> String);
        let chart = Across { title: "t", describes: "d > e", ends: (0.0, 10.0), room: (200.0, 120.0), axis };
        let mut out = String::new();
        across(&mut out, &chart, &lines).unwrap();
        // 400 units for 10: 5 stands at 200 + 200, and what is beyond the end at the end.
        assert_eq!(out.matches("<rect class=\"c\" x=\"200.0\"").count(), 1, "{out}");
        assert!(out.contains("width=\"200.0\"") && out.contains("<circle class=\"c\" cx=\"400.0\""), "{out}");
        assert_eq!(out.matches("class=\"interval\" d=\"M360.0").count(), 2, "{out}");
        assert_eq!(out.matches("H600.0").count(), 2, "{out}");
        assert_eq!(out.matches("class=\"limit\" d=\"M280.0").count(), 2, "{out}");
        assert!(out.contains("<title>t</title>\n<desc>d &gt; e</desc>") && out.contains(">a &amp; b</text>"), "{out}");
        assert!(out.contains(">10 &lt;</text>") && !out.contains("<5>"), "{out}");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escaped("<a href=\"x\">'&'"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }
}
