//! What an object is waited for to be: `kubectl wait --for` and each kind's own readiness.

use std::fmt;

use bench_model::{ParseAs, Projection, ResourceRef};

use crate::{RequestError, projection::Cell};

/// A condition, as `kubectl wait --for` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// `create`: it exists.
    Create,
    /// `delete`: it is gone.
    Delete,
    /// `condition=Ready`, `condition=Ready=False`: a status condition has this value.
    Status {
        /// Type of the condition.
        kind: String,
        /// `True` when not given.
        value: String,
    },
    /// `jsonpath={.status.phase}=Bound`; without a value, that there is one.
    Path {
        /// As in projections.
        path: String,
        /// What it must be.
        value: Option<String>,
    },
    /// `ready`: what readiness means for its kind.
    Ready,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// When it is none of the forms above, or its path has parts that projections do not have.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let invalid = || RequestError::InvalidArgument {
            message: format!(
                "`{text}` is not a condition, write `ready`, `create`, `delete`, `condition=Ready` or `jsonpath={{.status.phase}}=Bound`"
            ),
        };
        match text.split_once('=') {
            None => match text {
                "create" => Ok(Self::Create),
                "delete" => Ok(Self::Delete),
                "ready" => Ok(Self::Ready),
                _ => Err(invalid()),
            },
            Some(("condition", rest)) => {
                let (kind, value) = rest.split_once('=').unwrap_or((rest, "True"));
                let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/' | '_');
                if kind.is_empty() || value.is_empty() || !kind.chars().all(is_name) {
                    return Err(invalid());
                }
                Ok(Self::Status { kind: kind.to_owned(), value: value.to_owned() })
            }
            Some(("jsonpath", rest)) => jsonpath(rest).ok_or_else(invalid),
            Some(_) => Err(invalid()),
        }
    }
}

impl fmt::Display for Condition {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Delete => f.write_str("delete"),
            Self::Ready => f.write_str("ready"),
            Self::Status { kind, value } if value == "True" => write!(f, "condition={kind}"),
            Self::Status { kind, value } => write!(f, "condition={kind}={value}"),
            Self::Path { path, value: Some(value) } => write!(f, "jsonpath={{.{path}}}={value}"),
            Self::Path { path, value: None } => write!(f, "jsonpath={{.{path}}}"),
        }
    }
}

/// `{.status.phase}=Bound` or `'{.status.phase}'=Bound`.
fn jsonpath(text: &str) -> Option<Condition> {
    let unquoted = text.trim_start_matches('\'').strip_prefix('{')?;
    let (path, rest) = unquoted.split_once('}')?;
    let rest = rest.trim_start_matches('\'');
    let value = match rest.strip_prefix('=') {
        Some(value) => {
            Some(Some(value.trim_matches(['\'', '"']).to_owned()).filter(|value| !value.is_empty())?)
        }
        None if rest.is_empty() => None,
        None => return None,
    };
    // kubectl's filter `[?(@.type=="Ready")]` is our `[type=Ready]`.
    let path = path.replace("[?(@.", "[").replace("==", "=").replace(")]", "]").replace('"', "");
    let path = path.trim_start_matches('.').to_owned();
    let known = crate::projection::is_path(&path);
    known.then_some(Condition::Path { path, value })
}

/// A condition for one kind: the columns that it looks at, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    paths: &'static [&'static str],
    judge: fn(&Values<'_>) -> Verdict,
}

/// What a check says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    /// What is missing.
    Unmet(String),
}

/// The columns of one object, by position.
pub(super) struct Values<'a>(&'a [Cell<'a>]);

impl Values<'_> {
    fn text(&self, at: usize) -> &str {
        match self.0.get(at) {
            Some(Cell::Text(text)) => text,
            Some(_) | None => "",
        }
    }

    /// A number that the API leaves out when it is 0.
    fn number(&self, at: usize) -> i64 {
        self.text(at).parse().unwrap_or(0)
    }
}

/// How a condition is judged for a kind.
pub(super) enum Judge {
    /// By existing; also what `delete` looks at.
    Exists,
    /// One value against another; `shown` names it.
    Equals { path: String, value: Option<String>, shown: String },
    /// The kind's own.
    Check(Check),
}

impl Judge {
    pub(super) fn new(condition: &Condition, target: &ResourceRef) -> Self {
        match condition {
            Condition::Create | Condition::Delete => Self::Exists,
            Condition::Status { kind, value } => Self::Equals {
                path: format!("status.conditions[type={kind}].status"),
                value: Some(value.clone()),
                shown: format!("condition {kind}"),
            },
            Condition::Path { path, value } => {
                Self::Equals { path: path.clone(), value: value.clone(), shown: path.clone() }
            }
            Condition::Ready => Self::Check(check(&target.group, &target.plural)),
        }
    }

    pub(super) fn projections(&self) -> Vec<Projection> {
        let text = |path: &str| Projection { path: path.to_owned(), parse: ParseAs::Text };
        match self {
            Self::Exists => Vec::new(),
            Self::Equals { path, .. } => vec![text(path)],
            Self::Check(check) => check.paths.iter().map(|path| text(path)).collect(),
        }
    }

