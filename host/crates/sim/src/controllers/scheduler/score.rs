//! Which of the nodes that can take a pod is best: upstream's default score plugins with their weights, as far as
//! they depend on what the simulated cluster has.

use super::node_info::{NodeInfo, Share};
use super::wishes::Wishes;

/// Most points of one plugin.
const MAX: i64 = 100;
/// `scheduler.MaxNodeScore` weights of the default profile.
const WEIGHT_TAINTS: i64 = 3;
const WEIGHT_AFFINITY: i64 = 2;
const WEIGHT_SPREAD: i64 = 2;

/// Returns the places in `nodes` with the highest score, at least one unless `nodes` is empty.
pub(crate) fn best(nodes: &[&NodeInfo], wishes: &Wishes, share: &Share) -> Vec<usize> {
    let taints: Vec<i64> = nodes.iter().map(|node| soft_taints(node, wishes)).collect();
    let affinity: Vec<i64> = nodes.iter().map(|node| wishes.preference(&node.object)).collect();
    let siblings: Vec<i64> = nodes.iter().map(|node| node.used.siblings(share)).collect();
    let (most_taints, most_affinity, most_siblings) = (top(&taints), top(&affinity), top(&siblings));
    let scores: Vec<i64> = nodes
        .iter()
        .zip(taints.iter().zip(&affinity).zip(&siblings))
        .map(|(node, ((taints, affinity), siblings))| {
            least_allocated(node, share)
                + balanced(node, share)
                + WEIGHT_TAINTS * inverse(*taints, most_taints)
                + WEIGHT_AFFINITY * share_of(*affinity, most_affinity)
                + WEIGHT_SPREAD * inverse(*siblings, most_siblings)
        })
        .collect();
    let highest = top(&scores);
    scores.iter().enumerate().filter(|(_, score)| **score == highest).map(|(idx, _)| idx).collect()
}

/// The more room is left, the better.
fn least_allocated(node: &NodeInfo, share: &Share) -> i64 {
    let wanted = node.used.scored.plus(share.scored());
    let free = |wanted: i64, has: i64| {
        if has <= 0 || wanted > has { 0 } else { (has - wanted).saturating_mul(MAX) / has }
    };
    i64::midpoint(
        free(wanted.milli_cpu, node.allocatable.milli_cpu),
        free(wanted.memory, node.allocatable.memory),
    )
}

/// The more alike the shares of CPU and memory, the better; only for pods that ask for something.
fn balanced(node: &NodeInfo, share: &Share) -> i64 {
    let requests = share.requests;
    if requests.milli_cpu == 0 && requests.memory == 0 {
        return 0;
    }
    let wanted = node.used.requests.plus(requests);
    let fraction = |wanted: i64, has: i64| if has <= 0 { 1.0 } else { (wanted as f64 / has as f64).min(1.0) };
    let cpu = fraction(wanted.milli_cpu, node.allocatable.milli_cpu);
    let memory = fraction(wanted.memory, node.allocatable.memory);
    ((1.0 - (cpu - memory).abs() / 2.0) * MAX as f64) as i64
}

fn soft_taints(node: &NodeInfo, wishes: &Wishes) -> i64 {
    let disliked =
        node.taints.iter().filter(|taint| taint.effect == "PreferNoSchedule" && !wishes.tolerates(taint));
    i64::try_from(disliked.count()).unwrap_or(i64::MAX)
}

fn top(values: &[i64]) -> i64 {
    values.iter().copied().max().unwrap_or(0)
}

fn share_of(value: i64, most: i64) -> i64 {
    if most <= 0 { 0 } else { value.saturating_mul(MAX) / most }
}

fn inverse(value: i64, most: i64) -> i64 {
    if most <= 0 { MAX } else { MAX - value.saturating_mul(MAX) / most }
}
