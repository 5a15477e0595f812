//! Several people in one row: a child with its carers, each of them in a role.

use std::path::Path;
use std::sync::Arc;

use super::Reader;
use super::read::{CsvOptions, Record, read_people};
use super::tokens::{Reading, Reason};
use crate::error::{Error, Result};
use crate::schema::{Field, Place, Role, Schema};

/// What stands between the row's id and the role.
const SEPARATOR: char = '/';

/// Reads the file of a party: a row is one person, or those whom the schema's [roles](Schema::roles) of this party name.
///
/// # Errors
/// As [`read_csv`](super::read_csv) and [`read_csv_roles`]; [`ErrorKind::Argument`](crate::ErrorKind::Argument) where the
/// schema does not name the party.
pub fn read_party_csv(
    path: impl AsRef<Path>,
    schema: &Schema,
    party: &str,
    options: &CsvOptions,
) -> Result<Vec<Record>> {
    schema.party(party)?;
    match schema.roles(party) {
        [] => super::read_csv(path, schema, options),
        roles => read_csv_roles(path, schema, roles, options),
    }
}

/// Reads several people of each row, in [roles](Role) that the schema need not know: for every row and every role one
/// record, whose id is the row's id, `/` and the role's name ([`split_role`] takes them apart, and
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
        if roles[..number].iter().any(|other| other.name() == role.name()) {
            return Err(Error::argument(format!("the role {} is there twice", role.name())));
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
        if let Some(problem) = role.problem(schema.fields()) {
            return Err(Error::argument(problem));
        }
        let column = |field: &Field| {
            let (header, optional, shared) = match role.places().get(field.name()) {
                Some(Place::Nowhere) => return None,
                Some(Place::Own(header)) => (header.clone(), false, false),
                Some(Place::Shared(header)) => (header.clone(), false, true),
                None => {
                    let header = format!("{}{}", role.start_of_columns(), options.column_of(field));
                    (header, field.optional(), false)
                }
            };
            Some(Column { header, optional, shared })
        };
        let columns = schema.fields().iter().map(column).collect();
        let readers = schema.fields().iter().map(Reader::new).collect();
        Ok(Wanted { role: Some((role.name().into(), readers)), columns })
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
