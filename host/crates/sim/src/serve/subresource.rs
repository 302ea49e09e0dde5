//! Subresources: status, scale, binding, eviction, finalize, token, and those that no simulation can offer.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::write::{Part, check_version, mode};
use super::{Api, Call, Reply, decode};
use crate::admission::{self, member};
use crate::patch::{JsonPatch, merge};
use crate::registry::Scale;
use crate::selector::LabelSelector;
use crate::status::{FieldError, Status};
use crate::store::{DeleteOptions, Object};

impl Api {
    pub(super) fn subresource(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let target = call.target;
        if target.name.is_none() {
            return Err(Status::unknown_path());
        }
        let pods = call.kind.is("", "pods");
        match (target.subresource.as_str(), target.verb) {
            ("status", "get") if call.kind.has_status => self.get(call),
            ("status", "update") if call.kind.has_status => self.put(call, body, Part::Status),
            ("status", "patch") if call.kind.has_status => self.patch_part(call, body, Part::Status),
            ("scale", verb) => match &call.kind.scale {
                Some(scale) => self.scale(call, scale, verb, body),
                None => Err(Status::unknown_path()),
            },
            ("binding", "create") if pods => self.bind(call, body),
            ("eviction", "create") if pods => self.evict(call, body),
            ("finalize", "update") if call.kind.is("", "namespaces") => self.finalize(call, body),
            ("log", "get") if pods => {
                self.existing(call)?;
                Err(Status::bad_request(format!(
                    "the simulated cluster runs no containers: pod {:?} in namespace {:?} has no logs",
                    call.name(),
                    call.namespace()
                )))
            }
            ("exec" | "attach" | "portforward" | "proxy", _) if pods => {
                self.existing(call)?;
                Err(Status::bad_request(format!(
                    "the simulated cluster runs no containers: {} is not possible in pod {:?}",
                    target.subresource,
                    call.name()
                )))
            }
            ("token", "create") if call.kind.is("", "serviceaccounts") => self.token(call),
            ("status" | "binding" | "eviction" | "finalize" | "log", _) => Err(Status::method_not_allowed()),
            _ => Err(Status::unknown_path()),
        }
    }

