//! One look at the cluster: which objects carry a run's label.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use bench_model::CreatedNamespace;
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::AT_ONCE;
use crate::{Cluster, ListQuery, RequestError, ServedResource};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) uid: String,
    labels: Option<Labels>,
    pub(super) deletion_timestamp: Option<String>,
}

/// The one label that matters; the name is that of [`RUN_LABEL`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Labels {
    #[serde(rename = "bench.dev/run-id")]
    run_id: Option<String>,
}

/// A page of a list. Of each object only what is here is kept: a run may have left a hundred thousand.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    items: Option<Vec<Object>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

/// An object with the label.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) resource: Arc<ServedResource>,
    pub(super) metadata: Metadata,
}

impl Found {
    pub(super) fn shown(&self) -> String {
        let kind = self.resource.kind.to_lowercase();
        let Metadata { namespace, name, .. } = &self.metadata;
        if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
    }

    pub(super) fn run_id(&self) -> Option<&str> {
        self.metadata.labels.as_ref()?.run_id.as_deref()
    }

    /// By kind, namespace and name.
    fn order(&self) -> (&str, &str, &str) {
        (&self.resource.kind, &self.metadata.namespace, &self.metadata.name)
    }

    pub(super) fn is_namespace(&self) -> bool {
        self.resource.target.is_namespaces()
    }
}

/// What one look at the cluster found.
#[derive(Default)]
pub(super) struct Look {
    pub(super) found: Vec<Found>,
    pub(super) errors: BTreeSet<String>,
    /// Resources whose objects could not be listed, or not all of them.
    unseen: Vec<Unseen>,
}

struct Unseen {
    resource: Arc<ServedResource>,
    /// Whether asking again cannot help.
    is_final: bool,
    http_status: u16,
}

impl Look {
    /// Adds what is known from before of resources that could not be listed: nobody says that it is gone.
    pub(super) fn keep_unseen(&mut self, known: &[Found]) {
        let found: HashSet<&str> = self.found.iter().map(|found| found.metadata.uid.as_str()).collect();
        let is_unseen = |known: &Found| self.unseen.iter().any(|unseen| unseen.is_of(known));
        let kept =
            known.iter().filter(|known| !found.contains(known.metadata.uid.as_str()) && is_unseen(known));
        let kept: Vec<Found> = kept.cloned().collect();
        self.found.extend(kept);
    }

    /// Whether it cannot be known any more when this object goes.
    pub(super) fn is_blind_to(&self, known: &Found) -> bool {
        self.unseen.iter().any(|unseen| unseen.is_final && unseen.is_of(known))
    }

    /// Whether a later look may find the namespaces that were made: a server that starts does not answer at
    /// first, and then refuses with 403 until it has read who may do what.
    pub(super) fn may_see_more_soon(&self, made: &[CreatedNamespace]) -> bool {
        let may_come = |unseen: &Unseen| !unseen.is_final || unseen.http_status == 403;
        !made.is_empty() && self.unseen_namespaces().is_some_and(may_come)
    }

    /// Whether namespaces could not be listed.
    pub(super) fn is_without_namespaces(&self) -> bool {
        self.unseen_namespaces().is_some()
    }

    fn unseen_namespaces(&self) -> Option<&Unseen> {
        self.unseen.iter().find(|unseen| unseen.resource.target.is_namespaces())
    }
}

impl Unseen {
    fn is_of(&self, found: &Found) -> bool {
        // Found objects share the resource that was looked at.
        Arc::ptr_eq(&self.resource, &found.resource)
    }
}

impl Cluster {
    pub(super) async fn look(&self, resources: &[Arc<ServedResource>], selector: &str) -> Look {
        let looks = resources
            .iter()
            .map(|resource| async move { (resource, self.look_at(resource, selector).await) });
        let answers: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        let mut look = Look::default();
        let mut uids = HashSet::new();
        for (resource, (found, error)) in answers {
            // One object may be served by two groups: `events`.
            look.found.extend(found.into_iter().filter(|found| uids.insert(found.metadata.uid.clone())));
            if let Some(error) = error {
                look.errors.insert(format!("failed to list {}: {error}", resource.target));
                let (is_final, http_status) = (!error.is_retryable(), error.http_status());
                look.unseen.push(Unseen { resource: Arc::clone(resource), is_final, http_status });
            }
        }
        look.found.sort_by(|a, b| a.order().cmp(&b.order()));
        look
    }

    async fn look_at(
        &self,
        resource: &Arc<ServedResource>,
        selector: &str,
    ) -> (Vec<Found>, Option<RequestError>) {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let list = ListQuery { label_selector: selector, field_selector: "", limit: 500, token: &token };
            let page = match self.patiently(|| self.page(resource, list)).await {
                Ok(page) => page,
                // Gone since it was discovered, or never to be listed.
                Err(error) if matches!(error.http_status(), 404 | 405) => return (found, None),
                Err(error) => return (found, Some(error)),
            };
            let objects = page.items.unwrap_or_default().into_iter();
            found.extend(
                objects.map(|object| Found { resource: Arc::clone(resource), metadata: object.metadata }),
            );
            match page.metadata.r#continue.filter(|token| !token.is_empty()) {
                Some(next) => token = next,
                None => return (found, None),
            }
        }
    }

    async fn page(&self, resource: &ServedResource, list: ListQuery<'_>) -> Result<Page, RequestError> {
        let body = self.list_reply(&resource.target, list).await?.body;
        let malformed = |_| RequestError::Malformed { what: format!("the list of {}", resource.target) };
        serde_json::from_slice(&body).map_err(malformed)
    }
}
