//! JSON patch, RFC 6902.

use serde::Deserialize;
use serde_json::Value;

/// Most operations of one patch (upstream: `maxJSONPatchOperations`).
const MAX_OPERATIONS: usize = 10_000;
/// Most parts of a path, so that no document can be nested without end.
const MAX_PARTS: usize = 100;
/// Most bytes that `copy` may add; copying the document into itself doubles it each time.
const MAX_COPIED: usize = 3 << 20;

/// A parsed patch.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct JsonPatch(Vec<Operation>);

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Add {
        path: String,
        value: Value,
    },
    Remove {
        path: String,
    },
    Replace {
        path: String,
        value: Value,
    },
    Move {
        from: String,
        path: String,
    },
    Copy {
        from: String,
        path: String,
    },
    Test {
        path: String,
        #[serde(default)]
        value: Value,
    },
}

/// An operation that did not fit the document.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum JsonPatchError {
    #[error("path `{0}` does not exist")]
    Missing(String),
    #[error("path `{0}` is not a JSON pointer")]
    Malformed(String),
    #[error("the value at `{0}` is not the one tested for")]
    TestFailed(String),
    #[error("the patch copies more than {MAX_COPIED} bytes")]
    TooLarge,
}

impl JsonPatch {
    /// Reads a patch; the error is upstream's or the parser's text.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let patch: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if patch.0.len() > MAX_OPERATIONS {
            return Err(format!(
                "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                patch.0.len()
            ));
        }
        Ok(patch)
    }

    /// Applies all operations in order. After a failure the document is half changed.
    pub(crate) fn apply(&self, document: &mut Value) -> Result<(), JsonPatchError> {
        let mut copied = 0;
        for operation in &self.0 {
            if let Operation::Copy { from, .. } = operation {
                copied += find_mut(document, from)?.to_string().len();
                if copied > MAX_COPIED {
                    return Err(JsonPatchError::TooLarge);
                }
            }
            operation.apply(document)?;
        }
        Ok(())
    }
}

