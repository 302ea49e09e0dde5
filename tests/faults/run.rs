//! A run that something happens to.

use std::process::{Child, Stdio};

use bench_lab::ControlPlane;
use serde_json::Value;

use crate::bench::{Bench, Ran, eventually};

const SCENARIO: &str = "\
apiVersion: bench.dev/v1alpha1
kind: Scenario
metadata: { name: fault }
deadline: 3m
variables: { pods: 60, rate: 4/s }
plugins:
  objects: { from: builtin:objects }
  pod-latency: { from: builtin:pod-latency }
measurements: [ { plugin: pod-latency } ]
jobs:
  - name: create
    plugin: objects
    queue: { rate: '${rate}', burst: 1, inFlight: 64 }
    settle: 3s
    with:
      create:
        iterations: '${pods}'
        namespaces: { prefix: fault }
        objects: [ { template: pod.yaml } ]
      waitFor: { condition: ready, timeout: 60s }
thresholds:
  - rate(create.errors) == 0
  - missing(pod-latency.ready) == 0
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: { name: 'pod-{{ iteration }}' }
spec: { terminationGracePeriodSeconds: 0, containers: [ { name: main, image: x } ] }
";

/// A run that goes on, four pods a second.
pub struct Running {
    pub bench: Bench,
    child: Child,
}

impl Running {
    /// Starts a run with the ordinary user's credentials and waits until it has created something.
    pub fn start(lab: &ControlPlane, settings: &[&str]) -> Self {
        let kubeconfig = lab.kubeconfig();
        Self::start_as(lab, Bench::new(), kubeconfig.to_str().expect("UTF-8"), settings)
    }

    /// The same with a kubeconfig; relative to the folder of `bench`.
    pub fn start_as(lab: &ControlPlane, bench: Bench, kubeconfig: &str, settings: &[&str]) -> Self {
        let mut running = Self { child: spawn(&bench, kubeconfig, settings), bench };
        eventually("the run's first pods", || {
            running.assert_goes_on();
            let list = lab.kubectl(&["get", "pods", "-A", "-l", "bench.dev/run-id", "-o", "name"]);
            list.ok().filter(|list| list.lines().count() >= 5)
        });
        running
    }

    /// Fails when the run has ended.
    #[track_caller]
    pub fn assert_goes_on(&mut self) {
        let ended = self.child.try_wait().expect("a child");
        assert_eq!(ended, None, "the run ended early");
    }

    /// Waits for its end, which must be with one of these codes, and for a report of the record alone that says the
    /// same.
    #[track_caller]
    pub fn ended_with(self, codes: &[i32]) -> Ended {
        let ran = Ran::from(self.child.wait_with_output().expect("it ends"));
        assert!(codes.contains(&ran.code), "{}\nstdout: {}\nstderr: {}", ran.code, ran.stdout, ran.stderr);
        let report = self.bench.run(&["report", "latest", "--format", "json"]).ended_with(ran.code);
        let summary = ran.json();
        assert_eq!(report.json(), summary, "a report is a function of the record alone");
        assert_eq!(summary["partial"], false, "{}", summary["partialReasons"]);
        let text = self.bench.run(&["report", "latest"]).stdout;
        Ended { bench: self.bench, summary, text, stderr: ran.stderr }
    }
}

fn spawn(bench: &Bench, kubeconfig: &str, settings: &[&str]) -> Child {
    bench.write("pod.yaml", POD);
    let file = bench.write("fault.yaml", SCENARIO);
    let mut command =
        bench.command(&["run", &file, "--quiet", "--output", "json", "--kubeconfig", kubeconfig]);
    command.args(settings.iter().flat_map(|setting| ["--set", setting]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("bench starts")
}

/// Starts a run in a folder of its own and waits for its end, whatever it is.
pub fn ran(lab: &ControlPlane) -> Ran {
    let bench = Bench::new();
    let child = spawn(&bench, lab.kubeconfig().to_str().expect("UTF-8"), &[]);
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// What a run left.
pub struct Ended {
    pub bench: Bench,
    pub summary: Value,
    /// The report for people.
    pub text: String,
    pub stderr: String,
}

impl Ended {
    /// Its one job.
    pub fn job(&self) -> &Value {
        &self.summary["jobs"][0]
    }

    /// A count of its job.
    #[track_caller]
    pub fn count(&self, name: &str) -> u64 {
        self.job()[name].as_u64().unwrap_or_else(|| panic!("no count `{name}` in {}", self.job()))
    }

    /// Failed operations with this status.
    pub fn errors(&self, http_status: u16) -> u64 {
        let errors = self.job()["errors"].as_array().expect("errors").iter();
        errors
            .filter(|error| error["httpStatus"] == http_status)
            .filter_map(|error| error["count"].as_u64())
            .sum()
    }

    /// The findings of a kind.
    pub fn findings(&self, kind: &str) -> Vec<&Value> {
        let findings = self.summary["findings"].as_array().expect("findings");
        findings.iter().filter(|finding| finding["kind"] == kind).collect()
    }

    /// One row for each pod.
    pub fn rows(&self) -> Vec<Value> {
        let tables = self.summary["tables"].as_array().expect("tables");
        let table = tables.iter().find(|table| table["source"] == "pod-latency").expect("the table");
        let run = self.summary["run"]["id"].as_str().expect("an id");
        let file =
            self.bench.folder.path().join("runs").join(run).join(table["file"].as_str().expect("a file"));
        let text = std::fs::read_to_string(file).expect("the table's file");
        text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
    }
}
