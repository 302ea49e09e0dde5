//! The scheduler: gives each pod a node, or says why there is none.
//!
//! One pod after the other, as upstream: filter, score, assume, bind. A pod that found no node waits until something
//! changes that may help (a pod ends, a node or a volume changes), yet never less than its backoff. No preemption, no
//! inter-pod affinity, no topology spread constraints; pods of one controller are spread by a score.

mod claims;
mod filter;
mod node_info;
mod observe;
mod score;
#[cfg(test)]
mod tests;
mod wishes;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::claims::{SELECTED_NODE, waits_for_consumer};
use self::filter::Refusal;
pub(super) use self::node_info::Taint;
use self::node_info::{Load, NodeInfo, Share};
pub(super) use self::wishes::Wishes;
use super::conditions::{self, Condition, Times};
use super::context::{Context, SyncError};
use super::events::{Report, Reporter};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pods::Pod;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::random::fnv1a;
use crate::store::Draft;

const NAME: &str = "default-scheduler";
/// `minFeasibleNodesToFind`: below this number of nodes all are asked.
const FEW_NODES: usize = 100;

/// The scheduler.
#[derive(Debug)]
pub(super) struct Scheduler {
    queue: WorkQueue<ObjectKey>,
    nodes: BTreeMap<Arc<str>, NodeInfo>,
    /// What is counted on which node, by pod: bound pods and those about to be bound.
    counted: HashMap<ObjectKey, (Arc<str>, Share)>,
    /// Loads of nodes that are not known (yet).
    homeless: HashMap<Arc<str>, Load>,
    /// Pods with a node but without a binding yet.
    assumed: HashMap<ObjectKey, Assumed>,
    /// Failed attempts of pods, and the time of the last one.
    failed: HashMap<ObjectKey, Failed>,
    /// Pods that wait for a change.
    parked: BTreeMap<ObjectKey, Instant>,
    /// Where the search for nodes goes on.
    next_node: usize,
}

#[derive(Debug, Clone)]
struct Assumed {
    uid: Arc<str>,
    node: Arc<str>,
    /// The earliest time of the binding.
    due: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    attempts: u32,
    last: Instant,
}

/// What came out of an attempt.
enum Attempt {
    Node(Arc<str>),
    Nowhere(String),
}

impl Scheduler {
    pub(super) fn new() -> Self {
        Self {
            queue: WorkQueue::new(),
            nodes: BTreeMap::new(),
            counted: HashMap::new(),
            homeless: HashMap::new(),
            assumed: HashMap::new(),
            failed: HashMap::new(),
            parked: BTreeMap::new(),
            next_node: 0,
        }
    }

    fn schedule(&mut self, pod: &Arc<Pod>, context: &mut Context) -> Result<(), SyncError> {
        let wishes = Wishes::read(&pod.object);
        let claims = match claims::read(pod, context) {
            Ok(claims) => claims,
            Err(reason) => {
                let message = filter::message_before_nodes(self.nodes.len(), &reason);
                return self.park(pod, &message, context);
            }
        };
        match self.choose(pod, &wishes, &claims.affinities, context) {
            Attempt::Nowhere(message) => self.park(pod, &message, context),
            Attempt::Node(node) => {
                claims::select_node(&claims.unbound, &node, context)?;
                let mut random = context.random.stream(&["scheduling", &pod.key.namespace, &pod.key.name]);
                let due = context.clock.instant() + context.settings.scheduler.latency.draw(&mut random);
                self.count(&pod.key, &node, share(pod));
                self.assumed.insert(pod.key.clone(), Assumed { uid: pod.uid().into(), node, due });
                self.bind(pod, context)
            }
        }
    }

    fn choose(
        &mut self,
        pod: &Pod,
        wishes: &Wishes,
        volumes: &[wishes::NodeSelector],
        context: &Context,
    ) -> Attempt {
        let share = share(pod);
        let n_nodes = self.nodes.len();
        let enough = feasible_nodes_to_find(n_nodes);
        let start = if n_nodes == 0 { 0 } else { self.next_node % n_nodes };
        let (mut feasible, mut refusals, mut asked) = (Vec::new(), Vec::<Refusal>::new(), 0);
        let around = self.nodes.values().skip(start).chain(self.nodes.values().take(start));
        for node in around {
            asked += 1;
            match filter::check(node, wishes, &share, volumes) {
                Ok(()) => feasible.push(node),
                Err(refusal) => refusals.push(refusal),
            }
            if feasible.len() >= enough {
                break;
            }
        }
        let best = score::best(&feasible, wishes, &share);
        let draw = context.random.number(&["node choice", &pod.key.namespace, &pod.key.name]);
        let place = usize::try_from(draw % (best.len().max(1) as u64)).unwrap_or(0);
        let chosen = best.get(place).and_then(|idx| feasible.get(*idx));
        let attempt = match chosen {
            Some(node) => Attempt::Node(node.name().into()),
            None => Attempt::Nowhere(filter::message(&refusals)),
        };
        self.next_node = start + asked;
        attempt
    }

