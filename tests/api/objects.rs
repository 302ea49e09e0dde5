//! Creating, reading, listing; names and generated names; dry runs.

use serde_json::json;

use crate::target::{Target, names};

conformance! {
    a_created_object_comes_back_with_what_the_server_adds,
    creating_twice_is_refused,
    an_absent_object_is_not_found,
    a_namespace_that_is_not_there_is_named,
    listing_in_a_namespace_that_is_not_there_is_empty,
    a_list_is_sorted_by_name_and_carries_no_kind_in_its_items,
    an_invalid_name_is_explained,
    a_missing_name_is_explained,
    a_namespace_name_may_not_have_dots,
    an_invalid_label_is_explained,
    a_generated_name_is_the_prefix_and_five_characters,
    another_namespace_in_the_body_is_refused,
    a_dry_run_answers_and_stores_nothing,
    an_unknown_dry_run_is_refused,
    versions_grow_with_every_change,
    an_update_keeps_what_the_server_owns,
}

async fn a_created_object_comes_back_with_what_the_server_adds(server: &Target) {
    let namespace = server.namespace().await;
    let created = namespace.config_map("a", &[("app", "x")]).await.json();
    assert_eq!((&created["kind"], &created["apiVersion"]), (&json!("ConfigMap"), &json!("v1")));
    let metadata = &created["metadata"];
    assert_eq!(metadata["namespace"], json!(namespace.name));
    assert_eq!(metadata["labels"], json!({ "app": "x" }));
    assert_eq!(metadata["uid"].as_str().map(str::len), Some(36));
    let time = metadata["creationTimestamp"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    assert_eq!(created["data"], json!({ "key": "value" }));

    let read = server.get(&namespace.core("configmaps/a")).await.expect(200).json();
    assert_eq!(read, created);
}

async fn creating_twice_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let again = server.post(&namespace.core("configmaps"), &json!({ "metadata": { "name": "a" } })).await;
    again
        .expect_failure(409, "AlreadyExists", "configmaps \"a\" already exists")
        .expect_details(&json!({ "name": "a", "kind": "configmaps" }));
}

async fn an_absent_object_is_not_found(server: &Target) {
    let namespace = server.namespace().await;
    let details = json!({ "name": "zz", "kind": "configmaps" });
    let path = namespace.core("configmaps/zz");
    for answer in [
        server.get(&path).await,
        server.delete(&path).await,
        server.put(&path, &json!({ "metadata": { "name": "zz" } })).await,
    ] {
        answer.expect_failure(404, "NotFound", "configmaps \"zz\" not found").expect_details(&details);
    }
    server
        .get(&namespace.of("apps/v1", "deployments/zz"))
        .await
        .expect_failure(404, "NotFound", "deployments.apps \"zz\" not found")
        .expect_details(&json!({ "name": "zz", "group": "apps", "kind": "deployments" }));
}

async fn a_namespace_that_is_not_there_is_named(server: &Target) {
    let object = json!({ "metadata": { "name": "a" } });
    server
        .post("/api/v1/namespaces/nowhere/configmaps", &object)
        .await
        .expect_failure(404, "NotFound", "namespaces \"nowhere\" not found")
        .expect_details(&json!({ "name": "nowhere", "kind": "namespaces" }));
}

async fn listing_in_a_namespace_that_is_not_there_is_empty(server: &Target) {
    let list = server.get("/api/v1/namespaces/nowhere/configmaps").await.expect(200).json();
    assert_eq!(list["kind"], "ConfigMapList");
    assert_eq!(list["items"], json!([]));
}

async fn a_list_is_sorted_by_name_and_carries_no_kind_in_its_items(server: &Target) {
    let namespace = server.namespace().await;
    for name in ["b", "c", "a"] {
        namespace.config_map(name, &[]).await;
    }
    let list = server.get(&namespace.core("configmaps")).await.expect(200).json();
    assert_eq!(names(&list), ["a", "b", "c", "kube-root-ca.crt"]);
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert!(list["items"][0].get("kind").is_none());
    assert!(list["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > 0);
}

/// Upstream's text for a name that is no DNS subdomain (apimachinery `validation.IsDNS1123Subdomain`).
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
     and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

async fn an_invalid_name_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let message =
        format!("ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value: \"Bad_Name\": {SUBDOMAIN}");
    server
        .post(&namespace.core("configmaps"), &json!({ "metadata": { "name": "Bad_Name" } }))
        .await
        .expect_failure(422, "Invalid", &message)
        .expect_details(&json!({
            "name": "Bad_Name",
            "kind": "ConfigMap",
            "causes": [{
                "reason": "FieldValueInvalid",
                "message": format!("Invalid value: \"Bad_Name\": {SUBDOMAIN}"),
                "field": "metadata.name",
            }],
        }));
}

async fn a_missing_name_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    server.post(&namespace.core("configmaps"), &json!({ "metadata": {} })).await.expect_failure(
        422,
        "Invalid",
        "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
    );
}

