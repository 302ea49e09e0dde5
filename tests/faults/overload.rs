//! An API server that takes no more: 429, with and without a policy for it.

use std::time::Duration;

use bench_lab::{Component, ControlPlane};

use crate::bench::eventually;
use crate::lab::{kubectl, lab, nothing_is_left};
use crate::run::{Ended, Running};

/// A level with few seats and no queue, for pods that the ordinary user creates.
const LEVEL: &str = r#"
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: { name: narrow }
spec:
  type: Limited
  limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: Reject } }
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: { name: narrow }
spec:
  matchingPrecedence: 500
  priorityLevelConfiguration: { name: narrow }
  rules:
  - subjects: [ { kind: User, user: { name: bench } } ]
    resourceRules: [ { verbs: [create], apiGroups: [''], resources: [pods], namespaces: ['*'] } ]
"#;

/// The level, in force until it is dropped.
struct Narrow<'l>(&'l ControlPlane);

impl<'l> Narrow<'l> {
    fn new(lab: &'l ControlPlane) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), LEVEL).expect("written");
        kubectl(lab, &["apply", "-f", file.path().to_str().expect("UTF-8")]);
        let narrow = Self(lab);
        let is_in_force = r#"jsonpath={.status.conditions[?(@.type=="Dangling")].status}"#;
        eventually("the level in force", || {
            let dangling = kubectl(lab, &["get", "flowschema", "narrow", "-o", is_in_force]);
            (dangling == "False" && narrow.metric("nominal_limit_seats") >= 1.0).then_some(())
        });
        narrow
    }

    /// Sum of what the API server counts of the level.
    fn metric(&self, name: &str) -> f64 {
        let text = kubectl(self.0, &["get", "--raw", "/metrics"]);
        let name = format!("apiserver_flowcontrol_{name}{{");
        let lines = text.lines().filter(|line| line.starts_with(&name));
        let lines = lines.filter(|line| line.contains(r#"priority_level="narrow""#));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

impl Drop for Narrow<'_> {
    fn drop(&mut self) {
        // The cluster may be in trouble when a test has failed; what it said then is clearer.
        let _ = self.0.kubectl(&["delete", "flowschema,prioritylevelconfiguration", "narrow"]);
    }
}

/// Lets a fault last.
fn last(time: Duration) {
    let (_never_sent, never) = std::sync::mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

/// Runs into a storm of three seconds; gives the requests that the API server refused, too.
fn stormy(lab: &ControlPlane, settings: &[&str]) -> (Ended, f64) {
    let narrow = Narrow::new(lab);
    let before = narrow.metric("rejected_requests_total");
    let settings = [&["jobs.create.queue.rate=10/s", "variables.pods=100"][..], settings].concat();
    let running = Running::start(lab, &settings);
    // Creates wait for it and keep all seats.
    lab.pause(Component::Etcd).expect("paused");
    last(Duration::from_secs(3));
    lab.resume(Component::Etcd).expect("resumed");
    let ended = running.ended_with(&[0, 10, 13]);
    let refused = narrow.metric("rejected_requests_total") - before;
    nothing_is_left(lab);
    (ended, refused)
}

#[test]
fn a_storm_of_429_makes_the_run_invalid() {
    let lab = lab();
    let (ended, refused) = stormy(&lab, &[]);
    let failed = ended.count("failed");
    assert!(failed > 0 && failed == ended.errors(429), "{}", ended.job());
    assert_eq!(refused, failed as f64);
    assert_eq!(ended.summary["conclusion"]["verdict"], "invalid");
    let findings = ended.findings("tooManyRequests");
    let [finding] = findings.as_slice() else { panic!("one finding: {findings:?}") };
    assert_eq!(finding["invalidates"], true);
    let text = format!("the server refused {failed} operations of queue `main` with 429");
    assert!(finding["message"].as_str().is_some_and(|message| message.starts_with(&text)), "{finding}");
    assert!(ended.text.contains("429"), "{}", ended.text);
    assert_eq!(ended.rows().len() as u64, 100 - failed);
}

#[test]
fn a_queue_that_backs_off_creates_everything_through_a_storm_of_429() {
    let lab = lab();
    let (ended, refused) = stormy(&lab, &["jobs.create.queue.onTooManyRequests=backoff"]);
    assert!(refused > 0.0);
    assert_eq!((ended.count("operations"), ended.count("failed")), (100, 0), "{}", ended.job());
    let findings = ended.findings("tooManyRequests");
    let [finding] = findings.as_slice() else { panic!("one finding: {findings:?}") };
    assert_eq!(finding["invalidates"], false);
    assert_eq!(ended.job()["queues"][0]["sentAgain"].as_f64(), Some(refused), "{finding}");
    // `Retry-After` is a second at least: with ten attempts, whoever did not wait it out would have failed.
    let longest = ended.job()["response"]["max"].as_f64().expect("all answered");
    assert!(longest >= 1e9, "{}", ended.job());
    let rows = ended.rows();
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().all(|row| row["ready"].is_i64()), "{rows:?}");
}
