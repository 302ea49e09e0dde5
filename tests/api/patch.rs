//! The four ways to patch.

use serde_json::json;

use crate::request::Patch;
use crate::target::{Target, pod_spec};

conformance! {
    a_merge_patch_sets_and_removes,
    a_json_patch_does_its_operations_in_order,
    a_json_patch_whose_test_fails_changes_nothing,
    a_strategic_patch_merges_containers_by_name,
    a_merge_patch_replaces_lists,
    an_applied_object_is_created_then_changed,
    an_applied_field_that_is_left_out_is_removed,
    two_appliers_conflict_until_forced,
    an_apply_needs_a_field_manager,
    a_patch_that_is_no_json_is_explained,
    a_patch_of_the_wrong_shape_is_explained,
    a_patch_may_not_rename,
    a_patch_of_an_absent_object_is_not_found,
    a_patch_of_an_unknown_type_is_refused,
}

async fn a_merge_patch_sets_and_removes(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[("x", "1"), ("y", "1")]).await;
    let patch = json!({ "data": { "a": "1" }, "metadata": { "labels": { "x": null, "z": "1" } } });
    let after = server.patch(&namespace.core("configmaps/a"), Patch::Merge, &patch).await.expect(200).json();
    assert_eq!(after["data"], json!({ "a": "1", "key": "value" }));
    assert_eq!(after["metadata"]["labels"], json!({ "y": "1", "z": "1" }));
}

async fn a_json_patch_does_its_operations_in_order(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[("x", "1")]).await;
    let patch = json!([
        { "op": "test", "path": "/data/key", "value": "value" },
        { "op": "add", "path": "/data/c", "value": "3" },
        { "op": "copy", "from": "/data/c", "path": "/data/d" },
        { "op": "replace", "path": "/data/c", "value": "4" },
        // There is no such key: it is added all the same.
        { "op": "replace", "path": "/data/e", "value": "5" },
        { "op": "remove", "path": "/data/key" },
        { "op": "add", "path": "/metadata/labels/a.b~1c", "value": "5" },
    ]);
    let after = server.patch(&namespace.core("configmaps/a"), Patch::Json, &patch).await.expect(200).json();
    assert_eq!(after["data"], json!({ "c": "4", "d": "3", "e": "5" }));
    assert_eq!(after["metadata"]["labels"], json!({ "a.b/c": "5", "x": "1" }));
}

async fn a_json_patch_whose_test_fails_changes_nothing(server: &Target) {
    let namespace = server.namespace().await;
    let before = namespace.config_map("a", &[]).await.version();
    let patch = json!([
        { "op": "add", "path": "/data/c", "value": "3" },
        { "op": "test", "path": "/data/key", "value": "other" },
    ]);
    let path = namespace.core("configmaps/a");
    server.patch(&path, Patch::Json, &patch).await.expect_failure(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
    );
    assert_eq!(server.get(&path).await.version(), before);
}

async fn a_strategic_patch_merges_containers_by_name(server: &Target) {
    let namespace = server.namespace().await;
    let deployment = deployment();
    server.post(&namespace.of("apps/v1", "deployments"), &deployment).await.expect(201);
    let patch = json!({ "spec": { "template": { "spec": { "containers": [
        { "name": "main", "image": "example.invalid/image:2" },
        { "name": "side", "image": "example.invalid/side:1" },
    ] } } } });
    let path = namespace.of("apps/v1", "deployments/d");
    let after = server.patch(&path, Patch::Strategic, &patch).await.expect(200).json();
    let containers = after["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let images: Vec<(&str, &str)> = containers
        .iter()
        .map(|container| (container["name"].as_str().unwrap(), container["image"].as_str().unwrap()))
        .collect();
    assert_eq!(images, [("main", "example.invalid/image:2"), ("side", "example.invalid/side:1")]);
    assert_eq!(containers[0]["env"], json!([{ "name": "KEPT", "value": "1" }]));

    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "side", "$patch": "delete" }] } } } });
    let after = server.patch(&path, Patch::Strategic, &patch).await.expect(200).json();
    assert_eq!(after["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
}

async fn a_merge_patch_replaces_lists(server: &Target) {
    let namespace = server.namespace().await;
    server.post(&namespace.of("apps/v1", "deployments"), &deployment()).await.expect(201);
    let patch =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "new", "image": "i" }] } } } });
    let path = namespace.of("apps/v1", "deployments/d");
    let after = server.patch(&path, Patch::Merge, &patch).await.expect(200).json();
    let containers = after["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!((containers.len(), &containers[0]["name"]), (1, &json!("new")));
}

