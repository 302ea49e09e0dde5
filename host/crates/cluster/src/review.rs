//! Asks the API server what this user may do, before anything is done.

use bench_model::{ResourceRef, Verb};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::{Cluster, Request, RequestError};

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    allowed: bool,
}

impl Cluster {
    /// Whether this user may do `verb` on the resource: in `target.namespace`, or everywhere when that is
    /// empty. Asks with a SelfSubjectAccessReview, which changes nothing in the cluster.
    ///
    /// # Errors
    /// When the server refuses to say, or no answer came.
    pub async fn may(&self, verb: Verb, target: &ResourceRef) -> Result<bool, RequestError> {
        let (resource, subresource) = target.plural.split_once('/').unwrap_or((&target.plural, ""));
        let attributes = json!({
            "verb": verb.as_str(), "group": target.group, "version": target.version,
            "resource": resource, "subresource": subresource, "namespace": target.namespace,
        });
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes },
        });
        let reviews = ResourceRef {
            group: "authorization.k8s.io".to_owned(),
            version: "v1".to_owned(),
            plural: "selfsubjectaccessreviews".to_owned(),
            namespace: String::new(),
        };
        let request = Request {
            verb: Verb::Create,
            target: &reviews,
            name: "",
            query: "",
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            keep_body: true,
        };
        let reply = self.call(request).await?;
        let review: Review = serde_json::from_slice(&reply.body)
            .map_err(|_| RequestError::Malformed { what: "SelfSubjectAccessReview".to_owned() })?;
        Ok(review.status.allowed)
    }
}
