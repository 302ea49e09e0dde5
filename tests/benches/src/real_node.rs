//! The kube-burner lab on a real node: how long each row's load takes, and what becomes of pods without a place.

use std::path::Path;

use anyhow::Context;
use bench_lab::{Cluster, ClusterOptions, Options, PAUSE, REGISTRY};
use serde_json::Value;

use crate::{
    figure::{Table, Target},
    programs::{Programs, Run},
    say,
};

/// A row: its file, operations, operations a second, burst.
type Row = (&'static str, f64, f64, f64);

const ROWS: [Row; 12] = [
    ("2-01-wait", 1.0, 1.0, 1.0),
    ("2-02-no-wait", 1.0, 1.0, 1.0),
    ("2-03-iterations-5", 5.0, 1.0, 1.0),
    ("2-04-replicas-2", 10.0, 1.0, 1.0),
    ("2-05-deployment-replicas-2", 10.0, 1.0, 1.0),
    ("2-06-iterations-10", 20.0, 1.0, 1.0),
    ("2-07-rate-10-burst-10", 20.0, 10.0, 10.0),
    ("2-08-burst-10", 10.0, 1.0, 10.0),
    ("2-09-iterations-100-burst-100", 100.0, 1.0, 100.0),
    ("2-10-replicas-2-burst-10", 20.0, 1.0, 10.0),
    ("2-11-replicas-2-burst-20", 20.0, 1.0, 20.0),
    ("2-12-iterations-20-rate-2-burst-20", 40.0, 2.0, 20.0),
];

/// A cluster, and what `bench` needs to be told to work on it.
struct Site {
    cluster: Cluster,
    uid: String,
}

impl Site {
    fn start(options: &ClusterOptions) -> anyhow::Result<Self> {
        say("starting a control plane and one real node");
        let cluster = Cluster::start(options).context("failed to start a cluster with a real node")?;
        let uid = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
        let uid = cluster.control_plane().kubectl(&uid)?;
        Ok(Self { cluster, uid })
    }

    fn run(&self, programs: &Programs, file: &str, image: &str) -> anyhow::Result<Run> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/kube-burner-lab").join(file);
        let kubeconfig = self.cluster.control_plane().kubeconfig();
        let kubeconfig = kubeconfig.to_str().context("a path that is no text")?;
        let image = format!("variables.image={image}");
        let arguments =
            ["--kubeconfig", kubeconfig, "--cluster-uid", &self.uid, "--set", "cluster={}", "--set", &image];
        programs.run_file(&path.with_extension("yaml"), &arguments)
    }

    /// When the cheapest client has its last answer, if it sends a row's Deployments as they are due; in seconds.
    fn floor(&self, programs: &Programs, (file, n, rate, burst): Row, round: usize) -> anyhow::Result<f64> {
        let [n, rate, burst] = [n, rate, burst].map(|number| number.to_string());
        let arguments =
            ["--kind", "deployments", "--objects", &n, "--in-flight", &n, "--rate", &rate, "--burst", &burst];
        let namespace = format!("floor-{file}-{round}");
        Ok(programs.floor(self.cluster.control_plane(), &namespace, &arguments)?.seconds)
    }
}

/// Measures scenario 1: an image pulled by a job of its own, then a Deployment that is made and deleted. Needs root.
///
/// # Errors
/// When the cluster or `bench` fails.
pub fn preload(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    let site = Site::start(&ClusterOptions::default())?;
    let mut table = Table::new("scenario 1 of the kube-burner lab on one real node", rounds);
    let (mut preload, mut create, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Another image in each, so that it is pulled.
        let name = format!("preload:{round}");
        site.cluster.push(&name)?;
        let run = site.run(programs, "1-preload", &format!("{REGISTRY}/{name}"))?;
        preload.push(run.number("/jobs/0/elapsedNs")? / 1e9);
        create.push(run.number("/jobs/1/elapsedNs")? / 1e9);
        whole.push(run.ended.elapsed.as_secs_f64());
    }
    table.add("the image pulled: DaemonSet made, ready, deleted", "s", &preload);
    table.add("Deployment made, ready, deleted", "s", &create);
    table.add("from start to end, cleaning up included", "s", &whole);
    Ok(table)
}

