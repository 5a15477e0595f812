//! A schema as TOML, and with other encodings.

use std::fmt::Write;

use super::field::{Field, Kind};
use super::role::{Place, Role};
use super::{DateTokens, Encoding, Hardening, Markov, Missing, Schema, Threshold, risk};
use crate::error::Result;

impl Schema {
    /// The schema as a file (TOML), without comments: [`from_toml`](Self::from_toml) reads the same schema, column names
    /// included.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let project = &self.project;
        let mut out = String::from("version = 1\n");
        section(&mut out, "[project]");
        line(&mut out, "id", &text(&project.id));
        line(&mut out, "purpose", &text(&project.purpose));
        line(&mut out, "parties", &texts(&project.parties));
        line(&mut out, "expires", &text(&project.expires.to_string()));
        if let Some(reason) = &self.accept_risk {
            section(&mut out, "[privacy]");
            line(&mut out, "accept_risk", &text(reason));
        }
        self.fields.iter().for_each(|field| write_field(&mut out, field));
        for encoding in &self.encodings {
            section(&mut out, "[[encoding]]");
            line(&mut out, "name", &text(&encoding.name));
            line(&mut out, "length", &encoding.length.to_string());
            line(&mut out, "diffusion", &encoding.diffusion.to_string());
            if encoding.is_diffused() {
                line(&mut out, "output", &encoding.output.to_string());
            }
            line(&mut out, "missing", &text(encoding.missing.as_str()));
            let budget = |&(field, bits): &(usize, usize)| format!("{} = {bits}", text(&self.fields[field].name));
            let budgets: Vec<String> = encoding.budgets.iter().map(budget).collect();
            line(&mut out, "fields", &format!("{{ {} }}", budgets.join(", ")));
            self.write_hardening(&mut out, &encoding.hardening);
            if let Some(sha256) = &encoding.clkhash {
                line(&mut out, "clkhash", &text(sha256));
            }
        }
        for key in &self.match_keys {
            section(&mut out, "[[match_key]]");
            line(&mut out, "name", &text(&key.name));
            let fields: Vec<String> = key.fields.iter().map(|&field| self.fields[field].name.clone()).collect();
            line(&mut out, "fields", &texts(&fields));
        }
        for rarity in &self.rarity {
            section(&mut out, "[[rarity]]");
            line(&mut out, "field", &text(&self.fields[rarity.field].name));
            line(&mut out, "list_sha256", &text(&rarity.list_sha256));
            let cuts: Vec<String> = rarity.cuts.iter().map(u32::to_string).collect();
            line(&mut out, "cuts", &format!("[{}]", cuts.join(", ")));
        }
        for (party, roles) in &self.roles {
            roles.iter().for_each(|role| write_role(&mut out, party, role));
        }
        let linkage = &self.linkage;
        section(&mut out, "[linkage]");
        let threshold = match linkage.threshold {
            Threshold::Automatic => text("automatic"),
            Threshold::Fixed(ten_thousandths) => {
                format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000)
            }
        };
        line(&mut out, "threshold", &threshold);
        line(&mut out, "assignment", &text(linkage.assignment.as_str()));
        line(&mut out, "candidates", &linkage.candidates.to_string());
        line(&mut out, "keep_unlinked", &texts(&linkage.keep_unlinked));
        line(&mut out, "suppress_below", &linkage.suppress_below.to_string());
        out
    }

    fn write_hardening(&self, out: &mut String, hardening: &Hardening) {
        if !hardening.steps.is_empty() {
            let steps: Vec<String> = hardening.steps.iter().map(|step| step.as_str().to_owned()).collect();
            line(out, "hardening", &texts(&steps));
        }
        if hardening.randomised_response > 0 {
            line(out, "randomised_response", &format!("0.{:04}", hardening.randomised_response));
        }
        if let Some(salt) = hardening.salt {
            // Of an encoding that was made by hand the field may not exist, which the reader then says.
            let name = self.fields.get(salt.field).map_or("", |field| &field.name);
            line(out, "salt", &text(&salt.text(name)));
        }
        if let Some(Markov { extra, list_sha256 }) = &hardening.markov {
            line(out, "markov", &format!("{{ extra = {extra}, list_sha256 = {} }}", text(list_sha256)));
        }
    }

    /// The same schema with other encodings, to measure what these would give.
    ///
    /// Dates get the tokens that go with them: [`DateTokens::Digits`] where nothing is diffused, otherwise
    /// [`DateTokens::Parts`]. Fields that are in no encoding and no match key any more are left out. Where the encodings
    /// need a reason, `reason` becomes [`accept_risk`](Self::accept_risk); elsewhere there is none. The fingerprint is
    /// another: for a real project, set another project id too.
    ///
    /// # Errors
    /// [`Schema`](crate::ErrorKind::Schema) with every problem in the new schema.
    pub fn with_encodings(&self, encodings: Vec<Encoding>, reason: &str) -> Result<Schema> {
        let mut other = Schema { encodings, ..self.clone() };
        let used = |field| {
            let mut encoded = other.encodings.iter().flat_map(|encoding| &encoding.budgets);
            encoded.any(|&(other, _)| other == field)
                || other.match_keys.iter().any(|key| key.fields.contains(&field))
                || other.encodings.iter().any(|e| e.hardening.salt.is_some_and(|salt| salt.field == field))
        };
        let kept: Vec<usize> = (0..other.fields.len()).filter(|&field| used(field)).collect();
        let place = |field: usize| kept.iter().position(|&other| other == field);
        for encoding in &mut other.encodings {
            encoding.budgets =
                encoding.budgets.iter().filter_map(|&(field, bits)| Some((place(field)?, bits))).collect();
            if let Some(salt) = &mut encoding.hardening.salt {
                salt.field = place(salt.field).unwrap_or(usize::MAX);
            }
        }
        for key in &mut other.match_keys {
            key.fields = key.fields.iter().filter_map(|&field| place(field)).collect();
        }
        let encoded: Vec<usize> = other.encodings.iter().flat_map(|e| &e.budgets).map(|&(field, _)| field).collect();
        other.rarity.iter_mut().for_each(|rarity| rarity.field = place(rarity.field).unwrap_or(usize::MAX));
        other.rarity.retain(|rarity| encoded.contains(&rarity.field));
        other.fields = kept.iter().map(|&field| self.fields[field].clone()).collect();
        other.roles.values_mut().flatten().for_each(|role| role.keep_fields(&other.fields));
        let diffused = other.encodings.iter().any(Encoding::is_diffused);
        for field in &mut other.fields {
            if let Kind::Date { tokens, .. } = &mut field.kind {
                *tokens = if diffused { DateTokens::Parts } else { DateTokens::Digits };
            }
        }
        let risks = risk::risks(&other.fields, &other.encodings, &other.match_keys, &other.rarity);
        other.accept_risk = (!risks.is_empty()).then(|| reason.to_owned());
        // Through the reader, which knows every rule.
        Schema::from_toml(&other.to_toml())
    }
}

