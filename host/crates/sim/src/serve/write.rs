//! `create` and `update` of whole objects.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::{Api, Call, Reply, decode};
use crate::admission;
use crate::patch::apply;
use crate::registry::{Kind, KindRef};
use crate::status::{FieldError, Status};
use crate::store::WriteMode;

/// Which part of an object a write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status (all, where there is no status subresource).
    Main,
    /// The status alone.
    Status,
}

pub(super) fn mode(dry_run: bool) -> WriteMode {
    if dry_run { WriteMode::DryRun } else { WriteMode::Keep }
}

impl Api {
    pub(super) fn create(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        let mode = mode(decode::dry_run(call)?);
        let (object, warnings) = decode::object(call, body)?;
        check_namespace(call, &object)?;
        self.validate_custom(call, &object)?;
        let created = self.store.create_as(&call.kind, call.namespace(), object, mode)?;
        let reply = self.reply(call, decode::CREATED, &created)?;
        Ok(Reply { warnings, ..reply })
    }

    pub(super) fn update(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        self.put(call, body, Part::Main)
    }

    pub(super) fn put(&self, call: &Call<'_>, body: &Bytes, part: Part) -> Result<Reply, Status> {
        let mode = mode(decode::dry_run(call)?);
        let (object, warnings) = decode::object(call, body)?;
        check_namespace(call, &object)?;
        check_name(call, &object)?;
        let missing = self.store.get(&call.kind, call.namespace(), call.name()).is_none();
        if missing && part == Part::Main && creates_on_update(&call.kind) {
            let created = self.store.create_as(&call.kind, call.namespace(), object, mode)?;
            return Ok(Reply { warnings, ..self.reply(call, decode::CREATED, &created)? });
        }
        let written = self.store.update_as(&call.kind, call.namespace(), call.name(), mode, |current| {
            let before = current.clone();
            replace(&call.kind, current, object, part)?;
            apply::note_update(call, &before, current, self.store.clock());
            self.validate_custom(call, current)
        })?;
        Ok(Reply { warnings, ..self.reply(call, StatusCode::OK, &written)? })
    }

    /// Validates a custom resource against its schema; everything else is valid here.
    pub(super) fn validate_custom(&self, call: &Call<'_>, object: &Value) -> Result<(), Status> {
        let errors = crate::crd::validate(&call.kind, &call.target.version, object);
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(&call.kind, admission::name_of(object), &errors))
    }
}

/// Puts `new` in the place of `current`, except for the part that this write does not change.
///
/// # Errors
/// When the version or the uid sent is not the current one.
pub(crate) fn replace(kind: &KindRef, current: &mut Value, mut new: Value, part: Part) -> Result<(), Status> {
    check_version(kind, current, &new)?;
    if kind.is("", "namespaces")
        && let Some(finalizers) = current.pointer("/spec/finalizers")
    {
        // Only `finalize` changes these.
        admission::member(&mut new, "spec").insert("finalizers".into(), finalizers.clone());
    }
    match part {
        Part::Main if kind.has_status => {
            let status = admission::remove(current, "status");
            admission::remove(&mut new, "status");
            if let (Some(status), Some(new)) = (status, new.as_object_mut()) {
                new.insert("status".into(), status);
            }
            *current = new;
        }
        Part::Main => *current = new,
        Part::Status => {
            let status = admission::remove(&mut new, "status");
            let Some(current) = current.as_object_mut() else { return Ok(()) };
            match status {
                Some(status) => drop(current.insert("status".into(), status)),
                None => drop(current.shift_remove("status")),
            }
            if kind.custom.is_none() {
                copy_metadata(current, &new);
            }
        }
    }
    Ok(())
}

/// Built-in kinds let labels and annotations change through the status subresource.
fn copy_metadata(current: &mut serde_json::Map<String, Value>, new: &Value) {
    let Some(metadata) = current.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for key in ["labels", "annotations", "managedFields"] {
        if let Some(value) = new.get("metadata").and_then(|metadata| metadata.get(key)) {
            metadata.insert(key.into(), value.clone());
        }
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn check_version(kind: &Kind, current: &Value, new: &Value) -> Result<(), Status> {
    let name = admission::name_of(current);
    let uid = text(new, "uid");
    if !uid.is_empty() && uid != text(current, "uid") {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {name}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            text(current, "uid")
        );
        return Err(Status::conflict(kind, name, &why));
    }
    let version = text(new, "resourceVersion");
    if version.is_empty() || version == "0" {
        if allows_unconditional(kind) {
            return Ok(());
        }
        let field = "metadata.resourceVersion";
        let error = FieldError {
            kind: crate::status::FieldErrorKind::Invalid("0".to_owned()),
            ..FieldError::required(field, "must be specified for an update")
        };
        // The one failure of this sort that names the resource, not the kind.
        return Err(Status::invalid_named(&kind.plural, &kind.group, name, &[error]));
    }
    if version.parse::<u64>().is_err() {
        return Err(Status::bad_request(format!(
            "invalid resourceVersion {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
        )));
    }
    if version == text(current, "resourceVersion") { Ok(()) } else { Err(Status::modified(kind, name)) }
}

/// Whether a write may leave out the version it is based on (`AllowUnconditionalUpdate`).
fn allows_unconditional(kind: &Kind) -> bool {
    kind.custom.is_none()
        && !matches!(
            kind.plural.as_str(),
            "leases"
                | "poddisruptionbudgets"
                | "customresourcedefinitions"
                | "csidrivers"
                | "csinodes"
                | "priorityclasses"
                | "controllerrevisions"
        )
}

/// Whether an update of an absent object creates it (`AllowCreateOnUpdate`).
fn creates_on_update(kind: &Kind) -> bool {
    matches!(
        kind.plural.as_str(),
        "events"
            | "leases"
            | "endpoints"
            | "services"
            | "limitranges"
            | "podtemplates"
            | "priorityclasses"
            | "roles"
            | "rolebindings"
            | "clusterroles"
            | "clusterrolebindings"
    ) && kind.custom.is_none()
}

pub(super) fn check_namespace(call: &Call<'_>, object: &Value) -> Result<(), Status> {
    let found = text(object, "namespace");
    if !call.kind.namespaced || found.is_empty() || found == call.namespace() {
        return Ok(());
    }
    Err(Status::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}

fn check_name(call: &Call<'_>, object: &Value) -> Result<(), Status> {
    let found = text(object, "name");
    if found == call.name() {
        return Ok(());
    }
    if found.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ( based on URL) was undeterminable: name must be provided ({})",
            call.name()
        )));
    }
    Err(Status::bad_request(format!(
        "the name of the object ({found}) does not match the name on the URL ({})",
        call.name()
    )))
}
