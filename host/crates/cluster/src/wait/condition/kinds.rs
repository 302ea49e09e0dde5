//! What readiness means for each kind, and what it says of an object that is not ready yet.

use super::{Check, Values, Verdict, unless};

/// The readiness of a kind. Rollouts as `kubectl rollout status` judges them.
pub(super) fn check(group: &str, plural: &str) -> Check {
    let paths_and_judge: (&'static [&'static str], fn(&Values<'_>) -> Verdict) = match (group, plural) {
        ("", "pods") => (&POD, pod),
        ("apps", "deployments") => (&DEPLOYMENT, deployment),
        ("apps", "statefulsets") => (&STATEFUL_SET, stateful_set),
        ("apps", "daemonsets") => (&DAEMON_SET, daemon_set),
        ("apps", "replicasets") | ("", "replicationcontrollers") => (&REPLICA_SET, replica_set),
        ("batch", "jobs") => (&JOB, job),
        ("", "persistentvolumeclaims") => (&["status.phase"], |values| phase(values, &["Bound"])),
        ("", "persistentvolumes") => (&["status.phase"], |values| phase(values, &["Available", "Bound"])),
        ("", "namespaces") => (&["status.phase"], |values| phase(values, &["Active"])),
        ("", "nodes") => (&CONDITION, |values| condition(values, true)),
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            (&ESTABLISHED, |values| condition(values, true))
        }
        ("apiregistration.k8s.io", "apiservices") => (&AVAILABLE, |values| condition(values, true)),
        _ => (&CONDITION, |values| condition(values, false)),
    };
    let (paths, judge) = paths_and_judge;
    Check { paths, judge }
}

const POD: [&str; 8] = [
    "status.conditions[type=Ready].status",
    "status.conditions[type=PodScheduled].reason",
    "status.conditions[type=PodScheduled].message",
    "status.initContainerStatuses[*].state.waiting.reason",
    "status.containerStatuses[*].state.waiting.reason",
    "status.phase",
    "status.conditions[type=PodScheduled].status",
    "status.conditions[type=Ready].message",
];

fn pod(values: &Values<'_>) -> Verdict {
    if values.text(0) == "True" {
        return Verdict::Met;
    }
    let phase = values.text(5);
    if values.text(6) == "False" {
        return Verdict::Unmet(format!("{}: {}", values.text(1), values.text(2)));
    }
    let waiting = [values.text(3), values.text(4)].into_iter().find(|reasons| !reasons.is_empty());
    match waiting {
        Some(reasons) => Verdict::Unmet(reasons.to_owned()),
        None if values.text(7).is_empty() => {
            Verdict::Unmet(if phase.is_empty() { "Pending" } else { phase }.to_owned())
        }
        None => Verdict::Unmet(values.text(7).to_owned()),
    }
}

const DEPLOYMENT: [&str; 8] = [
    "metadata.generation",
    "status.observedGeneration",
    "spec.replicas",
    "status.updatedReplicas",
    "status.replicas",
    "status.availableReplicas",
    "status.conditions[type=Progressing].reason",
    "status.conditions[type=Progressing].message",
];

fn deployment(values: &Values<'_>) -> Verdict {
    let (wanted, updated, all, available) =
        (values.number(2), values.number(3), values.number(4), values.number(5));
    let missing = if values.number(1) < values.number(0) {
        "its controller has not seen it yet".to_owned()
    } else if values.text(6) == "ProgressDeadlineExceeded" {
        values.text(7).to_owned()
    } else if updated < wanted {
        format!("{updated} of {wanted} replicas are updated")
    } else if all > updated {
        format!("{} old replicas are left", all - updated)
    } else if available < wanted {
        format!("{available} of {wanted} replicas are available")
    } else {
        String::new()
    };
    unless(&missing)
}

const STATEFUL_SET: [&str; 7] = [
    "metadata.generation",
    "status.observedGeneration",
    "spec.replicas",
    "status.readyReplicas",
    "status.updateRevision",
    "status.currentRevision",
    "status.updatedReplicas",
];

fn stateful_set(values: &Values<'_>) -> Verdict {
    let (wanted, ready, updated) = (values.number(2), values.number(3), values.number(6));
    let missing = if values.number(1) < values.number(0) {
        "its controller has not seen it yet".to_owned()
    } else if ready < wanted {
        format!("{ready} of {wanted} replicas are ready")
    } else if values.text(4) != values.text(5) && updated < wanted {
        format!("{updated} of {wanted} replicas are updated")
    } else {
        String::new()
    };
    unless(&missing)
}

const DAEMON_SET: [&str; 5] = [
    "metadata.generation",
    "status.observedGeneration",
    "status.desiredNumberScheduled",
    "status.updatedNumberScheduled",
    "status.numberAvailable",
];

fn daemon_set(values: &Values<'_>) -> Verdict {
    let (wanted, updated, available) = (values.number(2), values.number(3), values.number(4));
    let missing = if values.text(1).is_empty() || values.number(1) < values.number(0) {
        "its controller has not seen it yet".to_owned()
    } else if updated < wanted {
        format!("{updated} of {wanted} pods are updated")
    } else if available < wanted {
        format!("{available} of {wanted} pods are available")
    } else {
        String::new()
    };
    unless(&missing)
}

const REPLICA_SET: [&str; 4] =
    ["metadata.generation", "status.observedGeneration", "spec.replicas", "status.availableReplicas"];

fn replica_set(values: &Values<'_>) -> Verdict {
    let (wanted, available) = (values.number(2), values.number(3));
    let missing = if values.number(1) < values.number(0) {
        "its controller has not seen it yet".to_owned()
    } else if available < wanted {
        format!("{available} of {wanted} replicas are available")
    } else {
        String::new()
    };
    unless(&missing)
}

const JOB: [&str; 5] = [
    "status.conditions[type=Complete].status",
    "status.conditions[type=Failed].status",
    "status.conditions[type=Failed].message",
    "status.succeeded",
    "spec.completions",
];

fn job(values: &Values<'_>) -> Verdict {
    if values.text(0) == "True" {
        return Verdict::Met;
    }
    if values.text(1) == "True" {
        return Verdict::Unmet(format!("failed: {}", values.text(2)));
    }
    Verdict::Unmet(format!("{} of {} pods succeeded", values.number(3), values.number(4).max(1)))
}

fn phase(values: &Values<'_>, wanted: &[&str]) -> Verdict {
    let found = values.text(0);
    if wanted.contains(&found) {
        return Verdict::Met;
    }
    Verdict::Unmet(format!("phase is {}", if found.is_empty() { "not set" } else { found }))
}

const CONDITION: [&str; 3] = [
    "status.conditions[type=Ready].status",
    "status.conditions[type=Ready].reason",
    "status.conditions[type=Ready].message",
];
const ESTABLISHED: [&str; 3] = [
    "status.conditions[type=Established].status",
    "status.conditions[type=Established].reason",
    "status.conditions[type=Established].message",
];
const AVAILABLE: [&str; 3] = [
    "status.conditions[type=Available].status",
    "status.conditions[type=Available].reason",
    "status.conditions[type=Available].message",
];

/// A kind that has no such condition is ready by existing, unless it is `required`.
fn condition(values: &Values<'_>, required: bool) -> Verdict {
    match values.text(0) {
        "True" => Verdict::Met,
        "" if !required => Verdict::Met,
        "" => Verdict::Unmet("its condition is not set".to_owned()),
        _ => Verdict::Unmet(format!("{}: {}", values.text(1), values.text(2))),
    }
}
