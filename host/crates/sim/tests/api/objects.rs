//! Create, read, update, delete, and the texts of failures.

use serde_json::json;

use crate::client::{CONFIG_MAPS, Client};

#[tokio::test]
async fn an_object_goes_through_its_life() {
    let client = Client::start();
    let made = client.config_map("a", json!({})).await;
    assert_eq!(made["kind"], "ConfigMap");
    assert!(made["metadata"]["uid"].as_str().is_some_and(|uid| uid.len() == 36), "{made}");
    let path = format!("{CONFIG_MAPS}/a");
    assert_eq!(client.get(&path).await.1, made);

    let mut changed = made.clone();
    changed["data"] = json!({"k": "v"});
    let (code, written) = client.put(&path, &changed).await;
    assert_eq!(code, 200);
    assert_ne!(written["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let (code, conflict) = client.put(&path, &changed).await;
    assert_eq!(code, 409);
    assert_eq!(
        conflict["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes \
         to the latest version and try again"
    );
    let (code, gone) = client.delete(&path, &json!(null)).await;
    assert_eq!((code.as_u16(), gone["status"].as_str()), (200, Some("Success")));
    let (code, missing) = client.get(&path).await;
    assert_eq!(code, 404);
    assert_eq!(
        missing,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "configmaps \"a\" not found", "reason": "NotFound",
            "details": {"name": "a", "kind": "configmaps"}, "code": 404,
        })
    );
}

#[tokio::test]
async fn failures_are_worded_as_upstream() {
    let client = Client::start();
    client.config_map("a", json!({})).await;
    let pods = "/api/v1/namespaces/default/pods";
    let cases = [
        (CONFIG_MAPS, json!({"metadata": {"name": "a"}}), 409, "configmaps \"a\" already exists"),
        (
            "/api/v1/namespaces/no/configmaps",
            json!({"metadata": {"name": "a"}}),
            404,
            "namespaces \"no\" not found",
        ),
        (
            CONFIG_MAPS,
            json!({}),
            422,
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
        ),
        (
            pods,
            json!({"metadata": {"name": "p"}, "spec": {}}),
            422,
            "Pod \"p\" is invalid: spec.containers: Required value",
        ),
        (
            pods,
            json!({"metadata": {"name": "p"}, "spec": {"containers": 3}}),
            400,
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field \
             PodSpec.spec.containers of type []v1.Container",
        ),
        (
            CONFIG_MAPS,
            json!({"metadata": {"name": "b", "namespace": "other"}}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            "/api/v1/namespaces/default/configmaps?fieldValidation=Strict",
            json!({"metadata": {"name": "b"}, "foo": 1}),
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"foo\"",
        ),
        ("/api/v1/nothing", json!({}), 404, "the server could not find the requested resource"),
    ];
    for (path, body, code, message) in cases {
        let (found, status) = client.post(path, &body).await;
        assert_eq!((found.as_u16(), status["message"].as_str()), (code, Some(message)), "{path} {body}");
    }
    let (code, text) = client.get("/apis/no.such.group/v1/things").await;
    assert_eq!((code.as_u16(), text.as_str()), (404, Some("404 page not found\n")));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let client = Client::start();
    let (code, _) =
        client.post(&format!("{CONFIG_MAPS}?dryRun=All"), &json!({"metadata": {"name": "a"}})).await;
    assert_eq!(code, 201);
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.0, 404);
}

#[tokio::test]
async fn pages_of_a_list_show_one_state() {
    let client = Client::start();
    for name in ["a", "b", "c", "d"] {
        client.config_map(name, json!({"x": "y"})).await;
    }
    let select = "labelSelector=x%3Dy";
    let (_, first) = client.get(&format!("{CONFIG_MAPS}?limit=2&{select}")).await;
    let token = first["metadata"]["continue"].as_str().expect("more to come");
    client.config_map("bb", json!({"x": "y"})).await;
    client.delete(&format!("{CONFIG_MAPS}/d"), &json!(null)).await;
    let (_, second) = client.get(&format!("{CONFIG_MAPS}?limit=2&{select}&continue={token}")).await;
    let names = |list: &serde_json::Value| -> Vec<String> {
        let items = list["items"].as_array().expect("a list").iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    assert_eq!(second["metadata"]["continue"], json!(null));
    assert!(first["items"][0].get("kind").is_none(), "items of built-in kinds have no kind: {first}");
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_goes() {
    let client = Client::start();
    let body = json!({"metadata": {"name": "a", "finalizers": ["example.com/wait"]}});
    client.post(CONFIG_MAPS, &body).await;
    let path = format!("{CONFIG_MAPS}/a");
    let (_, marked) = client.delete(&path, &json!(null)).await;
    assert!(marked["metadata"]["deletionTimestamp"].is_string(), "{marked}");
    client.patch(&path, "merge", &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(client.get(&path).await.0, 404);
}

#[tokio::test]
async fn preconditions_protect_a_namesake() {
    let client = Client::start();
    client.config_map("a", json!({})).await;
    let options = json!({"preconditions": {"uid": "other"}});
    let (code, status) = client.delete(&format!("{CONFIG_MAPS}/a"), &options).await;
    assert_eq!(code, 409);
    assert!(
        status["message"].as_str().is_some_and(|text| text.contains("the UID in the precondition (other)")),
        "{status}"
    );
}

#[tokio::test]
async fn a_namespace_that_ends_takes_nothing_new() {
    let client = Client::start();
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "n"}})).await;
    let held = json!({"metadata": {"name": "h", "finalizers": ["example.com/wait"]}});
    client.post("/api/v1/namespaces/n/configmaps", &held).await;
    client.delete("/api/v1/namespaces/n", &json!(null)).await;
    let body = json!({"metadata": {"name": "a"}});
    let (code, status) = client.post("/api/v1/namespaces/n/configmaps", &body).await;
    assert_eq!(code, 403);
    assert_eq!(
        status["message"],
        "configmaps \"a\" is forbidden: unable to create new content in namespace n because it is being terminated"
    );
    assert_eq!(status["details"]["causes"][0]["reason"], "NamespaceTerminating");
    let path = "/api/v1/namespaces/n/configmaps/h";
    client.patch(path, "merge", &json!({"metadata": {"finalizers": null}})).await;
    client.eventually("/api/v1/namespaces/n", |code, _| code == 404).await;
}

