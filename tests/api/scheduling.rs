//! Pods that find no node, and the events that say so.

use serde_json::{Value, json};

use crate::request::Patch;
use crate::target::{Namespace, Target, condition, is_ready, pod_spec, unique};

conformance! {
    a_scheduled_pod_has_an_event,
    a_started_pod_has_an_event,
    a_selector_that_no_node_has_is_explained,
    a_node_that_is_full_is_explained,
    a_pod_that_waits_is_scheduled_when_there_is_room,
    more_processor_than_any_node_has_is_explained,
    a_node_that_nobody_tolerates_is_explained,
    a_closed_node_is_explained,
    a_pod_without_its_claim_is_explained,
    an_unbound_claim_is_explained,
}

/// Waits for an event of a reason about a pod.
async fn event(namespace: &Namespace<'_>, pod: &str, reason: &str) -> Value {
    let selector = format!("fieldSelector=involvedObject.name%3D{pod},reason%3D{reason}");
    let list = namespace
        .server
        .eventually_is(&namespace.core(&format!("events?{selector}")), |list| {
            list["items"].as_array().is_some_and(|items| !items.is_empty())
        })
        .await;
    list["items"][0].clone()
}

/// What follows the reasons of the nodes, as patterns of text between the two numbers of nodes.
fn check_preemption(message: &str) {
    let (start, rest) = message
        .split_once(". no new claims to deallocate, preemption: ")
        .unwrap_or_else(|| panic!("{message}"));
    let count = |text: &str| text.split_once(" nodes are available: ").unwrap().0.to_owned();
    assert_eq!(count(start), count(rest), "{message}");
    assert!(rest.ends_with(" Preemption is not helpful for scheduling."), "{message}");
}

async fn create(namespace: &Namespace<'_>, name: &str, change: Value) {
    let mut spec = pod_spec();
    for (key, value) in change.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let pod = json!({ "metadata": { "name": name }, "spec": spec });
    namespace.server.post(&namespace.core("pods"), &pod).await.expect(201);
}

/// Waits until the scheduler gave up on a pod for now; its message.
async fn unschedulable(namespace: &Namespace<'_>, name: &str) -> String {
    let pod = namespace
        .server
        .eventually_is(&namespace.core(&format!("pods/{name}")), |pod| {
            condition(pod, "PodScheduled") == Some("False")
        })
        .await;
    assert_eq!(pod["status"]["phase"], "Pending");
    let scheduled = &pod["status"]["conditions"][0];
    assert_eq!(scheduled["reason"], "Unschedulable");
    scheduled["message"].as_str().unwrap().to_owned()
}

async fn a_scheduled_pod_has_an_event(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let pod = namespace.ready_pod("p").await;
    let event = event(&namespace, "p", "Scheduled").await;
    let node = pod["spec"]["nodeName"].as_str().unwrap();
    assert_eq!(event["message"], format!("Successfully assigned {}/p to {node}", namespace.name));
    assert_eq!(
        (&event["type"], &event["reportingComponent"]),
        (&json!("Normal"), &json!("default-scheduler"))
    );
    let involved = &event["involvedObject"];
    assert_eq!((&involved["kind"], &involved["uid"]), (&json!("Pod"), &pod["metadata"]["uid"]));
    assert!(event["metadata"]["name"].as_str().unwrap().starts_with("p."));
}

async fn a_started_pod_has_an_event(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let event = event(&namespace, "p", "Started").await;
    assert_eq!((&event["type"], &event["involvedObject"]["kind"]), (&json!("Normal"), &json!("Pod")));
}

async fn a_selector_that_no_node_has_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    create(&namespace, "p", json!({ "nodeSelector": { "no": "such-node" } })).await;
    let message = unschedulable(&namespace, "p").await;
    // Other tests add and remove nodes, so the number is theirs.
    assert!(
        message.starts_with("0/") && message.contains(" node(s) didn't match Pod's node affinity/selector"),
        "{message}"
    );
    check_preemption(&message);
    let event = event(&namespace, "p", "FailedScheduling").await;
    assert_eq!(
        (&event["type"], &event["reportingComponent"]),
        (&json!("Warning"), &json!("default-scheduler"))
    );
    let text = event["message"].as_str().unwrap();
    assert!(text.contains(" nodes are available: "), "{text}");
}

/// Creates a node for one pod, which only [`to_node`] gets to.
async fn tiny_node(server: &Target) -> String {
    let name = unique("tiny");
    let resources = json!({ "cpu": "4", "memory": "8Gi", "pods": "1" });
    let node = json!({
        "metadata": {
            "name": name,
            "labels": { "test-node": name },
            // Nodes with this annotation are played by kwok.
            "annotations": { "kwok.x-k8s.io/node": "fake" },
        },
        "spec": { "taints": [{ "key": "bench.dev/test", "value": name, "effect": "NoSchedule" }] },
        "status": { "allocatable": resources, "capacity": resources },
    });
    server.post("/api/v1/nodes", &node).await.expect(201);
    server.eventually_is(&format!("/api/v1/nodes/{name}"), is_ready).await;
    name
}

