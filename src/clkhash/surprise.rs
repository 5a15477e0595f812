//! What clkhash does with a schema without a word, and its author may not expect.

use std::fmt;

/// Something in a linkage schema that clkhash takes and treats in a way that surprises. It is followed to the bit here;
/// whoever encodes should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Surprise {
    pub(super) path: String,
    pub(super) message: String,
}

impl Surprise {
    /// Where in the schema: a JSON path such as `features[2].hashing.missingValue`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What happens, and what to do about it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
