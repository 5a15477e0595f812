//! How names get written wrongly, and which other name is the same person's.

use super::random::Dice;

/// The same name heard at a counter and spelt as it sounds: another spelling in use where there is one, or else a letter
/// or two that sound alike.
pub(super) fn misheard(name: &str, dice: Dice) -> String {
    let (first, rest) = split(name);
    if let Some(others) =
        VARIANTS.iter().find(|group| group.split(' ').any(|other| other == first)).filter(|_| dice.third(4) > 0)
    {
        let others: Vec<_> = others.split(' ').filter(|other| *other != first).collect();
        return format!("{}{rest}", others[dice.first(others.len())]);
    }
    let letters: Vec<char> = name.chars().collect();
    // Begin at a random rule and take the first that applies, so that hardly any name is left without one.
    let begin = dice.first(SOUNDS.len());
    for step in 0..SOUNDS.len() {
        let (sound, other) = SOUNDS[(begin + step) % SOUNDS.len()];
        let size = sound.chars().count();
        let places: Vec<usize> = (0..(letters.len() + 1).saturating_sub(size))
            .filter(|&at| letters[at..at + size].iter().flat_map(|c| c.to_lowercase()).eq(sound.chars()))
            .collect();
        if !places.is_empty() {
            let at = places[dice.second(places.len())];
            return replaced(&letters, at, size, other);
        }
    }
    mistyped(name, dice)
}

/// One slip of the finger: two letters swapped, one lost, doubled, or the key beside it.
pub(super) fn mistyped(name: &str, dice: Dice) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.is_empty() {
        return String::new();
    }
    let at = dice.second(letters.len());
    let kind = if letters.len() < 3 { 2 + dice.first(2) } else { dice.first(4) };
    match kind {
        0 => {
            // Not the capital: a swapped first letter is seen at once and put right.
            let at = 1 + at % (letters.len() - 2).max(1);
            if letters[at] == letters[at + 1] {
                letters.remove(at);
            } else {
                letters.swap(at, at + 1);
            }
        }
        1 => drop(letters.remove(at.max(1))),
        3 => {
            let beside = KEYS.iter().find_map(|row| {
                let key = row.find(letters[at].to_ascii_lowercase())?;
                let next =
                    if key + 1 < row.len() && dice.third(2) == 0 { key + 1 } else { key.checked_sub(1).unwrap_or(1) };
                row[next..].chars().next()
            });
            match beside {
                Some(key) if letters[at].is_uppercase() => letters[at] = key.to_ascii_uppercase(),
                Some(key) => letters[at] = key,
                None => letters.insert(at, letters[at]),
            }
        }
        _ => {
            let double = letters[at].to_lowercase().next().unwrap_or(letters[at]);
            letters.insert(at + 1, double);
        }
    }
    letters.into_iter().collect()
}

/// A number or a postcode with two neighbours swapped, or one character changed to another of its kind.
pub(super) fn miskeyed(code: &str, dice: Dice) -> String {
    let mut symbols: Vec<char> = code.chars().collect();
    let places: Vec<usize> = (0..symbols.len()).filter(|&at| symbols[at].is_ascii_alphanumeric()).collect();
    if places.is_empty() {
        return code.to_owned();
    }
    let at = places[dice.second(places.len())];
    let next = at + 1;
    let swaps = dice.first(2) == 0
        && next < symbols.len()
        && symbols[at] != symbols[next]
        && symbols[at].is_ascii_digit() == symbols[next].is_ascii_digit()
        && symbols[next].is_ascii_alphanumeric();
    if swaps {
        symbols.swap(at, next);
    } else if let Some(digit) = symbols[at].to_digit(10) {
        symbols[at] = char::from(b'0' + ((digit as usize + 1 + dice.third(9)) % 10) as u8);
    } else {
        let letter = usize::from(symbols[at].to_ascii_uppercase() as u8 - b'A');
        symbols[at] = char::from(b'A' + ((letter + 1 + dice.third(25)) % 26) as u8);
    }
    symbols.into_iter().collect()
}

