//! The kubelets of all nodes: bring pods to life stage by stage, and to their end.
//!
//! What happens when is data (`stage`); this file turns it into status writes, events and addresses. All pending
//! transitions of all pods are keys in one queue. Stages that are due at the same moment become one status write.
//! One stage is run in `kubelet/step`, status itself is computed in `kubelet/status`, the choice of addresses is in
//! `kubelet/addresses`.

pub(super) mod addresses;
mod reports;
mod run;
mod spec;
mod stages;
mod status;
mod step;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use self::addresses::{AddressPool, Cidr};
use self::run::{ContainerState, PodRun, Progress};
use self::spec::PodWire;
use self::stages::{life_cycle, plan_stage, restart_containers, stream};
use super::context::{Context, SyncError};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pods::Pod;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::random::fnv1a;
use crate::store::{Change, ChangeKind};

/// All kubelets.
#[derive(Debug)]
pub(super) struct Kubelets {
    queue: WorkQueue<ObjectKey>,
    runs: HashMap<ObjectKey, PodRun>,
    nodes: HashMap<Arc<str>, NodeFacts>,
    /// How many pods of a name there were, by hash of the name.
    incarnations: HashMap<u64, u32>,
}

/// What a kubelet knows of its node.
#[derive(Debug)]
struct NodeFacts {
    address: Box<str>,
    pool: Option<AddressPool>,
    /// Pods that wait for an address.
    waiting: VecDeque<ObjectKey>,
}

impl Kubelets {
    pub(super) fn new() -> Self {
        Self {
            queue: WorkQueue::new(),
            runs: HashMap::new(),
            nodes: HashMap::new(),
            incarnations: HashMap::new(),
        }
    }

    fn observe_node(&mut self, change: &Change, context: &Context) {
        let name: Arc<str> = Arc::from(&*change.object.name);
        if change.kind == ChangeKind::Deleted {
            self.nodes.remove(&name);
            return;
        }
        let value = change.object.value();
        let cidr = value.pointer("/spec/podCIDR").and_then(Value::as_str).and_then(Cidr::parse);
        let facts = self.nodes.entry(name.clone()).or_insert_with(|| NodeFacts {
            address: "".into(),
            pool: None,
            waiting: VecDeque::new(),
        });
        facts.address = internal_address(&value).into();
        if facts.pool.is_none() {
            facts.pool = cidr.map(AddressPool::new);
        }
        if change.kind == ChangeKind::Added {
            for pod in context.pods.on_node(&name) {
                self.queue.add(pod.key.clone());
            }
        }
    }

    /// Ends the run of a pod that is gone, and gives its address to one that waits.
    fn drop_run(&mut self, key: &ObjectKey) {
        if let Some(mut run) = self.runs.remove(key) {
            self.give_back(&mut run);
        }
    }

    fn give_back(&mut self, run: &mut PodRun) {
        let Some(address) = run.address.take() else { return };
        let Some(facts) = self.nodes.get_mut(&run.node) else { return };
        if let Some(pool) = &mut facts.pool {
            pool.give_back(address);
        }
        if let Some(next) = facts.waiting.pop_front() {
            if let Some(waiting) = self.runs.get_mut(&next) {
                waiting.stage_due = Some(Instant::now());
            }
            self.queue.add(next);
        }
    }

    fn start_run(&mut self, pod: &Pod, node: &Arc<str>, context: &Context) {
        let name = fnv1a(pod.key.to_string().as_bytes());
        let incarnation = self.incarnations.entry(name).or_insert(0);
        *incarnation += 1;
        let wire = Arc::new(PodWire::read(&pod.object));
        let mut run = PodRun {
            read: (pod.object.clone(), wire.clone()),
            uid: pod.uid().into(),
            node: node.clone(),
            incarnation: *incarnation,
            address: None,
            stage: 0,
            stage_due: None,
            failures: 0,
            end_due: None,
            end_code: 0,
            restart_due: None,
            stop_due: None,
            progress: Progress::new(!wire.spec.init_containers.is_empty()),
        };
        let life = life_cycle(pod, context);
        plan_stage(&mut run, pod, &wire, life, context.clock.instant(), context);
        self.runs.insert(pod.key.clone(), run);
    }

    /// Starts to stop a pod that is being deleted, or shortens its time.
    fn plan_stop(&mut self, pod: &Pod, context: &mut Context) {
        let Some(grace) = pod.deletion_grace else { return };
        let now = context.clock.instant();
        let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
        let Some(run) = self.runs.get_mut(&pod.key) else { return };
        if let Some((due, killed)) = run.stop_due {
            run.stop_due = Some((due.min(now + grace), killed || now + grace < due));
            return;
        }
        let running = matches!(run.progress.containers, ContainerState::Running { .. });
        let life = life_cycle(pod, context);
        let mut random = stream("termination", pod, run, context);
        let takes = life.termination.draw(&mut random);
        run.stop_due = Some((now + takes.min(grace), running && takes > grace));
        if running {
            let wire = run.wire(pod);
            reports::killing(pod, &wire, &run.node, context);
        }
    }

