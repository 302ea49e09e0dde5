//! Rights of addons: each is a user of its own, with the rights that upstream's manifests give to its service account.

use serde_json::{Value, json};

use crate::component::Setup;
use crate::control_plane::StartError;
use crate::nodes;

const API: &str = "/apis/rbac.authorization.k8s.io/v1";
const VERSION: &str = "rbac.authorization.k8s.io/v1";
const GROUP: &str = "rbac.authorization.k8s.io";

/// What may be done with which resources of a group.
pub(super) struct Rule {
    pub(super) group: &'static str,
    pub(super) resources: &'static [&'static str],
    pub(super) verbs: &'static [&'static str],
}

/// Gives a user rights in the whole cluster, by a role of its own.
pub(super) fn grant(setup: &Setup, user: &str, rules: &[Rule]) -> Result<(), StartError> {
    let role = format!("lab-{user}");
    let rules: Vec<Value> = rules
        .iter()
        .map(|rule| json!({ "apiGroups": [rule.group], "resources": rule.resources, "verbs": rule.verbs }))
        .collect();
    nodes::post(
        setup,
        &format!("{API}/clusterroles"),
        &json!({ "apiVersion": VERSION, "kind": "ClusterRole", "metadata": { "name": role }, "rules": rules }),
    )?;
    bind(setup, user, &role)
}

/// Gives a user a cluster role that is there.
pub(super) fn bind(setup: &Setup, user: &str, role: &str) -> Result<(), StartError> {
    nodes::post(
        setup,
        &format!("{API}/clusterrolebindings"),
        &json!({
            "apiVersion": VERSION,
            "kind": "ClusterRoleBinding",
            "metadata": { "name": format!("{user}:{role}") },
            "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": role },
            "subjects": [{ "apiGroup": GROUP, "kind": "User", "name": user }],
        }),
    )
}

/// Gives a user a role of a namespace that is there.
pub(super) fn bind_in(setup: &Setup, namespace: &str, user: &str, role: &str) -> Result<(), StartError> {
    nodes::post(
        setup,
        &format!("{API}/namespaces/{namespace}/rolebindings"),
        &json!({
            "apiVersion": VERSION,
            "kind": "RoleBinding",
            "metadata": { "name": format!("{user}:{role}") },
            "roleRef": { "apiGroup": GROUP, "kind": "Role", "name": role },
            "subjects": [{ "apiGroup": GROUP, "kind": "User", "name": user }],
        }),
    )
}
