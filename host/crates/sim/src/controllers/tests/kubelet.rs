use super::*;
use crate::stage::{Distribution, Failure, FailureKind, PodPoint};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn reaches(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |pod| condition(pod, kind)
}

#[tokio::test(start_paused = true)]
async fn known_latency_in_known_latency_out() {
    let mut cluster = Cluster::start(Stages::constant(ms(50)));
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
    let first = |wanted: &dyn Fn(&Value) -> bool| cluster.first("pods", "a", wanted);
    assert_eq!(first(&reaches("PodScheduled")), 0);
    assert_eq!(first(&|pod| !text(pod, "/status/startTime").is_empty()), 50);
    assert_eq!(first(&reaches("PodReadyToStartContainers")), 100);
    assert_eq!(first(&|pod| text(pod, "/status/podIP") == "10.244.0.2"), 100);
    assert_eq!(first(&phase("Running")), 200);
    assert_eq!(first(&reaches("ContainersReady")), 250);
    assert_eq!(first(&reaches("Ready")), 250);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_ends_after_its_termination_time_and_never_after_its_grace() {
    for (takes, expected) in [(ms(700), 700), (Duration::from_secs(90), 30_000)] {
        let mut stages = Stages::fast();
        stages.pod.termination = Distribution::Constant(takes);
        let mut cluster = Cluster::start(stages);
        cluster.create("pods", bare_pod("a"));
        cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
        cluster.delete("pods", "a", None);
        cluster.until("gone", |cluster| cluster.get("pods", "a").is_none()).await;
        cluster.pass(ms(1)).await;
        assert_eq!(cluster.gone("pods", "a"), expected);
        assert!(cluster.events("a").contains(&"Killing: Stopping container app".to_owned()));
        let ended = if expected == 700 { "Succeeded" } else { "Failed" };
        assert_eq!(cluster.first("pods", "a", phase(ended)), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fast_life_cycle_is_one_write_and_leaves_out_what_it_shall() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
    let writes = cluster.seen.iter().filter(|(_, change)| change.object.kind.plural == "pods").count();
    assert_eq!(writes, 3, "creation, binding, status");
    let pod = cluster.get("pods", "a").expect("there");
    assert_eq!(conditions::get(&pod["status"], "PodReadyToStartContainers"), None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_does_not_restart_succeeds_after_its_run_time() {
    let mut cluster = Cluster::start(Stages::constant(ms(10)));
    let mut pod = bare_pod("a");
    pod["spec"]["restartPolicy"] = "Never".into();
    pod["metadata"]["annotations"] = json!({ "sim.bench.dev/run-time": "5s" });
    cluster.create("pods", pod);
    cluster.until("end", |cluster| cluster.count("pods", phase("Succeeded")) == 1).await;
    cluster.pass(ms(1)).await;
    assert_eq!(cluster.first("pods", "a", phase("Succeeded")), 40 + 5000);
    let pod = cluster.get("pods", "a").expect("kept");
    assert_eq!(conditions::get(&pod["status"], "Ready"), Some(("False", "PodCompleted")));
    assert_eq!(number(&pod, "/status/containerStatuses/0/state/terminated/exitCode"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_free_again_starts_the_pod_that_waited_for_it() {
    // A range of /29 has five addresses for pods.
    let nodes = NodeSettings { pod_cidr_mask: 29, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::constant(ms(10)), ControlSettings::default(), nodes);
    for number in 0..6 {
        cluster.create("pods", bare_pod(&format!("p{number}")));
    }
    cluster.until("five", |cluster| cluster.count("pods", reaches("Ready")) == 5).await;
    cluster.pass(Duration::from_secs(60)).await;
    assert_eq!(cluster.count("pods", phase("Pending")), 1);
    let pending = cluster.list("pods").into_iter().find(phase("Pending")).expect("one waits");
    let name = text(&pending, "/metadata/name").to_owned();
    assert_eq!(text(&pending, "/status/containerStatuses/0/state/waiting/reason"), "ContainerCreating");
    let told = cluster.events(&name);
    let failed = told.iter().find(|event| event.starts_with("FailedCreatePodSandBox")).expect("told");
    assert!(failed.contains("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \""));
    assert!(failed.ends_with("\": plugin type=\"ptp\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.6"), "{failed}");
    let other = cluster.list("pods").into_iter().find(|pod| condition(pod, "Ready")).expect("one runs");
    let deleted = cluster.start.elapsed();
    cluster.delete("pods", text(&other, "/metadata/name"), None);
    let ready = cluster
        .until("all", |cluster| {
            cluster.count("pods", reaches("Ready")) == 5 && cluster.list("pods").len() == 5
        })
        .await;
    // Stopping takes 10 ms, the stages after the sandbox 30 ms.
    assert_eq!(ready - deleted, ms(40));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_crashes_is_restarted_with_growing_pauses() {
    let mut stages = Stages::constant(ms(10));
    for stage in &mut stages.pod.startup {
        if stage.reaches == PodPoint::Running {
            stage.failure =
                Some(Failure { probability: 1.0, kind: FailureKind::CrashLoop, attempts: Some(3) });
        }
    }
    let mut cluster = Cluster::start(stages);
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
    let pod = cluster.get("pods", "a").expect("there");
    assert_eq!(number(&pod, "/status/containerStatuses/0/restartCount"), 3);
    assert_eq!(text(&pod, "/status/containerStatuses/0/lastState/terminated/reason"), "Error");
    let restarts = |wanted: i64| {
        cluster
            .first("pods", "a", move |pod| number(pod, "/status/containerStatuses/0/restartCount") == wanted)
    };
    // Crashes at 40 ms, then pauses of 10, 20 and 40 s.
    assert_eq!([restarts(1), restarts(2), restarts(3)], [40, 10_040, 30_040]);
    assert_eq!(cluster.first("pods", "a", reaches("Ready")), 70_050);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pulled_shows_and_heals() {
    let mut stages = Stages::constant(ms(10));
    for stage in &mut stages.pod.startup {
        if stage.reaches == PodPoint::Running {
            stage.failure =
                Some(Failure { probability: 1.0, kind: FailureKind::ImagePull, attempts: Some(1) });
        }
    }
    let mut cluster = Cluster::start(stages);
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
    let waits =
        |pod: &Value| text(pod, "/status/containerStatuses/0/state/waiting/reason") == "ImagePullBackOff";
    assert_eq!(cluster.first("pods", "a", waits), 40);
    assert_eq!(cluster.first("pods", "a", phase("Running")), 10_040);
}

#[tokio::test(start_paused = true)]
async fn events_are_worded_and_counted_as_upstream() {
    let mut cluster = Cluster::start(Stages::constant(ms(10)));
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 1).await;
    assert_eq!(
        cluster.events("a"),
        [
            "Scheduled: Successfully assigned default/a to node-0",
            "Pulled: Container image \"registry.k8s.io/pause:3.10\" already present on machine and can be accessed by the pod",
            "Created: Container created",
            "Started: Container started",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn events_expire() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("pods", bare_pod("a"));
    cluster.pass(Duration::from_secs(3599)).await;
    assert!(!cluster.events("a").is_empty());
    cluster.pass(Duration::from_secs(2)).await;
    assert!(cluster.events("a").is_empty());
}

#[tokio::test(start_paused = true)]
async fn labels_give_pods_another_life() {
    let slow: Stages = serde_saphyr::from_str(
        "
        pod: {startup: [{name: ready, reaches: ready, latency: {constant: 10ms}}]}
        overrides:
          - matchLabels: {tier: slow}
            lifeCycle: {startup: [{name: ready, reaches: ready, latency: {constant: 3s}}]}
        ",
    )
    .expect("valid");
    let mut cluster = Cluster::start(slow);
    cluster.create("pods", bare_pod("a"));
    let mut labeled = bare_pod("b");
    labeled["metadata"]["labels"] = json!({ "tier": "slow" });
    cluster.create("pods", labeled);
    cluster.until("ready", |cluster| cluster.count("pods", reaches("Ready")) == 2).await;
    cluster.pass(ms(1)).await;
    assert_eq!(cluster.first("pods", "a", reaches("Ready")), 10);
    assert_eq!(cluster.first("pods", "b", reaches("Ready")), 3000);
}