/// What a child is called at school instead: a short form, or one half of a double name. Nothing where there is none.
pub(super) fn known_as(forename: &str, word: u64) -> Option<String> {
    let of_name = |group: &&'static str| group.strip_prefix(forename)?.strip_prefix(' ');
    if let Some(forms) = SHORT_FORMS.iter().find_map(of_name) {
        let forms: Vec<_> = forms.split(' ').collect();
        return Some(forms[(word % forms.len() as u64) as usize].to_owned());
    }
    let (first, rest) = split(forename);
    let rest = rest.trim_start_matches([' ', '-']);
    match (rest.is_empty(), first) {
        (true, _) => None,
        // Where every brother is Muhammad, the second name is the one that is called.
        (false, "Muhammad" | "Mohammed" | "Mohammad" | "Abdul" | "Syed") => Some(rest.to_owned()),
        (false, _) => Some(first.to_owned()),
    }
}

/// Letters without their marks, as a keyboard without them writes.
pub(super) fn plain_letters(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        match MARKED.iter().find(|(_, marked)| marked.contains(c)) {
            Some((letter, _)) => plain.push(*letter),
            None if c == 'ß' => plain.push_str("ss"),
            None => plain.push(c),
        }
    }
    plain
}

/// The first part of a double name, and the rest with its hyphen or space.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_at(name.find(['-', ' ']).unwrap_or(name.len()))
}

fn replaced(letters: &[char], at: usize, size: usize, other: &str) -> String {
    let mut name: String = letters[..at].iter().collect();
    let mut other = other.chars();
    let mut after = &letters[at + size..];
    if letters[at].is_uppercase() {
        match (other.next(), after.split_first()) {
            (Some(c), _) => name.extend(c.to_uppercase()),
            (None, Some((c, rest))) => {
                name.extend(c.to_uppercase());
                after = rest;
            }
            (None, None) => {}
        }
    }
    name.extend(other);
    name.extend(after);
    name
}

#[rustfmt::skip]
const SOUNDS: &[(&str, &str)] = &[
    ("ph", "f"), ("ck", "k"), ("ie", "y"), ("ee", "ea"), ("ea", "ee"), ("th", "t"), ("ll", "l"), ("nn", "n"),
    ("ss", "s"), ("tt", "t"), ("rr", "r"), ("ei", "ie"), ("ou", "u"), ("oo", "u"), ("kh", "k"), ("gh", "g"),
    ("sz", "sh"), ("cz", "ch"), ("ai", "ay"), ("ay", "ai"), ("au", "aw"), ("ey", "y"), ("y", "ie"), ("x", "ks"),
    ("qu", "kw"), ("c", "k"), ("k", "c"), ("s", "z"), ("z", "s"), ("v", "w"), ("w", "v"), ("j", "y"), ("g", "j"),
    ("d", "t"), ("b", "p"), ("m", "n"), ("ah", "a"), ("e", "i"), ("i", "e"), ("a", "e"), ("o", "u"), ("u", "o"),
    ("l", "ll"), ("n", "nn"), ("t", "tt"), ("h", ""),
];

const KEYS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

#[rustfmt::skip]
const MARKED: &[(char, &str)] = &[
    ('a', "áàâãäåăąā"), ('c', "çćčĉ"), ('d', "ďđ"), ('e', "éèêëęěēė"), ('g', "ğģ"), ('i', "íìîïıīį"), ('l', "łľļ"),
    ('n', "ñńňņ"), ('o', "óòôõöøőō"), ('r', "řŕ"), ('s', "śšşșſ"), ('t', "ťțţ"), ('u', "úùûüůűūų"), ('y', "ýÿ"),
    ('z', "źżž"), ('A', "ÁÀÂÃÄÅĂĄĀ"), ('C', "ÇĆČ"), ('D', "ĎĐ"), ('E', "ÉÈÊËĘĚĒĖ"), ('G', "ĞĢ"), ('I', "ÍÌÎÏİĪ"),
    ('L', "ŁĽĻ"), ('N', "ÑŃŇŅ"), ('O', "ÓÒÔÕÖØŐŌ"), ('R', "ŘŔ"), ('S', "ŚŠŞȘ"), ('T', "ŤȚŢ"), ('U', "ÚÙÛÜŮŰŪŲ"),
    ('Y', "ÝŸ"), ('Z', "ŹŻŽ"),
];

