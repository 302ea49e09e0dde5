//! What can go wrong with a cluster of real nodes.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::binaries::BuildError;
use crate::control_plane::StartError;
use crate::folder::FolderError;
use crate::image::ImageError;
use crate::namespaces::NamespaceError;
use crate::network::NetworkError;
use crate::node::NodeError;
use crate::process::ProcessError;
use crate::requirements::Missing;

/// Reasons for which a cluster cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The machine cannot run real nodes.
    #[error(
        "real nodes need what this machine lacks: {}; the control plane with fake nodes runs without it",
        list(missing)
    )]
    Missing {
        /// All that is missing.
        missing: Vec<Missing>,
    },
    /// More nodes than there are names and addresses for.
    #[error("{wanted} real nodes are too many: the limit is {limit}")]
    TooManyNodes {
        /// What was asked for.
        wanted: u8,
        /// What there may be.
        limit: u8,
    },
    /// There is no such node.
    #[error("no real node at position {index}")]
    NoNode {
        /// Its position, counted from 0.
        index: usize,
    },
    /// The programs are not there and cannot be built.
    #[error("no programs to start")]
    Build(#[from] BuildError),
    /// The lab's folder cannot be made.
    #[error("no folder for the cluster")]
    Folder(#[from] FolderError),
    /// The control plane's namespace cannot be made.
    #[error("no namespace for the control plane")]
    Namespace(#[from] NamespaceError),
    /// The lab's network cannot be made.
    #[error("no network for the cluster")]
    Network(#[from] NetworkError),
    /// The control plane does not start.
    #[error("no control plane")]
    ControlPlane(#[from] StartError),
    /// An image cannot be made.
    #[error("no image for the nodes")]
    Image(#[from] ImageError),
    /// A node does not start.
    #[error("no node")]
    Node(#[from] NodeError),
    /// An addon's process does not start.
    #[error("no process for an addon")]
    Process(#[from] ProcessError),
    /// An addon's process ended instead of becoming ready.
    #[error("`{name}` ended with {status}; its log ends with\n{tail}")]
    Ended {
        /// Which one.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Last lines of its log.
        tail: String,
    },
    /// An addon does not become ready.
    #[error("{what} is not ready after {limit:?}")]
    NotReady {
        /// Which one.
        what: &'static str,
        /// Time it had.
        limit: Duration,
    },
    /// Any of the above, with the place where the logs are.
    #[error("no cluster; its logs are kept in {logs}")]
    Failed {
        /// Folder of the logs.
        logs: PathBuf,
        /// What went wrong.
        #[source]
        source: Box<ClusterError>,
    },
}

fn list(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
