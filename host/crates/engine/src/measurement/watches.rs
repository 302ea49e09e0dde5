//! Opens the watches that a measurement asks for, as far as it is granted.

use std::sync::Arc;

use bench_cluster::{WatchHandle, WatchSink, WatchSpec};
use bench_model::{EventBatch, ResourceRef, Subscription, Verb};
use bench_plugin_host::CallError;
use tokio::sync::mpsc;

use super::notes::Notes;
use crate::{plan::PlannedMeasurement, run::RunParts};

/// Opens the watches that a plugin asks for, as far as it is granted, and waits for their initial lists.
pub(super) async fn open_watches(
    parts: &Arc<RunParts>,
    plan: &PlannedMeasurement,
    subscriptions: Vec<Subscription>,
    batches: mpsc::Sender<EventBatch>,
    notes: &Arc<Notes>,
) -> Result<Vec<WatchHandle>, CallError> {
    let mut watches = Vec::new();
    for (at, subscription) in subscriptions.into_iter().enumerate() {
        let kind = subscription.plural.clone();
        let subscription = granted(parts, plan, subscription).map_err(CallError::Gave)?;
        let index = u32::try_from(at).unwrap_or(u32::MAX);
        let spec = WatchSpec { measurement: plan.name.clone(), index, subscription };
        let (on_gap, on_lags) = (notes.clone(), notes.clone());
        let sink = WatchSink {
            batches: batches.clone(),
            on_gap: Arc::new(move |gap| on_gap.gap(gap)),
            on_lags: Some(Arc::new(move |lags, at| on_lags.lags(lags, at))),
        };
        let gave =
            |error: &dyn std::error::Error| CallError::Gave(format!("failed to watch {kind}: {error}"));
        let mut watch = parts.cluster.watch(spec, sink).map_err(|e| gave(&e))?;
        tokio::select! {
            biased;
            () = parts.halt.cancelled() => {
                return Err(CallError::Gave(format!("the run stopped before {kind} were watched")));
            }
            ready = watch.ready() => ready.map_err(|e| gave(&e))?,
        }
        watches.push(watch);
    }
    Ok(watches)
}

/// Cuts a subscription down to what is granted.
///
/// The run's namespaces do not exist yet when measurements start, so "in namespaces of the run" is watched
/// as "with the run's label", which the host puts on everything that the run makes and nothing else.
fn granted(
    parts: &RunParts,
    plan: &PlannedMeasurement,
    mut subscription: Subscription,
) -> Result<Subscription, String> {
    let target = ResourceRef {
        group: subscription.group.clone(),
        version: subscription.version.clone(),
        plural: subscription.plural.clone(),
        namespace: String::new(),
    };
    let grants = &plan.plugin.grants;
    let denied = |place: &str| {
        format!(
            "the plugin may not watch {target} {place}: ask for it in its manifest, and allow it in the scenario"
        )
    };
    let may = |namespace: &str| {
        [Verb::List, Verb::Watch]
            .into_iter()
            .all(|verb| grants.allows(verb, &target, namespace, parts.namespaces()))
    };
    if subscription.namespaces.is_empty() {
        if may("") {
            return Ok(subscription);
        }
        if ![Verb::List, Verb::Watch].into_iter().all(|verb| grants.covers(verb, &target)) {
            return Err(denied("anywhere"));
        }
        let own = format!("bench.dev/run-id={}", parts.run_id());
        if !subscription.label_selector.split(',').any(|part| part.trim() == own) {
            let others = std::mem::take(&mut subscription.label_selector);
            subscription.label_selector = if others.is_empty() { own } else { format!("{own},{others}") };
        }
        return Ok(subscription);
    }
    match subscription.namespaces.iter().find(|namespace| !may(namespace)) {
        Some(namespace) => Err(denied(&format!("in namespace `{namespace}`"))),
        None => Ok(subscription),
    }
}
