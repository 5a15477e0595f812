//! A schema, signed by each of its parties.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use super::envelope::{line, signature_of};
use super::keys::{SigningKey, Trusted};
use crate::error::{Error, ErrorKind, Result};
use crate::file::{self, Access};
use crate::schema::Schema;

/// Names the form and its version, in the file and in what is signed.
const MAGIC: &str = "pprl-schema-signature-1";

/// A party's signature (Ed25519, RFC 8032) under a schema's fingerprint: it agrees to all that the fingerprint covers, and
/// so to the purpose, the parties and the last day of use.
///
/// As a file it is five lines: `pprl-schema-signature-1`, `party …`, `fingerprint …`, `key …` and `signature …`. Signed are
/// the form's name, the party and the fingerprint, each after its length as eight bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaSignature {
    party: String,
    fingerprint: String,
    key: String,
    signature: [u8; 64],
}

impl SchemaSignature {
    /// Signs a schema for one of its parties.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] where the schema does not name the party.
    pub fn sign(schema: &Schema, party: &str, key: &SigningKey) -> Result<Self> {
        schema.party(party)?;
        let (party, fingerprint) = (party.to_owned(), schema.fingerprint().to_owned());
        let signature = key.sign(&message(&party, &fingerprint));
        Ok(SchemaSignature { party, fingerprint, key: key.public().digits(), signature })
    }

    /// The party that signed, as the signature says.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.party
    }

    /// Writes the signature to a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let SchemaSignature { party, fingerprint, key, signature } = self;
        file::write(path.as_ref(), Access::Default, |out| {
            write!(out, "{MAGIC}\nparty {party}\nfingerprint {fingerprint}\nkey {key}\n")?;
            writeln!(out, "signature {}", crate::hex(signature))
        })
    }

    /// Reads a file that [`write`](Self::write) wrote. Whether it is right is not known before [`check`](Self::check).
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::File`] where it is something else.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut input = BufReader::new(File::open(path).map_err(|e| Error::io(path, "read", e))?);
        let mut next = |start: &str| line(&mut input, start).map_err(|e| Error::io(path, "read", e));
        let lines = [next(MAGIC)?, next("party ")?, next("fingerprint ")?, next("key ")?, next("signature ")?];
        let rest = input.fill_buf().map_err(|e| Error::io(path, "read", e))?;
        let wrong = || Error::file(path, "is not a party's signature of a schema");
        let [Some(magic), Some(party), Some(fingerprint), Some(key), Some(signature)] = lines else {
            return Err(wrong());
        };
        // What messages show of it is letters that a schema allows.
        let plain = party.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        match signature_of(&signature) {
            Some(signature) if magic.is_empty() && plain && rest.is_empty() => {
                Ok(SchemaSignature { party, fingerprint, key, signature })
            }
            _ => Err(wrong()),
        }
    }

    /// Whether this schema was signed, by the key that is trusted for the party.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] where it is another schema's, or the party's key is not known or another.
    pub fn check(&self, schema: &Schema, trusted: &Trusted) -> Result<()> {
        let party = &self.party;
        let problem = match trusted.get(party) {
            _ if schema.party(party).is_err() => format!("{party} is no party of the schema"),
            _ if self.fingerprint != schema.fingerprint() => format!("{party} signed another schema"),
            None => format!("no key is trusted for {party}"),
            Some(key)
                if self.key != key.digits() || !key.verify(&message(party, &self.fingerprint), &self.signature) =>
            {
                format!("the schema is not signed by the key that is trusted for {party}")
            }
            Some(_) => return Ok(()),
        };
        Err(ErrorKind::Mismatch { problem }.into())
    }
}

/// Whether every party of the schema has signed it.
///
/// # Errors
/// [`ErrorKind::Mismatch`] for a signature that is wrong, and where a party's is missing.
pub fn check_signed(schema: &Schema, signatures: &[SchemaSignature], trusted: &Trusted) -> Result<()> {
    signatures.iter().try_for_each(|signature| signature.check(schema, trusted))?;
    let missing = schema.project().parties().iter().find(|party| signatures.iter().all(|s| s.party != **party));
    match missing {
        Some(party) => Err(ErrorKind::Mismatch { problem: format!("{party} has not signed the schema") }.into()),
        None => Ok(()),
    }
}

fn message(party: &str, fingerprint: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for text in [MAGIC, party, fingerprint] {
        message.extend_from_slice(&(text.len() as u64).to_be_bytes());
        message.extend_from_slice(text.as_bytes());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_passes() {
        let schema = Schema::uk_person();
        let keys: Vec<SigningKey> = (0..3).map(|_| SigningKey::generate().unwrap()).collect();
        let parties = schema.project().parties().to_vec();
        let trusted = parties.iter().zip(&keys).fold(Trusted::new(), |t, (party, key)| t.party(party, key.public()));
        let signed: Vec<SchemaSignature> =
            parties.iter().zip(&keys).map(|(p, key)| SchemaSignature::sign(&schema, p, key).unwrap()).collect();
        check_signed(&schema, &signed, &trusted).unwrap();
        let says = |result: Result<()>, what: &str| assert!(result.unwrap_err().to_string().contains(what), "{what}");
        says(check_signed(&schema, &signed[..2], &trusted), "education has not signed");
        says(signed[0].check(&schema, &Trusted::new()), "no key is trusted");
        says(SchemaSignature::sign(&schema, "police", &keys[1]).unwrap().check(&schema, &trusted), "not signed by");
        assert!(SchemaSignature::sign(&schema, "court", &keys[0]).is_err());
        // A signature of one party is not another's.
        says(
            SchemaSignature { party: "education".into(), ..signed[0].clone() }.check(&schema, &trusted),
            "not signed by",
        );
        let other =
            include_str!("../../examples/schemas/uk_person.toml").replace("what the linkage is for", "another purpose");
        says(signed[0].check(&Schema::from_toml(&other).unwrap(), &trusted), "signed another schema");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("police.signature");
        signed[0].write(&path).unwrap();
        assert_eq!(SchemaSignature::read(&path).unwrap(), signed[0]);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in
            [("signature ", "signature 0"), ("party police", "party pol ice"), ("-1\n", "-2\n"), ("key ", "")]
        {
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            assert!(SchemaSignature::read(&path).is_err(), "{from}");
        }
        std::fs::write(&path, text + "more\n").unwrap();
        assert!(SchemaSignature::read(&path).is_err());
    }
}
