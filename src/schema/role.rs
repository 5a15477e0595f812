//! Several people in one row: which columns of a party's file play which of the fields, for each of them.

use std::collections::BTreeMap;

use super::field::Field;

/// The longest name of a role, in bytes.
const MAX_ROLE_NAME: usize = 100;

/// One of the people whom a row of a file holds: which of its columns play which of the schema's fields for this person.
///
/// The parties agree on roles in the schema, in its tables `[[role]]` ([`Schema::roles`](super::Schema::roles)). A child's
/// record with two carers has two of them:
///
/// ```toml
/// [[role]]
/// party = "education"
/// name = "carer1"
/// prefix = "carer1_"                     # carer1_forename, carer1_surname, …
/// shared = { postcode = "postcode" }     # a carer lives where the child does
///
/// [[role]]
/// party = "education"
/// name = "carer2"
/// columns = { forename = "2nd parent", surname = "2nd parent family name" }
/// without = ["date_of_birth", "sex", "postcode"]
/// ```
///
/// A program can make one by the methods below, and read with it by `owner::read_csv_roles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    name: String,
    prefix: String,
    columns: BTreeMap<String, Place>,
}

/// Where a field of a person is, if it is not in the column that prefix and field name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a column of this header.
    Own(String),
    /// In a column of this header, which is not this person's alone.
    Shared(String),
    /// The file has no such field.
    Nowhere,
}

impl Role {
    /// A role of this name: letters, digits, `_`, `-` and `.`, at most 100. Its columns are called as those of the whole
    /// row would be.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Role { name: name.into(), prefix: String::new(), columns: BTreeMap::new() }
    }

    /// What stands before the names of this role's columns.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The header of a field's column, whole: the prefix is not put before it.
    #[must_use]
    pub fn column(self, field: impl Into<String>, column: impl Into<String>) -> Self {
        self.at(field.into(), Place::Own(column.into()))
    }

    /// As [`column`](Self::column), for a column that is not this person's alone (the child's postcode, say): that it is
    /// filled in does not mean that there is such a person.
    #[must_use]
    pub fn shared(self, field: impl Into<String>, column: impl Into<String>) -> Self {
        self.at(field.into(), Place::Shared(column.into()))
    }

    /// The file has no such field of this person: it is missing in every row.
    #[must_use]
    pub fn without(self, field: impl Into<String>) -> Self {
        self.at(field.into(), Place::Nowhere)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn at(mut self, field: String, place: Place) -> Self {
        self.columns.insert(field, place);
        self
    }

    /// What stands before the names of columns.
    pub(crate) fn start_of_columns(&self) -> &str {
        &self.prefix
    }

    /// By field, where it is not where the prefix says.
    #[cfg(feature = "owner")]
    pub(crate) fn places(&self) -> &BTreeMap<String, Place> {
        &self.columns
    }

    /// Of what kind `of` the places of some fields are, with the columns' headers where they have any.
    pub(super) fn places_of(&self, of: fn(&Place) -> Option<&str>) -> impl Iterator<Item = (&str, &str)> {
        self.columns.iter().filter_map(move |(field, place)| Some((field.as_str(), of(place)?)))
    }

    /// Forgets the fields that are not among these.
    pub(super) fn keep_fields(&mut self, fields: &[Field]) {
        self.columns.retain(|name, _| fields.iter().any(|field| field.name == *name));
    }

    /// What is wrong with this role of somebody with these fields.
    pub(crate) fn problem(&self, fields: &[Field]) -> Option<String> {
        let Role { name, columns, .. } = self;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > MAX_ROLE_NAME || !name.bytes().all(letters) {
            return Some("the name of a role is letters, digits, _, - and .".into());
        }
        if let Some(field) = columns.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
            return Some(format!("role {name}: the schema has no field {field}"));
        }
        let own = |field: &Field| matches!(columns.get(&field.name), None | Some(Place::Own(_)));
        (!fields.iter().any(own)).then(|| format!("role {name}: has no column of its own"))
    }
}

impl Place {
    pub(super) fn own(&self) -> Option<&str> {
        if let Place::Own(column) = self { Some(column) } else { None }
    }

    pub(super) fn shared(&self) -> Option<&str> {
        if let Place::Shared(column) = self { Some(column) } else { None }
    }

    pub(super) fn nowhere(&self) -> Option<&str> {
        matches!(self, Place::Nowhere).then_some("")
    }
}
