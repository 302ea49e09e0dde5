//! Snapshots of CSI volumes: upstream's snapshot-controller and csi-snapshotter beside the control plane.
//!
//! The kinds are ours in a short form: what upstream's definitions hold beyond names and subresources is descriptions,
//! and validation of what users write. The controllers look at neither.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::csi::{self, DRIVER, EVENTS, READ};
use super::rbac::{self, Rule};
use crate::component::{Setup, path_flag};
use crate::control_plane::StartError;
use crate::nodes;

/// User of csi-snapshotter.
pub(crate) const SNAPSHOTTER: &str = "csi-snapshotter";
/// User of snapshot-controller.
pub(crate) const CONTROLLER: &str = "snapshot-controller";

const GROUP: &str = "snapshot.storage.k8s.io";
const CLASSES: &str = "volumesnapshotclasses";
const CONTENTS: &str = "volumesnapshotcontents";
const SNAPSHOTS: &str = "volumesnapshots";

/// The kinds of groups of snapshots are not there; both programs would wait for them, up to a minute, before they start.
const NO_GROUPS: &str = "--feature-gates=CSIVolumeGroupSnapshot=false";

/// Creates the kinds, and gives both programs and csi-provisioner their rights. csi-provisioner looks for the kinds
/// once, at its start.
pub(crate) fn install(setup: &Setup) -> Result<(), StartError> {
    for definition in [
        definition("VolumeSnapshotClass", CLASSES, "vsclass", "Cluster"),
        definition("VolumeSnapshotContent", CONTENTS, "vsc", "Cluster"),
        definition("VolumeSnapshot", SNAPSHOTS, "vs", "Namespaced"),
    ] {
        nodes::post(setup, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition)?;
    }
    rbac::grant(
        setup,
        SNAPSHOTTER,
        &[
            Rule { group: GROUP, resources: &[CLASSES], verbs: READ },
            Rule {
                group: GROUP,
                resources: &[CONTENTS],
                verbs: &["get", "list", "watch", "update", "patch"],
            },
            Rule { group: GROUP, resources: &["volumesnapshotcontents/status"], verbs: &["update", "patch"] },
            EVENTS,
        ],
    )?;
    rbac::grant(
        setup,
        CONTROLLER,
        &[
            Rule { group: "", resources: &["persistentvolumes"], verbs: READ },
            Rule {
                group: "",
                resources: &["persistentvolumeclaims"],
                verbs: &["get", "list", "watch", "update"],
            },
            Rule { group: GROUP, resources: &[CLASSES], verbs: READ },
            Rule {
                group: GROUP,
                resources: &[CONTENTS, SNAPSHOTS],
                verbs: &["create", "get", "list", "watch", "update", "patch", "delete"],
            },
            Rule { group: GROUP, resources: &["volumesnapshotcontents/status"], verbs: &["patch"] },
            Rule { group: GROUP, resources: &["volumesnapshots/status"], verbs: &["update", "patch"] },
            EVENTS,
        ],
    )
}

/// Whether the kinds are served, so that objects of them can be created and programs that look for them be started.
pub(crate) fn are_served(setup: &Setup) -> bool {
    [CLASSES, CONTENTS, SNAPSHOTS]
        .into_iter()
        .all(|kind| nodes::get(setup, &format!("/apis/{GROUP}/v1/{kind}")).is_some())
}

/// Creates the class of snapshots, once its kind is served.
pub(crate) fn create_class(setup: &Setup) -> Result<(), StartError> {
    nodes::post(
        setup,
        &format!("/apis/{GROUP}/v1/{CLASSES}"),
        &json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": "VolumeSnapshotClass",
            "metadata": { "name": "csi-hostpath" },
            "driver": DRIVER,
            "deletionPolicy": "Delete",
        }),
    )
}

pub(crate) fn snapshotter(setup: &Setup, program: PathBuf) -> Command {
    let mut command = csi::sidecar(setup, program, SNAPSHOTTER);
    command.arg(NO_GROUPS);
    command
}

pub(crate) fn controller(setup: &Setup, program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.arg(path_flag("kubeconfig", &setup.kubeconfig(CONTROLLER))).arg(NO_GROUPS);
    command
}

fn definition(kind: &str, plural: &str, short: &str, scope: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{GROUP}"),
            // Asked for in groups that are Kubernetes' own.
            "annotations": { "api-approved.kubernetes.io": "unapproved, a short form for tests" },
        },
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
                "shortNames": [short],
            },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "subresources": if plural == CLASSES { json!({}) } else { json!({ "status": {} }) },
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
                "additionalPrinterColumns": columns(plural),
            }],
        },
    })
}

/// What `kubectl get` shows beside the name.
fn columns(plural: &str) -> Value {
    if plural == CLASSES {
        return json!([{ "name": "Driver", "type": "string", "jsonPath": ".driver" }]);
    }
    json!([
        { "name": "ReadyToUse", "type": "boolean", "jsonPath": ".status.readyToUse" },
        { "name": "RestoreSize", "type": "string", "jsonPath": ".status.restoreSize" },
    ])
}
