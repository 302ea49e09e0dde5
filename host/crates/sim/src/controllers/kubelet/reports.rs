//! The Events that kubelet writes, worded as upstream 1.36.

use std::time::Duration;

use super::run::ContainerState;
use super::spec::{Container, PodWire};
use crate::controllers::context::Context;
use crate::controllers::events::{Report, Reporter};
use crate::controllers::pods::Pod;

fn report(
    pod: &Pod,
    node: &str,
    path: Option<&str>,
    warning: bool,
    reason: &str,
    message: &str,
    context: &mut Context,
) {
    context.events.record(Report {
        about: &pod.object,
        field_path: path,
        warning,
        reason,
        message,
        reporter: Reporter::Kubelet(node),
    });
}

fn path(list: &str, container: &Container) -> String {
    format!("spec.{list}{{{}}}", container.name)
}

/// Containers were started; `list` is `containers` or `initContainers`.
pub(super) fn started(pod: &Pod, containers: &[Container], list: &str, node: &str, context: &mut Context) {
    for container in containers {
        let path = path(list, container);
        let pulled = format!(
            "Container image \"{}\" already present on machine and can be accessed by the pod",
            container.image
        );
        for (reason, message) in
            [("Pulled", pulled.as_str()), ("Created", "Container created"), ("Started", "Container started")]
        {
            report(pod, node, Some(&path), false, reason, message, context);
        }
    }
}

/// The containers of a pod are told to stop.
pub(super) fn killing(pod: &Pod, wire: &PodWire, node: &str, context: &mut Context) {
    for container in &wire.spec.containers {
        let message = format!("Stopping container {}", container.name);
        report(pod, node, Some(&path("containers", container)), false, "Killing", &message, context);
    }
}

/// There is no address left in the range of the node.
pub(super) fn no_address(pod: &Pod, node: &str, range: &str, attempt: u32, context: &mut Context) {
    let sandbox = context.random.hex(&["sandbox", pod.uid(), &attempt.to_string()], 64);
    let message = format!(
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \
         \"{sandbox}\": plugin type=\"ptp\" failed (add): failed to allocate for range 0: no IP addresses available in \
         range set: {range}"
    );
    report(pod, node, None, true, "FailedCreatePodSandBox", &message, context);
}

/// The sandbox was not made in time.
pub(super) fn sandbox_timeout(pod: &Pod, node: &str, context: &mut Context) {
    let message =
        "Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded";
    report(pod, node, None, true, "FailedCreatePodSandBox", message, context);
}

/// The node has no pod range.
pub(super) fn no_network(pod: &Pod, node: &str, context: &mut Context) {
    let message = "network is not ready: container runtime network not ready: NetworkReady=false \
                   reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
    report(pod, node, None, true, "NetworkNotReady", message, context);
}

/// The images cannot be pulled; returns the state of the containers.
pub(super) fn image_pull_failed(
    pod: &Pod,
    wire: &PodWire,
    node: &str,
    context: &mut Context,
) -> ContainerState {
    let mut waiting = String::new();
    for container in &wire.spec.containers {
        let (path, image) = (path("containers", container), &container.image);
        let why = format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \
             \"{image}\": {image}: not found"
        );
        let pulling = format!("Pulling image \"{image}\"");
        let failed = format!("Failed to pull image \"{image}\": {why}");
        let backing_off = format!("Back-off pulling image \"{image}\"");
        report(pod, node, Some(&path), false, "Pulling", &pulling, context);
        report(pod, node, Some(&path), true, "Failed", &failed, context);
        report(pod, node, Some(&path), true, "Failed", "Error: ErrImagePull", context);
        report(pod, node, Some(&path), false, "BackOff", &backing_off, context);
        report(pod, node, Some(&path), true, "Failed", "Error: ImagePullBackOff", context);
        waiting = format!("{backing_off}: ErrImagePull: {why}");
    }
    ContainerState::Waiting { reason: "ImagePullBackOff", message: Some(waiting) }
}

/// The containers ended and will be started after `wait`; returns their state.
pub(super) fn crash_loop(
    pod: &Pod,
    wire: &PodWire,
    node: &str,
    wait: Duration,
    context: &mut Context,
) -> ContainerState {
    let full = format!("{}_{}({})", pod.name(), pod.key.namespace, pod.uid());
    let mut waiting = String::new();
    for container in &wire.spec.containers {
        let message = format!("Back-off restarting failed container {} in pod {full}", container.name);
        report(pod, node, Some(&path("containers", container)), true, "BackOff", &message, context);
        let seconds = go_duration(wait);
        waiting = format!("back-off {seconds} restarting failed container={} pod={full}", container.name);
    }
    ContainerState::Waiting { reason: "CrashLoopBackOff", message: Some(waiting) }
}

/// `10s`, `2m40s`: as Go prints durations of whole seconds.
fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        return format!("{seconds}s");
    }
    format!("{}m{}s", seconds / 60, seconds % 60)
}