async fn a_namespace_name_may_not_have_dots(server: &Target) {
    server.post("/api/v1/namespaces", &json!({ "metadata": { "name": "a.b" } })).await.expect_failure(
        422,
        "Invalid",
        "Namespace \"a.b\" is invalid: metadata.name: Invalid value: \"a.b\": must not contain dots",
    );
}

async fn an_invalid_label_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "d", "labels": { "bad key": "x" } } });
    server.post(&namespace.core("configmaps"), &object).await.expect_failure(
        422,
        "Invalid",
        "ConfigMap \"d\" is invalid: metadata.labels: Invalid value: \"bad key\": name part must consist of alphanumeric \
         characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or \
         'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    );
}

async fn a_generated_name_is_the_prefix_and_five_characters(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "generateName": "gen-" } });
    let [first, second] = [
        server.post(&namespace.core("configmaps"), &object).await.expect(201).json(),
        server.post(&namespace.core("configmaps"), &object).await.expect(201).json(),
    ];
    let name = first["metadata"]["name"].as_str().unwrap();
    let suffix = name.strip_prefix("gen-").unwrap();
    // Letters without vowels and digits that look like them (apimachinery `rand.String`).
    assert!(suffix.len() == 5 && suffix.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c)), "{name}");
    assert_eq!(first["metadata"]["generateName"], "gen-");
    assert_ne!(first["metadata"]["name"], second["metadata"]["name"]);
}

async fn another_namespace_in_the_body_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let object = json!({ "metadata": { "name": "b", "namespace": "other" } });
    server.post(&namespace.core("configmaps"), &object).await.expect_failure(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    );
}

async fn a_dry_run_answers_and_stores_nothing(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("configmaps?dryRun=All");
    let answer = server.post(&path, &json!({ "metadata": { "name": "dry" } })).await.expect(201).json();
    assert!(answer["metadata"]["uid"].is_string());
    assert!(answer["metadata"].get("resourceVersion").is_none());
    server.get(&namespace.core("configmaps/dry")).await.expect(404);

    namespace.config_map("kept", &[]).await;
    server.delete(&namespace.core("configmaps/kept?dryRun=All")).await.expect(200);
    server.get(&namespace.core("configmaps/kept")).await.expect(200);
}

async fn an_unknown_dry_run_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    server
        .post(&namespace.core("configmaps?dryRun=x"), &json!({ "metadata": { "name": "dry" } }))
        .await
        .expect_failure(
            422,
            "Invalid",
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"x\"]: supported values: \"All\"",
        );
}

async fn versions_grow_with_every_change(server: &Target) {
    let namespace = server.namespace().await;
    let first: u64 = namespace.config_map("a", &[]).await.version().parse().unwrap();
    let second: u64 = namespace.config_map("b", &[]).await.version().parse().unwrap();
    let change = json!({ "metadata": { "name": "a" }, "data": { "key": "other" } });
    let third: u64 =
        server.put(&namespace.core("configmaps/a"), &change).await.expect(200).version().parse().unwrap();
    assert!(first < second && second < third, "{first} {second} {third}");
    let list: u64 = server.get(&namespace.core("configmaps")).await.expect(200).version().parse().unwrap();
    assert!(list >= third, "{list} {third}");
}

async fn an_update_keeps_what_the_server_owns(server: &Target) {
    let namespace = server.namespace().await;
    let before = namespace.config_map("a", &[("app", "x")]).await.json();
    let change = json!({
        "metadata": { "name": "a", "creationTimestamp": "2001-01-01T00:00:00Z" },
        "data": { "other": "1" },
    });
    let after = server.put(&namespace.core("configmaps/a"), &change).await.expect(200).json();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["creationTimestamp"], before["metadata"]["creationTimestamp"]);
    assert!(after["metadata"].get("labels").is_none());
    assert_eq!(after["data"], json!({ "other": "1" }));
}
