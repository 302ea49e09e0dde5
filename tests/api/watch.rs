//! Watches: from a version, from now, with selectors, bookmarks, and when the past is gone.

use serde_json::{Value, json};

use crate::crd;
use crate::request::Patch;
use crate::target::Target;

conformance! {
    a_watch_from_a_version_shows_every_later_change_in_order,
    a_watch_without_a_version_starts_with_what_exists,
    a_watch_of_version_zero_starts_with_what_exists,
    a_deleted_event_carries_the_last_state_at_the_version_of_the_deletion,
    an_object_that_starts_to_match_is_added_and_one_that_ceases_is_deleted,
    a_pod_that_changes_phase_crosses_a_field_selector,
    a_watch_of_one_name_sees_only_that,
    a_watch_of_all_namespaces_sees_each,
    a_watch_ends_after_its_timeout,
    a_watch_with_a_timeout_sends_a_bookmark_before_it_ends,
    a_streamed_list_ends_with_a_marked_bookmark,
    a_watch_from_a_version_that_is_gone_says_so,
    a_watch_of_a_version_that_is_no_number_is_refused,
}

async fn a_watch_from_a_version_shows_every_later_change_in_order(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("before", &[]).await;
    let path = namespace.core("configmaps");
    let version = server.get(&path).await.expect(200).version();
    namespace.config_map("a", &[]).await;
    let patch = json!({ "data": { "key": "other" } });
    server.patch(&namespace.core("configmaps/a"), Patch::Merge, &patch).await.expect(200);

    let mut watch = server.watch(&path, &format!("resourceVersion={version}")).await;
    assert_eq!(watch.status, 200);
    server.delete(&namespace.core("configmaps/a")).await.expect(200);
    let mut versions = vec![version.parse::<u64>().unwrap()];
    for expected in ["ADDED", "MODIFIED", "DELETED"] {
        let (kind, object) = watch.next().await;
        assert_eq!((kind.as_str(), &object["metadata"]["name"]), (expected, &json!("a")));
        assert_eq!((&object["kind"], &object["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
        versions.push(object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap());
    }
    assert!(versions.is_sorted_by(|earlier, later| earlier < later), "{versions:?}");
}

async fn a_watch_without_a_version_starts_with_what_exists(server: &Target) {
    starts_with_what_exists(server, "").await;
}

async fn a_watch_of_version_zero_starts_with_what_exists(server: &Target) {
    starts_with_what_exists(server, "resourceVersion=0").await;
}

async fn starts_with_what_exists(server: &Target, query: &str) {
    let namespace = server.namespace().await;
    for name in ["b", "a"] {
        namespace.config_map(name, &[("app", "x")]).await;
    }
    // The watch cache may be a moment behind; a list at no version waits for it.
    server.get(&namespace.core("configmaps")).await.expect(200);
    let mut watch = server.watch(&namespace.core("configmaps"), &format!("labelSelector=app&{query}")).await;
    let mut first = [watch.next_name().await, watch.next_name().await];
    first.sort();
    assert_eq!(first, [("ADDED".to_owned(), "a".to_owned()), ("ADDED".to_owned(), "b".to_owned())]);
    namespace.config_map("c", &[("app", "x")]).await;
    assert_eq!(watch.next_name().await, ("ADDED".to_owned(), "c".to_owned()));
}

async fn a_deleted_event_carries_the_last_state_at_the_version_of_the_deletion(server: &Target) {
    let namespace = server.namespace().await;
    let created = namespace.config_map("a", &[]).await;
    let mut watch =
        server.watch(&namespace.core("configmaps"), &format!("resourceVersion={}", created.version())).await;
    server.delete(&namespace.core("configmaps/a")).await.expect(200);
    let (kind, object) = watch.next().await;
    assert_eq!(kind, "DELETED");
    assert_eq!(object["data"], json!({ "key": "value" }));
    let deleted: u64 = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(deleted > created.version().parse().unwrap());
}

async fn an_object_that_starts_to_match_is_added_and_one_that_ceases_is_deleted(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("a", &[("color", "red")]).await.version();
    let query = format!("labelSelector=color%3Dblue&resourceVersion={version}");
    let mut watch = server.watch(&namespace.core("configmaps"), &query).await;
    let path = namespace.core("configmaps/a");
    for color in ["blue", "blue", "red", "blue"] {
        // The second `blue` changes something else, so that there is a change at all.
        let patch = json!({ "metadata": { "labels": { "color": color } }, "data": { "turn": crate::target::unique("") } });
        server.patch(&path, Patch::Merge, &patch).await.expect(200);
    }
    server.delete(&path).await.expect(200);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (kind, object) = watch.next().await;
        seen.push((kind, object["metadata"]["labels"]["color"].as_str().unwrap().to_owned()));
    }
    let seen: Vec<(&str, &str)> = seen.iter().map(|(kind, color)| (kind.as_str(), color.as_str())).collect();
    // The state of an object that ceases to match is the last one that did.
    let expected = [
        ("ADDED", "blue"),
        ("MODIFIED", "blue"),
        ("DELETED", "blue"),
        ("ADDED", "blue"),
        ("DELETED", "blue"),
    ];
    assert_eq!(seen, expected);
}

async fn a_pod_that_changes_phase_crosses_a_field_selector(server: &Target) {
    let namespace = server.namespace().await;
    let query = "fieldSelector=status.phase%3DPending";
    let version = server.get(&namespace.core("pods")).await.expect(200).version();
    let mut watch =
        server.watch(&namespace.core("pods"), &format!("{query}&resourceVersion={version}")).await;
    namespace.pod("p").await;
    let mut kinds = vec![watch.next().await.0];
    while kinds.last().unwrap() != "DELETED" {
        kinds.push(watch.next().await.0);
    }
    assert_eq!(kinds[0], "ADDED");
    let pod = namespace.ready_pod("p").await;
    assert_eq!(pod["status"]["phase"], "Running");
}

async fn a_watch_of_one_name_sees_only_that(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("x", &[]).await.version();
    let query = format!("fieldSelector=metadata.name%3Db&resourceVersion={version}");
    let mut watch = server.watch(&namespace.core("configmaps"), &query).await;
    for name in ["a", "b", "c"] {
        namespace.config_map(name, &[]).await;
    }
    server.delete(&namespace.core("configmaps/b")).await.expect(200);
    assert_eq!(watch.next_name().await, ("ADDED".to_owned(), "b".to_owned()));
    assert_eq!(watch.next_name().await, ("DELETED".to_owned(), "b".to_owned()));
}

async fn a_watch_of_all_namespaces_sees_each(server: &Target) {
    let [first, second] = [server.namespace().await, server.namespace().await];
    let version = server.get("/api/v1/configmaps").await.expect(200).version();
    let label = first.name.clone();
    let query = format!("labelSelector=group%3D{label}&resourceVersion={version}");
    let mut watch = server.watch("/api/v1/configmaps", &query).await;
    for namespace in [&first, &second] {
        namespace.config_map("a", &[("group", &label)]).await;
    }
    for namespace in [&first, &second] {
        let (kind, object) = watch.next().await;
        assert_eq!((kind.as_str(), &object["metadata"]["namespace"]), ("ADDED", &json!(namespace.name)));
    }
}

async fn a_watch_ends_after_its_timeout(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("a", &[]).await.version();
    let query = format!("timeoutSeconds=1&resourceVersion={version}");
    let mut watch = server.watch(&namespace.core("configmaps"), &query).await;
    assert_eq!(watch.next_or_end().await, None);
}

async fn a_watch_with_a_timeout_sends_a_bookmark_before_it_ends(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("a", &[]).await.version();
    // Upstream sends one about two seconds before the end (cacher.go `bookmarkFrequency` and deadline).
    let query = format!("timeoutSeconds=4&allowWatchBookmarks=true&resourceVersion={version}");
    let mut watch = server.watch(&namespace.core("configmaps"), &query).await;
    let (kind, object) = watch.next().await;
    assert_eq!(kind, "BOOKMARK");
    assert_eq!((&object["kind"], &object["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    let bookmark: u64 = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(bookmark >= version.parse().unwrap());
    assert!(object["metadata"].get("name").is_none_or(|name| name == ""));
}

async fn a_streamed_list_ends_with_a_marked_bookmark(server: &Target) {
    let namespace = server.namespace().await;
    let version: u64 = namespace.config_map("a", &[("app", "x")]).await.version().parse().unwrap();
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=app%3Dx";
    let mut watch = server.watch(&namespace.core("configmaps"), query).await;
    assert_eq!(watch.next_name().await, ("ADDED".to_owned(), "a".to_owned()));
    let (kind, object) = watch.next().await;
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(object["metadata"]["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
    let bookmark: u64 = object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(bookmark >= version);
}

async fn a_watch_from_a_version_that_is_gone_says_so(server: &Target) {
    // The history of a custom resource begins with its definition, so version 1 is before it.
    let plural = crd::define(server, json!({ "type": "object" })).await;
    let mut watch = server.watch(&format!("/apis/{}/v1/{plural}", crd::GROUP), "resourceVersion=1").await;
    assert_eq!(watch.status, 200);
    let (kind, status) = watch.next().await;
    assert_eq!(kind, "ERROR");
    assert_eq!((&status["kind"], &status["status"]), (&json!("Status"), &json!("Failure")));
    assert_eq!((&status["code"], &status["reason"]), (&json!(410), &json!("Expired")));
    let message = status["message"].as_str().unwrap();
    assert!(message.starts_with("too old resource version: 1 ("), "{message}");
    assert_eq!(watch.next_or_end().await, None::<Value>);
    crd::remove(server, &plural).await;
}

async fn a_watch_of_a_version_that_is_no_number_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let watch = server.watch(&namespace.core("configmaps"), "resourceVersion=abc").await;
    // Upstream says 500, of all things; nobody relies on that.
    assert!(watch.status >= 400, "{}", watch.status);
}
