//! What every written object goes through before it is stored: shape, defaults, validation.
//!
//! The order is upstream's: decode, default, name, validate, then the fields that only the server sets. Only
//! what clients and controllers can notice is defaulted and validated, not every field of the API. Working on
//! JSON trees, nothing here may assume that a value has the type that its name promises.

mod addresses;
mod defaults;
mod metadata;
mod names;
mod validate;

use rand::Rng;
use serde_json::{Map, Value};

pub(crate) use self::addresses::Addresses;
pub(crate) use self::metadata::{order, order_metadata, type_name};
pub(crate) use self::names::{label_value_problem, qualified_name_problem};
use crate::registry::Kind;
use crate::status::{FieldError, Status};

/// Longest name, minus the five random characters.
const MAX_GENERATED_BASE: usize = 58;
/// Deepest nesting of an object; the parser's own limit is 128.
const MAX_DEPTH: usize = 120;
/// `utilrand.alphanums`: no vowels and nothing that looks like another character.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Checks the shape of a new object, removes what only the server sets, and fills in defaults.
pub(crate) fn prepare_create(kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), Status> {
    metadata::check_shape(kind, object)?;
    let metadata = member(object, "metadata");
    for key in ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "selfLink"]
    {
        metadata.remove(key);
    }
    metadata.remove("deletionGracePeriodSeconds");
    if kind.namespaced {
        metadata.insert("namespace".into(), namespace.into());
    } else {
        metadata.remove("namespace");
    }
    // A kubelet may register its node with a status.
    if kind.has_status && !kind.is("", "nodes") {
        remove(object, "status");
    }
    defaults::fill(kind, object);
    defaults::protect(kind, object);
    Ok(())
}

/// Validates a new object that has its name.
pub(crate) fn check_create(kind: &Kind, object: &Value) -> Result<(), Status> {
    let mut errors = metadata::check(kind, object);
    errors.extend(validate::object(kind, object));
    refuse(kind, object, &errors)
}

/// Fills in what depends on the server's own fields.
pub(crate) fn finish_create(kind: &Kind, object: &mut Value) {
    defaults::fill_from_uid(kind, object);
}

/// Puts back what a change may not touch, defaults and validates the result.
pub(crate) fn prepare_update(kind: &Kind, old: &Value, new: &mut Value) -> Result<(), Status> {
    metadata::check_shape(kind, new)?;
    metadata::keep_server_fields(old, new);
    defaults::fill(kind, new);
    if new == old {
        return Ok(());
    }
    let mut errors = metadata::check(kind, new);
    errors.extend(metadata::check_update(old, new));
    errors.extend(validate::update(kind, old, new));
    errors.extend(validate::object(kind, new));
    refuse(kind, new, &errors)
}

fn refuse(kind: &Kind, object: &Value, errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid(kind, name_of(object), errors)) }
}

/// Whether anything but metadata and status differs.
pub(crate) fn spec_changed(old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return old != new };
    let counts = |key: &str| !matches!(key, "metadata" | "status" | "kind" | "apiVersion");
    let differs = |left: &Map<String, Value>, right: &Map<String, Value>| {
        left.iter().any(|(key, value)| counts(key) && right.get(key) != Some(value))
    };
    differs(old, new)
        || differs(new, old)
        || old.get("metadata").and_then(|metadata| metadata.get("deletionTimestamp"))
            != new.get("metadata").and_then(|metadata| metadata.get("deletionTimestamp"))
}

/// `metadata.name`, empty when absent.
pub(crate) fn name_of(object: &Value) -> &str {
    text(object, "name")
}

/// `metadata.generateName`, empty when absent.
pub(crate) fn generate_name_of(object: &Value) -> &str {
    text(object, "generateName")
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// Appends five random characters, cutting the base off where the name would be too long.
pub(crate) fn generated_name(base: &str, random: &mut impl Rng) -> String {
    let mut end = base.len().min(MAX_GENERATED_BASE);
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = base.get(..end).unwrap_or_default().to_owned();
    for _ in 0..5 {
        let letter = ALPHABET.get(random.random_range(0..ALPHABET.len()));
        name.extend(letter.map(|&letter| char::from(letter)));
    }
    name
}

/// The failure of an object with neither name nor `generateName`.
pub(crate) fn name_required(kind: &Kind) -> Status {
    let error = FieldError::required("metadata.name", "name or generateName is required");
    Status::invalid(kind, "", &[error])
}

/// A member that is a JSON object; made, or replaced when it is something else.
pub(crate) fn member<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    member_of(map(object), key)
}

/// Like [`member`], of a map.
pub(crate) fn member_of<'a>(object: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    map(object.entry(key).or_insert(Value::Null))
}

/// The value as a JSON object; replaced by an empty one when it is something else.
pub(crate) fn map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable_map()
        }
    }
}

#[expect(clippy::panic, reason = "the value was made an object on the line before")]
fn unreachable_map() -> ! {
    panic!("a value that was just made an object is one")
}

/// Whether a value is nested no deeper than a stored object may be: what is deeper could not be read again.
pub(crate) fn is_shallow(value: &Value) -> bool {
    fn fits(value: &Value, left: usize) -> bool {
        match value {
            Value::Array(list) => left > 0 && list.iter().all(|value| fits(value, left - 1)),
            Value::Object(map) => left > 0 && map.values().all(|value| fits(value, left - 1)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
    fits(value, MAX_DEPTH)
}

/// Removes a member without disturbing the order of the others.
pub(crate) fn remove(object: &mut Value, key: &str) -> Option<Value> {
    object.as_object_mut()?.shift_remove(key)
}
