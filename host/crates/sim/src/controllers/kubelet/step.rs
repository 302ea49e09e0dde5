//! One due stage of a pod: what it does to the pod, and what may go wrong instead.
//!
//! When a stage is due is planned in `stages`; the status is written afterwards, once for all stages of a moment.

use tokio::time::Instant;

use super::run::PodRun;
use super::spec::{PodWire, RestartPolicy};
use super::stages::{backoff, failure_now, life_cycle, plan_stage, start_containers};
use super::{Kubelets, reports};
use crate::controllers::context::Context;
use crate::controllers::pods::Pod;
use crate::stage::{FailureKind, PodLifeCycle, PodPoint, PodStage};

/// What a step has made of a stage.
enum Step {
    Reached,
    /// Try again at this moment.
    Failed(Instant),
}

impl Kubelets {
    /// Runs the stage that is due; true when the status changes by it.
    pub(super) fn run_stage(
        &mut self,
        run: &mut PodRun,
        pod: &Pod,
        wire: &PodWire,
        due: Instant,
        context: &mut Context,
    ) -> bool {
        let life = life_cycle(pod, context).clone();
        let Some(stage) = life.startup.get(run.stage) else {
            run.stage_due = None;
            return false;
        };
        match self.try_stage(run, pod, wire, stage, &life, due, context) {
            Step::Reached => {
                run.stage += 1;
                run.failures = 0;
                if !run.progress.finished && run.restart_due.is_none() {
                    plan_stage(run, pod, wire, &life, due, context);
                } else {
                    run.stage_due = None;
                }
                true
            }
            Step::Failed(again) => {
                run.failures += 1;
                run.stage_due = Some(again);
                // The pod shows at least that kubelet has seen it.
                run.progress.reached = run.progress.reached.max(Some(PodPoint::Acknowledged));
                true
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is the pod's present state")]
    fn try_stage(
        &mut self,
        run: &mut PodRun,
        pod: &Pod,
        wire: &PodWire,
        stage: &PodStage,
        life: &PodLifeCycle,
        due: Instant,
        context: &mut Context,
    ) -> Step {
        let failure = failure_now(run, pod, stage, context);
        let backoff = backoff(life, run.failures);
        match failure {
            Some(FailureKind::Sandbox) => {
                reports::sandbox_timeout(pod, &run.node, context);
                return Step::Failed(due + life.sandbox_retry);
            }
            Some(FailureKind::ImagePull) => {
                run.progress.containers = reports::image_pull_failed(pod, wire, &run.node, context);
                return Step::Failed(due + backoff);
            }
            Some(FailureKind::CrashLoop) | None => {}
        }
        if stage.reaches >= PodPoint::SandboxReady
            && let Err(again) = self.give_address(run, pod, wire, life, due, context)
        {
            return Step::Failed(again);
        }
        let now = context.clock.seconds();
        let before = run.progress.reached;
        let passes = |point: PodPoint| before < Some(point) && stage.reaches >= point;
        if passes(PodPoint::Initialized) && !wire.spec.init_containers.is_empty() {
            reports::started(pod, &wire.spec.init_containers, "initContainers", &run.node, context);
            run.progress.initialized_at = Some(now.clone());
        }
        if passes(PodPoint::Running) {
            start_containers(run, pod, wire, life, due, context);
        }
        run.progress.reached = Some(stage.reaches);
        if failure == Some(FailureKind::CrashLoop) {
            run.progress.reached = Some(PodPoint::Running);
            self.crash(run, pod, wire, life, 1, context);
        }
        Step::Reached
    }

    /// Makes sure that the pod has an address, or says when to try again.
    fn give_address(
        &mut self,
        run: &mut PodRun,
        pod: &Pod,
        wire: &PodWire,
        life: &PodLifeCycle,
        due: Instant,
        context: &mut Context,
    ) -> Result<(), Instant> {
        let again = due + life.sandbox_retry;
        if run.progress.address.is_some() {
            return Ok(());
        }
        let Some(facts) = self.nodes.get_mut(&run.node) else { return Err(again) };
        if wire.spec.host_network {
            run.progress.address = Some(facts.address.to_string());
            return Ok(());
        }
        let Some(pool) = &mut facts.pool else {
            reports::no_network(pod, &run.node, context);
            return Err(again);
        };
        match pool.take() {
            Ok(address) => {
                run.address = Some(address);
                run.progress.address = Some(address.to_string());
                Ok(())
            }
            Err(range) => {
                reports::no_address(pod, &run.node, &range, run.failures, context);
                if !facts.waiting.contains(&pod.key) {
                    facts.waiting.push_back(pod.key.clone());
                }
                Err(again)
            }
        }
    }

    /// The containers have ended with a code: for good, or until their next start.
    pub(super) fn crash(
        &mut self,
        run: &mut PodRun,
        pod: &Pod,
        wire: &PodWire,
        life: &PodLifeCycle,
        code: i64,
        context: &mut Context,
    ) {
        let now = context.clock.seconds();
        let ended = run.progress.containers.ended(code, &now);
        let for_good = match wire.restart_policy() {
            RestartPolicy::Never => true,
            RestartPolicy::OnFailure => code == 0,
            RestartPolicy::Always => false,
        };
        run.end_due = None;
        if for_good {
            run.progress.containers = ended;
            run.progress.finished = true;
            run.stage_due = None;
            return;
        }
        let wait = backoff(life, run.progress.restarts);
        run.progress.containers = reports::crash_loop(pod, wire, &run.node, wait, context);
        run.progress.last_end = Some(ended);
        run.progress.restarts += 1;
        run.restart_due = Some(context.clock.instant() + wait);
        run.stage_due = None;
    }
}
