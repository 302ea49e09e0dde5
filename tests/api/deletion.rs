//! Deletion: answers, finalizers, grace periods, collections.

use serde_json::json;

use crate::request::Patch;
use crate::target::{Target, condition, names, pod_spec, unique};

conformance! {
    a_deletion_answers_with_what_was_deleted,
    a_finalizer_holds_an_object_until_it_is_removed,
    no_finalizer_may_be_added_to_an_object_that_is_going,
    a_finalizer_without_a_domain_is_refused,
    a_collection_is_deleted_by_selector,
    a_running_pod_is_deleted_with_its_grace_period_and_then_gone,
    a_pod_without_a_node_is_gone_at_once,
    a_pod_deleted_without_grace_is_gone_at_once,
    a_pod_on_a_silent_node_waits_for_its_grace_period,
    an_unknown_propagation_policy_is_refused,
}

async fn a_deletion_answers_with_what_was_deleted(server: &Target) {
    let namespace = server.namespace().await;
    let uid = namespace.config_map("a", &[]).await.json()["metadata"]["uid"].clone();
    let answer = server.delete(&namespace.core("configmaps/a")).await.expect(200).json();
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("Status"), &json!("Success")));
    assert_eq!(answer["details"], json!({ "name": "a", "kind": "configmaps", "uid": uid }));
    server.get(&namespace.core("configmaps/a")).await.expect(404);
}

async fn a_finalizer_holds_an_object_until_it_is_removed(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "f", "finalizers": ["bench.dev/hold"] } });
    server.post(&namespace.core("configmaps"), &object).await.expect(201);
    let path = namespace.core("configmaps/f");
    let going = server.delete(&path).await.expect(200).json();
    assert_eq!(going["kind"], "ConfigMap");
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 0);
    let again = server.delete(&path).await.expect(200).json();
    assert_eq!(again["metadata"], going["metadata"]);

    let version = server.get(&path).await.expect(200).version();
    let mut watch = server.watch(&namespace.core("configmaps"), &format!("resourceVersion={version}")).await;
    let patch = json!({ "metadata": { "finalizers": null } });
    let last = server.patch(&path, Patch::Merge, &patch).await.expect(200).json();
    assert!(last["metadata"].get("finalizers").is_none(), "{last}");
    let (kind, gone) = watch.next().await;
    assert_eq!((kind.as_str(), &gone["metadata"]["name"]), ("DELETED", &json!("f")));
    // The last state that was stored still had it.
    assert_eq!(gone["metadata"]["finalizers"], json!(["bench.dev/hold"]));
    server.get(&path).await.expect(404);
}

async fn no_finalizer_may_be_added_to_an_object_that_is_going(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "f", "finalizers": ["bench.dev/hold"] } });
    server.post(&namespace.core("configmaps"), &object).await.expect(201);
    let path = namespace.core("configmaps/f");
    server.delete(&path).await.expect(200);
    let patch = json!({ "metadata": { "finalizers": ["bench.dev/hold", "bench.dev/x"] } });
    server.patch(&path, Patch::Merge, &patch).await.expect_failure(
        422,
        "Invalid",
        "ConfigMap \"f\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
         being deleted, found new finalizers []string{\"bench.dev/x\"}",
    );
    server.patch(&path, Patch::Merge, &json!({ "metadata": { "finalizers": [] } })).await.expect(200);
}

async fn a_finalizer_without_a_domain_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "f", "finalizers": ["hold"] } });
    server.post(&namespace.core("configmaps"), &object).await.expect_failure(
        422,
        "Invalid",
        "ConfigMap \"f\" is invalid: metadata.finalizers[0]: Invalid value: \"hold\": name is neither a standard \
         finalizer name nor is it fully qualified",
    );
}

async fn a_collection_is_deleted_by_selector(server: &Target) {
    let namespace = server.namespace().await;
    for (name, odd) in [("m1", "1"), ("m2", "0"), ("m3", "1")] {
        namespace.config_map(name, &[("odd", odd)]).await;
    }
    let deleted = server.delete(&namespace.core("configmaps?labelSelector=odd%3D1")).await.expect(200).json();
    assert_eq!(deleted["kind"], "ConfigMapList");
    assert_eq!(names(&deleted), ["m1", "m3"]);
    let left = server.get(&namespace.core("configmaps?labelSelector=odd")).await.expect(200).json();
    assert_eq!(names(&left), ["m2"]);
}

