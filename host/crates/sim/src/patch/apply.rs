//! Server-side apply: who manages which field, conflicts, and merging by type.
//!
//! Managers are recorded from an object's first apply on; until then `managedFields` is absent, and everything the
//! object has belongs to `before-first-apply`, as upstream says of objects from before the feature. That
//! keeps plain writes, which are what is benchmarked, free of the bookkeeping.

mod managers;
mod merge;

use serde_json::Value;

use self::managers::{Manager, managers, record};
use self::merge::Merger;
use super::fields::{self, FieldSet};
use crate::admission::{map, member};
use crate::clock::Clock;
use crate::schema::ObjectType;
use crate::serve::Call;
use crate::status::{Cause, Status};

/// Who writes.
#[derive(Debug)]
pub(crate) struct Writer {
    name: String,
    api_version: String,
    subresource: String,
    now: String,
}

impl Writer {
    pub(crate) fn of(call: &Call<'_>, clock: Clock) -> Self {
        let named = call.query.get("fieldManager");
        let agent = call.headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.unwrap_or("unknown").split('/').next().unwrap_or("unknown");
        Self {
            name: if named.is_empty() { agent } else { named }.to_owned(),
            api_version: crate::registry::join_version(&call.kind.group, &call.target.version),
            subresource: call.target.subresource.clone(),
            now: clock.seconds(),
        }
    }
}

/// Applies a configuration to a live object (empty when it is new).
///
/// # Errors
/// When other managers own fields that it would change, unless `force`.
pub(crate) fn apply(
    live: &mut Value,
    config: &Value,
    ty: Option<&ObjectType>,
    writer: &Writer,
    force: bool,
) -> Result<(), Status> {
    let mut managers = managers(live, ty);
    let wanted = FieldSet::of(config, ty);
    let own = managers.iter().position(|manager| {
        manager.applies && manager.name == writer.name && manager.subresource == writer.subresource
    });
    let before = own.map(|position| managers.remove(position).set).unwrap_or_default();
    let conflicts = conflicts(live, config, &wanted, &managers);
    if !conflicts.is_empty() && !force {
        return Err(refusal(&conflicts));
    }
    for (position, path) in conflicts.iter().map(|conflict| (conflict.position, &conflict.path)) {
        if let Some(manager) = managers.get_mut(position) {
            manager.set.remove(path);
        }
    }
    // Items before their keys: an item whose key is gone could not be found.
    for path in &before.places() {
        let kept = wanted.touches(path) || managers.iter().any(|manager| manager.set.touches(path));
        if !kept {
            fields::take_away(live, path);
        }
    }
    let merger = Merger { types: ty.map(|ty| &*ty.types) };
    let root = ty.and_then(|ty| ty.types.get(ty.root));
    if let Some(config) = config.as_object() {
        merger.fields(map(live), config, root);
    }
    managers.push(Manager {
        name: writer.name.clone(),
        applies: true,
        api_version: writer.api_version.clone(),
        time: writer.now.clone(),
        subresource: writer.subresource.clone(),
        set: wanted,
    });
    record(live, managers);
    Ok(())
}

/// Notes what a plain write changed, once an object has managers.
pub(crate) fn note_update(call: &Call<'_>, before: &Value, after: &mut Value, clock: Clock) {
    let managed = before.pointer("/metadata/managedFields").cloned();
    let Some(managed) = managed.filter(|list| list.as_array().is_some_and(|list| !list.is_empty())) else {
        member(after, "metadata").shift_remove("managedFields");
        return;
    };
    member(after, "metadata").insert("managedFields".into(), managed);
    let ty = call.kind.object_type(&call.target.version);
    let mut managers = managers(before, ty.as_ref());
    let (old, new) = (FieldSet::of(before, ty.as_ref()), FieldSet::of(after, ty.as_ref()));
    let changed: Vec<Vec<String>> = new
        .places()
        .into_iter()
        .filter(|path| !is_item(path) && fields::look_up(before, path) != fields::look_up(after, path))
        .collect();
    let gone = old.places().into_iter().filter(|path| !new.contains(path));
    let lost: Vec<Vec<String>> = gone.chain(changed.iter().cloned()).collect();
    if lost.is_empty() {
        return;
    }
    for path in &lost {
        managers.iter_mut().for_each(|manager| manager.set.remove(path));
    }
    let writer = Writer::of(call, clock);
    let own = managers.iter().position(|manager| {
        !manager.applies && manager.name == writer.name && manager.subresource == writer.subresource
    });
    let mut entry = own.map(|position| managers.remove(position)).unwrap_or_else(|| Manager {
        name: writer.name.clone(),
        applies: false,
        api_version: writer.api_version.clone(),
        time: String::new(),
        subresource: writer.subresource.clone(),
        set: FieldSet::default(),
    });
    entry.time = writer.now;
    changed.iter().for_each(|path| entry.set.insert(path));
    managers.push(entry);
    record(after, managers);
}

