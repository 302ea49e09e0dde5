//! The life cycles of pods and nodes, as data.
//!
//! A pod's start is a list of stages in kwok's sense: each waits for a latency after the one before and then
//! reaches a point; everything between the old point and the new one is written in one status patch, as kubelet
//! does when several things happened since its last sync. kwok's `fast` set is one stage that reaches `ready`
//! after `0ms`. Latencies run from the moment a stage was *due*, so that nothing adds up between stages.
//!
//! Says nothing about how status is written: see `controllers/kubelet`.

mod distribution;
pub mod duration;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::distribution::Distribution;

/// Annotation with the time that the containers of a pod run before they end, for example `5s`.
pub const RUN_TIME_ANNOTATION: &str = "sim.bench.dev/run-time";

/// Annotation with the code that the containers of a pod end with.
pub const EXIT_CODE_ANNOTATION: &str = "sim.bench.dev/exit-code";

/// All life cycles of a simulated cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Stages {
    /// How pods live unless an entry of `overrides` matches.
    pub pod: PodLifeCycle,
    /// How some pods live; the first entry that matches counts.
    pub overrides: Vec<PodOverride>,
    /// How nodes live.
    pub node: NodeLifeCycle,
}

impl Stages {
    /// Pods that are ready and gone without delay in one write, as kwok's `fast` stages.
    pub fn fast() -> Self {
        let startup = vec![PodStage::new("pod-ready", PodPoint::Ready, Distribution::ZERO)];
        let pod = PodLifeCycle {
            startup,
            termination: Distribution::ZERO,
            run: Distribution::ZERO,
            omit_conditions: vec!["PodReadyToStartContainers".into()],
            ..PodLifeCycle::default()
        };
        Self { pod, ..Self::default() }
    }

    /// Pods that take the same time for each step; for tests with a known truth.
    pub fn constant(step: Duration) -> Self {
        let latency = Distribution::Constant(step);
        let startup = vec![
            PodStage::new("acknowledged", PodPoint::Acknowledged, latency.clone()),
            PodStage::new("sandbox", PodPoint::SandboxReady, latency.clone()),
            PodStage::new("initialized", PodPoint::Initialized, latency.clone()),
            PodStage::new("running", PodPoint::Running, latency.clone()),
            PodStage::new("ready", PodPoint::Ready, latency.clone()),
        ];
        let pod =
            PodLifeCycle { startup, termination: latency.clone(), run: latency, ..PodLifeCycle::default() };
        Self { pod, ..Self::default() }
    }

    /// Returns the life cycle of a pod with these labels.
    pub fn pod_with_labels<'a>(&'a self, label: impl Fn(&str) -> Option<&'a str>) -> &'a PodLifeCycle {
        self.overrides
            .iter()
            .find(|entry| entry.match_labels.iter().all(|(key, value)| label(key) == Some(value)))
            .map_or(&self.pod, |entry| &entry.life_cycle)
    }

    /// Returns what is wrong, each with its place.
    ///
    /// # Errors
    /// When a distribution has impossible numbers, a probability is outside 0 to 1, or stages go backwards.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut problems = self.pod.problems("pod");
        for (idx, entry) in self.overrides.iter().enumerate() {
            problems.extend(entry.life_cycle.problems(&format!("overrides[{idx}].lifeCycle")));
        }
        if let Err(problem) = self.node.ready.validate() {
            problems.push(format!("node.ready: {problem}"));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// A life cycle for the pods with certain labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodOverride {
    /// Labels that a pod must have, all of them.
    pub match_labels: BTreeMap<String, String>,
    /// How such a pod lives.
    pub life_cycle: PodLifeCycle,
}

/// How a pod lives on its node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodLifeCycle {
    /// From the binding to ready, in order.
    pub startup: Vec<PodStage>,
    /// How long containers run that end by themselves (`restartPolicy` `Never` or `OnFailure`), unless the
    /// annotation `sim.bench.dev/run-time` or a command `sleep N` says so.
    pub run: Distribution,
    /// From the deletion to the end of the containers; the grace period cuts it off.
    pub termination: Distribution,
    /// Condition types that this kubelet never writes, for example `PodReadyToStartContainers`.
    pub omit_conditions: Vec<String>,
    /// Time between two attempts to make a sandbox.
    #[serde(with = "duration")]
    pub sandbox_retry: Duration,
    /// First time between two starts of a container that ended, doubled each time.
    #[serde(with = "duration")]
    pub restart_backoff: Duration,
    /// Longest time between two starts.
    #[serde(with = "duration")]
    pub restart_backoff_max: Duration,
}

impl Default for PodLifeCycle {
    /// As measured on a real node, pods one by one: `cargo xtask bench life-cycle --rounds 3`
    /// (`host/docs/benchmarks.md`).
    fn default() -> Self {
        let lognormal =
            |millis, sigma| Distribution::Lognormal { median: Duration::from_millis(millis), sigma };
        Self {
            startup: vec![
                PodStage::new("acknowledged", PodPoint::Acknowledged, lognormal(21, 0.8)),
                PodStage::new("sandbox", PodPoint::SandboxReady, lognormal(475, 0.13)),
                PodStage::new("initialized", PodPoint::Initialized, Distribution::ZERO),
                PodStage::new("running", PodPoint::Running, lognormal(93, 0.25)),
                PodStage::new("ready", PodPoint::Ready, Distribution::ZERO),
            ],
            run: Distribution::Constant(Duration::from_secs(1)),
            termination: lognormal(1150, 0.18),
            omit_conditions: Vec::new(),
            sandbox_retry: Duration::from_secs(12),
            restart_backoff: Duration::from_secs(10),
            restart_backoff_max: Duration::from_secs(300),
        }
    }
}

