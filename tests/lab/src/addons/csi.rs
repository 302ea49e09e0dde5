//! Volumes by CSI, which can be resized: our driver on the first node, and upstream's sidecars beside the control plane.
//!
//! The driver (`modules/labcsi`) is ours because upstream's own for tests is not to be had as a Go module; it registers
//! itself with kubelet for the same reason. All that speaks to it is upstream's: kubelet, csi-provisioner, csi-resizer.
//! They reach it by its socket, a file in the node's folder, which is the same file in every namespace.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::rbac::{self, Rule};
use crate::component::{Setup, path_flag};
use crate::control_plane::StartError;
use crate::{node, nodes};

/// User of csi-provisioner.
pub(crate) const PROVISIONER: &str = "csi-provisioner";
/// User of csi-resizer.
pub(crate) const RESIZER: &str = "csi-resizer";

/// As in `modules/labcsi/main.go`.
pub(super) const DRIVER: &str = "hostpath.csi.lab.local";
const TOPOLOGY: &str = "csi.lab.local/node";
const API: &str = "/apis/storage.k8s.io/v1";
pub(super) const READ: &[&str] = &["get", "list", "watch"];
pub(super) const EVENTS: Rule =
    Rule { group: "", resources: &["events"], verbs: &["list", "watch", "create", "update", "patch"] };

/// Creates what the driver and its sidecars need in the cluster.
pub(crate) fn install(setup: &Setup) -> Result<(), StartError> {
    rbac::grant(
        setup,
        PROVISIONER,
        &[
            Rule {
                group: "",
                resources: &["persistentvolumes"],
                verbs: &["get", "list", "watch", "create", "patch", "delete"],
            },
            Rule {
                group: "",
                resources: &["persistentvolumeclaims"],
                verbs: &["get", "list", "watch", "update"],
            },
            Rule { group: "", resources: &["nodes"], verbs: READ },
            Rule {
                group: "storage.k8s.io",
                resources: &["storageclasses", "csinodes", "volumeattachments"],
                verbs: READ,
            },
            Rule {
                group: "snapshot.storage.k8s.io",
                resources: &["volumesnapshots"],
                verbs: &["get", "list", "watch", "update"],
            },
            Rule {
                group: "snapshot.storage.k8s.io",
                resources: &["volumesnapshotcontents"],
                verbs: &["get", "list"],
            },
            EVENTS,
        ],
    )?;
    rbac::grant(
        setup,
        RESIZER,
        &[
            Rule { group: "", resources: &["persistentvolumes"], verbs: &["get", "list", "watch", "patch"] },
            Rule { group: "", resources: &["persistentvolumeclaims", "pods"], verbs: READ },
            Rule { group: "", resources: &["persistentvolumeclaims/status"], verbs: &["patch"] },
            Rule { group: "storage.k8s.io", resources: &["volumeattributesclasses"], verbs: READ },
            EVENTS,
        ],
    )?;
    nodes::post(setup, &format!("{API}/csidrivers"), &driver_object())?;
    nodes::post(setup, &format!("{API}/storageclasses"), &storage_class())
}

/// The driver, to be run on the first node once its kubelet runs.
pub(crate) fn driver(setup: &Setup, program: PathBuf) -> Command {
    let folder = node_folder(setup);
    let mut command = Command::new(program);
    command
        .arg(format!("--node={}", node::name(1)))
        .arg(path_flag("folder", &folder.join("csi")))
        .arg(path_flag("socket", &socket(setup)))
        .arg(path_flag("kubelet", &folder.join("kubelet")));
    command
}

/// Whether kubelet has taken the driver.
pub(crate) fn is_registered(setup: &Setup) -> bool {
    let node = nodes::get(setup, &format!("{API}/csinodes/{}", node::name(1)));
    let drivers = node.as_ref().and_then(|node| node.pointer("/spec/drivers")?.as_array());
    drivers.into_iter().flatten().any(|driver| driver.get("name").and_then(Value::as_str) == Some(DRIVER))
}

pub(crate) fn provisioner(setup: &Setup, program: PathBuf) -> Command {
    let mut command = sidecar(setup, program, PROVISIONER);
    // A volume is where its pod is, and there is nothing to choose between.
    command.arg("--strict-topology=true");
    command
}

pub(crate) fn resizer(setup: &Setup, program: PathBuf) -> Command {
    let mut command = sidecar(setup, program, RESIZER);
    // The driver resizes volumes that are in use.
    command.arg("--handle-volume-inuse-error=false");
    command
}

pub(super) fn sidecar(setup: &Setup, program: PathBuf, user: &str) -> Command {
    let mut command = Command::new(program);
    // csi-provisioner prefers it to its flag; whoever starts a lab may have one of another cluster.
    command.env_remove("KUBECONFIG");
    command.arg(path_flag("csi-address", &socket(setup)));
    command.arg(path_flag("kubeconfig", &setup.kubeconfig(user)));
    command
}

fn driver_object() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": { "name": DRIVER },
        "spec": { "attachRequired": false, "podInfoOnMount": false, "volumeLifecycleModes": ["Persistent"] },
    })
}

fn storage_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": "csi-hostpath" },
        "provisioner": DRIVER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": true,
        // The scheduler must not choose a node without the driver.
        "allowedTopologies": [{ "matchLabelExpressions": [{ "key": TOPOLOGY, "values": [node::name(1)] }] }],
    })
}

fn socket(setup: &Setup) -> PathBuf {
    node_folder(setup).join("csi.sock")
}

fn node_folder(setup: &Setup) -> PathBuf {
    setup.folder.path().join(node::name(1))
}
