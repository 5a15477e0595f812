//! The checks in plain English: what each of them looks for, and what to do where it fails.

/// A check of the audit, for a reader who is no statistician.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// As in the ids of its gates, up to the first full stop.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) remedy: &'static str,
}

const CHECKS: [Check; 11] = [
    Check {
        id: "A0",
        name: "Configuration",
        meaning: "Whether the schema asks for something that known attacks exploit: filters that are not diffused or too \
                  little, filters of one or two fields, match keys whose values repeat, a class of every name in clear.",
        remedy: "Go back to the default profile, or have the reason for the exception signed off and written into the \
                 schema as accept_risk.",
    },
    Check {
        id: "A1",
        name: "Uneven bits",
        meaning: "How unevenly the bits of the encodings are set. Where some bits are set much more often than others, they \
                  follow frequent letters, and frequencies can be compared with those of a language.",
        remedy: "Raise the diffusion.",
    },
    Check {
        id: "A2",
        name: "Repeated values",
        meaning: "How often one encoding, or one value of a match key, stands in the file. What repeats can be counted, and \
                  the counts compared with a public list.",
        remedy: "Leave out the match key or give it more fields. Look for duplicates, and for placeholders such as UNKNOWN \
                 that the schema does not yet list as missing.",
    },
    Check {
        id: "A3",
        name: "Likeness that shows",
        meaning: "How well the likeness of two people can be told from the likeness of their encodings. Some of it must show, \
                  or nothing could be linked; where much shows, the file can be laid over a list of names like a map.",
        remedy: "Raise the diffusion, or shorten the output.",
    },
    Check {
        id: "A4",
        name: "Patterns of bits",
        meaning: "Whether pieces of names can be found as sets of bits that are often set together.",
        remedy: "Use diffused encodings, or raise the diffusion.",
    },
    Check {
        id: "A5",
        name: "Known people",
        meaning: "Somebody has learned which rows belong to some of the people (from reviewed links, a leak or a court case), \
                  and tries to name the others from a list. \"Ridge\" learns what the bits mean; \"likelihood\" compares how \
                  alike the rows are with how alike they should be, and is the stronger one on diffused encodings.",
        remedy: "Look for people who are in the file twice: who knows one of their rows knows the other. Give more weight \
                 (diffusion times budget) to the fields that relatives do not share, raise the diffusion, or have fewer \
                 encodings of the same people. Keep links and reviewed rows as secret as the file, and delete the \
                 encodings when the linkage is done.",
    },
    Check {
        id: "A6",
        name: "A list of the same people",
        meaning: "Somebody holds a list on which many of the same people stand, works out who on it is like whom, and lays that \
                  over the likeness of the encodings, knowing nobody or a few people beforehand.",
        remedy: "As for A5. A file of fewer people, or one that shares fewer people with any list, is safer too.",
    },
    Check {
        id: "A7",
        name: "Frequencies of names",
        meaning: "Whether the most frequent encodings can be lined up with the most frequent names of a public list.",
        remedy: "Encode no name alone: put three fields or more into each encoding.",
    },
    Check {
        id: "A8",
        name: "The key in wrong hands",
        meaning: "How long somebody who has the key needs to encode a whole register and look every row up. No encoding \
                  prevents that; the key's safety is all there is.",
        remedy: "Make sure that only data owners hold the key, and never the linkage unit. Make a new key for a new project, \
                 and at once where the key may be known.",
    },
    Check {
        id: "A9",
        name: "Small files and people who stand out",
        meaning: "Whether the file is so small, or some of its people so unlike the others, that being in it says who they are.",
        remedy: "Wait until the file is larger, leave out the people who stand out, or add decoy rows.",
    },
    Check {
        id: "A10",
        name: "Randomised bits",
        meaning: "Where bits are flipped by chance: what that promises for a bit, for a typing error and for a whole record \
                  (epsilon of differential privacy; a large epsilon promises little).",
        remedy: "Do not count on the flipping; use diffusion.",
    },
];

/// What stands in for a check that this table does not know.
const OTHER: Check = Check {
    id: "",
    name: "Other",
    meaning: "A figure that the audit reports; its title says what it is.",
    remedy: "Ask whoever maintains the schema.",
};

/// The part of a gate's id that says which check it belongs to.
pub(super) fn check_of(gate: &str) -> &str {
    gate.split('.').next().unwrap_or(gate)
}

/// What a gate's check is about.
pub(super) fn check(gate: &str) -> Check {
    let id = check_of(gate);
    CHECKS.into_iter().find(|check| check.id == id).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_to_the_first_full_stop() {
        assert_eq!(check("A1").name, "Uneven bits");
        assert_eq!(check("A10.epsilon.bit").name, "Randomised bits");
        assert_eq!(check("A5.likelihood.known-6000").name, "Known people");
        assert_eq!(check("A11").name, "Other");
        assert_eq!(check("").name, "Other");
    }

    /// Every check of the audit has its words, in the order of their numbers.
    #[test]
    fn every_check_has_its_words() {
        for (number, check) in CHECKS.iter().enumerate() {
            assert_eq!(check.id, format!("A{number}"));
            assert!(check.meaning.ends_with('.') && check.remedy.ends_with('.'));
        }
    }
}
