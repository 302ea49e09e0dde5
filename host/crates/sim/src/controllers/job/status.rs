//! Writes the status of a Job: its counts, its conditions, and what is told when it ends.

use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::{Run, indexes};
use crate::controllers::conditions::{self, Condition, Times};
use crate::controllers::context::{Context, SyncError};

impl Run<'_> {
    pub(super) fn write_status(&self, decided: Plan, context: &mut Context) -> Result<(), SyncError> {
        let now = context.clock.seconds();
        let mut status = self.old.as_object().cloned().unwrap_or_default();
        let suspended = conditions::is_true(&self.old, "Suspended");
        let condition = |status: &mut Map<String, Value>, kind, value, reason, message| {
            let condition = Condition {
                kind,
                status: value,
                reason: Some(reason),
                message: Some(message),
                observed_generation: None,
            };
            conditions::set(status, Times::Probe, condition, &now);
        };
        match decided {
            Plan::Suspend => {
                status.remove("startTime");
                condition(&mut status, "Suspended", "True", "JobSuspended", "Job suspended");
                if !suspended {
                    self.tell(false, "Suspended", "Job suspended", context);
                }
            }
            Plan::Run(_) if suspended => {
                condition(&mut status, "Suspended", "False", "JobResumed", "Job resumed");
                self.tell(false, "Resumed", "Job resumed", context);
            }
            Plan::Run(_) | Plan::Complete | Plan::Fail(_) => {}
        }
        if decided != Plan::Suspend && !status.contains_key("startTime") {
            status.insert("startTime".into(), now.as_str().into());
        }
        self.write_end(decided, &mut status, condition, context);
        let ready = self.pods.iter().filter(|pod| pod.is_active() && pod.is_ready()).count();
        for (field, count) in [
            ("active", self.counts.active),
            ("succeeded", self.counts.succeeded),
            ("failed", self.counts.failed),
        ] {
            status.remove(field);
            if count > 0 {
                status.insert(field.into(), count.into());
            }
        }
        status.insert("ready".into(), ready.into());
        status.insert("terminating".into(), self.counts.terminating.into());
        status.insert("uncountedTerminatedPods".into(), json!({}));
        if self.wire.spec.completion_mode == "Indexed" && !self.done_indexes.is_empty() {
            status.insert("completedIndexes".into(), indexes::format(&self.done_indexes).into());
        }
        context.update_status(self.job, status.into())
    }

    /// Writes the conditions of the end: what is bound to happen at once, the end itself when all pods are gone.
    fn write_end(
        &self,
        decided: Plan,
        status: &mut Map<String, Value>,
        condition: impl Fn(&mut Map<String, Value>, &'static str, &'static str, &'static str, &'static str),
        context: &mut Context,
    ) {
        let pods_gone = self.counts.active == 0 && self.counts.terminating == 0;
        let now = context.clock.seconds();
        match decided {
            Plan::Complete => {
                let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
                condition(status, "SuccessCriteriaMet", "True", reason, message);
                if pods_gone {
                    condition(status, "Complete", "True", reason, message);
                    status.insert("completionTime".into(), now.into());
                    self.tell(false, "Completed", "Job completed", context);
                }
            }
            Plan::Fail(failure) => {
                condition(status, "FailureTarget", "True", failure.reason(), failure.message());
                if pods_gone {
                    condition(status, "Failed", "True", failure.reason(), failure.message());
                    self.tell(true, failure.reason(), failure.message(), context);
                }
            }
            Plan::Run(_) | Plan::Suspend => {}
        }
    }
}
