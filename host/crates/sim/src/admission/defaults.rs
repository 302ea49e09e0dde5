//! Default values of the built-in kinds (`pkg/apis/*/v1/defaults.go` and admission plugins upstream).
//!
//! Filled in on every write, as the decoder does upstream. Pod templates get the defaults of pods, without what only
//! admission adds to real pods (service account, tolerations, priority).

mod pod;

use serde_json::{Map, Value, json};

use super::{map, member};
use crate::registry::Kind;

/// Sets a member unless it is there.
fn set(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), value.into());
    }
}

/// A member that is an object, if it is there.
fn inner<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut(key)?.as_object_mut()
}

/// The members of a list that are objects.
fn items<'a>(map: &'a mut Map<String, Value>, key: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Fills in absent fields. Custom resources have no defaults here.
pub(super) fn fill(kind: &Kind, object: &mut Value) {
    if kind.custom.is_some() {
        return;
    }
    match kind.kind.as_str() {
        "Pod" => pod::fill(object),
        "Namespace" => namespace(object),
        "Node" => node(object),
        "Secret" => secret(map(object)),
        "Service" => service(object),
        "PersistentVolume" => volume(object),
        "PersistentVolumeClaim" => claim(object),
        "Deployment" => deployment(object),
        "ReplicaSet" | "ReplicationController" => {
            let spec = member(object, "spec");
            set(spec, "replicas", 1);
            template(spec);
        }
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "Job" => job(member(object, "spec")),
        "CronJob" => cron_job(object),
        "StorageClass" => {
            set(map(object), "reclaimPolicy", "Delete");
            set(map(object), "volumeBindingMode", "Immediate");
        }
        "NetworkPolicy" => network_policy(object),
        "EndpointSlice" => {
            for port in items(map(object), "ports") {
                set(port, "name", "");
                set(port, "protocol", "TCP");
            }
        }
        "CustomResourceDefinition" => definition(object),
        "Event" => event(object),
        _ => {}
    }
}

/// Protects new claims and volumes from being removed while in use (admission plugin `StorageObjectInUseProtection`).
pub(super) fn protect(kind: &Kind, object: &mut Value) {
    let finalizer = match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "persistentvolumeclaims") => "kubernetes.io/pvc-protection",
        ("", "persistentvolumes") => "kubernetes.io/pv-protection",
        _ => return,
    };
    let finalizers = member(object, "metadata").entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut()
        && !list.iter().any(|name| name == finalizer)
    {
        list.push(finalizer.into());
    }
}

/// Fills in what upstream derives from the new object's UID: a job's selector and pod labels.
pub(super) fn fill_from_uid(kind: &Kind, object: &mut Value) {
    if !kind.is("batch", "jobs") || object.pointer("/spec/manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let text = |key: &str| {
        let found = object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
        Value::from(found.unwrap_or_default())
    };
    let (uid, name) = (text("uid"), text("name"));
    let spec = member(object, "spec");
    if spec.get("selector").is_none() {
        spec.insert("selector".into(), json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    }
    let template = spec.entry("template").or_insert(Value::Null);
    let labels = map(member(template, "metadata").entry("labels").or_insert(Value::Null));
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels.insert(key.into(), value.clone());
    }
}

fn template(spec: &mut Map<String, Value>) {
    if let Some(pod) = inner(spec, "template").and_then(|template| inner(template, "spec")) {
        pod::fill_spec(pod);
    }
}

/// `stringData` is for writing only: it ends up in `data`.
fn secret(secret: &mut Map<String, Value>) {
    use base64::Engine;
    if let Some(Value::Object(texts)) = secret.shift_remove("stringData") {
        let data = super::member_of(secret, "data");
        for (key, text) in texts {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
            data.insert(key, encoded.into());
        }
    }
    set(secret, "type", "Opaque");
}

fn namespace(object: &mut Value) {
    let name = super::name_of(object).to_owned();
    if !name.is_empty() {
        let labels = map(member(object, "metadata").entry("labels").or_insert(Value::Null));
        labels.insert("kubernetes.io/metadata.name".into(), name.into());
    }
    let deleting = object.pointer("/metadata/deletionTimestamp").is_some();
    if !deleting {
        set(member(object, "spec"), "finalizers", json!(["kubernetes"]));
        set(member(object, "status"), "phase", "Active");
    }
}

