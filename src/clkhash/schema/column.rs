//! One feature of a schema, by the rules of its version.

use std::collections::BTreeSet;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::json::{Node, Value};
use super::read::{is_zero, round, weighted};
use super::view::{Integers, Sink, View};
use super::{Comparison, Feature, Hashing, MissingValue, Strategy, TokenHash};
use crate::clkhash::format::{Case, DatePattern, Format, TextEncoding, TextPattern};
use crate::clkhash::python::MOST_DIGITS;

/// The longest n-gram, in characters.
const MOST_NGRAM: u64 = 10_000;

/// The greatest `resolution`: a value has twice as many tokens.
const MOST_RESOLUTION: u64 = 100_000;

/// The most positions of a token, and of a value.
const MOST_POSITIONS: u64 = 1_000_000;

/// A value without a known length may well have more tokens than this.
const FEW: usize = 20;

/// What features of version 1 share.
pub(super) struct Weights {
    /// Positions of a token of weight 1, where it was read.
    pub(super) k: Option<BigInt>,
    /// Whether `hash` was read.
    pub(super) hash: bool,
    /// `hash` of `clkConfig` and its path.
    pub(super) config: Option<(Node, String)>,
}

/// How much is asked of a feature.
#[derive(Clone, Copy)]
struct Rules {
    version: u8,
    /// It is ignored in the end: clkhash looks at its shape and does not use it.
    idle: bool,
}

impl Rules {
    fn integers(self) -> Integers {
        if self.version == 1 { Integers::Written } else { Integers::Whole }
    }

    /// For what Python uses as an integer, where it uses it.
    fn strict(self) -> Integers {
        if self.idle { self.integers() } else { Integers::Written }
    }
}

/// `None` only where a problem was found.
pub(super) fn feature(view: &View<'_>, version: u8, weights: Option<&Weights>) -> Option<Feature> {
    view.object()?;
    let identifier = view.require("identifier", "the name of the column").and_then(|identifier| identifier.text());
    if let Some(description) = view.get("description") {
        description.text()?;
    }
    let ignored = view.get("ignored");
    if ignored.as_ref().is_some_and(|ignored| matches!(ignored.node.value, Value::Bool(true))) {
        ignored_feature(view, version)?;
        return Some(Feature { identifier: identifier?.to_owned(), hashing: None });
    }
    let hashing = view.get("hashing");
    let weight = hashing.as_ref().and_then(|hashing| hashing.get("weight")).filter(|_| version == 1);
    let zero = weight.is_some_and(|weight| is_zero(&weight.node.value));
    if let Some(ignored) = ignored
        && !(zero && is_false(&ignored.node.value))
    {
        ignored.boolean()?;
    }
    let (format, hashing) = parts(view, Rules { version, idle: zero }, weights);
    view.known(&["identifier", "description", "ignored", "format", "hashing"]);
    let (identifier, format) = (identifier?.to_owned(), format?);
    let (comparison, strategy, hash, missing) = match hashing? {
        Sound::Parts(parts) => parts,
        // Version 1 only: the feature is rewritten as an ignored one.
        Sound::Idle => return Some(Feature { identifier, hashing: None }),
    };
    let hashing = Hashing { format, comparison, strategy, hash, missing };
    surprises(view, &hashing);
    Some(Feature { identifier, hashing: Some(hashing) })
}

/// What Python takes for false.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Text(text) => text.is_empty(),
        Value::List(all) => all.is_empty(),
        Value::Object(object) => object.members.is_empty(),
        number => is_zero(number),
    }
}

/// The two forms of an ignored feature: a name alone, or a complete feature of version 3. Versions 1 and 2 take the second
/// by accident, and not where it is complete by their own rules too.
fn ignored_feature(view: &View<'_>, version: u8) -> Option<()> {
    let Value::Object(object) = &view.node.value else { return None };
    let bare = ["identifier", "ignored", "description"];
    if object.members.iter().all(|(name, _)| bare.contains(&name.as_str())) {
        return Some(());
    }
    let quiet = Sink::default();
    let view_quietly = view.quietly(&quiet);
    // Version 3 takes any value of `hashing` but a bad object. So do the others, for which the feature is then both forms.
    let both = version < 3
        && view.get("hashing").is_some_and(|hashing| !matches!(hashing.node.value, Value::Object(_)))
        && view_quietly
            .get("format")
            .is_some_and(|format| self::format(&format, Rules { version, idle: true }).is_some());
    let (format, hashing) = parts(&view_quietly, Rules { version: 3, idle: true }, None);
    if !both && format.is_some() && hashing.is_some() && quiet.problems.borrow().is_empty() {
        return Some(());
    }
    view.problem(
        "an ignored feature has identifier, ignored and description only: remove the other keys, or `ignored` if it is to be \
         hashed",
    );
    None
}

