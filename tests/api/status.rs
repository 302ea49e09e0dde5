//! The status subresource, and generations.

use serde_json::json;

use crate::request::Patch;
use crate::target::{Target, condition, pod_spec};

conformance! {
    status_is_changed_only_through_its_subresource,
    a_status_patch_leaves_the_spec_alone,
    conditions_merge_by_type,
    a_generation_counts_changes_of_the_spec_only,
    the_scale_subresource_reads_and_writes_replicas,
}

fn deployment(replicas: u32) -> serde_json::Value {
    json!({ "metadata": { "name": "d" }, "spec": {
        "replicas": replicas,
        "selector": { "matchLabels": { "app": "d" } },
        "template": { "metadata": { "labels": { "app": "d" } }, "spec": pod_spec() },
    } })
}

async fn status_is_changed_only_through_its_subresource(server: &Target) {
    let namespace = server.namespace().await;
    let mut pod = json!({ "metadata": { "name": "p" }, "spec": pod_spec() });
    pod["status"] = json!({ "phase": "Succeeded" });
    let created = server.post(&namespace.core("pods"), &pod).await.expect(201).json();
    assert_eq!(created["status"]["phase"], "Pending");
    namespace.ready_pod("p").await;
    let patch = json!({ "status": { "phase": "Failed" } });
    let path = namespace.core("pods/p");
    let after = server.patch(&path, Patch::Merge, &patch).await.expect(200).json();
    assert_eq!(after["status"]["phase"], "Running");
    let after = server.patch(&format!("{path}/status"), Patch::Merge, &patch).await.expect(200).json();
    assert_eq!(after["status"]["phase"], "Failed");
}

async fn a_status_patch_leaves_the_spec_alone(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let before = namespace.ready_pod("p").await;
    let patch = json!({ "spec": { "activeDeadlineSeconds": 10 }, "status": { "message": "hello" } });
    let path = namespace.core("pods/p/status");
    let after = server.patch(&path, Patch::Merge, &patch).await.expect(200).json();
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["status"]["message"], "hello");
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
}

async fn conditions_merge_by_type(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    let patch = json!({ "status": { "conditions": [{ "type": "bench.dev/extra", "status": "True" }] } });
    let path = namespace.core("pods/p/status");
    let after = server.patch(&path, Patch::Strategic, &patch).await.expect(200).json();
    assert_eq!(condition(&after, "bench.dev/extra"), Some("True"));
    assert_eq!(condition(&after, "Ready"), Some("True"));
}

async fn a_generation_counts_changes_of_the_spec_only(server: &Target) {
    let namespace = server.namespace().await;
    let created =
        server.post(&namespace.of("apps/v1", "deployments"), &deployment(0)).await.expect(201).json();
    assert_eq!(created["metadata"]["generation"], 1);
    let path = namespace.of("apps/v1", "deployments/d");
    server.eventually_is(&path, |object| object["status"]["observedGeneration"] == 1).await;
    let label = json!({ "metadata": { "labels": { "x": "y" } } });
    let after = server.patch(&path, Patch::Merge, &label).await.expect(200).json();
    assert_eq!(after["metadata"]["generation"], 1);
    let paused = json!({ "spec": { "paused": true } });
    let after = server.patch(&path, Patch::Merge, &paused).await.expect(200).json();
    assert_eq!(after["metadata"]["generation"], 2);
    server.eventually_is(&path, |object| object["status"]["observedGeneration"] == 2).await;
}

async fn the_scale_subresource_reads_and_writes_replicas(server: &Target) {
    let namespace = server.namespace().await;
    server.post(&namespace.of("apps/v1", "deployments"), &deployment(2)).await.expect(201);
    let path = namespace.of("apps/v1", "deployments/d");
    server.eventually_is(&path, |object| object["status"]["readyReplicas"] == 2).await;
    let scale = server.get(&format!("{path}/scale")).await.expect(200).json();
    assert_eq!((&scale["kind"], &scale["apiVersion"]), (&json!("Scale"), &json!("autoscaling/v1")));
    assert_eq!(scale["spec"], json!({ "replicas": 2 }));
    assert_eq!(scale["status"], json!({ "replicas": 2, "selector": "app=d" }));
    let patch = json!({ "spec": { "replicas": 1 } });
    server.patch(&format!("{path}/scale"), Patch::Merge, &patch).await.expect(200);
    let after = server.eventually_is(&path, |object| object["status"]["replicas"] == 1).await;
    assert_eq!(after["spec"]["replicas"], 1);
}
