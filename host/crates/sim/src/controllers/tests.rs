//! Whole life cycles: store and controllers without HTTP, in paused time.

mod kubelet;
mod namespaces;
mod nodes;
mod scheduling;
mod volumes;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ControlPlane;
use super::conditions;
use super::pods::Pod;
use super::settings::{ControlSettings, NodeSettings};
use crate::clock::Clock;
use crate::registry::KindRef;
use crate::stage::Stages;
use crate::store::{Change, ChangeKind, DeleteOptions, HistoryLimits, Object, Propagation, Store};

/// A pod as a controller sees it, from its parts.
pub(super) fn pod(mut object: Value) -> Pod {
    object["metadata"] = json!({ "name": "p", "namespace": "default", "uid": "u" });
    let store = empty_store();
    let kind = store.kind("", "pods").expect("a built-in kind");
    Pod::read(&Arc::new(Object::new(&kind, &object, 1)), None).expect("a pod")
}

pub(super) fn empty_store() -> Store {
    let clock = Clock::starting_at("2026-01-31T08:00:00Z".parse().expect("a timestamp"));
    Store::new(clock, 1, HistoryLimits { changes: 100_000, bytes: 100 << 20 })
}

/// A running cluster.
struct Cluster {
    store: Store,
    start: Instant,
    changes: UnboundedReceiver<Change>,
    seen: Vec<(Duration, Change)>,
    _stop: DropGuard,
}

const NODE: &str = "node-0";

impl Cluster {
    fn start(stages: Stages) -> Self {
        Self::with(stages, ControlSettings::default(), NodeSettings::default())
    }

    fn with(stages: Stages, settings: ControlSettings, nodes: NodeSettings) -> Self {
        let store = empty_store();
        let start = Instant::now();
        let plane = ControlPlane::new(store.clone(), 7, stages, settings, nodes).expect("built-in kinds");
        let stop = CancellationToken::new();
        tokio::spawn(plane.run(stop.clone()));
        let changes = store.subscribe(&store.kinds());
        Self { store, start, changes, seen: Vec::new(), _stop: stop.drop_guard() }
    }

    fn kind(&self, plural: &str) -> KindRef {
        let found = self.store.kinds().into_iter().find(|kind| kind.plural == plural);
        found.unwrap_or_else(|| panic!("no kind `{plural}`"))
    }

    fn create(&self, plural: &str, object: Value) -> Arc<Object> {
        let kind = self.kind(plural);
        let namespace = if kind.namespaced { "default" } else { "" };
        self.create_in(namespace, plural, object)
    }

    fn create_in(&self, namespace: &str, plural: &str, object: Value) -> Arc<Object> {
        let created = self.store.create(&self.kind(plural), namespace, object);
        created.unwrap_or_else(|status| panic!("{plural}: {status}"))
    }

    fn delete(&self, plural: &str, name: &str, propagation: Option<Propagation>) {
        let kind = self.kind(plural);
        let namespace = if kind.namespaced { "default" } else { "" };
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        self.store
            .delete(&kind, namespace, name, &options)
            .unwrap_or_else(|status| panic!("{plural}: {status}"));
    }

    fn patch(&self, plural: &str, name: &str, path: &str, value: Value) {
        let kind = self.kind(plural);
        let namespace = if kind.namespaced { "default" } else { "" };
        let result = self.store.update(&kind, namespace, name, |object| {
            *object.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
            Ok(())
        });
        result.unwrap_or_else(|status| panic!("{plural}: {status}"));
    }

    fn get(&self, plural: &str, name: &str) -> Option<Value> {
        let kind = self.kind(plural);
        let namespace = if kind.namespaced { "default" } else { "" };
        self.store.get(&kind, namespace, name).map(|object| object.value())
    }

    fn list(&self, plural: &str) -> Vec<Value> {
        self.store.list(&self.kind(plural), None).iter().map(|object| object.value()).collect()
    }

    fn names(&self, plural: &str) -> Vec<String> {
        self.list(plural).iter().map(|object| text(object, "/metadata/name").to_owned()).collect()
    }

    fn count(&self, plural: &str, wanted: impl Fn(&Value) -> bool) -> usize {
        self.list(plural).iter().filter(|object| wanted(object)).count()
    }

    /// Lets time pass until something holds; fails with what was waited for after an hour.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Duration {
        let deadline = Instant::now() + Duration::from_secs(3600);
        while !holds(self) {
            let change = tokio::time::timeout_at(deadline, self.changes.recv()).await;
            let change =
                change.unwrap_or_else(|_| panic!("waited an hour for: {what}")).expect("the store lives");
            self.seen.push((self.start.elapsed(), change));
        }
        while let Ok(change) = self.changes.try_recv() {
            self.seen.push((self.start.elapsed(), change));
        }
        self.start.elapsed()
    }

    /// Lets time pass, and notes what happens in it.
    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(change) = tokio::time::timeout_at(end, self.changes.recv()).await {
            self.seen.push((self.start.elapsed(), change.expect("the store lives")));
        }
    }

    /// The times (ms) at which a pod's condition, phase or existence first was so.
    fn first(&self, plural: &str, name: &str, wanted: impl Fn(&Value) -> bool) -> u128 {
        let found = self.seen.iter().find(|(_, change)| {
            change.object.kind.plural == plural
                && *change.object.name == *name
                && change.kind != ChangeKind::Deleted
                && wanted(&change.object.value())
        });
        found.unwrap_or_else(|| panic!("{plural} {name} never was so")).0.as_millis()
    }

    fn gone(&self, plural: &str, name: &str) -> u128 {
        let found = self.seen.iter().find(|(_, change)| {
            change.object.kind.plural == plural
                && *change.object.name == *name
                && change.kind == ChangeKind::Deleted
        });
        found.unwrap_or_else(|| panic!("{plural} {name} is not gone")).0.as_millis()
    }

    /// `reason: message` of all Events about an object, in order of their making.
    fn events(&self, name: &str) -> Vec<String> {
        let mut events: Vec<_> = self
            .store
            .list(&self.kind("events"), None)
            .into_iter()
            .filter(|event| text(&event.value(), "/involvedObject/name") == name)
            .collect();
        events.sort_by_key(|event| event.resource_version);
        let line = |event: &Arc<Object>| {
            let value = event.value();
            format!("{}: {}", text(&value, "/reason"), text(&value, "/message"))
        };
        events.iter().map(line).collect()
    }
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn condition(object: &Value, kind: &str) -> bool {
    conditions::is_true(&object["status"], kind)
}

fn phase(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |object| text(object, "/status/phase") == wanted
}

/// A manifest of a pod.
fn bare_pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "app", "image": "registry.k8s.io/pause:3.10" }] },
    })
}

/// A pod template.
fn template(app: &str) -> Value {
    let mut template = bare_pod("");
    template["metadata"] = json!({ "labels": { "app": app } });
    template
}

/// A workload of a kind with selector and template.
fn workload(name: &str, replicas: u32) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": template(name),
        },
    })
}
