//! `metadata` of every kind: JSON types, order of fields, what only the server sets, names and labels.

use serde_json::{Map, Value};

use super::{member, names};
use crate::registry::Kind;
use crate::status::{FieldError, FieldErrorKind, Status};

/// The order in which upstream writes the fields. What is not in it is unknown and dropped.
const ORDER: [&str; 14] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
];
const LAST: &str = "managedFields";
const STANDARD_FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];
/// Bytes of all annotations together.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Checks that the object and its metadata have the JSON types that a typed decoder would ask for.
pub(super) fn check_shape(kind: &Kind, object: &mut Value) -> Result<(), Status> {
    if !object.is_object() {
        return Err(unmarshal(kind, "array", "", &kind.kind));
    }
    let metadata = match object.get_mut("metadata") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(metadata)) => metadata,
        Some(other) => return Err(unmarshal(kind, type_name(other), "metadata", "v1.ObjectMeta")),
    };
    for (key, value) in metadata.iter() {
        let wanted = match key.as_str() {
            "name" | "generateName" | "namespace" | "uid" | "resourceVersion" | "selfLink" => {
                (!value.is_string()).then_some("string")
            }
            "labels" | "annotations" => check_strings(value),
            "finalizers" => (!is_list(value, Value::is_string)).then_some("[]string"),
            "ownerReferences" => (!is_list(value, Value::is_object)).then_some("[]v1.OwnerReference"),
            "generation" | "deletionGracePeriodSeconds" => (!value.is_i64()).then_some("int64"),
            _ => None,
        };
        if let Some(wanted) = wanted
            && !value.is_null()
        {
            return Err(unmarshal(kind, culprit(value), &format!("metadata.{key}"), wanted));
        }
    }
    metadata.retain(|key, value| {
        (ORDER.contains(&key.as_str()) || key == LAST) && !value.is_null() && !is_hollow(value)
    });
    Ok(())
}

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_str().is_some_and(str::is_empty)
}

fn check_strings(value: &Value) -> Option<&'static str> {
    let Some(map) = value.as_object() else { return Some("map[string]string") };
    map.values().any(|value| !value.is_string()).then_some("string")
}

fn is_list(value: &Value, item: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(item))
}

/// The type that the decoder stumbles over: the member's, where a member is wrong.
fn culprit(value: &Value) -> &'static str {
    let inner = value.as_object().and_then(|map| map.values().find(|value| !value.is_string()));
    type_name(inner.unwrap_or(value))
}

/// The word that Go's decoder has for a JSON type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn unmarshal(kind: &Kind, found: &str, field: &str, wanted: &str) -> Status {
    let (name, version) = (&kind.kind, &kind.version);
    let place = if field.starts_with("metadata.") { "ObjectMeta" } else { name };
    Status::bad_request(format!(
        "{name} in version \"{version}\" cannot be handled as a {name}: json: cannot unmarshal {found} into Go \
         struct field {place}.{field} of type {wanted}"
    ))
}

/// Restores what a client can never change.
pub(super) fn keep_server_fields(old: &Value, new: &mut Value) {
    let empty = Map::new();
    let old = old.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
    let new = member(new, "metadata");
    let server = [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    for key in server {
        match old.get(key) {
            Some(value) if new.get(key) == Some(value) => {}
            Some(value) => drop(new.insert(key.to_owned(), value.clone())),
            None => drop(new.shift_remove(key)),
        }
    }
}

/// Puts the fields of `metadata` into upstream's order.
pub(crate) fn order(object: &mut Value) {
    order_metadata(member(object, "metadata"));
}

/// Like [`order`], of the metadata itself.
pub(crate) fn order_metadata(metadata: &mut Map<String, Value>) {
    let mut sorted = Map::with_capacity(metadata.len());
    for key in ORDER.into_iter().chain([LAST]) {
        if let Some((key, value)) = metadata.remove_entry(key) {
            sorted.insert(key, value);
        }
    }
    *metadata = sorted;
}

/// Validates names, labels, annotations, owners.
pub(super) fn check(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let empty = Map::new();
    let metadata = object.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
    let name = super::name_of(object);
    if let Some(problem) = names::problem(kind, name) {
        errors.push(FieldError::invalid("metadata.name", &name.into(), problem));
    }
    for (key, value) in metadata.get("labels").and_then(Value::as_object).into_iter().flatten() {
        check_label(key, value.as_str().unwrap_or_default(), "metadata.labels", &mut errors);
    }
    check_annotations(metadata, &mut errors);
    for (position, owner) in
        metadata.get("ownerReferences").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if owner.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                let field = format!("metadata.ownerReferences[{position}].{key}");
                let detail =
                    if key == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.push(FieldError::invalid(field, &"".into(), detail));
            }
        }
    }
    check_finalizers(kind, metadata, &mut errors);
    errors
}

/// Built-in kinds take the names of `core` and names with a domain; custom ones and definitions any qualified name.
fn check_finalizers(kind: &Kind, metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    let is_core = kind.custom.is_none() && kind.group != "apiextensions.k8s.io";
    for (position, name) in strings(metadata, "finalizers").enumerate() {
        let field = || format!("metadata.finalizers[{position}]");
        if let Some(problem) = names::qualified_name_problem(name) {
            errors.push(FieldError::invalid(field(), &name.into(), problem));
        }
        if is_core && !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
            let problem = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(field(), &name.into(), problem));
        }
    }
}

/// Checks what may not change: nothing may hold up a deletion that has begun.
pub(super) fn check_update(old: &Value, new: &Value) -> Option<FieldError> {
    let (old, new) = (old.get("metadata")?.as_object()?, new.get("metadata")?.as_object()?);
    old.get("deletionTimestamp").filter(|at| !at.is_null())?;
    let known: Vec<&str> = strings(old, "finalizers").collect();
    let mut added: Vec<&str> = strings(new, "finalizers").filter(|name| !known.contains(name)).collect();
    if added.is_empty() {
        return None;
    }
    added.sort_unstable();
    let list: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        list.join(", ")
    );
    Some(FieldError::forbidden("metadata.finalizers", detail))
}

fn strings<'a>(metadata: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a str> {
    metadata.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Validates one label.
pub(super) fn check_label(key: &str, value: &str, field: &str, errors: &mut Vec<FieldError>) {
    if let Some(problem) = names::qualified_name_problem(key) {
        errors.push(FieldError::invalid(field, &key.into(), problem));
    }
    if let Some(problem) = names::label_value_problem(value) {
        errors.push(FieldError::invalid(field, &value.into(), problem));
    }
}

fn check_annotations(metadata: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for (key, value) in metadata.get("annotations").and_then(Value::as_object).into_iter().flatten() {
        size += key.len() + value.as_str().unwrap_or_default().len();
        if let Some(problem) = names::qualified_name_problem(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &key.as_str().into(), problem));
        }
    }
    if size > MAX_ANNOTATIONS {
        errors.push(FieldError {
            kind: FieldErrorKind::TooLong,
            field: "metadata.annotations".to_owned(),
            detail: format!("may not be more than {MAX_ANNOTATIONS} bytes"),
        });
    }
}
