//! Files: candidate pairs, CLKs, results.

use std::fs;
use std::path::{Path, PathBuf};

use pprl::anonlink::{CandidatePairs, Clks, ClksAndBlocks, merge_files, write_groups, write_similarity_scores};
use pprl::{Cohort, ErrorKind};
use proptest::prelude::*;

use super::{candidate, some_pairs};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn files_there_and_back(pairs in some_pairs(), cut in 0..5usize) {
        let pairs = CandidatePairs::new(pairs).unwrap();
        let mut bytes = pairs.to_bytes();
        prop_assert_eq!(bytes.len(), 4 + 24 * pairs.len());
        prop_assert_eq!(&CandidatePairs::from_bytes(&bytes).unwrap(), &pairs);
        if cut > 0 {
            bytes.truncate(bytes.len() - cut);
            prop_assert!(CandidatePairs::from_bytes(&bytes).is_err());
        }
    }

    #[test]
    fn any_bytes_are_pairs_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), sizes in 0..80usize) {
        if bytes.len() > 4 {
            let (similarity, rest) = (sizes / 16, sizes % 16);
            let header = [1, [2, 4, 8, 3, 1][similarity], [1, 2, 4, 8][rest / 4], [1, 2, 4, 8][rest % 4]];
            bytes[..4].copy_from_slice(&header);
        }
        if let Ok(pairs) = CandidatePairs::from_bytes(&bytes) {
            prop_assert_eq!(CandidatePairs::from_bytes(&pairs.to_bytes()).unwrap(), pairs);
        }
    }
}

proptest! {
    // Files are written to disk.
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn merged_files_are_one_list(lists in proptest::collection::vec(some_pairs(), 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        let mut files: Vec<PathBuf> = Vec::new();
        for (i, list) in lists.iter().enumerate() {
            files.push(folder.path().join(i.to_string()));
            CandidatePairs::new(list.clone()).unwrap().write(&files[i]).unwrap();
        }
        let out = folder.path().join("out");
        let count = merge_files(&files, &out).unwrap();
        let all = CandidatePairs::new(lists.concat()).unwrap();
        prop_assert_eq!(count, all.len() as u64);
        prop_assert_eq!(fs::read(&out).unwrap(), all.to_bytes());
    }
}

#[test]
fn files_of_other_sizes() {
    let pairs = CandidatePairs::new(vec![candidate(0.75, [0, 1], [7, 200]), candidate(0.5, [0, 2], [9, 3])]).unwrap();
    for (similarity, half) in [(2u8, [[0x00, 0x3a], [0x00, 0x38]]), (4, [[0x40, 0x3f], [0x00, 0x3f]]), (8, [[0; 2]; 2])]
    {
        for dataset in [1u8, 2, 4, 8] {
            for row in [1u8, 2, 4, 8] {
                let mut bytes = vec![1, similarity, dataset, row];
                for (pair, half) in pairs.pairs().iter().zip(half) {
                    if similarity == 8 {
                        bytes.extend(pair.similarity.to_le_bytes());
                    } else {
                        bytes.extend(vec![0; usize::from(similarity) - 2]);
                        bytes.extend(half);
                    }
                    for (size, number) in
                        [dataset, dataset, row, row].into_iter().zip(pair.datasets.iter().chain(&pair.rows))
                    {
                        bytes.extend(&u64::from(*number).to_le_bytes()[..usize::from(size)]);
                    }
                }
                assert_eq!(CandidatePairs::from_bytes(&bytes).unwrap(), pairs, "{similarity} {dataset} {row}");
            }
        }
    }
}

#[test]
fn files_that_are_none() {
    let said = |bytes: &[u8]| CandidatePairs::from_bytes(bytes).unwrap_err().to_string();
    for header in [
        &b""[..],
        &[1, 8, 4],
        &[2, 8, 4, 4],
        b"{\"clks\": []}",
        &[1, 3, 4, 4],
        &[1, 8, 3, 4],
        &[1, 8, 4, 0],
        &[1, 1, 4, 4],
    ] {
        assert!(said(header).contains("no file of candidate pairs"), "{header:?}");
    }
    let with = |similarity: f64| {
        let mut bytes = CandidatePairs::new(vec![candidate(0.5, [0, 1], [0, 0])]).unwrap().to_bytes();
        bytes[4..12].copy_from_slice(&similarity.to_le_bytes());
        bytes
    };
    for wrong in [f64::NAN, f64::INFINITY, -0.1, 1.09] {
        assert!(said(&with(wrong)).starts_with("row 1: the similarity"), "{wrong}");
    }
    assert!(said(&with(0.5)[..27]).contains("cut short"));
    let mut large = vec![1, 8, 4, 8];
    large.extend(with(0.5)[4..20].iter());
    large.extend(u64::from(u32::MAX).to_le_bytes());
    large.extend((1u64 << 32).to_le_bytes());
    assert!(said(&large).contains("row 1: an index"));
    assert!(CandidatePairs::new(vec![candidate(f64::NAN, [0, 1], [0, 0])]).is_err());
    assert!(CandidatePairs::new(vec![candidate(1.5, [0, 1], [0, 0])]).is_err());

    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("file"), folder.path().join("out"));
    let missing = CandidatePairs::read(folder.path().join("none")).unwrap_err();
    assert!(matches!(missing.kind(), ErrorKind::Io { .. }));
    fs::write(&file, with(2.0)).unwrap();
    assert!(CandidatePairs::read(&file).unwrap_err().to_string().starts_with(file.to_str().unwrap()));
    assert!(merge_files(&[&file], &out).unwrap_err().to_string().contains("row 1: the similarity"));
    assert!(!out.exists());
    // Not in order: read, but not merged as a stream.
    let mut bytes = with(0.25);
    bytes.extend(&with(0.75)[4..]);
    fs::write(&file, &bytes).unwrap();
    assert_eq!(CandidatePairs::read(&file).unwrap().pairs()[0].similarity, 0.75);
    let wrong = merge_files(&[&file], &out).unwrap_err().to_string();
    assert!(wrong.starts_with(file.to_str().unwrap()) && wrong.contains("row 2: the pair is not in order"), "{wrong}");
    assert!(!out.exists());
    assert!(merge_files::<PathBuf>(&[], &out).is_err());
}

