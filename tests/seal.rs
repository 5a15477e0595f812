//! Sealed cohorts: opened by whom they are for, from whom they say, unchanged; and key files are refused where none
//! must be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    reason = "a test that panics has said what is wrong"
)]
#![cfg(all(feature = "owner", feature = "seal"))]

#[path = "helpers/helpers.rs"]
mod helpers;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::Signer;
use helpers::{clk, date, encoder, key, other_key, record, says_but_not, word};
use pprl::seal::{Identity, PublicKey, Recipient, SigningKey, Trusted, is_sealed, open, seal};
use pprl::{Cohort, ErrorKind, ProjectKey, Schema};
use sha2::{Digest, Sha512_256};
use tempfile::TempDir;

/// A cohort of so many people, who may be few.
fn clk_cohort(party: &str, rows: usize) -> Cohort {
    let people: Vec<_> = (0..rows).map(|i| record(i, &[&word(i), &word(i + 7919), &date(i)])).collect();
    encoder(&clk(), party, 1).release_small("invented people in a test").unwrap().encode(&people).unwrap().cohort
}

struct Place {
    folder: TempDir,
    unit: Identity,
    police: SigningKey,
    cohort: Cohort,
}

impl Place {
    fn new() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
            unit: Identity::generate().unwrap(),
            police: SigningKey::generate().unwrap(),
            cohort: clk_cohort("police", 3),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sealed(&self) -> PathBuf {
        let path = self.path("sealed.age");
        seal(&self.cohort, &self.unit.recipient(), &self.police, &path).unwrap();
        path
    }

    fn trusted(&self) -> Trusted {
        Trusted::new().party("police", self.police.public())
    }

    fn error(&self, path: &Path) -> String {
        let error = open(path, &self.unit, &self.trusted()).unwrap_err();
        says_but_not(&error, &[path.file_name().unwrap().to_str().unwrap()], &[]);
        error.to_string()
    }

    /// Encrypts any payload to the unit.
    fn encrypt(&self, payload: &[u8]) -> PathBuf {
        let recipient: age::x25519::Recipient = self.unit.recipient().to_string().parse().unwrap();
        let path = self.path("forged.age");
        fs::write(&path, age::encrypt(&recipient, payload).unwrap()).unwrap();
        path
    }

