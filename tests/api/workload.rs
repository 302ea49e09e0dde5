//! Controllers: Deployments, ReplicaSets, Jobs, StatefulSets, DaemonSets.

use serde_json::{Value, json};

use crate::request::Patch;
use crate::target::{Namespace, Target, condition, is_ready, names, pod_spec};

conformance! {
    a_deployment_makes_a_replica_set_that_makes_ready_pods,
    a_deployment_tells_what_it_did,
    a_deployment_that_is_deleted_takes_its_pods_along,
    a_new_image_rolls_out,
    a_deleted_pod_is_replaced,
    a_deployment_whose_selector_misses_its_template_is_refused,
    a_job_completes,
    a_job_runs_its_completions_no_more_than_parallelism_at_once,
    a_stateful_set_makes_its_pods_in_order,
    a_daemon_set_has_a_pod_on_every_node,
}

fn template(app: &str, spec: &Value) -> Value {
    json!({ "metadata": { "labels": { "app": app } }, "spec": spec })
}

fn deployment(replicas: u32) -> Value {
    json!({ "metadata": { "name": "d" }, "spec": {
        "replicas": replicas,
        "selector": { "matchLabels": { "app": "d" } },
        "template": template("d", &pod_spec()),
    } })
}

/// Creates a deployment and waits until all its replicas are available.
async fn available(namespace: &Namespace<'_>, replicas: u32) -> Value {
    let server = namespace.server;
    server.post(&namespace.of("apps/v1", "deployments"), &deployment(replicas)).await.expect(201);
    let path = namespace.of("apps/v1", "deployments/d");
    server
        .eventually_is(&path, |object| {
            object["status"]["availableReplicas"] == replicas
                && condition(object, "Available") == Some("True")
        })
        .await
}

async fn a_deployment_makes_a_replica_set_that_makes_ready_pods(server: &Target) {
    let namespace = server.namespace().await;
    let deployment = available(&namespace, 3).await;
    assert_eq!(deployment["metadata"]["annotations"], json!({ "deployment.kubernetes.io/revision": "1" }));
    assert_eq!(deployment["spec"]["strategy"]["type"], "RollingUpdate");
    let status = &deployment["status"];
    for field in ["replicas", "updatedReplicas", "readyReplicas"] {
        assert_eq!(status[field], 3, "{field}");
    }
    let sets = server.get(&namespace.of("apps/v1", "replicasets")).await.expect(200).json();
    assert_eq!(names(&sets).len(), 1);
    let set = &sets["items"][0];
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(set["metadata"]["name"], format!("d-{hash}"));
    assert_eq!(set["metadata"]["ownerReferences"][0]["uid"], deployment["metadata"]["uid"]);
    assert_eq!(set["metadata"]["ownerReferences"][0]["controller"], true);

    let pods = server.get(&namespace.core("pods?labelSelector=app%3Dd")).await.expect(200).json();
    assert_eq!(names(&pods).len(), 3);
    for pod in pods["items"].as_array().unwrap() {
        assert!(is_ready(pod), "{pod}");
        assert!(pod["metadata"]["name"].as_str().unwrap().starts_with(&format!("d-{hash}-")));
        assert_eq!(pod["metadata"]["generateName"], format!("d-{hash}-"));
        // There may be more: the node's zone, since 1.35 (PodTopologyLabels).
        let labels = &pod["metadata"]["labels"];
        assert_eq!((&labels["app"], &labels["pod-template-hash"]), (&json!("d"), &json!(hash)));
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
    }
}

async fn a_deployment_tells_what_it_did(server: &Target) {
    let namespace = server.namespace().await;
    let deployment = available(&namespace, 1).await;
    assert_eq!(condition(&deployment, "Progressing"), Some("True"));
    let find = |reason: &'static str| {
        let path = namespace.core(&format!("events?fieldSelector=reason%3D{reason}"));
        async move {
            let list = server.eventually_is(&path, |list| !names(list).is_empty()).await;
            list["items"][0].clone()
        }
    };
    let sets = server.get(&namespace.of("apps/v1", "replicasets")).await.expect(200).json();
    let set = names(&sets)[0];
    let scaled = find("ScalingReplicaSet").await;
    assert_eq!(scaled["message"], format!("Scaled up replica set {set} from 0 to 1"));
    assert_eq!((&scaled["involvedObject"]["kind"], &scaled["count"]), (&json!("Deployment"), &json!(1)));
    let pods = server.get(&namespace.core("pods")).await.expect(200).json();
    let created = find("SuccessfulCreate").await;
    assert_eq!(created["message"], format!("Created pod: {}", names(&pods)[0]));
    assert_eq!(created["involvedObject"]["kind"], "ReplicaSet");
}

