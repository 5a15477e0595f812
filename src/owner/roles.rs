//! Several people in one row: a child with its carers, each of them in a role.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Reader;
use super::read::{CsvOptions, Record, read_people};
use super::tokens::{Reading, Reason};
use crate::error::{Error, Result};
use crate::schema::{Field, Schema};

/// What stands between the row's id and the role.
const SEPARATOR: char = '/';

/// One of the people that a row of a file holds: which of its columns play which of the schema's fields for this person.
///
/// A child's record with two carers has two of them:
///
/// ```no_run
/// use pprl::owner::{Role, read_csv_roles};
/// use pprl::{CsvOptions, Schema};
///
/// # fn main() -> pprl::Result<()> {
/// let schema = Schema::from_path("schema.toml")?;
/// // carer1_forename, carer1_surname, …; a carer lives where the child does.
/// let carer = |name: &str| Role::new(name).prefix(format!("{name}_")).shared("postcode", "postcode");
/// let options = CsvOptions::new().id_column("record_id");
/// let carers = read_csv_roles("children.csv", &schema, &[carer("carer1"), carer("carer2")], &options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    name: String,
    prefix: String,
    /// By field: the column, and whether it is the row's rather than this person's; `None` where the file has none.
    columns: BTreeMap<String, Option<(String, bool)>>,
}

impl Role {
    /// A role of this name: letters, digits, `_`, `-` and `.`. Its columns are called as those of the whole row would be.
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
    pub fn column(mut self, field: impl Into<String>, column: impl Into<String>) -> Self {
        self.columns.insert(field.into(), Some((column.into(), false)));
        self
    }

    /// As [`column`](Self::column), for a column that is not this person's alone (the child's postcode, say): that it is
    /// filled in does not mean that there is such a person.
    #[must_use]
    pub fn shared(mut self, field: impl Into<String>, column: impl Into<String>) -> Self {
        self.columns.insert(field.into(), Some((column.into(), true)));
        self
    }

    /// The file has no such field of this person: it is missing in every row.
    #[must_use]
    pub fn without(mut self, field: impl Into<String>) -> Self {
        self.columns.insert(field.into(), None);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Reads several people of each row: for every row and every role one record, whose id is the row's id, `/` and the
/// role's name ([`split_role`] takes them apart, and
/// [`RowMap::write_linked_roles_csv`](super::RowMap::write_linked_roles_csv) writes the way back). A role in which a row
/// has nobody gives no record: where all its own columns are empty or say "missing", as the schema has it.
///
/// # Errors
/// As [`read_csv`](super::read_csv). [`ErrorKind::Argument`](crate::ErrorKind::Argument) where there is no role, where a
/// role's name is none or there twice, where a role names a field that the schema has not, or has no column of its own.
pub fn read_csv_roles(
    path: impl AsRef<Path>,
    schema: &Schema,
    roles: &[Role],
    options: &CsvOptions,
) -> Result<Vec<Record>> {
    let people: Vec<Wanted> = roles.iter().map(|role| Wanted::of_role(role, schema, options)).collect::<Result<_>>()?;
    if roles.is_empty() {
        return Err(Error::argument("name the roles that the people of a row play"));
    }
    for (number, role) in roles.iter().enumerate() {
        if roles[..number].iter().any(|other| other.name == role.name) {
            return Err(Error::argument(format!("the role {} is there twice", role.name)));
        }
    }
    read_people(path.as_ref(), schema, options, &people)
}

/// The row's own id and the role, from the id of a record that [`read_csv_roles`] read. `None` where it is none.
#[must_use]
pub fn split_role(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once(SEPARATOR)
}

/// One person of a row, and where to find it.
pub(super) struct Wanted {
    /// With the readers of the schema's fields, which say what is missing.
    role: Option<(Arc<str>, Vec<Reader>)>,
    columns: Vec<Option<Column>>,
}

/// A column of the file.
pub(super) struct Column {
    pub(super) header: String,
    pub(super) optional: bool,
    shared: bool,
}

impl Wanted {
    /// The row is one person.
    pub(super) fn whole_row(schema: &Schema, options: &CsvOptions) -> Self {
        let column = |field: &Field| {
            // Who names a column means it to be there.
            let optional = field.optional() && !options.names(field);
            Some(Column { header: options.column_of(field).to_owned(), optional, shared: false })
        };
        Wanted { role: None, columns: schema.fields().iter().map(column).collect() }
    }

    /// No person: a column beside them.
    pub(super) fn nobody() -> Self {
        Wanted { role: None, columns: Vec::new() }
    }

    fn of_role(role: &Role, schema: &Schema, options: &CsvOptions) -> Result<Self> {
        let Role { name, prefix, columns } = role;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > 100 || !name.bytes().all(letters) {
            return Err(Error::argument("the name of a role is letters, digits, _, - and ."));
        }
        if let Some(field) = columns.keys().find(|name| schema.fields().iter().all(|f| f.name() != *name)) {
            return Err(Error::argument(format!("role {name}: the schema has no field {field}")));
        }
        let column = |field: &Field| {
            if let Some(named) = columns.get(field.name()) {
                let (header, shared) = named.clone()?;
                return Some(Column { header, optional: false, shared });
            }
            let header = format!("{prefix}{}", options.column_of(field));
            Some(Column { header, optional: field.optional(), shared: false })
        };
        let columns: Vec<Option<Column>> = schema.fields().iter().map(column).collect();
        if columns.iter().flatten().all(|column| column.shared) {
            return Err(Error::argument(format!("role {name}: has no column of its own")));
        }
        let readers = schema.fields().iter().map(Reader::new).collect();
        Ok(Wanted { role: Some((name.as_str().into(), readers)), columns })
    }

    pub(super) fn columns(&self) -> &[Option<Column>] {
        &self.columns
    }

    pub(super) fn role(&self) -> Option<Arc<str>> {
        self.role.as_ref().map(|(name, _)| name.clone())
    }

    /// The id of this person, from that of the row.
    pub(super) fn id(&self, row: &str) -> String {
        self.role.as_ref().map_or_else(|| row.to_owned(), |(role, _)| format!("{row}{SEPARATOR}{role}"))
    }

    /// A field's name as problems have it.
    pub(super) fn field_name(&self, field: &str) -> String {
        self.role.as_ref().map_or_else(|| field.to_owned(), |(role, _)| format!("{role} {field}"))
    }

    /// Whether a row with these values has such a person.
    pub(super) fn is_there(&self, values: &[String]) -> bool {
        let Some((_, readers)) = &self.role else { return true };
        let mut reading = Reading::default();
        self.columns.iter().zip(values).zip(readers).any(|((column, value), reader)| {
            column.as_ref().is_some_and(|column| !column.shared)
                && !value.is_empty()
                && !matches!(reader.read(value, &mut reading), Err(Reason::Empty | Reason::Placeholder))
        })
    }
}
