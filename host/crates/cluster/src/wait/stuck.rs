//! Why nothing moves any longer: pods that cannot start, by what they themselves, events or their nodes say of them.
//!
//! Asked only when a wait has seen no progress for a while. Pods of which nothing is said may still be on their
//! way: then nothing is stuck.

use std::collections::{BTreeMap, HashMap};

use bench_model::{ResourceRef, StuckCause};
use serde::Deserialize;

use crate::{Cluster, ListQuery};

/// Objects of a page.
const PAGE: u32 = 500;
/// Events that are looked at: a cluster in trouble has many.
const MAX_EVENTS: usize = 20_000;
/// Reason of the event of a pod that was ready on a node which no longer is, from node-lifecycle-controller.
const NODE_NOT_READY: &str = "NodeNotReady";
/// Digits from which on a word is an id, different in every message.
const ID_DIGITS: usize = 12;

/// When to stop waiting for what does not move.
#[derive(Debug, Clone, Copy)]
pub struct Stuck<'a> {
    /// Nothing met the condition, came or went for so long.
    pub after: std::time::Duration,
    /// Selects the pods that must say why.
    pub pods: &'a str,
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: String,
}

#[derive(Deserialize)]
struct Node {
    metadata: Metadata,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeStatus {
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodStatus {
    phase: String,
    conditions: Vec<Condition>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Condition {
    r#type: String,
    status: String,
    reason: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    involved_object: Involved,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Involved {
    namespace: String,
    name: String,
}

/// Reason and message.
type Words = (String, String);

enum Start {
    Done,
    /// Nothing is said: it may be on its way.
    Open,
    Blocked(Words),
}

impl Cluster {
    /// What keeps pods from starting, most frequent first; `None` unless some do not start and all of them say why.
    pub(super) async fn stuck_pods(&self, namespace: &str, selector: &str) -> Option<Vec<StuckCause>> {
        let pods: Vec<Pod> = self.listed("pods", namespace, selector, "", usize::MAX).await?;
        let mut causes: BTreeMap<Words, (u32, Words)> = BTreeMap::new();
        let mut add = |words: Words| causes.entry(general(&words)).or_insert((0, words)).0 += 1;
        let mut unexplained = Vec::new();
        for pod in &pods {
            match start(pod) {
                Start::Done => {}
                Start::Open => unexplained.push(pod),
                Start::Blocked(words) => add(words),
            }
        }
        if !unexplained.is_empty() {
            let said = self.warnings(namespace).await?;
            let said = |pod: &Pod| said.get(&(pod.metadata.namespace.clone(), pod.metadata.name.clone()));
            // What is said of a pod on a node that is not ready is only that.
            let is_enough = |pod: &&Pod| said(pod).is_some_and(|(reason, _)| reason != NODE_NOT_READY);
            let lost =
                if unexplained.iter().all(is_enough) { HashMap::new() } else { self.lost_nodes().await };
            for pod in unexplained {
                let words = said(pod).filter(|_| is_enough(&pod)).or_else(|| lost.get(&pod.spec.node_name));
                add(words.or_else(|| said(pod))?.clone());
            }
        }
        let mut causes: Vec<StuckCause> = causes
            .into_iter()
            .map(|((reason, message), (pods, _))| StuckCause { pods, reason, message })
            .collect();
        causes.sort_by(|a, b| b.pods.cmp(&a.pods).then_with(|| a.reason.cmp(&b.reason)));
        (!causes.is_empty()).then_some(causes)
    }

    /// The last warning of each pod that has a node, by namespace and name.
    async fn warnings(&self, namespace: &str) -> Option<HashMap<(String, String), Words>> {
        let query = "type=Warning,involvedObject.kind=Pod";
        let events: Vec<Event> = self.listed("events", namespace, "", query, MAX_EVENTS).await?;
        // Of a pod that has a node now, scheduling is no trouble any more.
        let events = events.into_iter().filter(|event| event.reason != "FailedScheduling");
        let said = events.map(|Event { involved_object, reason, message }| {
            ((involved_object.namespace, involved_object.name), (reason, message))
        });
        Some(said.collect())
    }

    /// Nodes that are not ready, by name; none when they may not be listed.
    async fn lost_nodes(&self) -> HashMap<String, Words> {
        let nodes: Vec<Node> = self.listed("nodes", "", "", "", usize::MAX).await.unwrap_or_default();
        nodes.into_iter().filter_map(|node| Some((node.metadata.name.clone(), lost(&node)?))).collect()
    }

    /// `None` when they cannot be listed: whoever waits goes on waiting.
    async fn listed<T: serde::de::DeserializeOwned>(
        &self,
        plural: &str,
        namespace: &str,
        label_selector: &str,
        field_selector: &str,
        most: usize,
    ) -> Option<Vec<T>> {
        let [group, version, plural, namespace] = ["", "v1", plural, namespace].map(str::to_owned);
        let target = ResourceRef { group, version, plural, namespace };
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let query = ListQuery { label_selector, field_selector, limit: PAGE, token: &token };
            let page = self.list_page(&target, query).await.ok()?;
            for item in &page.items {
                found.push(serde_json::from_str(item).ok()?);
            }
            token = page.token;
            if token.is_empty() || found.len() >= most {
                return Some(found);
            }
        }
    }
}

fn start(pod: &Pod) -> Start {
    let PodStatus { phase, conditions } = &pod.status;
    let find = |name: &str| conditions.iter().find(|condition| condition.r#type == name);
    if phase == "Succeeded" || find("Ready").is_some_and(|ready| ready.status == "True") {
        return Start::Done;
    }
    match find("PodScheduled").filter(|scheduled| scheduled.status == "False" && !scheduled.reason.is_empty())
    {
        Some(scheduled) => Start::Blocked((scheduled.reason.clone(), scheduled.message.clone())),
        None => Start::Open,
    }
}

/// Why a node is not ready; `None` for one that is, or of which nothing is said.
fn lost(node: &Node) -> Option<Words> {
    let ready = node.status.conditions.iter().find(|condition| condition.r#type == "Ready")?;
    let Condition { status, reason, message, .. } = ready;
    let words = format!("node `{}`: {reason}: {message}", node.metadata.name);
    (status != "True").then(|| (NODE_NOT_READY.to_owned(), words))
}

/// The same words for the same trouble: without what the scheduler adds on preemption, and without ids.
fn general((reason, message): &Words) -> Words {
    let message = message.split(" preemption: ").next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let is_id = |word: &str| word.len() >= ID_DIGITS && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut general = String::with_capacity(message.len());
    for piece in message.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        general.push_str(if is_id(word) { "…" } else { word });
        general.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    (reason.clone(), crate::status::cut(&general, 512).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(general(&("R".to_owned(), message.to_owned())), ("R".to_owned(), expected.to_owned()));
    }

    #[test]
    fn the_same_trouble_has_the_same_words() {
        check(
            "0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found.",
            "0/1 nodes are available: 1 Too many pods",
        );
        check(
            "failed to setup network for sandbox \"60a12099bcf620ca\": no IP addresses available in range set: 10.244.0.1-10.244.0.254",
            "failed to setup network for sandbox \"…\": no IP addresses available in range set: 10.244.0.1-10.244.0.254",
        );
    }

    #[test]
    fn a_node_that_is_not_ready_says_why() {
        let node = |status: &str| {
            let conditions = format!(
                r#"[{{"type":"MemoryPressure","status":"Unknown"}},{{"type":"Ready","status":"{status}","reason":"R","message":"m."}}]"#
            );
            let text = format!(r#"{{"metadata":{{"name":"a"}},"status":{{"conditions":{conditions}}}}}"#);
            lost(&serde_json::from_str(&text).expect("a node"))
        };
        let expected = Some(("NodeNotReady".to_owned(), "node `a`: R: m.".to_owned()));
        assert_eq!((node("Unknown"), node("False"), node("True")), (expected.clone(), expected, None));
        assert_eq!(lost(&serde_json::from_str(r#"{"metadata":{"name":"a"}}"#).expect("a node")), None);
    }

    #[test]
    fn a_pod_is_blocked_when_it_says_so_itself() {
        let pod = |status: &str| {
            let text = format!(r#"{{"metadata":{{"name":"a"}},"status":{status}}}"#);
            start(&serde_json::from_str(&text).expect("a pod"))
        };
        let unschedulable = r#"{"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"m"}]}"#;
        assert!(matches!(pod(unschedulable), Start::Blocked((reason, _)) if reason == "Unschedulable"));
        assert!(matches!(pod(r#"{"conditions":[{"type":"Ready","status":"True"}]}"#), Start::Done));
        assert!(matches!(pod(r#"{"phase":"Succeeded"}"#), Start::Done));
        assert!(matches!(pod("{}"), Start::Open));
    }
}
