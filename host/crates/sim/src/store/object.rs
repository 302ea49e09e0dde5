//! One stored object: immutable JSON bytes, and the metadata that is needed without parsing them.
//!
//! The bytes always begin with `{"kind":…,"apiVersion":…,"metadata":`, so that a list can leave out the kind
//! (as upstream does for built-in kinds) or change the version (custom resources) without parsing.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::registry::{Kind, KindRef};

/// A stored object. Never changes; a write makes a new one.
#[derive(Debug)]
pub struct Object {
    /// Its kind.
    pub kind: KindRef,
    /// Empty for kinds outside namespaces.
    pub namespace: Box<str>,
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: u64,
    /// `metadata.labels`, in the object's order.
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// UIDs in `metadata.ownerReferences`.
    pub owner_uids: Box<[Box<str>]>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deletion: bool,
    /// Values of the kind's selectable fields, in the order of `kind.fields`.
    pub fields: Box<[Box<str>]>,
    json: Bytes,
}

impl Object {
    /// Takes over a complete object. `value` must be a JSON object whose `metadata` is one too.
    pub(crate) fn new(kind: &KindRef, value: &Value, resource_version: u64) -> Self {
        let empty = Map::new();
        let metadata = value.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
        let text = |key| Box::from(metadata.get(key).and_then(Value::as_str).unwrap_or_default());
        Self {
            kind: kind.clone(),
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            resource_version,
            labels: labels(metadata),
            owner_uids: owner_uids(metadata),
            deletion: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
            fields: kind.fields.iter().map(|field| lookup(value, &field.path, field.default)).collect(),
            json: encode(kind, value),
        }
    }

    /// Returns the object as a JSON tree.
    pub fn value(&self) -> Value {
        // The bytes were written by `encode`, hence parse.
        serde_json::from_slice(&self.json).unwrap_or_default()
    }

    /// Returns the object as JSON text, in its stored version.
    pub fn bytes(&self) -> &Bytes {
        &self.json
    }

    /// Returns the text after the kind and API version, from `"metadata":` to the closing brace.
    pub(crate) fn tail(&self) -> Bytes {
        self.json.slice((self.kind.prefix.len() + 1).min(self.json.len())..)
    }

    /// Reads the parts of the object that `T` names.
    ///
    /// # Errors
    /// When the object does not have the shape of `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }

    /// Returns a label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| **known == *key).map(|(_, value)| &**value)
    }

    /// Returns the value of a selectable field by the name that selectors use.
    pub fn field(&self, label: &str) -> Option<&str> {
        match label {
            "metadata.name" => Some(&self.name),
            "metadata.namespace" => Some(&self.namespace),
            _ => {
                let position = self.kind.fields.iter().position(|field| field.label == label)?;
                self.fields.get(position).map(|value| &**value)
            }
        }
    }
}

fn labels(metadata: &Map<String, Value>) -> Box<[(Box<str>, Box<str>)]> {
    let Some(labels) = metadata.get("labels").and_then(Value::as_object) else { return Box::default() };
    labels
        .iter()
        .map(|(key, value)| (Box::from(key.as_str()), Box::from(value.as_str().unwrap_or_default())))
        .collect()
}

fn owner_uids(metadata: &Map<String, Value>) -> Box<[Box<str>]> {
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    owners
        .into_iter()
        .flatten()
        .filter_map(|owner| owner.get("uid").and_then(Value::as_str))
        .map(Box::from)
        .collect()
}

fn lookup(value: &Value, path: &[String], default: &str) -> Box<str> {
    let found = path.iter().try_fold(value, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) if text.is_empty() => default.into(),
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Number(number)) => number.to_string().into(),
        Some(Value::Bool(flag)) => flag.to_string().into(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => default.into(),
    }
}

fn encode(kind: &Kind, value: &Value) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(kind.prefix.as_bytes());
    if let Some(metadata) = value.get("metadata") {
        push(&mut out, "metadata", metadata);
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "kind" | "apiVersion" | "metadata") {
            push(&mut out, key, member);
        }
    }
    out.push(b'}');
    out.shrink_to_fit();
    Bytes::from(out)
}

fn push(out: &mut Vec<u8>, key: &str, value: &Value) {
    out.push(b',');
    // Writing a `Value` into a vector cannot fail.
    let _ = serde_json::to_writer(&mut *out, key);
    out.push(b':');
    let _ = serde_json::to_writer(&mut *out, value);
}