    fn decrypt(&self, path: &Path) -> Vec<u8> {
        let identity = self.path("unit.identity");
        let _ = fs::remove_file(&identity);
        self.unit.write(&identity).unwrap();
        let text = fs::read_to_string(&identity).unwrap();
        let identity: age::x25519::Identity = text.lines().last().unwrap().parse().unwrap();
        let decryptor = age::Decryptor::new(fs::File::open(path).unwrap()).unwrap();
        let mut payload = Vec::new();
        let identities = std::iter::once(&identity as &dyn age::Identity);
        decryptor.decrypt(identities).unwrap().read_to_end(&mut payload).unwrap();
        payload
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A payload as docs/sealing.md has it, made by other means.
fn payload(
    party: &str,
    fingerprint: &str,
    recipient: &str,
    key: &ed25519_dalek::SigningKey,
    content: &[u8],
) -> Vec<u8> {
    let mut message = Vec::new();
    for text in ["pprl-sealed-cohort-1", party, fingerprint, recipient] {
        message.extend_from_slice(&(text.len() as u64).to_be_bytes());
        message.extend_from_slice(text.as_bytes());
    }
    message.extend_from_slice(&Sha512_256::digest(content));
    let mut payload = format!(
        "pprl-sealed-cohort-1\nparty {party}\nfingerprint {fingerprint}\nrecipient {recipient}\nkey {}\nsignature {}\n\n",
        hex(key.verifying_key().as_bytes()),
        hex(&key.sign(&message).to_bytes())
    )
    .into_bytes();
    payload.extend_from_slice(content);
    payload
}

/// An owner's key as the program and this test have it.
fn signer(place: &Place) -> (ed25519_dalek::SigningKey, PublicKey) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let path = place.path("test.public");
    fs::write(&path, format!("# a comment\n\npprl-public-key-1 {}\n", hex(key.verifying_key().as_bytes()))).unwrap();
    (key, PublicKey::from_path(path).unwrap())
}

#[test]
fn what_was_sealed_is_opened_and_nobody_sees_it_on_the_way() {
    let place = Place::new();
    let path = place.sealed();
    let opened = open(&path, &place.unit, &place.trusted()).unwrap();
    assert!(opened.cohort == place.cohort);
    assert_eq!(opened.signer, "police");
    assert!(is_sealed(&path).unwrap());
    let bytes = fs::read(&path).unwrap();
    let clear = String::from_utf8_lossy(&bytes);
    for word in ["police", "pprl", place.cohort.manifest().fingerprint.as_str(), "test-clk"] {
        assert!(!clear.contains(word), "{word}");
    }
    // New keys each time.
    place.sealed();
    assert_ne!(fs::read(&path).unwrap(), bytes);
    // Unopened, it is no cohort, and the error says what it is.
    assert!(Cohort::read(&path).unwrap_err().to_string().contains("is sealed"));
}

#[test]
fn the_form_is_the_documented_one() {
    let place = Place::new();
    let (key, public) = signer(&place);
    let manifest = place.cohort.manifest();
    let recipient = place.unit.recipient().to_string();
    let ours = payload("police", &manifest.fingerprint, &recipient, &key, &place.cohort.to_json());
    let opened = open(place.encrypt(&ours), &place.unit, &Trusted::new().party("police", public)).unwrap();
    assert!(opened.cohort == place.cohort);
    // And the program's own file, byte for byte, since Ed25519 signs without chance.
    let path = place.path("signing.key");
    fs::write(&path, format!("PPRL-SIGNING-KEY-1 {}\n", hex(&[7; 31]) + "07")).unwrap();
    restrict(&path);
    // One byte 32 times over is refused, so another key for this.
    assert!(SigningKey::from_path(&path).unwrap_err().to_string().contains("32 times"));
    let seed: [u8; 32] = std::array::from_fn(|i| i as u8);
    fs::write(&path, format!("PPRL-SIGNING-KEY-1 {}\n", hex(&seed))).unwrap();
    let program = SigningKey::from_path(&path).unwrap();
    let sealed = place.path("program.age");
    seal(&place.cohort, &place.unit.recipient(), &program, &sealed).unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let ours = payload("police", &manifest.fingerprint, &recipient, &key, &place.cohort.to_json());
    assert!(place.decrypt(&sealed) == ours);
}

fn restrict(path: &Path) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn a_small_cohort_without_a_reason_is_not_sealed() {
    let place = Place::new();
    let small = helpers::clk_cohort("police", 99);
    let error = seal(&small, &place.unit.recipient(), &place.police, place.path("out.age")).unwrap_err();
    says_but_not(&error, &["police", "reason"], &[]);
    assert!(!place.path("out.age").exists());
    seal(&helpers::clk_cohort("police", 100), &place.unit.recipient(), &place.police, place.path("out.age")).unwrap();
}

#[test]
fn another_unit_cannot_open_it() {
    let place = Place::new();
    let path = place.sealed();
    let error = open(&path, &Identity::generate().unwrap(), &place.trusted()).unwrap_err().to_string();
    assert!(error.contains("sealed to another recipient"), "{error}");
}

#[test]
fn who_signed_it_must_be_trusted_for_the_party() {
    let place = Place::new();
    let path = place.sealed();
    let other = SigningKey::generate().unwrap().public();
    for (trusted, says) in [
        (Trusted::new(), "no key is trusted"),
        (Trusted::new().party("school", place.police.public()), "no key is trusted"),
        (Trusted::new().party("police", other), "not signed by the key"),
        (place.trusted().party("police", other), "not signed by the key"),
    ] {
        let error = open(&path, &place.unit, &trusted).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// Everything that somebody can make who has the unit's public key, an owner's old file, and a key of its own.
#[test]
fn forgeries_are_refused() {
    let place = Place::new();
    let (key, public) = signer(&place);
    let mallory = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let trusted = Trusted::new().party("police", public).party("school", place.police.public());
    let fingerprint = place.cohort.manifest().fingerprint.clone();
    let recipient = place.unit.recipient().to_string();
    let (content, school) = (place.cohort.to_json(), clk_cohort("school", 3).to_json());
    let good = payload("police", &fingerprint, &recipient, &key, &content);
    assert!(open(place.encrypt(&good), &place.unit, &trusted).is_ok());

    let text = String::from_utf8(good.clone()).unwrap();
    let line = |start: &str, with: String| -> Vec<u8> {
        let old = text.lines().find(|line| line.starts_with(start)).unwrap();
        text.replacen(&format!("{old}\n"), &with, 1).into_bytes()
    };
    let other = Identity::generate().unwrap().recipient().to_string();
    let forged = payload("police", &fingerprint, &recipient, &mallory, &content);
    let keyed = String::from_utf8(forged.clone()).unwrap();
    let keyed = keyed.replace(&hex(mallory.verifying_key().as_bytes()), &hex(key.verifying_key().as_bytes()));
    let none = payload("police", &fingerprint, &recipient, &key, b"no cohort at all");
    let secret = payload("police", &fingerprint, &recipient, &key, format!("{}\n", hex(&[3; 32])).as_bytes());
    for (what, payload, says) in [
        ("unsigned", content.clone(), "no signed cohort"),
        ("empty", Vec::new(), "no signed cohort"),
        ("no signature", line("signature", String::new()), "no signed cohort"),
        ("zeros", line("signature", format!("signature {}\n", "0".repeat(128))), "not signed by the key"),
        ("another's signature", forged, "not signed by the key"),
        ("another's signature, the owner's key", keyed.into_bytes(), "not signed by the key"),
        ("upper case", text.replacen("signature ", "Signature ", 1).into_bytes(), "no signed cohort"),
        ("another version", text.replacen("cohort-1", "cohort-2", 1).into_bytes(), "no signed cohort"),
        ("CR LF", text.replacen('\n', "\r\n", 1).into_bytes(), "no signed cohort"),
        ("party of a terminal", line("party", "party \u{1b}[31m\n".into()), "no signed cohort"),
        ("long line", line("party", format!("party {}\n", "x".repeat(300))), "no signed cohort"),
        ("renamed", line("party", "party school\n".into()), "not signed by the key"),
        ("other schema", line("fingerprint", format!("fingerprint {}\n", "0".repeat(64))), "not signed by the key"),
        (
            "another content",
            payload("police", &fingerprint, &recipient, &key, &content)[..good.len() - 1].into(),
            "not signed",
        ),
        ("more content", [&good[..], b"\n"].concat(), "not signed by the key"),
        ("passed on", payload("police", &fingerprint, &other, &key, &content), "another recipient"),
        ("another party's", payload("police", &fingerprint, &recipient, &key, &school), "another party"),
        (
            "of another schema",
            payload("police", &"0".repeat(64), &recipient, &key, &content),
            "another party or schema",
        ),
        ("no cohort", none, "is not JSON"),
        ("a key", secret, "project key"),
    ] {
        let path = place.encrypt(&payload);
        let error = open(&path, &place.unit, &trusted).unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(says), "{what}: {shown}");
        says_but_not(&error, &["forged.age"], &[&hex(&[3; 32]), "no cohort at all"]);
    }
    // Encrypted to two, of whom one is the unit: the signature is for the unit, so it opens; and a passphrase does not.
    let passphrase = age::Encryptor::with_user_passphrase("x".to_owned().into());
    let path = place.path("pass.age");
    let mut out = passphrase.wrap_output(fs::File::create(&path).unwrap()).unwrap();
    out.write_all(&good).unwrap();
    out.finish().unwrap();
    assert!(place.error(&path).contains("pass.age"));
}

/// At every length, and with every byte changed, one after the other.
#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let mut place = Place::new();
    place.cohort = clk_cohort("police", 1);
    let path = place.sealed();
    let whole = fs::read(&path).unwrap();
    assert!(open(&path, &place.unit, &place.trusted()).is_ok());
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(open(&path, &place.unit, &place.trusted()).is_err(), "cut to {length} bytes");
    }
    for place_of in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place_of] ^= 1 << (place_of % 8);
        fs::write(&path, &changed).unwrap();
        assert!(open(&path, &place.unit, &place.trusted()).is_err(), "byte {place_of} changed");
    }
    for more in [&b"\0"[..], b"\n", &whole] {
        fs::write(&path, [&whole[..], more].concat()).unwrap();
        assert!(open(&path, &place.unit, &place.trusted()).is_err(), "{} bytes more", more.len());
    }
}

