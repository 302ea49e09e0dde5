//! Tables: what `kubectl get` prints, made by the server.

use serde_json::{Value, json};

use crate::target::{Target, pod_spec};

conformance! {
    a_table_is_given_only_to_those_who_ask,
    config_maps_show_their_number_of_entries,
    pods_show_readiness_and_node,
    deployments_show_their_replicas,
    nodes_show_whether_they_are_ready,
    metadata_alone_can_be_asked_for,
    a_single_object_is_a_table_of_one_row,
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

/// Asks for a table; gives the names of its columns (those of priority 0) and its rows.
async fn table(server: &Target, path: &str) -> (Vec<String>, Vec<Vec<Value>>) {
    let table = server.get_as(path, TABLE).await.expect(200).json();
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    let columns = table["columnDefinitions"].as_array().unwrap();
    let wide = |column: &Value| column["priority"] != 0;
    let names = columns
        .iter()
        .filter(|column| !wide(column))
        .map(|column| column["name"].as_str().unwrap().to_owned());
    let rows = table["rows"].as_array().cloned().unwrap_or_default();
    let cells = rows.iter().map(|row| {
        assert_eq!(row["object"]["kind"], "PartialObjectMetadata");
        let cells = row["cells"].as_array().unwrap();
        assert_eq!(cells.len(), columns.len());
        cells.iter().zip(columns).filter(|(_, column)| !wide(column)).map(|(cell, _)| cell.clone()).collect()
    });
    (names.collect(), cells.collect())
}

async fn a_table_is_given_only_to_those_who_ask(server: &Target) {
    let namespace = server.namespace().await;
    let list = server.get(&namespace.core("configmaps")).await.expect(200).json();
    assert_eq!(list["kind"], "ConfigMapList");
}

async fn config_maps_show_their_number_of_entries(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let (columns, rows) = table(server, &namespace.core("configmaps")).await;
    assert_eq!(columns, ["Name", "Data", "Age"]);
    assert_eq!(rows[0][..2], [json!("a"), json!(1)]);
    let age = rows[0][2].as_str().unwrap();
    assert!(age.ends_with('s'), "{age}");
}

async fn pods_show_readiness_and_node(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    namespace.ready_pod("p").await;
    let (columns, rows) = table(server, &namespace.core("pods")).await;
    assert_eq!(columns, ["Name", "Ready", "Status", "Restarts", "Age"]);
    assert_eq!(rows[0][..4], [json!("p"), json!("1/1"), json!("Running"), json!("0")]);
}

async fn deployments_show_their_replicas(server: &Target) {
    let namespace = server.namespace().await;
    let deployment = json!({ "metadata": { "name": "d" }, "spec": {
        "replicas": 2,
        "selector": { "matchLabels": { "app": "d" } },
        "template": { "metadata": { "labels": { "app": "d" } }, "spec": pod_spec() },
    } });
    server.post(&namespace.of("apps/v1", "deployments"), &deployment).await.expect(201);
    let path = namespace.of("apps/v1", "deployments/d");
    server.eventually_is(&path, |object| object["status"]["availableReplicas"] == 2).await;
    let (columns, rows) = table(server, &namespace.of("apps/v1", "deployments")).await;
    assert_eq!(columns, ["Name", "Ready", "Up-to-date", "Available", "Age"]);
    assert_eq!(rows[0][..4], [json!("d"), json!("2/2"), json!(2), json!(2)]);
    let (columns, rows) = table(server, &namespace.of("apps/v1", "replicasets")).await;
    assert_eq!(columns, ["Name", "Desired", "Current", "Ready", "Age"]);
    assert_eq!(rows[0][1..4], [json!(2), json!(2), json!(2)]);
}

async fn nodes_show_whether_they_are_ready(server: &Target) {
    let (columns, rows) = table(server, "/api/v1/nodes").await;
    assert_eq!(columns, ["Name", "Status", "Roles", "Age", "Version"]);
    let ready = rows.iter().filter(|row| row[1] == "Ready").count();
    assert!(ready > 0, "{rows:?}");
}

async fn metadata_alone_can_be_asked_for(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let list = server.get_as(&namespace.core("configmaps"), METADATA).await.expect(200).json();
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("PartialObjectMetadataList"), &json!("meta.k8s.io/v1"))
    );
    let item = &list["items"][0];
    assert_eq!((&item["kind"], &item["metadata"]["name"]), (&json!("PartialObjectMetadata"), &json!("a")));
    assert!(item.get("data").is_none());
}

async fn a_single_object_is_a_table_of_one_row(server: &Target) {
    let namespace = server.namespace().await;
    namespace.config_map("a", &[]).await;
    let (_, rows) = table(server, &namespace.core("configmaps/a")).await;
    assert_eq!(rows.len(), 1);
}
