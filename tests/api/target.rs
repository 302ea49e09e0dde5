//! The three servers that every test runs against.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use crate::request::Answer;

/// Time for anything that controllers do.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The user without rights.
const NOBODY: &str = "nobody";

/// Makes each listed test visible three times: `sim::name`, `real::name` and `real_nodes::name`.
macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod sim {
            $(#[test] fn $name() { $crate::target::on_sim(super::$name) })*
        }
        mod real {
            $(#[test] fn $name() { $crate::target::on_real(super::$name) })*
        }
        mod real_nodes {
            $(#[test] fn $name() { $crate::target::on_nodes(super::$name) })*
        }
    };
}

/// A server under test, seen through its kubeconfig only.
pub struct Target {
    pub client: kube::Client,
    /// Talks as the user `nobody`, who has no rights at all.
    pub nobody: kube::Client,
    pub kubeconfig: PathBuf,
    pub scratch: tempfile::TempDir,
}

/// Runs a test against a simulated cluster of its own.
pub fn on_sim(test: impl AsyncFnOnce(&Target)) {
    runtime().block_on(async {
        let user = |name: &str, group: &str| bench_sim::config::User {
            name: name.to_owned(),
            token: format!("token-of-{name}"),
            groups: vec![group.to_owned()],
            rules: Vec::new(),
        };
        let users = vec![user("bench", "system:masters"), user(NOBODY, "nobodies")];
        // TLS, because `kubectl` sends no token without it.
        let config = bench_sim::SimConfig { nodes: 3, tls: true, users, ..bench_sim::SimConfig::default() };
        let sim = bench_sim::Sim::start(config).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let kubeconfig = scratch.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sim.kubeconfig()).unwrap();
        let nobody = |user: &mut AuthInfo| user.token = Some(format!("token-of-{NOBODY}").into());
        let target = Target::connect(kubeconfig, scratch, nobody).await;
        test(&target).await;
    });
}

/// Runs a test against the control plane that all tests of this process share.
pub fn on_real(test: impl AsyncFnOnce(&Target)) {
    let lab = bench_lab::shared().unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    on(lab, test);
}

/// Runs a test against the real nodes that all tests of this process share.
pub fn on_nodes(test: impl AsyncFnOnce(&Target)) {
    let cluster = bench_lab::shared_cluster().unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    on(cluster.control_plane(), test);
}

fn on(lab: &bench_lab::ControlPlane, test: impl AsyncFnOnce(&Target)) {
    runtime().block_on(async {
        let scratch = tempfile::tempdir().unwrap();
        let nobody = |user: &mut AuthInfo| user.impersonate = Some(NOBODY.to_owned());
        let target = Target::connect(lab.kubeconfig(), scratch, nobody).await;
        test(&target).await;
    });
}

impl Target {
    async fn connect(
        kubeconfig: PathBuf,
        scratch: tempfile::TempDir,
        become_nobody: impl Fn(&mut AuthInfo),
    ) -> Self {
        let file = Kubeconfig::read_from(&kubeconfig).unwrap();
        let mut nobody = file.clone();
        for user in &mut nobody.auth_infos {
            become_nobody(user.auth_info.get_or_insert_default());
        }
        Self { client: client(file).await, nobody: client(nobody).await, kubeconfig, scratch }
    }

    /// Creates a namespace nobody else uses, ready for pods.
    pub async fn namespace(&self) -> Namespace<'_> {
        let name = unique("test");
        self.post("/api/v1/namespaces", &json!({ "metadata": { "name": name } })).await.expect(201);
        let path = format!("/api/v1/namespaces/{name}");
        self.eventually_found(&format!("{path}/serviceaccounts/default")).await;
        self.eventually_found(&format!("{path}/configmaps/kube-root-ca.crt")).await;
        Namespace { server: self, name }
    }

    /// Waits until an object exists.
    pub async fn eventually_found(&self, path: &str) -> Value {
        self.eventually(path, async || {
            let answer = self.get(path).await;
            (answer.status == 200).then(|| answer.json())
        })
        .await
    }

    /// Waits until an object is gone.
    pub async fn eventually_gone(&self, path: &str) {
        self.eventually(path, async || (self.get(path).await.status == 404).then_some(())).await;
    }

    /// Waits until an object is as wanted.
    pub async fn eventually_is(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.eventually(path, async || {
            let answer = self.get(path).await;
            (answer.status == 200).then(|| answer.json()).filter(|value| wanted(value))
        })
        .await
    }

    /// Looks until there is something; fails when patience ends, with what was waited for.
    pub async fn eventually<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let started = tokio::time::Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "gave up on {what} after {PATIENCE:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A name that no other test of this process uses.
pub fn unique(prefix: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A test's own namespace.
pub struct Namespace<'a> {
    pub server: &'a Target,
    pub name: String,
}

impl Namespace<'_> {
    /// Path of a collection of the core group.
    pub fn core(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.name)
    }

    /// Path of a collection of another group, such as `apps/v1`.
    pub fn of(&self, group_version: &str, plural: &str) -> String {
        format!("/apis/{group_version}/namespaces/{}/{plural}", self.name)
    }

    /// Path of this namespace.
    pub fn path(&self) -> String {
        format!("/api/v1/namespaces/{}", self.name)
    }

    /// Creates a ConfigMap with labels and an entry `key: value`.
    pub async fn config_map(&self, name: &str, labels: &[(&str, &str)]) -> Answer {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|&(key, value)| (key.to_owned(), json!(value))).collect();
        let object = json!({ "metadata": { "name": name, "labels": labels }, "data": { "key": "value" } });
        self.server.post(&self.core("configmaps"), &object).await.expect(201)
    }

    /// Creates a pod that any node can run.
    pub async fn pod(&self, name: &str) -> Answer {
        let object = json!({ "metadata": { "name": name }, "spec": pod_spec() });
        self.server.post(&self.core("pods"), &object).await.expect(201)
    }

    /// Waits until a pod is Ready.
    pub async fn ready_pod(&self, name: &str) -> Value {
        self.server.eventually_is(&self.core(&format!("pods/{name}")), is_ready).await
    }
}

/// The smallest pod.
pub fn pod_spec() -> Value {
    json!({ "containers": [{ "name": "main", "image": "example.invalid/image:1" }] })
}

/// Status of a condition, if it is there.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

pub fn is_ready(object: &Value) -> bool {
    condition(object, "Ready") == Some("True")
}

/// Names of a list's items, in its order.
pub fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

/// Runs `kubectl` against a server; its stdout, or its stderr if it failed.
pub async fn kubectl(server: &Target, arguments: &[&str]) -> Result<String, String> {
    kubectl_with(server, arguments, Path::new("/dev/null")).await
}

/// As [`kubectl`], with a file on stdin.
pub async fn kubectl_with(server: &Target, arguments: &[&str], stdin: &Path) -> Result<String, String> {
    let output = tokio::process::Command::new(kubectl_path())
        .args(arguments)
        .env("KUBECONFIG", &server.kubeconfig)
        .env("KUBECACHEDIR", server.scratch.path().join("cache"))
        .stdin(std::fs::File::open(stdin).unwrap())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The real `kubectl`, the same one for both servers; built if it has to be.
fn kubectl_path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let cache = bench_lab::default_cache().unwrap();
        bench_lab::Binaries::ensure(&cache).unwrap().path(bench_lab::Program::Kubectl)
    })
}

/// An error and all its causes, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn client(file: Kubeconfig) -> kube::Client {
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    // An answer is to be seen as it came, not as it came after the third try.
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
