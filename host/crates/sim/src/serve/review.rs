//! Questions about the user: `selfsubjectaccessreviews` and `selfsubjectreviews`. Answered, never stored.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{Api, Reply, decode};
use crate::auth::Identity;
use crate::route::ResourceTarget;
use crate::status::Status;

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

impl Api {
    /// Answers a review; `None` when the request is for something else.
    pub(super) fn review(
        &self,
        target: &ResourceTarget,
        identity: &Identity,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Option<Reply>, Status> {
        let answer = match (target.group.as_str(), target.version.as_str(), target.plural.as_str()) {
            ("authorization.k8s.io", "v1", "selfsubjectaccessreviews") => {
                let spec = decode::free(headers, body)?.get("spec").cloned().unwrap_or_default();
                let allowed = self.is_allowed(identity, &spec);
                json!({
                    "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
                    "spec": spec, "status": {"allowed": allowed},
                })
            }
            ("authentication.k8s.io", "v1", "selfsubjectreviews") => json!({
                "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                "metadata": {"creationTimestamp": self.store.clock().seconds()},
                "status": {"userInfo": {"username": identity.name, "groups": identity.groups}},
            }),
            _ => return Ok(None),
        };
        if target.verb != "create" {
            return Err(Status::method_not_allowed());
        }
        Ok(Some(Reply::json(StatusCode::CREATED, answer.to_string())))
    }

    fn is_allowed(&self, identity: &Identity, spec: &Value) -> bool {
        let Some(question) = spec.get("resourceAttributes") else {
            // Paths are open to everyone who is known.
            return true;
        };
        let text = |key: &str| question.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let some = |text: String| (!text.is_empty()).then_some(text);
        let wanted = text("verb");
        let verbs = VERBS.into_iter().filter(|verb| wanted == "*" || *verb == wanted);
        let mut asked = false;
        for verb in verbs {
            asked = true;
            let target = ResourceTarget {
                verb,
                group: text("group"),
                version: text("version"),
                plural: text("resource"),
                subresource: text("subresource"),
                namespace: some(text("namespace")),
                name: some(text("name")),
            };
            if !self.authorizer.allows(identity, &target) {
                return false;
            }
        }
        asked
    }
}
