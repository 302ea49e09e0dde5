//! One pod: defaults, validation, life, conditions.

use serde_json::json;

use crate::request::Patch;
use crate::target::{Target, condition, pod_spec};

conformance! {
    a_created_pod_has_its_defaults,
    a_pod_without_containers_is_refused,
    everything_wrong_with_a_pod_is_told_at_once,
    most_of_a_pods_spec_cannot_be_changed,
    a_pod_is_scheduled_then_started_then_ready,
    a_running_pod_says_where_and_since_when,
    a_pod_never_goes_back,
}

async fn a_created_pod_has_its_defaults(server: &Target) {
    let namespace = server.namespace().await;
    let pod = namespace.pod("p").await.json();
    let spec = &pod["spec"];
    assert_eq!(spec["restartPolicy"], "Always");
    assert_eq!(spec["terminationGracePeriodSeconds"], 30);
    assert_eq!(spec["dnsPolicy"], "ClusterFirst");
    assert_eq!(spec["schedulerName"], "default-scheduler");
    assert_eq!(spec["serviceAccountName"], "default");
    assert_eq!(spec["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert!(spec.get("nodeName").is_none());
    assert_eq!(pod["status"], json!({ "phase": "Pending", "qosClass": "BestEffort" }));
    assert_eq!(pod["metadata"]["generation"], 1);
}

async fn a_pod_without_containers_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let pod = json!({ "metadata": { "name": "p" }, "spec": {} });
    server.post(&namespace.core("pods"), &pod).await.expect_failure(
        422,
        "Invalid",
        "Pod \"p\" is invalid: spec.containers: Required value",
    );
}

async fn everything_wrong_with_a_pod_is_told_at_once(server: &Target) {
    let namespace = server.namespace().await;
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "C_" }] } });
    server.post(&namespace.core("pods"), &pod).await.expect_failure(
        422,
        "Invalid",
        "Pod \"p\" is invalid: [spec.containers[0].name: Invalid value: \"C_\": a lowercase RFC 1123 label must consist of \
         lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. \
         'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), \
         spec.containers[0].image: Required value]",
    );
}

async fn most_of_a_pods_spec_cannot_be_changed(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let path = namespace.core("pods/p");
    let command = json!({ "spec": { "containers": [{ "name": "main", "command": ["x"] }] } });
    let answer = server.patch(&path, Patch::Strategic, &command).await.expect(422).json();
    assert_eq!(answer["reason"], "Invalid");
    let start = "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than ";
    assert!(answer["message"].as_str().unwrap().starts_with(start), "{answer}");
    let image = json!({ "spec": { "containers": [{ "name": "main", "image": "example.invalid/image:2" }] } });
    server.patch(&path, Patch::Strategic, &image).await.expect(200);
}

async fn a_pod_is_scheduled_then_started_then_ready(server: &Target) {
    let namespace = server.namespace().await;
    let version = server.get(&namespace.core("pods")).await.expect(200).version();
    let mut watch = server.watch(&namespace.core("pods"), &format!("resourceVersion={version}")).await;
    namespace.pod("p").await;
    // Each step once, in the order in which it was first seen.
    let mut steps: Vec<&str> = Vec::new();
    while steps.last() != Some(&"ready") {
        let (_, pod) = watch.next().await;
        let seen = [
            ("created", true),
            ("bound", pod["spec"]["nodeName"].is_string()),
            ("scheduled", condition(&pod, "PodScheduled") == Some("True")),
            ("initialized", condition(&pod, "Initialized") == Some("True")),
            ("running", pod["status"]["phase"] == "Running"),
            ("containers ready", condition(&pod, "ContainersReady") == Some("True")),
            ("ready", condition(&pod, "Ready") == Some("True")),
        ];
        steps.extend(
            seen.iter()
                .filter(|(step, is)| *is && !steps.contains(step))
                .map(|(step, _)| *step)
                .collect::<Vec<_>>(),
        );
    }
    let expected = ["created", "bound", "scheduled", "initialized", "running", "containers ready", "ready"];
    assert_eq!(steps, expected);
}

async fn a_running_pod_says_where_and_since_when(server: &Target) {
    let namespace = server.namespace().await;
    namespace.pod("p").await;
    let pod = namespace.ready_pod("p").await;
    let status = &pod["status"];
    assert_eq!(status["phase"], "Running");
    for field in ["startTime", "hostIP", "podIP"] {
        assert!(status[field].is_string(), "{field}: {status}");
    }
    assert_eq!(status["podIPs"], json!([{ "ip": status["podIP"] }]));
    let container = &status["containerStatuses"][0];
    assert_eq!((&container["name"], &container["ready"]), (&json!("main"), &json!(true)));
    assert_eq!((&container["restartCount"], &container["started"]), (&json!(0), &json!(true)));
    assert!(container["state"]["running"]["startedAt"].is_string());
    let time = |kind: &str| {
        let conditions = status["conditions"].as_array().unwrap();
        let condition = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
        condition["lastTransitionTime"].as_str().unwrap().to_owned()
    };
    let order = ["PodScheduled", "PodReadyToStartContainers", "ContainersReady", "Ready"].map(time);
    assert!(order.is_sorted(), "{order:?}");
}

async fn a_pod_never_goes_back(server: &Target) {
    let namespace = server.namespace().await;
    let mut spec = pod_spec();
    spec["nodeName"] = namespace_node(server).await.into();
    let pod = json!({ "metadata": { "name": "p" }, "spec": spec });
    server.post(&namespace.core("pods"), &pod).await.expect(201);
    let before = namespace.ready_pod("p").await;
    assert_eq!(before["spec"]["nodeName"], spec["nodeName"]);
    let binding = json!({
        "metadata": { "name": "p" },
        "target": { "apiVersion": "v1", "kind": "Node", "name": "elsewhere" },
    });
    let answer = server.post(&namespace.core("pods/p/binding"), &binding).await.expect(409).json();
    assert_eq!(answer["reason"], "Conflict");
    let expected = format!(
        "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"{}\"",
        spec["nodeName"].as_str().unwrap()
    );
    assert_eq!(answer["message"], expected);
}

/// Name of some node.
async fn namespace_node(server: &Target) -> String {
    let nodes = server.get("/api/v1/nodes").await.expect(200).json();
    let ready = nodes["items"].as_array().unwrap().iter().find(|node| crate::target::is_ready(node)).unwrap();
    ready["metadata"]["name"].as_str().unwrap().to_owned()
}
