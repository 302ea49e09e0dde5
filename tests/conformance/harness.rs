//! Builds the guests, loads them, and stands in for the engine at the other ends of their channels.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bench_limiter::RunClock;
use bench_model::{EventBatch, FaultKind, Phase, PluginFault, PluginName, QueueName, RunEvent, TimeNs};
use bench_plugin_host::{
    Allow, CallError, Grants, GuestLimits, HostSettings, InstanceContext, LoadError, LoadedPlugin,
    Measurement, PluginHost, QueueCommand, QueuePort, ResolvedPlugin, RunNamespaces, Services,
    UNKNOWN_OFFSET, Workload, resolve,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const RUN_ID: &str = "0198c0de-0000-7000-8000-00ab12cd34ef";
const TARGET: &str = "wasm32-wasip2";

/// Directory of the built guests; building them is part of the first test.
static GUESTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target_dir = tests.join("../target/guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(tests.join("guests")).args([
        "build",
        "--quiet",
        "--examples",
        "--target",
        TARGET,
        "--target-dir",
    ]);
    // What the outer cargo set for the host must not reach the guests.
    for variable in ["RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    let status = cargo.arg(&target_dir).status().expect("cargo runs");
    assert!(status.success(), "the guests need `rustup target add {TARGET}`: {status}");
    target_dir.join(TARGET).join("debug/examples")
});

/// One engine for all tests; compiled guests stay on disk between runs.
static HOST: LazyLock<PluginHost> = LazyLock::new(|| {
    let cache_dir = Some(GUESTS.join("../../../cwasm"));
    PluginHost::new(HostSettings { cache_dir }).expect("a plugin host")
});

/// The bytes of a guest.
pub fn resolved(guest: &str) -> ResolvedPlugin {
    resolve(&format!("./{guest}.wasm"), &GUESTS, &[]).expect("a built guest")
}

/// Loads bytes that may be anything.
pub async fn load_bytes(bytes: Vec<u8>) -> Result<LoadedPlugin, LoadError> {
    let builtins: &[(&str, &[u8])] = &[("broken", &bytes)];
    HOST.load(&resolve("builtin:broken", Path::new("."), builtins).expect("a built-in")).await
}

/// Loads a guest.
pub async fn load(guest: &str) -> Result<LoadedPlugin, LoadError> {
    HOST.load(&resolved(guest)).await
}

/// What loading a guest says, with all causes.
pub async fn load_error(loaded: Result<LoadedPlugin, LoadError>) -> String {
    let error = anyhow::Error::new(loaded.expect_err("a refusal"));
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    causes.join(": ")
}

/// Small limits, so that a test of them is quick.
pub fn tight() -> GuestLimits {
    GuestLimits {
        memory_bytes: 16 << 20,
        setup: Duration::from_millis(100),
        call: Duration::from_millis(100),
        run: Duration::from_millis(100),
        stop_grace: Duration::from_millis(100),
        log_bytes_per_second: 10_000,
    }
}

/// A guest at work, and what the engine would hold of it.
pub struct Bench {
    plugin: LoadedPlugin,
    pub context: InstanceContext,
    pub events: mpsc::Receiver<RunEvent>,
    pub commands: mpsc::Receiver<QueueCommand>,
    pub stop: CancellationToken,
    _phase: watch::Sender<Phase>,
}

/// A guest with tight limits, that gets all it asks for, in a run that made the namespace `mine`.
pub async fn bench(guest: &str) -> Bench {
    let plugin = load(guest).await.expect("a loadable guest");
    let (events_in, events) = mpsc::channel(4_096);
    let (commands_in, commands) = mpsc::channel(16);
    let (phase_in, phase) = watch::channel(Phase::Setup);
    let stop = CancellationToken::new();
    let queues =
        BTreeMap::from([(QueueName::main(), QueuePort { commands: commands_in, next_op: Arc::default() })]);
    let services = Services {
        clock: RunClock::start(),
        cluster: None,
        prometheus: Arc::default(),
        default_prometheus: None,
        events: events_in,
        ids: Arc::default(),
        run_id: RUN_ID.parse().expect("a run id"),
        seed: 7,
        instance: (0, 1),
        stop: stop.clone(),
        abandoned: CancellationToken::new(),
        phase,
        queues,
        namespaces: RunNamespaces::from_iter(["mine"]),
        clock_offset: watch::channel(UNKNOWN_OFFSET).1,
    };
    let context = InstanceContext {
        plugin: PluginName::parse("guest").expect("a name"),
        user: "job".to_owned(),
        grants: Grants::new(plugin.manifest.permissions.clone(), Allow::all_asked()),
        limits: tight(),
        services,
    };
    Bench { plugin, context, events, commands, stop, _phase: phase_in }
}

impl Bench {
    pub async fn workload(&self) -> Workload {
        self.plugin.workload(self.context.clone()).await.expect("an instance")
    }

    pub async fn measurement(&self) -> Measurement {
        self.plugin.measurement(self.context.clone()).await.expect("an instance")
    }

    /// Runs the guest's `run`.
    pub async fn run(&self) -> Result<(), CallError> {
        self.workload().await.run().await
    }

    /// What was sent so far.
    pub fn sent(&mut self) -> Vec<RunEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

/// Rows that a guest would get from a watch.
pub fn batch(rows: usize) -> EventBatch {
    EventBatch {
        subscription: 0,
        first_string_id: 1,
        new_strings: vec!["mine/pod".to_owned()],
        kind: vec![1; rows],
        object: vec![1; rows],
        uid: vec![1; rows],
        resource_version: vec![1; rows],
        observed_at: vec![TimeNs(5); rows],
        projected: Vec::new(),
    }
}

/// The fault with which a call ended.
pub fn fault<T: std::fmt::Debug>(result: Result<T, CallError>) -> PluginFault {
    match result {
        Err(CallError::Fault(fault)) => fault,
        other => panic!("no fault: {other:?}"),
    }
}

/// Checks the parts of a fault, and that it names plugin, digest and job.
pub fn check_fault<T: std::fmt::Debug>(result: Result<T, CallError>, kind: FaultKind, message: &str) {
    let fault = fault(result);
    assert_eq!((fault.kind, fault.message.as_str()), (kind, message));
    let digest = fault.digest.as_str();
    assert_eq!(fault.to_string(), format!("plugin `guest` ({digest}) in `job`: {message}"));
    assert!(digest.starts_with("sha256:"));
}