    /// Binds an assumed pod if it is time and its volumes are there.
    fn bind(&mut self, pod: &Arc<Pod>, context: &mut Context) -> Result<(), SyncError> {
        let Some(assumed) = self.assumed.get(&pod.key).cloned() else { return Ok(()) };
        if *assumed.uid != *pod.uid() {
            self.assumed.remove(&pod.key);
            self.uncount(&pod.key);
            self.queue.add(pod.key.clone());
            return Ok(());
        }
        if assumed.due > context.clock.instant() {
            self.queue.add_at(pod.key.clone(), assumed.due);
            return Ok(());
        }
        // A change of a claim brings the pod here again.
        if claims::read(pod, context).is_ok_and(|claims| !claims.unbound.is_empty()) {
            return Ok(());
        }
        let now = context.clock.seconds();
        let node = assumed.node.clone();
        context.edit(&pod.object, |draft| write_binding(draft, &node, &now))?;
        let message = format!("Successfully assigned {}/{} to {node}", pod.key.namespace, pod.key.name);
        context.events.record(Report {
            about: &pod.object,
            field_path: None,
            warning: false,
            reason: "Scheduled",
            message: &message,
            reporter: Reporter::Scheduler("Binding"),
        });
        Ok(())
    }

    /// Notes that there is no node for a pod, and tells.
    fn park(&mut self, pod: &Arc<Pod>, message: &str, context: &mut Context) -> Result<(), SyncError> {
        let time = context.clock.seconds();
        context.edit(&pod.object, |draft| {
            let condition = Condition {
                kind: "PodScheduled",
                status: "False",
                reason: Some("Unschedulable"),
                message: Some(message),
                observed_generation: Some(draft.object().generation),
            };
            conditions::set(draft.status(), Times::ProbeNull, condition, &time);
        })?;
        let now = context.clock.instant();
        let failed = self.failed.entry(pod.key.clone()).or_insert(Failed { attempts: 0, last: now });
        *failed = Failed { attempts: failed.attempts.saturating_add(1), last: now };
        self.parked.insert(pod.key.clone(), now);
        self.queue.add_at(pod.key.clone(), now + context.settings.scheduler.flush);
        context.events.record(Report {
            about: &pod.object,
            field_path: None,
            warning: true,
            reason: "FailedScheduling",
            message,
            reporter: Reporter::Scheduler("Scheduling"),
        });
        Ok(())
    }
}

impl Controller for Scheduler {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        if let Some(pod) = seen.pod {
            return self.observe_pod(pod, context);
        }
        match seen.known {
            Some(Known::Node) => self.observe_node(seen.change, context),
            Some(Known::Claim | Known::Volume | Known::StorageClass) => {
                self.wake(context);
                for key in self.assumed.keys() {
                    self.queue.add(key.clone());
                }
            }
            Some(_) | None => {}
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(pod) = context.pods.get(key).cloned().filter(|pod| is_pending(pod)) else {
            self.forget(key);
            return Ok(());
        };
        if self.assumed.contains_key(key) {
            return self.bind(&pod, context);
        }
        // A flush that was planned long ago may come while the pod's turn is not due.
        if let Some(since) = self.parked.get(key)
            && *since + context.settings.scheduler.flush > context.clock.instant()
        {
            return Ok(());
        }
        self.parked.remove(key);
        self.schedule(&pod, context)
    }
}

fn is_pending(pod: &Pod) -> bool {
    pod.node.is_none()
        && !pod.spec.gated
        && !pod.object.deletion
        && !pod.is_terminal()
        && (&*pod.spec.scheduler == NAME || pod.spec.scheduler.is_empty())
}

fn share(pod: &Pod) -> Share {
    Share {
        requests: pod.spec.requests,
        host_ports: pod.spec.host_ports.clone(),
        owner: pod.owner.as_ref().map(|owner| fnv1a(owner.uid.as_bytes())),
    }
}

/// What the binding subresource does to a pod. The generation stays, although the spec changes: as upstream.
fn write_binding(pod: &mut Draft<'_>, node: &str, now: &str) {
    pod.map("spec").insert("nodeName".into(), node.into());
    let condition = Condition {
        kind: "PodScheduled",
        status: "True",
        observed_generation: Some(pod.object().generation),
        ..Condition::default()
    };
    conditions::set(pod.status(), Times::ProbeNull, condition, now);
}

/// 1 s, doubled with each attempt, at most 10 s (`podInitialBackoffSeconds`, `podMaxBackoffSeconds`).
fn backoff(attempts: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(2u32.saturating_pow(attempts.saturating_sub(1))).min(longest)
}

/// `numFeasibleNodesToFind`: with many nodes it is enough to look at some.
fn feasible_nodes_to_find(n_nodes: usize) -> usize {
    if n_nodes < FEW_NODES {
        return n_nodes.max(1);
    }
    let percent = 50usize.saturating_sub(n_nodes / 125).max(5);
    (n_nodes * percent / 100).max(FEW_NODES)
}