type Parts = (Comparison, Strategy, TokenHash, Option<MissingValue>);

/// A sound `hashing`.
enum Sound {
    Parts(Parts),
    /// Of a feature that is ignored in the end: nothing uses it.
    Idle,
}

/// `format` and `hashing`.
fn parts(view: &View<'_>, rules: Rules, weights: Option<&Weights>) -> (Option<Format>, Option<Sound>) {
    let format = view.require("format", "an object with type").and_then(|format| self::format(&format, rules));
    let hashing = view.require("hashing", "how the column is hashed").and_then(|hashing| {
        if rules.idle && !matches!(hashing.node.value, Value::Object(_)) && rules.version == 3 {
            return Some(Sound::Idle);
        }
        hashing.object()?;
        let parts = match rules.version {
            1 => hashing_1(&hashing, rules, weights),
            2 => hashing_2(&hashing, rules),
            _ => hashing_3(&hashing, rules),
        };
        parts.map(|parts| if rules.idle { Sound::Idle } else { parts })
    });
    (format, hashing)
}

fn format(view: &View<'_>, rules: Rules) -> Option<Format> {
    view.object()?;
    let before = view.sink.problems.borrow().len();
    let kind = view.require("type", "\"string\", \"integer\", \"date\" or \"enum\"")?;
    let kind = kind.word(&[("string", 's'), ("integer", 'i'), ("date", 'd'), ("enum", 'e')])?;
    if let Some(description) = view.get("description") {
        description.text();
    }
    let encodings = [
        ("ascii", TextEncoding::Ascii),
        ("utf-8", TextEncoding::Utf8),
        ("utf-16", TextEncoding::Utf16),
        ("utf-32", TextEncoding::Utf32),
    ];
    let encoding = || match view.get("encoding") {
        Some(encoding) => encoding.word(&encodings),
        None => Some(TextEncoding::Utf8),
    };
    let format = match kind {
        's' if view.get("pattern").is_some() => {
            view.only(&["type", "encoding", "pattern", "description"], "a string with a pattern");
            let encoding = encoding();
            let pattern = view.get("pattern")?;
            let source = pattern.text()?;
            // An ignored feature's pattern is never compiled.
            let read = if rules.idle { TextPattern::new("") } else { TextPattern::new(source) };
            let read = read
                .map_err(|message| pattern.problem(format!("this pattern of Python's `re` cannot be used: {message}")));
            Some(Format::Pattern { encoding: encoding?, pattern: read.ok()? })
        }
        's' => {
            view.only(&["type", "encoding", "case", "minLength", "maxLength", "description"], "a string");
            let cases = [("upper", Case::Upper), ("lower", Case::Lower), ("mixed", Case::Mixed)];
            let case = view.get("case").map_or(Some(Case::Mixed), |case| case.word(&cases));
            let length = |name: &str, least: u64| match view.get(name) {
                Some(view) => view.any_integer(rules.integers()).and_then(|number| {
                    if number < BigInt::from(least) {
                        view.problem(format!("must be at least {least}"));
                        return None;
                    }
                    // No text is that long.
                    Some(Some(number.to_u64().unwrap_or(u64::MAX)))
                }),
                None => Some(None),
            };
            let (min_length, max_length) = (length("minLength", 0), length("maxLength", 1));
            Some(Format::Text { encoding: encoding()?, case: case?, min_length: min_length?, max_length: max_length? })
        }
        'i' => {
            view.only(&["type", "minimum", "maximum", "description"], "an integer");
            let bound = |name: &str| match view.get(name) {
                Some(view) => view.any_integer(rules.integers()).map(Some),
                None => Some(None),
            };
            let (minimum, maximum) = (bound("minimum"), bound("maximum"));
            Some(Format::Integer { minimum: minimum?, maximum: maximum? })
        }
        'd' => {
            view.only(&["type", "format", "description"], "a date");
            let pattern = view.require("format", "how dates are written, such as \"%Y-%m-%d\"")?;
            let source = pattern.text()?;
            let read = if rules.idle { DatePattern::new("") } else { DatePattern::new(source) };
            let read =
                read.map_err(|message| pattern.problem(format!("dates cannot be read by this format: {message}")));
            let format = read.ok()?;
            if !rules.idle && !format.format.has_year() {
                pattern.surprise("without a year every date is one of 1900, and 29 February is refused");
            }
            Some(Format::Date { format })
        }
        _ => {
            view.only(&["type", "values", "description"], "an enum");
            let values = view.require("values", "a list of texts")?.list()?;
            let values: Vec<Option<&str>> = values.iter().map(View::text).collect();
            let values: Option<BTreeSet<String>> = values.into_iter().map(|value| value.map(str::to_owned)).collect();
            Some(Format::Enum { values: values? })
        }
    };
    format.filter(|_| view.sink.problems.borrow().len() == before)
}

