//! pod-latency against those who saw the same pods from elsewhere: containerd, kubelet, and the registry of their image.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use bench_lab::{Cluster, NodeProgram, SLOW_BYTES_PER_SECOND, SLOW_REGISTRY};
use jiff::Timestamp;
use serde_json::Value;

use super::bench::{Bench, Ran, scenario};
use super::lab::{kubectl, path, shared};

const PODS: usize = 30;

/// Sum and count of kubelet's own histogram of the time from a pod's creation to its containers being started.
fn kubelet_start_times(cluster: &Cluster) -> (f64, f64) {
    let text = kubectl(cluster, &["get", "--raw", "/api/v1/nodes/node-1/proxy/metrics"]);
    let value = |name: &str| {
        let name = format!("kubelet_pod_start_sli_duration_seconds_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0.0, |value| value.trim().parse().expect("a number"))
    };
    (value("sum"), value("count"))
}

/// Lines of a program that tells what happens, until it is asked no more.
struct Watch {
    program: Child,
    lines: mpsc::Receiver<String>,
}

impl Watch {
    fn start(command: &mut Command) -> Self {
        let mut program =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let stdout = program.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { program, lines }
    }

    /// Everything that containerd does on the node.
    fn containerd(cluster: &Cluster) -> Self {
        let socket = cluster.folder().join("node-1/containerd.sock");
        let mut client = Command::new(cluster.program(NodeProgram::Ctr));
        Self::start(client.args(["--address", path(&socket), "--namespace", "k8s.io", "events"]))
    }

    /// Every change of a run's pods: namespace, name, id of the container.
    fn pods(cluster: &Cluster) -> Self {
        let control_plane = cluster.control_plane();
        let columns = "custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,\
                       ID:.status.containerStatuses[0].containerID";
        let mut kubectl = Command::new(control_plane.kubectl_path());
        kubectl.env("KUBECONFIG", control_plane.kubeconfig());
        kubectl.args([
            "get",
            "pods",
            "--all-namespaces",
            "--selector=bench.dev/run-id",
            "--watch",
            "--no-headers",
        ]);
        Self::start(kubectl.args(["--output", columns]))
    }

    /// All lines so far; ends the watch.
    fn end(self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            all.push(line);
        }
        all
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It ended by itself, or does now.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// When containerd started what, by the id of the container or sandbox.
fn starts(events: &[String]) -> BTreeMap<String, Timestamp> {
    let started = events.iter().filter(|line| line.contains(" /tasks/start "));
    let parsed = started.map(|line| {
        // `2026-01-31 12:00:00.123456789 +0000 UTC k8s.io /tasks/start {"container_id":"…","pid":7}`
        let (when, what) = line.split_once(" +0000 UTC ").expect(line);
        let (_, what) = what.split_once(" /tasks/start ").expect(line);
        let what: Value = serde_json::from_str(what).expect(line);
        let when = format!("{}Z", when.replace(' ', "T")).parse().expect(line);
        (what["container_id"].as_str().expect(line).to_owned(), when)
    });
    parsed.collect()
}

/// The container of each pod, by `namespace/name`.
fn containers(changes: &[String]) -> BTreeMap<String, String> {
    let words = changes.iter().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let named = words.filter_map(|words| {
        let [namespace, name, id] = words[..] else { panic!("{words:?}") };
        Some((format!("{namespace}/{name}"), id.strip_prefix("containerd://")?.to_owned()))
    });
    named.collect()
}

/// Seconds by which a pod may be ready after containerd started its container: kubelet looks at its containers once a
/// second, and sends what it saw through a queue with a rate; both are slow on a busy machine.
const READY_AFTER_START: f64 = 5.0;

#[test]
fn every_pod_was_wanted_before_containerd_started_its_container_and_ready_soon_after() {
    let cluster = shared();
    let (events, changes) = (Watch::containerd(&cluster), Watch::pods(&cluster));
    let bench = Bench::on(&cluster);
    let ran = run(&bench, PODS);
    let (starts, containers) = (starts(&events.end()), containers(&changes.end()));
    let rows = bench.rows(&ran, "pod-latency");
    assert_eq!((rows.len(), containers.len()), (PODS, PODS));
    // Two tasks a pod: its sandbox and its container.
    assert_eq!(starts.len(), 2 * PODS, "{starts:#?}");

    let run_started: Timestamp =
        ran.json()["run"]["startedAt"].as_str().expect("a time").parse().expect("a time");
    for row in rows {
        let seconds = |name: &str| row[name].as_f64().expect(name) / 1e9;
        let container = &containers[row["pod"].as_str().expect("a pod")];
        // Of the machine's one clock; the run's start is cut down to a millisecond.
        let started = starts[container].duration_since(run_started).as_secs_f64() - seconds("start");
        assert!(started > 0.0, "started {started} s after it was wanted: {row}");
        let after = seconds("ready") - started;
        assert!(
            (-0.001..READY_AFTER_START).contains(&after),
            "ready {after} s after its container started: {row}"
        );
    }
}

#[test]
fn kubelet_agrees_on_how_long_pods_took_to_start() {
    let cluster = shared();
    let (sum_before, count_before) = kubelet_start_times(&cluster);
    let bench = Bench::on(&cluster);
    let ran = run(&bench, PODS);
    let (sum_after, count_after) = kubelet_start_times(&cluster);
    let rows = bench.rows(&ran, "pod-latency");
    assert_eq!((rows.len(), count_after - count_before), (PODS, PODS as f64));
    let kubelet = (sum_after - sum_before) / (count_after - count_before);
    let ours: f64 =
        rows.iter().map(|row| row["ready"].as_f64().expect("ready") / 1e9).sum::<f64>() / PODS as f64;
    // kubelet counts from the creation time that the API server cut down to a whole second: half a second too long on
    // average. It stops when it has seen the container run, we when the API server has said so: one status update later.
    let difference = ours - (kubelet - 0.5);
    assert!(
        (-0.75..1.5).contains(&difference),
        "bench says {ours} s, kubelet {kubelet} s: {difference} s apart"
    );
}

/// So many pods, few enough at a time that the node keeps up.
fn run(bench: &Bench, pods: usize) -> Ran {
    let pods = format!("variables.pods={pods}");
    let settings = [pods.as_str(), "jobs.create-pods.queue.rate=5/s"];
    bench.run(&scenario("quickstart.yaml"), &settings).ended_with(&[0, 10, 13])
}

/// Times from creation to ready of three pods, in seconds.
fn three_pods(cluster: &Cluster, image: &str) -> Vec<f64> {
    let bench = Bench::on(cluster);
    let image = format!("variables.image={image}");
    let ran =
        bench.run(&scenario("quickstart.yaml"), &["variables.pods=3", &image]).ended_with(&[0, 10, 12, 13]);
    let rows = bench.rows(&ran, "pod-latency");
    assert_eq!(rows.len(), 3);
    rows.iter().map(|row| row["ready"].as_f64().expect("ready") / 1e9).collect()
}

#[test]
fn the_time_of_an_image_pull_is_in_the_times_of_all_pods_that_waited_for_it_and_of_no_later_one() {
    let cluster = shared();
    cluster.push("witness:1").unwrap_or_else(|error| panic!("{error}"));
    let image = format!("{SLOW_REGISTRY}/witness:1");
    let pulling = three_pods(&cluster, &image);
    // The image has this program in it, and more.
    let bytes = std::fs::metadata(cluster.program(NodeProgram::Tool)).expect("the program").len();
    let pull = bytes as f64 / f64::from(SLOW_BYTES_PER_SECOND);
    assert!(pulling.iter().all(|&ready| ready >= pull), "{pulling:?}, the pull alone takes {pull} s");
    let present = three_pods(&cluster, &image);
    let longest = present.iter().copied().fold(0.0, f64::max);
    assert!(pulling.iter().all(|&ready| ready > longest), "{pulling:?} with a pull, {present:?} without");
}
