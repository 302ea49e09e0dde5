//! What a pod's life cycle says: which stage comes when, and whether it fails.

use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

use super::reports;
use super::run::{ContainerState, PodRun};
use super::spec::PodWire;
use crate::controllers::context::Context;
use crate::controllers::pods::Pod;
use crate::stage::{FailureKind, PodLifeCycle, PodPoint, PodStage};

pub(super) fn life_cycle<'a>(pod: &Pod, context: &'a Context) -> &'a PodLifeCycle {
    let overrides = &context.stages.overrides;
    let matching = overrides
        .iter()
        .find(|entry| entry.match_labels.iter().all(|(key, value)| pod.object.label(key) == Some(value)));
    matching.map_or(&context.stages.pod, |entry| &entry.life_cycle)
}

/// Plans the next stage, counted from the moment the one before was due.
pub(super) fn plan_stage(
    run: &mut PodRun,
    pod: &Pod,
    wire: &PodWire,
    life: &PodLifeCycle,
    from: Instant,
    context: &Context,
) {
    let Some(stage) = life.startup.get(run.stage) else {
        run.stage_due = None;
        return;
    };
    let mut random = stream(&stage.name, pod, run, context);
    let mut latency = stage.latency.draw(&mut random);
    if stage.reaches == PodPoint::Ready {
        latency += wire.readiness_delay();
    }
    run.stage_due = Some(from + latency);
}

pub(super) fn start_containers(
    run: &mut PodRun,
    pod: &Pod,
    wire: &PodWire,
    life: &PodLifeCycle,
    due: Instant,
    context: &mut Context,
) {
    reports::started(pod, &wire.spec.containers, "containers", &run.node, context);
    run.progress.containers = ContainerState::Running { started: context.clock.seconds() };
    let mut random = stream("run", pod, run, context);
    run.end_due = wire.run_time(|| life.run.draw(&mut random)).map(|time| due + time);
    run.end_code = wire.exit_code();
}

pub(super) fn restart_containers(
    run: &mut PodRun,
    pod: &Pod,
    wire: &PodWire,
    due: Instant,
    context: &mut Context,
) {
    run.restart_due = None;
    let life = life_cycle(pod, context).clone();
    start_containers(run, pod, wire, &life, due, context);
    // A pod that crashed in its start goes on with the stages it had left; a stage may fail again.
    let running = life.startup.iter().position(|stage| stage.reaches >= PodPoint::Running);
    if let Some(running) = running
        && run.stage > running
    {
        let stage = life.startup.get(running).and_then(|stage| stage.failure.as_ref());
        let crashes = stage.is_some_and(|failure| {
            failure.kind == FailureKind::CrashLoop
                && failure.attempts.is_none_or(|attempts| run.progress.restarts < attempts)
        });
        let hit = life.startup.get(running).is_some_and(|stage| is_hit(run, pod, stage, context));
        if crashes && hit {
            run.end_due = Some(due);
            run.end_code = 1;
            return;
        }
        run.stage = running + 1;
        run.progress.reached = Some(PodPoint::Running);
        plan_stage(run, pod, wire, &life, due, context);
        if run.stage_due.is_none() {
            run.progress.reached = Some(PodPoint::Ready);
        }
    }
}

/// The failure that strikes in place of a stage now, if any.
pub(super) fn failure_now(
    run: &PodRun,
    pod: &Pod,
    stage: &PodStage,
    context: &Context,
) -> Option<FailureKind> {
    let failure = stage.failure.as_ref()?;
    let exhausted = failure.attempts.is_some_and(|attempts| run.failures >= attempts);
    (!exhausted && is_hit(run, pod, stage, context)).then_some(failure.kind)
}

pub(super) fn is_hit(run: &PodRun, pod: &Pod, stage: &PodStage, context: &Context) -> bool {
    let Some(failure) = &stage.failure else { return false };
    let (key, incarnation) = (&pod.key, run.incarnation.to_string());
    let parts = ["failure", &stage.name, &key.namespace, &key.name, &incarnation];
    context.random.stream(&parts).random::<f64>() < failure.probability
}

pub(super) fn stream(purpose: &str, pod: &Pod, run: &PodRun, context: &Context) -> rand::rngs::SmallRng {
    let parts = [
        purpose,
        &pod.key.namespace,
        &pod.key.name,
        &run.incarnation.to_string(),
        &run.progress.restarts.to_string(),
    ];
    context.random.stream(&parts)
}

pub(super) fn backoff(life: &PodLifeCycle, times: u32) -> Duration {
    life.restart_backoff.saturating_mul(2u32.saturating_pow(times)).min(life.restart_backoff_max)
}
