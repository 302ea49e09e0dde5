//! Which nodes can take a pod, and what upstream says about those that cannot.

use std::collections::BTreeMap;

use super::node_info::{NodeInfo, Share};
use super::wishes::{NodeSelector, Wishes};

/// What the plugin `DynamicResources` has to say about every pod that found no node.
const NO_CLAIMS: &str = "no new claims to deallocate";

/// Why a node cannot take a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reasons: Vec<&'static str>,
    /// Whether removing other pods would help.
    pub(crate) others_in_the_way: bool,
}

impl Refusal {
    fn of_the_node(reason: &'static str) -> Self {
        Self { reasons: vec![reason], others_in_the_way: false }
    }
}

/// The filter plugins, in upstream's order.
///
/// # Errors
/// With the reasons of the first plugin that refuses the node.
pub(crate) fn check(
    node: &NodeInfo,
    wishes: &Wishes,
    share: &Share,
    volumes: &[NodeSelector],
) -> Result<(), Refusal> {
    if node.unschedulable && !wishes.tolerates_unschedulable() {
        return Err(Refusal::of_the_node("node(s) were unschedulable"));
    }
    let repels = |effect: &str| matches!(effect, "NoSchedule" | "NoExecute");
    if node.taints.iter().any(|taint| repels(&taint.effect) && !wishes.tolerates(taint)) {
        return Err(Refusal::of_the_node("node(s) had untolerated taint(s)"));
    }
    if !wishes.accepts(&node.object) {
        return Err(Refusal::of_the_node("node(s) didn't match Pod's node affinity/selector"));
    }
    if share.host_ports.iter().any(|port| node.used.host_ports.iter().any(|held| held.clashes(port))) {
        let reasons = vec!["node(s) didn't have free ports for the requested pod ports"];
        return Err(Refusal { reasons, others_in_the_way: true });
    }
    fits(node, share)?;
    if volumes.iter().any(|affinity| !affinity.matches(&node.object)) {
        return Err(Refusal::of_the_node("node(s) didn't match PersistentVolume's node affinity"));
    }
    Ok(())
}

/// The plugin `NodeResourcesFit`: names everything of which there is too little.
fn fits(node: &NodeInfo, share: &Share) -> Result<(), Refusal> {
    let (asked, used, has) = (share.requests, node.used.requests, node.allocatable);
    let mut reasons = Vec::new();
    let mut hopeless = false;
    if node.used.pods + 1 > node.max_pods {
        reasons.push("Too many pods");
    }
    for (asked, used, has, reason) in [
        (asked.milli_cpu, used.milli_cpu, has.milli_cpu, "Insufficient cpu"),
        (asked.memory, used.memory, has.memory, "Insufficient memory"),
        (
            asked.ephemeral_storage,
            used.ephemeral_storage,
            has.ephemeral_storage,
            "Insufficient ephemeral-storage",
        ),
    ] {
        if asked > 0 && asked > has.saturating_sub(used) {
            reasons.push(reason);
            hopeless |= asked > has;
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(Refusal { reasons, others_in_the_way: !hopeless }) }
}

/// The message of `FailedScheduling` and of the condition, from the refusals of all nodes.
pub(crate) fn message(refusals: &[Refusal]) -> String {
    if refusals.is_empty() {
        return "no nodes available to schedule pods".into();
    }
    let n_nodes = refusals.len();
    let reasons = refusals.iter().flat_map(|refusal| refusal.reasons.iter().copied());
    let victims = refusals.iter().map(|refusal| {
        if refusal.others_in_the_way {
            "No preemption victims found for incoming pod"
        } else {
            "Preemption is not helpful for scheduling"
        }
    });
    format!(
        "0/{n_nodes} nodes are available: {}. {NO_CLAIMS}, preemption: 0/{n_nodes} nodes are available: {}.",
        counted(reasons),
        counted(victims)
    )
}

/// The message for a pod that no node was asked for. Preemption has nothing to say then, and what is left of its
/// part are the words of a plugin that misses its own state.
pub(crate) fn message_before_nodes(n_nodes: usize, reason: &str) -> String {
    format!("0/{n_nodes} nodes are available: {reason}. not found")
}

/// `1 Insufficient cpu, 2 Too many pods`: sorted as text, like upstream.
fn counted<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for reason in reasons {
        *counts.entry(reason).or_insert(0) += 1;
    }
    let mut parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    parts.sort();
    parts.join(", ")
}
