//! The network of pods: what kindnet writes too, a veth for each pod and addresses out of the node's range.

use std::fs;

use serde_json::json;

use super::{NodeError, Place, write};

/// Writes the configuration; containerd takes it up by itself, and then the node becomes Ready.
pub(super) fn write_config(place: &Place<'_>, pod_range: &str) -> Result<(), NodeError> {
    let config = json!({
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "dataDir": place.folder.join("cni-addresses"),
                    "ranges": [[{ "subnet": pod_range }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    let (partial, path) = (place.folder.join("cni/lab.partial"), place.folder.join("cni/10-lab.conflist"));
    write(&partial, &format!("{config:#}\n"))?;
    fs::rename(&partial, &path).map_err(|source| NodeError::Folder { path, source })
}
