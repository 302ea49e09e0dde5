//! The four patch types.
//!
//! `json` (RFC 6902) and `merge` (RFC 7386) know nothing of Kubernetes; `strategic` and `apply` use the types
//! in `schema`. All work on JSON trees and change nothing when they fail.

pub(crate) mod apply;
mod fields;
mod json;
mod merge;
mod strategic;

use serde_json::Value;

pub(crate) use self::json::JsonPatch;
pub(crate) use self::merge::merge;
pub(crate) use self::strategic::strategic_merge;
use crate::status::Status;

/// A patch whose body was read.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(JsonPatch),
    Merge(Value),
    Strategic(Value),
}

/// The answer to a patch that is well-formed but does not fit the object.
pub(crate) fn does_not_fit() -> Status {
    let mut status = Status::bad_request("the server rejected our request due to an error in our request");
    status.code = 422;
    status.reason = "Invalid";
    status.details = Some(Box::default());
    status
}