/// Larger than one piece of age's, and cut between two.
#[test]
fn a_cohort_of_many_pieces() {
    let mut place = Place::new();
    place.cohort = clk_cohort("police", 1500);
    let path = place.sealed();
    assert!(open(&path, &place.unit, &place.trusted()).unwrap().cohort == place.cohort);
    let whole = fs::read(&path).unwrap();
    let header = whole.windows(5).position(|window| window == b"\n--- ").unwrap();
    let start = header + 5 + whole[header + 5..].iter().position(|&byte| byte == b'\n').unwrap() + 1 + 16;
    let piece = (1 << 16) + 16;
    assert!(whole.len() > start + 2 * piece);
    fs::write(&path, &whole[..start + piece]).unwrap();
    assert!(place.error(&path).contains("altered or cut short"));
    let mut swapped = whole.clone();
    swapped[start..start + 2 * piece].rotate_left(piece);
    fs::write(&path, &swapped).unwrap();
    assert!(place.error(&path).contains("altered or cut short"));
}

#[test]
fn other_files_are_no_sealed_cohorts() {
    let place = Place::new();
    place.cohort.write(place.path("clear.json")).unwrap();
    assert!(place.error(&place.path("clear.json")).contains("is not a sealed cohort"));
    assert!(!is_sealed(place.path("clear.json")).unwrap());
    assert!(matches!(
        open(place.path("none"), &place.unit, &place.trusted()).unwrap_err().kind(),
        ErrorKind::Io { .. }
    ));
    key().write(place.path("project.key")).unwrap();
    assert!(place.error(&place.path("project.key")).contains("project key"));
}