fn node(object: &mut Value) {
    let status = member(object, "status");
    if let (None, Some(capacity)) = (status.get("allocatable"), status.get("capacity").cloned()) {
        status.insert("allocatable".into(), capacity);
    }
    member(object, "spec");
}

fn service(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "type", "ClusterIP");
    set(spec, "sessionAffinity", "None");
    let external = spec.get("type").and_then(Value::as_str) == Some("ExternalName");
    if !external {
        set(spec, "ipFamilies", json!(["IPv4"]));
        set(spec, "ipFamilyPolicy", "SingleStack");
        set(spec, "internalTrafficPolicy", "Cluster");
    }
    if matches!(spec.get("type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer")) {
        set(spec, "externalTrafficPolicy", "Cluster");
    }
    for port in items(spec, "ports") {
        set(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        set(port, "targetPort", number);
    }
    set(member(object, "status"), "loadBalancer", json!({}));
}

fn volume(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "persistentVolumeReclaimPolicy", "Retain");
    set(spec, "volumeMode", "Filesystem");
    set(member(object, "status"), "phase", "Pending");
}

fn claim(object: &mut Value) {
    set(member(object, "spec"), "volumeMode", "Filesystem");
    set(member(object, "status"), "phase", "Pending");
}

fn deployment(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "progressDeadlineSeconds", 600);
    set(spec, "strategy", json!({"type": "RollingUpdate"}));
    if let Some(strategy) = inner(spec, "strategy") {
        set(strategy, "type", "RollingUpdate");
        if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
            set(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = inner(strategy, "rollingUpdate") {
                set(rolling, "maxUnavailable", "25%");
                set(rolling, "maxSurge", "25%");
            }
        }
    }
    template(spec);
}

fn stateful_set(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "replicas", 1);
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "podManagementPolicy", "OrderedReady");
    set(
        spec,
        "persistentVolumeClaimRetentionPolicy",
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
    );
    set(spec, "updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    for claim in items(spec, "volumeClaimTemplates") {
        set(claim, "kind", "PersistentVolumeClaim");
        set(claim, "apiVersion", "v1");
        if let Some(spec) = inner(claim, "spec") {
            set(spec, "volumeMode", "Filesystem");
        }
        set(claim, "status", json!({"phase": "Pending"}));
    }
    template(spec);
}

fn daemon_set(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "revisionHistoryLimit", 10);
    set(
        spec,
        "updateStrategy",
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}),
    );
    template(spec);
}

fn job(spec: &mut Map<String, Value>) {
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        set(spec, "completions", 1);
    }
    set(spec, "parallelism", 1);
    if !spec.contains_key("backoffLimitPerIndex") {
        set(spec, "backoffLimit", 6);
    }
    set(spec, "completionMode", "NonIndexed");
    set(spec, "suspend", false);
    let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    set(spec, "podReplacementPolicy", replacement);
    set(spec, "manualSelector", false);
    template(spec);
}

fn cron_job(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "concurrencyPolicy", "Allow");
    set(spec, "suspend", false);
    set(spec, "successfulJobsHistoryLimit", 3);
    set(spec, "failedJobsHistoryLimit", 1);
    if let Some(spec) = inner(spec, "jobTemplate").and_then(|template| inner(template, "spec")) {
        template(spec);
    }
}

fn network_policy(object: &mut Value) {
    let spec = member(object, "spec");
    let types = if spec.contains_key("egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    set(spec, "policyTypes", types);
    for rule in ["ingress", "egress"] {
        for rule in items(spec, rule) {
            for port in items(rule, "ports") {
                set(port, "protocol", "TCP");
            }
        }
    }
}

fn definition(object: &mut Value) {
    let spec = member(object, "spec");
    set(spec, "conversion", json!({"strategy": "None"}));
    if let Some(names) = inner(spec, "names") {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        set(names, "listKind", format!("{kind}List"));
        set(names, "singular", kind.to_lowercase());
    }
}

fn event(object: &mut Value) {
    let event = map(object);
    set(event, "source", json!({}));
    set(event, "reportingComponent", "");
    set(event, "reportingInstance", "");
    set(event, "firstTimestamp", Value::Null);
    set(event, "lastTimestamp", Value::Null);
    set(event, "eventTime", Value::Null);
}
