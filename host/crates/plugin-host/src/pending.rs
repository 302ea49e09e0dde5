//! Stands in for the crates that do not exist yet.
/// Cluster.
#[derive(Debug, Clone)]
pub struct Cluster;
/// Prometheus.
#[derive(Debug, Clone)]
pub struct Prometheus;
