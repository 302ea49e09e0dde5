//! Tables of custom resources: `additionalPrinterColumns`, or name and age.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cells::since;
use crate::registry::Kind;

fn own<'a>(kind: &'a Kind, version: &str) -> &'a [Value] {
    let versions = kind.custom.as_ref().map(|custom| custom.versions.as_slice()).unwrap_or_default();
    let found = versions.iter().find(|known| known.name == version);
    found.map(|version| version.columns.as_slice()).unwrap_or_default()
}

pub(super) fn columns(kind: &Kind, version: &str) -> Value {
    let mut columns =
        vec![json!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0})];
    let text =
        |column: &Value, key: &str| column.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    for column in own(kind, version) {
        columns.push(json!({
            "name": text(column, "name"), "type": text(column, "type"), "format": text(column, "format"),
            "description": text(column, "description"),
            "priority": column.get("priority").and_then(Value::as_i64).unwrap_or(0),
        }));
    }
    if own(kind, version).is_empty() {
        columns.push(json!({"name": "Age", "type": "date", "format": "", "description": "", "priority": 0}));
    }
    columns.into()
}

pub(super) fn cells(kind: &Kind, version: &str, object: &Value, now: Timestamp) -> Value {
    let mut cells = vec![object.pointer("/metadata/name").cloned().unwrap_or_default()];
    for column in own(kind, version) {
        let path = column.get("jsonPath").and_then(Value::as_str).unwrap_or_default();
        let found = look_up(object, path);
        let is_date = column.get("type").and_then(Value::as_str) == Some("date");
        cells.push(if is_date {
            since(found, now, "<unknown>").into()
        } else {
            found.cloned().unwrap_or_default()
        });
    }
    if own(kind, version).is_empty() {
        cells.push(since(object.pointer("/metadata/creationTimestamp"), now, "<unknown>").into());
    }
    cells.into()
}

/// Follows a path like `.status.conditions[0].type`; filters are not understood and find nothing.
fn look_up<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let parts = path.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.into_iter().try_fold(object, |value, part| match part.parse::<usize>() {
        Ok(position) if value.is_array() => value.get(position),
        Ok(_) | Err(_) => value.get(part),
    })
}
