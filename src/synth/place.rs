//! Where people live: streets that share a postcode, in neighbourhoods that share a sector.

use super::random::Stream;

/// Sixty-four families with children live around thirteen streets, that is about five to a postcode.
const FAMILIES: u64 = 64;
const STREETS: u32 = 13;
/// How many neighbourhoods there are before the postcodes begin again.
const BLOCKS: u64 = 12_000;

/// A street, and with it a postcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Street {
    block: u64,
    street: u32,
}

/// The postcodes: a format, or a list from a file.
pub(super) enum Places {
    Invented,
    Listed(Vec<String>),
}

impl Street {
    /// A street in the neighbourhood of a family. It depends on the family's number alone, so that a larger population
    /// leaves everyone where they were.
    pub(super) fn near(family: u64, random: &mut Stream) -> Self {
        Street { block: family / FAMILIES % BLOCKS, street: random.below(STREETS) }
    }

    /// Where someone lived before, or where the other parent lives: half of all moves stay in the neighbourhood.
    pub(super) fn elsewhere(self, random: &mut Stream) -> Self {
        let far = random.chance(5_000);
        let block = u64::from(random.below(BLOCKS as u32));
        let steps = 1 + random.below(STREETS - 1);
        Street { block: if far { block } else { self.block }, street: (self.street + steps) % STREETS }
    }
}

impl Places {
    pub(super) fn postcode(&self, at: Street) -> String {
        match self {
            Places::Invented => invented(at),
            Places::Listed(list) => {
                let number = at.block * u64::from(STREETS) + u64::from(at.street);
                list[(number % list.len() as u64) as usize].clone()
            }
        }
    }
}

fn invented(Street { block, street }: Street) -> String {
    let district = DISTRICTS[(block / 5 % DISTRICTS.len() as u64) as usize];
    let sector = block % 5 + block / 200 % 2 * 5;
    let unit = (block / 400 % 30) as usize * STREETS as usize + street as usize;
    let letter = |index: usize| char::from(UNIT[index % UNIT.len()]);
    format!("{district} {sector}{}{}", letter(unit / UNIT.len()), letter(unit))
}

/// The letters that the last two places of a postcode may hold.
const UNIT: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";

/// Districts in every shape a postcode has. They exist; the streets do not.
const DISTRICTS: &[&str; 40] = &[
    "OX4", "OX14", "OX16", "OX26", "OX28", "OX33", "RG1", "RG2", "RG30", "HP13", "HP19", "HP20", "MK3", "MK6", "MK13",
    "SL1", "SL3", "SL6", "B21", "B8", "WV10", "TF1", "TF7", "DY4", "WS2", "CV6", "L4", "L20", "CH41", "PR8", "M8",
    "BD3", "LS9", "E6", "E17", "N17", "SE15", "SW9", "W12", "EC1V",
];
