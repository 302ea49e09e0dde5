//! A real Kubernetes control plane for tests: built once from pinned Go modules, started in seconds, gone afterwards.
//!
//! ```no_run
//! let binaries = bench_lab::Binaries::ensure(&bench_lab::default_cache()?)?;
//! let lab = bench_lab::ControlPlane::start_with(binaries, bench_lab::Options::default())?;
//! lab.kubectl(&["get", "nodes"])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - `binaries`: what is built, from which modules, and the cache it lands in.
//! - `control_plane`: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok, in that order.
//! - `component`: one file for each program: its command line and when it counts as ready.
//! - `prometheus`, `opensearch`: what tests may want beside it.
//! - `process`, `folder`: children die with the test, however it ends; folders of dead tests are swept.
//!
//! Blocking on purpose, so that it serves `cargo xtask` as well as tests; from async tests call it before the
//! runtime starts or through `spawn_blocking`. Linux only. Needs Go, but no container runtime, no root, no network
//! once the Go module cache is warm.

mod addons;
mod binaries;
mod cgroup;
mod cluster;
mod component;
mod control_plane;
mod folder;
mod https;
mod image;
mod kubeconfig;
mod namespaces;
mod network;
mod node;
mod nodes;
mod opensearch;
mod options;
mod pki;
mod port;
mod process;
mod prometheus;
mod registry;
mod requirements;
mod shared;
mod wait;

pub use binaries::{AddonBinaries, Binaries, BuildError, NodeBinaries, NodeProgram, Program, default_cache};
pub use cgroup::CgroupError;
pub use cluster::{Addons, Cluster, ClusterError, ClusterOptions};
pub use component::Component;
pub use control_plane::{ControlPlane, KubectlError, StartError};
pub use folder::{FolderError, root};
pub use image::{BUSYBOX, ImageError, PAUSE};
pub use namespaces::NamespaceError;
pub use network::NetworkError;
pub use node::{Node, NodeComponent, NodeError};
pub use opensearch::{OpenSearch, OpenSearchError};
pub use options::{ClientLimits, Durability, Options, PodStages};
pub use pki::PkiError;
pub use process::ProcessError;
pub use prometheus::{
    Door, PASSWORD, Prometheus, PrometheusError, UNPACKED as PROMETHEUS_UNPACKED, USER,
    program as prometheus_program,
};
pub use registry::{REGISTRY, SLOW_BYTES_PER_SECOND, SLOW_REGISTRY};
pub use requirements::{Missing, missing};
pub use shared::{SharedClusterError, SharedError, shared, shared_cluster};
