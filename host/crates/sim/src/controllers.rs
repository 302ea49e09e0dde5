//! The control plane of the simulated cluster: controllers, scheduler and kubelets.
//!
//! One task runs them all, one sync after the other, each on a cache that has seen every earlier write. Everything
//! that happens later (a stage of a pod's life, a retry, a lease) is a key in a queue with its moment, so that a
//! thousand nodes and twenty thousand pods need no task of their own. With the same seed, clock and requests the
//! same things happen in the same order. Nothing here knows HTTP: all reading and writing is through [`Store`].

mod bootstrap;
mod budget;
mod conditions;
mod context;
mod daemon_set;
mod deployment;
mod endpoints;
mod events;
mod garbage;
mod job;
mod kinds;
mod kubelet;
mod labels;
mod namespaces;
mod nodes;
mod object_key;
mod owners;
mod pod_template;
mod pods;
mod quantity;
mod queue;
mod replica_set;
mod revisions;
mod scheduler;
mod service_accounts;
pub mod settings;
mod spec_cache;
mod stateful_set;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::HashSet;
use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::budget::Budget;
use self::context::{Context, SyncError};
use self::kinds::{Kinds, Known};
use self::object_key::ObjectKey;
use self::pods::PodChange;
use self::queue::WorkQueue;
use self::settings::{ControlSettings, NodeSettings, RequestLimit};
use crate::registry::KindId;
use crate::stage::Stages;
use crate::store::{Change, Store};

/// Syncs between two moments at which other tasks of the runtime get their turn.
const SYNCS_PER_TURN: usize = 32;

/// A change, as controllers see it.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    /// The kind, if controllers know it.
    known: Option<Known>,
    change: &'a Change,
    /// Present for pods.
    pod: Option<&'a PodChange>,
}

/// One controller: notes what to look at, then brings it to what is wished.
trait Controller: Send {
    /// Adds the keys that a change concerns.
    fn observe(&mut self, seen: Seen<'_>, context: &Context);
    /// The keys that wait.
    fn queue(&mut self) -> &mut WorkQueue<ObjectKey>;
    /// Brings one object nearer to its wished state.
    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError>;
}

struct Slot {
    controller: Box<dyn Controller>,
    budget: Budget,
}

/// All controllers of one simulated cluster.
pub struct ControlPlane {
    context: Context,
    slots: Vec<Slot>,
    feeds: Vec<UnboundedReceiver<Change>>,
    /// Kinds that the feeds cover.
    covered: HashSet<KindId>,
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ControlPlane").field("controllers", &self.slots.len()).finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// Makes the controllers, and in the store what every cluster has: namespaces, nodes, storage classes.
    ///
    /// `None` when the store lacks a built-in kind.
    pub fn new(
        store: Store,
        seed: u64,
        stages: Stages,
        settings: ControlSettings,
        nodes: NodeSettings,
    ) -> Option<Self> {
        let kinds = Kinds::find(&store)?;
        let (usual, scheduler) = (settings.controller_limit, settings.scheduler_limit);
        let context = Context::new(store, kinds, seed, stages, settings, nodes);
        let slot = |controller: Box<dyn Controller>, limit: Option<RequestLimit>| Slot {
            controller,
            budget: Budget::new(limit),
        };
        let slots = vec![
            slot(Box::new(service_accounts::ServiceAccounts::new()), usual),
            slot(Box::new(nodes::Nodes::new(&context)), None),
            slot(Box::new(deployment::Deployments::new()), usual),
            slot(Box::new(stateful_set::StatefulSets::new()), usual),
            slot(Box::new(daemon_set::DaemonSets::new()), usual),
            slot(Box::new(job::Jobs::new()), usual),
            slot(Box::new(replica_set::ReplicaSets::new()), usual),
            slot(Box::new(volumes::Volumes::new()), usual),
            slot(Box::new(scheduler::Scheduler::new()), scheduler),
            slot(Box::new(kubelet::Kubelets::new()), None),
            slot(Box::new(endpoints::Endpoints::new()), usual),
            slot(Box::new(namespaces::Namespaces::new()), usual),
            slot(Box::new(garbage::GarbageCollector::new()), usual),
        ];
        let mut plane = Self { context, slots, feeds: Vec::new(), covered: HashSet::new() };
        bootstrap::fill(&mut plane.context);
        plane.cover_new_kinds();
        Some(plane)
    }

