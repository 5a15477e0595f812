//! The canonical form of a schema, whose SHA-256 is the fingerprint. `docs/encoding.md`, section 7.
//!
//! JSON with keys sorted by their UTF-8 bytes, no white space and only strings, unsigned integers, lists and maps: close to
//! RFC 8785 (JSON Canonicalization Scheme), which sorts by UTF-16 and so differs for some keys beyond U+FFFF.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::field::{Field, Kind};
use super::role::{Place, Role};
use super::{Hardening, Schema, Threshold};

#[derive(Serialize)]
#[serde(untagged)]
enum Canon {
    Integer(u64),
    Text(String),
    List(Vec<Canon>),
    Map(BTreeMap<String, Canon>),
}

impl From<&str> for Canon {
    fn from(text: &str) -> Self {
        Canon::Text(text.to_owned())
    }
}

impl From<usize> for Canon {
    fn from(n: usize) -> Self {
        Canon::Integer(n as u64)
    }
}

fn map<const N: usize>(entries: [(&str, Canon); N]) -> Canon {
    Canon::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn texts<'a>(items: impl IntoIterator<Item = &'a str>) -> Canon {
    Canon::List(items.into_iter().map(Canon::from).collect())
}

/// The canonical form: one line of JSON in UTF-8.
pub(super) fn canonical(schema: &Schema) -> String {
    let field_name = |&index: &usize| schema.fields[index].name.as_str();
    let encodings = schema.encodings.iter().map(|encoding| {
        let budgets = encoding.budgets.iter().map(|(index, bits)| (field_name(index).to_owned(), (*bits).into()));
        let mut form = BTreeMap::from([
            ("diffusion".to_owned(), encoding.diffusion.into()),
            ("fields".to_owned(), Canon::Map(budgets.collect())),
            ("length".to_owned(), encoding.length.into()),
            ("missing".to_owned(), encoding.missing.as_str().into()),
            ("name".to_owned(), encoding.name.as_str().into()),
            ("output".to_owned(), encoding.output.into()),
        ]);
        harden(&mut form, &encoding.hardening, field_name);
        if let Some(sha256) = &encoding.clkhash {
            form.insert("clkhash".to_owned(), sha256.as_str().into());
        }
        Canon::Map(form)
    });
    let match_keys = schema
        .match_keys
        .iter()
        .map(|key| map([("fields", texts(key.fields.iter().map(field_name))), ("name", key.name.as_str().into())]));
    let threshold = match schema.linkage.threshold {
        Threshold::Automatic => Canon::from("automatic"),
        Threshold::Fixed(ten_thousandths) => Canon::Integer(ten_thousandths.into()),
    };
    let mut form = BTreeMap::from([
        ("accept_risk", schema.accept_risk.as_deref().unwrap_or("").into()),
        ("encoding_version", (super::ENCODING_VERSION as usize).into()),
        ("encodings", Canon::List(encodings.collect())),
        ("fields", Canon::List(schema.fields.iter().map(field).collect())),
        (
            "linkage",
            map([
                ("assignment", schema.linkage.assignment.as_str().into()),
                ("candidates", schema.linkage.candidates.into()),
                ("keep_unlinked", texts(schema.linkage.keep_unlinked.iter().map(String::as_str))),
                ("suppress_below", (schema.linkage.suppress_below as usize).into()),
                ("threshold", threshold),
            ]),
        ),
        ("match_keys", Canon::List(match_keys.collect())),
        (
            "project",
            map([
                ("expires", schema.project.expires.to_string().as_str().into()),
                ("id", schema.project.id.as_str().into()),
                ("parties", texts(schema.project.parties.iter().map(String::as_str))),
                ("purpose", schema.project.purpose.as_str().into()),
            ]),
        ),
    ]);
    if !schema.rarity.is_empty() {
        // Only there, so that schemas without it keep the fingerprints that they had before there was rarity.
        let rarity = schema.rarity.iter().map(|rarity| {
            map([
                ("cuts", Canon::List(rarity.cuts.iter().map(|&cut| Canon::Integer(cut.into())).collect())),
                ("field", field_name(&rarity.field).into()),
                ("list_sha256", rarity.list_sha256.as_str().into()),
            ])
        });
        form.insert("rarity", Canon::List(rarity.collect()));
    }
    if !schema.roles.is_empty() {
        // As with rarity.
        let roles =
            schema.roles.iter().map(|(party, roles)| (party.clone(), Canon::List(roles.iter().map(role).collect())));
        form.insert("roles", Canon::Map(roles.collect()));
    }
    #[expect(clippy::expect_used, reason = "strings, integers, lists and maps with string keys always serialise")]
    serde_json::to_string(&form).expect("a canonical form serialises")
}

/// Keys only for what is used, so that encodings without any keep the fingerprints that they had before there was hardening.
fn harden<'a>(form: &mut BTreeMap<String, Canon>, hardening: &Hardening, field_name: impl Fn(&usize) -> &'a str) {
    if !hardening.steps.is_empty() {
        form.insert("hardening".into(), texts(hardening.steps.iter().map(|step| step.as_str())));
    }
    if hardening.randomised_response > 0 {
        form.insert("randomised_response".into(), Canon::Integer(hardening.randomised_response.into()));
    }
    if let Some(salt) = hardening.salt {
        form.insert("salt".into(), salt.text(field_name(&salt.field)).as_str().into());
    }
    if let Some(markov) = &hardening.markov {
        let list = [("extra", markov.extra.into()), ("list_sha256", markov.list_sha256.as_str().into())];
        form.insert("markov".into(), map(list));
    }
}

/// Columns are each owner's own, here as with fields; what is a child's and not a carer's is agreed.
fn role(role: &Role) -> Canon {
    let fields = |of: fn(&Place) -> Option<&str>| texts(role.places_of(of).map(|(field, _)| field));
    map([("name", role.name().into()), ("shared", fields(Place::shared)), ("without", fields(Place::nowhere))])
}

fn field(field: &Field) -> Canon {
    let mut entries = BTreeMap::from([
        ("kind".to_owned(), field.kind.as_str().into()),
        ("missing".to_owned(), texts(field.missing.iter().map(String::as_str))),
        ("name".to_owned(), field.name.as_str().into()),
        (
            "same".to_owned(),
            Canon::Map(field.same.iter().map(|(from, to)| (from.clone(), to.as_str().into())).collect()),
        ),
        ("space".to_owned(), field.space.as_str().into()),
    ]);
    match &field.kind {
        Kind::Date { formats, tokens } => {
            entries.insert("formats".into(), texts(formats.iter().map(|format| format.as_str())));
            entries.insert("tokens".into(), tokens.as_str().into());
        }
        Kind::Postcode(system) => {
            entries.insert("system".into(), system.as_str().into());
        }
        Kind::Identifier(scheme) => {
            entries.insert("scheme".into(), scheme.as_str().into());
        }
        Kind::Name | Kind::Text | Kind::Exact => {}
    }
    Canon::Map(entries)
}

/// SHA-256 of the canonical form, in lower-case hexadecimal.
pub(super) fn fingerprint(schema: &Schema) -> String {
    crate::hex(&Sha256::digest(canonical(schema)))
}
