//! The built-in kinds as a table. Names, short names and categories are upstream's (`kubectl api-resources`).

use super::{Kind, KindId, Scale, SelectableField, join_version};
use crate::schema;

pub(super) struct Row {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    namespaced: bool,
    /// Letters: `s` status, `g` generation, `a` category all, `r` scale.
    traits: &'static str,
    /// `label` or `label=default`.
    fields: &'static [&'static str],
}

const fn row(
    api: (&'static str, &'static str),
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    namespaced: bool,
    traits: &'static str,
    fields: &'static [&'static str],
) -> Row {
    Row { group: api.0, version: api.1, kind, plural, short, namespaced, traits, fields }
}

const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const BATCH: (&str, &str) = ("batch", "v1");
const NETWORKING: (&str, &str) = ("networking.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];
const POD_FIELDS: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork=false",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
];

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    row(CORE, "Namespace", "namespaces", &["ns"], false, "s", &["status.phase"]),
    row(CORE, "Node", "nodes", &["no"], false, "s", &["spec.unschedulable=false"]),
    row(CORE, "Pod", "pods", &["po"], true, "sga", POD_FIELDS),
    row(CORE, "ConfigMap", "configmaps", &["cm"], true, "", &[]),
    row(CORE, "Secret", "secrets", &[], true, "", &["type"]),
    row(CORE, "Service", "services", &["svc"], true, "sa", &["spec.clusterIP", "spec.type"]),
    row(CORE, "Endpoints", "endpoints", &["ep"], true, "", &[]),
    row(CORE, "Event", "events", &["ev"], true, "", EVENT_FIELDS),
    row(CORE, "ServiceAccount", "serviceaccounts", &["sa"], true, "", &[]),
    row(CORE, "PersistentVolume", "persistentvolumes", &["pv"], false, "s", &[]),
    row(CORE, "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"], true, "s", &[]),
    row(CORE, "ReplicationController", "replicationcontrollers", &["rc"], true, "sgar", &["status.replicas=0"]),
    row(CORE, "ResourceQuota", "resourcequotas", &["quota"], true, "s", &[]),
    row(CORE, "LimitRange", "limitranges", &["limits"], true, "", &[]),
    row(CORE, "PodTemplate", "podtemplates", &[], true, "g", &[]),
    row(APPS, "Deployment", "deployments", &["deploy"], true, "sgar", &[]),
    row(APPS, "ReplicaSet", "replicasets", &["rs"], true, "sgar", &["status.replicas=0"]),
    row(APPS, "StatefulSet", "statefulsets", &["sts"], true, "sgar", &[]),
    row(APPS, "DaemonSet", "daemonsets", &["ds"], true, "sga", &[]),
    row(APPS, "ControllerRevision", "controllerrevisions", &[], true, "", &[]),
    row(BATCH, "Job", "jobs", &[], true, "sga", &["status.successful=0"]),
    row(BATCH, "CronJob", "cronjobs", &["cj"], true, "sga", &[]),
    row(("autoscaling", "v2"), "HorizontalPodAutoscaler", "horizontalpodautoscalers", &["hpa"], true, "sa", &[]),
    row(("coordination.k8s.io", "v1"), "Lease", "leases", &[], true, "", &[]),
    row(("discovery.k8s.io", "v1"), "EndpointSlice", "endpointslices", &[], true, "g", &[]),
    row(("events.k8s.io", "v1"), "Event", "events", &["ev"], true, "", &[]),
    row(NETWORKING, "NetworkPolicy", "networkpolicies", &["netpol"], true, "g", &[]),
    row(NETWORKING, "Ingress", "ingresses", &["ing"], true, "sg", &[]),
    row(NETWORKING, "IngressClass", "ingressclasses", &[], false, "g", &[]),
    row(STORAGE, "StorageClass", "storageclasses", &["sc"], false, "", &[]),
    row(STORAGE, "VolumeAttachment", "volumeattachments", &[], false, "s", &[]),
    row(STORAGE, "CSIDriver", "csidrivers", &[], false, "", &[]),
    row(STORAGE, "CSINode", "csinodes", &[], false, "", &[]),
    row(STORAGE, "CSIStorageCapacity", "csistoragecapacities", &[], true, "", &[]),
    row(("policy", "v1"), "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], true, "sg", &[]),
    row(RBAC, "Role", "roles", &[], true, "", &[]),
    row(RBAC, "RoleBinding", "rolebindings", &[], true, "", &[]),
    row(RBAC, "ClusterRole", "clusterroles", &[], false, "", &[]),
    row(RBAC, "ClusterRoleBinding", "clusterrolebindings", &[], false, "", &[]),
    row(("scheduling.k8s.io", "v1"), "PriorityClass", "priorityclasses", &["pc"], false, "g", &[]),
    row(("node.k8s.io", "v1"), "RuntimeClass", "runtimeclasses", &[], false, "", &[]),
    row(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", &[], false, "g", &[]),
    row(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", &[], false, "g", &[]),
    row(("apiextensions.k8s.io", "v1"), "CustomResourceDefinition", "customresourcedefinitions", &["crd", "crds"], false, "sg", &[]),
];

impl Row {
    pub(super) fn to_kind(&self, id: KindId) -> Kind {
        let api_version = join_version(self.group, self.version);
        let is = |letter| self.traits.contains(letter);
        Kind {
            id,
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            kind: self.kind.to_owned(),
            list_kind: format!("{}List", self.kind),
            plural: self.plural.to_owned(),
            singular: self.kind.to_ascii_lowercase(),
            short_names: self.short.iter().map(|&name| name.to_owned()).collect(),
            categories: self.categories(),
            namespaced: self.namespaced,
            has_status: is('s'),
            has_generation: is('g'),
            scale: is('r').then(|| Scale {
                spec_path: ".spec.replicas".to_owned(),
                status_path: ".status.replicas".to_owned(),
                selector_path: Some(".spec.selector".to_owned()),
            }),
            fields: self.fields.iter().map(|text| field(text)).collect(),
            custom: None,
            prefix: Kind::make_prefix(self.kind, &api_version),
            ty: schema::builtin(self.group, self.kind),
        }
    }

    fn categories(&self) -> Vec<String> {
        if self.traits.contains('a') {
            return vec!["all".to_owned()];
        }
        if self.kind == "CustomResourceDefinition" || self.group == ADMISSION.0 {
            return vec!["api-extensions".to_owned()];
        }
        Vec::new()
    }
}

fn field(text: &'static str) -> SelectableField {
    let (label, default) = text.split_once('=').unwrap_or((text, ""));
    let path = match label {
        // The names of these selectors are older than the fields.
        "status.successful" => "status.succeeded",
        "source" => "source.component",
        other => other,
    };
    SelectableField { label: label.to_owned(), path: path.split('.').map(str::to_owned).collect(), default }
}
