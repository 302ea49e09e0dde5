//! Asks the cluster, before anything is created, whether it knows the kinds of the templates and lets this
//! user create them.
//!
//! Templates are found by the plugins' schemas (`benchTemplate`), so this works for any plugin. A kind that
//! a plugin only names at run time is not seen here; its job fails then, with what the cluster says.

use std::collections::BTreeSet;

use bench_cluster::{Cluster, RequestError};
use bench_model::ResourceRef;
use bench_scenario::{ManifestUse, Problem, Problems};

use super::load::Loaded;
use crate::{diagnostics::Failure, exit_code::Exit};

/// Checks all templates of a scenario; all problems at once.
pub async fn preflight(loaded: &Loaded, cluster: &Cluster) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    let mut forbidden = Vec::new();
    let mut asked: BTreeSet<ResourceRef> = BTreeSet::new();
    for manifest in &loaded.manifests {
        let target = match cluster.resolve(&manifest.api_version, &manifest.kind).await {
            Ok((target, _)) => target,
            Err(RequestError::NoSuchKind { .. }) => {
                unknown.push(no_such_kind(manifest));
                continue;
            }
            Err(error) => return Err(Failure::error(Exit::Unreachable, error)),
        };
        if asked.insert(target.clone()) && !may_create(cluster, &target).await? {
            forbidden.push(not_allowed(manifest, &target));
        }
    }
    let name = loaded.scenario.file.name();
    if let Some(problems) = Problems::new(name, unknown) {
        return Err(Failure::diagnostic(Exit::InvalidScenario, problems));
    }
    match Problems::new(name, forbidden) {
        Some(problems) => Err(Failure::diagnostic(Exit::Unreachable, problems)),
        None => Ok(()),
    }
}

fn no_such_kind(manifest: &ManifestUse) -> Problem {
    let ManifestUse { api_version, kind, .. } = manifest;
    let message = format!("the cluster serves no kind `{kind}` in `{api_version}`");
    manifest.problem(&message, "not served", Some("`kubectl api-resources` lists what the cluster serves"))
}

fn not_allowed(manifest: &ManifestUse, target: &ResourceRef) -> Problem {
    let message = format!("this user may not create {target}");
    let help = format!(
        "`kubectl auth can-i create {target} --all-namespaces` asks the same; grant it, or use another --context"
    );
    manifest.problem(&message, "forbidden by RBAC", Some(&help))
}

/// Asks with a SelfSubjectAccessReview, in all namespaces: those of the run do not exist yet.
async fn may_create(cluster: &Cluster, target: &ResourceRef) -> Result<bool, Failure> {
    cluster
        .may(bench_model::Verb::Create, target)
        .await
        .map_err(|error| Failure::error(Exit::Unreachable, error))
}
