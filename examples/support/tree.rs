//! A folder that appears whole or not at all, and that is only ever replaced where nothing else is in it.
#![allow(dead_code, reason = "every program has it as a module of its own, and not all make folders inside")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::command::Outcome;

/// The list of what was written, in the form that `sha256sum --check` reads.
const LIST: &str = "FILES.sha256";

/// A folder that is being filled under another name.
pub(crate) struct Tree {
    partial: PathBuf,
    out: PathBuf,
}

impl Tree {
    /// Refuses a folder that holds anything but what an earlier run wrote and nobody changed.
    pub(crate) fn new(out: &Path) -> Outcome<Self> {
        let name = out.file_name().ok_or_else(|| format!("{}: not a name for a new folder", out.display()))?;
        check_own(out)?;
        let partial = out.with_file_name(format!(".{}.{}.partial", name.display(), std::process::id()));
        // Not `create_dir_all`: nobody else's folder is filled.
        fs::create_dir(&partial).map_err(|e| format!("{}: cannot create: {e}", out.display()))?;
        Ok(Tree { partial, out: out.to_owned() })
    }

    /// A new folder inside; `private` where only its owner may look into it.
    pub(crate) fn folder(&self, name: &str, private: bool) -> Outcome<PathBuf> {
        let path = self.partial.join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        if private {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        #[cfg(not(unix))]
        let _ = (private, &mut builder);
        builder.create(&path).map_err(|e| format!("{}: cannot create: {e}", self.out.join(name).display()))?;
        Ok(path)
    }

    /// Where the folder is while it is being filled.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place.
    pub(crate) fn finish(self) -> Outcome {
        let mut list = String::new();
        for (file, digest) in digests(&self.partial)? {
            writeln!(list, "{digest}  {file}")?;
        }
        fs::write(self.partial.join(LIST), list)?;
        check_own(&self.out)?;
        let old = self.partial.with_extension("old");
        let replaces = self.out.exists();
        if replaces {
            fs::rename(&self.out, &old)?;
        }
        if let Err(error) = fs::rename(&self.partial, &self.out) {
            if replaces {
                fs::rename(&old, &self.out)?;
            }
            return Err(error.into());
        }
        if replaces {
            fs::remove_dir_all(&old)?;
        }
        Ok(())
    }
}

/// Leaves nothing half-written behind; after [`Tree::finish`] there is nothing to remove.
impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.partial);
    }
}

fn check_own(out: &Path) -> Outcome {
    if !out.exists() {
        return Ok(());
    }
    let list = fs::read_to_string(out.join(LIST)).unwrap_or_default();
    let own: BTreeMap<&str, &str> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(digest, file)| (file, digest)).collect();
    for (file, digest) in digests(out)? {
        if file != LIST && own.get(file.as_str()) != Some(&digest.as_str()) {
            let problem =
                "was not written by this program, or has changed since; it is not overwritten. Name another folder";
            return Err(format!("{}: {problem}", out.join(file).display()).into());
        }
    }
    Ok(())
}

/// The files in a folder and below, with `/` between folders, and their SHA-256.
fn digests(folder: &Path) -> Outcome<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: cannot read: {e}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().display());
            if entry.file_type()?.is_dir() {
                folders.push((entry.path(), name + "/"));
            } else {
                let content =
                    fs::read(entry.path()).map_err(|e| format!("{}: cannot read: {e}", entry.path().display()))?;
                let mut digest = String::new();
                for byte in Sha256::digest(&content) {
                    write!(digest, "{byte:02x}")?;
                }
                files.insert(name, digest);
            }
        }
    }
    Ok(files)
}
