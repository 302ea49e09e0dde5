//! The shared cluster, and how tests talk to it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use bench_lab::{Cluster, ClusterOptions, Durability, Options};
use parking_lot::{Mutex, MutexGuard};

/// Options of a small cluster without disk waits.
pub fn options() -> ClusterOptions {
    let control_plane = Options { nodes: 0, durability: Durability::NoFsync, ..Options::default() };
    ClusterOptions { control_plane, ..ClusterOptions::default() }
}

/// The shared cluster for one test alone.
pub fn shared() -> MutexGuard<'static, Cluster> {
    static SHARED: OnceLock<Mutex<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Mutex::new(started(&options()))).lock()
}

/// A cluster of the test's own.
pub fn started(options: &ClusterOptions) -> Cluster {
    Cluster::start(options).unwrap_or_else(|error| panic!("{}", with_causes(&error)))
}

/// Output of `kubectl` as the ordinary user; fails with what it said.
#[track_caller]
pub fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    cluster.control_plane().kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// Creates objects from YAML.
#[track_caller]
pub fn apply(cluster: &Cluster, yaml: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), yaml).expect("written");
    kubectl(cluster, &["apply", "-f", path(file.path())]);
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A namespace of one test, removed with all in it when the test is over.
pub struct Namespace<'a> {
    pub cluster: &'a Cluster,
    pub name: &'static str,
}

impl<'a> Namespace<'a> {
    pub fn new(cluster: &'a Cluster, name: &'static str) -> Self {
        kubectl(cluster, &["create", "namespace", name]);
        eventually("a service account", || {
            cluster.control_plane().kubectl(&["get", "serviceaccount", "default", "-n", name]).ok()
        });
        Self { cluster, name }
    }

    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, bench_lab::KubectlError> {
        let arguments: Vec<&str> = ["-n", self.name].iter().chain(arguments).copied().collect();
        self.cluster.control_plane().kubectl(&arguments)
    }

    #[track_caller]
    pub fn field(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "-o", &format!("jsonpath={{{path}}}")])
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        // A test that fails leaves a cluster that may not answer; the next test's own words are clearer.
        let _ = self.try_kubectl(&["delete", "pods", "--all", "--grace-period=1"]);
        let _ = self.cluster.control_plane().kubectl(&["delete", "namespace", self.name]);
    }
}

/// An error and all its causes.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Looks until there is an answer; says for what it waited when there never is one.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let (_never_sent, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..6000 {
        if let Some(found) = look() {
            return found;
        }
        let _ = never.recv_timeout(Duration::from_millis(50));
    }
    panic!("waited five minutes or more for {what}");
}
