//! The four patch types over HTTP.

use serde_json::json;

use crate::client::{CONFIG_MAPS, Client};

#[tokio::test]
async fn each_patch_type_is_understood() {
    let client = Client::start();
    client.config_map("a", json!({})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let patch = json!([{"op": "add", "path": "/data", "value": {"k": "1"}}]);
    assert_eq!(client.patch(&path, "json", &patch).await.1["data"], json!({"k": "1"}));
    let (_, after) = client.patch(&path, "merge", &json!({"data": {"l": "2"}})).await;
    assert_eq!(after["data"], json!({"k": "1", "l": "2"}));
    let (_, after) =
        client.patch(&path, "strategic-merge", &json!({"data": {"$patch": "replace", "m": "3"}})).await;
    assert_eq!(after["data"], json!({"m": "3"}));
    let (code, status) = client.patch(&path, "unknown", &json!({})).await;
    assert_eq!((code.as_u16(), &status["reason"]), (415, &json!("UnsupportedMediaType")));
    let test = json!([{"op": "test", "path": "/data/m", "value": "other"}]);
    assert_eq!(client.patch(&path, "json", &test).await.0, 422);
}

#[tokio::test]
async fn a_merge_patch_with_an_old_version_is_a_conflict() {
    let client = Client::start();
    let made = client.config_map("a", json!({})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let (code, after) = client.patch(&path, "merge", &json!({"data": {"k": "v"}})).await;
    assert_eq!((code.as_u16(), &after["data"]), (200, &json!({"k": "v"})));
    let version = &made["metadata"]["resourceVersion"];
    let stale = json!({"metadata": {"resourceVersion": version}, "data": {"k": "w"}});
    assert_eq!(client.patch(&path, "merge", &stale).await.0, 409);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let client = Client::start();
    let made = client.config_map("a", json!({"x": "y"})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let (_, after) =
        client.patch(&path, "strategic-merge", &json!({"metadata": {"labels": {"x": "y"}}})).await;
    assert_eq!(after["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn apply_creates_then_meets_other_managers() {
    let client = Client::start();
    let path = |manager: &str| format!("{CONFIG_MAPS}/a?fieldManager={manager}");
    let config = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": value}});
    let (code, made) = client.patch(&path("one"), "apply", &config("1")).await;
    assert_eq!(code, 201, "{made}");
    let (_, again) = client.patch(&path("one"), "apply", &config("1")).await;
    assert_eq!(again["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let (code, status) = client.patch(&path("two"), "apply", &config("2")).await;
    assert_eq!(code, 409);
    assert_eq!(status["message"], "Apply failed with 1 conflict: conflict with \"one\": .data.k");
    let (code, _) = client.patch(&format!("{}&force=true", path("two")), "apply", &config("2")).await;
    assert_eq!(code, 200);
    let (code, status) = client.patch(&format!("{CONFIG_MAPS}/a"), "apply", &config("2")).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
}
