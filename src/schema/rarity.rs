//! How rare a name is: which fields say so, by which public list, and where the classes part.

/// The most classes that names can be in: more would tell more about people than they add to links.
pub const MAX_RARITY_CLASSES: usize = 4;

/// Where classes part unless the schema says otherwise: about a quarter of the people of the United Kingdom in each, by
/// surname.
pub(super) const CUTS: [u32; MAX_RARITY_CLASSES - 1] = [200, 50, 10];

/// A field of names of which each owner sends a coarse class of how rare they are, by a public list that all owners have.
///
/// Classes are numbered from 0, the most common, and are for weighing agreement: that two people are both called Smith says
/// less than that both are called Featherstonehaugh. They tell about the people: see [`Risk::Rarity`](super::Risk::Rarity)
/// and `THREATS.md`. `docs/encoding.md`, section 7.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rarity {
    pub(crate) field: usize,
    pub(crate) list_sha256: String,
    pub(crate) cuts: Vec<u32>,
}

impl Rarity {
    /// The field: an index into [`Schema::fields`](super::Schema::fields), of the kind `name`.
    #[must_use]
    pub fn field(&self) -> usize {
        self.field
    }

    /// SHA-256 of the list's file, 64 lower-case hexadecimal digits: all owners must use the same list.
    #[must_use]
    pub fn list_sha256(&self) -> &str {
        &self.list_sha256
    }

    /// Where the classes part, in people of 100,000 of the list who bear the name; descending, 1 to 100,000. A name with
    /// exactly as many is in the more common class. A name's class is the number of cuts that it does not reach.
    #[must_use]
    pub fn cuts(&self) -> &[u32] {
        &self.cuts
    }

    /// How many classes there are, 2 to [`MAX_RARITY_CLASSES`]: one more than there are cuts. The last, rarest one also
    /// holds the names that are not in the list.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.cuts.len() + 1
    }
}
