//! What pydantic 1 takes for a number, a flag and a text. Texts of digits are numbers to it; that decides what a schema means.

use serde_json::Value;

/// A whole number: also a fraction without what follows the point, a text that Python's `int` reads, and `true`.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number.as_i64().or_else(|| {
            let real = number.as_f64().filter(|real| real.abs() < 9e15)?;
            Some(real.trunc() as i64)
        }),
        Value::String(text) => python_int(text),
        _ => None,
    }
}

/// A number: also a text that is one.
pub(super) fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A flag: also 0 and 1, and the texts that pydantic knows.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// A text: also a whole number, as it is written.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// Python's `int(text)`: spaces around it, a sign, single underscores between digits.
fn python_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sound = digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
    sound.then(|| text.replace('_', "").parse().ok()).flatten()
}
