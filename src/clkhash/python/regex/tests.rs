//! Patterns against what Python says of them.

use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).unwrap_or_else(|message| panic!("{pattern}: {message}")).matches(text).unwrap()
}

#[test]
fn patterns_match_as_in_python() {
    for (pattern, text) in [
        ("", ""),
        ("AB|ABC", "ABC"),
        (r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}", "SW1A 1AA"),
        (r"\d+", "\u{ff11}\u{663}"),
        (r"\w+", "Zoë_9²½一"),
        (r"\s", "\x1c"),
        (r"[[a]+", "[a["),
        (r"[a&&b]+", "a&b&"),
        (r"[+--]", ","),
        (r"[]a]+", "]a"),
        (r"[^]a]", "b"),
        (r"a{,3}", "aaa"),
        (r"a{x}", "a{x}"),
        (r"{}", "{}"),
        (r"a{2}{", "aa{"),
        (r"\07\101\x41\u0041\U00000041[\101\b]", "\x07AAAAA"),
        (r"(?P<q>['\x22]).*(?P=q)", "'x'"),
        (r"(a)?b(?(1)c|d)", "abc"),
        (r"(a)?b(?(1)c|d)", "bd"),
        (r"(?i)straße", "STRAẞE"),
        (r"(?i)[i-k]+", "İıIiK\u{212a}"),
        (r"(?ai)k", "K"),
        (r"(?i:a)b", "Ab"),
        ("(?x) a b # c\n \\ ", "ab "),
        (r"(?#comment)a", "a"),
        (r"a$\n", "a\n"),
        (r"(?m)a$\n^b", "a\nb"),
        (r"(?s).", "\n"),
        (r"(?<=a)b|ab(?<!c)", "ab"),
        (r"\ba\b \Bb?", "a "),
        (r"(?>a|ab)c", "ac"),
        (r"a*+b", "aab"),
        (r"\.\-\#\ ", ".-# "),
        (r"a\Z", "a"),
        (r"[\ud800-\uffff]", "\u{ffff}"),
        (r"(?a:\w)\w", "aé"),
        (r"\é", "é"),
    ] {
        assert!(matches(pattern, text), "{pattern} {text:?}");
    }
    for (pattern, text) in [
        ("", "a"),
        ("AB", "ABC"),
        ("a", "a\n"),
        ("a$", "a\n"),
        (".", "\n"),
        (r"\w", "\u{301}"),
        (r"\w", "\u{11f51}"),
        (r"(?a)\s", "\x1c"),
        (r"(?ai)k", "\u{212a}"),
        (r"\b|\B", ""),
        (r"\ud800", "\u{fffd}"),
        (r"(?>a|ab)c", "abc"),
        (r"a*+a", "aa"),
        (r"(?i)[^k]", "\u{212a}"),
        (r"[^\s\S]", "a"),
        (r"(a)?\1", ""),
    ] {
        assert!(!matches(pattern, text), "{pattern} {text:?}");
    }
}

#[test]
fn what_python_refuses_is_refused() {
    for pattern in [
        "(",
        ")",
        "[",
        "[]",
        "[^]",
        "a**",
        "a*{2}",
        "*",
        "+a",
        "?",
        "^*",
        r"\b+",
        "a{2,1}",
        "(?P<1>a)",
        "(?P<a>b)(?P<a>c)",
        r"\1",
        r"(\1)",
        r"(a)\2",
        r"[z-a]",
        r"[\d-z]",
        r"[a-\d]",
        r"\x4",
        r"\u004",
        r"\U00110000",
        r"\q",
        r"[\q]",
        r"\400",
        r"[\8]",
        r"[\400]",
        r"[\Z]",
        "a(?i)",
        "(?i",
        "(?i-i:a)",
        "(?-a:b)",
        "(?au)",
        "(?L)",
        "(?z)",
        "(?<a)",
        "(?P>a)",
        "(?<=a*)b",
        "(?<=a|bc)d",
        "(?(1)a|b|c)(d)",
        "(?(2)a)(b)",
        "(?(0)a)",
        "(?(x)a)",
        "(?P=x)",
        "(?#",
        r"\",
        "a{4294967295}",
        "(?a)(?u)b",
        "(?u)(?a)b",
        "(?P<a",
        "(?P<>a)",
        "a|*",
        "(?:a",
        "(?-:a)",
        "(?i-:a)",
    ] {
        assert!(Pattern::new(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn what_takes_too_long_is_no_match() {
    let start = std::time::Instant::now();
    let pattern = Pattern::new(r"(?:(a+)+\1?)+(?!x)b").unwrap();
    assert_ne!(pattern.matches(&"a".repeat(60)), Some(true));
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
    for pattern in [
        "(".repeat(10_000),
        "((a{1000}){1000}){1000}".into(),
        r"\w{9999}".repeat(99),
        "[".repeat(10_000),
        r"\w".repeat(1_000_000),
        r"\b".repeat(1_000_000),
        "|a".repeat(3_000_000),
    ] {
        assert!(Pattern::new(&pattern).is_err());
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(30));
}
