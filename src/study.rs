//! The research environment's side: what parties sent of people who are the same, put together under study ids that no owner
//! sees, and tables of it that may be published. It holds no name, no encoding and no key, and cannot be made to.
//!
//! A study of children after an event in their family (a parent's reception into prison) asks how they did before and after
//! it, each child's time counted from its own event:
//!
//! ```no_run
//! use pprl::study::*;
//!
//! # fn main() -> pprl::Result<()> {
//! let ids = StudyIds::read_csv("study.csv")?;                        // from the linkage unit
//! let police = People::read_csv("police", "police.people.csv")?;     // from the owners, under their link ids
//! let schools = People::read_csv("education", "education.people.csv")?;
//! let terms = Observations::<Term>::read_csv(&ids, "education", "education.terms.csv")?;
//!
//! let children = everybody(&ids, &[&schools, &police]);
//! let covered = Term::parse("2018-autumn").unwrap()..=Term::parse("2024-summer").unwrap();
//! let figure = Figure {
//!     title: "Free school meals".into(),
//!     measure: "free_school_meals".into(),
//!     classes: Classes::Flag,
//!     no_row: NoRow::Unknown,
//!     names: ["eligible".into(), "not eligible".into()],
//! };
//! let table = figure.count(&ids, &children, &Timeline::school_terms(covered), &terms)?;
//! let published = table.publish(Disclosure::default())?;             // nothing is written before this
//! Page::new("The study").table(&published).write_html("figures.html")?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Table`]s of counts can only be written as [`Published`] ones: small counts are suppressed, others with them so that none
//! can be worked out, and what is left is rounded.

mod balance;
mod figure;
mod ids;
mod page;
mod protect;
mod read;
mod suppress;
mod time;

pub use self::balance::{Balance, Comparison, balance, matched};
pub use self::figure::{Classes, Figure, NoRow};
pub use self::ids::{Child, Id, Observations, People, Person, StudyIds, everybody};
pub use self::page::{Page, write_csv};
pub use self::suppress::{Difference, Disclosure, Published, Shown, Table, Totals};
pub use self::time::{Month, Period, Term, Timeline, Window};
