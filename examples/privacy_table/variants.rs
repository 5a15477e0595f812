//! What is compared: for each variant a schema, made of the fields of one base schema.

use pprl::Schema;
use pprl::owner::RarityList;
use pprl::schema::{Encoding, Hardening, HardeningStep, Kind, Missing, SaltPart};

use crate::profiles::{BUDGET, LENGTH, Shares, clk, core, field, fuzzy, guarded};

/// Why a schema of this program may be weak.
const REASON: &str = "Compared by privacy_table; not agreed with anybody";

/// Output bits of a guarded encoding.
const OUTPUT: usize = 4096;

/// The budgets of the default before this one: forename, surname, date and postcode of each encoding.
const FORMER: [(&str, [usize; 4]); 4] = [
    ("no_postcode", [61, 88, 107, 0]),
    ("no_date_of_birth", [59, 85, 0, 112]),
    ("no_surname", [56, 0, 96, 104]),
    ("no_forename", [0, 74, 87, 95]),
];

/// The schema as it is.
pub(crate) const DEFAULT: &str = "schema as it is";

/// One variant.
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) schema: Schema,
}

/// All variants that the schema's fields allow; Markov bigrams only with a list.
pub(crate) fn all(schema: &Schema, list: Option<&RarityList>) -> pprl::Result<Vec<Variant>> {
    let mut variants = Vec::new();
    let mut add = |name: &str, encodings: Vec<Encoding>| -> pprl::Result<()> {
        if !encodings.is_empty() {
            let schema = schema.with_encodings(encodings, REASON)?;
            variants.push(Variant { name: name.to_owned(), schema });
        }
        Ok(())
    };
    let plain = |hardening: Hardening| -> Vec<Encoding> {
        let encodings = clk(schema, Missing::Empty).into_iter();
        encodings.map(|encoding| encoding.with_hardening(hardening.clone())).collect()
    };
    let step = |step| Hardening::new().step(step);
    add("CLK", plain(Hardening::new()))?;
    add("CLK, XOR-folded", plain(step(HardeningStep::XorFold)))?;
    add("CLK, XOR-folded twice", plain(step(HardeningStep::XorFold).step(HardeningStep::XorFold)))?;
    add("CLK, balanced", plain(step(HardeningStep::Balance)))?;
    add("CLK, Rule 90", plain(step(HardeningStep::Rule90)))?;
    add("CLK, RESAM", plain(step(HardeningStep::Resam)))?;
    for (share, ten_thousandths) in [(".05", 500), (".1", 1_000), (".2", 2_000)] {
        let noise = Hardening::new().with_randomised_response(ten_thousandths);
        add(&format!("CLK, randomised response {share}"), plain(noise))?;
    }
    if let Some(date) = schema.fields().iter().position(|field| matches!(field.kind(), Kind::Date { .. })) {
        add("CLK, salted by year of birth", plain(Hardening::new().with_salt(date, SaltPart::Year)))?;
        add("CLK, salted by date of birth", plain(Hardening::new().with_salt(date, SaltPart::Whole)))?;
    }
    if let Some(list) = list {
        add("CLK, Markov 4", plain(Hardening::new().with_markov(4, list.sha256())))?;
    }
    let mut single = field(schema);
    single.extend(names(schema));
    add("one filter a field", single)?;
    for weight in [8, 10] {
        add(&format!("one diffused, t = {weight}"), one(schema, weight))?;
    }
    for weight in [10, 12, 14, 16, 20] {
        let encodings = guarded(schema, weight, OUTPUT, Shares::Equal, Missing::Random);
        let how_many = if encodings.len() == 4 { "four" } else { "core fields" };
        add(&format!("{how_many}, equal shares, t = {weight}"), encodings)?;
    }
    add("the default before, t = 12", former(schema))?;
    variants.push(Variant { name: DEFAULT.to_owned(), schema: schema.clone() });
    Ok(variants)
}

/// A filter of both names together, beside one for each: swapped names still agree.
fn names(schema: &Schema) -> Option<Encoding> {
    let names: Vec<(usize, usize)> =
        fuzzy(schema).filter(|(_, kind)| **kind == Kind::Name).map(|(field, _)| (field, 45)).collect();
    let is_taken = schema.fields().iter().any(|field| field.name() == "names");
    (names.len() == 2 && !is_taken).then(|| Encoding::new("names", 256, 0, 256, Missing::Empty, names))
}

/// One diffused encoding of all fields, a code counting a quarter of any other.
fn one(schema: &Schema, weight: usize) -> Vec<Encoding> {
    let shares = |kind: &Kind| if matches!(kind, Kind::Exact) { 1 } else { 4 };
    let all: usize = fuzzy(schema).map(|(_, kind)| shares(kind)).sum();
    let budgets = fuzzy(schema).map(|(field, kind)| (field, BUDGET * shares(kind) / all)).collect();
    vec![Encoding::new("all", LENGTH, weight, LENGTH, Missing::Random, budgets)]
}

/// The default before this one, where there are a forename, a surname, a date and a postcode.
fn former(schema: &Schema) -> Vec<Encoding> {
    let fields = core(schema);
    let kinds: Vec<&Kind> = fields.iter().map(|&field| schema.fields()[field].kind()).collect();
    let [Kind::Name, Kind::Name, Kind::Date { .. }, Kind::Postcode(_)] = kinds[..] else { return Vec::new() };
    let encoding = |(name, budgets): (&str, [usize; 4])| {
        let budgets = fields.iter().copied().zip(budgets).filter(|&(_, bits)| bits > 0).collect();
        Encoding::new(name, LENGTH, 12, OUTPUT, Missing::Random, budgets)
    };
    FORMER.into_iter().map(encoding).collect()
}
