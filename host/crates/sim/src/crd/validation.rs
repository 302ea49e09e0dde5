//! Validation of custom objects against their schema: the keywords that schemas really use, with upstream's texts.

use serde_json::Value;

use crate::registry::Kind;
use crate::status::{FieldError, FieldErrorKind};

/// Deepest nesting that is checked.
const MAX_DEPTH: usize = 64;
/// Most errors that are reported.
const MAX_ERRORS: usize = 50;

/// Checks an object of a kind; built-in kinds have no schema here.
pub(crate) fn validate(kind: &Kind, version: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let custom = kind.custom.as_ref();
    let Some(version) = custom.and_then(|custom| custom.versions.iter().find(|known| known.name == version))
    else {
        return errors;
    };
    check(&version.schema, object, "", 0, &mut errors);
    errors
}

fn check(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > MAX_DEPTH || errors.len() >= MAX_ERRORS {
        return;
    }
    if value.is_null() && schema.get("nullable").and_then(Value::as_bool) == Some(true) {
        return;
    }
    if !has_type(schema, value) {
        errors.push(wrong_type(schema, value, path));
        return;
    }
    if let Some(known) = schema.get("enum").and_then(Value::as_array)
        && !known.contains(value)
    {
        let known = known.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
        errors.push(FieldError {
            kind: FieldErrorKind::NotSupported(value.to_string(), known.collect()),
            field: path.to_owned(),
            detail: String::new(),
        });
    }
    match value {
        Value::Number(number) => bounds(schema, number.as_f64().unwrap_or(0.0), value, path, errors),
        Value::String(text) => lengths(schema, text, value, path, errors),
        Value::Array(list) => items(schema, list, path, depth, errors),
        Value::Object(map) => {
            for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
                if let Some(name) = name.as_str()
                    && !map.contains_key(name)
                {
                    errors.push(FieldError::required(join(path, name), ""));
                }
            }
            let properties = schema.get("properties");
            for (key, value) in map {
                let own = properties.and_then(|properties| properties.get(key));
                let other = schema.get("additionalProperties").filter(|other| other.is_object());
                if let Some(schema) = own.or(other) {
                    check(schema, value, &join(path, key), depth + 1, errors);
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let int_or_string = schema.get("x-kubernetes-int-or-string").and_then(Value::as_bool) == Some(true);
    if int_or_string {
        return value.is_string() || value.is_i64();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        Some("number") => value.is_number(),
        Some(_) | None => true,
    }
}

fn wrong_type(schema: &Value, value: &Value, path: &str) -> FieldError {
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or("integer,string");
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    // Upstream prints the type where it would print the value.
    let shown = Value::from(found).to_string();
    let place = if path.is_empty() { "<nil>" } else { path };
    FieldError {
        kind: FieldErrorKind::TypeInvalid(shown),
        field: place.to_owned(),
        detail: format!("{place} in body must be of type {wanted}: {found:?}"),
    }
}

fn invalid(path: &str, value: &Value, detail: String) -> FieldError {
    FieldError::invalid(path, value, format!("{path} in body {detail}"))
}

fn bounds(schema: &Value, number: f64, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let exclusive = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
    if let Some(least) = bound("minimum") {
        if exclusive("exclusiveMinimum") && number <= least {
            errors.push(invalid(path, value, format!("should be greater than {least}")));
        } else if number < least {
            errors.push(invalid(path, value, format!("should be greater than or equal to {least}")));
        }
    }
    if let Some(most) = bound("maximum") {
        if exclusive("exclusiveMaximum") && number >= most {
            errors.push(invalid(path, value, format!("should be less than {most}")));
        } else if number > most {
            errors.push(invalid(path, value, format!("should be less than or equal to {most}")));
        }
    }
}

fn lengths(schema: &Value, text: &str, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    if let Some(least) = schema.get("minLength").and_then(Value::as_u64)
        && length < least
    {
        errors.push(invalid(path, value, format!("should be at least {least} chars long")));
    }
    if let Some(most) = schema.get("maxLength").and_then(Value::as_u64)
        && length > most
    {
        errors.push(FieldError {
            kind: FieldErrorKind::TooLong,
            field: path.to_owned(),
            detail: format!("may not be more than {most} bytes"),
        });
    }
}

fn items(schema: &Value, list: &[Value], path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let n_items = u64::try_from(list.len()).unwrap_or(u64::MAX);
    if let Some(least) = schema.get("minItems").and_then(Value::as_u64)
        && n_items < least
    {
        errors.push(invalid(path, &Value::from(n_items), format!("should have at least {least} items")));
    }
    if let Some(most) = schema.get("maxItems").and_then(Value::as_u64)
        && n_items > most
    {
        errors.push(FieldError {
            kind: FieldErrorKind::TooMany(usize::try_from(most).unwrap_or(usize::MAX)),
            field: path.to_owned(),
            detail: format!("must have at most {most} items"),
        });
    }
    let Some(item) = schema.get("items") else { return };
    for (position, value) in list.iter().enumerate() {
        check(item, value, &format!("{path}[{position}]"), depth + 1, errors);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(object: &Value) -> Vec<String> {
        let schema = json!({
            "type": "object", "required": ["spec"],
            "properties": {"spec": {
                "type": "object", "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1, "maximum": 9},
                    "color": {"type": "string", "enum": ["red", "blue"], "maxLength": 5},
                },
            }},
        });
        let mut errors = Vec::new();
        check(&schema, object, "", 0, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn errors_are_worded_as_upstream() {
        assert_eq!(found(&json!({})), ["spec: Required value"]);
        assert_eq!(
            found(&json!({"spec": {"size": "x"}})),
            ["spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""]
        );
        assert_eq!(
            found(&json!({"spec": {"size": 0, "color": "green"}})),
            [
                "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
                "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"",
            ]
        );
        assert_eq!(found(&json!({"spec": {"size": 3, "color": "red"}})), Vec::<String>::new());
    }
}