/// n-grams as versions 1 and 2 write them.
fn ngram(view: &View<'_>, rules: Rules) -> Option<Comparison> {
    let least = u64::from(!(rules.version == 1 && rules.idle));
    let n = view.require("ngram", "how many characters a token has");
    let n = n.and_then(|n| n.integer(rules.strict(), least, MOST_NGRAM));
    let positional = view.get("positional").map_or(Some(false), |positional| positional.boolean());
    Some(Comparison::Ngram { n: n? as usize, positional: positional? })
}

fn hashing_1(view: &View<'_>, rules: Rules, weights: Option<&Weights>) -> Option<Sound> {
    let comparison = ngram(view, rules);
    let missing = missing(view, rules);
    if !rules.idle {
        // The last three are overwritten when the schema is rewritten.
        let names = ["ngram", "positional", "weight", "missingValue", "strategy", "hash", "comparison"];
        view.only(&names, "the hashing of version 1");
        view.known(&names[..4]);
    }
    let weights = weights?;
    let strategy = match view.get("weight") {
        None => weights.k.as_ref().and_then(|k| positions(view, Some(k.clone()))),
        Some(weight) => {
            let value = weight.number()?;
            if matches!(value, Value::Integer(number) if *number < BigInt::ZERO)
                || matches!(value, Value::Float(number) if *number < 0.0)
            {
                weight.problem("must be at least 0");
                return None;
            }
            if rules.idle {
                return Some(Sound::Idle);
            }
            weights.k.as_ref().and_then(|k| positions(&weight, weighted(value, k)))
        }
    };
    let hash = match &weights.config {
        Some((node, path)) if weights.hash => {
            token_hash(&View { sink: view.sink, node, path: path.clone() }, rules.idle)
        }
        _ => None,
    };
    if rules.idle {
        return comparison.and(missing).map(|_| Sound::Idle);
    }
    Some(Sound::Parts((comparison?, Strategy::BitsPerToken(strategy?), hash?, missing?)))
}

/// The positions of a token of version 1, from its weight.
fn positions(view: &View<'_>, number: Option<BigInt>) -> Option<usize> {
    match number {
        Some(number) if number == BigInt::ZERO => {
            view.problem("weight × k rounds to 0; write 0 for a feature to be ignored");
        }
        Some(number) => match number.to_u64().filter(|&number| number <= MOST_POSITIONS) {
            Some(number) => return Some(number as usize),
            None => view.problem(format!("weight × k is above {MOST_POSITIONS}, which is not supported here")),
        },
        None => view.problem("weight × k is no finite number"),
    }
    None
}

fn hashing_2(view: &View<'_>, rules: Rules) -> Option<Sound> {
    view.only(&["ngram", "positional", "strategy", "hash", "missingValue"], "the hashing of version 2");
    let comparison = ngram(view, rules);
    let missing = missing(view, rules);
    let hash = view.get("hash").map_or(Some(TokenHash::Blake), |hash| token_hash(&hash, rules.idle));
    let strategy = view.require("strategy", "an object with k or numBits").and_then(|strategy| {
        strategy.object()?;
        match (strategy.get("k"), strategy.get("numBits")) {
            (Some(k), None) => {
                // A key of version 3 is overwritten when the schema is rewritten.
                strategy.only(&["k", "bitsPerToken"], "a strategy of version 2 with k");
                strategy.known(&["k"]);
                k.integer(rules.integers(), 1, MOST_POSITIONS).map(|k| Strategy::BitsPerToken(k as usize))
            }
            (None, Some(bits)) => {
                strategy.only(&["numBits", "bitsPerFeature"], "a strategy of version 2 with numBits");
                strategy.known(&["numBits"]);
                bits.integer(rules.integers(), 1, MOST_POSITIONS).map(|bits| Strategy::BitsPerFeature(bits as usize))
            }
            _ => {
                strategy.problem("must have either k or numBits");
                None
            }
        }
    });
    Some(Sound::Parts((comparison?, strategy?, hash?, missing?)))
}

