//! EndpointSlices and Endpoints of Services with a selector.
//!
//! One slice for each hundred addresses, as upstream fills them at first; slices are rewritten from the start, not
//! repacked with as few changes as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::context::{Context, SyncError, controller_reference};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::pods::Pod;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::registry::KindRef;
use crate::store::{ChangeKind, Object};

/// `--max-endpoints-per-slice`.
const PER_SLICE: usize = 100;
const MANAGED_BY: &str = "endpointslice-controller.k8s.io";

/// The endpoint and endpoint slice controllers.
#[derive(Debug)]
pub(super) struct Endpoints {
    queue: WorkQueue<ObjectKey>,
    /// Selectors of all Services, by key.
    selectors: BTreeMap<ObjectKey, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    selector: BTreeMap<String, String>,
    ports: Vec<Port>,
    publish_not_ready_addresses: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    name: String,
    port: u32,
    protocol: String,
    target_port: Value,
}

impl Endpoints {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new(), selectors: BTreeMap::new() }
    }

    /// Adds the Services of a namespace that select a pod.
    fn add_services_of(&mut self, pod: &Pod) {
        let first = ObjectKey { namespace: pod.key.namespace.clone(), name: "".into() };
        let of_namespace =
            self.selectors.range(first..).take_while(|(key, _)| key.namespace == pod.key.namespace);
        for (key, selector) in of_namespace {
            if selector.iter().all(|(label, value)| pod.object.label(label) == Some(value)) {
                self.queue.add(key.clone());
            }
        }
    }
}

impl Controller for Endpoints {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        if let Some(change) = seen.pod {
            if self.selectors.is_empty() {
                return;
            }
            let look = |pod: &Option<Arc<Pod>>| {
                pod.as_ref()
                    .map(|pod| (pod.is_ready(), pod.address.clone(), pod.object.deletion, pod.is_terminal()))
            };
            let relabeled = match (&change.before, &change.after) {
                (Some(before), Some(after)) => before.object.labels != after.object.labels,
                _ => true,
            };
            if relabeled || look(&change.before) != look(&change.after) {
                for pod in [&change.before, &change.after].into_iter().flatten() {
                    self.add_services_of(pod);
                }
            }
            return;
        }
        if seen.known != Some(Known::Service) {
            return;
        }
        let key = ObjectKey::of(&seen.change.object);
        self.selectors.remove(&key);
        if seen.change.kind != ChangeKind::Deleted
            && let Ok(wire) = seen.change.object.decode::<Wire>()
            && !wire.spec.selector.is_empty()
        {
            self.selectors.insert(key.clone(), wire.spec.selector);
        }
        self.queue.add(key);
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let kinds = context.kinds.clone();
        let Some(service) = context.get(&kinds.services, &key.namespace, &key.name) else {
            // Slices follow by their owner reference; Endpoints have none.
            if let Some(endpoints) = context.get(&kinds.endpoints, &key.namespace, &key.name) {
                context.delete(&endpoints, None)?;
            }
            return Ok(());
        };
        let wire: Wire = service.decode()?;
        if service.deletion || wire.spec.selector.is_empty() {
            return Ok(());
        }
        let pods = selected(&service, &wire, context);
        write_slices(&service, &wire, &pods, context)?;
        let subsets = subsets(&wire, &pods);
        let labels = labels_of(&service, &[("endpoints.kubernetes.io/managed-by", "endpoint-controller")]);
        let endpoints = json!({ "metadata": { "name": key.name, "labels": labels }, "subsets": subsets });
        put(&kinds.endpoints, &key.namespace, &key.name, endpoints, &["subsets"], context)
    }
}

/// Pods behind a Service that have an address, by name.
fn selected(service: &Object, wire: &Wire, context: &Context) -> Vec<Arc<Pod>> {
    let mut pods: Vec<_> = context
        .store
        .list(&context.kinds.pods, Some(&service.namespace))
        .into_iter()
        .filter(|pod| wire.spec.selector.iter().all(|(label, value)| pod.label(label) == Some(value)))
        .filter_map(|pod| context.pods.get(&ObjectKey::of(&pod)).cloned())
        .filter(|pod| pod.address.is_some() && !pod.is_terminal())
        .collect();
    pods.sort_by(|left, right| left.key.cmp(&right.key));
    pods
}

