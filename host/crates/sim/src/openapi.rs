//! As much OpenAPI as `kubectl` needs: which kinds exist, and that the server validates fields itself.
//!
//! kubectl looks for the `fieldValidation` parameter of a kind's `patch` operation; when it is there, it leaves
//! validation to the server. Schemas are objects without properties, so `kubectl explain` shows no fields.

use serde_json::{Map, Value, json};

use crate::registry::{Kind, KindRef, join_version};

const PATCH_TYPES: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/// `/openapi/v3`: where the documents are.
pub(crate) fn index(kinds: &[KindRef]) -> Value {
    let mut paths = Map::new();
    for kind in kinds {
        for version in kind.served_versions() {
            let path = group_path(&kind.group, &version);
            // kubectl caches a document for as long as its hash stays the same.
            let hash =
                format!("{:016X}", crate::random::fnv1a(names(kinds, &kind.group, &version).as_bytes()));
            paths.insert(
                path.clone(),
                json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}),
            );
        }
    }
    json!({"paths": paths})
}

fn names(kinds: &[KindRef], group: &str, version: &str) -> String {
    let kinds = kinds.iter().filter(|kind| kind.group == group && kind.serves(version));
    kinds.map(|kind| kind.kind.as_str()).collect::<Vec<_>>().join(",")
}

fn group_path(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// `/openapi/v3/PATH`.
pub(crate) fn document(kinds: &[KindRef], path: &str) -> Option<Value> {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for kind in kinds {
        for version in
            kind.served_versions().iter().filter(|version| group_path(&kind.group, version) == path)
        {
            let (url, item) = path_item(kind, version);
            paths.insert(url, item);
            schemas.insert(schema_name(kind, version), schema(kind, version));
        }
    }
    if paths.is_empty() {
        return None;
    }
    Some(json!({
        "openapi": "3.0.0", "info": info(), "paths": paths, "components": {"schemas": schemas},
    }))
}

/// `/openapi/v2`.
pub(crate) fn swagger(kinds: &[KindRef]) -> Value {
    let definitions: Map<String, Value> =
        kinds.iter().map(|kind| (schema_name(kind, &kind.version), schema(kind, &kind.version))).collect();
    json!({"swagger": "2.0", "info": info(), "paths": {}, "definitions": definitions})
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": crate::serve::VERSION})
}

fn schema_name(kind: &Kind, version: &str) -> String {
    let group = if kind.group.is_empty() { "core" } else { &kind.group };
    format!("io.k8s.api.{group}.{version}.{}", kind.kind)
}

fn gvk(kind: &Kind, version: &str) -> Value {
    json!({"group": kind.group, "version": version, "kind": kind.kind})
}

fn schema(kind: &Kind, version: &str) -> Value {
    let own = kind.custom.as_ref().and_then(|custom| {
        custom.versions.iter().find(|served| served.name == version).map(|served| served.schema.clone())
    });
    let mut schema = own.filter(Value::is_object).unwrap_or_else(|| json!({"type": "object"}));
    if let Some(map) = schema.as_object_mut() {
        map.insert("x-kubernetes-group-version-kind".into(), json!([gvk(kind, version)]));
    }
    schema
}

fn path_item(kind: &Kind, version: &str) -> (String, Value) {
    let scope = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    let url = format!("/{}/{scope}{}/{{name}}", group_path(&kind.group, version), kind.plural);
    let content: Map<String, Value> =
        PATCH_TYPES.iter().map(|&name| (name.to_owned(), json!({"schema": {"type": "object"}}))).collect();
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let patch = json!({
        "operationId": format!("patch{}{}", join_version(&kind.group, version).replace(['/', '.'], ""), kind.kind),
        "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
        "requestBody": {"content": content},
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": gvk(kind, version),
    });
    (url, json!({"patch": patch}))
}
