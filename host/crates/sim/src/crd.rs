//! Custom resource definitions: a created one becomes a served kind, a deleted one takes its objects along.
//!
//! As upstream this happens beside the request: a definition is served when its condition `Established` is true.
//! Validation of custom objects is in `validation`.

mod validation;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use self::validation::validate;
use crate::admission::member;
use crate::registry::{Custom, CustomVersion, Kind, KindId, KindRef, Scale, SelectableField, join_version};
use crate::schema;
use crate::store::{ChangeKind, DeleteOptions, Object, Store};

/// Holds a definition until its objects are gone.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Follows the definitions until stopped.
pub(crate) async fn run(store: Store, stop: CancellationToken) {
    let Some(kind) = store.kind("apiextensions.k8s.io", "customresourcedefinitions") else { return };
    let mut changes = store.subscribe(std::slice::from_ref(&kind));
    loop {
        let change = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            change = changes.recv() => change,
        };
        let Some(change) = change else { return };
        match change.kind {
            ChangeKind::Deleted => {}
            ChangeKind::Added | ChangeKind::Modified if change.object.deletion => {
                remove(&store, &kind, &change.object);
            }
            ChangeKind::Added | ChangeKind::Modified => establish(&store, &kind, &change.object),
        }
    }
}

/// Serves what a definition says, then says so in its status.
fn establish(store: &Store, definitions: &KindRef, definition: &Arc<Object>) {
    let value = definition.value();
    let already = value.pointer("/status/conditions").is_some();
    let Some(made) = make_kind(store, &value) else {
        tracing::debug!(name = %definition.name, "custom resource definition without a served version");
        return;
    };
    if already && store.kind(&made.group, &made.plural).is_some_and(|known| is_same(&known, &made)) {
        return;
    }
    let is_new = store.kind(&made.group, &made.plural).is_none();
    let kind = store.registry().write().put(made);
    if is_new {
        store.begin_history(&kind);
    }
    let now = store.clock().seconds();
    // A definition that is gone by now needs no status.
    let _ = store.update(definitions, "", &definition.name, |definition| {
        set_status(definition, &now);
        Ok(())
    });
}

fn is_same(known: &Kind, made: &Kind) -> bool {
    let texts =
        |kind: &Kind| format!("{:?} {:?} {} {}", kind.custom, kind.short_names, kind.kind, kind.version);
    texts(known) == texts(made)
}

fn set_status(definition: &mut Value, now: &str) {
    let names = definition.pointer("/spec/names").cloned().unwrap_or_default();
    let stored = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .and_then(|version| version.get("name").cloned());
    let metadata = member(definition, "metadata");
    let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut()
        && !list.iter().any(|name| name == FINALIZER)
    {
        list.push(FINALIZER.into());
    }
    let status = member(definition, "status");
    status.insert("acceptedNames".into(), names);
    let versions = status.entry("storedVersions").or_insert_with(|| json!([]));
    if let (Some(list), Some(stored)) = (versions.as_array_mut(), stored)
        && !list.contains(&stored)
    {
        list.push(stored);
    }
    if !status.contains_key("conditions") {
        let condition = |name: &str, reason: &str, message: &str| json!({"lastTransitionTime": now, "message": message, "reason": reason, "status": "True", "type": name});
        let conditions = json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ]);
        status.insert("conditions".into(), conditions);
    }
}

/// Deletes the objects of a definition that is being deleted, then lets it go.
fn remove(store: &Store, definitions: &KindRef, definition: &Arc<Object>) {
    let value = definition.value();
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let kind =
        store.kind(text("/spec/group"), text("/spec/names/plural")).filter(|kind| kind.custom.is_some());
    if let Some(kind) = kind {
        for object in store.list(&kind, None) {
            // Objects with finalizers go with their kind: nobody could remove the finalizers any more.
            let _ = store.update(&kind, &object.namespace, &object.name, |object| {
                member(object, "metadata").shift_remove("finalizers");
                Ok(())
            });
            let _ = store.delete(&kind, &object.namespace, &object.name, &DeleteOptions::default());
        }
        store.registry().write().remove(&kind);
    }
    let _ = store.update(definitions, "", &definition.name, |definition| {
        let metadata = member(definition, "metadata");
        if let Some(list) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) {
            list.retain(|name| name != FINALIZER);
        }
        Ok(())
    });
}