/// Spellings of one name, all in use.
#[rustfmt::skip]
const VARIANTS: &[&str] = &[
    "Muhammad Mohammed Mohammad Mohamed Muhammed Mohamad", "Ahmed Ahmad Achmed", "Hussain Hussein Husain Hussien",
    "Yusuf Yousuf Youssef Yousaf Yusef", "Ibrahim Ebrahim Ibraheem", "Aisha Ayesha Aysha Aishah",
    "Fatima Fatimah Fathima", "Maryam Mariam Maryum Mariyam", "Zainab Zaynab Zeinab", "Omar Umar Umer",
    "Usman Osman Uthman", "Zayn Zain Zane", "Khadija Khadijah Kadija", "Isa Eesa Issa", "Rahman Rehman Rehmaan",
    "Chowdhury Choudhury Choudhry Chaudhry Chaudhary", "Sheikh Shaikh Shaik", "Qureshi Quraishi Koreshi",
    "Begum Begam", "Miah Mia Miya", "Syed Sayed Said", "Akhtar Akter Akthar", "Sean Shaun Shawn Seán",
    "Stephen Steven Stephan", "Catherine Katherine Kathryn Catharine", "Siobhán Siobhan Shivaun Chevonne",
    "Zoë Zoe Zoey Zoee", "Chloë Chloe Cloe Khloe", "Niamh Neve Neave", "Aoife Eefa Aife", "Caoimhe Keeva Kweeva",
    "Saoirse Sersha Searsha", "Róisín Roisin Rosheen", "Sinéad Sinead Shinade", "Ciara Keira Kiera Kira",
    "Oisín Oisin Osheen", "Cian Kian Keane", "Eoin Owen Ewan Euan Ewen", "Rhys Reece Reese Rees",
    "Connor Conor Conner", "Aidan Aiden Ayden", "Jayden Jaden Jaydon Jaiden", "Callum Calum Kallum",
    "Lewis Louis Luis", "Isabella Izabella Isabela", "Isabelle Isabel Isobel", "Sophie Sofie Sophy", "Sophia Sofia",
    "Olivia Alivia", "Amelia Emelia Amilia", "Lily Lilly Lillie", "Millie Milly Mille", "Ellie Elly Elli",
    "Evie Evy Eve", "Gracie Gracey", "Maisie Maisy Mazie", "Freya Freyja Freja", "Phoebe Phebe Pheobe",
    "Imogen Imogene Immogen", "Eleanor Elinor Eleanore", "Harriet Harriett Harriot", "Georgia Jorja Georja",
    "Sara Sarah", "Hannah Hanna Hana", "Leah Lea Leia", "Megan Meghan Meagan", "Rebecca Rebekah Rebeca",
    "Abigail Abigale Abbigail", "Charlotte Sharlotte Charlott", "Matthew Mathew", "Nicholas Nicolas",
    "Philip Phillip", "Thomas Tomas", "Jonathan Johnathan", "Christopher Kristopher Cristopher",
    "Michael Micheal Mikael", "Alexander Alexandar Aleksander", "Theodore Theodor", "Frederick Fredrick Frederic",
    "Arthur Arther", "Zachary Zackary Zachery", "Elliot Elliott Eliot", "Harvey Harvie", "Jaxon Jackson Jaxson",
    "Finley Finlay Findlay", "Rory Ruaridh Rorie", "Kieran Kieron Ciaran Ciarán", "Declan Deklan", "Graham Graeme",
    "Alan Allan Allen", "Geoffrey Jeffrey", "Ian Iain", "Karen Karin", "Tracey Tracy", "Nicola Nichola",
    "Clarke Clark", "Thompson Thomson Tompson", "Smith Smyth Smythe", "Taylor Tayler Tailor", "Brown Browne",
    "Read Reid Reed", "Davies Davis", "Davidson Davison", "Phillips Philips", "Johnston Johnson Johnstone",
    "Stewart Stuart", "MacDonald McDonald Macdonald", "Mackenzie McKenzie MacKenzie", "McCarthy Macarthy McCarty",
    "Doherty Docherty Dougherty", "Reilly Riley", "O'Connor O'Conner Connor", "O'Reilly O'Riley", "Burke Bourke",
    "Kelly Kelley", "Byrne Burn Burne", "Walsh Welsh Walshe", "Moore More Moor", "Lee Leigh Li", "Gray Grey",
    "Harris Harries", "Evans Evens", "Hughes Hews Hughs", "Rees Reece Rhys", "Lloyd Loyd", "Pritchard Prichard",
    "Matthews Mathews", "Nicholls Nichols Nicolls", "Elliott Elliot Eliott", "Barrett Barratt", "Bennett Bennet",
    "Marshall Marshal", "Russell Russel", "Mitchell Mitchel", "Wright Right Write", "Knight Night", "Shaw Shore Sure",
    "Cook Cooke", "Wood Woods", "Łukasik Lukasik Lukasick", "Wójcik Wojcik Wojick", "Kowalski Kovalski",
    "Kowalska Kovalska", "Wiśniewski Wisniewski Vishnevski", "Nguyen Ngyuen Nguyan", "Ng Ing Eng", "Wong Wang",
    "Chan Chen", "Singh Sing", "Kaur Kour Cor", "Patel Pattel", "Shah Sha", "Yılmaz Yilmaz",
    "Gonçalves Goncalves Gonsalves", "Sousa Souza", "João Joao", "Łukasz Lukasz Lukash", "Michał Michal",
    "Zofia Sofia", "Maja Maya", "Aleksandra Alexandra", "Wiktoria Victoria", "Oliwia Olivia", "Jakub Jacob Yakub",
];