    /// Assigns a pod to a node, once.
    fn bind(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let mode = mode(decode::dry_run(call)?);
        let binding = decode::tree(call, body)?;
        let node = binding.pointer("/target/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if node.is_empty() {
            let error = FieldError::required("target.name", "");
            return Err(Status::invalid_named("Binding", "", call.name(), &[error]));
        }
        let now = self.store.clock().seconds();
        self.store.update_as(&call.kind, call.namespace(), call.name(), mode, |pod| {
            assign(call, pod, &node, &now)
        })?;
        let done =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Reply::json(StatusCode::CREATED, done.to_string()))
    }

    /// Deletes a pod unless a disruption budget protects it.
    fn evict(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let eviction = decode::tree(call, body)?;
        let pod = self.existing(call)?;
        if !pod.deletion && !ignores_budgets(&pod) {
            self.check_budgets(call, &pod)?;
        }
        let options = eviction.get("deleteOptions");
        let grace = options.and_then(|options| options.get("gracePeriodSeconds")).and_then(Value::as_i64);
        let uid = options.and_then(|options| options.pointer("/preconditions/uid")).and_then(Value::as_str);
        let options = DeleteOptions {
            grace_period_seconds: grace,
            uid: uid.map(str::to_owned),
            dry_run: decode::dry_run(call)?,
            ..DeleteOptions::default()
        };
        self.store.delete_as(&call.kind, call.namespace(), call.name(), &options)?;
        let done =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Reply::json(StatusCode::CREATED, done.to_string()))
    }

    fn check_budgets(&self, call: &Call<'_>, pod: &Arc<Object>) -> Result<(), Status> {
        let Some(kind) = self.store.kind("policy", "poddisruptionbudgets") else { return Ok(()) };
        for budget in self.store.list(&kind, Some(call.namespace())) {
            let value = budget.value();
            let selector = value.pointer("/spec/selector").and_then(LabelSelector::from_value);
            if !selector.is_some_and(|selector| selector.matches(&|key| pod.label(key))) {
                continue;
            }
            let status =
                |key: &str| value.pointer(&format!("/status/{key}")).and_then(Value::as_i64).unwrap_or(0);
            if status("disruptionsAllowed") <= 0 {
                return Err(Status::eviction_refused(
                    &budget.name,
                    status("desiredHealthy"),
                    status("currentHealthy"),
                ));
            }
            self.store.update(&kind, &budget.namespace, &budget.name, |budget| {
                let status = member(budget, "status");
                let left = status.get("disruptionsAllowed").and_then(Value::as_i64).unwrap_or(0);
                status.insert("disruptionsAllowed".into(), (left - 1).into());
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Replaces `spec.finalizers` of a namespace.
    fn finalize(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let (object, _) = decode::object(call, body)?;
        let finalizers = object.pointer("/spec/finalizers").cloned();
        let written = self.store.update(&call.kind, "", call.name(), |namespace| {
            check_version(&call.kind, namespace, &object)?;
            let spec = member(namespace, "spec");
            match finalizers {
                Some(finalizers) => drop(spec.insert("finalizers".into(), finalizers)),
                None => drop(spec.shift_remove("finalizers")),
            }
            Ok(())
        })?;
        self.reply(call, StatusCode::OK, &written)
    }

    /// A token that nobody checks: the simulated server knows its users from its configuration.
    fn token(&self, call: &Call<'_>) -> Result<Reply, Status> {
        self.existing(call)?;
        let clock = self.store.clock();
        let end =
            clock.now().saturating_add(std::time::Duration::from_secs(3600)).unwrap_or(jiff::Timestamp::MAX);
        let answer = json!({
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": call.name(), "namespace": call.namespace(), "creationTimestamp": clock.seconds()},
            "spec": {"expirationSeconds": 3600},
            "status": {"token": "simulated", "expirationTimestamp": crate::clock::seconds(end)},
        });
        Ok(Reply::json(StatusCode::CREATED, answer.to_string()))
    }

    fn scale(&self, call: &Call<'_>, scale: &Scale, verb: &str, body: &Bytes) -> Result<Reply, Status> {
        let mode = mode(decode::dry_run(call)?);
        if verb == "get" {
            let object = self.existing(call)?;
            return Ok(Reply::json(StatusCode::OK, view(scale, &object.value()).to_string()));
        }
        let written = self.store.update_as(&call.kind, call.namespace(), call.name(), mode, |object| {
            let mut wanted = match verb {
                "update" => decode::tree(call, body)?,
                "patch" => {
                    let mut wanted = view(scale, object);
                    patch_scale(call, &mut wanted, body)?;
                    wanted
                }
                _ => return Err(Status::method_not_allowed()),
            };
            let version = wanted.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            if version.is_some_and(|version| !version.is_empty()) {
                check_version(&call.kind, object, &wanted)?;
            }
            let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
            if replicas < 0 {
                let detail = "must be greater than or equal to 0";
                let error = FieldError::invalid("spec.replicas", &replicas.into(), detail);
                return Err(Status::invalid_named("Scale", "autoscaling", call.name(), &[error]));
            }
            wanted.take();
            set(object, &scale.spec_path, replicas.into());
            Ok(())
        })?;
        Ok(Reply::json(StatusCode::OK, view(scale, &written.value()).to_string()))
    }
}

fn patch_scale(call: &Call<'_>, wanted: &mut Value, body: &Bytes) -> Result<(), Status> {
    if decode::media_type(call) == "application/json-patch+json" {
        let patch = JsonPatch::parse(body).map_err(Status::bad_request)?;
        return patch.apply(wanted).map_err(|_| crate::patch::does_not_fit());
    }
    // A scale has no lists, so that strategic and plain merge patches are the same; applied ones nearly.
    merge(wanted, &decode::yaml(body)?);
    Ok(())
}

/// Pods that do not run count for no budget.
fn ignores_budgets(pod: &Object) -> bool {
    matches!(pod.field("status.phase"), Some("Succeeded" | "Failed" | "Pending"))
}

fn assign(call: &Call<'_>, pod: &mut Value, node: &str, now: &str) -> Result<(), Status> {
    let present = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
    if !present.is_empty() {
        let why = format!("pod {} is already assigned to node {present:?}", call.name());
        return Err(Status::conflict(&call.kind, call.name(), &why).with_kind("pods/binding", call.name()));
    }
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        let why = format!("pod {} is being deleted, cannot be assigned to a host", call.name());
        return Err(Status::conflict(&call.kind, call.name(), &why).with_kind("pods/binding", call.name()));
    }
    member(pod, "spec").insert("nodeName".into(), node.into());
    let conditions = member(pod, "status").entry("conditions").or_insert_with(|| json!([]));
    if let Some(list) = conditions.as_array_mut() {
        list.retain(|condition| condition.get("type").and_then(Value::as_str) != Some("PodScheduled"));
        list.push(json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now}));
    }
    Ok(())
}

/// `autoscaling/v1` `Scale` of an object.
fn view(scale: &Scale, object: &Value) -> Value {
    let number = |path: &str| look_up(object, path).and_then(Value::as_i64).unwrap_or(0);
    let metadata = |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key)).cloned();
    let mut status = json!({"replicas": number(&scale.status_path)});
    let selector = scale.selector_path.as_deref().and_then(|path| look_up(object, path));
    let selector = match selector {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value) => LabelSelector::from_value(value).map(|selector| selector.to_string()),
        None => None,
    };
    if let (Some(selector), Some(status)) = (selector, status.as_object_mut()) {
        status.insert("selector".into(), selector.into());
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": admission::name_of(object), "namespace": metadata("namespace"), "uid": metadata("uid"),
            "resourceVersion": metadata("resourceVersion"), "creationTimestamp": metadata("creationTimestamp"),
        },
        "spec": {"replicas": number(&scale.spec_path)},
        "status": status,
    })
}

/// Follows a path like `.spec.replicas`.
fn look_up<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

fn set(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        place = admission::map(place).entry(part.to_owned()).or_insert(Value::Null);
    }
    *place = value;
}
