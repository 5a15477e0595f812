//! Privacy-preserving record linkage: police, social care and schools find out which of their records are the same child,
//! and nobody is shown a name.
//!
//! Each **data owner** turns names, dates of birth, postcodes and identifiers into keyed encodings on its own machine. A
//! **linkage unit**, which never holds the key, compares encodings and says which rows belong together. Researchers get
//! linked rows with no identity in them. The encodings are *pseudonymised* personal data, never "anonymous": `THREATS.md`
//! says who may hold what, and what collusion breaks.
//!
//! # Ten lines
//!
//! At each data owner, who holds the key:
//!
//! ```no_run
//! use pprl::{Encoder, ProjectKey, Schema};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = Schema::from_path("schema.toml")?;                   // agreed by all parties; no secrets
//! let key = ProjectKey::from_path("project.key")?;                  // data owners only
//! let police = Encoder::new(&schema, &key, "police")?.encode_csv("police.csv")?; // people in, bits out
//! police.cohort.write("police.cohort.json")?;                       // goes to the linkage unit
//! police.row_map.write_csv("police.rows.csv")?;                     // stays: row id to own id
//! # Ok(())
//! # }
//! ```
//!
//! At the linkage unit, where there is no key:
//!
//! ```no_run
//! use pprl::{Cohort, Linker, Schema};
//!
//! # fn main() -> pprl::Result<()> {
//! let schema = Schema::from_path("schema.toml")?;
//! let police = Cohort::read("police.cohort.json")?;
//! let schools = Cohort::read("schools.cohort.json")?;
//! let links = Linker::new(&schema).link(&[&police, &schools])?;     // refuses another schema or another key
//! links.write_owner_csv("police", "police.links.csv")?;             // a table for each owner, with ids of its own
//! println!("{}", links.summary());                                  // counts, never a row
//! # Ok(())
//! # }
//! ```
//!
//! # The journey of a record, and where it is in this crate
//!
//! | step | module | who |
//! |---|---|---|
//! | what the parties agree and sign | [`schema`] | all |
//! | people in: read, normalise, tokens, positions, CLK, diffusion | [`owner`] | data owners |
//! | the one secret | [`ProjectKey`] | data owners |
//! | what crosses, and nothing else does | [`cohort`] | all |
//! | links out: compare, decide, assign | [`linkage`] | linkage unit |
//! | a cohort sealed to the linkage unit, signed by its owner | [`seal`](crate#features) | all |
//! | who did what, without names | [`event_log`] | all |
//! | what was deleted, when and by whom | [`deletion`] | all |
//! | links against truth | [`evaluate`](crate#features) | whoever holds invented or consented data |
//! | attacks on an owner's own file | [`audit`](crate#features) | data owners |
//! | each published attack, and our answer | [`attacks_and_answers`] | whoever signs a schema |
//! | payload under study ids, tables with small numbers suppressed | [`study`](crate#features) | research environment |
//! | invented UK families | [`synth`](crate#features) | everybody |
//! | clkhash's CLKs and blocklib's blocks, to the bit | [`clkhash`](crate#features) | data owners who have such agreements |
//! | anonlink's candidate pairs, solvers and files | [`anonlink`](crate#features) | linkage units of such agreements |
//!
//! Both halves build alone: with the feature `linkage` only, a program *cannot* hold a key.
//!
//! # Features
//!
//! * `owner` (default): the data owner's side.
//! * `linkage` (default): the linkage unit's side.
//! * `optimal`: [`linkage`] with a solver for the best assignment of all, beside the greedy one.
//! * `evaluate`: precision and recall against truth, and a plaintext baseline; needs both sides.
//! * `audit`: attacks an owner's own file before it leaves, and says in a risk report what an attacker would get.
//! * `seal`: cohort files encrypted to the linkage unit and signed by their owner, for either side.
//! * `study`: the research environment's side: payload joined by study id, time relative to an event, tables with small
//!   numbers suppressed. It knows neither side.
//! * `synth`: invented UK families, with the errors that agencies make.
//! * `clkhash`: for agreements that exist, the owner's side: clkhash's linkage schemas encoded to the bit, blocklib's blocks, and
//!   the way out of them.
//! * `anonlink`: the linkage unit's side of the same.
//!
//! # Guarantees
//!
//! * Errors name file, row and field and never carry a value of a record; nor does any `Debug`.
//! * The same input, key and seed give the same bytes, whatever the number of threads.
//! * A file is written whole or not at all.
//! * What is encoded is specified to the bit in `docs/encoding.md`. What a default means changes only with the encoding
//!   version.

#![deny(missing_docs)]

#[cfg(doc)]
#[doc = include_str!("../docs/attacks.md")]
pub mod attacks_and_answers {}
#[cfg(feature = "anonlink")]
pub mod anonlink;
#[cfg(feature = "audit")]
pub mod audit;
#[cfg(any(feature = "anonlink", feature = "clkhash"))]
mod blocks;
#[cfg(feature = "clkhash")]
pub mod clkhash;
#[cfg(any(feature = "anonlink", feature = "clkhash"))]
mod clks;
pub mod cohort;
pub mod deletion;
mod error;
#[cfg(feature = "evaluate")]
pub mod evaluate;
pub mod event_log;
mod file;
#[cfg(feature = "owner")]
mod key;
mod key_file;
#[cfg(feature = "linkage")]
pub mod linkage;
#[cfg(any(feature = "anonlink", feature = "owner"))]
mod membership;
#[cfg(feature = "owner")]
pub mod owner;
#[cfg(any(feature = "audit", feature = "linkage", feature = "study"))]
mod page;
#[cfg(any(feature = "owner", feature = "linkage", feature = "seal"))]
mod random;
pub mod schema;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(any(feature = "owner", feature = "seal"))]
mod secret_file;
#[cfg(any(feature = "owner", feature = "linkage"))]
mod split_mix;
#[cfg(feature = "study")]
pub mod study;
#[cfg(feature = "synth")]
pub mod synth;
#[cfg(any(feature = "audit", feature = "linkage"))]
mod wilson;

pub use cohort::Cohort;
pub use error::{Error, ErrorKind, ROW_PROBLEMS_KEPT, Result, RowProblem, SchemaProblem};
#[cfg(feature = "owner")]
pub use key::ProjectKey;
#[cfg(feature = "linkage")]
pub use linkage::{Linker, Links};
#[cfg(feature = "owner")]
pub use owner::{CsvOptions, Encoded, Encoder, Record};
pub use schema::Schema;

/// A linkage unit's build has its own half, and no word for a key or for who encodes. A test, which CI runs:
/// `cargo test --doc --no-default-features --features linkage,seal,anonlink`.
///
/// ```
/// use pprl::{Cohort, Linker, Schema};
/// ```
/// ```compile_fail,E0432
/// use pprl::ProjectKey;
/// ```
/// ```compile_fail,E0432
/// use pprl::Encoder;
/// ```
/// ```compile_fail,E0432
/// use pprl::Record;
/// ```
/// ```compile_fail,E0432
/// use pprl::owner::OptOutList;
/// ```
#[cfg(all(doctest, feature = "linkage", not(feature = "owner")))]
mod without_owner {}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| char::from(b"0123456789abcdef"[n as usize])).collect()
}