#[test]
fn results_are_written_as_python_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.json");
    let written = || fs::read_to_string(&file).unwrap();
    write_groups(&[vec![(0, 3), (1, 5)], vec![(0, 4), (1, 0), (2, 7)]], &file).unwrap();
    // json.dump(groups, file, indent=4)
    let lines = [
        "[",
        "    [",
        "        [",
        "            0,",
        "            3",
        "        ],",
        "        [",
        "            1,",
        "            5",
        "        ]",
        "    ],",
        "    [",
        "        [",
        "            0,",
        "            4",
        "        ],",
        "        [",
        "            1,",
        "            0",
        "        ],",
        "        [",
        "            2,",
        "            7",
        "        ]",
        "    ]",
        "]",
    ];
    assert_eq!(written(), lines.join("\n"));
    write_groups(&[], &file).unwrap();
    assert_eq!(written(), "[]");
    let pairs =
        CandidatePairs::new(vec![candidate(1.0, [0, 2], [3, 1]), candidate(2.0 / 3.0, [0, 1], [3, 5])]).unwrap();
    write_similarity_scores(&pairs, &file).unwrap();
    assert_eq!(written(), r#"{"similarity_scores": [[[0, 3], [2, 1], 1.0], [[0, 3], [1, 5], 0.6666666666666666]]}"#);
}

#[test]
fn clks_there_and_back() {
    // As Python's json.dumps writes it.
    let text = br#"{"clks": ["AQI=", "/+8="]}"#;
    let two = Clks::from_json(text).unwrap();
    assert_eq!((two.rows(), two.bits()), (2, 16));
    assert_eq!(two.matrix().bytes(1), [0xff, 0xef]);
    assert_eq!(two.to_json(), text);
    assert_eq!(format!("{two:?}"), "Clks(2 rows of 16 bits)");
    assert_eq!(Clks::from_json(b"{\"clks\": []}").unwrap().to_json(), b"{\"clks\": []}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clks.json");
    two.write(&file).unwrap();
    assert_eq!(fs::read(&file).unwrap(), text);
    assert_eq!(Clks::read(&file).unwrap(), two);
    // Old files have line feeds inside; other keys say other things; and the list may come last.
    let other = "{\"schema\": {\"clks\": 1}, \"n\": [1, null],\n \"clks\": [\"A\\nQI=\\n\",\n \" /+8 =\"]}\n";
    assert_eq!(Clks::from_json(other.as_bytes()).unwrap(), two);
}

