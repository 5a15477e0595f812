//! Reads a blocking schema, as blocklib's pydantic 1 models do, with all their leniency; every problem has its JSON path.

use std::path::Path;

use serde_json::{Map, Value};

use super::coerce::{flag, integer, real, text};
use super::schema::{BlockingSchema, BlockingSurprise, Column, Filter, LambdaFold, Method, PSig, Part, Position, Take};
use crate::error::{Error, ErrorKind, Result, SchemaProblem};

/// The longest schema file.
const MOST_BYTES: u64 = 1 << 20;

/// The longest filter, in bits. blocklib has no bound, and runs out of memory.
const MOST_BITS: u64 = 1 << 31;

/// The most positions of a signature or a bigram; Λ and K have this bound too.
const MOST_HASHES: u64 = 10_000;

impl BlockingSchema {
    /// Reads a schema file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Schema`] with every problem that was found.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        use std::io::Read;
        let path = path.as_ref();
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let read = file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|e| Error::io(path, "read", e))?;
        if read as u64 > MOST_BYTES {
            return Err(Error::file(path, "is too long for a blocking schema: more than 1 MiB"));
        }
        Self::from_json(&text).map_err(|error| error.in_file(path))
    }

    /// Reads a schema from JSON text.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] with every problem that was found, each under its JSON path.
    pub fn from_json(text: &str) -> Result<Self> {
        let problem = |line, message: &str| -> Error {
            let problem = SchemaProblem { line, key: String::new(), message: message.to_owned() };
            ErrorKind::Schema { path: None, problems: vec![problem] }.into()
        };
        // serde_json quotes what it found.
        let value: Value = serde_json::from_str(text).map_err(|e| problem(e.line(), "is not JSON"))?;
        let Value::Object(map) = &value else { return Err(problem(0, "is not a JSON object")) };
        let mut reader = Reader::default();
        match reader.schema(map) {
            Some(mut schema) if reader.problems.is_empty() => {
                schema.surprises = reader.surprises;
                Ok(schema)
            }
            _ => Err(ErrorKind::Schema { path: None, problems: reader.problems }.into()),
        }
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<SchemaProblem>,
    surprises: Vec<BlockingSurprise>,
}

impl Reader {
    fn problem<T>(&mut self, path: &str, message: impl Into<String>) -> Option<T> {
        self.problems.push(SchemaProblem { line: 0, key: path.to_owned(), message: message.into() });
        None
    }

    fn surprise(&mut self, path: &str, message: impl Into<String>) {
        self.surprises.push(BlockingSurprise { path: path.to_owned(), message: message.into() });
    }

