//! The store without HTTP: what controllers rely on.

use serde_json::{Value, json};

use super::*;
use crate::status::Status;

const LIMITS: HistoryLimits = HistoryLimits { changes: 100, bytes: 1 << 20 };

fn store() -> Store {
    let store = Store::new(Clock::from_system(), 1, LIMITS);
    let namespaces = kind(&store, "", "namespaces");
    store.create(&namespaces, "", json!({"metadata": {"name": "n"}})).expect("a namespace");
    store
}

fn kind(store: &Store, group: &str, plural: &str) -> KindRef {
    store.kind(group, plural).expect("a built-in kind")
}

fn pod(name: &str, node: Option<&str>) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    if let Some(node) = node {
        pod["spec"]["nodeName"] = node.into();
    }
    pod
}

#[tokio::test(start_paused = true)]
async fn a_pod_on_a_node_is_deleted_gracefully_and_one_without_at_once() {
    let store = store();
    let pods = kind(&store, "", "pods");
    store.create(&pods, "n", pod("bound", Some("node"))).expect("created");
    store.create(&pods, "n", pod("free", None)).expect("created");
    let options = DeleteOptions::default();
    let bound = store.delete(&pods, "n", "bound", &options).expect("deleted");
    assert!(bound.deletion);
    assert_eq!(bound.value().pointer("/metadata/deletionGracePeriodSeconds"), Some(&json!(30)));
    store.delete(&pods, "n", "free", &options).expect("deleted");
    assert!(store.get(&pods, "n", "free").is_none());
    assert!(store.get(&pods, "n", "bound").is_some());
    store.remove_now(&pods, "n", "bound").expect("removed");
    assert!(store.get(&pods, "n", "bound").is_none());
}

#[tokio::test(start_paused = true)]
async fn propagation_is_left_to_the_garbage_collector_as_a_finalizer() {
    let store = store();
    let sets = kind(&store, "apps", "replicasets");
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
    }});
    store.create(&sets, "n", json!({"metadata": {"name": "r"}, "spec": spec})).expect("created");
    let options = DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() };
    let marked = store.delete(&sets, "n", "r", &options).expect("marked");
    assert_eq!(marked.value().pointer("/metadata/finalizers"), Some(&json!(["foregroundDeletion"])));
    assert_eq!(marked.value().pointer("/metadata/generation"), Some(&json!(2)));
}

#[tokio::test(start_paused = true)]
async fn generation_counts_changes_of_the_spec_only() {
    let store = store();
    let sets = kind(&store, "apps", "replicasets");
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
    }});
    store.create(&sets, "n", json!({"metadata": {"name": "r"}, "spec": spec})).expect("created");
    let generation = |change: &dyn Fn(&mut Value)| {
        let written = store
            .update(&sets, "n", "r", |object| {
                change(object);
                Ok::<(), Status>(())
            })
            .expect("written");
        written.value().pointer("/metadata/generation").and_then(Value::as_i64)
    };
    assert_eq!(generation(&|object| object["status"] = json!({"replicas": 1})), Some(1));
    assert_eq!(generation(&|object| object["metadata"]["labels"] = json!({"x": "y"})), Some(1));
    assert_eq!(generation(&|object| object["spec"]["replicas"] = json!(2)), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_feed_begins_with_what_is_there_and_misses_nothing() {
    let store = store();
    let maps = kind(&store, "", "configmaps");
    store.create(&maps, "n", json!({"metadata": {"name": "a"}})).expect("created");
    let mut feed = store.subscribe(std::slice::from_ref(&maps));
    store.create(&maps, "n", json!({"metadata": {"generateName": "g-"}})).expect("created");
    store.delete(&maps, "n", "a", &DeleteOptions::default()).expect("deleted");
    let mut seen = Vec::new();
    while let Ok(change) = feed.try_recv() {
        seen.push((change.kind, change.object.name.starts_with("g-")));
    }
    assert_eq!(seen, [(ChangeKind::Added, false), (ChangeKind::Added, true), (ChangeKind::Deleted, false)]);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_object_is_not_written() {
    let store = store();
    let maps = kind(&store, "", "configmaps");
    let made = store.create(&maps, "n", json!({"metadata": {"name": "a"}})).expect("created");
    let again = store.update(&maps, "n", "a", |_| Ok(())).expect("nothing to do");
    assert_eq!(made.resource_version, again.resource_version);
    assert_eq!(store.version(), made.resource_version);
}
