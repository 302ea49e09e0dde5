//! One stored object: immutable JSON bytes, and the metadata that is needed without parsing them.
//!
//! The bytes always begin with `{"kind":…,"apiVersion":…,"metadata":`, so that a list can leave out the kind
//! (as upstream does for built-in kinds) or change the version (custom resources) without parsing. Where each member
//! stands is known, so that a change of one leaves the text of the others as it is (see `draft`).

mod members;

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use self::members::Members;
use self::members::{Span, slice};
use crate::registry::KindRef;

const METADATA: &str = "metadata";

/// A stored object. Never changes; a write makes a new one.
#[derive(Debug)]
pub struct Object {
    /// Its kind.
    pub kind: KindRef,
    /// Empty for kinds outside namespaces.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.uid`.
    pub uid: Arc<str>,
    /// `metadata.resourceVersion`.
    pub resource_version: u64,
    /// `metadata.generation`; 0 where the kind has none.
    pub generation: i64,
    /// `metadata.labels`, in the object's order.
    pub labels: Arc<[(Box<str>, Box<str>)]>,
    /// UIDs in `metadata.ownerReferences`.
    pub owner_uids: Arc<[Arc<str>]>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deletion: bool,
    /// Values of the kind's selectable fields, in the order of `kind.fields`.
    pub fields: Arc<[Box<str>]>,
    json: Bytes,
    members: Box<[Span]>,
}