async fn a_running_pod_is_deleted_with_its_grace_period_and_then_gone(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let before = namespace.ready_pod("p").await;
    // The binding does not count as a change of the spec.
    assert_eq!(before["metadata"]["generation"], 1);
    let path = namespace.core("pods/p");
    let going = server.delete(&path).await.expect(200).json();
    assert_eq!(going["kind"], "Pod");
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 30);
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    let generation = |pod: &serde_json::Value| pod["metadata"]["generation"].as_u64().unwrap();
    assert_eq!(generation(&going), generation(&before) + 1);
    server.eventually_gone(&path).await;
}

async fn a_pod_without_a_node_is_gone_at_once(server: &Target) {
    let namespace = server.namespace().await;
    let mut spec = pod_spec();
    spec["nodeSelector"] = json!({ "no": "such-node" });
    let pod = json!({ "metadata": { "name": "p" }, "spec": spec });
    server.post(&namespace.core("pods"), &pod).await.expect(201);
    let before = server
        .eventually_is(&namespace.core("pods/p"), |pod| condition(pod, "PodScheduled") == Some("False"))
        .await;
    let version = before["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = server.watch(&namespace.core("pods"), &format!("resourceVersion={version}")).await;
    let going = server.delete(&namespace.core("pods/p")).await.expect(200).json();
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 0);
    assert!(going["metadata"]["deletionTimestamp"].is_string(), "{going}");
    server.get(&namespace.core("pods/p")).await.expect(404);
    // It is marked first, and then removed.
    for expected in ["MODIFIED", "DELETED"] {
        let (kind, pod) = watch.next().await;
        assert_eq!(kind, expected);
        assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], 0, "{kind}");
        assert_eq!(
            pod["metadata"]["generation"],
            before["metadata"]["generation"].as_u64().unwrap() + 1,
            "{kind}"
        );
    }
}

async fn a_pod_deleted_without_grace_is_gone_at_once(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    let version = server.get(&namespace.core("pods/p")).await.version();
    let mut watch = server.watch(&namespace.core("pods"), &format!("resourceVersion={version}")).await;
    let going = server.delete(&namespace.core("pods/p?gracePeriodSeconds=0")).await.expect(200).json();
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 0);
    server.get(&namespace.core("pods/p")).await.expect(404);
    assert_eq!(watch.next_name().await.0, "MODIFIED");
    assert_eq!(watch.next_name().await.0, "DELETED");
}

async fn a_pod_on_a_silent_node_waits_for_its_grace_period(server: &Target) {
    let namespace = server.namespace().await;
    // A Node object that nobody plays: nothing there confirms the pod's end.
    let node = unique("silent");
    server.post("/api/v1/nodes", &json!({ "metadata": { "name": node } })).await.expect(201);
    let mut spec = pod_spec();
    spec["nodeName"] = json!(node);
    let pod = json!({ "metadata": { "name": "p" }, "spec": spec });
    server.post(&namespace.core("pods"), &pod).await.expect(201);
    let path = namespace.core("pods/p");
    let first = server.delete(&path).await.expect(200).json();
    assert_eq!(first["metadata"]["deletionGracePeriodSeconds"], 30);
    let shorter = server.delete(&format!("{path}?gracePeriodSeconds=5")).await.expect(200).json();
    assert_eq!(shorter["metadata"]["deletionGracePeriodSeconds"], 5);
    assert!(
        shorter["metadata"]["deletionTimestamp"].as_str() < first["metadata"]["deletionTimestamp"].as_str()
    );
    server.delete_with(&path, &json!({ "gracePeriodSeconds": 0 })).await.expect(200);
    server.get(&path).await.expect(404);
    server.delete(&format!("/api/v1/nodes/{node}")).await.expect(200);
}

async fn an_unknown_propagation_policy_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    server.delete(&namespace.core("configmaps/a?propagationPolicy=Nonsense")).await.expect_failure(
        422,
        "Invalid",
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Nonsense\": supported values: \
         \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
    );
}
