//! Formats against known answers.
use super::*;