impl Object {
    /// Takes over a complete object. `value` must be a JSON object whose `metadata` is one too.
    pub(crate) fn new(kind: &KindRef, value: &Value, resource_version: u64) -> Self {
        let mut members = Members::of(kind, 1024);
        if let Some(metadata) = value.get(METADATA) {
            members.put(METADATA, metadata);
        }
        for (key, member) in value.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "kind" | "apiVersion" | METADATA) {
                members.put(key, member);
            }
        }
        let field = |path: &[String], default: &str| lookup(value, path, default);
        let fields = kind.fields.iter().map(|known| field(&known.path, known.default)).collect();
        Self::from_members(kind, value.get(METADATA), members, fields, resource_version)
    }

    /// Takes over an object that is written already; `metadata` is what stands in it.
    pub(crate) fn from_members(
        kind: &KindRef,
        metadata: Option<&Value>,
        members: Members,
        fields: Arc<[Box<str>]>,
        resource_version: u64,
    ) -> Self {
        let empty = Map::new();
        let metadata = metadata.and_then(Value::as_object).unwrap_or(&empty);
        let text = |key| Arc::from(metadata.get(key).and_then(Value::as_str).unwrap_or_default());
        let (json, spans) = members.finish();
        Self {
            kind: kind.clone(),
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            resource_version,
            generation: metadata.get("generation").and_then(Value::as_i64).unwrap_or(0),
            labels: labels(metadata),
            owner_uids: owner_uids(metadata),
            deletion: metadata.get("deletionTimestamp").is_some_and(|at| !at.is_null()),
            fields,
            json,
            members: spans,
        }
    }

    /// The object with some members changed; those of `null` are left out. `changed` may name a
    /// member once only.
    pub(crate) fn with_members(&self, changed: &[(&str, &Value)], resource_version: u64) -> Self {
        let mut members = Members::of(&self.kind, self.json.len() + 256);
        let find = |name: &str| changed.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        for span in &self.members {
            match find(self.name_at(span)) {
                Some(Value::Null) => {}
                Some(value) => members.put(self.name_at(span), value),
                None if self.name_at(span) == METADATA => {
                    members.put_metadata(self.text_at(span), resource_version)
                }
                None => members.copy(&self.json, *span),
            }
        }
        for (name, value) in changed {
            if !value.is_null() && self.member(name).is_none() {
                members.put(name, value);
            }
        }
        let fields = self.fields_with(&find);
        let metadata = find(METADATA);
        let (json, spans) = members.finish();
        let facts = metadata.and_then(Value::as_object);
        Self {
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            resource_version,
            generation: facts.map_or(self.generation, |facts| {
                facts.get("generation").and_then(Value::as_i64).unwrap_or(0)
            }),
            labels: facts.map_or_else(|| self.labels.clone(), labels),
            owner_uids: facts.map_or_else(|| self.owner_uids.clone(), owner_uids),
            deletion: facts.map_or(self.deletion, |facts| {
                facts.get("deletionTimestamp").is_some_and(|at| !at.is_null())
            }),
            fields,
            json,
            members: spans,
        }
    }

    /// The object as it is, with another version.
    pub(crate) fn at_version(&self, resource_version: u64) -> Self {
        self.with_members(&[], resource_version)
    }

    /// Selectable fields, looked up again where their member has changed.
    fn fields_with<'v>(&self, find: &impl Fn(&str) -> Option<&'v Value>) -> Arc<[Box<str>]> {
        let is_root = |path: &[String]| path.first().is_some_and(|first| find(first).is_some());
        if !self.kind.fields.iter().any(|field| is_root(&field.path)) {
            return self.fields.clone();
        }
        let known = self.kind.fields.iter().zip(self.fields.iter());
        known
            .map(|(field, present)| match field.path.split_first() {
                Some((first, rest)) => match find(first) {
                    Some(value) => lookup(value, rest, field.default),
                    None => present.clone(),
                },
                None => present.clone(),
            })
            .collect()
    }

    /// Returns the object as a JSON tree.
    pub fn value(&self) -> Value {
        // The bytes were written by `Members`, hence parse.
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

    /// Returns the JSON text of a member, such as `spec`.
    pub(crate) fn member(&self, name: &str) -> Option<&[u8]> {
        self.members.iter().find(|span| self.name_at(span) == name).map(|span| self.text_at(span))
    }

    /// Reads a member as JSON tree; `null` when absent.
    pub(crate) fn member_value(&self, name: &str) -> Value {
        self.member(name).and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default()
    }

    /// Reads the parts of a member that `T` names; an absent member is the default.
    ///
    /// # Errors
    /// When the member does not have the shape of `T`.
    pub(crate) fn decode_member<T: DeserializeOwned + Default>(
        &self,
        name: &str,
    ) -> Result<T, serde_json::Error> {
        self.member(name).map_or_else(|| Ok(T::default()), serde_json::from_slice)
    }

    fn name_at(&self, span: &Span) -> &str {
        let quoted = slice(&self.json, span.name + 1, span.value.saturating_sub(2));
        std::str::from_utf8(quoted).unwrap_or_default()
    }

    fn text_at(&self, span: &Span) -> &[u8] {
        slice(&self.json, span.value, span.end)
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

fn labels(metadata: &Map<String, Value>) -> Arc<[(Box<str>, Box<str>)]> {
    let labels = metadata.get("labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .map(|(key, value)| (Box::from(key.as_str()), Box::from(value.as_str().unwrap_or_default())))
        .collect()
}

fn owner_uids(metadata: &Map<String, Value>) -> Arc<[Arc<str>]> {
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    owners
        .into_iter()
        .flatten()
        .filter_map(|owner| owner.get("uid").and_then(Value::as_str))
        .map(Arc::from)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::registry::Registry;

    fn kind() -> KindRef {
        Registry::with_builtin().get("", "pods").expect("pods are built in")
    }

    fn object(text: &str) -> Value {
        let annotations = json!({ text: text, "resourceVersion": "7", "k": "\"resourceVersion\":\"8\"" });
        json!({
            "metadata": { "name": "p", "uid": text, "resourceVersion": "1", "annotations": annotations },
            text: { "a": [text] },
            "spec": { "nodeName": text, "x": {} },
            "status": { "phase": "Pending" },
        })
    }

    proptest! {
        #[test]
        fn changing_a_member_is_the_same_as_writing_the_object_anew(text in ".{1,12}", phase in "[A-Z]{0,3}") {
            prop_assume!(!matches!(text.as_str(), "kind" | "apiVersion" | "metadata" | "spec" | "status"));
            let mut value = object(&text);
            let before = Object::new(&kind(), &value, 1);
            let status = json!({ "phase": phase });
            let changed = before.with_members(&[("status", &status)], 5);
            value["status"] = status;
            value["metadata"]["resourceVersion"] = "5".into();
            let anew = Object::new(&kind(), &value, 5);
            prop_assert_eq!(changed.bytes(), anew.bytes());
            prop_assert_eq!(&changed.fields, &anew.fields);
            prop_assert_eq!(changed.member("spec"), anew.member("spec"));
        }
    }

    #[test]
    fn a_member_whose_name_needs_escapes_stays_as_it_is() {
        let before = Object::new(&kind(), &json!({ "metadata": {}, "a\"b\n": 1 }), 1);
        assert_eq!(before.at_version(2).at_version(3).value()["a\"b\n"], 1);
    }

    #[test]
    fn a_member_that_becomes_null_is_left_out_and_a_new_one_added() {
        let before = Object::new(&kind(), &object("t"), 1);
        let after = before.with_members(&[("spec", &Value::Null), ("more", &json!(1))], 2);
        assert_eq!(after.value()["more"], 1);
        assert_eq!(after.member("spec"), None);
        assert_eq!(after.field("spec.nodeName"), Some(""));
    }
}
