//! `meta.k8s.io/v1` tables: what `kubectl get` prints (`pkg/printers/internalversion/printers.go` upstream).
//!
//! Each kind has a list of columns; simple cells are paths, the others functions in `cells`. Custom resources
//! print their `additionalPrinterColumns`.

mod cells;
mod custom;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::registry::Kind;

/// A column: title, JSON type, whether only `-o wide` shows it, and its cells.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    ty: &'static str,
    wide: bool,
    cell: Cell,
}

/// Where a cell comes from.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// A JSON pointer, and what stands where nothing is found.
    At(&'static str, &'static str),
    /// A JSON pointer to a number; 0 where nothing is found.
    Number(&'static str),
    /// Time since a moment.
    Since(&'static str),
    /// Everything else.
    With(fn(&Value, Timestamp) -> Value),
}

const fn column(name: &'static str, cell: Cell) -> Column {
    Column { name, ty: "string", wide: false, cell }
}

const fn wide(name: &'static str, cell: Cell) -> Column {
    Column { wide: true, ..column(name, cell) }
}

const fn integer(name: &'static str, path: &'static str) -> Column {
    Column { ty: "integer", ..column(name, Cell::Number(path)) }
}

const NAME: Column = column("Name", Cell::At("/metadata/name", ""));
const AGE: Column = column("Age", Cell::Since("/metadata/creationTimestamp"));
const CONTAINERS: Column = wide("Containers", Cell::With(cells::containers));
const IMAGES: Column = wide("Images", Cell::With(cells::images));
const SELECTOR: Column = wide("Selector", Cell::With(cells::selector));

const PODS: &[Column] = &[
    NAME,
    column("Ready", Cell::With(cells::pod_ready)),
    column("Status", Cell::With(cells::pod_status)),
    column("Restarts", Cell::With(cells::pod_restarts)),
    AGE,
    wide("IP", Cell::At("/status/podIP", "<none>")),
    wide("Node", Cell::At("/spec/nodeName", "<none>")),
    wide("Nominated Node", Cell::At("/status/nominatedNodeName", "<none>")),
    wide("Readiness Gates", Cell::At("/-", "<none>")),
];
const NODES: &[Column] = &[
    NAME,
    column("Status", Cell::With(cells::node_status)),
    column("Roles", Cell::With(cells::node_roles)),
    AGE,
    column("Version", Cell::At("/status/nodeInfo/kubeletVersion", "")),
    wide("Internal-IP", Cell::With(cells::node_internal_ip)),
    wide("External-IP", Cell::With(cells::node_external_ip)),
    wide("OS-Image", Cell::At("/status/nodeInfo/osImage", "<unknown>")),
    wide("Kernel-Version", Cell::At("/status/nodeInfo/kernelVersion", "<unknown>")),
    wide("Container-Runtime", Cell::At("/status/nodeInfo/containerRuntimeVersion", "<unknown>")),
];
const DEPLOYMENTS: &[Column] = &[
    NAME,
    column("Ready", Cell::With(cells::replicas_ready)),
    integer("Up-to-date", "/status/updatedReplicas"),
    integer("Available", "/status/availableReplicas"),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const REPLICA_SETS: &[Column] = &[
    NAME,
    integer("Desired", "/spec/replicas"),
    integer("Current", "/status/replicas"),
    integer("Ready", "/status/readyReplicas"),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const STATEFUL_SETS: &[Column] =
    &[NAME, column("Ready", Cell::With(cells::replicas_ready)), AGE, CONTAINERS, IMAGES];
const DAEMON_SETS: &[Column] = &[
    NAME,
    integer("Desired", "/status/desiredNumberScheduled"),
    integer("Current", "/status/currentNumberScheduled"),
    integer("Ready", "/status/numberReady"),
    integer("Up-to-date", "/status/updatedNumberScheduled"),
    integer("Available", "/status/numberAvailable"),
    column("Node Selector", Cell::With(cells::node_selector)),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const JOBS: &[Column] = &[
    NAME,
    column("Status", Cell::With(cells::job_status)),
    column("Completions", Cell::With(cells::job_completions)),
    column("Duration", Cell::With(cells::job_duration)),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];
const CRON_JOBS: &[Column] = &[
    NAME,
    column("Schedule", Cell::At("/spec/schedule", "")),
    column("Timezone", Cell::At("/spec/timeZone", "<none>")),
    column("Suspend", Cell::At("/spec/suspend", "False")),
    column("Active", Cell::With(cells::active_jobs)),
    column("Last Schedule", Cell::Since("/status/lastScheduleTime")),
    AGE,
];
const SERVICES: &[Column] = &[
    NAME,
    column("Type", Cell::At("/spec/type", "")),
    column("Cluster-IP", Cell::At("/spec/clusterIP", "<none>")),
    column("External-IP", Cell::At("/status/loadBalancer/ingress/0/ip", "<none>")),
    column("Port(s)", Cell::With(cells::service_ports)),
    AGE,
    SELECTOR,
];
const EVENTS: &[Column] = &[
    column("Last Seen", Cell::With(cells::event_last_seen)),
    column("Type", Cell::At("/type", "")),
    column("Reason", Cell::At("/reason", "")),
    column("Object", Cell::With(cells::event_object)),
    wide("Subobject", Cell::At("/involvedObject/fieldPath", "")),
    wide("Source", Cell::With(cells::event_source)),
    column("Message", Cell::At("/message", "")),
    wide("First Seen", Cell::With(cells::event_first_seen)),
    wide("Count", Cell::With(cells::event_count)),
    wide("Name", Cell::At("/metadata/name", "")),
];
const NAMESPACES: &[Column] = &[NAME, column("Status", Cell::At("/status/phase", "")), AGE];
const SECRETS: &[Column] =
    &[NAME, column("Type", Cell::At("/type", "")), column("Data", Cell::With(cells::data)), AGE];
const CONFIG_MAPS: &[Column] = &[NAME, column("Data", Cell::With(cells::data)), AGE];
const VOLUMES: &[Column] = &[
    NAME,
    column("Capacity", Cell::At("/spec/capacity/storage", "")),
    column("Access Modes", Cell::With(cells::access_modes)),
    column("Reclaim Policy", Cell::At("/spec/persistentVolumeReclaimPolicy", "")),
    column("Status", Cell::With(cells::volume_status)),
    column("Claim", Cell::With(cells::volume_claim)),
    column("StorageClass", Cell::At("/spec/storageClassName", "")),
    column("VolumeAttributesClass", Cell::At("/spec/volumeAttributesClassName", "<unset>")),
    column("Reason", Cell::At("/status/reason", "")),
    AGE,
    wide("VolumeMode", Cell::At("/spec/volumeMode", "<unset>")),
];
const CLAIMS: &[Column] = &[
    NAME,
    column("Status", Cell::With(cells::volume_status)),
    column("Volume", Cell::At("/spec/volumeName", "")),
    column("Capacity", Cell::At("/status/capacity/storage", "")),
    column("Access Modes", Cell::With(cells::claim_access_modes)),
    column("StorageClass", Cell::At("/spec/storageClassName", "")),
    column("VolumeAttributesClass", Cell::At("/spec/volumeAttributesClassName", "<unset>")),
    AGE,
    wide("VolumeMode", Cell::At("/spec/volumeMode", "<unset>")),
];
const STORAGE_CLASSES: &[Column] = &[
    column("Name", Cell::With(cells::storage_class_name)),
    column("Provisioner", Cell::At("/provisioner", "")),
    column("ReclaimPolicy", Cell::At("/reclaimPolicy", "Delete")),
    column("VolumeBindingMode", Cell::At("/volumeBindingMode", "Immediate")),
    column("AllowVolumeExpansion", Cell::At("/allowVolumeExpansion", "false")),
    AGE,
];
const BUDGETS: &[Column] = &[
    NAME,
    column("Min Available", Cell::At("/spec/minAvailable", "N/A")),
    column("Max Unavailable", Cell::At("/spec/maxUnavailable", "N/A")),
    integer("Allowed Disruptions", "/status/disruptionsAllowed"),
    AGE,
];
const LEASES: &[Column] = &[NAME, column("Holder", Cell::At("/spec/holderIdentity", "")), AGE];
const ENDPOINTS: &[Column] = &[NAME, column("Endpoints", Cell::With(cells::endpoints)), AGE];
const ENDPOINT_SLICES: &[Column] = &[
    NAME,
    column("AddressType", Cell::At("/addressType", "")),
    column("Ports", Cell::With(cells::slice_ports)),
    column("Endpoints", Cell::With(cells::slice_endpoints)),
    AGE,
];
const NETWORK_POLICIES: &[Column] = &[NAME, column("Pod-Selector", Cell::With(cells::policy_selector)), AGE];
const INGRESSES: &[Column] = &[
    NAME,
    column("Class", Cell::At("/spec/ingressClassName", "<none>")),
    column("Hosts", Cell::With(cells::ingress_hosts)),
    column("Address", Cell::At("/status/loadBalancer/ingress/0/ip", "")),
    column("Ports", Cell::At("/-", "80")),
    AGE,
];
const REVISIONS: &[Column] = &[
    NAME,
    column("Controller", Cell::With(cells::controller)),
    column("Revision", Cell::At("/revision", "")),
    AGE,
];
const PRIORITY_CLASSES: &[Column] = &[
    NAME,
    integer("Value", "/value"),
    column("Global-Default", Cell::At("/globalDefault", "false")),
    AGE,
    column("PreemptionPolicy", Cell::At("/preemptionPolicy", "")),
];
const ROLE_BINDINGS: &[Column] = &[NAME, column("Role", Cell::With(cells::role)), AGE];
const CREATED_AT: &[Column] = &[NAME, column("Created At", Cell::At("/metadata/creationTimestamp", ""))];
const OTHERS: &[Column] = &[NAME, AGE];

fn columns_of(kind: &Kind) -> &'static [Column] {
    match kind.kind.as_str() {
        "Pod" => PODS,
        "Node" => NODES,
        "Deployment" => DEPLOYMENTS,
        "ReplicaSet" | "ReplicationController" => REPLICA_SETS,
        "StatefulSet" => STATEFUL_SETS,
        "DaemonSet" => DAEMON_SETS,
        "Job" => JOBS,
        "CronJob" => CRON_JOBS,
        "Service" => SERVICES,
        "Event" => EVENTS,
        "Namespace" => NAMESPACES,
        "Secret" => SECRETS,
        "ConfigMap" => CONFIG_MAPS,
        "PersistentVolume" => VOLUMES,
        "PersistentVolumeClaim" => CLAIMS,
        "StorageClass" => STORAGE_CLASSES,
        "PodDisruptionBudget" => BUDGETS,
        "Lease" => LEASES,
        "Endpoints" => ENDPOINTS,
        "EndpointSlice" => ENDPOINT_SLICES,
        "NetworkPolicy" => NETWORK_POLICIES,
        "Ingress" => INGRESSES,
        "ControllerRevision" => REVISIONS,
        "PriorityClass" => PRIORITY_CLASSES,
        "RoleBinding" | "ClusterRoleBinding" => ROLE_BINDINGS,
        "Role" | "ClusterRole" | "CustomResourceDefinition" => CREATED_AT,
        _ => OTHERS,
    }
}

/// Column definitions of a kind.
pub(crate) fn columns(kind: &Kind, version: &str) -> Value {
    if kind.custom.is_some() {
        return custom::columns(kind, version);
    }
    let define = |column: &Column| {
        json!({
            "name": column.name, "type": column.ty, "format": if column.name == "Name" { "name" } else { "" },
            "description": "", "priority": u8::from(column.wide),
        })
    };
    columns_of(kind).iter().map(define).collect()
}

/// Cells of one object.
pub(crate) fn cells(kind: &Kind, version: &str, object: &Value, now: Timestamp) -> Value {
    if kind.custom.is_some() {
        return custom::cells(kind, version, object, now);
    }
    columns_of(kind).iter().map(|column| column.cell.read(object, now)).collect()
}

impl Cell {
    fn read(self, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::At(path, default) => match object.pointer(path) {
                Some(Value::String(text)) if !text.is_empty() => text.clone().into(),
                Some(Value::Bool(flag)) => flag.to_string().into(),
                Some(Value::Number(number)) => number.to_string().into(),
                Some(_) | None => default.into(),
            },
            Self::Number(path) => object.pointer(path).and_then(Value::as_i64).unwrap_or(0).into(),
            Self::Since(path) => cells::since(object.pointer(path), now, "<none>").into(),
            Self::With(read) => read(object, now),
        }
    }
}
