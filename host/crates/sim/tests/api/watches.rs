//! Watches: order, selectors, versions, bookmarks, the window.

use bench_sim::SimConfig;
use serde_json::json;

use crate::client::{CONFIG_MAPS, Client};

#[tokio::test]
async fn a_watch_shows_changes_after_its_version_in_order() {
    let client = Client::start();
    let made = client.config_map("a", json!({"w": "1"})).await;
    let version = made["metadata"]["resourceVersion"].as_str().expect("a version");
    let mut watch = client
        .watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=w&resourceVersion={version}&timeoutSeconds=5"))
        .await;
    client.config_map("b", json!({"w": "1"})).await;
    client.patch(&format!("{CONFIG_MAPS}/a"), "merge", &json!({"data": {"k": "v"}})).await;
    client.delete(&format!("{CONFIG_MAPS}/b"), &json!(null)).await;
    for expected in ["ADDED b", "MODIFIED a", "DELETED b"] {
        assert_eq!(watch.brief().await, expected);
    }
}

#[tokio::test]
async fn objects_enter_and_leave_a_selector() {
    let client = Client::start();
    client.config_map("a", json!({"color": "red"})).await;
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=true&labelSelector=color%3Dblue")).await;
    let path = format!("{CONFIG_MAPS}/a");
    let paint = |color: &str| json!({"metadata": {"labels": {"color": color}}});
    client.patch(&path, "merge", &paint("blue")).await;
    assert_eq!(watch.brief().await, "ADDED a");
    let (_, after) = client.patch(&path, "merge", &paint("green")).await;
    let event = watch.next().await.expect("an event");
    assert_eq!(event["type"], "DELETED");
    assert_eq!(event["object"]["metadata"]["labels"]["color"], "blue", "the last state that matched");
    assert_eq!(event["object"]["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn a_version_before_the_window_is_gone() {
    let client = Client::with(SimConfig { history_changes: 2, ..SimConfig::default() });
    for name in ["a", "b", "c", "d"] {
        client.config_map(name, json!({})).await;
    }
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion=1")).await;
    let event = watch.next().await.expect("an error event");
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(event["object"]["reason"], "Expired");
    let message = event["object"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("too old resource version: 1 ("), "{message}");
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_streamed_list_ends_with_its_bookmark() {
    let client = Client::start();
    client.config_map("a", json!({"w": "1"})).await;
    let query = "watch=1&labelSelector=w&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&\
                 allowWatchBookmarks=true&timeoutSeconds=5";
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?{query}")).await;
    assert_eq!(watch.brief().await, "ADDED a");
    let bookmark = watch.next().await.expect("a bookmark");
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let (code, status) = client.get(&format!("{CONFIG_MAPS}?watch=1&sendInitialEvents=true")).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting \
         resourceVersionMatch to NotOlderThan"
    );
}

#[tokio::test]
async fn a_watch_ends_after_its_time() {
    let client = Client::start();
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=none&timeoutSeconds=1")).await;
    assert_eq!(watch.brief().await, "END");
}