impl Encoding {
    /// An encoding for [`Schema::with_encodings`], which checks it: name, filter length m in bits, diffusion weight t (0 for
    /// none), output length n in bits (m where there is no diffusion), what stands in for a missing field, and for each
    /// field its index in [`Schema::fields`] and its budget in bits. It is not [hardened](Self::with_hardening).
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        length: usize,
        diffusion: usize,
        output: usize,
        missing: Missing,
        budgets: Vec<(usize, usize)>,
    ) -> Self {
        let hardening = Hardening::default();
        Encoding { name: name.into(), length, diffusion, output, missing, budgets, hardening, clkhash: None }
    }
}

fn write_role(out: &mut String, party: &str, role: &Role) {
    section(out, "[[role]]");
    line(out, "party", &text(party));
    line(out, "name", &text(role.name()));
    line(out, "prefix", &text(role.start_of_columns()));
    for (key, of) in [("columns", Place::own as fn(&Place) -> Option<&str>), ("shared", Place::shared)] {
        let pairs: Vec<String> =
            role.places_of(of).map(|(field, column)| format!("{} = {}", text(field), text(column))).collect();
        line(out, key, &format!("{{ {} }}", pairs.join(", ")));
    }
    let without: Vec<String> = role.places_of(Place::nowhere).map(|(field, _)| field.to_owned()).collect();
    line(out, "without", &texts(&without));
}