/// A name, then the forms that its bearers go by.
#[rustfmt::skip]
const SHORT_FORMS: &[&str] = &[
    "Alexander Alex Xander Sandy Al", "Alexandra Alex Lexi Sasha", "Aleksandra Ola Alex", "Andrew Andy Drew",
    "Anthony Tony Ant", "Antoni Antek Tony", "Abigail Abi Abbie Gail", "Amelia Millie Amy", "Annabelle Anna Belle",
    "Archie Arch", "Arabella Bella", "Beatrice Bea", "Benjamin Ben Benji", "Bethany Beth", "Cameron Cam",
    "Caroline Carrie", "Catherine Cathy Kate Cat", "Charles Charlie Chas", "Charlotte Charlie Lottie",
    "Christopher Chris Kit", "Christine Chris", "Daniel Dan Danny", "Danielle Dani", "David Dave Davy",
    "Deborah Debbie", "Dominic Dom", "Edward Ed Eddie Ted", "Eleanor Ellie Nell Nora",
    "Elizabeth Lizzie Beth Liz Eliza", "Emily Em Emmie", "Evelyn Evie", "Florence Flo Florrie",
    "Francesca Fran Frankie", "Frederick Fred Freddie", "Gabriel Gabe", "Gabriella Gabby", "Gabrielle Gabby",
    "Georgia Georgie", "Gregory Greg", "Harrison Harry", "Harriet Hattie", "Henry Harry Hal", "Imogen Immy",
    "Isabella Bella Izzy Isa", "Isabelle Izzy Belle", "Isobel Izzy", "Jacob Jake", "Jakub Kuba Jake",
    "James Jim Jamie Jimmy", "Jennifer Jenny Jen", "Jessica Jess Jessie", "Jonathan Jon Jonny", "Joseph Joe Joey",
    "Joshua Josh", "Katarzyna Kasia", "Katherine Kate Katie Kathy", "Kimberley Kim", "Krzysztof Chris Krzysiek",
    "Leonardo Leo", "Madeleine Maddie", "Maddison Maddie", "Małgorzata Gosia", "Margaret Maggie Meg Peggy",
    "Matilda Tilly Mattie", "Matthew Matt Matty", "Mateusz Matt", "Maximilian Max", "Megan Meg",
    "Michael Mike Mick Mikey", "Nathaniel Nathan Nat", "Nathan Nate", "Natasha Tasha", "Natalie Nat",
    "Nicholas Nick Nicky", "Nicola Nicky", "Oliver Ollie Oli", "Olivia Liv Livvy", "Oluwaseun Seun", "Oluwatobi Tobi",
    "Ayomide Ayo", "Temitope Temi Tope", "Chukwuemeka Emeka", "Chiamaka Amaka", "Patrick Paddy Pat", "Penelope Penny",
    "Peter Pete", "Philip Phil", "Rebecca Becky Becca", "Reginald Reggie", "Reuben Ruben Reu",
    "Richard Rich Rick Dick", "Robert Rob Bob Bobby Robbie", "Ronald Ron Ronnie", "Rosie Rose", "Ryan Ry",
    "Samantha Sam", "Samuel Sam Sammy", "Scarlett Scar Lettie", "Sebastian Seb", "Sophia Sophie", "Sophie Soph",
    "Stanley Stan", "Stephanie Steph", "Stephen Steve", "Steven Steve", "Susan Sue", "Szymon Simon",
    "Theodore Theo Teddy", "Thomas Tom Tommy", "Timothy Tim", "Tobias Toby", "Tomasz Tom Tomek",
    "Victoria Vicky Tori", "Wiktoria Viki", "William Will Bill Billy Liam", "Zachary Zach Zac Zak", "Zuzanna Zuza",
    "Piotr Peter", "Wojciech Wojtek", "Mikołaj Miki", "Yusuf Joe", "Ibrahim Ibby", "Muhammad Mo Hammy", "Mohammed Mo",
    "Mohammad Mo", "Mohamed Mo", "Abdullah Abdul", "Abdirahman Abdi", "Fatima Fati", "Khadija Kadi", "Zainab Zee",
    "Harpreet Harry Preet", "Gurpreet Gary Gurp", "Jaspreet Jas", "Manpreet Mani", "Simran Sim", "Krish Kris",
    "Saanvi Sanvi", "Ananya Anu", "Sukhdeep Sukh", "Amandeep Aman", "Mehmet Memo", "Mustafa Musti", "Francisco Chico",
    "Beatriz Bia", "José Zé", "Cillian Cill", "Caoimhe Keev", "Saoirse Sersh", "Gruffydd Gruff", "Rhiannon Rhi",
];

#[cfg(test)]
mod tests {
    use super::super::tables::{ERAS, ORIGINS};
    use super::*;

    #[test]
    fn every_mark_in_the_tables_can_be_dropped() {
        let eras = ERAS.iter().flat_map(|era| [era.girls, era.boys]);
        let origins = ORIGINS.iter().flat_map(|t| [t.girls, t.boys, t.surnames]);
        let tails = ORIGINS.iter().flat_map(|t| [t.surname_tail, t.forename_tail[0], t.forename_tail[1]]);
        let parts = tails.flatten().flat_map(|slots| slots.iter().copied());
        for text in eras.chain(origins).chain(parts).chain(SHORT_FORMS.iter().copied()) {
            let plain = plain_letters(text);
            assert!(plain.is_ascii(), "{plain}");
        }
    }
}
