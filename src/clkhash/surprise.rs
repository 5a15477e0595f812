//! What clkhash does without a word.
use std::fmt;
/// x
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surprise { pub(super) path: String, pub(super) what: String }
impl fmt::Display for Surprise { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}: {}", self.path, self.what) } }