/// The marker of a list item, which has no value of its own.
fn is_item(path: &[String]) -> bool {
    path.last().is_some_and(|last| last.starts_with("k:"))
}

/// A field that someone else manages and that would change.
struct Conflict {
    position: usize,
    /// The other manager, as the text names it.
    with: String,
    path: Vec<String>,
}

fn conflicts(live: &Value, config: &Value, wanted: &FieldSet, managers: &[Manager]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let changed: Vec<Vec<String>> = wanted
        .places()
        .into_iter()
        .filter(|path| !is_item(path) && fields::look_up(live, path) != fields::look_up(config, path))
        .collect();
    for (position, manager) in managers.iter().enumerate() {
        for path in changed.iter().filter(|path| manager.set.contains(path)) {
            conflicts.push(Conflict { position, with: manager.title(), path: path.clone() });
        }
    }
    conflicts
}

fn refusal(conflicts: &[Conflict]) -> Status {
    let causes = conflicts
        .iter()
        .map(|conflict| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {}", conflict.with),
            field: fields::print(&conflict.path),
        })
        .collect();
    if let [only] = conflicts {
        let text = format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            only.with,
            fields::print(&only.path)
        );
        return Status::apply_conflict(text, causes);
    }
    let mut titles: Vec<&str> = conflicts.iter().map(|conflict| conflict.with.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    let mut lines = Vec::new();
    for title in titles {
        lines.push(format!("conflicts with {title}:"));
        let own = conflicts.iter().filter(|conflict| conflict.with == title);
        lines.extend(own.map(|conflict| format!("- {}", fields::print(&conflict.path))));
    }
    let text = format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"));
    Status::apply_conflict(text, causes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::builtin;

    fn writer(name: &str) -> Writer {
        Writer {
            name: name.to_owned(),
            api_version: "apps/v1".to_owned(),
            subresource: String::new(),
            now: "2026-01-31T08:00:00Z".to_owned(),
        }
    }

    fn run(live: &mut Value, manager: &str, spec: Value, force: bool) -> Result<(), String> {
        let ty = builtin("apps", "Deployment").expect("deployments are built in");
        let config =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
        apply(live, &config, Some(&ty), &writer(manager), force).map_err(|status| status.message)
    }

    fn containers(list: Value) -> Value {
        json!({"template": {"spec": {"containers": list}}})
    }

    #[test]
    fn a_field_of_another_manager_is_a_conflict_unless_forced() {
        let mut live = json!({});
        run(&mut live, "a", json!({"replicas": 1}), false).expect("nobody else");
        assert_eq!(
            run(&mut live, "b", json!({"replicas": 2}), false),
            Err("Apply failed with 1 conflict: conflict with \"a\": .spec.replicas".to_owned())
        );
        run(&mut live, "b", json!({"replicas": 1}), false).expect("the same value is shared");
        run(&mut live, "b", json!({"replicas": 2}), true).expect("forced");
        assert_eq!(live.pointer("/spec/replicas"), Some(&json!(2)));
    }

    #[test]
    fn what_a_manager_leaves_out_goes_unless_another_has_it() {
        let mut live = json!({});
        run(&mut live, "a", json!({"replicas": 1, "paused": true}), false).expect("new");
        run(&mut live, "b", json!({"replicas": 1}), false).expect("shared");
        run(&mut live, "a", json!({"minReadySeconds": 3}), false).expect("no conflict");
        assert_eq!(live.get("spec"), Some(&json!({"replicas": 1, "minReadySeconds": 3})));
    }

    #[test]
    fn items_of_keyed_lists_belong_to_managers_one_by_one() {
        let mut live = json!({});
        run(&mut live, "a", containers(json!([{"name": "x", "image": "1"}])), false).expect("new");
        run(&mut live, "b", containers(json!([{"name": "y", "image": "1"}])), false).expect("another item");
        run(&mut live, "a", containers(json!([])), false).expect("gives its item up");
        assert_eq!(
            live.pointer("/spec/template/spec/containers"),
            Some(&json!([{"name": "y", "image": "1"}]))
        );
        let error = run(&mut live, "a", containers(json!([{"name": "y", "image": "2"}])), false);
        assert_eq!(
            error.expect_err("another manager has it"),
            "Apply failed with 1 conflict: conflict with \"b\": \
             .spec.template.spec.containers[name=\"y\"].image"
        );
    }
}