/// Measures how much later than (N − burst) / rate the requests of each row of scenario 2 leave, and the last is answered.
/// Needs root.
///
/// # Errors
/// When the cluster or `bench` fails.
pub fn rows(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    let site = Site::start(&ClusterOptions::default())?;
    let mut table = Table::new("rows of the kube-burner lab on one real node", rounds);
    for row in ROWS {
        let (file, n, rate, burst) = row;
        let (mut elapsed, mut late, mut lag) = (Vec::new(), Vec::new(), Vec::new());
        let (mut cpu, mut peak, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        let due = (n - burst).max(0.0) / rate;
        for round in 0..rounds {
            let run = site.run(programs, file, PAUSE)?;
            let took = run.number("/jobs/0/elapsedNs")? / 1e9;
            say(&format!("{file}: {took:.3} s, due {due} s, {:?} CPU", run.ended.cpu));
            elapsed.push(took);
            late.push((took - due) * 1e3);
            lag.push(run.number("/jobs/0/lag/max")? / 1e6);
            cpu.push(run.ended.cpu.as_secs_f64());
            peak.push(run.ended.peak_mib);
            if burst > 1.0 {
                floor.push((site.floor(programs, row, round)? - due) * 1e3);
            }
        }
        table.add(&format!("{file}: load phase"), "s", &elapsed);
        let allowed = 20.0 + due * 10.0;
        // The last request is due at the end of the arithmetic: this is how late it can have left …
        table.judge(&format!("{file}: largest lag of a request"), "ms", &lag, Target::AtMost(allowed));
        // … and this how late it was answered, which is the API server's part.
        table.judge(&format!("{file}: last answer beyond {due} s"), "ms", &late, Target::AtMost(allowed));
        if !floor.is_empty() {
            table.add(&format!("{file}: last answer to the floor beyond {due} s"), "ms", &floor);
        }
        table.add(&format!("{file}: CPU"), "s", &cpu);
        table.judge(&format!("{file}: memory"), "MiB", &peak, Target::NeverOver(64.0));
    }
    Ok(table)
}

/// Measures scenarios 3-1 and 3-2: pods that find no place. Needs root and takes minutes.
///
/// # Errors
/// When a cluster or `bench` fails.
pub fn room(programs: &Programs) -> anyhow::Result<Table> {
    let mut table = Table::new("scenario 3 of the kube-burner lab on one real node", 1);
    let of = |max_pods: u32| ClusterOptions {
        max_pods,
        control_plane: Options { nodes: 0, ..Options::default() },
        ..ClusterOptions::default()
    };
    let cases = [
        ("3-1-more-pods-than-the-node-takes", 110, 150.0, 110.0),
        ("3-1-more-pods-than-the-node-takes", 200, 150.0, 150.0),
        ("3-2-more-pods-than-pod-cidr", 400, 300.0, 253.0),
    ];
    for (file, max_pods, pods, ready) in cases {
        let site = Site::start(&of(max_pods))?;
        let run = site.run(programs, file, PAUSE)?;
        let what = |figure: &str| format!("{file}, maxPods {max_pods}: {figure}");
        table.judge(&what("rows"), "", &[run.number("/tables/0/rows")?], Target::Always(pods));
        table.judge(&what("pods ready"), "", &[ready_of(&run)?], Target::Always(ready));
        let took = run.ended.elapsed.as_secs_f64();
        table.add(&what("from start to end, cleaning up included"), "s", &[took]);
        table.add(&what("load and waiting"), "s", &[measured(&run)?]);
        let cpu = run.ended.cpu.as_secs_f64();
        table.add(&what("CPU"), "s", &[cpu]);
        table.judge(&what("CPU of one core"), "%", &[100.0 * cpu / took], Target::AtMost(2.0));
        table.judge(&what("memory"), "MiB", &[run.ended.peak_mib], Target::NeverOver(64.0));
        for message in findings(&run) {
            say(&format!("{file}, maxPods {max_pods}: {message}"));
        }
    }
    Ok(table)
}

fn ready_of(run: &Run) -> anyhow::Result<f64> {
    let ready = list(run, "/metrics").find(|metric| text(metric, "/name") == "ready");
    let ready = ready.context("no metric `ready`")?;
    let count = |field: &str| ready.pointer(field).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(count("/distribution/n") - count("/distribution/missing"))
}

/// From the start of measuring to the start of cleaning up: load, waiting, late observations.
fn measured(run: &Run) -> anyhow::Result<f64> {
    let at = |name: &str| {
        let phase = list(run, "/phases").find(|phase| text(phase, "/phase") == name);
        phase.and_then(|phase| phase.pointer("/atNs")?.as_f64()).with_context(|| format!("no phase `{name}`"))
    };
    Ok((at("teardown")? - at("measure")?) / 1e9)
}

fn findings(run: &Run) -> impl Iterator<Item = &str> {
    list(run, "/findings").map(|finding| text(finding, "/message"))
}

fn list<'r>(run: &'r Run, pointer: &str) -> impl Iterator<Item = &'r Value> {
    run.summary.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