/// The kind that a definition describes; `None` when it serves no version.
fn make_kind(store: &Store, definition: &Value) -> Option<Kind> {
    let text = |path: &str| definition.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let texts = |path: &str| -> Vec<String> {
        let list = definition.pointer(path).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (group, kind, plural) =
        (text("/spec/group")?, text("/spec/names/kind")?, text("/spec/names/plural")?);
    let specs = definition.pointer("/spec/versions")?.as_array()?;
    let flag = |spec: &Value, key: &str| spec.get(key).and_then(Value::as_bool) == Some(true);
    let mut versions: Vec<CustomVersion> =
        specs.iter().filter(|spec| flag(spec, "served")).filter_map(|spec| version(&kind, spec)).collect();
    // The newest stable version is preferred.
    versions.sort_by_key(|version| std::cmp::Reverse(priority(&version.name)));
    let stored = specs.iter().find(|spec| flag(spec, "storage")).or(specs.first())?;
    let version = stored.get("name")?.as_str()?.to_owned();
    versions.first()?;
    let known = store.kind(&group, &plural);
    if known.as_ref().is_some_and(|known| known.custom.is_none()) {
        return None;
    }
    let id: KindId = known.map_or_else(|| store.registry().write().next_id(), |known| known.id);
    let subresources = stored.get("subresources");
    Some(Kind {
        id,
        list_kind: text("/spec/names/listKind").unwrap_or_else(|| format!("{kind}List")),
        singular: text("/spec/names/singular").unwrap_or_else(|| kind.to_lowercase()),
        short_names: texts("/spec/names/shortNames"),
        categories: texts("/spec/names/categories"),
        namespaced: text("/spec/scope").as_deref() == Some("Namespaced"),
        has_status: subresources.is_some_and(|parts| parts.get("status").is_some()),
        has_generation: true,
        scale: subresources.and_then(|parts| parts.get("scale")).and_then(scale),
        fields: fields(stored),
        prefix: Kind::make_prefix(&kind, &join_version(&group, &version)),
        ty: None,
        custom: Some(Custom { versions }),
        group,
        version,
        kind,
        plural,
    })
}

fn version(kind: &str, spec: &Value) -> Option<CustomVersion> {
    let schema = spec.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
    Some(CustomVersion {
        name: spec.get("name")?.as_str()?.to_owned(),
        ty: schema::from_openapi(kind, &schema),
        columns: spec.get("additionalPrinterColumns").and_then(Value::as_array).cloned().unwrap_or_default(),
        schema,
    })
}

/// Orders versions as Kubernetes: `v2`, `v1`, `v1beta2`, `v1alpha1`, everything else last.
fn priority(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at_checked(digits).unwrap_or((rest, ""));
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    let minor = |name: &str| rest.strip_prefix(name).and_then(|minor| minor.parse().ok());
    match (rest, minor("beta"), minor("alpha")) {
        ("", _, _) => (3, major, 0),
        (_, Some(beta), _) => (2, major, beta),
        (_, None, Some(alpha)) => (1, major, alpha),
        (_, None, None) => (0, 0, 0),
    }
}

fn scale(spec: &Value) -> Option<Scale> {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Scale {
        spec_path: text("specReplicasPath")?,
        status_path: text("statusReplicasPath")?,
        selector_path: text("labelSelectorPath"),
    })
}

fn fields(spec: &Value) -> Vec<SelectableField> {
    let list = spec.get("selectableFields").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|field| field.get("jsonPath")?.as_str())
        .map(|path| path.trim_start_matches('.'))
        .map(|path| SelectableField {
            label: path.to_owned(),
            path: path.split('.').map(str::to_owned).collect(),
            default: "",
        })
        .collect()
}
