//! `status` of a pod, computed whole from how far its life has come, as kubelet's `generateAPIPodStatus` does.

use serde_json::{Map, Value, json};

use super::run::{ContainerState, Progress};
use super::spec::{Container, PodWire};
use crate::controllers::conditions::{self, Condition, Times};
use crate::controllers::pods::Phase;
use crate::random::Random;
use crate::stage::PodPoint;
use crate::store::Draft;

/// Everything that a status is computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) uid: &'a str,
    pub(crate) pod: &'a PodWire,
    pub(crate) progress: &'a Progress,
    pub(crate) host_address: &'a str,
    pub(crate) random: Random,
    /// Condition types that are left out.
    pub(crate) omit: &'a [String],
    /// `metav1.Time` of now.
    pub(crate) now: &'a str,
}

/// Replaces the status of a pod.
pub(crate) fn write(pod: &mut Draft<'_>, inputs: Inputs<'_>) {
    let generation = Some(pod.object().generation);
    let mut old = std::mem::take(pod.status());
    let mut status = Map::new();
    if let Some(generation) = generation {
        status.insert("observedGeneration".into(), generation.into());
    }
    status.insert("phase".into(), phase_name(inputs.progress.phase()).into());
    status.insert("conditions".into(), old.remove("conditions").unwrap_or_else(|| json!([])));
    write_conditions(&mut status, generation, inputs);
    status.insert("hostIP".into(), inputs.host_address.into());
    status.insert("hostIPs".into(), json!([{ "ip": inputs.host_address }]));
    if let Some(address) = &inputs.progress.address {
        status.insert("podIP".into(), address.as_str().into());
        status.insert("podIPs".into(), json!([{ "ip": address }]));
    }
    let start = old.remove("startTime").unwrap_or_else(|| inputs.now.into());
    status.insert("startTime".into(), start);
    if !inputs.pod.spec.init_containers.is_empty() {
        let list = inputs.pod.spec.init_containers.iter().map(|container| init_status(container, inputs));
        status.insert("initContainerStatuses".into(), list.collect());
    }
    let list = inputs.pod.spec.containers.iter().map(|container| container_status(container, inputs));
    status.insert("containerStatuses".into(), list.collect());
    for (field, value) in old {
        // `qosClass` and what others may have put there.
        if !status.contains_key(&field) && field != "initContainerStatuses" {
            status.insert(field, value);
        }
    }
    *pod.status() = status;
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
        Phase::Unknown => "Unknown",
    }
}

