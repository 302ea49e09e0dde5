//! Custom resources.

use serde_json::{Value, json};

use crate::client::Client;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let spec = json!({"type": "object", "properties": {"size": {"type": "integer", "minimum": 1}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }}},
            }],
        },
    })
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

#[tokio::test]
async fn a_definition_makes_a_kind_and_takes_it_away() {
    let client = Client::start();
    assert_eq!(client.get(WIDGETS).await.0, 404);
    let (code, made) = client.post(DEFINITIONS, &definition()).await;
    assert_eq!(code, 201, "{made}");
    let path = format!("{DEFINITIONS}/widgets.example.com");
    client.eventually(&path, |_, definition| is_established(definition)).await;

    let widget = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec});
    let (code, status) = client.post(WIDGETS, &widget(json!({"size": 0}))).await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "Widget.example.com \"w\" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than \
         or equal to 1"
    );
    let (code, made) = client.post(WIDGETS, &widget(json!({"size": 2, "unknown": true}))).await;
    assert_eq!((code.as_u16(), &made["spec"]), (201, &json!({"size": 2})), "unknown fields are pruned");
    let (_, after) =
        client.patch(&format!("{WIDGETS}/w/status"), "merge", &json!({"status": {"ok": true}})).await;
    assert_eq!((&after["status"]["ok"], &after["metadata"]["generation"]), (&json!(true), &json!(1)));
    let (_, list) = client.get(WIDGETS).await;
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("WidgetList"), &json!("Widget")));

    client.delete(&path, &json!(null)).await;
    client.eventually(&path, |code, _| code == 404).await;
    assert_eq!(client.get(WIDGETS).await.0, 404);
}
