//! The two sides of the crate do not know each other, and other rules that the compiler does not keep.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::float_cmp,
    clippy::needless_pass_by_value,
    clippy::cast_possible_wrap,
    reason = "a test that panics has said what is wrong"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// All source files under `src`, by their path from there, with what is not a comment.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let source = |path: PathBuf| {
        let name: Vec<_> =
            path.strip_prefix(&root).unwrap().components().map(|c| c.as_os_str().to_str().unwrap()).collect();
        let text = fs::read_to_string(&path).unwrap();
        (name.join("/"), code(&text))
    };
    files.into_iter().map(source).collect()
}

/// A text without its line comments; enough for searching words.
fn code(text: &str) -> String {
    let line = |line: &str| line.find("//").map_or(line, |comment| &line[..comment]).to_owned() + "\n";
    text.lines().map(line).collect()
}

/// Whether a word stands in a text, and not as a part of a longer one.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !before.is_some_and(|c| part(c) && word.starts_with(part))
            && !after.is_some_and(|c| part(c) && word.ends_with(part))
    })
}

/// The files of one side of the crate.
fn side(sources: &[(String, String)], module: &str) -> Vec<(String, String)> {
    let own = |name: &str| name == format!("{module}.rs") || name.starts_with(&format!("{module}/"));
    let side: Vec<_> = sources.iter().filter(|(name, _)| own(name)).cloned().collect();
    assert!(side.len() >= 2, "there are no files of {module} any more: change this test");
    side
}

#[test]
fn linkage_cannot_name_the_key() {
    for (file, code) in side(&sources(), "linkage") {
        for word in ["owner", "key::", "ProjectKey", "Keyed", "Encoder", "hmac", "hkdf", "OptOutList"] {
            assert!(!names(&code, word), "src/{file} names {word}");
        }
    }
}

#[test]
fn owner_cannot_name_linkage() {
    for (file, code) in side(&sources(), "owner") {
        for word in ["linkage::", "Linker", "Links", "Kernel"] {
            assert!(!names(&code, word), "src/{file} names {word}");
        }
    }
}

/// The audit is an owner's: it attacks what leaves, and needs nothing of those who receive it.
#[test]
fn the_audit_cannot_name_linkage() {
    for (file, code) in side(&sources(), "audit") {
        for word in ["linkage::", "Linker", "evaluate::", "synth::"] {
            assert!(!names(&code, word), "src/{file} names {word}");
        }
    }
}

#[test]
fn what_crosses_knows_neither_side() {
    for module in ["cohort", "schema", "seal", "event_log"] {
        for (file, code) in side(&sources(), module) {
            for word in ["owner::", "linkage::", "key::", "ProjectKey", "Encoder", "Linker"] {
                assert!(!names(&code, word), "src/{file} names {word}");
            }
        }
    }
}

/// The research environment knows study ids and what was sent under them.
#[test]
fn the_study_knows_neither_side() {
    for (file, code) in side(&sources(), "study") {
        for word in ["owner::", "linkage::", "key::", "ProjectKey", "Encoder", "Linker", "Cohort", "synth::"] {
            assert!(!names(&code, word), "src/{file} names {word}");
        }
    }
}

#[test]
fn unsafe_code_is_in_the_kernels_only() {
    for (file, code) in sources() {
        let kernel = file == "linkage/score.rs" || file.starts_with("linkage/score/");
        assert!(kernel || !names(&code, "unsafe"), "src/{file} has unsafe code");
        assert!(kernel || !names(&code, "unsafe_code"), "src/{file} allows unsafe code");
    }
}

#[test]
fn the_library_prints_nothing() {
    for (file, code) in sources() {
        let door = file.starts_with("bin/") || file == "cli.rs" || file.starts_with("cli/");
        for word in ["println!", "print!", "eprintln!", "eprint!", "dbg!", "stdout", "stderr"] {
            assert!(door || !names(&code, word), "src/{file} uses {word}");
        }
        for word in ["todo!", "unimplemented!", "process::exit"] {
            assert!(!names(&code, word) || door, "src/{file} uses {word}");
        }
    }
}

#[test]
fn no_paths_of_a_machine() {
    for (file, code) in sources() {
        for path in ["\"/work", "\"/tmp", "\"/root", "\"/home"] {
            assert!(!code.contains(path), "src/{file} names {path}");
        }
    }
}

#[test]
fn no_mod_rs() {
    assert!(sources().iter().all(|(file, _)| !file.ends_with("mod.rs")));
}

/// The search itself finds what it is for.
#[test]
fn the_search_finds_words() {
    assert!(names("use crate::owner::Encoder;", "owner") && names("crate::key::X", "key::"));
    assert!(!names("by_match_key::X", "key::") && !names("homeowner", "owner") && !names("unsafe_code", "unsafe"));
    assert!(names("    dbg!(x)", "dbg!") && names("eprintln!()", "eprintln!") && !names("eprintln!()", "println!"));
    assert!(!code("let x = 1; // unsafe").contains("unsafe"));
}
