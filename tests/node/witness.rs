//! pod-latency against those who saw the same pods from elsewhere: containerd, kubelet, and the registry of their image.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use bench_lab::{Cluster, NodeProgram, SLOW_BYTES_PER_SECOND, SLOW_REGISTRY};

use crate::bench::{Bench, scenario};
use crate::lab::{kubectl, path, shared};

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

/// Lines that containerd writes about everything that happens on the node, until the node is asked no more.
struct Events {
    client: std::process::Child,
    lines: mpsc::Receiver<String>,
}

impl Events {
    fn watch(cluster: &Cluster) -> Self {
        let socket = cluster.folder().join("node-1/containerd.sock");
        let mut client = Command::new(cluster.program(NodeProgram::Ctr))
            .args(["--address", path(&socket), "--namespace", "k8s.io", "events"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ctr starts");
        let stdout = client.stdout.take().expect("piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { client, lines }
    }

    /// All lines so far; ends the watch.
    fn end(mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(500)) {
            all.push(line);
        }
        self.client.kill().expect("killed");
        self.client.wait().expect("ended");
        all
    }
}

#[test]
fn every_pod_is_ready_after_its_container_started_and_kubelet_agrees_on_how_long_it_took() {
    let Some(cluster) = shared() else { return };
    let events = Events::watch(&cluster);
    let (sum_before, count_before) = kubelet_start_times(&cluster);
    let bench = Bench::on(&cluster);
    let settings = [format!("variables.pods={PODS}"), "jobs.create-pods.queue.rate=5/s".to_owned()];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let ran = bench.run(&scenario("quickstart.yaml"), &settings).ended_with(&[0, 10, 13]);
    let (sum_after, count_after) = kubelet_start_times(&cluster);
    let rows = bench.rows(&ran, "pod-latency");
    assert_eq!(rows.len(), PODS);

    // Two tasks a pod: its sandbox and its container.
    let lines = events.end();
    let n_started = lines.iter().filter(|line| line.contains("/tasks/start")).count();
    assert_eq!(n_started, 2 * PODS, "{lines:#?}");
    assert_eq!(count_after - count_before, PODS as f64);
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
    let Some(cluster) = shared() else { return };
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
