//! Nodes: their pod ranges, their way to `Ready`, their leases, and what becomes of pods without a node.
//!
//! Plays the node IPAM and node lifecycle controllers and the node half of kubelet. Every Node object is run here,
//! also one that a user made. Pods of a node that is gone are removed after 40 s, as the pod garbage collector does.

mod heartbeat;
mod manifest;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::heartbeat::{become_ready, renew_lease, report};
pub(super) use self::manifest::manifest;
use super::conditions;
use super::context::{Context, SyncError};
use super::kinds::Known;
use super::kubelet::addresses::Cidr;
use super::object_key::ObjectKey;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::store::{ChangeKind, Object};

/// Time from a node's end to the removal of its pods (`quarantineTime` of pod garbage collection).
const ORPHAN_QUARANTINE: Duration = Duration::from_secs(40);
/// Taint of a node that is not ready yet.
const NOT_READY_TAINT: &str = "node.kubernetes.io/not-ready";
/// Taint of a node that is closed for new pods.
const UNSCHEDULABLE_TAINT: &str = "node.kubernetes.io/unschedulable";

/// The node controllers.
#[derive(Debug)]
pub(super) struct Nodes {
    queue: WorkQueue<ObjectKey>,
    cluster: Option<Cidr>,
    /// Numbers of pod ranges in use.
    taken: BTreeSet<u32>,
    nodes: HashMap<ObjectKey, NodeRun>,
    /// When nodes went.
    gone: HashMap<ObjectKey, Instant>,
}

/// What is planned for one node.
#[derive(Debug)]
struct NodeRun {
    uid: Arc<str>,
    range: Option<u32>,
    ready_at: Option<Instant>,
    lease_at: Option<Instant>,
    report_at: Option<Instant>,
}

impl Nodes {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            queue: WorkQueue::new(),
            cluster: Cidr::parse(&context.node_settings.cluster_cidr),
            taken: BTreeSet::new(),
            nodes: HashMap::new(),
            gone: HashMap::new(),
        }
    }

    /// Starts to run a node that was not known.
    fn adopt(&mut self, key: &ObjectKey, node: &Object, context: &mut Context) -> Result<(), SyncError> {
        let value = node.value();
        let now = context.clock.instant();
        let status = value.get("status").cloned().unwrap_or_default();
        let ready = conditions::is_true(&status, "Ready");
        let present = value.pointer("/spec/podCIDR").and_then(Value::as_str).and_then(Cidr::parse);
        let range = present.and_then(|cidr| self.cluster?.subnet_number(cidr)).or_else(|| self.free_range());
        if let Some(range) = range {
            self.taken.insert(range);
        }
        if present.is_none() || !ready {
            let cidr =
                range.and_then(|range| self.cluster?.subnet(context.node_settings.pod_cidr_mask, range));
            context.update_free(node, |value| start(value, cidr, ready))?;
        }
        let life = &context.stages.node;
        let mut random = context.random.stream(&["node", &key.name]);
        let ready_at = (!ready).then(|| now + life.ready.draw(&mut random));
        let planned = |period: Duration| (!period.is_zero()).then_some(now);
        let first_report = planned(life.status_report).map(|_| now + life.status_report);
        let run = NodeRun {
            uid: node.uid.clone(),
            range,
            ready_at,
            lease_at: if ready { planned(life.lease_renewal) } else { None },
            report_at: first_report,
        };
        self.nodes.insert(key.clone(), run);
        self.gone.remove(key);
        Ok(())
    }

    fn free_range(&self) -> Option<u32> {
        (0..u32::MAX).find(|number| !self.taken.contains(number))
    }

    fn release(&mut self, key: &ObjectKey, now: Instant) {
        let Some(run) = self.nodes.remove(key) else { return };
        if let Some(range) = run.range {
            self.taken.remove(&range);
        }
        self.gone.insert(key.clone(), now);
        self.queue.add_at(key.clone(), now + ORPHAN_QUARANTINE);
    }

    /// Removes the pods of a node that has been gone for long enough.
    fn collect_orphans(&mut self, key: &ObjectKey, context: &Context) {
        let now = context.clock.instant();
        if self.gone.get(key).is_none_or(|since| *since + ORPHAN_QUARANTINE > now) {
            return;
        }
        self.gone.remove(key);
        for pod in context.pods.on_node(&key.name).cloned().collect::<Vec<_>>() {
            // Gone by another way is just as well.
            let _ = context.store.remove_now(&context.kinds.pods, &pod.key.namespace, pod.name());
        }
    }

    /// Does what is due for a node and plans the next time.
    fn run_due(&mut self, key: &ObjectKey, node: &Object, context: &mut Context) -> Result<(), SyncError> {
        let now = context.clock.instant();
        let Some(run) = self.nodes.get_mut(key) else { return Ok(()) };
        let life = context.stages.node.clone();
        if run.ready_at.is_some_and(|at| at <= now) {
            become_ready(node, context)?;
            run.ready_at = None;
            run.lease_at = (!life.lease_renewal.is_zero()).then_some(now);
        }
        if let Some(at) = run.lease_at.filter(|at| *at <= now) {
            let first = renew_lease(node, context)?;
            // Nodes that start together shall not renew together for ever.
            let share = context.random.number(&["lease", &key.name]) as f64 / u64::MAX as f64;
            let wait = if first { life.lease_renewal.mul_f64(share) } else { life.lease_renewal };
            run.lease_at = Some(at + wait);
        }
        if let Some(at) = run.report_at.filter(|at| *at <= now) {
            if run.ready_at.is_none() {
                report(node, context)?;
            }
            run.report_at = Some(at + life.status_report);
        }
        let next = [run.ready_at, run.lease_at, run.report_at].into_iter().flatten().min();
        if let Some(next) = next {
            self.queue.add_at(key.clone(), next);
        }
        Ok(())
    }
}