#[test]
fn keys_go_to_files_and_come_back() {
    let place = Place::new();
    let (secret, public) = (place.path("a.key"), place.path("a.public"));
    place.police.write(&secret).unwrap();
    place.police.public().write(&public).unwrap();
    assert_eq!(SigningKey::from_path(&secret).unwrap().public(), place.police.public());
    assert_eq!(PublicKey::from_path(&public).unwrap(), place.police.public());
    let (identity, recipient) = (place.path("u.identity"), place.path("u.recipient"));
    place.unit.write(&identity).unwrap();
    place.unit.recipient().write(&recipient).unwrap();
    assert!(Identity::from_path(&identity).unwrap().recipient() == place.unit.recipient());
    assert!(Recipient::from_path(&recipient).unwrap() == place.unit.recipient());
    // Never over another key.
    assert!(place.police.write(&identity).is_err() && place.unit.write(&secret).is_err());
    for (error, says) in [
        (Identity::from_path(&secret).unwrap_err(), "not an identity file"),
        (SigningKey::from_path(&identity).unwrap_err(), "not a key for signing"),
        (Recipient::from_path(&identity).unwrap_err(), "secret key"),
        (PublicKey::from_path(&secret).unwrap_err(), "secret key"),
        (PublicKey::from_path(&recipient).unwrap_err(), "not an owner's public key"),
        (Recipient::from_path(&public).unwrap_err(), "not a linkage unit's public key"),
        (ProjectKey::from_path(&secret).unwrap_err(), "too long"),
    ] {
        let text = fs::read_to_string(&secret).unwrap();
        let hidden = &text.trim_end()[19..];
        let unit = fs::read_to_string(&identity).unwrap();
        let unit = &unit.lines().last().unwrap()[16..];
        says_but_not(&error, &[says], &[hidden, unit]);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for path in [&secret, &identity] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        assert!(SigningKey::from_path(&secret).unwrap_err().to_string().contains("0640"));
        assert!(Identity::from_path(&identity).unwrap_err().to_string().contains("0640"));
    }
}

#[test]
fn weak_and_malformed_public_keys_are_refused() {
    // The neutral element: every signature of zeros would be valid under it.
    let neutral = format!("pprl-public-key-1 01{}", "0".repeat(62));
    assert!(neutral.parse::<PublicKey>().is_err());
    for text in ["", "age1", "pprl-public-key-1", "pprl-public-key-1 00", &neutral[..80], &neutral[18..]] {
        assert!(text.parse::<PublicKey>().is_err() && text.parse::<Recipient>().is_err(), "{text}");
    }
    assert!("age1yubikey1qwerty".parse::<Recipient>().is_err());
}

#[test]
fn debug_shows_no_secret() {
    let place = Place::new();
    assert_eq!(format!("{:?} {:?}", place.unit, place.police), "Identity(..) SigningKey(..)");
    let opened = open(place.sealed(), &place.unit, &place.trusted()).unwrap();
    assert!(!format!("{opened:?}").contains(&place.cohort.row_ids()[0].to_string()));
}

/// What a linkage unit reads: a key in its place is named as what it is.
#[test]
fn key_files_are_refused_by_every_reader() {
    let place = Place::new();
    let path = place.path("sent.json");
    other_key().write(&path).unwrap();
    let secret = fs::read_to_string(&path).unwrap();
    let secret = secret.trim_end();
    let mut errors = vec![Cohort::read(&path).unwrap_err(), Schema::from_path(&path).unwrap_err()];
    // A key among other lines.
    let cohort = String::from_utf8(place.cohort.to_json()).unwrap();
    for text in [format!("{secret}\n{cohort}"), format!("{cohort}{secret}"), format!("a,b\r\n\"{secret}\"\r\n")] {
        fs::write(&path, text).unwrap();
        errors.push(Cohort::read(&path).unwrap_err());
    }
    fs::write(&path, format!("version = 1\n{secret}\n")).unwrap();
    errors.push(Schema::from_path(&path).unwrap_err());
    #[cfg(feature = "linkage")]
    {
        fs::write(&path, format!("party_a,row_a,party_b,row_b\n{secret}\n")).unwrap();
        errors.push(pprl::linkage::Constraints::read_csv(&path).unwrap_err());
        fs::write(&path, format!("row_id,group\n{secret}\n")).unwrap();
        errors.push(pprl::linkage::Groups::read_csv(&path).unwrap_err());
    }
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::Key { .. }), "{error}");
        says_but_not(&error, &["sent.json", "project key", "delete it"], &[secret]);
    }
    // What is broken and holds no key is what it was.
    fs::write(&path, &cohort[..cohort.len() / 2]).unwrap();
    assert!(matches!(Cohort::read(&path).unwrap_err().kind(), ErrorKind::Cohort { .. }));
}
