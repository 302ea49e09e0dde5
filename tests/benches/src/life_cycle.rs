//! How a pod lives on a real node that does nothing else: the truth behind the latencies of the simulated cluster
//! (`host/crates/sim/src/stage.rs`).
//!
//! Pods come and go one after the other; a watch stamps each change of status when it arrives. Stages that kubelet
//! writes at once are seen at once, and take no time of their own.

use std::{
    collections::BTreeMap,
    io::{BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, ensure};
use bench_lab::{Cluster, ClusterOptions, ControlPlane, PAUSE};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::{figure::Table, say};

/// Pods of each round.
const PODS: usize = 10;

/// Longest time until something changes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Points of a pod's life in the order in which they are reached, each with where it shows.
const POINTS: [&str; 6] = ["bound", "acknowledged", "sandbox ready", "initialized", "running", "ready"];

/// Measures the stages of so many times ten pods. Needs root.
///
/// # Errors
/// When the cluster does not start, or a pod does not come or go.
pub fn measure(rounds: usize) -> anyhow::Result<Table> {
    say("starting a control plane and one real node");
    let cluster =
        Cluster::start(&ClusterOptions::default()).context("failed to start a cluster with a real node")?;
    let lab = cluster.control_plane();
    lab.kubectl(&["create", "namespace", "life"])?;
    let mut watch = Watch::start(lab)?;
    let mut stages: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    // The first pod fills caches and is not counted.
    for n in 0..=PODS * rounds {
        for (stage, millis) in life(lab, &mut watch, n)? {
            if n > 0 {
                stages.entry(stage).or_default().push(millis);
            }
        }
    }
    let mut table = Table::new("a pod's life on one real node, pods one by one", rounds);
    for stage in POINTS.iter().skip(1).chain(&["gone"]) {
        let millis = stages.get(stage).cloned().unwrap_or_default();
        table.add(&format!("{stage}, after the stage before"), "ms", &millis);
        table.add(&format!("{stage}: standard deviation of the logarithm"), "", &[spread(&millis)]);
    }
    Ok(table)
}

/// One pod from creation to its end: how long each stage took, in ms.
fn life(lab: &ControlPlane, watch: &mut Watch, n: usize) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let name = format!("pod-{n}");
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "life" },
        "spec": { "containers": [{ "name": "main", "image": PAUSE }] },
    });
    let mut create = Command::new(lab.kubectl_path());
    create.arg("--kubeconfig").arg(lab.kubeconfig()).args(["create", "-f", "-"]);
    let mut create = create.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    create.stdin.take().context("no stdin")?.write_all(pod.to_string().as_bytes())?;
    ensure!(create.wait()?.success(), "failed to create {name}");
    let mut reached: Vec<(&'static str, f64)> = Vec::new();
    while reached.len() < POINTS.len() {
        let (at, pod) = watch.next(&name)?;
        for point in POINTS {
            if is_reached(&pod, point) && !reached.iter().any(|(known, _)| *known == point) {
                reached.push((point, at));
            }
        }
    }
    lab.kubectl(&["delete", "pod", &name, "--namespace", "life", "--wait=false"])?;
    let mut deleted = None;
    loop {
        let (at, event) = watch.next(&name)?;
        if event.pointer("/metadata/deletionTimestamp").is_some() {
            deleted = deleted.or(Some(at));
        }
        if event.pointer("/gone").is_some() {
            let mut took: Vec<(&'static str, f64)> = Vec::new();
            for ((_, before), (point, at)) in reached.iter().zip(reached.iter().skip(1)) {
                took.push((point, at - before));
            }
            took.push(("gone", at - deleted.unwrap_or(at)));
            return Ok(took);
        }
    }
}

fn is_reached(pod: &Value, point: &str) -> bool {
    let condition = |kind: &str| {
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        let is = |one: &Value, field: &str, wanted: &str| one.get(field).is_some_and(|value| value == wanted);
        conditions.into_iter().flatten().any(|one| is(one, "type", kind) && is(one, "status", "True"))
    };
    match point {
        "bound" => pod.pointer("/spec/nodeName").is_some(),
        "acknowledged" => pod.pointer("/status/startTime").is_some(),
        "sandbox ready" => condition("PodReadyToStartContainers"),
        "initialized" => condition("Initialized"),
        "running" => pod.pointer("/status/phase").is_some_and(|phase| phase == "Running"),
        _ => condition("Ready"),
    }
}

/// Changes of pods, each with the time in ms at which it came.
struct Watch {
    client: Child,
    events: mpsc::Receiver<(f64, Value)>,
}

impl Watch {
    fn start(lab: &ControlPlane) -> anyhow::Result<Self> {
        let mut client = Command::new(lab.kubectl_path());
        client.arg("--kubeconfig").arg(lab.kubeconfig());
        client.args(["get", "pods", "--namespace", "life", "--watch", "--output-watch-events", "-o", "json"]);
        let mut client = client.stdout(Stdio::piped()).spawn()?;
        let stdout = BufReader::new(client.stdout.take().context("no stdout")?);
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            let values = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>();
            for event in values.map_while(Result::ok) {
                if sender.send((now_ms(), event)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { client, events })
    }

    /// The next change of this pod; `gone` is set when it was the last.
    fn next(&mut self, name: &str) -> anyhow::Result<(f64, Value)> {
        loop {
            let (at, mut event) =
                self.events.recv_timeout(PATIENCE).with_context(|| format!("{name} stands still"))?;
            let is_gone = event.pointer("/type").is_some_and(|kind| kind == "DELETED");
            let Some(mut pod) = event.pointer_mut("/object").map(Value::take) else { continue };
            if pod.pointer("/metadata/name").is_none_or(|other| other != name) {
                continue;
            }
            if is_gone && let Some(fields) = pod.as_object_mut() {
                fields.insert("gone".to_owned(), true.into());
            }
            return Ok((at, pod));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

fn now_ms() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}

/// The sigma of a lognormal distribution with these values; stages that were written with the one before, and so
/// took no time of their own, are left out. 0 when none is left.
fn spread(millis: &[f64]) -> f64 {
    let logs: Vec<f64> = millis.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
    if logs.is_empty() {
        return 0.0;
    }
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / n).sqrt()
}