fn write_field(out: &mut String, field: &Field) {
    section(out, "[[field]]");
    line(out, "name", &text(&field.name));
    line(out, "column", &text(&field.column));
    line(out, "optional", if field.optional { "true" } else { "false" });
    line(out, "kind", &text(field.kind.as_str()));
    match &field.kind {
        Kind::Date { formats, tokens } => {
            let formats: Vec<String> = formats.iter().map(|format| format.as_str().to_owned()).collect();
            line(out, "formats", &texts(&formats));
            line(out, "tokens", &text(tokens.as_str()));
        }
        Kind::Postcode(system) => line(out, "system", &text(system.as_str())),
        Kind::Identifier(scheme) => line(out, "scheme", &text(scheme.as_str())),
        Kind::Name | Kind::Text | Kind::Exact => {}
    }
    line(out, "space", &text(&field.space));
    line(out, "missing", &texts(&field.missing));
    if !field.same.is_empty() {
        let pairs: Vec<String> = field.same.iter().map(|(from, to)| format!("{} = {}", text(from), text(to))).collect();
        line(out, "same", &format!("{{ {} }}", pairs.join(", ")));
    }
}

fn section(out: &mut String, head: &str) {
    out.push('\n');
    out.push_str(head);
    out.push('\n');
}

fn line(out: &mut String, key: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{key} = {value}");
}

/// A basic string of TOML. Control characters are written as codes.
fn text(value: &str) -> String {
    let mut out = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn texts(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::Rarity;
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let plain = Schema::uk_person();
        assert_eq!(Schema::from_toml(&plain.to_toml()).unwrap(), plain);
        let mut odd = plain.clone();
        odd.project.purpose = "A \"purpose\" with \\, \u{7f}, a\ttab, a\nline and é".to_owned();
        odd.linkage.threshold = Threshold::Fixed(8_250);
        odd.fields[0].column = "Fore name".to_owned();
        odd.rarity = vec![Rarity { field: 1, list_sha256: "0a".repeat(32), cuts: vec![200, 10] }];
        odd.accept_risk = Some("a reason in words".to_owned());
        let read = Schema::from_toml(&odd.to_toml()).unwrap();
        assert_eq!(read.rarity(), odd.rarity());
        let surnames = Encoding::new("surname", 128, 0, 128, Missing::Empty, vec![(1, 45)]);
        let other = odd.with_encodings(vec![surnames.clone()], "a reason in words").unwrap();
        assert_eq!(other.fields()[other.rarity()[0].field()].name(), "surname");
        let forenames = Encoding { budgets: vec![(0, 45)], ..surnames };
        assert!(odd.with_encodings(vec![forenames], "a reason in words").unwrap().rarity().is_empty());
        assert_eq!((read.project(), read.linkage(), read.fields()), (odd.project(), odd.linkage(), odd.fields()));
    }

    #[test]
    fn other_encodings_bring_what_goes_with_them() {
        let schema = Schema::uk_person();
        let same = schema.with_encodings(schema.encodings.clone(), "a reason in words").unwrap();
        assert_eq!(same, schema, "no reason where no risk is");
        let plain = Encoding::new("clk", 1024, 0, 1024, Missing::Empty, vec![(1, 80), (2, 80)]);
        let other = schema.with_encodings(vec![plain], "a reason in words").unwrap();
        assert_eq!(other.accept_risk(), Some("a reason in words"));
        assert!(matches!(other.fields()[2].kind(), Kind::Date { tokens: DateTokens::Digits, .. }));
        // The fields that match keys name stay, and everything points to what it pointed to.
        let name = |schema: &Schema, field: usize| schema.fields()[field].name().to_owned();
        let named = |s: &Schema| {
            s.match_keys().iter().flat_map(super::super::MatchKey::fields).map(|&f| name(s, f)).collect::<Vec<_>>()
        };
        assert_eq!(named(&other), named(&schema));
        assert_eq!(name(&other, other.encodings()[0].budgets()[0].0), "surname");
        let wrong = Encoding::new("clk", 100, 0, 100, Missing::Empty, vec![(1, 80), (2, 80)]);
        assert!(schema.with_encodings(vec![wrong], "a reason in words").is_err());
    }
}
