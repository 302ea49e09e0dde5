//! One run, from the text of a scenario to its summary, in paused time.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, UNIX_EPOCH},
};

use bench_cluster::{Cluster, ConnectOptions, MemoryDialer};
use bench_engine::{Journal, JournalRequest, Plan, PlanInput, RunContext, RunOutcome, Stop, Timing};
use bench_limiter::{Limiter, RunClock};
use bench_model::{Burst, Operation, PluginName, QueueName, RunEvent, RunId, Shard, StopReason, TimeNs};
use bench_plugin_host::{GuestLimits, HostSettings, LoadedPlugin, PluginHost};
use bench_results::{Recorder, RunHeader, Summary};
use bench_scenario::Scenario;
use bench_sim::{Sim, SimConfig};
use tempfile::TempDir;
use tokio::{runtime::Handle, sync::mpsc};

use crate::server::{Asked, Delay, Server, at_once};

pub const PLUGINS: [(&str, &[u8]); 2] = [
    ("objects", include_bytes!(env!("BENCH_PLUGIN_OBJECTS"))),
    ("pod-latency", include_bytes!(env!("BENCH_PLUGIN_POD_LATENCY"))),
];

const RUN_ID: &str = "0198c0de-0000-7000-8000-00ab12cd34ef";

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The plugin host of all tests; compiled plugins stay on disk between runs.
pub fn plugin_host() -> &'static PluginHost {
    static HOST: OnceLock<PluginHost> = OnceLock::new();
    HOST.get_or_init(|| {
        let cache_dir = Some(root().join("target/cwasm"));
        PluginHost::new(HostSettings { cache_dir }).expect("a plugin host")
    })
}

/// What a run is made of; change what a test is about.
pub struct Setup {
    pub scenario: String,
    /// Folder of the scenario's relative paths.
    pub folder: PathBuf,
    pub shard: Shard,
    /// Of every plugin, instead of the scenario's.
    pub limits: Option<GuestLimits>,
    pub sim: SimConfig,
    pub delay: Delay,
    pub garbage_after: Option<Duration>,
    pub watch_lag: Duration,
    /// How long the disk takes for each entry of the journal.
    pub disk: Duration,
    /// When the first interrupt comes, and the second.
    pub interrupts: (Option<Duration>, Option<Duration>),
}

impl Setup {
    pub fn new(scenario: &str) -> Self {
        let sim = SimConfig { nodes: 1, pods_per_node: 10_000, ..SimConfig::default() };
        Self {
            scenario: scenario.to_owned(),
            folder: root().join("tests/pipeline"),
            shard: Shard::WHOLE,
            limits: None,
            sim,
            delay: at_once(),
            garbage_after: None,
            watch_lag: Duration::ZERO,
            disk: Duration::ZERO,
            interrupts: (None, None),
        }
    }

    /// A scenario whose jobs create pods; `jobs` and `more` are YAML.
    pub fn pods(jobs: &str, more: &str) -> Self {
        Self::new(&format!(
            "apiVersion: bench.dev/v1alpha1\nkind: Scenario\nmetadata: {{ name: test }}\ndeadline: 1h\n\
             plugins:\n  objects: {{ from: builtin:objects }}\n{more}\njobs:\n{jobs}"
        ))
    }
}

/// A job that creates pods; `queue` is YAML.
pub fn job(name: &str, queue: &str, iterations: u32) -> String {
    format!(
        "  - name: {name}\n    plugin: objects\n    queue: {queue}\n    with:\n      create:\n        \
         iterations: {iterations}\n        objects: [ {{ template: pod.yaml }} ]\n"
    )
}

/// What a run left.
pub struct Ran {
    pub outcome: RunOutcome,
    pub summary: Summary,
    pub events: Vec<RunEvent>,
    pub asked: Vec<Asked>,
    /// When the engine was done, in time of the run.
    pub ended: TimeNs,
    _folder: TempDir,
}

impl Ran {
    /// Operations of all queues of this name, in the order of their ends.
    pub fn operations(&self, name: &QueueName) -> Vec<Operation> {
        let mut queues = Vec::new();
        let mut found = Vec::new();
        for event in &self.events {
            match event {
                RunEvent::QueueOpened { queue, name: opened, .. } if opened == name => queues.push(*queue),
                RunEvent::Operations { queue, operations } if queues.contains(queue) => {
                    found.extend_from_slice(operations);
                }
                _ => {}
            }
        }
        found
    }

    /// Objects of the run that were left in the cluster.
    pub fn left(&self) -> usize {
        self.outcome
            .cleanup
            .as_ref()
            .map_or(usize::MAX, |cleanup| cleanup.remaining.len() + cleanup.errors.len())
    }
}