fn hashing_3(view: &View<'_>, rules: Rules) -> Option<Sound> {
    view.only(&["comparison", "strategy", "hash", "missingValue"], "hashing");
    let comparison = view.require("comparison", "an object with type");
    let comparison = comparison.and_then(|comparison| self::comparison(&comparison, rules));
    let missing = missing(view, rules);
    let hash = view.get("hash").map_or(Some(TokenHash::Blake), |hash| token_hash(&hash, rules.idle));
    let strategy = view.require("strategy", "an object with bitsPerToken or bitsPerFeature").and_then(|strategy| {
        strategy.object()?;
        strategy.only(&["bitsPerToken", "bitsPerFeature"], "a strategy");
        let count = |view: &View<'_>| view.integer(rules.integers(), 1, MOST_POSITIONS).map(|count| count as usize);
        match (strategy.get("bitsPerToken"), strategy.get("bitsPerFeature")) {
            (Some(bits), None) => count(&bits).map(Strategy::BitsPerToken),
            (None, Some(bits)) => count(&bits).map(Strategy::BitsPerFeature),
            _ => {
                strategy.problem("must have either bitsPerToken or bitsPerFeature");
                None
            }
        }
    });
    Some(Sound::Parts((comparison?, strategy?, hash?, missing?)))
}

/// A hash. `idle`: only its shape is checked.
pub(super) fn token_hash(view: &View<'_>, idle: bool) -> Option<TokenHash> {
    view.object()?;
    let double =
        view.require("type", "\"blakeHash\" or \"doubleHash\"")?.word(&[("blakeHash", false), ("doubleHash", true)])?;
    view.known(&["type", "prevent_singularity"]);
    let prevent = view.get("prevent_singularity");
    if double {
        let prevent_singularity = prevent.map_or(Some(false), |prevent| prevent.boolean())?;
        return Some(TokenHash::Double { prevent_singularity });
    }
    if let Some(prevent) = prevent.filter(|prevent| !idle && !matches!(prevent.node.value, Value::Null)) {
        prevent.problem("is for doubleHash only; remove it");
        return None;
    }
    Some(TokenHash::Blake)
}

/// The outer `None` is a problem.
#[expect(clippy::option_option, reason = "a problem, none, or one")]
fn missing(view: &View<'_>, rules: Rules) -> Option<Option<MissingValue>> {
    let Some(view) = view.get("missingValue") else { return Some(None) };
    if rules.idle && !matches!(view.node.value, Value::Object(_)) {
        return Some(None);
    }
    view.object()?;
    view.known(&["sentinel", "replaceWith"]);
    let sentinel = view.require("sentinel", "the text that stands for a missing value").and_then(|view| view.text());
    let replace_with = match view.get("replaceWith") {
        Some(replace) => Some(replace.text()?.to_owned()),
        None => None,
    };
    let sentinel = sentinel?.to_owned();
    if !rules.idle && replace_with.is_none() && !sentinel.is_empty() {
        view.surprise(
            "without `replaceWith` the sentinel itself is hashed, so that missing values agree with each other; to hash \
             nothing add \"replaceWith\": \"\"",
        );
    }
    Some(Some(MissingValue { sentinel, replace_with }))
}

fn comparison(view: &View<'_>, rules: Rules) -> Option<Comparison> {
    view.object()?;
    let kind = view.require("type", "\"ngram\", \"exact\" or \"numeric\"")?;
    match kind.word(&[("ngram", 'g'), ("exact", 'e'), ("numeric", 'n')])? {
        'g' => {
            view.known(&["type", "n", "positional"]);
            let n = view.require("n", "how many characters a token has");
            let n = n.and_then(|n| n.integer(rules.strict(), 1, MOST_NGRAM));
            let positional = view.get("positional").map_or(Some(false), |positional| positional.boolean());
            Some(Comparison::Ngram { n: n? as usize, positional: positional? })
        }
        'e' => {
            view.known(&["type"]);
            Some(Comparison::Exact)
        }
        _ => numeric(view, rules),
    }
}

