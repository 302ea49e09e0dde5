//! What a plugin costs: a row into a measurement, an instance, a load with compiled code on disk.
//!
//! `cargo bench -p bench-plugin-host`. The guest is `tests/guests/examples/behaves.rs`: it reads one column
//! of each batch and records it, so a number here has one host call in it.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start measures nothing")]

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use bench_limiter::RunClock;
use bench_model::{Column, EventBatch, Phase, PluginName, TimeNs};
use bench_plugin_host::{
    Allow, Grants, GuestLimits, HostSettings, InstanceContext, LoadedPlugin, PluginHost, ResolvedPlugin,
    RunNamespaces, Services, UNKNOWN_OFFSET, resolve,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

const ROWS: usize = 256;
const TARGET: &str = "wasm32-wasip2";

fn guest() -> ResolvedPlugin {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/guests");
    let target_dir = guests.join("../../target/guests");
    let build = ["build", "--quiet", "--release", "--example", "behaves", "--target", TARGET, "--target-dir"];
    let status = Command::new(env!("CARGO")).current_dir(&guests).args(build).arg(&target_dir).status();
    assert!(status.expect("cargo runs").success(), "the guest needs `rustup target add {TARGET}`");
    let directory = target_dir.join(TARGET).join("release/examples");
    resolve("./behaves.wasm", &directory, &[]).expect("a built guest")
}

fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/guests/cwasm")
}

fn context(plugin: &LoadedPlugin) -> InstanceContext {
    let (events, mut received) = mpsc::channel(1_024);
    tokio::spawn(async move { while received.recv().await.is_some() {} });
    InstanceContext {
        plugin: PluginName::parse("behaves").expect("a name"),
        user: "bench".to_owned(),
        grants: Grants::new(plugin.manifest.permissions.clone(), Allow::all_asked()),
        limits: GuestLimits { call: Duration::from_secs(60), ..GuestLimits::default() },
        services: Services {
            clock: RunClock::start(),
            cluster: None,
            prometheus: Arc::default(),
            default_prometheus: None,
            events,
            ids: Arc::default(),
            run_id: "0198c0de-0000-7000-8000-00ab12cd34ef".parse().expect("a run id"),
            seed: 7,
            instance: (0, 1),
            stop: CancellationToken::new(),
            abandoned: tokio_util::sync::CancellationToken::new(),
            phase: watch::channel(Phase::Measure).1,
            queues: BTreeMap::new(),
            namespaces: RunNamespaces::default(),
            clock_offset: watch::channel(UNKNOWN_OFFSET).1,
        },
    }
}

fn batch() -> EventBatch {
    let ids: Vec<u32> = (1..=ROWS as u32).collect();
    EventBatch {
        subscription: 0,
        first_string_id: 1,
        new_strings: Vec::new(),
        kind: vec![2; ROWS],
        object: ids.clone(),
        uid: ids.clone(),
        resource_version: (0..ROWS as u64).collect(),
        observed_at: (0..ROWS as i64).map(TimeNs).collect(),
        projected: vec![Column::Ids(ids), Column::Ints((0..ROWS as i64).collect())],
    }
}

fn rows(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let host = PluginHost::new(HostSettings { cache_dir: Some(cache_dir()) }).expect("a host");
    let resolved = guest();
    let plugin = runtime.block_on(host.load(&resolved)).expect("a plugin");

    let mut group = criterion.benchmark_group("plugin");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("256 rows", |bencher| {
        let mut measurement =
            runtime.block_on(async { plugin.measurement(context(&plugin)).await }).expect("made");
        bencher.iter(|| runtime.block_on(measurement.on_events(black_box(batch()))).expect("taken"));
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("instance", |bencher| {
        let context = runtime.block_on(async { context(&plugin) });
        bencher.iter(|| runtime.block_on(plugin.measurement(context.clone())).expect("made"));
    });
    group.bench_function("load, compiled before", |bencher| {
        bencher.iter(|| runtime.block_on(host.load(black_box(&resolved))).expect("loaded"));
    });
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