impl PodLifeCycle {
    fn problems(&self, place: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let mut note = |at: String, result: Result<(), String>| {
            if let Err(problem) = result {
                problems.push(format!("{place}.{at}: {problem}"));
            }
        };
        note("run".into(), self.run.validate());
        note("termination".into(), self.termination.validate());
        let mut reached = None;
        for (idx, stage) in self.startup.iter().enumerate() {
            note(format!("startup[{idx}].latency"), stage.latency.validate());
            if reached >= Some(stage.reaches) {
                note(
                    format!("startup[{idx}].reaches"),
                    Err(format!("stage `{}` does not lead further than the one before", stage.name)),
                );
            }
            reached = Some(stage.reaches);
            if let Some(failure) = &stage.failure
                && !(0.0..=1.0).contains(&failure.probability)
            {
                let problem = format!("{} is not within 0 and 1", failure.probability);
                note(format!("startup[{idx}].failure.probability"), Err(problem));
            }
        }
        if reached != Some(PodPoint::Ready) {
            note("startup".into(), Err("the last stage must reach `ready`".into()));
        }
        problems
    }
}

/// A step of a pod's start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodStage {
    /// Name, part of what the random numbers are drawn for.
    pub name: String,
    /// What is done when the latency is over.
    pub reaches: PodPoint,
    /// Time after the stage before (after the binding for the first).
    #[serde(default = "no_time")]
    pub latency: Distribution,
    /// What may go wrong instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl PodStage {
    /// Returns a stage that does not fail.
    pub fn new(name: &str, reaches: PodPoint, latency: Distribution) -> Self {
        Self { name: name.into(), reaches, latency, failure: None }
    }
}

fn no_time() -> Distribution {
    Distribution::ZERO
}

/// The points of a pod's start that show in its status, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodPoint {
    /// kubelet has seen the pod: `startTime`, host address, containers `ContainerCreating`.
    Acknowledged,
    /// The sandbox has its network: `PodReadyToStartContainers`, pod address.
    SandboxReady,
    /// All init containers have ended: `Initialized`.
    Initialized,
    /// All containers run: phase `Running`.
    Running,
    /// `ContainersReady` and `Ready`.
    Ready,
}

/// A failure in place of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failure {
    /// Share of pods that it hits, 0 to 1.
    pub probability: f64,
    /// What happens.
    pub kind: FailureKind,
    /// After how many failures it goes well; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureKind {
    /// Containers start and end with code 1: `CrashLoopBackOff`, or phase `Failed` with `restartPolicy: Never`.
    CrashLoop,
    /// The image cannot be pulled: `ErrImagePull`, `ImagePullBackOff`.
    ImagePull,
    /// The sandbox cannot be made: event `FailedCreatePodSandBox`.
    Sandbox,
}

/// How a node lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NodeLifeCycle {
    /// From the creation of the Node to its condition `Ready`. Nodes of the start are ready at once.
    pub ready: Distribution,
    /// Time between two renewals of the Lease in `kube-node-lease`; `0s` means no Leases.
    #[serde(with = "duration")]
    pub lease_renewal: Duration,
    /// `leaseDurationSeconds` of the Lease.
    #[serde(with = "duration")]
    pub lease_duration: Duration,
    /// Time between two status writes that change heartbeat times only; `0s` means none.
    #[serde(with = "duration")]
    pub status_report: Duration,
}

impl Default for NodeLifeCycle {
    fn default() -> Self {
        Self {
            ready: Distribution::millis(500),
            lease_renewal: Duration::from_secs(10),
            lease_duration: Duration::from_secs(40),
            status_report: Duration::from_secs(300),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_life_cycles_are_valid() {
        for stages in [Stages::default(), Stages::fast(), Stages::constant(Duration::from_millis(50))] {
            assert_eq!(stages.validate(), Ok(()));
        }
    }

    #[test]
    fn settings_survive_writing_and_reading() {
        let text = serde_json::to_string(&Stages::default()).expect("serializable");
        assert_eq!(serde_json::from_str::<Stages>(&text).expect("readable"), Stages::default());
    }

    #[test]
    fn a_part_of_the_settings_keeps_the_rest_at_its_default() {
        let read: Stages = serde_saphyr::from_str("pod: {termination: {constant: 2s}}").expect("valid");
        assert_eq!(read.pod.termination, Distribution::millis(2000));
        assert_eq!(read.pod.startup, PodLifeCycle::default().startup);
    }

    #[test]
    fn stages_that_go_backwards_are_refused_with_their_place() {
        let mut stages = Stages::default();
        stages.pod.startup.reverse();
        let problems = stages.validate().expect_err("backwards");
        assert!(
            problems.iter().any(|problem| problem.starts_with("pod.startup[1].reaches:")),
            "{problems:?}"
        );
    }

    #[test]
    fn labels_choose_the_life_cycle() {
        let slow = PodLifeCycle { run: Distribution::millis(1), ..PodLifeCycle::default() };
        let match_labels = BTreeMap::from([("tier".to_owned(), "slow".to_owned())]);
        let stages = Stages {
            overrides: vec![PodOverride { match_labels, life_cycle: slow.clone() }],
            ..Stages::default()
        };
        assert_eq!(stages.pod_with_labels(|key| (key == "tier").then_some("slow")), &slow);
        assert_eq!(stages.pod_with_labels(|_| None), &stages.pod);
    }
}
