//! Namespaces: what comes with them and what goes with them.

use serde_json::json;

use crate::target::{Target, names, pod_spec};

conformance! {
    a_new_namespace_is_active_and_carries_its_name_as_a_label,
    a_namespace_comes_with_a_service_account_and_the_authority,
    deleting_a_namespace_takes_everything_in_it,
    nothing_is_created_in_a_namespace_that_is_going,
}

async fn a_new_namespace_is_active_and_carries_its_name_as_a_label(server: &Target) {
    let namespace = server.namespace().await;
    let object = server.get(&namespace.path()).await.expect(200).json();
    assert_eq!(object["metadata"]["labels"], json!({ "kubernetes.io/metadata.name": namespace.name }));
    assert_eq!(object["spec"], json!({ "finalizers": ["kubernetes"] }));
    assert_eq!(object["status"], json!({ "phase": "Active" }));
}

async fn a_namespace_comes_with_a_service_account_and_the_authority(server: &Target) {
    let namespace = server.namespace().await;
    let accounts = server.get(&namespace.core("serviceaccounts")).await.expect(200).json();
    assert_eq!(names(&accounts), ["default"]);
    let authority = server.get(&namespace.core("configmaps/kube-root-ca.crt")).await.expect(200).json();
    assert!(authority["data"]["ca.crt"].is_string());
}

async fn deleting_a_namespace_takes_everything_in_it(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    let deployment = json!({ "metadata": { "name": "d" }, "spec": {
        "replicas": 2,
        "selector": { "matchLabels": { "app": "d" } },
        "template": { "metadata": { "labels": { "app": "d" } }, "spec": pod_spec() },
    } });
    server.post(&namespace.of("apps/v1", "deployments"), &deployment).await.expect(201);
    let path = namespace.of("apps/v1", "deployments/d");
    server.eventually_is(&path, |object| object["status"]["readyReplicas"] == 2).await;

    let going = server.delete(&namespace.path()).await.expect(200).json();
    assert_eq!((&going["kind"], &going["status"]["phase"]), (&json!("Namespace"), &json!("Terminating")));
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    server.eventually_gone(&namespace.path()).await;
    for collection in [
        namespace.core("configmaps"),
        namespace.core("pods"),
        namespace.core("serviceaccounts"),
        namespace.core("events"),
        namespace.of("apps/v1", "deployments"),
        namespace.of("apps/v1", "replicasets"),
    ] {
        assert_eq!(server.get(&collection).await.expect(200).json()["items"], json!([]), "{collection}");
    }
}

async fn nothing_is_created_in_a_namespace_that_is_going(server: &Target) {
    let namespace = server.namespace().await;
    // Holds the namespace in `Terminating`.
    let held = json!({ "metadata": { "name": "held", "finalizers": ["bench.dev/hold"] } });
    server.post(&namespace.core("configmaps"), &held).await.expect(201);
    server.delete(&namespace.path()).await.expect(200);
    let name = &namespace.name;
    let message = format!(
        "configmaps \"late\" is forbidden: unable to create new content in namespace {name} because it is being terminated"
    );
    let cause = format!("namespace {name} is being terminated");
    server
        .post(&namespace.core("configmaps"), &json!({ "metadata": { "name": "late" } }))
        .await
        .expect_failure(403, "Forbidden", &message)
        .expect_details(&json!({ "name": "late", "kind": "configmaps", "causes": [
            { "reason": "NamespaceTerminating", "message": cause, "field": "metadata.namespace" },
        ] }));
    server.get(&namespace.core("configmaps/held")).await.expect(200);
    let patch = json!({ "metadata": { "finalizers": null } });
    server.patch(&namespace.core("configmaps/held"), crate::request::Patch::Merge, &patch).await.expect(200);
    server.eventually_gone(&namespace.path()).await;
}
