//! One control plane, and one cluster of real nodes, for all tests of a test binary.

use std::sync::OnceLock;

use crate::cluster::{Cluster, ClusterError, ClusterOptions};
use crate::control_plane::{ControlPlane, StartError};
use crate::options::Options;

/// The shared control plane could not be started; the same for every test that asks.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no shared control plane")]
pub struct SharedError(#[source] pub &'static StartError);

/// The shared cluster could not be started; the same for every test that asks.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no shared cluster of real nodes")]
pub struct SharedClusterError(#[source] pub &'static ClusterError);

/// The control plane that all tests of this process share, started by the first who asks.
///
/// It ends with the process: statics are not dropped, but the kernel kills the components (see `process`), and the
/// next lab on this machine removes the folder. Tests keep to namespaces of their own and must not kill its components,
/// nor pause one that another test does not wait for.
///
/// # Errors
///
/// When it cannot be started. Tests must fail then, not skip.
pub fn shared() -> Result<&'static ControlPlane, SharedError> {
    static SHARED: OnceLock<Result<ControlPlane, StartError>> = OnceLock::new();
    SHARED.get_or_init(|| ControlPlane::start(Options::default())).as_ref().map_err(SharedError)
}

/// The cluster of two real nodes that all tests of this process share, as [`shared`].
///
/// # Errors
///
/// When it cannot be started. Tests must fail then, not skip.
pub fn shared_cluster() -> Result<&'static Cluster, SharedClusterError> {
    static SHARED: OnceLock<Result<Cluster, ClusterError>> = OnceLock::new();
    let options = ClusterOptions { real_nodes: 2, ..ClusterOptions::default() };
    SHARED.get_or_init(|| Cluster::start(&options)).as_ref().map_err(SharedClusterError)
}
