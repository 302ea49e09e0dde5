//! pod-latency against those who saw the same pods from elsewhere: containerd and kubelet.

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

/// Times from creation to ready of three pods, in seconds; ours and, for the mean, kubelet's.
fn three_pods(cluster: &Cluster, image: &str) -> (Vec<f64>, f64) {
    let (sum_before, count_before) = kubelet_start_times(cluster);
    let bench = Bench::on(cluster);
    let image = format!("variables.image={image}");
    let ran =
        bench.run(&scenario("quickstart.yaml"), &["variables.pods=3", &image]).ended_with(&[0, 10, 12, 13]);
    let (sum_after, count_after) = kubelet_start_times(cluster);
    assert_eq!(count_after - count_before, 3.0);
    let rows = bench.rows(&ran, "pod-latency");
    let ready = |row: &serde_json::Value| row["ready"].as_f64().expect("ready") / 1e9;
    (rows.iter().map(ready).collect(), (sum_after - sum_before) / 3.0)
}

#[test]
fn the_time_of_an_image_pull_is_in_our_times_and_not_in_kubelets() {
    let Some(cluster) = shared() else { return };
    cluster.push("witness:1").unwrap_or_else(|error| panic!("{error}"));
    let image = format!("{SLOW_REGISTRY}/witness:1");
    let (pulling, kubelet) = three_pods(&cluster, &image);
    // The image has this program in it, and more.
    let bytes = std::fs::metadata(cluster.program(NodeProgram::Tool)).expect("the program").len();
    let pull = bytes as f64 / f64::from(SLOW_BYTES_PER_SECOND);
    assert_eq!(pulling.len(), 3);
    assert!(pulling.iter().all(|&ready| ready >= pull), "{pulling:?}, the pull alone takes {pull} s");
    // kubelet's own time leaves pulls out, but may count almost a second too much: see above.
    let mean = pulling.iter().sum::<f64>() / 3.0;
    assert!(
        mean - kubelet >= pull - 1.0,
        "bench says {mean} s, kubelet {kubelet} s, the pull takes {pull} s"
    );
    let (present, _) = three_pods(&cluster, &image);
    let longest = present.iter().copied().fold(0.0, f64::max);
    assert!(pulling.iter().all(|&ready| ready > longest), "{pulling:?} with a pull, {present:?} without");
}
