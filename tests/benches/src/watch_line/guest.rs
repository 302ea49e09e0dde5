//! The component `pod-latency` with the host around it.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use bench_cluster::Cluster;
use bench_limiter::RunClock;
use bench_model::{EventBatch, Phase, PluginName, Subscription};
use bench_plugin_host::{
    Allow, Grants, GuestLimits, HostSettings, InstanceContext, Measurement, PluginHost, RunNamespaces,
    Services, UNKNOWN_OFFSET, resolve,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Where `cargo xtask bench` builds the component.
const COMPONENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/plugins/wasm32-wasip2/plugin");

/// A measurement that takes rows.
pub struct Guest {
    measurement: Measurement,
}

impl Guest {
    /// Makes one, and says what it wants to watch.
    ///
    /// # Errors
    /// When the component is not built, or does not start.
    pub async fn start(cluster: Cluster, clock: RunClock) -> anyhow::Result<(Self, Subscription)> {
        let components = Path::new(COMPONENTS);
        let resolved = resolve("./pod_latency.wasm", components, &[])
            .context("the component `pod-latency` is not built; use `cargo xtask bench`")?;
        let host = PluginHost::new(HostSettings { cache_dir: Some(components.join("cwasm")) })?;
        let plugin = host.load(&resolved).await?;
        let grants = Grants::new(plugin.manifest.permissions.clone(), Allow::all_asked());
        let mut measurement = plugin.measurement(context(grants, cluster, clock)?).await?;
        let plan = measurement.setup(r#"{"labelSelector":"","table":true}"#).await?;
        let subscription = plan.subscriptions.into_iter().next().context("it watches nothing")?;
        Ok((Self { measurement }, subscription))
    }

    /// Hands over a batch.
    ///
    /// # Errors
    /// When the guest breaks.
    pub async fn take(&mut self, batch: EventBatch) -> anyhow::Result<()> {
        Ok(self.measurement.on_events(batch).await?)
    }
}

fn context(grants: Grants, cluster: Cluster, clock: RunClock) -> anyhow::Result<InstanceContext> {
    let (events, mut received) = mpsc::channel(1_024);
    tokio::spawn(async move { while received.recv().await.is_some() {} });
    Ok(InstanceContext {
        plugin: PluginName::parse("pod-latency")?,
        user: "pod-latency".to_owned(),
        grants,
        limits: GuestLimits { call: Duration::from_secs(60), ..GuestLimits::default() },
        services: Services {
            clock,
            cluster: Some(cluster),
            prometheus: Arc::default(),
            default_prometheus: None,
            events,
            ids: Arc::default(),
            run_id: "0198c0de-0000-7000-8000-00ab12cd34ef".parse()?,
            seed: 7,
            instance: (0, 1),
            stop: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            phase: watch::channel(Phase::Measure).1,
            queues: BTreeMap::new(),
            namespaces: RunNamespaces::default(),
            clock_offset: watch::channel(UNKNOWN_OFFSET).1,
        },
    })
}
