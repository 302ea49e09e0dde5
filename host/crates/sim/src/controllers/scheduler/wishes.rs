//! What a pod asks of a node, read from its spec when it is scheduled.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::node_info::Taint;
use crate::controllers::labels::Requirement;
use crate::store::Object;

/// The scheduling part of a pod's spec.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Wishes {
    pub(crate) node_selector: BTreeMap<String, String>,
    pub(crate) tolerations: Vec<Toleration>,
    affinity: Affinity,
}

/// `v1.Toleration`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Toleration {
    key: String,
    operator: String,
    value: String,
    effect: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Affinity {
    node_affinity: NodeAffinity,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeAffinity {
    required_during_scheduling_ignored_during_execution: Option<NodeSelector>,
    preferred_during_scheduling_ignored_during_execution: Vec<Preference>,
}

/// `v1.NodeSelector`: one of the terms must match.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NodeSelector {
    pub(crate) node_selector_terms: Vec<Term>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Preference {
    weight: i64,
    preference: Term,
}

/// `v1.NodeSelectorTerm`: all expressions must match; an empty term matches nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Term {
    match_expressions: Vec<Requirement>,
    match_fields: Vec<Requirement>,
}

impl Wishes {
    /// Reads the wishes of a pod; one without the right shape asks for nothing.
    pub(crate) fn read(pod: &Object) -> Self {
        pod.decode_member("spec").unwrap_or_default()
    }

    /// Whether labels and fields of the node are as the pod requires.
    pub(crate) fn accepts(&self, node: &Object) -> bool {
        let required = &self.affinity.node_affinity.required_during_scheduling_ignored_during_execution;
        self.node_selector.iter().all(|(key, value)| node.label(key) == Some(value))
            && required.as_ref().is_none_or(|selector| selector.matches(node))
    }

    /// The weights of the preferred terms that the node matches, together.
    pub(crate) fn preference(&self, node: &Object) -> i64 {
        let preferred = &self.affinity.node_affinity.preferred_during_scheduling_ignored_during_execution;
        preferred.iter().filter(|wish| wish.preference.matches(node)).map(|wish| wish.weight).sum()
    }

    /// Whether a taint is tolerated.
    pub(crate) fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerations.iter().any(|toleration| toleration.covers(taint))
    }

    /// Whether the pod may be put on a node that is closed for new pods.
    pub(crate) fn tolerates_unschedulable(&self) -> bool {
        let key = "node.kubernetes.io/unschedulable".to_owned();
        self.tolerates(&Taint { key, value: String::new(), effect: "NoSchedule".into() })
    }
}

impl Toleration {
    fn covers(&self, taint: &Taint) -> bool {
        if !self.effect.is_empty() && self.effect != taint.effect {
            return false;
        }
        match self.operator.as_str() {
            "Exists" => self.key.is_empty() || self.key == taint.key,
            "" | "Equal" => self.key == taint.key && self.value == taint.value,
            _ => false,
        }
    }
}

impl NodeSelector {
    pub(crate) fn matches(&self, node: &Object) -> bool {
        self.node_selector_terms.iter().any(|term| term.matches(node))
    }
}

impl Term {
    fn matches(&self, node: &Object) -> bool {
        if self.match_expressions.is_empty() && self.match_fields.is_empty() {
            return false;
        }
        let field = |key: &str| (key == "metadata.name").then_some(&*node.name);
        self.match_expressions.iter().all(|wanted| wanted.matches(node.label(&wanted.key)))
            && self.match_fields.iter().all(|wanted| wanted.matches(field(&wanted.key)))
    }
}
