//! `managedFields`: who manages which fields of an object, read from it and written back.

use serde_json::{Value, json};

use crate::admission::{map, member};
use crate::patch::fields::FieldSet;
use crate::schema::ObjectType;

/// Longest list of managers that write without applying (upstream: 10).
const MAX_UPDATERS: usize = 10;

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) applies: bool,
    pub(super) api_version: String,
    pub(super) time: String,
    pub(super) subresource: String,
    pub(super) set: FieldSet,
}

pub(super) fn managers(object: &Value, ty: Option<&ObjectType>) -> Vec<Manager> {
    let list = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    if let Some(list) = list.filter(|list| !list.is_empty()) {
        return list.iter().map(manager).collect();
    }
    let set = FieldSet::of(object, ty);
    if object.pointer("/metadata/uid").is_none() || set.is_empty() {
        return Vec::new();
    }
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    vec![Manager {
        name: "before-first-apply".to_owned(),
        applies: false,
        api_version: text("/apiVersion"),
        time: String::new(),
        subresource: String::new(),
        set,
    }]
}

fn manager(entry: &Value) -> Manager {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Manager {
        name: text("manager"),
        applies: text("operation") == "Apply",
        api_version: text("apiVersion"),
        time: text("time"),
        subresource: text("subresource"),
        set: entry.get("fieldsV1").map(FieldSet::from_json).unwrap_or_default(),
    }
}

pub(super) fn record(object: &mut Value, mut managers: Vec<Manager>) {
    managers.retain(|manager| !manager.set.is_empty());
    let n_updaters = managers.iter().filter(|manager| !manager.applies).count();
    let mut surplus = n_updaters.saturating_sub(MAX_UPDATERS);
    managers.retain(|manager| {
        let drop = !manager.applies && surplus > 0;
        surplus -= usize::from(drop);
        !drop
    });
    let entries: Vec<Value> = managers
        .iter()
        .map(|manager| {
            let mut entry = json!({
                "manager": manager.name,
                "operation": if manager.applies { "Apply" } else { "Update" },
                "apiVersion": manager.api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": manager.set.to_json(),
            });
            if !manager.time.is_empty() {
                map(&mut entry).insert("time".into(), manager.time.clone().into());
            }
            if !manager.subresource.is_empty() {
                map(&mut entry).insert("subresource".into(), manager.subresource.clone().into());
            }
            entry
        })
        .collect();
    member(object, "metadata").insert("managedFields".into(), entries.into());
}

impl Manager {
    pub(super) fn title(&self) -> String {
        let subresource = if self.subresource.is_empty() {
            String::new()
        } else {
            format!(" with subresource {:?}", self.subresource)
        };
        let head = format!("{:?}{subresource}", self.name);
        match (self.applies, self.time.as_str()) {
            (true, _) => head,
            (false, "") => format!("{head} using {}", self.api_version),
            (false, time) => format!("{head} using {} at {time}", self.api_version),
        }
    }
}
