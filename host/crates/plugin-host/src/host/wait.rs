//! `bench:cluster/wait`: waiting is the host's work.

use std::time::Duration;

use bench_cluster::{Condition, RUN_LABEL, Stuck};
use bench_model::{JobName, ResourceRef, RunEvent, TimeNs, Verb};
use bench_template::JOB_LABEL;

use crate::{
    GrantedNamespaces,
    bindings::bench::cluster::{targets, wait},
    host::{
        HostState,
        error::{HostCallError, invalid},
        write::check::check_target,
    },
};

/// Pods are asked no more often than this what keeps them.
const SHORTEST_STUCK: Duration = Duration::from_secs(1);
/// Longest selector or condition, in bytes.
const MAX_TEXT: usize = 4 << 10;

impl wait::Host for HostState {
    async fn until(
        &mut self,
        target: targets::ResourceRef,
        label_selector: String,
        condition: String,
        count: u32,
        timeout_ns: u64,
    ) -> Result<wait::Outcome, HostCallError> {
        let asked =
            Asked { target: target.into(), label_selector, condition, count, timeout_ns, stuck_ns: None };
        self.wait_for("wait.until", asked).await
    }

    async fn until_or_stuck(
        &mut self,
        target: targets::ResourceRef,
        label_selector: String,
        condition: String,
        count: u32,
        timeout_ns: u64,
        stuck_ns: u64,
    ) -> Result<wait::Outcome, HostCallError> {
        let stuck_ns = Some(stuck_ns);
        let asked = Asked { target: target.into(), label_selector, condition, count, timeout_ns, stuck_ns };
        self.wait_for("wait.until-or-stuck", asked).await
    }
}

/// What a guest waits for.
struct Asked {
    target: ResourceRef,
    label_selector: String,
    condition: String,
    count: u32,
    timeout_ns: u64,
    stuck_ns: Option<u64>,
}

impl HostState {
    async fn wait_for(&mut self, call: &'static str, asked: Asked) -> Result<wait::Outcome, HostCallError> {
        let Asked { target, label_selector, condition, count, timeout_ns, stuck_ns } = asked;
        check_target(&target)?;
        if label_selector.len() > MAX_TEXT || condition.len() > MAX_TEXT {
            return Err(invalid(format!("selectors and conditions have at most {MAX_TEXT} bytes")));
        }
        let condition = Condition::parse(&condition)?;
        let selector = self.selector_of_what_may_be_seen(call, &target, label_selector)?;
        let cluster = self.cluster(call)?;
        let context = self.context(call)?;
        let stop = context.services.stop.clone();
        let pods = format!("{RUN_LABEL}={},{JOB_LABEL}={}", context.services.run_id, context.user);
        let stuck =
            stuck_ns.map(|ns| Stuck { after: Duration::from_nanos(ns).max(SHORTEST_STUCK), pods: &pods });
        let timeout = Duration::from_nanos(timeout_ns);
        let waiting =
            async { cluster.wait_until(&target, &selector, &condition, count, timeout, stuck, &stop).await };
        let outcome = self.wait(call, waiting).await??;
        let at = self.now();
        // Instances that serve a measurement have no job.
        if let Ok(job) = JobName::parse(&self.context(call)?.user) {
            self.send(RunEvent::Waited { job, at, outcome: outcome.clone() }).await?;
        }
        let last_met_at = if outcome.last_met_at.is_never() { TimeNs::ABSENT } else { outcome.last_met_at };
        Ok(wait::Outcome {
            met: outcome.met,
            unmet: outcome.unmet,
            last_met_at: last_met_at.0,
            examples: outcome.examples,
        })
    }
}

impl HostState {
    /// A selector for the objects that are granted. Where a grant is not for all namespaces, "all" means the
    /// objects of this run, wherever they are: namespaces may still be made while the guest waits.
    fn selector_of_what_may_be_seen(
        &self,
        call: &'static str,
        target: &ResourceRef,
        selector: String,
    ) -> Result<String, HostCallError> {
        for verb in [Verb::List, Verb::Watch] {
            self.require(call, verb, target)?;
            if !target.namespace.is_empty() {
                self.require_in(call, verb, target)?;
            }
        }
        let context = self.context(call)?;
        let services = &context.services;
        let everywhere = context.grants.namespaces(Verb::Watch, target, &services.namespaces);
        if !target.namespace.is_empty() || everywhere == GrantedNamespaces::All {
            return Ok(selector);
        }
        let own = format!("{RUN_LABEL}={}", services.run_id);
        Ok(if selector.is_empty() { own } else { format!("{selector},{own}") })
    }
}