#[test]
fn clks_that_are_none() {
    let cases = [
        ("", "ends too early"),
        ("{\"clks\": [\"AQI=\"", "ends too early"),
        ("[]", "is not the JSON of a file of CLKs"),
        ("{\"clks\": 3}", "is not the JSON of a file of CLKs"),
        ("{\"clks\": [\"AQI=\"]} 1", "is not JSON"),
        ("{}", "no list \"clks\""),
        ("{\"clknblocks\": []}", "together with blocks"),
        ("{\"clks\": [], \"clks\": []}", "more than one list"),
        ("{\"clks\": [], \"clknblocks\": []}", "more than one list"),
        ("{\"clks\": [\"AQI=\", \"AQ==\"]}", "row 2: the CLK has another length"),
        ("{\"clks\": [\"AQI=\", \"secret!!\"]}", "row 2: the CLK is not base64"),
        ("{\"clks\": [\"AQI\"]}", "row 1: the CLK is not base64"),
        ("{\"clks\": [\"\"]}", "row 1: the CLK is empty"),
        ("{\"clks\": [null]}", "row 1: the CLK is missing"),
        ("{\"clks\": [\"AQI=\", 77]}", "is not the JSON of a file of CLKs"),
    ];
    for (text, part) in cases {
        let said = Clks::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
        assert!(!said.contains("secret") && !said.contains("77"), "{said}");
    }
    let long = format!("{{\"clks\": [\"{}\"]}}", "AAAA".repeat((1 << 21) / 3 + 1));
    assert!(Clks::from_json(long.as_bytes()).unwrap_err().to_string().contains("longer than"));
}

#[test]
fn clks_with_blocks() {
    let text = r#"{"clknblocks": [["AQI=", "1", "née"], ["/+8="]]}"#;
    let both = ClksAndBlocks::from_json(text.as_bytes()).unwrap();
    assert_eq!(both.clks.to_json(), br#"{"clks": ["AQI=", "/+8="]}"#);
    assert_eq!(both.blocks, [vec!["1".to_owned(), "née".to_owned()], vec![]]);
    assert_eq!(format!("{both:?}"), "ClksAndBlocks(2 rows of 16 bits)");
    for (text, part) in [
        ("{\"clks\": []}", "no list \"clknblocks\""),
        ("{\"clknblocks\": [[\"AQI=\"], []]}", "row 2: there is no CLK"),
        ("{\"clknblocks\": [[\"AQI=\"], [\"!\"]]}", "row 2: the CLK is not base64"),
        ("{\"clknblocks\": [[\"AQI=\", null]]}", "row 1: the CLK or a block is missing"),
        ("{\"clknblocks\": [\"AQI=\"]}", "is not the JSON"),
    ] {
        let said = ClksAndBlocks::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(part), "{text}: {said}");
    }
}

/// What must never be at the linkage unit, or must be opened first, is called what it is.
#[test]
fn keys_and_sealed_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, format!("# key\n{}\n", "0123456789abcdef".repeat(4))).unwrap();
    assert!(matches!(Clks::read(&file).unwrap_err().kind(), ErrorKind::Key { .. }));
    assert!(matches!(ClksAndBlocks::read(&file).unwrap_err().kind(), ErrorKind::Key { .. }));
    fs::write(&file, "age-encryption.org/v1\n-> X25519 abc\n").unwrap();
    assert!(Clks::read(&file).unwrap_err().to_string().contains("sealed"));
}

/// The file of a cohort with one encoding is also anonlink's.
#[test]
fn a_cohort_with_one_encoding_is_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/cohort/clk.json");
    // A published crate comes without it.
    if let Ok(cohort) = Cohort::read(&file) {
        let clks = Clks::read(&file).unwrap();
        assert_eq!(clks.matrix(), &cohort.encodings()[0]);
    }
}
