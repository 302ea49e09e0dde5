//! Types of custom resources, from `openAPIV3Schema`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Field, ListKind, ObjectType, Struct, Type, Types, builtin, object_meta};

/// Deepest nesting that is looked into; everything below is kept as it is.
const MAX_DEPTH: usize = 64;

/// Makes the type of a custom resource from its schema.
pub(crate) fn from_openapi(kind: &str, schema: &Value) -> ObjectType {
    let mut types = object_meta();
    let root = add_struct(&mut types, schema, kind, 0);
    let metadata =
        builtin("", "Pod").and_then(|pod| pod.types.get(pod.root)?.fields.get("metadata").cloned());
    if let (Some(root), Some(metadata)) = (types.structs.get_mut(root), metadata) {
        root.fields.insert("metadata".to_owned(), metadata);
    }
    ObjectType { types: Arc::new(types), root }
}

fn add_struct(types: &mut Types, schema: &Value, name: &str, depth: usize) -> usize {
    let position = types.structs.len();
    let atomic = schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic");
    types.structs.push(Struct { name: name.to_owned(), atomic, open: is_open(schema), ..Struct::default() });
    let mut fields = HashMap::new();
    for (key, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let field = Field {
            ty: type_of(types, schema, key, depth + 1),
            merge_key: None,
            retain_keys: false,
            list: list_kind(schema),
            atomic: schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
            number: (0, 0),
            pointer: false,
        };
        fields.insert(key.clone(), field);
    }
    if let Some(added) = types.structs.get_mut(position) {
        added.fields = fields;
    }
    position
}

fn is_open(schema: &Value) -> bool {
    schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool).unwrap_or(false)
}

fn list_kind(schema: &Value) -> ListKind {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListKind::Set,
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let keys = keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            ListKind::Map(keys.collect())
        }
        Some(_) | None => ListKind::Atomic,
    }
}

fn type_of(types: &mut Types, schema: &Value, name: &str, depth: usize) -> Type {
    if depth > MAX_DEPTH || schema.get("nullable").and_then(Value::as_bool) == Some(true) {
        return Type::Any;
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if schema.get("properties").is_some() => {
            Type::Struct(add_struct(types, schema, name, depth))
        }
        Some("object") => match schema.get("additionalProperties") {
            Some(item @ Value::Object(_)) => Type::Map(Box::new(type_of(types, item, name, depth + 1))),
            Some(_) => Type::Any,
            None if is_open(schema) => Type::Any,
            None => Type::Struct(add_struct(types, schema, name, depth)),
        },
        Some("array") => {
            let item = schema.get("items").map_or(Type::Any, |item| type_of(types, item, name, depth + 1));
            Type::List(Box::new(item))
        }
        // Scalars are validated, not decoded: their errors name the field.
        Some(_) | None => Type::Any,
    }
}
