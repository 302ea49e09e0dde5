//! What kinds a cluster serves: asked once for each group and version, and kept.

use std::{collections::HashMap, sync::Arc};

use bench_model::{ResourceRef, Verb};
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::{Cluster, RequestError, body::Keep, path::push_part};

/// Answers so far, by group and version.
#[derive(Debug, Default)]
pub(crate) struct Discovery(Mutex<HashMap<String, Arc<Vec<ServedResource>>>>);

/// A resource that the cluster serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedResource {
    /// `Pod`
    pub kind: String,
    /// Without a namespace; never a subresource.
    pub target: ResourceRef,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// What it can do.
    pub verbs: Vec<Verb>,
}

/// All that was found, and what could not be asked.
#[derive(Debug, Default)]
pub struct ServedResources {
    /// Of the preferred version of each group, sorted.
    pub resources: Vec<ServedResource>,
    /// Groups that did not answer, with the reason: mostly an aggregated API whose server is down.
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
struct ApiResource {
    name: String,
    #[serde(default)]
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    preferred_version: Option<GroupVersion>,
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: String,
}

/// Discovery answers of a cluster with thousands of custom kinds are a few MiB.
const MAX_DISCOVERY_BYTES: usize = 32 * 1024 * 1024;

impl Cluster {
    /// Finds the resource of a kind: its target without a namespace, and whether it is namespaced.
    ///
    /// # Errors
    /// [`RequestError::NoSuchKind`] when the cluster serves no such kind; else when discovery fails.
    pub async fn resolve(&self, api_version: &str, kind: &str) -> Result<(ResourceRef, bool), RequestError> {
        let find = |served: &[ServedResource]| {
            let found = served.iter().find(|resource| resource.kind == kind)?;
            Some((found.target.clone(), found.namespaced))
        };
        if let Some(found) = self.inner.discovery.get(api_version).and_then(|served| find(&served)) {
            return Ok(found);
        }
        let no_such_kind =
            || RequestError::NoSuchKind { api_version: api_version.to_owned(), kind: kind.to_owned() };
        match self.discover(api_version).await {
            Ok(served) => find(&served).ok_or_else(no_such_kind),
            Err(error) if error.http_status() == 404 => Err(no_such_kind()),
            Err(error) => Err(error),
        }
    }

    /// Everything that the cluster serves, each group in its preferred version.
    ///
    /// # Errors
    /// When the list of groups cannot be read; a group that does not answer is no error but listed.
    pub async fn served_resources(&self) -> Result<ServedResources, RequestError> {
        let groups: GroupList = self.get_path("/apis".to_owned(), "the list of API groups").await?;
        let preferred = groups.groups.into_iter().filter_map(|group| {
            group
                .preferred_version
                .or_else(|| group.versions.first().cloned())
                .map(|version| version.group_version)
        });
        let asked =
            stream::iter(std::iter::once("v1".to_owned()).chain(preferred)).map(|api_version| async move {
                let served = self.discover(&api_version).await;
                (api_version, served)
            });
        let answers: Vec<_> = asked.buffer_unordered(8).collect().await;
        let mut found = ServedResources::default();
        for (api_version, served) in answers {
            match served {
                Ok(served) => found.resources.extend(served.iter().cloned()),
                Err(error) => found.errors.push(format!("`{api_version}`: {error}")),
            }
        }
        found
            .resources
            .sort_by(|a, b| (&a.target.group, &a.target.plural).cmp(&(&b.target.group, &b.target.plural)));
        found.errors.sort();
        Ok(found)
    }

    async fn discover(&self, api_version: &str) -> Result<Arc<Vec<ServedResource>>, RequestError> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut path = if group.is_empty() { "/api" } else { "/apis" }.to_owned();
        let parts = if group.is_empty() { vec![version] } else { vec![group, version] };
        for part in parts {
            push_part(&mut path, part)
                .map_err(|error| RequestError::InvalidArgument { message: error.to_string() })?;
        }
        let list: ResourceList = self.get_path(path, &format!("the resources of `{api_version}`")).await?;
        let served = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
        let served: Vec<_> = served.map(|resource| served_resource(group, version, resource)).collect();
        let served = Arc::new(served);
        self.inner.discovery.put(api_version, Arc::clone(&served));
        Ok(served)
    }

    async fn get_path<T: serde::de::DeserializeOwned>(
        &self,
        path: String,
        what: &str,
    ) -> Result<T, RequestError> {
        let cluster = self.clone();
        let reply = self
            .on_load_runtime(async move { cluster.send_path(path, Keep::Whole(MAX_DISCOVERY_BYTES)).await })
            .await?;
        let reply = reply.into_result()?;
        serde_json::from_slice(&reply.body).map_err(|_| RequestError::Malformed { what: what.to_owned() })
    }
}

fn served_resource(group: &str, version: &str, resource: ApiResource) -> ServedResource {
    let target = ResourceRef {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: resource.name,
        namespace: String::new(),
    };
    let verbs = resource.verbs.iter().filter_map(|verb| parse_verb(verb)).collect();
    ServedResource { kind: resource.kind, target, namespaced: resource.namespaced, verbs }
}

fn parse_verb(verb: &str) -> Option<Verb> {
    let all = [
        Verb::Get,
        Verb::List,
        Verb::Watch,
        Verb::Create,
        Verb::Update,
        Verb::Patch,
        Verb::Delete,
        Verb::DeleteCollection,
    ];
    all.into_iter().find(|known| known.as_str() == verb)
}

impl Discovery {
    fn get(&self, api_version: &str) -> Option<Arc<Vec<ServedResource>>> {
        self.0.lock().get(api_version).cloned()
    }

    /// The kind of a resource, if it was ever asked for.
    pub(crate) fn kind_of(&self, target: &ResourceRef) -> Option<String> {
        let served = self.get(&target.api_version())?;
        served
            .iter()
            .find(|resource| resource.target.plural == target.plural)
            .map(|resource| resource.kind.clone())
    }

    fn put(&self, api_version: &str, served: Arc<Vec<ServedResource>>) {
        self.0.lock().insert(api_version.to_owned(), served);
    }
}