async fn a_deployment_that_is_deleted_takes_its_pods_along(server: &Target) {
    let namespace = server.namespace().await;
    available(&namespace, 2).await;
    let path = namespace.of("apps/v1", "deployments/d?propagationPolicy=Foreground");
    let going = server.delete(&path).await.expect(200).json();
    assert_eq!(going["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    server.eventually_gone(&namespace.of("apps/v1", "deployments/d")).await;
    // In the foreground, whoever is owned goes first.
    for path in [namespace.of("apps/v1", "replicasets"), namespace.core("pods")] {
        assert_eq!(server.get(&path).await.expect(200).json()["items"], json!([]), "{path}");
    }
}

async fn a_new_image_rolls_out(server: &Target) {
    let namespace = server.namespace().await;
    available(&namespace, 2).await;
    let container = json!({ "name": "main", "image": "example.invalid/image:2" });
    let patch = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
    let path = namespace.of("apps/v1", "deployments/d");
    server.patch(&path, Patch::Strategic, &patch).await.expect(200);
    server
        .eventually_is(&path, |object| {
            let status = &object["status"];
            status["observedGeneration"] == 2
                && status["updatedReplicas"] == 2
                && status["replicas"] == 2
                && status["availableReplicas"] == 2
        })
        .await;
    let sets = server.get(&namespace.of("apps/v1", "replicasets")).await.expect(200).json();
    let mut replicas: Vec<u64> = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| set["spec"]["replicas"].as_u64().unwrap())
        .collect();
    replicas.sort_unstable();
    assert_eq!(replicas, [0, 2]);
}

async fn a_deleted_pod_is_replaced(server: &Target) {
    let namespace = server.namespace().await;
    available(&namespace, 1).await;
    let pods = server.get(&namespace.core("pods")).await.expect(200).json();
    let first = names(&pods)[0].to_owned();
    server.delete(&namespace.core(&format!("pods/{first}"))).await.expect(200);
    let pods = server
        .eventually_is(&namespace.core("pods"), |list| {
            names(list).len() == 1 && names(list)[0] != first && is_ready(&list["items"][0])
        })
        .await;
    assert!(names(&pods)[0].starts_with("d-"));
}

async fn a_deployment_whose_selector_misses_its_template_is_refused(server: &Target) {
    let namespace = server.namespace().await;
    let mut deployment = deployment(1);
    deployment["spec"]["template"]["metadata"]["labels"] = json!({ "app": "e" });
    server.post(&namespace.of("apps/v1", "deployments"), &deployment).await.expect_failure(
        422,
        "Invalid",
        "Deployment.apps \"d\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"e\"}: `selector` does \
         not match template `labels`",
    );
}

fn job(completions: u32, parallelism: u32) -> Value {
    let mut spec = pod_spec();
    spec["restartPolicy"] = json!("Never");
    // On a real node it ends by itself.
    spec["containers"][0]["image"] = json!("example.invalid/done:1");
    json!({ "metadata": { "name": "j" }, "spec": {
        "completions": completions,
        "parallelism": parallelism,
        "template": { "spec": spec },
    } })
}

async fn completed(namespace: &Namespace<'_>) -> Value {
    let path = namespace.of("batch/v1", "jobs/j");
    namespace.server.eventually_is(&path, |job| condition(job, "Complete") == Some("True")).await
}

async fn a_job_completes(server: &Target) {
    let namespace = server.namespace().await;
    let created = server.post(&namespace.of("batch/v1", "jobs"), &job(1, 1)).await.expect(201).json();
    let uid = &created["metadata"]["uid"];
    assert_eq!(
        created["spec"]["selector"]["matchLabels"],
        json!({ "batch.kubernetes.io/controller-uid": uid })
    );
    assert_eq!(created["spec"]["backoffLimit"], 6);
    let job = completed(&namespace).await;
    assert_eq!(job["status"]["succeeded"], 1);
    assert!(job["status"]["startTime"].is_string() && job["status"]["completionTime"].is_string());
    let pods = server.get(&namespace.core("pods?labelSelector=job-name%3Dj")).await.expect(200).json();
    assert_eq!(pods["items"][0]["status"]["phase"], "Succeeded");
    let events = namespace.core("events?fieldSelector=reason%3DCompleted");
    let events = server.eventually_is(&events, |list| !names(list).is_empty()).await;
    assert_eq!(events["items"][0]["message"], "Job completed");
}

async fn a_job_runs_its_completions_no_more_than_parallelism_at_once(server: &Target) {
    let namespace = server.namespace().await;
    let version = server.get(&namespace.core("pods")).await.expect(200).version();
    server.post(&namespace.of("batch/v1", "jobs"), &job(4, 2)).await.expect(201);
    let job = completed(&namespace).await;
    assert_eq!(job["status"]["succeeded"], 4);
    // What happened, again: pods that exist and have not succeeded.
    let mut watch = server.watch(&namespace.core("pods"), &format!("resourceVersion={version}")).await;
    let (mut active, mut most, mut succeeded) = (std::collections::BTreeSet::new(), 0, 0);
    while succeeded < 4 {
        let (_, pod) = watch.next().await;
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        if pod["status"]["phase"] == "Succeeded" {
            succeeded += usize::from(active.remove(&name));
        } else {
            active.insert(name);
        }
        most = most.max(active.len());
    }
    assert_eq!(most, 2);
}

async fn a_stateful_set_makes_its_pods_in_order(server: &Target) {
    let namespace = server.namespace().await;
    let set = json!({ "metadata": { "name": "s" }, "spec": {
        "replicas": 3,
        "serviceName": "s",
        "selector": { "matchLabels": { "app": "s" } },
        "template": template("s", &pod_spec()),
    } });
    let version = server.get(&namespace.core("pods")).await.expect(200).version();
    server.post(&namespace.of("apps/v1", "statefulsets"), &set).await.expect(201);
    let path = namespace.of("apps/v1", "statefulsets/s");
    server.eventually_is(&path, |set| set["status"]["readyReplicas"] == 3).await;
    let mut watch = server.watch(&namespace.core("pods"), &format!("resourceVersion={version}")).await;
    let mut order = Vec::new();
    while order.len() < 6 {
        let (kind, pod) = watch.next().await;
        let name = pod["metadata"]["name"].as_str().unwrap();
        let step = if kind == "ADDED" { format!("{name} created") } else { format!("{name} ready") };
        if (kind == "ADDED" || is_ready(&pod)) && !order.contains(&step) {
            order.push(step);
        }
    }
    let expected = ["s-0 created", "s-0 ready", "s-1 created", "s-1 ready", "s-2 created", "s-2 ready"];
    assert_eq!(order, expected);
}

async fn a_daemon_set_has_a_pod_on_every_node(server: &Target) {
    let namespace = server.namespace().await;
    let set = json!({ "metadata": { "name": "s" }, "spec": {
        "selector": { "matchLabels": { "app": "s" } },
        "template": template("s", &pod_spec()),
    } });
    server.post(&namespace.of("apps/v1", "daemonsets"), &set).await.expect(201);
    let path = namespace.of("apps/v1", "daemonsets/s");
    // Other tests add and remove nodes; sooner or later both agree.
    server
        .eventually_is(&path, |set| {
            let status = &set["status"];
            status["desiredNumberScheduled"].as_u64().is_some_and(|desired| desired > 0)
                && status["numberReady"] == status["desiredNumberScheduled"]
        })
        .await;
    let pods = server.get(&namespace.core("pods")).await.expect(200).json();
    let nodes: std::collections::BTreeSet<&str> =
        pods["items"].as_array().unwrap().iter().filter_map(|pod| pod["spec"]["nodeName"].as_str()).collect();
    assert_eq!(nodes.len(), names(&pods).len());
}
