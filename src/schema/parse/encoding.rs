//! The tables `[[encoding]]`.

use super::{Section, Uses, hardening};
use crate::schema::{Encoding, Field, MAX_BITS, Missing};

const MAX_DIFFUSION: usize = 64;

pub(super) fn encoding(section: &Section<'_>, fields: &[Field], used: &Uses) -> Option<Encoding> {
    let name = section.name("name", "");
    let length = section.integer("length", 1..=MAX_BITS);
    section.require("length", "the filter length m in bits, 1 to 4096");
    let diffusion = section.integer("diffusion", 0..=MAX_DIFFUSION);
    section.require("diffusion", "the diffusion weight t; 0 for none");
    let output = section.integer("output", 1..=MAX_BITS);
    let missing = section.choice("missing", Missing::WORDS);
    let mut budgets = Vec::new();
    section.require("fields", "a table of fields and their budgets in bits: { surname = 85 }");
    if let Some(table) = section.table("fields") {
        for key in table.keys() {
            let Some((bits, _)) = table.integer(&key, 1..=MAX_BITS) else { continue };
            match fields.iter().position(|field| field.name == key) {
                Some(index) => {
                    used.0[index].set(true);
                    budgets.push((index, bits));
                }
                None => table.problem(table.span.clone(), &key, "no such field"),
            }
        }
        if table.table.is_empty() {
            section.problem(table.span.clone(), "fields", "name at least one field and its budget in bits");
        }
    }
    let hardening = hardening::hardening(section, fields, used);
    let clkhash = section.text("clkhash");
    section.finish();
    budgets.sort_unstable();

    let (length, length_span) = length?;
    let (diffusion, diffusion_span) = diffusion?;
    let total: usize = budgets.iter().map(|&(_, bits)| bits).sum();
    if total > length {
        section.problem(length_span, "length", "the budgets add up to more bits than the filter has");
    }
    if diffusion > length {
        section.problem(diffusion_span.clone(), "diffusion", "cannot be greater than length");
    }
    let hardening = hardening?;
    let hardened = hardening::check(section, &hardening, fields, &budgets, (length, diffusion));
    let output = match (diffusion, output) {
        (0, None) => hardened?,
        (0, Some((_, span))) => {
            section.problem(span, "output", "an encoding without diffusion has no output length; leave it out");
            return None;
        }
        (_, Some((output, _))) => output,
        (_, None) => {
            section.problem(diffusion_span, "output", "a diffused encoding needs its output length n in bits");
            return None;
        }
    };
    let clkhash = match clkhash {
        None => None,
        Some((sha256, span)) => {
            let digits = sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            let problem = if !digits {
                "must be the SHA-256 of the linkage schema's file, 64 hexadecimal digits in lower case"
            } else if diffusion > 0 || hardening != crate::schema::Hardening::default() {
                "what clkhash encodes is neither diffused nor hardened"
            } else {
                ""
            };
            if !problem.is_empty() {
                section.problem(span, "clkhash", problem);
                return None;
            }
            Some(sha256)
        }
    };
    let default = if diffusion > 0 { Missing::Random } else { Missing::Empty };
    Some(Encoding {
        name: name?,
        length,
        diffusion,
        output,
        missing: missing?.unwrap_or(default),
        budgets,
        hardening,
        clkhash,
    })
}
