//! One control plane, and one cluster of real nodes, for all tests of a test binary.

use std::io::{self, Write as _};
use std::sync::OnceLock;

use crate::cluster::{Cluster, ClusterError, ClusterOptions};
use crate::control_plane::{ControlPlane, StartError};
use crate::options::Options;
use crate::requirements::{self, Missing};

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

/// The cluster of two real nodes that all tests of this process share, as [`shared`]; `None` where [`real_nodes`] says
/// that there are none.
///
/// # Errors
///
/// When it cannot be started. Tests must fail then, not skip.
pub fn shared_cluster() -> Result<Option<&'static Cluster>, SharedClusterError> {
    static SHARED: OnceLock<Result<Option<Cluster>, ClusterError>> = OnceLock::new();
    let start = || {
        let options = ClusterOptions { real_nodes: 2, ..ClusterOptions::default() };
        if real_nodes()? { Cluster::start(&options).map(Some) } else { Ok(None) }
    };
    match SHARED.get_or_init(start) {
        Ok(cluster) => Ok(cluster.as_ref()),
        Err(error) => Err(SharedClusterError(error)),
    }
}

/// Variable that says whether tests on real nodes run: `require` or `off`; as the machine allows without it.
pub const REAL_NODES: &str = "BENCH_REAL_NODES";

/// Whether tests on real nodes run. A no is said on stderr once, past libtest's capture.
///
/// # Errors
///
/// When they are required, or only lack programs that could be installed, and cannot run.
pub fn real_nodes() -> Result<bool, ClusterError> {
    let wish = std::env::var(REAL_NODES).unwrap_or_default();
    let missing = if wish == "off" { Vec::new() } else { requirements::missing() };
    let curable = missing.iter().all(|missing| missing.package().is_some());
    match wish.as_str() {
        "off" => {
            say("REAL NODES ARE OFF: what needs kubelet and containers is not tested");
            Ok(false)
        }
        _ if missing.is_empty() => Ok(true),
        "require" => Err(ClusterError::Missing { missing }),
        _ if curable => Err(ClusterError::Missing { missing }),
        _ => {
            let list: Vec<String> = missing.iter().map(Missing::to_string).collect();
            say(&format!(
                "NO REAL NODES HERE: what needs kubelet and containers is not tested; missing: {}",
                list.join(", ")
            ));
            Ok(false)
        }
    }
}

fn say(line: &str) {
    static SAID: OnceLock<()> = OnceLock::new();
    // A closed stderr is no failure.
    SAID.get_or_init(|| drop(writeln!(io::stderr(), "bench-lab: {line}")));
}