impl Controller for Nodes {
    fn observe(&mut self, seen: Seen<'_>, context: &Context) {
        if seen.known != Some(Known::Node) {
            return;
        }
        let key = ObjectKey::of(&seen.change.object);
        match seen.change.kind {
            ChangeKind::Added => self.queue.add(key),
            ChangeKind::Modified
                if is_closed(&seen.change.object) != has_closed_taint(&seen.change.object) =>
            {
                self.queue.add(key);
            }
            ChangeKind::Modified => {}
            ChangeKind::Deleted => self.release(&key, context.clock.instant()),
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let Some(node) = context.get(&context.kinds.nodes, "", &key.name) else {
            self.collect_orphans(key, context);
            return Ok(());
        };
        if self.nodes.get(key).is_none_or(|run| run.uid != node.uid) {
            self.adopt(key, &node, context)?;
        }
        if is_closed(&node) != has_closed_taint(&node) {
            taint_closed(&node, context)?;
        }
        self.run_due(key, &node, context)
    }
}

fn is_closed(node: &Object) -> bool {
    node.field("spec.unschedulable") == Some("true")
}

fn has_closed_taint(node: &Object) -> bool {
    let spec = node.member_value("spec");
    let taints = spec.get("taints").and_then(Value::as_array);
    taints.is_some_and(|taints| {
        taints.iter().any(|taint| taint.get("key") == Some(&UNSCHEDULABLE_TAINT.into()))
    })
}

/// Gives a node that was closed for new pods the taint for that, or takes it away.
fn taint_closed(node: &Object, context: &Context) -> Result<(), SyncError> {
    let now = context.clock.seconds();
    context.edit_free(node, |draft| {
        let spec = draft.map("spec");
        let taints = spec.entry("taints").or_insert_with(|| json!([]));
        let Some(list) = taints.as_array_mut() else { return };
        list.retain(|taint| taint.get("key").and_then(Value::as_str) != Some(UNSCHEDULABLE_TAINT));
        if is_closed(node) {
            list.push(json!({ "key": UNSCHEDULABLE_TAINT, "effect": "NoSchedule", "timeAdded": now }));
        }
        if list.is_empty() {
            spec.remove("taints");
        }
    })?;
    Ok(())
}

/// Gives a new node its pod range and, while it is not ready, the taint for that.
fn start(value: &mut Value, cidr: Option<Cidr>, ready: bool) {
    let Some(fields) = value.as_object_mut() else { return };
    let Some(spec) = fields.entry("spec").or_insert_with(|| json!({})).as_object_mut() else { return };
    if let Some(cidr) = cidr
        && !spec.contains_key("podCIDR")
    {
        spec.insert("podCIDR".into(), cidr.to_string().into());
        spec.insert("podCIDRs".into(), json!([cidr.to_string()]));
    }
    if !ready {
        let taints = spec.entry("taints").or_insert_with(|| json!([]));
        if let Some(taints) = taints.as_array_mut()
            && !taints.iter().any(|taint| taint.get("key").and_then(Value::as_str) == Some(NOT_READY_TAINT))
        {
            taints.push(json!({ "key": NOT_READY_TAINT, "effect": "NoSchedule" }));
        }
    }
}
