//! What the report gets besides the distributions: counts, and names of pods that are missing.

use bench_sdk::serde_json;
use serde::Serialize;

use crate::{
    pod::{CONDITIONS, Condition},
    pods::Pods,
};

/// Most pods that are named.
const MAX_EXAMPLES: usize = 20;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    /// Seen, warmup included.
    pods: usize,
    ready: usize,
    deleted_before_ready: usize,
    /// Without a create request of the run's own: their start is an interval.
    from_controllers: usize,
    /// For each condition, pods that did not reach it.
    missing: Vec<Missing>,
    /// Conditions that no pod of the run has had.
    not_set_by_cluster: Vec<&'static str>,
    /// Breaks of the watch; what was first seen after one lies between two bounds.
    gaps: u32,
    /// Pods without a row in the table.
    rows_left_out: u64,
    examples: Vec<Example<'a>>,
}

#[derive(Debug, Serialize)]
struct Missing {
    condition: &'static str,
    pods: usize,
}

#[derive(Debug, Serialize)]
struct Example<'a> {
    pod: &'a str,
    job: &'a str,
    missing: Vec<&'static str>,
    why: String,
}

/// The report as JSON.
pub fn json(pods: &Pods, rows_left_out: u64) -> String {
    let count = |of: &dyn Fn(&crate::pod::Pod) -> bool| pods.iter().filter(|pod| of(pod)).count();
    let missing_of = |condition: Condition| Missing {
        condition: condition.metric(),
        pods: count(&|pod| pods.missing(pod).any(|missing| missing == condition)),
    };
    let incomplete = pods.iter().filter(|pod| pods.missing(pod).next().is_some());
    let report = Report {
        pods: pods.iter().count(),
        ready: count(&|pod| pod.has(Condition::Ready)),
        deleted_before_ready: count(&|pod| pod.deleted && !pod.has(Condition::Ready)),
        from_controllers: count(&|pod| pod.due.is_none()),
        missing: CONDITIONS.into_iter().map(missing_of).filter(|missing| missing.pods > 0).collect(),
        not_set_by_cluster: CONDITIONS
            .into_iter()
            .filter(|&condition| !pods.is_set(condition))
            .map(Condition::metric)
            .collect(),
        gaps: pods.gaps(),
        rows_left_out,
        examples: incomplete
            .take(MAX_EXAMPLES)
            .map(|pod| Example {
                pod: &pod.object,
                job: pods.job_name(pod.job),
                missing: pods.missing(pod).map(Condition::metric).collect(),
                why: pod.why_not_ready(pods.gaps()),
            })
            .collect(),
    };
    // Strings and numbers only: nothing in it can fail to serialize.
    serde_json::to_string(&report).unwrap_or_default()
}
