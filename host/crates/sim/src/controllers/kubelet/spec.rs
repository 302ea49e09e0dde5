//! The parts of a pod that kubelet looks at.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::stage::{self, EXIT_CODE_ANNOTATION, RUN_TIME_ANNOTATION};
use crate::store::Object;

/// A pod's spec and what else decides its life.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PodWire {
    metadata: Metadata,
    pub(crate) spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Spec {
    pub(crate) containers: Vec<Container>,
    pub(crate) init_containers: Vec<Container>,
    restart_policy: RestartPolicy,
    pub(crate) host_network: bool,
}

/// `spec.restartPolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum RestartPolicy {
    #[default]
    Always,
    OnFailure,
    Never,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    command: Vec<String>,
    args: Vec<String>,
    pub(crate) resources: Value,
    pub(crate) volume_mounts: Vec<VolumeMount>,
    readiness_probe: Option<Probe>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumeMount {
    pub(crate) name: String,
    pub(crate) mount_path: String,
    pub(crate) read_only: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Probe {
    initial_delay_seconds: u32,
}

impl PodWire {
    /// Reads a pod; one without the right shape has no containers.
    pub(crate) fn read(pod: &Object) -> Self {
        pod.decode().unwrap_or_default()
    }

    pub(crate) fn restart_policy(&self) -> RestartPolicy {
        self.spec.restart_policy
    }

    /// How long the containers run before they end by themselves; `None` is for ever.
    pub(crate) fn run_time(&self, usual: impl FnOnce() -> Duration) -> Option<Duration> {
        let annotated = self.metadata.annotations.get(RUN_TIME_ANNOTATION);
        if let Some(annotated) = annotated.and_then(|text| stage::duration::parse(text).ok()) {
            return Some(annotated);
        }
        if self.spec.restart_policy == RestartPolicy::Always {
            return None;
        }
        self.spec.containers.iter().filter_map(Container::sleeps).max().or_else(|| Some(usual()))
    }

    /// The code that the containers end with.
    pub(crate) fn exit_code(&self) -> i64 {
        let annotated = self.metadata.annotations.get(EXIT_CODE_ANNOTATION);
        annotated.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The longest time before a first readiness probe.
    pub(crate) fn readiness_delay(&self) -> Duration {
        let delays = self.spec.containers.iter().filter_map(|container| container.readiness_probe.as_ref());
        Duration::from_secs(delays.map(|probe| u64::from(probe.initial_delay_seconds)).max().unwrap_or(0))
    }
}

impl Container {
    /// `sleep 30` as command and arguments, or within `sh -c`.
    fn sleeps(&self) -> Option<Duration> {
        let words: Vec<&str> = self.command.iter().chain(&self.args).map(String::as_str).collect();
        let words: Vec<&str> = match words.as_slice() {
            [shell, "-c", script] if shell.ends_with("sh") => script.split_whitespace().collect(),
            _ => words,
        };
        match words.as_slice() {
            [program, number] if program.rsplit('/').next() == Some("sleep") => {
                let seconds = number.strip_suffix('s').unwrap_or(number).parse().ok()?;
                Duration::try_from_secs_f64(seconds).ok()
            }
            _ => None,
        }
    }

    /// The image without tag or digest.
    pub(crate) fn repository(&self) -> &str {
        let without_digest = self.image.split_once('@').map_or(self.image.as_str(), |(name, _)| name);
        match without_digest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => without_digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: Value) -> PodWire {
        serde_json::from_value(serde_json::json!({ "spec": spec })).expect("a pod")
    }

    fn check(command: &[&str], expected: Option<u64>) {
        let pod =
            pod(serde_json::json!({ "restartPolicy": "Never", "containers": [{ "command": command }] }));
        let usual = Duration::from_millis(1);
        assert_eq!(pod.run_time(|| usual), Some(expected.map_or(usual, Duration::from_secs)), "{command:?}");
    }

    #[test]
    fn a_command_that_sleeps_says_how_long_it_runs() {
        check(&["sleep", "30"], Some(30));
        check(&["/bin/sleep", "5s"], Some(5));
        check(&["sh", "-c", "sleep 7"], Some(7));
        check(&["sh", "-c", "echo hello"], None);
        check(&["sleep", "-1"], None);
    }

    #[test]
    fn containers_that_are_always_restarted_run_for_ever() {
        let pod = pod(serde_json::json!({ "containers": [{ "command": ["sleep", "1"] }] }));
        assert_eq!(pod.run_time(|| Duration::ZERO), None);
    }

    #[test]
    fn the_repository_has_neither_tag_nor_digest() {
        for (image, expected) in [
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("app@sha256:00", "app"),
        ] {
            assert_eq!(Container { image: image.into(), ..Container::default() }.repository(), expected);
        }
    }
}
