//! The built program, run against a cluster.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use bench_lab::{Cluster, PAUSE};
use serde_json::Value;
use tempfile::TempDir;

use super::lab::{kubectl, path};

/// A scenario of the repository.
pub fn scenario(name: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    path(&root.join("scenarios").join(name)).to_owned()
}

/// A folder with the records of one test, and the cluster to run on.
pub struct Bench {
    pub folder: TempDir,
    kubeconfig: PathBuf,
    cluster_uid: String,
}

impl Bench {
    pub fn on(cluster: &Cluster) -> Self {
        let uid = kubectl(cluster, &["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]);
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            kubeconfig: cluster.control_plane().kubeconfig(),
            cluster_uid: uid,
        }
    }

    /// `bench run` with the pause image of the nodes.
    pub fn command(&self, scenario: &str, settings: &[&str]) -> Command {
        let mut command = self.on_a_scenario("run", scenario, settings);
        command.arg("--quiet");
        command
    }

    /// What `bench plan` says of the pods that the first job makes.
    pub fn planned_pods(&self, scenario: &str, settings: &[&str]) -> Value {
        let output = self.on_a_scenario("plan", scenario, settings).output().expect("bench starts");
        Ran::from(output).ended_with(&[0]).json()["jobs"][0]["pods"].clone()
    }

    fn on_a_scenario(&self, verb: &str, scenario: &str, settings: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.current_dir(self.folder.path()).env("NO_COLOR", "1").env_remove("KUBECONFIG");
        command.args([verb, scenario, "--output", "json", "--set", "cluster={}"]);
        command.args(["--kubeconfig", path(&self.kubeconfig), "--cluster-uid", &self.cluster_uid]);
        command.args(["--set", &format!("variables.image={PAUSE}")]);
        command.args(settings.iter().flat_map(|setting| ["--set", setting]));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, scenario: &str, settings: &[&str]) -> Ran {
        Ran::from(self.command(scenario, settings).output().expect("bench starts"))
    }

    /// Rows of a table of the one run, as JSON.
    pub fn rows(&self, ran: &Ran, source: &str) -> Vec<Value> {
        let summary = ran.json();
        let tables = summary["tables"].as_array().expect("tables");
        let table = tables.iter().find(|table| table["source"] == source).expect("the table");
        let run = summary["run"]["id"].as_str().expect("an id");
        let file = table["file"].as_str().expect("a file");
        let text = std::fs::read_to_string(self.folder.path().join("runs").join(run).join(file));
        let text = text.expect("the table's file");
        text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
    }
}

/// What a run left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }

    /// Fails unless the run ended with one of these codes.
    #[track_caller]
    pub fn ended_with(self, codes: &[i32]) -> Self {
        assert!(
            codes.contains(&self.code),
            "{}\nstdout: {}\nstderr: {}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }
}

/// A metric's distribution.
pub fn distribution<'s>(summary: &'s Value, source: &str, name: &str) -> &'s Value {
    let metrics = summary["metrics"].as_array().expect("metrics");
    let found = metrics.iter().find(|metric| metric["source"] == source && metric["name"] == name);
    &found.unwrap_or_else(|| panic!("no metric {source}.{name} in {metrics:?}"))["distribution"]
}

/// Fails if a run left anything in the cluster.
#[track_caller]
pub fn nothing_is_left(cluster: &Cluster) {
    let left = kubectl(cluster, &["get", "namespaces,pods", "-A", "-l", "bench.dev/run-id", "-o", "name"]);
    assert_eq!(left.trim(), "");
}