fn write_conditions(status: &mut Map<String, Value>, generation: Option<i64>, inputs: Inputs<'_>) {
    let progress = inputs.progress;
    let names = |containers: &[Container]| {
        containers.iter().map(|container| container.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let unready = format!("containers with unready status: [{}]", names(&inputs.pod.spec.containers));
    let uninitialized =
        format!("containers with incomplete status: [{}]", names(&inputs.pod.spec.init_containers));
    let finished = match progress.phase() {
        Phase::Succeeded => Some("PodCompleted"),
        Phase::Failed => Some("PodFailed"),
        Phase::Pending | Phase::Running | Phase::Unknown => None,
    };
    let initialized =
        progress.reached >= Some(PodPoint::Initialized) || inputs.pod.spec.init_containers.is_empty();
    let ready = match (progress.is_ready(), finished) {
        (true, _) => (true, None, None),
        (false, Some(reason)) => (false, Some(reason), None),
        (false, None) => (false, Some("ContainersNotReady"), Some(unready.as_str())),
    };
    let rows = [
        ("PodReadyToStartContainers", (progress.has_sandbox(), None, None)),
        (
            "Initialized",
            match (initialized, finished) {
                (true, Some("PodCompleted")) => (true, Some("PodCompleted"), None),
                (true, _) => (true, None, None),
                (false, _) => (false, Some("ContainersNotInitialized"), Some(uninitialized.as_str())),
            },
        ),
        ("Ready", ready),
        ("ContainersReady", ready),
        ("PodScheduled", (true, None, None)),
    ];
    for (kind, (holds, reason, message)) in rows {
        if inputs.omit.iter().any(|omitted| omitted == kind) {
            continue;
        }
        let condition = Condition {
            kind,
            status: if holds { "True" } else { "False" },
            reason,
            message,
            observed_generation: generation,
        };
        conditions::set(status, Times::ProbeNull, condition, inputs.now);
    }
    order(status);
}

/// kubelet's conditions come in this order, `PodScheduled` last, although it is the oldest.
fn order(status: &mut Map<String, Value>) {
    const ORDER: [&str; 5] =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let Some(list) = status.get_mut("conditions").and_then(Value::as_array_mut) else { return };
    list.sort_by_key(|condition| {
        let kind = condition.get("type").and_then(Value::as_str).unwrap_or_default();
        ORDER.iter().position(|known| *known == kind).unwrap_or(0)
    });
}

fn container_status(container: &Container, inputs: Inputs<'_>) -> Value {
    let progress = inputs.progress;
    let state = &progress.containers;
    let restarts = progress.restarts;
    let mut status = Map::new();
    status.insert("name".into(), container.name.as_str().into());
    let id = |restarts: u32| container_id(container, inputs, restarts);
    status.insert("state".into(), state_value(state, &id(restarts)));
    let last = progress.last_end.as_ref().map(|end| state_value(end, &id(restarts.saturating_sub(1))));
    status.insert("lastState".into(), last.unwrap_or_else(|| json!({})));
    let running = matches!(state, ContainerState::Running { .. });
    status.insert("ready".into(), (running && progress.is_ready()).into());
    status.insert("restartCount".into(), restarts.into());
    finish(&mut status, container, inputs, running, state.has_started() || progress.last_end.is_some());
    status.into()
}

fn init_status(container: &Container, inputs: Inputs<'_>) -> Value {
    let progress = inputs.progress;
    let done = progress.reached >= Some(PodPoint::Initialized);
    let mut status = Map::new();
    status.insert("name".into(), container.name.as_str().into());
    let state = match &progress.initialized_at {
        Some(at) if done => ContainerState::completed(at.clone()),
        Some(_) | None => ContainerState::waiting("PodInitializing"),
    };
    let id = container_id(container, inputs, 0);
    status.insert("state".into(), state_value(&state, &id));
    status.insert("lastState".into(), json!({}));
    status.insert("ready".into(), done.into());
    status.insert("restartCount".into(), 0.into());
    finish(&mut status, container, inputs, false, done);
    status.into()
}

fn finish(
    status: &mut Map<String, Value>,
    container: &Container,
    inputs: Inputs<'_>,
    running: bool,
    has_run: bool,
) {
    status.insert("image".into(), container.image.as_str().into());
    let image_id = if has_run {
        let digest = inputs.random.hex(&["image", &container.image], 64);
        format!("{}@sha256:{digest}", container.repository())
    } else {
        String::new()
    };
    status.insert("imageID".into(), image_id.into());
    if has_run {
        let id = container_id(container, inputs, inputs.progress.restarts);
        status.insert("containerID".into(), id.into());
    }
    status.insert("started".into(), running.into());
    if running {
        if let Some(requests) = container.resources.get("requests") {
            status.insert("allocatedResources".into(), requests.clone());
        }
        let resources = if container.resources.is_object() { container.resources.clone() } else { json!({}) };
        status.insert("resources".into(), resources);
    }
    if !container.volume_mounts.is_empty() {
        let mounts = container.volume_mounts.iter().map(|mount| {
            let mut value = json!({ "name": mount.name, "mountPath": mount.mount_path });
            if let (true, Some(fields)) = (mount.read_only, value.as_object_mut()) {
                fields.insert("readOnly".into(), true.into());
                fields.insert("recursiveReadOnly".into(), "Disabled".into());
            }
            value
        });
        status.insert("volumeMounts".into(), mounts.collect());
    }
    if running {
        let user = json!({ "linux": { "uid": 0, "gid": 0, "supplementalGroups": [0] } });
        status.insert("user".into(), user);
    }
}

fn state_value(state: &ContainerState, id: &str) -> Value {
    match state {
        ContainerState::Waiting { reason, message: None } => json!({ "waiting": { "reason": reason } }),
        ContainerState::Waiting { reason, message: Some(message) } => {
            json!({ "waiting": { "reason": reason, "message": message } })
        }
        ContainerState::Running { started } => json!({ "running": { "startedAt": started } }),
        ContainerState::Terminated { exit_code, started, finished } => json!({
            "terminated": {
                "exitCode": exit_code,
                "reason": if *exit_code == 0 { "Completed" } else { "Error" },
                "startedAt": started,
                "finishedAt": finished,
                "containerID": id,
            }
        }),
    }
}

fn container_id(container: &Container, inputs: Inputs<'_>, restarts: u32) -> String {
    let parts = ["container", inputs.uid, &container.name, &restarts.to_string()];
    format!("containerd://{}", inputs.random.hex(&parts, 64))
}