fn write_slices(
    service: &Object,
    wire: &Wire,
    pods: &[Arc<Pod>],
    context: &mut Context,
) -> Result<(), SyncError> {
    let kind = context.kinds.endpoint_slices.clone();
    let ports: Vec<Value> = wire.spec.ports.iter().map(|port| port_of(port, pods.first())).collect();
    let mut chunks: Vec<&[Arc<Pod>]> = pods.chunks(PER_SLICE).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let mut wanted = BTreeSet::new();
    for (idx, chunk) in chunks.into_iter().enumerate() {
        let suffix = context.random.suffix(&["slice", &service.uid, &idx.to_string()], 5);
        let name = format!("{}-{suffix}", service.name);
        let endpoints: Vec<Value> = chunk.iter().map(|pod| endpoint(pod, wire)).collect();
        let labels = labels_of(
            service,
            &[
                ("endpointslice.kubernetes.io/managed-by", MANAGED_BY),
                ("kubernetes.io/service-name", &service.name),
            ],
        );
        let slice = json!({
            "metadata": {
                "name": name,
                "generateName": format!("{}-", service.name),
                "labels": labels,
                "ownerReferences": [controller_reference(service)],
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": ports,
        });
        put(&kind, &service.namespace, &name, slice, &["endpoints", "ports"], context)?;
        wanted.insert(name);
    }
    for node in context.owners.dependents(&service.uid) {
        if node.kind == kind.id
            && !wanted.contains(&*node.key.name)
            && let Some(slice) = context.get(&kind, &node.key.namespace, &node.key.name)
        {
            context.delete(&slice, None)?;
        }
    }
    Ok(())
}

fn endpoint(pod: &Pod, wire: &Wire) -> Value {
    let terminating = pod.object.deletion;
    let ready = wire.spec.publish_not_ready_addresses || (pod.is_ready() && !terminating);
    json!({
        "addresses": [pod.address],
        "conditions": { "ready": ready, "serving": pod.is_ready(), "terminating": terminating },
        "nodeName": pod.node,
        "targetRef": reference(pod),
    })
}

fn reference(pod: &Pod) -> Value {
    json!({ "kind": "Pod", "namespace": pod.key.namespace.as_ref(), "name": pod.name(), "uid": pod.uid() })
}

fn port_of(port: &Port, pod: Option<&Arc<Pod>>) -> Value {
    let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
    json!({ "name": port.name, "port": target_port(port, pod), "protocol": protocol })
}

/// The number of the target port; names are looked up in the pod's containers.
fn target_port(port: &Port, pod: Option<&Arc<Pod>>) -> u64 {
    match &port.target_port {
        Value::Number(number) => number.as_u64().unwrap_or(0),
        Value::String(name) => {
            let value = pod.map(|pod| pod.object.value()).unwrap_or_default();
            let containers = value.pointer("/spec/containers").and_then(Value::as_array);
            let ports =
                containers.into_iter().flatten().filter_map(|container| container.get("ports")?.as_array());
            let mut ports =
                ports.flatten().filter(|port| port.get("name").and_then(Value::as_str) == Some(name));
            ports.next().and_then(|port| port.get("containerPort")?.as_u64()).unwrap_or(0)
        }
        _ => u64::from(port.port),
    }
}

fn subsets(wire: &Wire, pods: &[Arc<Pod>]) -> Vec<Value> {
    let (ready, unready): (Vec<_>, Vec<_>) = pods
        .iter()
        .filter(|pod| !pod.object.deletion)
        .partition(|pod| pod.is_ready() || wire.spec.publish_not_ready_addresses);
    if ready.is_empty() && unready.is_empty() {
        return Vec::new();
    }
    let address =
        |pod: &&Arc<Pod>| json!({ "ip": pod.address, "nodeName": pod.node, "targetRef": reference(pod) });
    let mut subset = Map::new();
    if !ready.is_empty() {
        subset.insert("addresses".into(), ready.iter().map(address).collect());
    }
    if !unready.is_empty() {
        subset.insert("notReadyAddresses".into(), unready.iter().map(address).collect());
    }
    let ports: Vec<Value> = wire.spec.ports.iter().map(|port| port_of(port, pods.first())).collect();
    subset.insert("ports".into(), ports.into());
    vec![subset.into()]
}

fn labels_of(service: &Object, more: &[(&str, &str)]) -> Map<String, Value> {
    let own = service.labels.iter().map(|(key, value)| (key.to_string(), Value::from(&**value)));
    let more = more.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
    own.chain(more).collect()
}

/// Creates an object or brings some of its fields up to date.
fn put(
    kind: &KindRef,
    namespace: &str,
    name: &str,
    object: Value,
    fields: &[&str],
    context: &mut Context,
) -> Result<(), SyncError> {
    let Some(present) = context.get(kind, namespace, name) else {
        return context.create(kind, namespace, object).map(drop);
    };
    let value = present.value();
    if fields.iter().all(|field| value.get(field) == object.get(field)) {
        return Ok(());
    }
    context.update(&present, |value| {
        for field in fields {
            if let (Some(fields), Some(wanted)) = (value.as_object_mut(), object.get(field)) {
                fields.insert((*field).into(), wanted.clone());
            }
        }
    })?;
    Ok(())
}
