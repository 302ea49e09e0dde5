//! local-path-provisioner: claims become folders on the node of their first pod.
//!
//! A process in the control plane's namespace; its helper pods make and remove the folders.

use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::component::Setup;
use crate::control_plane::StartError;
use crate::image::BUSYBOX;
use crate::{nodes, pki};

const NAMESPACE: &str = "local-path-storage";

/// Writes what the provisioner reads and creates what it needs in the cluster.
pub(crate) fn install(setup: &Setup) -> Result<(), StartError> {
    let folder = setup.folder.path().join("local-path");
    let config = json!({
        "nodePathMap": [{ "node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [folder] }],
    });
    pki::write_private(&config_path(setup), &config.to_string())?;
    let helper = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "helper-pod" },
        "spec": { "containers": [{ "name": "helper-pod", "image": BUSYBOX, "imagePullPolicy": "Never" }] },
    });
    pki::write_private(&helper_path(setup), &helper.to_string())?;
    nodes::post(
        setup,
        "/api/v1/namespaces",
        &json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } }),
    )?;
    nodes::post(
        setup,
        "/apis/storage.k8s.io/v1/storageclasses",
        &json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": { "name": "local-path" },
            "provisioner": "rancher.io/local-path",
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        }),
    )?;
    nodes::post(
        setup,
        &format!("/api/v1/namespaces/{NAMESPACE}/configmaps"),
        &json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": "local-path-config" },
            "data": {
                "setup": "#!/bin/sh\nset -eu\nmkdir -m 0777 -p \"$VOL_DIR\"\n",
                "teardown": "#!/bin/sh\nset -eu\nrm -rf \"$VOL_DIR\"\n",
            },
        }),
    )
}

pub(crate) fn command(setup: &Setup, program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.args([
        "start",
        "--config",
        &config_path(setup).to_string_lossy(),
        "--kubeconfig",
        &setup.kubeconfig("local-path-provisioner").to_string_lossy(),
        "--namespace",
        NAMESPACE,
        "--configmap-name",
        "local-path-config",
        "--helper-image",
        BUSYBOX,
        "--helper-pod-file",
        &helper_path(setup).to_string_lossy(),
        "--provisioner-name",
        "rancher.io/local-path",
        "--service-account-name",
        "default",
    ]);
    command
}

fn config_path(setup: &Setup) -> PathBuf {
    setup.folder.path().join("local-path.json")
}

fn helper_path(setup: &Setup) -> PathBuf {
    setup.folder.path().join("local-path-helper.json")
}