fn to_node(name: &str) -> Value {
    json!({
        "nodeSelector": { "test-node": name },
        "tolerations": [{ "key": "bench.dev/test", "operator": "Exists" }],
    })
}

async fn a_node_that_is_full_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let node = tiny_node(server).await;
    create(&namespace, "first", to_node(&node)).await;
    namespace.ready_pod("first").await;
    create(&namespace, "second", to_node(&node)).await;
    let message = unschedulable(&namespace, "second").await;
    assert!(message.starts_with("0/"), "{message}");
    assert!(message.contains(" nodes are available: 1 Too many pods, "), "{message}");
    assert!(
        message.contains(" nodes are available: 1 No preemption victims found for incoming pod, "),
        "{message}"
    );
    check_preemption(&message);
    let event = event(&namespace, "second", "FailedScheduling").await;
    assert!(event["message"].as_str().unwrap().contains("1 Too many pods"), "{event}");
    server.delete(&format!("/api/v1/nodes/{node}")).await.expect(200);
}

async fn a_pod_that_waits_is_scheduled_when_there_is_room(server: &Target) {
    let namespace = server.namespace().await;
    let node = tiny_node(server).await;
    create(&namespace, "first", to_node(&node)).await;
    namespace.ready_pod("first").await;
    create(&namespace, "second", to_node(&node)).await;
    unschedulable(&namespace, "second").await;
    server.delete(&namespace.core("pods/first")).await.expect(200);
    let second = namespace.ready_pod("second").await;
    assert_eq!(second["spec"]["nodeName"], json!(node));
    assert_eq!(condition(&second, "PodScheduled"), Some("True"));
    server.delete(&format!("/api/v1/nodes/{node}")).await.expect(200);
}

async fn more_processor_than_any_node_has_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let mut containers = pod_spec()["containers"].clone();
    containers[0]["resources"] = json!({ "requests": { "cpu": "100000" } });
    create(&namespace, "p", json!({ "containers": containers })).await;
    let message = unschedulable(&namespace, "p").await;
    assert!(message.contains(" Insufficient cpu"), "{message}");
    let pod = server.get(&namespace.core("pods/p")).await.expect(200).json();
    assert_eq!(pod["status"]["qosClass"], "Burstable");
}

async fn a_node_that_nobody_tolerates_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let node = tiny_node(server).await;
    create(&namespace, "p", json!({ "nodeSelector": { "test-node": node } })).await;
    let message = unschedulable(&namespace, "p").await;
    assert!(message.contains(" node(s) had untolerated taint(s)"), "{message}");
    check_preemption(&message);
    server.delete(&format!("/api/v1/nodes/{node}")).await.expect(200);
}

async fn a_closed_node_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let node = tiny_node(server).await;
    let close = json!({ "spec": { "unschedulable": true } });
    server.patch(&format!("/api/v1/nodes/{node}"), Patch::Merge, &close).await.expect(200);
    server
        .eventually_is(&format!("/api/v1/nodes/{node}"), |node| {
            node["spec"]["taints"].as_array().is_some_and(|taints| {
                taints.iter().any(|taint| taint["key"] == "node.kubernetes.io/unschedulable")
            })
        })
        .await;
    create(&namespace, "p", to_node(&node)).await;
    let message = unschedulable(&namespace, "p").await;
    assert!(message.contains(" 1 node(s) were unschedulable"), "{message}");
    check_preemption(&message);
    server.delete(&format!("/api/v1/nodes/{node}")).await.expect(200);
}

/// A change of a pod that makes it use a claim.
fn with_claim(name: &str) -> Value {
    json!({ "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": name } }] })
}

async fn a_pod_without_its_claim_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    create(&namespace, "p", with_claim("absent")).await;
    let message = unschedulable(&namespace, "p").await;
    assert!(
        message.ends_with(" nodes are available: persistentvolumeclaim \"absent\" not found. not found"),
        "{message}"
    );
}

async fn an_unbound_claim_is_explained(server: &Target) {
    let namespace = server.namespace().await;
    let claim = json!({ "metadata": { "name": "c" }, "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "resources": { "requests": { "storage": "1Gi" } },
    } });
    server.post(&namespace.core("persistentvolumeclaims"), &claim).await.expect(201);
    create(&namespace, "p", with_claim("c")).await;
    let message = unschedulable(&namespace, "p").await;
    assert!(
        message
            .ends_with(" nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
        "{message}"
    );
}
