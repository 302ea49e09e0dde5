//! The table of pods: one row each.

use bench_sdk::Column;

use crate::{
    interval::Offset,
    pod::{CONDITIONS, Condition, Pod},
    pods::Pods,
};

/// Name in the manifest.
pub const NAME: &str = "pods";
/// Most rows of one call.
pub const MAX_ROWS: usize = 256;

/// Columns in the manifest. Latencies are upper bounds; `uncertainty` is the widest distance from a lower bound.
/// `ready-from-sent` leaves out how late the request was sent. Numbers that do not exist are absent.
pub const COLUMNS: &[(&str, &str)] = &[
    ("pod", "text"),
    ("job", "text"),
    ("node", "text"),
    ("owner", "text"),
    ("state", "text"),
    ("start", "ns"),
    ("scheduled", "ns"),
    ("initialized", "ns"),
    ("sandbox-ready", "ns"),
    ("containers-ready", "ns"),
    ("ready", "ns"),
    ("ready-from-sent", "ns"),
    ("uncertainty", "ns"),
];

const ABSENT: i64 = i64::MIN;

/// The cells of these pods, column by column.
pub fn columns(pods: &Pods, positions: &[usize], offset: Offset) -> Vec<Column> {
    let rows: Vec<&Pod> = positions.iter().filter_map(|&position| pods.get(position)).collect();
    let texts = |of: &dyn Fn(&Pod) -> String| Column::Texts(rows.iter().map(|pod| of(pod)).collect());
    let ints = |of: &dyn Fn(&Pod) -> i64| Column::Ints(rows.iter().map(|pod| of(pod)).collect());
    let mut columns = vec![
        texts(&|pod| pod.object.clone()),
        texts(&|pod| pods.job_name(pod.job).to_owned()),
        texts(&|pod| pod.node.clone()),
        texts(&|pod| pod.owner.clone()),
        texts(&|pod| state(pods, pod, offset)),
        ints(&|pod| pod.start(offset).low),
    ];
    columns.extend(CONDITIONS.map(|condition| ints(&|pod| high(pod.latency(condition, offset)))));
    columns.push(ints(&|pod| high(pod.latency_from_sent(Condition::Ready))));
    columns.push(ints(&|pod| uncertainty(pod, offset)));
    columns
}

fn high(bounds: Option<(u64, u64)>) -> i64 {
    bounds.map_or(ABSENT, |(_, high)| i64::try_from(high).unwrap_or(i64::MAX))
}

fn uncertainty(pod: &Pod, offset: Offset) -> i64 {
    let widths = CONDITIONS.iter().filter_map(|&condition| pod.latency(condition, offset));
    widths.map(|(low, high)| i64::try_from(high - low).unwrap_or(i64::MAX)).max().unwrap_or(0)
}

/// `ready`, or why not; `warmup` for pods that are in no distribution.
fn state(pods: &Pods, pod: &Pod, offset: Offset) -> String {
    let state = if pod.has(Condition::Ready) { "ready".to_owned() } else { pod.why_not_ready(pods.gaps()) };
    if pods.is_warmup(pod, offset) { format!("warmup, {state}") } else { state }
}