/// A deployment without pods.
fn deployment() -> serde_json::Value {
    let mut spec = pod_spec();
    spec["containers"][0]["env"] = json!([{ "name": "KEPT", "value": "1" }]);
    json!({ "metadata": { "name": "d" }, "spec": {
        "replicas": 0,
        "selector": { "matchLabels": { "app": "d" } },
        "template": { "metadata": { "labels": { "app": "d" } }, "spec": spec },
    } })
}

fn applied(data: serde_json::Value) -> serde_json::Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data })
}

async fn an_applied_object_is_created_then_changed(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("configmaps/a?fieldManager=me");
    server.patch(&path, Patch::Apply, &applied(json!({ "x": "1" }))).await.expect(201);
    let version = server.get(&namespace.core("configmaps/a")).await.version();
    let again = server.patch(&path, Patch::Apply, &applied(json!({ "x": "1" }))).await.expect(200);
    assert_eq!(again.version(), version);
    let changed = server.patch(&path, Patch::Apply, &applied(json!({ "x": "2" }))).await.expect(200).json();
    assert_eq!(changed["data"], json!({ "x": "2" }));
}

async fn an_applied_field_that_is_left_out_is_removed(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("configmaps/a?fieldManager=me");
    server.patch(&path, Patch::Apply, &applied(json!({ "x": "1", "y": "1" }))).await.expect(201);
    let patch = json!({ "data": { "others": "1" } });
    server.patch(&namespace.core("configmaps/a"), Patch::Merge, &patch).await.expect(200);
    let after = server.patch(&path, Patch::Apply, &applied(json!({ "x": "1" }))).await.expect(200).json();
    assert_eq!(after["data"], json!({ "others": "1", "x": "1" }));
}

async fn two_appliers_conflict_until_forced(server: &Target) {
    let namespace = server.namespace().await;
    let path = |query: &str| namespace.core(&format!("configmaps/a?{query}"));
    server.patch(&path("fieldManager=me"), Patch::Apply, &applied(json!({ "x": "1" }))).await.expect(201);
    server
        .patch(&path("fieldManager=you"), Patch::Apply, &applied(json!({ "x": "2" })))
        .await
        .expect_failure(409, "Conflict", "Apply failed with 1 conflict: conflict with \"me\": .data.x")
        .expect_details(&json!({ "causes": [
            { "reason": "FieldManagerConflict", "message": "conflict with \"me\"", "field": ".data.x" },
        ] }));
    let forced = path("fieldManager=you&force=true");
    let after = server.patch(&forced, Patch::Apply, &applied(json!({ "x": "2" }))).await.expect(200).json();
    assert_eq!(after["data"], json!({ "x": "2" }));
}

async fn an_apply_needs_a_field_manager(server: &Target) {
    let namespace = server.namespace().await;
    server.patch(&namespace.core("configmaps/a"), Patch::Apply, &applied(json!({}))).await.expect_failure(
        422,
        "Invalid",
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    );
}

async fn a_patch_that_is_no_json_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let headers = [("content-type", "application/merge-patch+json")];
    let path = namespace.core("configmaps/a");
    let answer =
        server.send(http::Method::PATCH, &path, &headers, "{\"bad".to_owned()).await.expect(400).json();
    assert_eq!(answer["reason"], "BadRequest");
    assert!(answer["message"].as_str().unwrap().starts_with("error decoding patch: "), "{answer}");
}

async fn a_patch_of_the_wrong_shape_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let path = namespace.core("configmaps/a");
    server.patch(&path, Patch::Merge, &json!([])).await.expect_failure(
        400,
        "BadRequest",
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    server.patch(&path, Patch::Json, &json!({})).await.expect_failure(
        400,
        "BadRequest",
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
}

async fn a_patch_may_not_rename(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let patch = json!({ "metadata": { "name": "b" } });
    server.patch(&namespace.core("configmaps/a"), Patch::Merge, &patch).await.expect_failure(
        400,
        "BadRequest",
        "the name of the object (b) does not match the name on the URL (a)",
    );
}

async fn a_patch_of_an_absent_object_is_not_found(server: &Target) {
    let namespace = server.namespace().await;
    for how in [Patch::Merge, Patch::Strategic] {
        server
            .patch(&namespace.core("configmaps/none"), how, &json!({ "data": { "x": "1" } }))
            .await
            .expect_failure(404, "NotFound", "configmaps \"none\" not found");
    }
}

async fn a_patch_of_an_unknown_type_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let headers = [("content-type", "text/plain")];
    let path = namespace.core("configmaps/a");
    let answer = server.send(http::Method::PATCH, &path, &headers, "{}".to_owned()).await.expect(415);
    assert_eq!(answer.json()["reason"], "UnsupportedMediaType");
}
