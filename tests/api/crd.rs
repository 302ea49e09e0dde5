//! Custom resources: defined, served, validated, removed.

use serde_json::{Value, json};

use crate::request::Patch;
use crate::target::{Target, condition, names, unique};

conformance! {
    a_defined_resource_is_served,
    unknown_fields_are_pruned_and_status_is_not_taken_from_a_create,
    a_value_of_the_wrong_type_is_explained,
    an_update_needs_a_version,
    a_strategic_patch_is_not_accepted,
    an_unknown_field_of_a_custom_object_is_no_selector,
    an_absent_custom_object_is_named_with_its_group,
    a_definition_that_is_gone_takes_its_objects_and_path_along,
}

/// Group of all test definitions.
pub const GROUP: &str = "conformance.bench.dev";

/// Defines a namespaced kind of its own and waits until it is served; gives its plural.
pub async fn define(server: &Target, schema: Value) -> String {
    let singular = unique("widget").replace('-', "");
    let plural = format!("{singular}s");
    let definition = json!({
        "metadata": { "name": format!("{plural}.{GROUP}") },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": { "plural": plural, "singular": singular, "kind": kind(&plural) },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    });
    server.post(DEFINITIONS, &definition).await.expect(201);
    server
        .eventually_is(&format!("{DEFINITIONS}/{plural}.{GROUP}"), |definition| {
            condition(definition, "Established") == Some("True")
        })
        .await;
    server.eventually_found(&format!("/apis/{GROUP}/v1/{plural}")).await;
    plural
}

/// Removes a definition.
pub async fn remove(server: &Target, plural: &str) {
    server.delete(&format!("{DEFINITIONS}/{plural}.{GROUP}")).await.expect(200);
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn kind(plural: &str) -> String {
    let singular = plural.trim_end_matches('s');
    format!("W{}", &singular[1..])
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "spec": { "type": "object", "properties": { "size": { "type": "integer" } } },
            "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        },
    })
}

fn widget(plural: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind(plural),
        "metadata": { "name": name },
        "spec": spec,
        "status": { "given": 1 },
    })
}

async fn a_defined_resource_is_served(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    let version = server.get(&path).await.expect(200).version();
    let mut watch = server.watch(&path, &format!("resourceVersion={version}")).await;
    server.post(&path, &widget(&plural, "w", json!({ "size": 1 }))).await.expect(201);
    assert_eq!(watch.next_name().await, ("ADDED".to_owned(), "w".to_owned()));
    let patch = json!({ "spec": { "size": 2 } });
    let patched = server.patch(&format!("{path}/w"), Patch::Merge, &patch).await.expect(200).json();
    assert_eq!((&patched["spec"]["size"], &patched["metadata"]["generation"]), (&json!(2), &json!(2)));
    let list = server.get(&path).await.expect(200).json();
    assert_eq!(list["kind"], format!("{}List", kind(&plural)));
    assert_eq!(names(&list), ["w"]);
    assert_eq!(list["items"][0]["kind"], kind(&plural));
    server.delete(&format!("{path}/w")).await.expect(200);
    remove(server, &plural).await;
}

async fn unknown_fields_are_pruned_and_status_is_not_taken_from_a_create(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    let object = widget(&plural, "w", json!({ "size": 1, "unknown": 1 }));
    let created = server.post(&path, &object).await.expect(201).json();
    assert_eq!(created["spec"], json!({ "size": 1 }));
    assert!(created.get("status").is_none());
    let patch = json!({ "status": { "seen": true }, "spec": { "size": 9 } });
    let patched = server.patch(&format!("{path}/w/status"), Patch::Merge, &patch).await.expect(200).json();
    assert_eq!((&patched["status"], &patched["spec"]), (&json!({ "seen": true }), &json!({ "size": 1 })));
    assert_eq!(patched["metadata"]["generation"], 1);
    remove(server, &plural).await;
}

async fn a_value_of_the_wrong_type_is_explained(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    let message = format!(
        "{}.{GROUP} \"w\" is invalid: spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \
         \"string\"",
        kind(&plural)
    );
    server
        .post(&path, &widget(&plural, "w", json!({ "size": "big" })))
        .await
        .expect_failure(422, "Invalid", &message);
    remove(server, &plural).await;
}

async fn an_update_needs_a_version(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    let object = widget(&plural, "w", json!({ "size": 1 }));
    server.post(&path, &object).await.expect(201);
    let message = format!(
        "{plural}.{GROUP} \"w\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
    server.put(&format!("{path}/w"), &object).await.expect_failure(422, "Invalid", &message);
    remove(server, &plural).await;
}

async fn an_unknown_field_of_a_custom_object_is_no_selector(server: &Target) {
    let plural = define(server, schema()).await;
    let path = format!("/apis/{GROUP}/v1/{plural}?fieldSelector=spec.foo%3D1");
    server.get(&path).await.expect_failure(400, "BadRequest", "field label not supported: spec.foo");
    remove(server, &plural).await;
}

async fn a_strategic_patch_is_not_accepted(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    server.post(&path, &widget(&plural, "w", json!({}))).await.expect(201);
    server.patch(&format!("{path}/w"), Patch::Strategic, &json!({ "spec": { "size": 3 } })).await.expect_failure(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
         application/merge-patch+json, application/apply-patch+yaml",
    );
    remove(server, &plural).await;
}

async fn an_absent_custom_object_is_named_with_its_group(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    server
        .get(&format!("{path}/none"))
        .await
        .expect_failure(404, "NotFound", &format!("{plural}.{GROUP} \"none\" not found"))
        .expect_details(&json!({ "name": "none", "group": GROUP, "kind": plural }));
    remove(server, &plural).await;
}

async fn a_definition_that_is_gone_takes_its_objects_and_path_along(server: &Target) {
    let plural = define(server, schema()).await;
    let namespace = server.namespace().await;
    let path = namespace.of(&format!("{GROUP}/v1"), &plural);
    server.post(&path, &widget(&plural, "w", json!({}))).await.expect(201);
    remove(server, &plural).await;
    server.eventually_gone(&format!("{DEFINITIONS}/{plural}.{GROUP}")).await;
    server.eventually_gone(&path).await;
}
