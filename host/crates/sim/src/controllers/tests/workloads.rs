use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn available(wanted: i64) -> impl Fn(&Value) -> bool {
    move |object| number(object, "/status/availableReplicas") == wanted
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready")
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_three_becomes_available() {
    let mut cluster = Cluster::start(Stages::constant(ms(50)));
    cluster.create("deployments", workload("web", 3));
    cluster.until("available", |cluster| cluster.count("deployments", available(3)) == 1).await;
    cluster.pass(ms(1)).await;
    assert_eq!(cluster.first("deployments", "web", available(3)), 250);
    let deployment = cluster.get("deployments", "web").expect("there");
    assert_eq!(
        conditions::get(&deployment["status"], "Available"),
        Some(("True", "MinimumReplicasAvailable"))
    );
    assert_eq!(
        conditions::get(&deployment["status"], "Progressing"),
        Some(("True", "NewReplicaSetAvailable"))
    );
    for field in ["replicas", "updatedReplicas", "readyReplicas", "observedGeneration"] {
        let expected = if field == "observedGeneration" { 1 } else { 3 };
        assert_eq!(number(&deployment["status"], &format!("/{field}")), expected, "{field}");
    }
    let set = cluster.list("replicasets").remove(0);
    let hash = text(&set, "/metadata/labels/pod-template-hash").to_owned();
    assert_eq!(text(&set, "/metadata/name"), format!("web-{hash}"));
    assert_eq!(set.pointer("/metadata/annotations/deployment.kubernetes.io~1revision"), Some(&"1".into()));
    assert_eq!(
        cluster.events("web"),
        [format!("ScalingReplicaSet: Scaled up replica set web-{hash} from 0 to 3")]
    );
    for pod in cluster.list("pods") {
        assert!(text(&pod, "/metadata/name").starts_with(&format!("web-{hash}-")));
        assert_eq!(text(&pod, "/metadata/ownerReferences/0/kind"), "ReplicaSet");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_keeps_its_limits_and_counts_revisions() {
    let mut cluster = Cluster::start(Stages::constant(ms(20)));
    cluster.create("deployments", workload("web", 4));
    cluster.until("available", |cluster| cluster.count("deployments", available(4)) == 1).await;
    cluster.pass(ms(100)).await;
    cluster.seen.clear();
    cluster.patch(
        "deployments",
        "web",
        "/spec/template/spec/containers/0/image",
        "registry.k8s.io/pause:3.11".into(),
    );
    let is_new = |pod: &Value| text(pod, "/spec/containers/0/image").ends_with("3.11") && is_ready(pod);
    let mut most = 0;
    let mut least = usize::MAX;
    while cluster.count("pods", is_new) < 4 || cluster.list("pods").len() > 4 {
        cluster.pass(ms(1)).await;
        let living = |pod: &Value| pod.pointer("/metadata/deletionTimestamp").is_none();
        most = most.max(cluster.count("pods", living));
        least = least.min(cluster.count("pods", |pod| is_ready(pod) && living(pod)));
    }
    assert_eq!((most, least), (5, 3), "maxSurge and maxUnavailable are a quarter of four");
    cluster.pass(ms(100)).await;
    let deployment = cluster.get("deployments", "web").expect("there");
    assert_eq!(
        deployment.pointer("/metadata/annotations/deployment.kubernetes.io~1revision"),
        Some(&"2".into())
    );
    let mut sizes: Vec<_> =
        cluster.list("replicasets").iter().map(|set| number(set, "/spec/replicas")).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 4]);
}

#[tokio::test(start_paused = true)]
async fn recreate_starts_nothing_before_the_last_old_pod_is_gone() {
    let mut cluster = Cluster::start(Stages::constant(ms(20)));
    let mut deployment = workload("web", 2);
    deployment["spec"]["strategy"] = json!({ "type": "Recreate" });
    cluster.create("deployments", deployment);
    cluster.until("available", |cluster| cluster.count("deployments", available(2)) == 1).await;
    cluster.patch("deployments", "web", "/spec/template/spec/containers/0/image", "other:1".into());
    let is_new = |pod: &Value| text(pod, "/spec/containers/0/image") == "other:1";
    cluster.until("new", |cluster| cluster.count("pods", is_new) > 0).await;
    assert_eq!(cluster.count("pods", |pod| !is_new(pod)), 0);
    cluster.until("ready", |cluster| cluster.count("pods", |pod| is_new(pod) && is_ready(pod)) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_scales_up_and_down_to_nothing() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("deployments", workload("web", 2));
    for wanted in [5usize, 1, 0] {
        cluster.patch("deployments", "web", "/spec/replicas", wanted.into());
        cluster
            .until("scaled", |cluster| {
                let done = available(i64::try_from(wanted).expect("small"));
                cluster.list("pods").len() == wanted && cluster.count("deployments", done) == 1
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_replaced() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("deployments", workload("web", 1));
    cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 1).await;
    let name = cluster.names("pods").remove(0);
    cluster.delete("pods", &name, None);
    cluster
        .until("another", |cluster| {
            !cluster.names("pods").contains(&name) && cluster.count("pods", is_ready) == 1
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_deleted_in_the_background_the_foreground_or_alone() {
    for (propagation, left) in
        [(Propagation::Background, 0), (Propagation::Foreground, 0), (Propagation::Orphan, 2)]
    {
        let mut cluster = Cluster::start(Stages::constant(ms(10)));
        cluster.create("deployments", workload("web", 2));
        cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 2).await;
        cluster.delete("deployments", "web", Some(propagation));
        cluster.pass(Duration::from_secs(60)).await;
        assert_eq!(cluster.get("deployments", "web"), None, "{propagation:?}");
        assert_eq!(cluster.list("pods").len(), left, "{propagation:?}");
        if propagation == Propagation::Foreground {
            let pods_gone = cluster.seen.iter().rposition(|(_, change)| change.object.kind.plural == "pods");
            let is_end = |(_, change): &(Duration, Change)| {
                change.object.kind.plural == "deployments" && change.kind == ChangeKind::Deleted
            };
            assert!(cluster.seen.iter().position(is_end) > pods_gone, "dependents go first");
        }
        if propagation == Propagation::Orphan {
            let sets = cluster.list("replicasets");
            assert_eq!(sets[0].pointer("/metadata/ownerReferences"), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_owner_does_not_exist_is_collected() {
    let mut cluster = Cluster::start(Stages::fast());
    let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "none", "uid": "00000000-0000-0000-0000-000000000000" });
    cluster.create("configmaps", json!({ "metadata": { "name": "a", "ownerReferences": [owner] } }));
    cluster.until("collected", |cluster| cluster.get("configmaps", "a").is_none()).await;
}

fn job(spec: Value) -> Value {
    let mut spec = spec;
    spec["template"] = template("job");
    spec["template"]["spec"]["restartPolicy"] = "Never".into();
    json!({ "metadata": { "name": "work" }, "spec": spec })
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_its_completions_with_its_parallelism() {
    let mut cluster = Cluster::start(Stages::constant(ms(100)));
    cluster.create("jobs", job(json!({ "completions": 4, "parallelism": 2 })));
    cluster.until("complete", |cluster| cluster.count("jobs", |job| condition(job, "Complete")) == 1).await;
    cluster.pass(ms(1)).await;
    // Two rounds of four stages to running and 100 ms of work.
    assert_eq!(cluster.first("jobs", "work", |job| condition(job, "Complete")), 1000);
    let job = cluster.get("jobs", "work").expect("kept");
    assert_eq!(number(&job, "/status/succeeded"), 4);
    assert!(condition(&job, "SuccessCriteriaMet"));
    assert!(!text(&job, "/status/completionTime").is_empty());
    for pod in cluster.list("pods") {
        assert_eq!(pod.pointer("/metadata/finalizers"), None, "counted pods are free");
    }
    assert!(cluster.events("work").contains(&"Completed: Job completed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_indexed_job_runs_each_index_once() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("jobs", job(json!({ "completions": 5, "parallelism": 2, "completionMode": "Indexed" })));
    cluster.until("complete", |cluster| cluster.count("jobs", |job| condition(job, "Complete")) == 1).await;
    let job = cluster.get("jobs", "work").expect("kept");
    assert_eq!(text(&job, "/status/completedIndexes"), "0-4");
    let pods = cluster.list("pods");
    assert_eq!(pods.len(), 5);
    for pod in &pods {
        let index = pod
            .pointer("/metadata/annotations/batch.kubernetes.io~1job-completion-index")
            .and_then(Value::as_str);
        let index = index.expect("an index");
        assert!(text(pod, "/metadata/name").starts_with(&format!("work-{index}-")));
        assert_eq!(text(pod, "/spec/hostname"), format!("work-{index}"));
        assert_eq!(text(pod, "/spec/containers/0/env/0/name"), "JOB_COMPLETION_INDEX");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_too_often_has_failed() {
    let mut cluster = Cluster::start(Stages::fast());
    let mut work = job(json!({ "backoffLimit": 2 }));
    work["spec"]["template"]["metadata"]["annotations"] = json!({ "sim.bench.dev/exit-code": "3" });
    cluster.create("jobs", work);
    let took =
        cluster.until("failed", |cluster| cluster.count("jobs", |job| condition(job, "Failed")) == 1).await;
    // Pauses of 10 and 20 s between the three attempts.
    assert_eq!(took, Duration::from_secs(30));
    let job = cluster.get("jobs", "work").expect("kept");
    assert_eq!(conditions::get(&job["status"], "Failed"), Some(("True", "BackoffLimitExceeded")));
    assert_eq!(number(&job, "/status/failed"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_suspended_resumed_and_removed_after_its_time() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("jobs", job(json!({ "suspend": true, "ttlSecondsAfterFinished": 60 })));
    cluster.pass(Duration::from_secs(10)).await;
    assert!(cluster.list("pods").is_empty());
    assert!(condition(&cluster.get("jobs", "work").expect("there"), "Suspended"));
    cluster.patch("jobs", "work", "/spec/suspend", false.into());
    let done = cluster
        .until("complete", |cluster| cluster.count("jobs", |job| condition(job, "Complete")) == 1)
        .await;
    let gone = cluster.until("removed", |cluster| cluster.get("jobs", "work").is_none()).await;
    assert_eq!(gone - done, Duration::from_secs(60));
    cluster.until("pods", |cluster| cluster.list("pods").is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_starts_in_order_and_keeps_its_names() {
    let mut cluster = Cluster::start(Stages::constant(ms(10)));
    let mut set = workload("db", 3);
    set["spec"]["serviceName"] = "db".into();
    cluster.create("statefulsets", set);
    cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 3).await;
    cluster.pass(ms(1)).await;
    assert_eq!(cluster.names("pods"), ["db-0", "db-1", "db-2"]);
    let ready = |name: &str| cluster.first("pods", name, is_ready);
    assert_eq!([ready("db-0"), ready("db-1"), ready("db-2")], [50, 100, 150]);
    cluster.delete("pods", "db-1", None);
    let lives = |pod: &Value| is_ready(pod) && pod.pointer("/metadata/deletionTimestamp").is_none();
    cluster.until("back", |cluster| cluster.count("pods", lives) == 3).await;
    cluster.seen.clear();
    cluster.patch("statefulsets", "db", "/spec/replicas", 1.into());
    cluster.until("one", |cluster| cluster.names("pods") == ["db-0"]).await;
    assert!(cluster.gone("pods", "db-2") < cluster.gone("pods", "db-1"), "the highest goes first");
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_is_updated_from_the_highest_to_the_lowest() {
    let mut cluster = Cluster::start(Stages::constant(ms(10)));
    cluster.create("statefulsets", workload("db", 2));
    cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 2).await;
    cluster.patch("statefulsets", "db", "/spec/template/spec/containers/0/image", "other:1".into());
    let is_new = |pod: &Value| text(pod, "/spec/containers/0/image") == "other:1" && is_ready(pod);
    cluster.until("updated", |cluster| cluster.count("pods", is_new) == 2).await;
    cluster.pass(ms(1)).await;
    assert!(cluster.first("pods", "db-1", is_new) < cluster.first("pods", "db-0", is_new));
    let set = cluster.get("statefulsets", "db").expect("there");
    assert_eq!(text(&set, "/status/currentRevision"), text(&set, "/status/updateRevision"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_has_one_pod_on_each_node_that_takes_it() {
    let nodes = NodeSettings { count: 3, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.create("daemonsets", workload("agent", 0));
    let ready = |wanted: i64| move |set: &Value| number(set, "/status/numberReady") == wanted;
    cluster.until("three", |cluster| cluster.count("daemonsets", ready(3)) == 1).await;
    let mut nodes: Vec<_> =
        cluster.list("pods").iter().map(|pod| text(pod, "/spec/nodeName").to_owned()).collect();
    nodes.sort();
    assert_eq!(nodes, ["node-0", "node-1", "node-2"]);
    cluster.create("nodes", json!({ "metadata": { "name": "late" } }));
    cluster.until("four", |cluster| cluster.count("daemonsets", ready(4)) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_the_addresses_of_its_ready_pods() {
    let mut cluster = Cluster::start(Stages::constant(ms(10)));
    let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] });
    cluster.create("services", json!({ "metadata": { "name": "web" }, "spec": spec }));
    cluster.create("deployments", workload("web", 2));
    cluster.until("available", |cluster| cluster.count("deployments", available(2)) == 1).await;
    cluster.pass(ms(1)).await;
    let of_web = |slice: &Value| text(slice, "/metadata/ownerReferences/0/name") == "web";
    let slice = cluster.list("endpointslices").into_iter().find(of_web).expect("a slice");
    let endpoints = slice["endpoints"].as_array().expect("a list");
    assert_eq!(endpoints.len(), 2);
    assert!(endpoints.iter().all(|endpoint| endpoint["conditions"]["ready"] == true));
    assert_eq!(number(&slice, "/ports/0/port"), 8080);
}

#[tokio::test(start_paused = true)]
async fn pods_become_available_when_they_were_ready_for_long_enough() {
    for (plural, counts) in [
        ("replicasets", "/status/availableReplicas"),
        ("statefulsets", "/status/availableReplicas"),
        ("daemonsets", "/status/numberAvailable"),
    ] {
        let mut cluster = Cluster::start(Stages::fast());
        let mut set = workload("slow", 2);
        set["spec"]["minReadySeconds"] = 20.into();
        let wished = if plural == "daemonsets" { 1 } else { 2 };
        cluster.create(plural, set);
        let all = |cluster: &Cluster| cluster.count(plural, |set| number(set, counts) == wished) == 1;
        let took = cluster.until(plural, all).await;
        // The second pod of a StatefulSet is made when the first is available.
        let least = if plural == "statefulsets" { 40 } else { 20 };
        assert!(
            took >= Duration::from_secs(least) && took < Duration::from_secs(least + 3),
            "{plural}: {took:?}"
        );
    }
}