impl Operation {
    fn apply(&self, document: &mut Value) -> Result<(), JsonPatchError> {
        match self {
            Self::Add { path, value } => add(document, path, value.clone()),
            Self::Remove { path } => remove(document, path).map(drop),
            Self::Replace { path, value } => replace(document, path, value.clone()),
            Self::Move { from, path } => {
                if path.strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/')) {
                    return Err(JsonPatchError::Missing(path.clone()));
                }
                let value = remove(document, from)?;
                add(document, path, value)
            }
            Self::Copy { from, path } => {
                let value = find_mut(document, from)?.clone();
                add(document, path, value)
            }
            Self::Test { path, value } => {
                let found = find_mut(document, path);
                match found {
                    Ok(found) if equal(found, value) => Ok(()),
                    Ok(_) => Err(JsonPatchError::TestFailed(path.clone())),
                    Err(JsonPatchError::Missing(_)) if value.is_null() => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// Numbers are equal by value: 1 and 1.0 are the same.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => left == right,
    }
}

/// The parts of a pointer, unescaped.
fn parts(path: &str) -> Result<Vec<String>, JsonPatchError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let rest = path.strip_prefix('/').ok_or_else(|| JsonPatchError::Malformed(path.to_owned()))?;
    if rest.split('/').count() > MAX_PARTS {
        return Err(JsonPatchError::Missing(path.to_owned()));
    }
    Ok(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn step<'a>(value: &'a mut Value, part: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(list) => list.get_mut(position(part)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A position without leading zeros or signs.
fn position(part: &str) -> Option<usize> {
    let plain = part == "0" || !part.starts_with('0');
    (plain && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
}

fn find_mut<'a>(document: &'a mut Value, path: &str) -> Result<&'a mut Value, JsonPatchError> {
    parts(path)?
        .iter()
        .try_fold(document, |value, part| step(value, part))
        .ok_or_else(|| JsonPatchError::Missing(path.to_owned()))
}

/// The parent of a place, and the last part of its path.
fn parent<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), JsonPatchError> {
    let mut parts = parts(path)?;
    let missing = || JsonPatchError::Missing(path.to_owned());
    let last = parts.pop().ok_or_else(missing)?;
    let parent = parts.iter().try_fold(document, |value, part| step(value, part)).ok_or_else(missing)?;
    Ok((parent, last))
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), JsonPatchError> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let missing = || JsonPatchError::Missing(path.to_owned());
    match parent(document, path)? {
        (Value::Object(map), last) => drop(map.insert(last, value)),
        (Value::Array(list), last) => {
            let at = if last == "-" { list.len() } else { position(&last).ok_or_else(missing)? };
            if at > list.len() {
                return Err(missing());
            }
            list.insert(at, value);
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => return Err(missing()),
    }
    Ok(())
}

/// Upstream's library adds a key that is absent, against the RFC; list items must be there.
fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), JsonPatchError> {
    if !path.is_empty()
        && let (Value::Object(map), last) = parent(document, path)?
    {
        map.insert(last, value);
        return Ok(());
    }
    *find_mut(document, path)? = value;
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, JsonPatchError> {
    let missing = || JsonPatchError::Missing(path.to_owned());
    match parent(document, path)? {
        (Value::Object(map), last) => map.shift_remove(&last).ok_or_else(missing),
        (Value::Array(list), last) => {
            let at = position(&last).filter(|&at| at < list.len()).ok_or_else(missing)?;
            Ok(list.remove(at))
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => Err(missing()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn check(document: Value, patch: Value, expected: Result<Value, ()>) {
        let patch = JsonPatch::parse(patch.to_string().as_bytes()).expect("a well-formed patch");
        let mut found = document;
        let outcome = patch.apply(&mut found).map(|()| found).map_err(drop);
        assert_eq!(outcome, expected);
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        check(
            json!({"foo": "bar"}),
            json!([{"op": "add", "path": "/baz", "value": "qux"}]),
            Ok(json!({"baz": "qux", "foo": "bar"})),
        );
        check(
            json!({"foo": ["bar", "baz"]}),
            json!([{"op": "add", "path": "/foo/1", "value": "qux"}]),
            Ok(json!({"foo": ["bar", "qux", "baz"]})),
        );
        check(
            json!({"baz": "qux", "foo": "bar"}),
            json!([{"op": "remove", "path": "/baz"}]),
            Ok(json!({"foo": "bar"})),
        );
        check(
            json!({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}),
            json!([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}]),
            Ok(json!({"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}})),
        );
        check(
            json!({"foo": ["all", "grass", "cows", "eat"]}),
            json!([{"op": "move", "from": "/foo/1", "path": "/foo/3"}]),
            Ok(json!({"foo": ["all", "cows", "eat", "grass"]})),
        );
        check(
            json!({"baz": "qux", "foo": ["a", 2, "c"]}),
            json!([{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}]),
            Ok(json!({"baz": "qux", "foo": ["a", 2, "c"]})),
        );
        check(json!({"baz": "qux"}), json!([{"op": "test", "path": "/baz", "value": "bar"}]), Err(()));
        check(json!({"foo": "bar"}), json!([{"op": "add", "path": "/baz/bat", "value": 1}]), Err(()));
        check(
            json!({"/": 9, "~1": 10}),
            json!([{"op": "test", "path": "/~01", "value": 10}]),
            Ok(json!({"/": 9, "~1": 10})),
        );
        check(
            json!({"foo": ["bar"]}),
            json!([{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}]),
            Ok(json!({"foo": ["bar", ["abc", "def"]]})),
        );
        check(json!({"a": 1}), json!([{"op": "replace", "path": "", "value": 2}]), Ok(json!(2)));
        check(json!([0, 1]), json!([{"op": "remove", "path": "/01"}]), Err(()));
    }

    #[test]
    fn replacing_what_is_absent_adds_it_to_a_map_only() {
        check(json!({}), json!([{"op": "replace", "path": "/a", "value": 1}]), Ok(json!({"a": 1})));
        check(json!({}), json!([{"op": "replace", "path": "/a/b", "value": 1}]), Err(()));
        check(json!([0]), json!([{"op": "replace", "path": "/1", "value": 1}]), Err(()));
    }

    #[test]
    fn copying_the_document_into_itself_ends() {
        let copies: Vec<Value> =
            (0..40).map(|n| json!({"op": "copy", "from": "", "path": format!("/{n}")})).collect();
        check(json!({"a": "x".repeat(100)}), copies.into(), Err(()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(text in "[\\[\\]{}\",:a-z0-9/ ]{0,80}") {
            let _ = JsonPatch::parse(text.as_bytes());
        }

        #[test]
        fn no_path_makes_a_patch_panic(path in "[/~0-9a-z-]{0,8}", from in "[/~0-9a-z-]{0,8}", op in 0usize..6) {
            let op = ["add", "remove", "replace", "move", "copy", "test"][op];
            let patch = json!([{"op": op, "path": path, "from": from, "value": [1]}]);
            let patch = JsonPatch::parse(patch.to_string().as_bytes()).expect("well-formed");
            let _ = patch.apply(&mut json!({"a": [1, {"b": 2}], "": {"0": 1}}));
        }
    }
}
