//! `patch`: media types, and what all patch types have in common.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::write::{Part, mode, replace};
use super::{Api, Call, Reply, decode};
use crate::patch::{JsonPatch, Patch, apply, does_not_fit, merge, strategic_merge};
use crate::status::Status;
use crate::{admission, alias};

const APPLY: &str = "application/apply-patch+yaml";
const TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    APPLY,
];

impl Api {
    pub(super) fn patch(&self, call: &Call<'_>, body: &Bytes) -> Result<Reply, Status> {
        self.patch_part(call, body, Part::Main)
    }

    pub(super) fn patch_part(&self, call: &Call<'_>, body: &Bytes, part: Part) -> Result<Reply, Status> {
        let mode = mode(decode::dry_run(call)?);
        if decode::media_type(call) == APPLY {
            return self.apply(call, body, part, mode);
        }
        if call.query.flag("force") {
            let error =
                crate::status::FieldError::forbidden("force", "may not be specified for non-apply patch");
            return Err(Status::invalid_named("PatchOptions", "meta.k8s.io", "", &[error]));
        }
        let patch = read(call, body)?;
        let mut warnings = Vec::new();
        let written = self.store.update_as(&call.kind, call.namespace(), call.name(), mode, |current| {
            let before = current.clone();
            let mut patched = current.clone();
            if call.alias.is_some() {
                alias::from_core(&mut patched);
            }
            patch_object(call, &patch, &mut patched)?;
            warnings = decode::known_fields(call, &mut patched)?;
            if call.alias.is_some() {
                alias::to_core(&mut patched);
            }
            check_name(call, &patched)?;
            replace(&call.kind, current, patched, part)?;
            apply::note_update(call, &before, current, self.store.clock());
            self.validate_custom(call, current)
        })?;
        Ok(Reply { warnings, ..self.reply(call, StatusCode::OK, &written)? })
    }
}

fn check_name(call: &Call<'_>, patched: &Value) -> Result<(), Status> {
    let name = admission::name_of(patched);
    if name == call.name() {
        return Ok(());
    }
    Err(Status::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({})",
        call.name()
    )))
}

fn read(call: &Call<'_>, body: &Bytes) -> Result<Patch, Status> {
    let tree = || decode::json(body).map_err(|_| Status::bad_request("error decoding patch: invalid JSON"));
    match decode::media_type(call) {
        "application/json-patch+json" => match tree() {
            Ok(tree) if !tree.is_array() => Err(wrong_shape(&tree, "[]handlers.jsonPatchOp")),
            Ok(_) | Err(_) => JsonPatch::parse(body)
                .map(Patch::Json)
                .map_err(|error| Status::bad_request(format!("error decoding patch: {error}"))),
        },
        "application/merge-patch+json" => Ok(Patch::Merge(map(tree()?)?)),
        "application/strategic-merge-patch+json" if call.kind.custom.is_none() => {
            Ok(Patch::Strategic(map(tree()?)?))
        }
        _ => {
            let known: Vec<&str> = TYPES
                .into_iter()
                .filter(|name| call.kind.custom.is_none() || !name.contains("strategic"))
                .collect();
            Err(Status::unsupported_media_type(&known))
        }
    }
}

/// A patch that has to be a JSON object.
fn map(patch: Value) -> Result<Value, Status> {
    if patch.is_object() {
        return Ok(patch);
    }
    Err(wrong_shape(&patch, "map[string]interface {}"))
}

fn wrong_shape(patch: &Value, wanted: &str) -> Status {
    let found = admission::type_name(patch);
    Status::bad_request(format!(
        "error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}"
    ))
}

fn patch_object(call: &Call<'_>, patch: &Patch, object: &mut Value) -> Result<(), Status> {
    match patch {
        Patch::Json(patch) => patch.apply(object).map_err(|_| does_not_fit())?,
        Patch::Merge(patch) => merge(object, patch),
        Patch::Strategic(patch) => {
            let ty = call.asked().object_type(&call.target.version);
            strategic_merge(object, patch, ty.as_ref())
                .map_err(|error| Status::bad_request(error.to_string()))?;
        }
    }
    if object.is_object() && admission::is_shallow(object) { Ok(()) } else { Err(does_not_fit()) }
}