    pub(super) fn judge(&self, cells: &[Cell<'_>]) -> Verdict {
        let values = Values(cells);
        match self {
            Self::Exists => Verdict::Met,
            Self::Check(check) => (check.judge)(&values),
            Self::Equals { value, shown, .. } => {
                let found = values.text(0);
                let is_met = match value {
                    Some(value) => found.eq_ignore_ascii_case(value),
                    None => !found.is_empty(),
                };
                let found = if found.is_empty() { "not set" } else { found };
                if is_met { Verdict::Met } else { Verdict::Unmet(format!("{shown} is {found}")) }
            }
        }
    }
}

fn unless(missing: &str) -> Verdict {
    if missing.is_empty() { Verdict::Met } else { Verdict::Unmet(missing.to_owned()) }
}

/// The readiness of a kind. Rollouts as `kubectl rollout status` judges them.
fn check(group: &str, plural: &str) -> Check {
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

#[cfg(test)]
mod tests {
    use bench_limiter::RunClock;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::projection::Projector;

    fn target(group: &str, plural: &str) -> ResourceRef {
        ResourceRef {
            group: group.to_owned(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            namespace: String::new(),
        }
    }

    fn check(group: &str, plural: &str, condition: &str, object: &Value, missing: &str) {
        let condition = Condition::parse(condition).expect("a condition");
        let judge = Judge::new(&condition, &target(group, plural));
        let projector = Projector::compile(&judge.projections()).expect("paths");
        let text = object.to_string();
        let clock = RunClock::start_at(std::time::UNIX_EPOCH);
        let row = projector.object(&mut serde_json::Deserializer::from_str(&text), &clock).expect("JSON");
        assert_eq!(judge.judge(&row.cells), unless(missing), "{object}");
    }

    fn conditions(list: &Value) -> Value {
        json!({"status": {"phase": "Pending", "conditions": list}})
    }

    #[test]
    fn a_pod_says_what_it_waits_for() {
        check("", "pods", "ready", &conditions(&json!([{"type": "Ready", "status": "True"}])), "");
        let message = "0/1 nodes are available: 1 Too many pods";
        let unschedulable = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
        check(
            "",
            "pods",
            "ready",
            &conditions(&unschedulable),
            "Unschedulable: 0/1 nodes are available: 1 Too many pods",
        );
        let waiting = json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
        check("", "pods", "ready", &waiting, "ImagePullBackOff");
        check("", "pods", "ready", &json!({}), "Pending");
    }

    #[test]
    fn a_rollout_is_complete_when_all_replicas_are_new_and_available() {
        let deployment = |observed: u32, updated: u32, all: u32, available: u32| {
            json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {
                "observedGeneration": observed, "updatedReplicas": updated, "replicas": all, "availableReplicas": available}})
        };
        check("apps", "deployments", "ready", &deployment(2, 3, 3, 3), "");
        check("apps", "deployments", "ready", &deployment(1, 3, 3, 3), "its controller has not seen it yet");
        check("apps", "deployments", "ready", &deployment(2, 1, 3, 3), "1 of 3 replicas are updated");
        check("apps", "deployments", "ready", &deployment(2, 3, 4, 3), "1 old replicas are left");
        check("apps", "deployments", "ready", &deployment(2, 3, 3, 2), "2 of 3 replicas are available");
        check(
            "apps",
            "daemonsets",
            "ready",
            &json!({"metadata": {"generation": 1}}),
            "its controller has not seen it yet",
        );
    }

    #[test]
    fn other_kinds_are_ready_by_their_phase_condition_or_existence() {
        check(
            "",
            "persistentvolumeclaims",
            "ready",
            &json!({"status": {"phase": "Pending"}}),
            "phase is Pending",
        );
        check("", "configmaps", "ready", &json!({"data": {}}), "");
        check(
            "x.io",
            "things",
            "ready",
            &conditions(&json!([{"type": "Ready", "status": "False", "reason": "R", "message": "m"}])),
            "R: m",
        );
        check("", "nodes", "ready", &json!({}), "its condition is not set");
        let failed = json!([{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]);
        check("batch", "jobs", "ready", &conditions(&failed), "failed: BackoffLimitExceeded");
    }

    #[test]
    fn conditions_of_kubectl_are_read() {
        let bound = json!({"status": {"phase": "Bound"}});
        check("", "x", "jsonpath={.status.phase}=Bound", &bound, "");
        check("", "x", "jsonpath='{.status.phase}'=Lost", &bound, "status.phase is Bound");
        check("", "x", "jsonpath={.status.phase}", &bound, "");
        check("", "x", "jsonpath={.spec.x}", &bound, "spec.x is not set");
        let ready = conditions(&json!([{"type": "Ready", "status": "False"}]));
        check("", "x", r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}=False"#, &ready, "");
        check("", "x", "condition=Ready=false", &ready, "");
        check("", "x", "condition=Ready", &ready, "condition Ready is False");
        for wrong in ["", "exists", "condition=", "jsonpath={.a", "jsonpath={.a[0]}=1", "condition=a]b"] {
            assert!(Condition::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in r"(condition=|jsonpath=)?[{}.'a-z\[\]=?@()]{0,30}|.{0,30}") {
            let _ = Condition::parse(&text);
        }
    }
}
