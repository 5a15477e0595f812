//! What the pages of reports share: one look, charts, tables, and texts that are safe to put into HTML.

#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) mod chart;

use std::fmt::{Result, Write};

/// Colours by class, for light and dark screens and for paper.
pub(crate) const STYLE: &str = include_str!("page/style.css");

/// A text as it may stand in HTML and SVG, inside quotation marks too.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A table with these heads.
#[cfg(feature = "linkage")]
pub(crate) fn table(out: &mut String, heads: &[&str], rows: impl FnOnce(&mut String) -> Result) -> Result {
    captioned(out, "", heads, rows)
}

/// A table with these heads, and a caption that says what it holds.
pub(crate) fn captioned(
    out: &mut String,
    caption: &str,
    heads: &[&str],
    rows: impl FnOnce(&mut String) -> Result,
) -> Result {
    write!(out, "<div class=\"table\">\n<table>\n")?;
    if !caption.is_empty() {
        writeln!(out, "<caption>{}</caption>", escaped(caption))?;
    }
    write!(out, "<tr>")?;
    for head in heads {
        write!(out, "<th>{}</th>", escaped(head))?;
    }
    writeln!(out, "</tr>")?;
    rows(out)?;
    writeln!(out, "</table>\n</div>")
}

/// A row of a table: what it is about, and numbers.
#[cfg(any(feature = "linkage", feature = "study"))]
pub(crate) fn row(out: &mut String, name: &str, values: &[String]) -> Result {
    write!(out, "<tr><td>{}</td>", escaped(name))?;
    for value in values {
        write!(out, "<td class=\"number\">{}</td>", escaped(value))?;
    }
    writeln!(out, "</tr>")
}

/// The digits of a number with its thousands apart.
#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) fn thousands(digits: &str) -> String {
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in per cent, to one place.
#[cfg(any(feature = "audit", feature = "linkage"))]
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
