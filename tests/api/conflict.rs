//! Optimistic concurrency: resource versions and UIDs as preconditions.

use serde_json::json;

use crate::request::Patch;
use crate::target::Target;

conformance! {
    an_update_of_an_old_version_is_a_conflict,
    a_patch_of_an_old_version_is_a_conflict,
    an_update_with_the_current_version_passes,
    an_update_without_a_version_always_passes,
    an_update_under_another_name_is_refused,
    an_update_of_an_absent_object_does_not_create_it,
    a_delete_with_a_wrong_uid_is_a_conflict,
    a_delete_with_an_old_version_is_a_conflict,
    an_update_that_changes_nothing_keeps_the_version,
}

const MODIFIED: &str = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply \
     your changes to the latest version and try again";

async fn an_update_of_an_old_version_is_a_conflict(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let object = json!({ "metadata": { "name": "a", "resourceVersion": "1" } });
    server
        .put(&namespace.core("configmaps/a"), &object)
        .await
        .expect_failure(409, "Conflict", MODIFIED)
        .expect_details(&json!({ "name": "a", "kind": "configmaps" }));
}

async fn a_patch_of_an_old_version_is_a_conflict(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let patch = json!({ "metadata": { "resourceVersion": "1" }, "data": { "x": "y" } });
    server
        .patch(&namespace.core("configmaps/a"), Patch::Merge, &patch)
        .await
        .expect_failure(409, "Conflict", MODIFIED);
}

async fn an_update_with_the_current_version_passes(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("a", &[]).await.version();
    let object = json!({ "metadata": { "name": "a", "resourceVersion": version }, "data": { "x": "y" } });
    let path = namespace.core("configmaps/a");
    server.put(&path, &object).await.expect(200);
    server.put(&path, &object).await.expect_failure(409, "Conflict", MODIFIED);
}

async fn an_update_without_a_version_always_passes(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    for value in ["1", "2"] {
        let object = json!({ "metadata": { "name": "a" }, "data": { "x": value } });
        server.put(&namespace.core("configmaps/a"), &object).await.expect(200);
    }
}

async fn an_update_under_another_name_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    server
        .put(&namespace.core("configmaps/a"), &json!({ "metadata": { "name": "b" } }))
        .await
        .expect_failure(
            400,
            "BadRequest",
            "the name of the object (b) does not match the name on the URL (a)",
        );
}

async fn an_update_of_an_absent_object_does_not_create_it(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("configmaps/q");
    for metadata in [json!({ "name": "q" }), json!({ "name": "q", "resourceVersion": "5" })] {
        server.put(&path, &json!({ "metadata": metadata })).await.expect_failure(
            404,
            "NotFound",
            "configmaps \"q\" not found",
        );
    }
}

async fn a_delete_with_a_wrong_uid_is_a_conflict(server: &Target) {
    let namespace = server.namespace().await;
    let object = namespace.config_map("a", &[]).await.json();
    let (path, uid) = (namespace.core("configmaps/a"), object["metadata"]["uid"].as_str().unwrap());
    let wrong = "11111111-1111-1111-1111-111111111111";
    let message = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition ({wrong}) does not match the UID \
         in record ({uid}). The object might have been deleted and then recreated"
    );
    server
        .delete_with(&path, &json!({ "preconditions": { "uid": wrong } }))
        .await
        .expect_failure(409, "Conflict", &message);
    server.delete_with(&path, &json!({ "preconditions": { "uid": uid } })).await.expect(200);
}

async fn a_delete_with_an_old_version_is_a_conflict(server: &Target) {
    let namespace = server.namespace().await;
    let version = namespace.config_map("a", &[]).await.version();
    let message = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition (1) does not match \
         the ResourceVersion in record ({version}). The object might have been modified"
    );
    server
        .delete_with(&namespace.core("configmaps/a"), &json!({ "preconditions": { "resourceVersion": "1" } }))
        .await
        .expect_failure(409, "Conflict", &message);
}

async fn an_update_that_changes_nothing_keeps_the_version(server: &Target) {
    let namespace = server.namespace().await;
    let object = namespace.config_map("a", &[]).await.json();
    let path = namespace.core("configmaps/a");
    let version = object["metadata"]["resourceVersion"].as_str().unwrap();
    assert_eq!(server.put(&path, &object).await.expect(200).version(), version);
    let patch = json!({ "data": { "key": "value" } });
    assert_eq!(server.patch(&path, Patch::Merge, &patch).await.expect(200).version(), version);
}
