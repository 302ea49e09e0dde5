//! The shared control plane, and who talks to it.

use std::sync::OnceLock;

use bench_lab::{ControlPlane, Durability, Options};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

/// The shared control plane for one test alone.
pub fn lab() -> MutexGuard<'static, ControlPlane> {
    static SHARED: OnceLock<Mutex<ControlPlane>> = OnceLock::new();
    let options = Options { durability: Durability::NoFsync, ..Options::default() };
    let start = || Mutex::new(ControlPlane::start(options).expect("the real control plane"));
    SHARED.get_or_init(start).lock()
}

/// Output of `kubectl` as the ordinary user; fails with what it said.
#[track_caller]
pub fn kubectl(lab: &ControlPlane, arguments: &[&str]) -> String {
    lab.kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// The ordinary user's kubeconfig with something else in it.
pub fn kubeconfig(lab: &ControlPlane, change: impl FnOnce(&mut Value)) -> String {
    let text = std::fs::read_to_string(lab.kubeconfig()).expect("a kubeconfig");
    let mut config = serde_json::from_str(&text).expect("JSON");
    change(&mut config);
    config.to_string()
}

/// Names of what runs made and is still there.
pub fn left(lab: &ControlPlane) -> String {
    kubectl(lab, &["get", "namespaces,pods", "-A", "-l", "bench.dev/run-id", "-o", "name"])
}

/// Fails if a run left anything in the cluster.
#[track_caller]
pub fn nothing_is_left(lab: &ControlPlane) {
    assert_eq!(left(lab).trim(), "");
}

/// A service account that may do everything; gone with its rights when it is dropped.
pub struct Account<'l> {
    lab: &'l ControlPlane,
    name: &'static str,
    pub token: String,
}

impl<'l> Account<'l> {
    pub fn new(lab: &'l ControlPlane, name: &'static str) -> Self {
        kubectl(lab, &["create", "serviceaccount", name, "-n", "default"]);
        let account = format!("--serviceaccount=default:{name}");
        kubectl(lab, &["create", "clusterrolebinding", name, "--clusterrole=cluster-admin", &account]);
        let token = kubectl(lab, &["create", "token", name, "-n", "default"]).trim().to_owned();
        Self { lab, name, token }
    }

    /// Ends it; the API server may believe its token for ten seconds more.
    pub fn revoke(&self) {
        kubectl(self.lab, &["delete", "serviceaccount", self.name, "-n", "default"]);
    }

    /// Whether the API server still takes its token.
    pub fn is_known(&self) -> bool {
        let token = format!("--token={}", self.token);
        let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
        let text = self::kubeconfig(self.lab, |config| config["users"][0]["user"] = json!({}));
        std::fs::write(kubeconfig.path(), text).expect("written");
        let file = format!("--kubeconfig={}", kubeconfig.path().display());
        self.lab.kubectl(&["get", "--raw", "/version", &file, &token]).is_ok()
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        // The cluster may be in trouble when a test has failed; what it said then is clearer.
        let gone = "--ignore-not-found";
        let _ = self.lab.kubectl(&["delete", "clusterrolebinding", self.name, gone]);
        let _ = self.lab.kubectl(&["delete", "serviceaccount", self.name, "-n", "default", gone]);
    }
}
