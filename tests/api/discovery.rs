//! What clients read before their first request.

use serde_json::{Value, json};

use crate::target::Target;

conformance! {
    the_version_is_a_recent_kubernetes,
    health_is_a_plain_ok,
    groups_and_versions_are_listed,
    resources_are_listed_with_verbs_and_scope,
    aggregated_discovery_is_given_or_refused_as_plain_lists,
    the_cluster_has_a_stable_identity,
    answers_carry_a_date,
}

async fn the_version_is_a_recent_kubernetes(server: &Target) {
    let version = server.get("/version").await.expect(200).json();
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")));
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1.36."), "{version}");
    assert!(version["platform"].is_string());
}

async fn health_is_a_plain_ok(server: &Target) {
    for path in ["/readyz", "/livez", "/healthz"] {
        assert_eq!(server.get(path).await.expect(200).body, "ok", "{path}");
    }
}

async fn groups_and_versions_are_listed(server: &Target) {
    let core = server.get("/api").await.expect(200).json();
    assert_eq!((&core["kind"], &core["versions"]), (&json!("APIVersions"), &json!(["v1"])));
    let groups = server.get("/apis").await.expect(200).json();
    assert_eq!((&groups["kind"], &groups["apiVersion"]), (&json!("APIGroupList"), &json!("v1")));
    for name in ["apps", "batch", "apiextensions.k8s.io", "storage.k8s.io", "coordination.k8s.io"] {
        let group = groups["groups"].as_array().unwrap().iter().find(|group| group["name"] == name);
        let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
        assert_eq!(group.map(|group| &group["preferredVersion"]), Some(&version), "{name}");
    }
    let apps = server.get("/apis/apps").await.expect(200).json();
    assert_eq!((&apps["kind"], &apps["name"]), (&json!("APIGroup"), &json!("apps")));
}

async fn resources_are_listed_with_verbs_and_scope(server: &Target) {
    let core = server.get("/api/v1").await.expect(200).json();
    assert_eq!((&core["kind"], &core["groupVersion"]), (&json!("APIResourceList"), &json!("v1")));
    let expected = [
        ("configmaps", "ConfigMap", true, json!(["cm"])),
        ("namespaces", "Namespace", false, json!(["ns"])),
        ("nodes", "Node", false, json!(["no"])),
        ("pods", "Pod", true, json!(["po"])),
        ("services", "Service", true, json!(["svc"])),
    ];
    for (plural, kind, namespaced, short_names) in expected {
        let resource = resource(&core, plural);
        assert_eq!(
            (&resource["kind"], &resource["namespaced"]),
            (&json!(kind), &json!(namespaced)),
            "{plural}"
        );
        assert_eq!(resource["shortNames"], short_names, "{plural}");
        for verb in ["create", "delete", "get", "list", "patch", "update", "watch"] {
            assert!(resource["verbs"].as_array().unwrap().contains(&json!(verb)), "{plural} {verb}");
        }
    }
    assert_eq!(resource(&core, "pods/status")["verbs"], json!(["get", "patch", "update"]));
    let apps = server.get("/apis/apps/v1").await.expect(200).json();
    assert_eq!(resource(&apps, "deployments")["singularName"], "deployment");
    assert_eq!(resource(&apps, "deployments/scale")["kind"], "Scale");
}

fn resource<'a>(list: &'a Value, name: &str) -> &'a Value {
    let resources = list["resources"].as_array().unwrap();
    resources.iter().find(|resource| resource["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

async fn aggregated_discovery_is_given_or_refused_as_plain_lists(server: &Target) {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = server.get_as("/apis", accept).await.expect(200);
    let list = answer.json();
    if answer.content_type.contains("as=APIGroupDiscoveryList") {
        assert_eq!(
            (&list["kind"], &list["apiVersion"]),
            (&json!("APIGroupDiscoveryList"), &json!("apidiscovery.k8s.io/v2"))
        );
        assert!(list["items"].as_array().unwrap().iter().any(|group| group["metadata"]["name"] == "apps"));
    } else {
        assert_eq!(list["kind"], "APIGroupList");
    }
}

async fn the_cluster_has_a_stable_identity(server: &Target) {
    let read = async || {
        server.get("/api/v1/namespaces/kube-system").await.expect(200).json()["metadata"]["uid"].clone()
    };
    let uid = read().await;
    assert_eq!(uid.as_str().map(str::len), Some(36));
    assert_eq!(read().await, uid);
}

async fn answers_carry_a_date(server: &Target) {
    let request = http::Request::get("/version").body(kube::client::Body::empty()).unwrap();
    let response = server.client.send(request).await.unwrap();
    let date = response.headers()["date"].to_str().unwrap().to_owned();
    // IMF-fixdate, such as `Sun, 22 Nov 2026 01:50:01 GMT`.
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
}
