//! How rare names are, a column of classes for each field that sends it.

use std::fmt;

use crate::schema::MAX_RARITY_CLASSES;

/// How rare a name is, for every row of a cohort: a class from 0, the most common, to
/// [`Rarity::classes`](crate::schema::Rarity::classes) − 1, the rarest, or none where the row has no such name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RarityColumn(Vec<u8>);

impl RarityColumn {
    /// What [`classes`](Self::classes) has for a row without a name, which is no evidence for anything.
    pub const NONE: u8 = u8::MAX;

    #[cfg(any(feature = "owner", feature = "linkage"))]
    pub(crate) fn new(classes: Vec<u8>) -> Self {
        RarityColumn(classes)
    }

    /// The class of a row's name; `None` where it has none.
    ///
    /// # Panics
    /// Where there is no such row.
    #[must_use]
    pub fn class(&self, row: usize) -> Option<u8> {
        Some(self.0[row]).filter(|&class| class != Self::NONE)
    }

    /// The classes of all rows, one byte for each, [`NONE`](Self::NONE) where a row has no name.
    #[must_use]
    pub fn classes(&self) -> &[u8] {
        &self.0
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.len()
    }

    /// Whether no row is in a class from `classes` on.
    pub(crate) fn fits(&self, classes: usize) -> bool {
        self.0.iter().all(|&class| class == Self::NONE || usize::from(class) < classes)
    }

    /// The characters of a file, one for each row.
    pub(super) fn to_text(&self) -> String {
        self.0.iter().map(|&class| if class == Self::NONE { '-' } else { char::from(b'0' + class) }).collect()
    }

    /// Reads the characters of a file. An error is the row, from 1, whose character stands for nothing.
    pub(super) fn from_text(text: &str) -> Result<Self, u64> {
        let class = |(row, byte): (u64, u8)| match byte {
            b'-' => Ok(Self::NONE),
            b'0'.. if usize::from(byte - b'0') < MAX_RARITY_CLASSES => Ok(byte - b'0'),
            _ => Err(row),
        };
        (1..).zip(text.bytes()).map(class).collect::<Result<_, _>>().map(RarityColumn)
    }
}

/// How many rows; which are common is a matter between owner and linkage unit.
impl fmt::Debug for RarityColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RarityColumn({} rows)", self.0.len())
    }
}