fn numeric(view: &View<'_>, rules: Rules) -> Option<Comparison> {
    view.known(&["type", "thresholdDistance", "resolution", "fractional_precision", "fractionalPrecision"]);
    if let Some(view) = view.get("fractionalPrecision") {
        view.surprise(
            "clkhash ignores this spelling; it reads `fractional_precision` only, and 0 where that is missing",
        );
    }
    let threshold = view.require("thresholdDistance", "from which distance on numbers have nothing in common");
    let resolution = view.require("resolution", "how many tokens there are on each side of a number");
    let resolution = resolution.and_then(|view| view.integer(rules.strict(), 1, MOST_RESOLUTION));
    let precision_view = view.get("fractional_precision");
    let precision = match &precision_view {
        None => Some(0),
        // Python's 1.0 is as good as 1 here; from 10.0 on its tokens are other texts.
        Some(view) if matches!(view.node.value, Value::Float(0.0)) && rules.version != 1 => Some(0),
        Some(view) => view.integer(rules.strict(), 0, MOST_DIGITS as u64),
    };
    let threshold = threshold?;
    let distance = match &threshold.node.value {
        // The shape of a number is all that is asked of an ignored feature.
        Value::Float(value) if rules.idle && (value.is_nan() || *value > 0.0) => return Some(Comparison::Exact),
        _ => threshold.number()?,
    };
    if matches!(distance, Value::Integer(number) if *number <= BigInt::ZERO)
        || matches!(distance, Value::Float(number) if *number <= 0.0)
    {
        threshold.problem("must be above 0");
        return None;
    }
    let (resolution, precision) = (resolution? as usize, precision? as u32);
    if rules.idle {
        return Some(Comparison::Exact);
    }
    let as_float = precision_view.is_some_and(|view| matches!(view.node.value, Value::Float(_)));
    let step = match distance {
        Value::Integer(number) if !as_float => Some(number * BigInt::from(10).pow(precision)),
        Value::Integer(number) => number.to_f64().and_then(round),
        Value::Float(number) => power_of_ten(precision).and_then(|power| round(number * power)),
        _ => None,
    };
    let Some(step) = step else {
        threshold.problem(
            "thresholdDistance × 10^fractional_precision is too large for a double, in which clkhash counts it",
        );
        return None;
    };
    if step == BigInt::ZERO {
        threshold.problem("rounds to 0 at this precision: raise fractional_precision");
        return None;
    }
    if step.to_string().trim_start_matches('-').len() > MOST_DIGITS {
        threshold.problem(format!("tokens would have more than {MOST_DIGITS} digits, which Python does not print"));
        return None;
    }
    let exact = match distance {
        Value::Float(number) => {
            power_of_ten(precision).zip(step.to_f64()).is_some_and(|(power, step)| step / power == *number)
        }
        _ => true,
    };
    if !exact {
        threshold.surprise(format!("is rounded to {step} at {precision} decimal places, half to even"));
    }
    Some(Comparison::Numeric { step, resolution, precision })
}

/// `None` where it is above the greatest double.
fn power_of_ten(exponent: u32) -> Option<f64> {
    format!("1e{exponent}").parse().ok().filter(|power: &f64| power.is_finite())
}

/// What surprises about a feature as a whole.
fn surprises(view: &View<'_>, hashing: &Hashing) {
    if let Comparison::Numeric { precision: 0, .. } = hashing.comparison
        && matches!(hashing.format, Format::Text { .. } | Format::Pattern { .. } | Format::Enum { .. })
    {
        view.surprise(
            "numeric comparison without fractional_precision cuts decimals off (2.9 is 2); it does not round",
        );
    }
    let Strategy::BitsPerFeature(bits) = hashing.strategy else { return };
    // The longest value, where the format tells.
    let length = match &hashing.format {
        Format::Text { max_length, .. } => max_length.and_then(|length| usize::try_from(length).ok()),
        Format::Enum { values } => values.iter().map(|value| value.chars().count()).max(),
        Format::Date { .. } => Some(8),
        Format::Integer { minimum: Some(minimum), maximum: Some(maximum) } => {
            Some(minimum.to_string().len().max(maximum.to_string().len()))
        }
        Format::Integer { .. } | Format::Pattern { .. } => None,
    };
    let tokens = match &hashing.comparison {
        Comparison::Exact => return,
        Comparison::Numeric { resolution, .. } => Some(2 * resolution + 1),
        Comparison::Ngram { n, .. } => length.map(|length| length.saturating_add(n - 1)),
    };
    match tokens {
        Some(tokens) if bits < tokens => view.surprise(format!(
            "bitsPerFeature is {bits}, and a value may have {tokens} tokens: those after the {bits}th are dropped without a word"
        )),
        None if bits < FEW => view.surprise(format!(
            "bitsPerFeature is {bits}: of values with more tokens the last ones are dropped without a word"
        )),
        _ => {}
    }
}
