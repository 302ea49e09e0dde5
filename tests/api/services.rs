//! Services, secrets, leases: small kinds that scenarios create beside their pods.

use serde_json::json;

use crate::target::{Target, names, pod_spec};

conformance! {
    a_service_gets_an_address_of_its_own,
    a_headless_service_gets_none,
    a_service_finds_the_ready_pods_it_selects,
    text_in_a_secret_becomes_data,
    every_ready_node_has_a_lease,
}

fn service(name: &str, more: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let mut spec = json!({ "selector": { "app": "s" }, "ports": [{ "port": 80, "targetPort": 8080 }] });
    for (key, value) in more {
        spec[*key] = value.clone();
    }
    json!({ "metadata": { "name": name }, "spec": spec })
}

async fn a_service_gets_an_address_of_its_own(server: &Target) {
    let namespace = server.namespace().await;
    let path = namespace.core("services");
    let first = server.post(&path, &service("a", &[])).await.expect(201).json();
    let second = server.post(&path, &service("b", &[])).await.expect(201).json();
    let spec = &first["spec"];
    assert_eq!((&spec["type"], &spec["sessionAffinity"]), (&json!("ClusterIP"), &json!("None")));
    assert_eq!(spec["ports"], json!([{ "protocol": "TCP", "port": 80, "targetPort": 8080 }]));
    let address: std::net::IpAddr = spec["clusterIP"].as_str().unwrap().parse().unwrap();
    assert_eq!(spec["clusterIPs"], json!([address.to_string()]));
    assert_ne!(second["spec"]["clusterIP"], spec["clusterIP"]);
}

async fn a_headless_service_gets_none(server: &Target) {
    let namespace = server.namespace().await;
    let headless = service("a", &[("clusterIP", json!("None"))]);
    let created = server.post(&namespace.core("services"), &headless).await.expect(201).json();
    assert_eq!(created["spec"]["clusterIPs"], json!(["None"]));
}

async fn a_service_finds_the_ready_pods_it_selects(server: &Target) {
    let namespace = server.namespace().await;
    server.post(&namespace.core("services"), &service("s", &[])).await.expect(201);
    let pod = json!({ "metadata": { "name": "p", "labels": { "app": "s" } }, "spec": pod_spec() });
    server.post(&namespace.core("pods"), &pod).await.expect(201);
    let pod = namespace.ready_pod("p").await;
    let path =
        namespace.of("discovery.k8s.io/v1", "endpointslices?labelSelector=kubernetes.io/service-name%3Ds");
    let slices = server
        .eventually_is(&path, |list| list["items"][0]["endpoints"][0]["conditions"]["ready"] == true)
        .await;
    let endpoint = &slices["items"][0]["endpoints"][0];
    assert_eq!(endpoint["addresses"], json!([pod["status"]["podIP"]]));
    assert_eq!(endpoint["targetRef"]["name"], "p");
}

async fn text_in_a_secret_becomes_data(server: &Target) {
    let namespace = server.namespace().await;
    let secret = json!({ "metadata": { "name": "s" }, "stringData": { "key": "value" } });
    let created = server.post(&namespace.core("secrets"), &secret).await.expect(201).json();
    assert_eq!((&created["type"], &created["data"]), (&json!("Opaque"), &json!({ "key": "dmFsdWU=" })));
    assert!(created.get("stringData").is_none());
}

async fn every_ready_node_has_a_lease(server: &Target) {
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    let nodes = server.get("/api/v1/nodes").await.expect(200).json();
    let ready: Vec<&str> = nodes["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| {
            crate::target::is_ready(node) && !node["metadata"]["name"].as_str().unwrap().starts_with("tiny")
        })
        .map(|node| node["metadata"]["name"].as_str().unwrap())
        .collect();
    assert!(!ready.is_empty());
    server.eventually_is(path, |leases| ready.iter().all(|node| names(leases).contains(node))).await;
}
