//! What an unquoted scalar means.

use serde_json::Number;

use super::Value;

/// Resolves an unquoted scalar as `kubectl` does.
pub(super) fn resolve_plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    match number(text) {
        Some(number) => Value::Number(number),
        None => Value::Text { text: text.to_owned(), plain: true },
    }
}

fn number(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    integer(text, unsigned).or_else(|| float(text, unsigned))
}

fn integer(text: &str, unsigned: &str) -> Option<Number> {
    let (digits, radix) = radix_of(unsigned);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if !text.starts_with('-') {
        return Some(Number::from(magnitude));
    }
    0_i64.checked_sub_unsigned(magnitude).map(Number::from)
}

/// `0644` is octal: manifests write file modes so, and `kubectl` reads them so.
fn radix_of(unsigned: &str) -> (&str, u32) {
    for (prefix, radix) in [("0o", 8), ("0x", 16), ("0b", 2)] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return (digits, radix);
        }
    }
    match unsigned.strip_prefix('0') {
        Some(rest) if !rest.is_empty() && rest.chars().all(|c| c.is_digit(8)) => (rest, 8),
        _ => (unsigned, 10),
    }
}

fn float(text: &str, unsigned: &str) -> Option<Number> {
    let float_like = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !unsigned.chars().all(float_like) || !unsigned.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // Infinity has no JSON form: `from_f64` leaves such a scalar text.
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
