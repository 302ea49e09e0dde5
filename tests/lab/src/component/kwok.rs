//! kwok: plays the nodes that carry its annotation, by the stages in `modules/kwok/stages`.

use super::setup::path_flag;
use super::{Component, Setup};
use crate::control_plane::StartError;
use crate::nodes;
use crate::options::PodStages;
use crate::pki;

/// Options, node stages and what all pods share.
const BASE: &str = include_str!("../../modules/kwok/stages/base.yaml");
const POD_FAST: &str = include_str!("../../modules/kwok/stages/pod-fast.yaml");
const POD_COMPLETE: &str = include_str!("../../modules/kwok/stages/pod-complete.yaml");

/// Seconds for which a node's lease is good. A kwok that starts again does nothing for a node until then.
const LEASE_SECONDS: u32 = 40;

pub(super) fn arguments(setup: &Setup) -> Vec<String> {
    let address = setup.address(Component::Kwok);
    vec![
        path_flag("kubeconfig", &setup.kubeconfig("kwok")),
        path_flag("config", &setup.folder.path().join("kwok.yaml")),
        "--manage-all-nodes=false".to_owned(),
        format!("--manage-nodes-with-annotation-selector={}", nodes::ANNOTATION),
        format!("--node-lease-duration-seconds={LEASE_SECONDS}"),
        // The upper half of the range, which controllers give to nodes from below: fake pods and real ones differ.
        "--cidr=10.248.0.0/13".to_owned(),
        format!("--node-ip={}", address.ip()),
        format!("--node-port={}", address.port()),
        format!("--server-address={address}"),
    ]
}

/// Ready when every node is.
pub(super) fn is_ready(setup: &Setup) -> bool {
    nodes::n_ready(setup) == setup.options.nodes
}

/// Writes kwok's configuration; it holds no port, so once is enough.
pub(super) fn write_config(setup: &Setup) -> Result<(), StartError> {
    let pods = match setup.options.pod_stages {
        PodStages::Fast => POD_FAST,
        PodStages::Complete => POD_COMPLETE,
    };
    pki::write_private(&setup.folder.path().join("kwok.yaml"), &format!("{BASE}---\n{pods}"))?;
    Ok(())
}