    /// Runs until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            for _ in 0..SYNCS_PER_TURN {
                self.absorb();
                if !self.sync_round() {
                    break;
                }
            }
            let now = self.context.clock.instant();
            let expiry = self.context.events.expire(now);
            let planned = self.slots.iter_mut().filter_map(|slot| slot.controller.queue().next(now)).min();
            let next = planned.into_iter().chain(expiry).min();
            if next.is_some_and(|next| next <= now) {
                tokio::task::yield_now().await;
                if stop.is_cancelled() {
                    return;
                }
                continue;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                change = next_change(&mut self.feeds) => self.take(&change),
                () = sleep_until(next) => {}
            }
        }
    }

    /// Takes over everything that the store has to say.
    fn absorb(&mut self) {
        while let Some(change) = self.feeds.iter_mut().find_map(|feed| feed.try_recv().ok()) {
            self.take(&change);
        }
    }

    fn take(&mut self, change: &Change) {
        let known = self.context.kinds.which(change.object.kind.id);
        self.context.owners.apply(change);
        let pod = (known == Some(Known::Pod)).then(|| self.context.pods.apply(change));
        let seen = Seen { known, change, pod: pod.as_ref() };
        for slot in &mut self.slots {
            slot.controller.observe(seen, &self.context);
        }
        if known == Some(Known::Definition) {
            self.cover_new_kinds();
        }
    }

    /// Lets every controller sync one key; false when none had any.
    fn sync_round(&mut self) -> bool {
        let mut any = false;
        for idx in 0..self.slots.len() {
            any |= self.sync_one(idx);
            // The next controller must see what this one wrote.
            self.absorb();
        }
        any
    }

    fn sync_one(&mut self, idx: usize) -> bool {
        let now = self.context.clock.instant();
        let Some(slot) = self.slots.get_mut(idx) else { return false };
        let Some(key) = slot.controller.queue().pop(now) else { return false };
        std::mem::swap(&mut slot.budget, &mut self.context.budget);
        let result = slot.controller.sync(&key, &mut self.context);
        std::mem::swap(&mut slot.budget, &mut self.context.budget);
        let queue = slot.controller.queue();
        match result {
            Ok(()) => queue.forget(&key),
            Err(SyncError::Throttled(at)) => queue.add_at(key, at),
            // Lost races heal themselves: the other write is in the feed by now.
            Err(SyncError::Refused(status)) if matches!(status.code, 404 | 409 | 500..) => {
                queue.retry(key, now)
            }
            Err(SyncError::Refused(status)) => tracing::debug!(%key, %status, "controller was refused"),
            Err(SyncError::Unreadable(error)) => {
                tracing::debug!(%key, error, "controller cannot read object")
            }
        }
        true
    }

    /// Subscribes to kinds that no feed covers yet, as custom resource definitions add them.
    fn cover_new_kinds(&mut self) {
        let events = self.context.kinds.events.id;
        let new: Vec<_> = self
            .context
            .store
            .kinds()
            .into_iter()
            .filter(|kind| kind.id != events && self.covered.insert(kind.id))
            .collect();
        if !new.is_empty() {
            self.feeds.push(self.context.store.subscribe(&new));
        }
    }
}

/// Waits for the next change; for ever when the store is gone.
async fn next_change(feeds: &mut [UnboundedReceiver<Change>]) -> Change {
    poll_fn(|task| {
        for feed in feeds.iter_mut() {
            if let Poll::Ready(Some(change)) = feed.poll_recv(task) {
                return Poll::Ready(change);
            }
        }
        Poll::Pending
    })
    .await
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
