//! Rights that a plugin asks for in its manifest and a scenario grants; RBAC-shaped.

use serde::{Deserialize, Serialize};

use crate::Verb;

/// Where a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NamespaceScope {
    /// Only in namespaces that this run made.
    #[default]
    Run,
    /// Everywhere, and for cluster-scoped resources.
    All,
    /// In these, which must exist.
    Named(Vec<String>),
}

/// One rule: any of the verbs on any of the resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// `""` is the core group, `*` any.
    pub api_groups: Vec<String>,
    /// Plurals; `*` any.
    pub resources: Vec<String>,
    /// What may be done.
    pub verbs: Vec<Verb>,
    /// Where.
    #[serde(default)]
    pub namespaces: NamespaceScope,
}

impl Rule {
    /// Whether group, resource and verb match; the namespace is checked apart.
    pub fn covers(&self, group: &str, plural: &str, verb: Verb) -> bool {
        let any = |list: &[String], wanted: &str| list.iter().any(|entry| entry == "*" || entry == wanted);
        any(&self.api_groups, group) && any(&self.resources, plural) && self.verbs.contains(&verb)
    }
}

/// All that a plugin may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Permissions {
    /// On the cluster's API.
    pub kubernetes: Vec<Rule>,
    /// Queries to the Prometheus endpoints of the scenario.
    pub prometheus: bool,
    /// Whole objects as JSON in watch events.
    pub raw: bool,
    /// Proxy targets by name, as in `wit/deps/cluster/proxy.wit`; `*` at the end matches the rest.
    pub proxy: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_covers_what_it_names_and_nothing_else() {
        let rule: Rule =
            serde_json::from_str(r#"{"apiGroups":[""],"resources":["pods"],"verbs":["list","watch"]}"#)
                .expect("a rule");
        assert_eq!(rule.namespaces, NamespaceScope::Run);
        assert!(rule.covers("", "pods", Verb::List));
        assert!(!rule.covers("", "pods", Verb::Create));
        assert!(!rule.covers("", "secrets", Verb::List));
        assert!(!rule.covers("apps", "pods", Verb::List));
        assert!(!rule.covers("", "pods/status", Verb::List));
    }
}
