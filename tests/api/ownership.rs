//! Owner references and how deletion goes down them.

use serde_json::{Value, json};

use crate::target::{Namespace, Target};

conformance! {
    dependents_follow_their_owner_in_the_background,
    an_owner_deleted_in_the_foreground_goes_last,
    orphans_stay_without_their_owner,
    an_object_with_another_owner_stays,
    an_object_whose_owner_never_was_is_collected,
}

/// A ConfigMap owned by others; `blockOwnerDeletion` as controllers set it.
async fn owned(namespace: &Namespace<'_>, name: &str, owners: &[&Value]) -> Value {
    let references: Vec<Value> = owners
        .iter()
        .map(|owner| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": true,
            })
        })
        .collect();
    let object = json!({ "metadata": { "name": name, "ownerReferences": references } });
    namespace.server.post(&namespace.core("configmaps"), &object).await.expect(201).json()
}

async fn dependents_follow_their_owner_in_the_background(server: &Target) {
    let namespace = server.namespace().await;
    let owner = namespace.config_map("owner", &[]).await.json();
    let child = owned(&namespace, "child", &[&owner]).await;
    owned(&namespace, "grandchild", &[&child]).await;
    server.delete(&namespace.core("configmaps/owner?propagationPolicy=Background")).await.expect(200);
    server.get(&namespace.core("configmaps/owner")).await.expect(404);
    server.eventually_gone(&namespace.core("configmaps/child")).await;
    server.eventually_gone(&namespace.core("configmaps/grandchild")).await;
}

async fn an_owner_deleted_in_the_foreground_goes_last(server: &Target) {
    let namespace = server.namespace().await;
    let owner = namespace.config_map("owner", &[]).await.json();
    let child = owned(&namespace, "child", &[&owner]).await;
    let version = child["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = server.watch(&namespace.core("configmaps"), &format!("resourceVersion={version}")).await;
    let going = server
        .delete(&namespace.core("configmaps/owner?propagationPolicy=Foreground"))
        .await
        .expect(200)
        .json();
    assert_eq!(going["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    let mut deleted = Vec::new();
    while deleted.len() < 2 {
        let (kind, name) = watch.next_name().await;
        if kind == "DELETED" {
            deleted.push(name);
        }
    }
    assert_eq!(deleted, ["child", "owner"]);
}

async fn orphans_stay_without_their_owner(server: &Target) {
    let namespace = server.namespace().await;
    let owner = namespace.config_map("owner", &[]).await.json();
    owned(&namespace, "child", &[&owner]).await;
    server
        .delete_with(&namespace.core("configmaps/owner"), &json!({ "propagationPolicy": "Orphan" }))
        .await
        .expect(200);
    server.eventually_gone(&namespace.core("configmaps/owner")).await;
    let child = server.get(&namespace.core("configmaps/child")).await.expect(200).json();
    assert!(child["metadata"].get("ownerReferences").is_none(), "{child}");
}

async fn an_object_with_another_owner_stays(server: &Target) {
    let namespace = server.namespace().await;
    let first = namespace.config_map("first", &[]).await.json();
    let second = namespace.config_map("second", &[]).await.json();
    owned(&namespace, "child", &[&first, &second]).await;
    server.delete(&namespace.core("configmaps/first")).await.expect(200);
    // The collector takes the reference to the absent owner out.
    let child = server
        .eventually_is(&namespace.core("configmaps/child"), |child| {
            child["metadata"]["ownerReferences"].as_array().is_some_and(|owners| owners.len() == 1)
        })
        .await;
    assert_eq!(child["metadata"]["ownerReferences"][0]["name"], "second");
    server.delete(&namespace.core("configmaps/second")).await.expect(200);
    server.eventually_gone(&namespace.core("configmaps/child")).await;
}

async fn an_object_whose_owner_never_was_is_collected(server: &Target) {
    let namespace = server.namespace().await;
    let never = json!({ "metadata": { "name": "never", "uid": "22222222-2222-2222-2222-222222222222" } });
    owned(&namespace, "child", &[&never]).await;
    server.eventually_gone(&namespace.core("configmaps/child")).await;
}
