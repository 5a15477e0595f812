//! What stands before the cohort inside a sealed file, and what is signed. `docs/sealing.md`.

use std::io::{self, BufRead, Read, Write};

use sha2::{Digest, Sha512_256};

use super::keys::{PublicKey, Recipient, SigningKey};
use crate::cohort::Manifest;

/// Names the form and its version, inside the file and in what is signed.
const MAGIC: &str = "pprl-sealed-cohort-1";

/// The longest line of an envelope.
const MOST_LINE: u64 = 200;

/// Six lines and an empty one.
pub(super) struct Envelope {
    pub(super) party: String,
    pub(super) fingerprint: String,
    pub(super) recipient: String,
    pub(super) key: String,
    pub(super) signature: [u8; 64],
}

impl Envelope {
    pub(super) fn sign(manifest: &Manifest, recipient: &Recipient, key: &SigningKey, content: &ContentHash) -> Self {
        let mut envelope = Envelope {
            party: manifest.party.clone(),
            fingerprint: manifest.fingerprint.clone(),
            recipient: recipient.to_string(),
            key: key.public().digits(),
            signature: [0; 64],
        };
        envelope.signature = key.sign(&envelope.message(content));
        envelope
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey, content: &ContentHash) -> bool {
        self.key == key.digits() && key.verify(&self.message(content), &self.signature)
    }

    /// What is signed: the form, who it is from, under which schema and to whom, and the hash of the content. The
    /// recipient stands there so that whoever opened a file cannot seal it anew to somebody else in the owner's name.
    fn message(&self, content: &ContentHash) -> Vec<u8> {
        let mut message = Vec::new();
        for text in [MAGIC, &self.party, &self.fingerprint, &self.recipient] {
            message.extend_from_slice(&(text.len() as u64).to_be_bytes());
            message.extend_from_slice(text.as_bytes());
        }
        message.extend_from_slice(&content.0);
        message
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Envelope { party, fingerprint, recipient, key, signature } = self;
        write!(out, "{MAGIC}\nparty {party}\nfingerprint {fingerprint}\nrecipient {recipient}\nkey {key}\n")?;
        write!(out, "signature {}\n\n", crate::hex(signature))
    }

    /// Reads an envelope; `None` where there is none. It is as strict as can be: one content, one form.
    pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = |start: &str| line(input, start);
        let lines = [line(MAGIC)?, line("party ")?, line("fingerprint ")?, line("recipient ")?, line("key ")?];
        let (signature, end) = (line("signature ")?, line("")?);
        let [Some(magic), Some(party), Some(fingerprint), Some(recipient), Some(key)] = lines else { return Ok(None) };
        // What messages show of it is letters that a schema allows.
        let plain = party.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        let Some(signature) = signature.filter(|_| magic.is_empty() && end.as_deref() == Some("") && plain) else {
            return Ok(None);
        };
        let Some(bytes) = signature_of(&signature) else { return Ok(None) };
        Ok(Some(Envelope { party, fingerprint, recipient, key, signature: bytes }))
    }
}

/// Reads a line that begins so, and gives what follows; `None` where there is no such line.
pub(super) fn line(input: &mut impl BufRead, start: &str) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.by_ref().take(MOST_LINE).read_until(b'\n', &mut bytes)?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.and_then(|text| Some(text.strip_suffix('\n')?.strip_prefix(start)?.to_owned())))
}

/// The bytes of a signature that is 128 small hexadecimal digits.
pub(super) fn signature_of(text: &str) -> Option<[u8; 64]> {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.len() != 128 || !digits {
        return None;
    }
    let mut bytes = [0; 64];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    Some(bytes)
}

/// SHA-512/256 of a cohort file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentHash([u8; 32]);

/// Hashes what is written to it, or read through it.
pub(super) struct Hashing<T> {
    pub(super) inner: T,
    hash: Sha512_256,
}

impl<T> Hashing<T> {
    pub(super) fn new(inner: T) -> Self {
        Hashing { inner, hash: Sha512_256::new() }
    }

    pub(super) fn finish(self) -> ContentHash {
        ContentHash(self.hash.finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hash.update(&bytes[..read]);
        Ok(read)
    }
}