    /// The value of a key that must be there.
    fn get<'a>(&mut self, map: &'a Map<String, Value>, path: &str, key: &str) -> Option<&'a Value> {
        map.get(key).or_else(|| self.problem(&join(path, key), "is missing"))
    }

    fn object<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
        value.as_object().or_else(|| self.problem(path, "must be an object"))
    }

    fn list<'a>(&mut self, value: &'a Value, path: &str) -> Option<&'a Vec<Value>> {
        value.as_array().or_else(|| self.problem(path, "must be a list"))
    }

    /// A whole number as pydantic takes one, with a surprise where it was none.
    fn whole(&mut self, value: &Value, path: &str) -> Option<i64> {
        let Some(number) = integer(value) else { return self.problem(path, "must be a whole number") };
        if !value.is_i64() && !value.is_u64() {
            self.surprise(path, format!("is no whole number; {number} is used"));
        }
        Some(number)
    }

    /// A whole number between bounds.
    fn number(&mut self, map: &Map<String, Value>, path: &str, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(map, path, key)?;
        let path = join(path, key);
        let number = self.whole(value, &path)?;
        match u64::try_from(number) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => self.problem(&path, format!("must be from {least} to {most}")),
        }
    }

    fn unknown(&mut self, map: &Map<String, Value>, path: &str, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.surprise(&join(path, key), "is no key that blocklib knows; it is ignored");
        }
    }

    fn schema(&mut self, map: &Map<String, Value>) -> Option<BlockingSchema> {
        self.unknown(map, "", &["type", "version", "config"]);
        if let Some(version) = self.get(map, "", "version").and_then(|version| self.whole(version, "version"))
            && version != 1
        {
            self.surprise("version", "is not 1; it is read as version 1, as blocklib does");
        }
        let kind = self.get(map, "", "type");
        let config = self.get(map, "", "config").and_then(|config| self.object(config, "config"));
        let (kind, config) = (kind?, config?);
        match kind.as_str() {
            Some("p-sig") => self.config(config, Self::psig),
            Some("lambda-fold") => self.config(config, Self::lambda_fold),
            _ => self.problem("type", "must be \"p-sig\" or \"lambda-fold\""),
        }
    }

    fn config(
        &mut self,
        config: &Map<String, Value>,
        method: fn(&mut Self, &Map<String, Value>, &Common) -> Option<Method>,
    ) -> Option<BlockingSchema> {
        let common = self.common(config);
        let method = method(self, config, &common);
        Some(BlockingSchema {
            method: method?,
            by_name: common.by_name,
            features: common.features?,
            record_id: common.record_id,
            null: common.null,
            surprises: Vec::new(),
            source: Value::Object(config.clone()),
        })
    }

    fn common(&mut self, config: &Map<String, Value>) -> Common {
        let path = "config.blocking-features";
        let features = self.get(config, "config", "blocking-features").and_then(|value| self.list(value, path));
        let features = features.and_then(|list| self.features(list, path));
        let by_name = features.as_ref().is_some_and(|list| matches!(list[0], Column::Name(_)));
        let path = "config.record-id-col";
        let record_id = config.get("record-id-col").filter(|value| !value.is_null());
        let record_id = record_id.and_then(|value| self.whole(value, path)).map(Column::Index);
        if record_id.is_some() {
            self.surprise(path, "records go by the values of this column, and so does the file that leaves; without it they go by their rows");
        }
        let null = match config.get("null-sentinel") {
            None => Some(String::new()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.surprise(
                    "config.null-sentinel",
                    "is no text, and a value of a CSV file is one; no value is missing",
                );
                None
            }
        };
        Common { by_name, features, record_id, null }
    }

    /// All are indices, where all of them can be: also `["1", "2"]`.
    fn features(&mut self, list: &[Value], path: &str) -> Option<Vec<Column>> {
        if list.is_empty() {
            return self.problem(path, "must have at least one feature");
        }
        if let Some(indices) = list.iter().map(integer).collect::<Option<Vec<i64>>>() {
            if !list.iter().all(Value::is_i64) {
                self.surprise(path, "are read as indices, not as names: all of them can be read as numbers");
            }
            return Some(indices.into_iter().map(Column::Index).collect());
        }
        let Some(names) = list.iter().map(text).collect::<Option<Vec<String>>>() else {
            return self.problem(path, "must be all indices, or all names");
        };
        if !list.iter().all(Value::is_string) {
            self.surprise(path, "are read as names, also the numbers: not all of them are indices");
        }
        Some(names.into_iter().map(Column::Name).collect())
    }

    fn psig(&mut self, config: &Map<String, Value>, common: &Common) -> Option<Method> {
        let keys =
            ["blocking-features", "record-id-col", "null-sentinel", "filter", "blocking-filter", "signatureSpecs"];
        self.unknown(config, "config", &keys);
        let filter = self.get(config, "config", "filter").and_then(|value| self.object(value, "config.filter"));
        let filter = filter.and_then(|map| self.filter(map));
        let bloom = self.get(config, "config", "blocking-filter");
        let bloom = bloom.and_then(|value| self.object(value, "config.blocking-filter"));
        let bloom = bloom.and_then(|map| self.blocking_filter(map));
        let path = "config.signatureSpecs";
        let specs = self.get(config, "config", "signatureSpecs").and_then(|value| self.list(value, path))?;
        if specs.is_empty() {
            return self.problem(path, "must have at least one strategy");
        }
        let mut strategies = Vec::new();
        for (i, spec) in specs.iter().enumerate() {
            let path = format!("{path}[{i}]");
            let Some(parts) = self.list(spec, &path) else { continue };
            if parts.is_empty() {
                self.surprise(&path, "has no parts; it makes no signature");
            }
            let parts = parts.iter().enumerate();
            strategies.push(parts.filter_map(|(j, part)| self.part(part, &format!("{path}[{j}]"), common)).collect());
        }
        let (hashes, bits) = bloom?;
        Some(Method::PSig(PSig { filter: filter?, hashes, bits, strategies }))
    }

    fn filter(&mut self, map: &Map<String, Value>) -> Option<Filter> {
        let path = "config.filter";
        self.unknown(map, path, &["type", "min", "max"]);
        match map.get("type").and_then(Value::as_str) {
            Some("ratio") => {
                let mut share = |value: Option<&Value>, key: &str| match value.and_then(real) {
                    Some(share) if (0.0..=1.0).contains(&share) => Some(share),
                    _ => self.problem(&join(path, key), "must be a number from 0 to 1"),
                };
                let least = map.get("min").map_or(Some(0.0), |least| share(Some(least), "min"));
                let most = share(map.get("max"), "max");
                Some(Filter::Ratio { least: least?, most: most? })
            }
            Some("count") => {
                let least = self.number(map, path, "min", 0, i64::MAX as u64);
                let most = self.number(map, path, "max", 0, i64::MAX as u64);
                Some(Filter::Count { least: least?, most: most? })
            }
            _ => self.problem("config.filter.type", "must be \"ratio\" or \"count\""),
        }
    }

    /// Hash functions and length.
    fn blocking_filter(&mut self, map: &Map<String, Value>) -> Option<(u64, u64)> {
        let path = "config.blocking-filter";
        self.unknown(map, path, &["type", "number-hash-functions", "bf-len", "compress-block-key"]);
        if map.get("type").and_then(Value::as_str) != Some("bloom filter") {
            self.problem::<()>("config.blocking-filter.type", "must be \"bloom filter\"");
        }
        if let Some(compress) = map.get("compress-block-key").filter(|value| !value.is_null())
            && flag(compress).is_none()
        {
            self.problem::<()>("config.blocking-filter.compress-block-key", "must be true or false");
        }
        let hashes = self.number(map, path, "number-hash-functions", 1, MOST_HASHES);
        let bits = self.number(map, path, "bf-len", 1, MOST_BITS);
        Some((hashes?, bits?))
    }

    fn part(&mut self, value: &Value, path: &str, common: &Common) -> Option<Part> {
        let map = self.object(value, path)?;
        let feature =
            self.get(map, path, "feature").and_then(|value| self.feature(value, &join(path, "feature"), common));
        let mut known = vec!["type", "feature"];
        let take = match map.get("type").and_then(Value::as_str) {
            Some("feature-value") => Some(Take::Value),
            Some("metaphone") => Some(Take::Metaphone),
            Some("characters-at") => {
                known.push("config");
                self.characters(map, path)
            }
            _ => self.problem(&join(path, "type"), "must be \"characters-at\", \"feature-value\" or \"metaphone\""),
        };
        self.unknown(map, path, &known);
        Some(Part { feature: feature?, take: take? })
    }

    fn feature(&mut self, value: &Value, path: &str, common: &Common) -> Option<Column> {
        if let Some(index) = integer(value) {
            if !value.is_i64() {
                self.surprise(path, format!("is read as an index, {index}, not as a name"));
            }
            return Some(Column::Index(index));
        }
        let Some(name) = value.as_str() else { return self.problem(path, "must be an index or a name") };
        if !common.by_name && common.features.is_some() {
            return self.problem(path, "is a name, but blocking-features are indices; blocklib then has no names");
        }
        Some(Column::Name(name.to_owned()))
    }

    fn characters(&mut self, map: &Map<String, Value>, path: &str) -> Option<Take> {
        let config = self.get(map, path, "config").and_then(|value| self.object(value, &join(path, "config")))?;
        let path = join(path, "config");
        self.unknown(config, &path, &["pos"]);
        let list = self.get(config, &path, "pos").and_then(|value| self.list(value, &join(&path, "pos")))?;
        let mut positions = Vec::new();
        for (i, value) in list.iter().enumerate() {
            let path = format!("{path}.pos[{i}]");
            positions.push(match integer(value) {
                Some(at) => Position::At(at),
                None => match value.as_str().and_then(slice) {
                    Some(slice) => slice,
                    None => {
                        return self
                            .problem(&path, "must be an index, or a slice \"a:b\", \":b\" or \"a:\" with a below b");
                    }
                },
            });
        }
        Some(Take::Characters(positions))
    }

    fn lambda_fold(&mut self, config: &Map<String, Value>, common: &Common) -> Option<Method> {
        let path = "config";
        let own = ["Lambda", "bf-len", "num-hash-funcs", "K", "random_state", "input-clks"];
        self.unknown(
            config,
            path,
            &[&["blocking-features", "record-id-col", "null-sentinel"], own.as_slice()].concat(),
        );
        let input_clks = self
            .get(config, path, "input-clks")
            .and_then(|value| flag(value).or_else(|| self.problem("config.input-clks", "must be true or false")));
        let tables = self.number(config, path, "Lambda", 1, MOST_HASHES);
        let sampled = self.number(config, path, "K", 1, MOST_HASHES);
        // Not used where the input is CLKs, and may then be anything.
        let least = u64::from(input_clks != Some(true));
        let bits = self.number(config, path, "bf-len", least, MOST_BITS);
        let hashes = self.number(config, path, "num-hash-funcs", least, MOST_HASHES);
        let random_state = self.get(config, path, "random_state");
        let random_state = random_state.and_then(|value| self.whole(value, "config.random_state"));
        if let (Some(bits), Some(sampled), Some(false)) = (bits, sampled, input_clks)
            && sampled > bits
        {
            return self.problem("config.K", "must be at most bf-len");
        }
        if input_clks == Some(true) && common.record_id.is_some() {
            return self.problem("config.record-id-col", "CLKs have no columns");
        }
        if config.contains_key("null-sentinel") {
            self.surprise(
                "config.null-sentinel",
                "is ignored: lambda-fold takes a missing value as the text that it is",
            );
        }
        Some(Method::LambdaFold(LambdaFold {
            tables: tables? as usize,
            sampled: sampled? as usize,
            bits: bits?,
            hashes: hashes?,
            // Python's random.seed takes a number without its sign.
            random_state: random_state?.unsigned_abs(),
            input_clks: input_clks?,
        }))
    }
}

/// What both methods have.
struct Common {
    by_name: bool,
    features: Option<Vec<Column>>,
    record_id: Option<Column>,
    null: Option<String>,
}

/// `a:b`, `:b` or `a:`.
fn slice(text: &str) -> Option<Position> {
    let (from, to) = text.split_once(':')?;
    let side = |side: &str| if side.is_empty() { Some(None) } else { integer(&Value::from(side)).map(Some) };
    match (side(from)?, side(to)?) {
        (None, None) => None,
        (Some(from), Some(to)) if from >= to => None,
        (from, to) => Some(Position::Slice(from, to)),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
