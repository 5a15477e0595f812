//! Published tables in files: a page to read, and CSV.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::Path;

use super::balance::Balance;
use super::suppress::{Published, Shown};
use crate::error::{Error, Result};
use crate::file::{self, Access};
use crate::page::{STYLE, captioned, escaped};

/// A page of published tables, in plain HTML without scripts. It takes nothing but what may be published.
#[derive(Clone, Debug, Default)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Page { title: title.to_owned(), body: String::new() }
    }

    /// A heading.
    #[must_use]
    pub fn heading(mut self, text: &str) -> Self {
        // A string takes everything.
        let _ = writeln!(self.body, "<h2>{}</h2>", escaped(text));
        self
    }

    /// A paragraph.
    #[must_use]
    pub fn paragraph(mut self, text: &str) -> Self {
        let _ = writeln!(self.body, "<p>{}</p>", escaped(text));
        self
    }

    /// A table with the share of the first column beside it.
    #[must_use]
    pub fn table(mut self, table: &Published) -> Self {
        let _ = write_table(&mut self.body, table, None, ["", ""]);
        self
    }

    /// Two tables of the same rows and columns, cell beside cell, with what each of them is called.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`](crate::ErrorKind::Argument) where rows, columns or totals differ.
    pub fn beside(mut self, table: &Published, other: &Published, names: [&str; 2]) -> Result<Self> {
        let totals = |table: &Published| (table.row_totals.is_some(), table.column_totals.is_some());
        if (&table.rows, &table.columns, totals(table)) != (&other.rows, &other.columns, totals(other)) {
            return Err(Error::argument("two tables of different rows, columns or totals cannot stand side by side"));
        }
        let _ = write_table(&mut self.body, table, Some(other), names);
        Ok(self)
    }

    /// A balance table with its standardised differences.
    #[must_use]
    pub fn balance(mut self, balance: &Balance) -> Self {
        let _ = write_balance(&mut self.body, balance);
        self
    }

    /// Writes the page.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn write_html(&self, path: impl AsRef<Path>) -> Result<()> {
        file::write(path.as_ref(), Access::Default, |out| {
            let title = escaped(&self.title);
            write!(
                out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
                 <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{}</body>\n</html>\n",
                self.body
            )
        })
    }
}

/// Writes tables as CSV, one cell a row: `table,row,column,count,share`; a count that is not shown is `[c]`, and a share that
/// is not to be had is empty. Totals are those of the column `total`, and of the row `total`.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn write_csv<'a>(tables: impl IntoIterator<Item = &'a Published>, path: impl AsRef<Path>) -> Result<()> {
    let mut rows = Vec::new();
    for table in tables {
        let mut add = |row: &str, column: &str, count: Shown, share: Option<f64>| {
            let share = share.map_or(String::new(), |share| format!("{share:.3}"));
            rows.push([table.title.clone(), row.to_owned(), column.to_owned(), count.to_string(), share]);
        };
        for (row, name) in table.rows.iter().enumerate() {
            for (column, head) in table.columns.iter().enumerate() {
                add(name, head, table.counts[row][column], table.share(row, column));
            }
            if let Some(totals) = &table.row_totals {
                add(name, "total", totals[row], None);
            }
        }
        if let Some((totals, all)) = &table.column_totals {
            table.columns.iter().zip(totals).for_each(|(head, total)| add("total", head, *total, None));
            add("total", "total", *all, None);
        }
    }
    file::write_csv(path.as_ref(), Access::Default, ["table", "row", "column", "count", "share"], rows.into_iter())
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn write_table(out: &mut String, table: &Published, other: Option<&Published>, names: [&str; 2]) -> fmt::Result {
    let both = |text: &str| match other {
        Some(_) => names.map(|name| format!("{text}, {name}")).to_vec(),
        None => vec![text.to_owned()],
    };
    let tables: Vec<&Published> = std::iter::once(table).chain(other).collect();
    let mut heads = vec![table.heading.clone()];
    table.columns.iter().for_each(|column| heads.extend(both(column)));
    if table.row_totals.is_some() {
        heads.extend(both("total"));
    }
    let share = table.columns.first().map(|first| format!("share {first}"));
    heads.extend(share.iter().flat_map(|share| both(share)));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    captioned(out, &table.title, &heads, |out| {
        for (row, name) in table.rows.iter().enumerate() {
            let mut cells = Vec::new();
            for column in 0..table.columns.len() {
                cells.extend(tables.iter().map(|table| table.counts[row][column].to_string()));
            }
            let totals = tables.iter().filter_map(|table| table.row_totals.as_ref());
            cells.extend(totals.map(|totals| totals[row].to_string()));
            if share.is_some() {
                cells.extend(tables.iter().map(|table| percent(table.share(row, 0))));
            }
            crate::page::row(out, name, &cells)?;
        }
        let ends: Vec<_> = tables.iter().filter_map(|table| table.column_totals.as_ref()).collect();
        if !ends.is_empty() {
            let columns = 0..table.columns.len();
            let mut cells: Vec<String> =
                columns.flat_map(|column| ends.iter().map(move |(totals, _)| totals[column].to_string())).collect();
            cells.extend(ends.iter().map(|(_, all)| all.to_string()));
            crate::page::row(out, "total", &cells)?;
        }
        Ok(())
    })
}

fn write_balance(out: &mut String, balance: &Balance) -> fmt::Result {
    let table = &balance.table;
    let heads: Vec<&str> = std::iter::once("value")
        .chain(table.rows.iter().map(String::as_str))
        .chain(["difference to the comparison group", "difference to the others"])
        .collect();
    captioned(out, &table.title, &heads, |out| {
        for (column, name) in table.columns.iter().enumerate() {
            let mut cells: Vec<String> = table.counts.iter().map(|row| row[column].to_string()).collect();
            let apart = |apart: &Option<f64>| apart.map_or_else(|| "–".to_owned(), |apart| format!("{apart:+.2}"));
            cells.extend(balance.differences[column].iter().map(apart));
            crate::page::row(out, name, &cells)?;
        }
        let mut end = String::new();
        for total in table.row_totals.iter().flatten() {
            write!(end, "<td class=\"number\">{total}</td>")?;
        }
        writeln!(out, "<tr><td>total</td>{end}<td></td><td></td></tr>")
    })
}
