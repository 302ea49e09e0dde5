//! Nodes: their pod ranges, their way to `Ready`, their leases, and what becomes of pods without a node.
//!
//! Plays the node IPAM and node lifecycle controllers and the node half of kubelet. Every Node object is run here,
//! also one that a user made. Pods of a node that is gone are removed after 40 s, as the pod garbage collector does.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::conditions::{self, Condition, Times};
use super::context::{Context, SyncError};
use super::kinds::Known;
use super::kubelet::addresses::Cidr;
use super::object_key::ObjectKey;
use super::queue::WorkQueue;
use super::settings::NodeSettings;
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

/// Writes all that kubelet says about its node, and takes the taint away.
fn become_ready(node: &Object, context: &Context) -> Result<(), SyncError> {
    let (settings, now) = (&context.node_settings, context.clock.seconds());
    let number = context.random.number(&["node address", &node.name]);
    let name = node.name.to_string();
    context.update_free(node, |value| {
        if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
            && let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut)
        {
            taints.retain(|taint| taint.get("key").and_then(Value::as_str) != Some(NOT_READY_TAINT));
            if taints.is_empty() {
                spec.remove("taints");
            }
        }
        // Far above the addresses of the nodes of the start.
        let address = node_address(65_536 + u32::try_from(number % 65_536).unwrap_or(0));
        let known = status(settings, &name, address, &now);
        let Some(status) = conditions::status_of(value) else { return };
        for (field, wanted) in known {
            match status.get(&field) {
                // What a user set (capacity above all) stays.
                Some(present) if field != "conditions" && !present.is_null() && present != &json!({}) => {}
                _ => drop(status.insert(field, wanted)),
            }
        }
        if let Some(capacity) = status.get("capacity").cloned() {
            status.insert("allocatable".into(), capacity);
        }
    })?;
    Ok(())
}

/// Moves the heartbeat times of the conditions on.
fn report(node: &Object, context: &Context) -> Result<(), SyncError> {
    let now = context.clock.seconds();
    context.update_free(node, |value| {
        let list = value.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        for condition in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            condition.insert("lastHeartbeatTime".into(), now.as_str().into());
        }
    })?;
    Ok(())
}

/// Renews the lease of a node; true when there was none and it was made.
fn renew_lease(node: &Object, context: &Context) -> Result<bool, SyncError> {
    const NAMESPACE: &str = "kube-node-lease";
    let leases = &context.kinds.leases;
    if let Some(lease) = context.get(leases, NAMESPACE, &node.name) {
        let now = context.clock.micros();
        context.edit_free(&lease, |lease| {
            lease.map("spec").insert("renewTime".into(), now.into());
        })?;
        return Ok(false);
    }
    let lease = json!({
        "metadata": {
            "name": node.name,
            "ownerReferences": [{ "apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid }],
        },
        "spec": {
            "holderIdentity": node.name,
            "leaseDurationSeconds": context.stages.node.lease_duration.as_secs(),
            "renewTime": context.clock.micros(),
        },
    });
    context.store.create(leases, NAMESPACE, lease)?;
    Ok(true)
}

/// Returns the Node object number so-and-so of the start, ready.
pub(super) fn manifest(settings: &NodeSettings, number: u32, now: &str) -> Value {
    let name = format!("{}{number}", settings.name_prefix);
    let mut labels = json!({
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
    });
    let zone = usize::try_from(number)
        .ok()
        .and_then(|number| settings.zones.iter().cycle().nth(number % settings.zones.len().max(1)));
    if let (Some(labels), Some(zone)) = (labels.as_object_mut(), zone) {
        labels.insert("topology.kubernetes.io/zone".into(), zone.as_str().into());
    }
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(settings.labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
    }
    let mut annotations = Map::new();
    annotations.insert("node.alpha.kubernetes.io/ttl".into(), "0".into());
    annotations.insert("volumes.kubernetes.io/controller-managed-attach-detach".into(), "true".into());
    annotations.extend(settings.annotations.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
    let mut spec = json!({});
    let cidr =
        Cidr::parse(&settings.cluster_cidr).and_then(|range| range.subnet(settings.pod_cidr_mask, number));
    if let (Some(spec), Some(cidr)) = (spec.as_object_mut(), cidr) {
        spec.insert("podCIDR".into(), cidr.to_string().into());
        spec.insert("podCIDRs".into(), json!([cidr.to_string()]));
    }
    if !settings.taints.is_empty()
        && let (Some(spec), Ok(taints)) = (spec.as_object_mut(), serde_json::to_value(&settings.taints))
    {
        spec.insert("taints".into(), taints);
    }
    json!({
        "metadata": { "name": name, "labels": labels, "annotations": annotations },
        "spec": spec,
        "status": status(settings, &name, node_address(number), now),
    })
}

/// The status of a ready node.
fn status(settings: &NodeSettings, name: &str, address: Ipv4Addr, now: &str) -> Map<String, Value> {
    let mut status = Map::new();
    let resources = json!({
        "cpu": settings.cpu,
        "ephemeral-storage": settings.ephemeral_storage,
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": settings.memory,
        "pods": settings.pods.to_string(),
    });
    status.insert(
        "addresses".into(),
        json!([
            { "type": "InternalIP", "address": address.to_string() },
            { "type": "Hostname", "address": name },
        ]),
    );
    status.insert("allocatable".into(), resources.clone());
    status.insert("capacity".into(), resources);
    for (kind, value, reason, message) in [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ] {
        let condition = Condition {
            kind,
            status: value,
            reason: Some(reason),
            message: Some(message),
            observed_generation: None,
        };
        conditions::set(&mut status, Times::Heartbeat, condition, now);
    }
    status.insert("daemonEndpoints".into(), json!({ "kubeletEndpoint": { "Port": 10250 } }));
    status.insert(
        "nodeInfo".into(),
        json!({
            "architecture": "amd64",
            "bootID": "",
            "containerRuntimeVersion": "containerd://2.2.0",
            "kernelVersion": "6.12.0",
            "kubeProxyVersion": "",
            "kubeletVersion": settings.kubelet_version,
            "machineID": "",
            "operatingSystem": "linux",
            "osImage": "bench simulated node",
            "systemUUID": "",
        }),
    );
    status
}

/// 172.18.0.2 and following.
fn node_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 18, 0, 2)).saturating_add(number))
}
