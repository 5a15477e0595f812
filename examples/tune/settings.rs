//! The settings that are tried: for each a schema, made of the fields of the owner's own.

use pprl::Schema;
use pprl::schema::{Encoding, Missing};

use crate::profiles::{Shares, clk, field, guarded};

/// Why a schema of this program may be weak.
const REASON: &str = "Tried by tune on this owner's own file; not agreed with anybody";

/// One setting.
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) schema: Schema,
}

/// The schema as it is, then the profiles. `guarded` leaves one of four fields out of each of four diffused encodings: two
/// names, a date and a postcode, or texts where there are fewer. With three such fields there is one encoding, with fewer
/// none.
pub(crate) fn all(schema: &Schema) -> pprl::Result<Vec<Setting>> {
    let mut settings = vec![Setting { name: "as it is".to_owned(), schema: schema.clone() }];
    let mut add = |name: &str, encodings: Vec<Encoding>| -> pprl::Result<()> {
        if !encodings.is_empty() {
            settings.push(Setting { name: name.to_owned(), schema: schema.with_encodings(encodings, REASON)? });
        }
        Ok(())
    };
    let (random, empty) = (Missing::Random, Missing::Empty);
    for weight in 10..=14 {
        add(&format!("guarded t{weight}"), guarded(schema, weight, 4096, Shares::ForenameLeast, random))?;
    }
    for weight in 9..=11 {
        add(&format!("guarded t{weight} n1024"), guarded(schema, weight, 1024, Shares::ForenameLeast, random))?;
    }
    add("guarded t12 equal", guarded(schema, 12, 4096, Shares::Equal, random))?;
    add("guarded t12 names less", guarded(schema, 12, 4096, Shares::NamesLess, random))?;
    add("guarded t12 empty", guarded(schema, 12, 4096, Shares::ForenameLeast, empty))?;
    add("clk", clk(schema, empty))?;
    add("clk random", clk(schema, random))?;
    add("field", field(schema))?;
    Ok(settings)
}
