//! `delete` and `deletecollection`.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Call, Reply, decode};
use crate::list::ListRequest;
use crate::registry::Kind;
use crate::status::{FieldError, FieldErrorKind, Status};
use crate::store::{DeleteOptions, Object, Propagation};

/// `metav1.DeleteOptions` as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    grace_period_seconds: Option<i64>,
    propagation_policy: Option<String>,
    orphan_dependents: Option<bool>,
    preconditions: Option<Preconditions>,
    dry_run: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Api {
    pub(super) fn delete(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let (options, orphan_dependents) = options(call, body)?;
        let deleted = self.store.delete_as(&call.kind, call.namespace(), call.name(), &options)?;
        // Upstream tells the waiting from the done only for clients of the option that is no longer used.
        let accepted = !deleted.gone && orphan_dependents == Some(false);
        let code = if accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
        if deleted.gone && !returns_object(&call.kind) {
            return Ok(Reply::json(code, success(&deleted.object)));
        }
        self.reply(call, code, &deleted.object)
    }

    pub(super) fn delete_collection(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        if call.kind.is("", "namespaces") || call.kind.is("", "services") && call.target.namespace.is_none() {
            return Err(Status::method_not_allowed());
        }
        let (options, _) = options(call, body)?;
        let namespace = call.target.namespace.as_deref();
        let renderer = call.renderer(&self.store)?;
        let selected = ListRequest::parse(&call.kind, namespace, call.query)?;
        let mut gone = Vec::new();
        for object in self.store.list(&call.kind, namespace) {
            if !selected.selector.matches(&object) {
                continue;
            }
            match self.store.delete_as(&call.kind, &object.namespace, &object.name, &options) {
                Ok(deleted) => gone.push(deleted.object),
                // Someone else was faster; that is what was asked for.
                Err(status) if status.code == 404 => {}
                Err(status) => return Err(status),
            }
        }
        let version = self.store.version().to_string();
        let (head, tail) = renderer.list_frame(&json!({"resourceVersion": version}));
        let body = crate::body::ListBody::new(head, gone, renderer, tail);
        Ok(Reply { body: crate::body::AnswerBody::List(body), ..Reply::json(StatusCode::OK, Bytes::new()) })
    }
}

/// Reads the options, and the deprecated `orphanDependents`: from the body, or from the query when there is none.
fn options(call: &Call<'_>, body: &Bytes) -> Result<(DeleteOptions, Option<bool>), Status> {
    let mut wire: Wire = decode::options(call, body)?;
    if body.is_empty() {
        wire.grace_period_seconds = call.query.get("gracePeriodSeconds").parse().ok();
        wire.propagation_policy = non_empty(call.query.get("propagationPolicy"));
    }
    let dry_run = decode::dry_run(call)? || wire.dry_run.is_some_and(|stages| !stages.is_empty());
    let propagation = match wire.propagation_policy.as_deref() {
        Some("Orphan") => Some(Propagation::Orphan),
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some(other) => return Err(unknown_policy(other)),
        None => wire
            .orphan_dependents
            .map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
    };
    let preconditions = wire.preconditions.unwrap_or_default();
    let options = DeleteOptions {
        grace_period_seconds: wire.grace_period_seconds,
        propagation,
        uid: preconditions.uid,
        resource_version: preconditions.resource_version,
        dry_run,
    };
    Ok((options, wire.orphan_dependents))
}

fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn unknown_policy(found: &str) -> Status {
    let known = ["Foreground", "Background", "Orphan", "nil"];
    let error = FieldError {
        kind: FieldErrorKind::NotSupported(
            format!("{found:?}"),
            known.iter().map(|&word| word.to_owned()).collect(),
        ),
        field: "propagationPolicy".to_owned(),
        detail: String::new(),
    };
    Status::invalid_named("DeleteOptions", "meta.k8s.io", "", &[error])
}

/// Kinds whose deletion answers with the object (`ReturnDeletedObject` upstream).
fn returns_object(kind: &Kind) -> bool {
    matches!(
        kind.plural.as_str(),
        "pods"
            | "services"
            | "serviceaccounts"
            | "persistentvolumes"
            | "persistentvolumeclaims"
            | "podtemplates"
            | "resourcequotas"
            | "storageclasses"
            | "csidrivers"
            | "csinodes"
            | "volumeattachments"
            | "namespaces"
    ) && kind.custom.is_none()
}

fn success(object: &Object) -> String {
    let mut details = serde_json::Map::new();
    details.insert("name".into(), Value::from(&*object.name));
    if !object.kind.group.is_empty() {
        details.insert("group".into(), object.kind.group.clone().into());
    }
    details.insert("kind".into(), object.kind.plural.clone().into());
    details.insert("uid".into(), Value::from(&*object.uid));
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
        .to_string()
}