    /// Ends a pod whose containers have stopped.
    fn finish_stop(&mut self, pod: &Pod, killed: bool, context: &mut Context) -> Result<(), SyncError> {
        let Some(mut run) = self.runs.remove(&pod.key) else { return Ok(()) };
        let now = context.clock.seconds();
        let was_finished = run.progress.finished;
        if !was_finished && run.progress.reached.is_some() {
            run.progress.containers = run.progress.containers.ended(if killed { 137 } else { 0 }, &now);
            run.progress.finished = true;
            let wire = run.wire(pod);
            self.write_status(pod, &wire, &run, context)?;
        }
        self.give_back(&mut run);
        match context.store.remove_now(&pod.object.kind, &pod.key.namespace, pod.name()) {
            Err(status) if status.code != 404 => Err(status.into()),
            _ => Ok(()),
        }
    }

    /// Does everything that is due, with one status write.
    fn advance(&mut self, pod: &Pod, context: &mut Context) -> Result<(), SyncError> {
        let Some(mut run) = self.runs.remove(&pod.key) else { return Ok(()) };
        let wire = run.wire(pod);
        let mut changed = false;
        let now = context.clock.instant();
        while let Some(due) = run.next().filter(|due| *due <= now) {
            if run.end_due == Some(due) {
                let life = life_cycle(pod, context).clone();
                let code = run.end_code;
                self.crash(&mut run, pod, &wire, &life, code, context);
                changed = true;
            } else if run.restart_due == Some(due) {
                restart_containers(&mut run, pod, &wire, due, context);
                changed = true;
            } else {
                changed |= self.run_stage(&mut run, pod, &wire, due, context);
            }
        }
        let written = if changed { self.write_status(pod, &wire, &run, context) } else { Ok(()) };
        if run.progress.finished {
            self.give_back(&mut run);
        }
        if let Some(next) = run.next() {
            self.queue.add_at(pod.key.clone(), next);
        }
        self.runs.insert(pod.key.clone(), run);
        written
    }

    fn write_status(
        &self,
        pod: &Pod,
        wire: &PodWire,
        run: &PodRun,
        context: &Context,
    ) -> Result<(), SyncError> {
        let host_address = self.nodes.get(&run.node).map_or("", |facts| &facts.address);
        let now = context.clock.seconds();
        let inputs = status::Inputs {
            uid: &run.uid,
            pod: wire,
            progress: &run.progress,
            host_address,
            random: context.random,
            omit: &life_cycle(pod, context).omit_conditions,
            now: &now,
        };
        context.edit_free(&pod.object, |pod| status::write(pod, inputs))?;
        Ok(())
    }
}

impl Controller for Kubelets {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        if seen.known == Some(Known::Node) {
            return self.observe_node(seen.change, context);
        }
        let Some(change) = seen.pod else { return };
        let Some(pod) = &change.after else {
            if let Some(before) = &change.before {
                self.drop_run(&before.key);
            }
            return;
        };
        let before = change.before.as_ref();
        let is_new = pod.node.is_some() && before.is_none_or(|before| before.node.is_none());
        let is_deleted = pod.node.is_some()
            && pod.deletion_grace.is_some()
            && before.and_then(|before| before.deletion_grace) != pod.deletion_grace;
        if is_new || is_deleted {
            self.queue.add(pod.key.clone());
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(pod) = context.pods.get(key).cloned() else {
            self.drop_run(key);
            return Ok(());
        };
        let Some(node) = pod.node.clone().filter(|node| self.nodes.contains_key(node)) else { return Ok(()) };
        if self.runs.get(key).is_some_and(|run| *run.uid != *pod.uid()) {
            self.drop_run(key);
        }
        if !self.runs.contains_key(key) {
            self.start_run(&pod, &node, context);
        }
        self.plan_stop(&pod, context);
        let stop = self.runs.get(key).and_then(|run| run.stop_due);
        match stop {
            Some((due, killed)) if due <= context.clock.instant() => self.finish_stop(&pod, killed, context),
            Some((due, _)) => {
                self.queue.add_at(key.clone(), due);
                Ok(())
            }
            None => self.advance(&pod, context),
        }
    }
}

fn internal_address(node: &Value) -> &str {
    let list = node.pointer("/status/addresses").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .find(|entry| entry.get("type").and_then(Value::as_str) == Some("InternalIP"))
        .and_then(|entry| entry.get("address").and_then(Value::as_str))
        .unwrap_or_default()
}
