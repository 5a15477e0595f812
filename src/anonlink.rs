//! anonlink's candidate pairs, solvers and files, for whoever links CLKs that exist. The linkage unit's side.

pub use crate::clks::Clks;

pub mod blocks;