/// Runs a scenario, on a runtime that was started with its time paused: Tokio's timers end at full milliseconds
/// from there, and so does then everything that waits for full milliseconds.
pub async fn run(setup: Setup) -> Ran {
    let (scenario, plan) = load(&setup).await;
    let clock = RunClock::start_at(UNIX_EPOCH + Duration::from_secs(1_763_775_691));
    let sim = Sim::start(setup.sim.clone()).expect("a simulated cluster");
    let mut server = Server::new(sim, setup.delay.clone());
    server.garbage_after = setup.garbage_after;
    server.watch_lag = setup.watch_lag;
    let cluster = connect(&server, &scenario, clock).await;

    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("run");
    let run_id: RunId = RUN_ID.parse().expect("a run id");
    let mut header = RunHeader::new(run_id, clock.started_at(), plan.seed);
    header.jobs = plan.jobs.iter().map(|job| job.name.clone()).collect();
    header.thresholds = scenario.thresholds.iter().map(|threshold| threshold.text.clone()).collect();
    let recorder =
        Recorder::create(&dir, &header, &setup.scenario, &serde_json::Value::Null).expect("a record");
    let (events, received) = mpsc::channel(1024);
    let (requests, entries) = mpsc::channel(64);
    let recording = tokio::spawn(keep(recorder, received));
    let journalling = tokio::spawn(acknowledge(entries, setup.disk));
    let stop = Stop::new();
    tokio::spawn(interrupt(stop.clone(), setup.interrupts));
    let context = RunContext {
        run_id,
        plan,
        cluster,
        prometheus: Arc::default(),
        default_prometheus: None,
        clock,
        events,
        journal: Journal::new(requests),
        plugin_runtime: Handle::current(),
        timing: Timing::Tokio,
        stop,
    };
    let outcome = bench_engine::run(context).await.expect("the host does not fail");
    let ended = clock.now();
    // Whoever keeps the record waits for the last sender: none may be left behind.
    let (recorder, events) = recording.await.expect("no panic");
    journalling.await.expect("no panic");
    recorder.finish(clock.now()).expect("a whole record");
    let summary = bench_results::summarize(&dir).expect("a readable record");
    Ran { outcome, summary, events, asked: server.asked(), ended, _folder: folder }
}

async fn load(setup: &Setup) -> (Scenario, Plan) {
    let parsed = bench_scenario::parse(&setup.scenario, "scenario.yaml", &[]).expect("YAML");
    let scenario = bench_scenario::validate(parsed).expect("a scenario");
    let mut plugins: BTreeMap<PluginName, LoadedPlugin> = BTreeMap::new();
    for (name, usage) in &scenario.plugins {
        let resolved = bench_plugin_host::resolve(&usage.from.to_string(), &setup.folder, &PLUGINS);
        let loaded = plugin_host().load(&resolved.expect("a plugin")).await.expect("a component");
        plugins.insert(name.clone(), loaded);
    }
    let read = |path: &Path| std::fs::read_to_string(setup.folder.join(path));
    let config = |plugin: &PluginName, block| {
        let checked = bench_scenario::check_config(block, plugins[plugin].schema.as_ref(), &read);
        checked.expect("a configuration").config.to_string()
    };
    let job_configs = scenario.jobs.iter().map(|job| config(&job.plugin, &job.config)).collect();
    let measurement_configs =
        scenario.measurements.iter().map(|one| config(&one.plugin, &one.config)).collect();
    let input = PlanInput {
        scenario: &scenario,
        plugins: plugins.clone(),
        job_configs,
        measurement_configs,
        shard: setup.shard,
    };
    let mut plan = bench_engine::plan(input).expect("a plan");
    if let Some(limits) = &setup.limits {
        for job in &mut plan.jobs {
            Arc::make_mut(&mut Arc::make_mut(job).plugin).limits = limits.clone();
        }
        for measurement in &mut plan.measurements {
            Arc::make_mut(&mut Arc::make_mut(measurement).plugin).limits = limits.clone();
        }
    }
    (scenario, plan)
}

async fn connect(server: &Server, scenario: &Scenario, clock: RunClock) -> Cluster {
    let limiter = match scenario.limits.requests_per_second {
        None => Limiter::unlimited(),
        // As `bench run` does.
        Some(rate) => {
            let burst = Burst::new((rate.per_second() / 10.0).ceil() as u32).expect("not zero");
            Limiter::new(Some(rate), burst)
        }
    };
    let dialer = server.clone();
    let options = ConnectOptions {
        in_flight: scenario.in_flight(),
        memory: Some(MemoryDialer::new(move || dialer.open())),
        ..ConnectOptions::inline(server.kubeconfig())
    };
    Cluster::connect(options, limiter, clock).await.expect("connected")
}

async fn interrupt(stop: Stop, (first, second): (Option<Duration>, Option<Duration>)) {
    let start = tokio::time::Instant::now();
    if let Some(first) = first {
        tokio::time::sleep_until(start + first).await;
        stop.stop(StopReason::Interrupt);
    }
    if let Some(second) = second {
        tokio::time::sleep_until(start + second).await;
        stop.abandon(StopReason::Interrupt);
    }
}

async fn keep(mut recorder: Recorder, mut events: mpsc::Receiver<RunEvent>) -> (Recorder, Vec<RunEvent>) {
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        recorder.record(&event).expect("recorded");
        all.push(event);
    }
    (recorder, all)
}

async fn acknowledge(mut entries: mpsc::Receiver<JournalRequest>, disk: Duration) {
    while let Some(request) = entries.recv().await {
        tokio::time::sleep(disk).await;
        // Whoever gave up does not listen.
        let _ = request.written.send(true);
    }
}
