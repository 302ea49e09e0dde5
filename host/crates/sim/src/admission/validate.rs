//! Validation of the built-in kinds, as far as clients can be expected to run into it.
//!
//! Texts are upstream's (`pkg/apis/*/validation`). What is not checked here is accepted.

mod pod;
mod workload;

use serde_json::Value;

use super::names;
use crate::registry::Kind;
use crate::status::{FieldError, FieldErrorKind};

const IMMUTABLE: &str = "field is immutable";

/// Checks a complete object.
pub(super) fn object(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if kind.custom.is_some() {
        return errors;
    }
    match kind.kind.as_str() {
        "Pod" => pod::spec(object.get("spec"), "spec", &mut errors),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            workload::controller(kind, object, &mut errors)
        }
        "Job" => workload::job(object, &mut errors),
        "ConfigMap" => data_keys(object, &["data", "binaryData"], &mut errors),
        "Secret" => data_keys(object, &["data"], &mut errors),
        "Service" => service(object, &mut errors),
        "PersistentVolumeClaim" => claim(object, &mut errors),
        "StorageClass" if text(object, "/provisioner").is_empty() => {
            errors.push(FieldError::required("provisioner", ""));
        }
        "CustomResourceDefinition" => definition(object, &mut errors),
        _ => {}
    }
    errors
}

/// Checks what may not change.
pub(super) fn update(kind: &Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if kind.custom.is_some() {
        return errors;
    }
    let mut fixed = |path: &str| {
        if old.pointer(path) != new.pointer(path) {
            let value = new.pointer(path).unwrap_or(&Value::Null);
            errors.push(FieldError::invalid(field(path), value, IMMUTABLE));
        }
    };
    match kind.kind.as_str() {
        "Deployment" | "ReplicaSet" | "DaemonSet" => fixed("/spec/selector"),
        "Job" => ["/spec/completionMode", "/spec/selector", "/spec/template"].into_iter().for_each(fixed),
        "StorageClass" => ["/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"]
            .into_iter()
            .for_each(fixed),
        "RoleBinding" | "ClusterRoleBinding" if old.get("roleRef") != new.get("roleRef") => {
            let value = new.get("roleRef").unwrap_or(&Value::Null);
            errors.push(FieldError::invalid("roleRef", value, "cannot change roleRef"));
        }
        "Pod" => pod::update(old, new, &mut errors),
        "StatefulSet" => workload::stateful_set_update(old, new, &mut errors),
        "ConfigMap" | "Secret" => immutable_data(old, new, &mut errors),
        "Service" => {
            let (before, after) = (text(old, "/spec/clusterIP"), text(new, "/spec/clusterIP"));
            if !before.is_empty() && before != after && text(new, "/spec/type") != "ExternalName" {
                let value = vec![Value::from(after)].into();
                errors.push(FieldError::invalid("spec.clusterIPs[0]", &value, "may not change once set"));
            }
        }
        _ => {}
    }
    errors
}

fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// `/spec/selector` as `spec.selector`.
fn field(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

fn not_supported(field: &str, value: &str, known: &[&str]) -> FieldError {
    FieldError {
        kind: FieldErrorKind::NotSupported(
            format!("{value:?}"),
            known.iter().map(|&word| word.to_owned()).collect(),
        ),
        field: field.to_owned(),
        detail: String::new(),
    }
}

fn data_keys(object: &Value, members: &[&str], errors: &mut Vec<FieldError>) {
    const PROBLEM: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  \
         or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
    for member in members {
        for key in object.get(member).and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key) {
            let good = !key.is_empty()
                && key.len() <= 253
                && !matches!(key.as_str(), "." | "..")
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
            if !good {
                errors.push(FieldError::invalid(format!("{member}[{key}]"), &key.as_str().into(), PROBLEM));
            }
        }
    }
}

fn immutable_data(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    if old.get("immutable").and_then(Value::as_bool) != Some(true) {
        return;
    }
    if new.get("immutable") != old.get("immutable") {
        errors.push(FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for member in ["data", "binaryData"] {
        if old.get(member) != new.get(member) {
            errors.push(FieldError::forbidden(member, "field is immutable when `immutable` is set"));
        }
    }
}

fn service(object: &Value, errors: &mut Vec<FieldError>) {
    let ty = text(object, "/spec/type");
    let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !known.contains(&ty) {
        errors.push(not_supported("spec.type", ty, &known));
    }
    let ports =
        object.pointer("/spec/ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let headless = text(object, "/spec/clusterIP") == "None";
    if ports.is_empty() && !headless && ty != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    for (position, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{position}]");
        let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
        if !(1..=65_535).contains(&number) {
            let detail = "must be between 1 and 65535, inclusive";
            errors.push(FieldError::invalid(format!("{path}.port"), &number.into(), detail));
        }
        if ports.len() > 1 && port.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
    }
}

fn claim(object: &Value, errors: &mut Vec<FieldError>) {
    let modes = object.pointer("/spec/accessModes").and_then(Value::as_array);
    if modes.is_none_or(Vec::is_empty) {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if object.pointer("/spec/resources/requests/storage").is_none() {
        errors.push(FieldError::required("spec.resources[storage]", ""));
    }
}

fn definition(object: &Value, errors: &mut Vec<FieldError>) {
    let (group, plural) = (text(object, "/spec/group"), text(object, "/spec/names/plural"));
    for path in ["/spec/group", "/spec/scope", "/spec/names/plural", "/spec/names/kind"] {
        if text(object, path).is_empty() {
            errors.push(FieldError::required(field(path), ""));
        }
    }
    let name = super::name_of(object);
    let wanted = format!("{plural}.{group}");
    if name != wanted {
        errors.push(FieldError::invalid(
            "metadata.name",
            &name.into(),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    if !group.is_empty() && !names::is_dns_subdomain(group) {
        errors.push(FieldError::invalid("spec.group", &group.into(), "must be a subdomain"));
    }
    let versions =
        object.pointer("/spec/versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let stored = versions
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .count();
    if stored != 1 {
        let value = versions.iter().cloned().collect();
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid("spec.versions", &value, detail));
    }
    for (position, version) in versions.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none() {
            let field = format!("spec.versions[{position}].schema.openAPIV3Schema");
            errors.push(FieldError::required(field, "schemas are required"));
        }
    }
}