#[tokio::test]
async fn status_and_scale_change_their_part_only() {
    let client = Client::start();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let body = json!({"metadata": {"name": "d"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "x", "image": "y"}]}},
    }});
    assert_eq!(client.post(deployments, &body).await.0, 201);
    let (code, scale) =
        client.patch(&format!("{deployments}/d/scale"), "merge", &json!({"spec": {"replicas": 2}})).await;
    assert_eq!(
        (code.as_u16(), &scale["kind"], &scale["spec"]["replicas"]),
        (200, &json!("Scale"), &json!(2))
    );
    let change = json!({"spec": {"replicas": 9}, "status": {"collisionCount": 3}});
    let (_, after) = client.patch(&format!("{deployments}/d/status"), "merge", &change).await;
    assert_eq!((&after["spec"]["replicas"], &after["status"]["collisionCount"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn discovery_lists_the_same_in_both_forms() {
    let client = Client::start();
    let (_, legacy) = client.get("/apis/apps/v1").await;
    let names: Vec<&str> = legacy["resources"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert!(names.contains(&"deployments") && names.contains(&"deployments/scale"), "{names:?}");
    let (_, groups) = client.get("/apis").await;
    assert!(
        groups["groups"].as_array().is_some_and(|list| list.iter().any(|group| group["name"] == "batch"))
    );
    assert_eq!(client.get("/readyz").await.1, json!("ok"));
}
