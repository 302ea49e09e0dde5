//! The scenarios of the kube-burner lab as they are shipped: what they count and what they name.
//!
//! How long they take is tested in paused time (`tests/pipeline/pacing.rs`).

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::bench::{Bench, Ran, SimProcess, root};

fn scenario(file: &str) -> String {
    root().join("scenarios/kube-burner-lab").join(file).to_str().expect("UTF-8").to_owned()
}

/// Pods that never start: counted as missing, and named with their cause.
fn check_missing(file: &str, pods: u64, missing: u64, cause: &str) {
    let bench = Bench::new();
    let ran = bench.run(&["run", &scenario(file), "--output", "json"]).ended_with_or_late(10);
    let summary = ran.json();
    let metrics = summary["metrics"].as_array().expect("metrics");
    let ready = metrics.iter().find(|one| one["source"] == "pod-latency" && one["name"] == "ready");
    let ready = &ready.expect("measured")["distribution"];
    assert_eq!((&ready["n"], &ready["missing"]), (&pods.into(), &missing.into()));
    let wait = &summary["waits"][0];
    assert_eq!((&wait["met"], &wait["unmet"]), (&(pods - missing).into(), &missing.into()));
    let causes: Vec<&str> =
        wait["causes"].as_array().expect("causes").iter().filter_map(Value::as_str).collect();
    let [only] = causes.as_slice() else { panic!("one cause: {causes:?}") };
    assert!(only.starts_with(&format!("{missing} pods ")) && only.contains(cause), "{only}");
    let text = bench.run(&["report", "latest"]).stdout;
    assert!(text.contains(cause), "{text}");
    assert_eq!(summary["cleanup"]["remaining"], serde_json::json!([]));
}

#[test]
fn pods_that_find_no_place_are_missing_and_say_too_many_pods() {
    check_missing("3-1-more-pods-than-the-node-takes.yaml", 150, 40, "Too many pods");
}

#[test]
fn pods_that_find_no_address_are_missing_and_say_so() {
    check_missing("3-2-more-pods-than-pod-cidr.yaml", 300, 47, "no IP addresses available");
}

#[test]
fn a_plan_says_beforehand_how_many_pods_will_not_start() {
    let plan = |file: &str, sets: &[&str]| {
        let path = scenario(file);
        let bench = Bench::new();
        let text = bench.run(&[&["plan", &path], sets].concat()).ended_with(0).stdout;
        let json = bench.run(&[&["plan", &path, "-o", "json"], sets].concat()).ended_with(0).json();
        (text, json["jobs"][0]["pods"].clone())
    };
    let pods = |made: u32, place: u32, address: u32| serde_json::json!({ "made": made, "noPlace": place, "noAddress": address });
    let (text, json) = plan("3-1-more-pods-than-the-node-takes.yaml", &[]);
    assert!(text.contains("40 will not start: Too many pods"), "{text}");
    assert_eq!(json, pods(150, 40, 0));
    let enough = ["--set", "cluster.simulated.podsPerNode=200"];
    assert_eq!(plan("3-1-more-pods-than-the-node-takes.yaml", &enough).1, pods(150, 0, 0));
    let (text, json) = plan("3-2-more-pods-than-pod-cidr.yaml", &[]);
    assert!(text.contains("47 will not start: no IP addresses available"), "{text}");
    assert_eq!(json, pods(300, 0, 47));
}

#[test]
fn a_plan_reads_the_cluster_that_flags_name_and_no_other() {
    let bench = Bench::new();
    let cluster = SimProcess::start(bench.folder.path(), "nodes: 2\npodsPerNode: 20");
    let file = scenario("3-1-more-pods-than-the-node-takes.yaml");
    let plan = |more: &[&str]| {
        let on = ["plan", &file, "--set", "cluster={}", "--kubeconfig", cluster.path()];
        bench.run(&[&on, more].concat())
    };
    let json = plan(&["-o", "json"]).ended_with(0).json();
    let capacity = &json["capacity"];
    assert_eq!((&capacity["nodes"], &capacity["podPlaces"]), (&2.into(), &40.into()), "{capacity}");
    assert_eq!(json["jobs"][0]["pods"]["noPlace"], 110, "{}", json["jobs"][0]);
    let text = plan(&[]).ended_with(0).stdout;
    assert!(text.contains(": 2 nodes for any pod; free places for pods 40, free addresses "), "{text}");
    assert!(text.contains("110 will not start: Too many pods"), "{text}");
    let refused = plan(&["--cluster-uid", "another"]).ended_with(14);
    assert!(
        refused.stderr.contains("has the UID") && refused.stderr.contains("`another`"),
        "{}",
        refused.stderr
    );

    let text = bench.run(&["plan", &file, "--set", "cluster={}"]).ended_with(0).stdout;
    assert!(text.contains("cluster  not asked; with --context"), "{text}");
    let nowhere = bench.run(&["plan", &file, "--kubeconfig", "nowhere"]).ended_with(18);
    assert!(nowhere.stderr.contains("nowhere"), "{}", nowhere.stderr);
}

#[test]
fn the_image_is_pulled_by_a_job_of_its_own_which_leaves_nothing() {
    let bench = Bench::new();
    let summary = bench.run(&["run", &scenario("1-preload.yaml"), "--output", "json"]).json();
    let jobs = summary["jobs"].as_array().expect("jobs");
    let outcomes: Vec<_> = jobs.iter().map(|job| (&job["outcome"], &job["failed"])).collect();
    assert_eq!(outcomes, [(&"completed".into(), &0.into()), (&"completed".into(), &0.into())]);
    assert!(summary["waits"].as_array().expect("waits").iter().all(|wait| wait["unmet"] == 0), "{summary}");
    // The DaemonSet and its deletion, the Deployment and its deletion; pods are their controllers' to make and to delete.
    assert_eq!((&jobs[0]["operations"], &jobs[1]["operations"]), (&2.into(), &2.into()));
}

#[test]
fn every_row_of_the_pacing_table_makes_its_objects() {
    let rows = [
        ("2-01-wait.yaml", 1),
        ("2-02-no-wait.yaml", 1),
        ("2-03-iterations-5.yaml", 5),
        ("2-04-replicas-2.yaml", 10),
        ("2-05-deployment-replicas-2.yaml", 10),
        ("2-06-iterations-10.yaml", 20),
        ("2-07-rate-10-burst-10.yaml", 20),
        ("2-08-burst-10.yaml", 10),
        ("2-09-iterations-100-burst-100.yaml", 100),
        ("2-10-replicas-2-burst-10.yaml", 20),
        ("2-11-replicas-2-burst-20.yaml", 20),
        ("2-12-iterations-20-rate-2-burst-20.yaml", 40),
    ];
    let running: Vec<(&str, u64, Bench, Child)> = rows
        .into_iter()
        .map(|(file, operations)| {
            let bench = Bench::new();
            let mut command = bench.command(&["run", &scenario(file), "--quiet", "--output", "json"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.spawn().expect("bench starts");
            (file, operations, bench, child)
        })
        .collect();
    for (file, operations, _bench, child) in running {
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        let summary = ran.json();
        let job = &summary["jobs"][0];
        assert_eq!((&job["operations"], &job["failed"]), (&operations.into(), &0.into()), "{file}");
        assert_eq!(job["outcome"], "completed", "{file}");
    }
}
