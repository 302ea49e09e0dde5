//! The cluster breaks in the middle of a run: the verdict says so, the record is whole, nothing is left.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use bench_lab::{Cluster, Component, Node, NodeComponent};

use super::bench::{Bench, Ran, nothing_is_left};
use super::lab::{self, eventually, shared};

const SCENARIO: &str = "\
apiVersion: bench.dev/v1alpha1
kind: Scenario
metadata: { name: fault }
deadline: 2m
variables: { image: none }
plugins:
  objects: { from: builtin:objects }
  pod-latency: { from: builtin:pod-latency }
measurements: [ { plugin: pod-latency } ]
jobs:
  - name: create
    plugin: objects
    queue: { rate: 4/s, burst: 1, inFlight: 64 }
    with:
      create:
        iterations: 40
        namespaces: { prefix: fault }
        objects: [ { template: pod.yaml, variables: { image: '${image}' } } ]
      waitFor: { condition: ready, timeout: WAIT }
thresholds:
  - rate(create.errors) == 0
  - missing(pod-latency.ready) == 0
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: { name: 'pod-{{ iteration }}' }
spec:
  terminationGracePeriodSeconds: 0
  containers: [ { name: main, image: {{ image }}, imagePullPolicy: Never } ]
";

/// Starts a run of ten seconds and waits until it has created something.
fn started(cluster: &Cluster, wait: &str) -> (Bench, Child) {
    let bench = Bench::on(cluster);
    std::fs::write(bench.folder.path().join("pod.yaml"), POD).expect("written");
    std::fs::write(bench.folder.path().join("fault.yaml"), SCENARIO.replace("WAIT", wait)).expect("written");
    let child = bench.command("fault.yaml", &[]).spawn().expect("bench starts");
    eventually("the run's first pods", || {
        let list =
            cluster.control_plane().kubectl(&["get", "pods", "-A", "-l", "bench.dev/run-id", "-o", "name"]);
        list.ok().filter(|list| list.lines().count() >= 5)
    });
    (bench, child)
}

fn ended(child: Child) -> Ran {
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// Lets a fault last.
fn last(time: Duration) {
    let (_never_sent, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

#[test]
fn an_etcd_that_stops_for_three_seconds_is_in_the_response_times() {
    let cluster = shared();
    let (_bench, child) = started(&cluster, "60s");
    cluster.control_plane().pause(Component::Etcd).expect("paused");
    last(Duration::from_secs(3));
    cluster.control_plane().resume(Component::Etcd).expect("resumed");
    let ran = ended(child).ended_with(&[0, 10, 13]);
    let summary = ran.json();
    let job = &summary["jobs"][0];
    let longest = job["response"]["max"].as_f64();
    // Absent when a request failed: then it never came, which is worse than three seconds.
    assert!(longest.is_none_or(|longest| longest > 2.0e9), "{job}");
    assert_eq!(job["operations"], 40, "{job}");
    nothing_is_left(&cluster);
}

#[test]
fn a_killed_api_server_fails_the_run_and_leaves_a_whole_record() {
    let mut cluster = shared();
    let (bench, child) = started(&cluster, "60s");
    cluster.control_plane_mut().restart(Component::ApiServer).expect("it comes back");
    let ran = ended(child).ended_with(&[10, 13]);
    let summary = ran.json();
    let job = &summary["jobs"][0];
    assert!(job["failed"].as_u64().expect("a number") > 0, "{job}");
    assert_eq!(job["operations"], 40, "{job}");
    assert_eq!(bench.rows(&ran, "pod-latency").len() as u64, 40 - job["failed"].as_u64().expect("a number"));
    assert_eq!(summary["cleanup"]["remaining"], serde_json::json!([]), "{}", summary["cleanup"]);
    nothing_is_left(&cluster);
}

/// Puts the link to the control plane down or up.
fn set_link(cluster: &Cluster, state: &str) {
    let status = Command::new("ip").args(["link", "set", &cluster.link(), state]).status();
    assert!(status.expect("ip starts").success());
}

#[test]
fn a_network_that_is_cut_for_three_seconds_is_in_the_response_times() {
    let cluster = shared();
    let (_bench, child) = started(&cluster, "60s");
    set_link(&cluster, "down");
    last(Duration::from_secs(3));
    set_link(&cluster, "up");
    let ran = ended(child).ended_with(&[0, 10, 13]);
    let summary = ran.json();
    let job = &summary["jobs"][0];
    let longest = job["response"]["max"].as_f64();
    // Absent when a request failed, as above.
    assert!(longest.is_none_or(|longest| longest > 2.0e9), "{job}");
    assert_eq!(job["operations"], 40, "{job}");
    nothing_is_left(&cluster);
}

#[test]
fn a_kubelet_that_stops_is_told_by_pods_that_never_start() {
    let cluster = shared();
    let (bench, child) = started(&cluster, "5s");
    let node = &cluster.nodes()[0];
    node.pause(NodeComponent::Kubelet).expect("paused");
    // Until creation is over and the wait for it too.
    last(Duration::from_secs(16));
    node.resume(NodeComponent::Kubelet).expect("resumed");
    let ran = ended(child).ended_with(&[10, 13]);
    let rows = bench.rows(&ran, "pod-latency");
    let n_missing = rows.iter().filter(|row| !row["ready"].is_i64()).count();
    assert_eq!(rows.len(), 40);
    assert!(n_missing > 10, "{n_missing}");
    nothing_is_left(&cluster);
}

/// Ends what others could hear of a node, for good.
fn lose(node: &mut Node) {
    for component in [NodeComponent::Kubelet, NodeComponent::Containerd] {
        node.kill(component).expect("killed");
    }
    node.run(Path::new("ip"), &["link", "set", "eth0", "down"]).expect("down");
}

#[test]
fn a_node_that_is_lost_ends_the_wait_for_its_pods_and_is_named() {
    let _alone = shared();
    let mut cluster = lab::started(&lab::options());
    let (bench, child) = started(&cluster, "100s, stuckAfter: 5s");
    lose(&mut cluster.nodes_mut()[0]);
    let ran = ended(child).ended_with(&[10, 13]);
    let summary = ran.json();
    let wait = &summary["waits"][0];
    assert!(wait["unmet"].as_u64().is_some_and(|unmet| unmet > 10), "{wait}");
    let causes = wait["causes"].as_array().expect("causes");
    let [cause] = causes.as_slice() else { panic!("one cause: {causes:?}") };
    let cause = cause.as_str().expect("text");
    assert!(cause.contains("NodeNotReady") && cause.contains("node `node-1`"), "{cause}");
    // Known to the cluster within a minute; neither the wait's time nor the deadline has been used up.
    let length = summary["lengthNs"].as_f64().expect("a length");
    assert!(length < 1e11, "{length} ns");
    let rows = bench.rows(&ran, "pod-latency");
    let n_missing = rows.iter().filter(|row| !row["ready"].is_i64()).count();
    assert!(rows.len() == 40 && n_missing > 10, "{n_missing} of {}", rows.len());
    nothing_is_left(&cluster);
}
