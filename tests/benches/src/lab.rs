//! The real control plane: namespaces that were never used before, and what the server rejected.

use anyhow::Context;
use bench_lab::{ControlPlane, Options};

use crate::say;

/// Starts a control plane with so many fake nodes; builds its programs the first time.
///
/// # Errors
/// When it cannot be built or started.
pub fn start(nodes: u32) -> anyhow::Result<ControlPlane> {
    say(&format!("starting a control plane with {nodes} fake nodes"));
    let options = Options { nodes, ..Options::default() };
    ControlPlane::start(options).context("failed to start the real control plane")
}

/// The path of the ordinary user's kubeconfig. It is subject to API priority and fairness, other than
/// `system:masters`.
///
/// # Errors
/// When the path is no text.
pub fn kubeconfig(lab: &ControlPlane) -> anyhow::Result<String> {
    lab.kubeconfig().into_os_string().into_string().map_err(|path| anyhow::anyhow!("{path:?} is no text"))
}

/// Requests that API priority and fairness rejected since the server started.
///
/// # Errors
/// When the server does not tell.
pub fn rejected(lab: &ControlPlane) -> anyhow::Result<f64> {
    let metrics = lab.kubectl(&["get", "--raw", "/metrics"])?;
    let lines =
        metrics.lines().filter(|line| line.starts_with("apiserver_flowcontrol_rejected_requests_total"));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
}

/// Makes a namespace, lets `work` use it, and removes it with all that is in it.
///
/// # Errors
/// Those of `work`, or when the namespace cannot be made or removed.
pub fn in_namespace<T>(
    lab: &ControlPlane,
    name: &str,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    lab.kubectl(&["create", "namespace", name])?;
    let result = work();
    // Waits until it is gone: the server's work on it must not fall into the next measurement.
    lab.kubectl(&["delete", "namespace", name])?;
    result
}
