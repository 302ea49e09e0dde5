//! Removes all that carries a run's label, and nothing else. Needs no scenario.
//!
//! Namespaces go first, and only when the caller knows that the run made them: by name, UID and label. What is
//! inside goes with them and is not listed before: a run may have made a hundred thousand objects. Then every
//! resource that can be listed and deleted is asked for objects with the label, and these are deleted one by
//! one, each with its UID as a precondition. It waits until nothing is left, for a bounded time, and says what
//! remains.

mod look;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bench_model::{CleanupOutcome, CreatedNamespace, RunId, Verb};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use self::look::{Found, Metadata};
use crate::{Cluster, RUN_LABEL, Request, RequestError, ServedResource};

/// How long removing may take when nobody says otherwise: namespaces of large runs need minutes.
pub const CLEANUP_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a server is asked again that does not answer, or does not know yet who may do what: it may be starting.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 16;
const MAX_EXAMPLES: usize = 20;

/// A run of which something is on the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRun {
    /// Value of the label.
    pub run_id: String,
    /// Its namespaces.
    pub namespaces: Vec<CreatedNamespace>,
    /// Its objects, namespaces included.
    pub objects: u64,
}

impl Cluster {
    /// Removes the objects of a run; see [`Cluster::cleanup_within`]. Takes at most ten minutes.
    pub async fn cleanup(&self, run_id: &RunId, namespaces: &[CreatedNamespace]) -> CleanupOutcome {
        self.cleanup_within(&run_id.to_string(), namespaces, CLEANUP_TIMEOUT).await
    }

    /// What there is to say of a run whose cluster answers nothing any more: nothing was looked at.
    pub fn not_cleaned(namespaces: &[CreatedNamespace]) -> CleanupOutcome {
        let errors = vec!["the cluster answers nothing: clean up when it is back".to_owned()];
        CleanupOutcome { remaining: shown(namespaces), errors, ..CleanupOutcome::default() }
    }

    /// Removes all objects whose label says that they are of run `run_id`.
    ///
    /// `namespaces` are those that the run's journal names: no other is ever deleted. Never fails: what went
    /// wrong is in the outcome, which is complete only when nothing of the run was left at the last look.
    pub async fn cleanup_within(
        &self,
        run_id: &str,
        namespaces: &[CreatedNamespace],
        timeout: Duration,
    ) -> CleanupOutcome {
        let deadline = Instant::now() + timeout;
        let patient_until = deadline.min(Instant::now() + PATIENCE);
        let selector = format!("{RUN_LABEL}={run_id}");
        let mut outcome = CleanupOutcome::default();
        let complete = match self.resources_until(patient_until).await {
            Ok((resources, errors)) => {
                outcome.errors.extend(errors);
                resources
            }
            Err(error) => {
                outcome.errors.push(format!("failed to find out what the cluster serves: {error}"));
                outcome.remaining = shown(namespaces);
                return outcome;
            }
        };
        let mut seen = Seen::default();
        let mut asked: HashSet<String> = HashSet::new();
        let mut pause = Duration::from_millis(100);
        let mut left: Vec<Found> = Vec::new();
        let mut to_look_at = (!namespaces.is_empty()).then(|| only_namespaces(&complete));
        let mut looked_at_all = false;
        loop {
            let is_full = to_look_at.is_none();
            looked_at_all |= is_full;
            let mut look = self.look(to_look_at.as_deref().unwrap_or(&complete), &selector).await;
            // A server that ignores selectors must not make us delete what is not the run's.
            look.found.retain(|found| found.run_id() == Some(run_id));
            look.keep_unseen(&left);
            let (own, foreign): (Vec<_>, Vec<_>) = std::mem::take(&mut look.found)
                .into_iter()
                .partition(|found| !found.is_namespace() || is_own(found, namespaces));
            let (inside, outside) = split(own);
            left = outside;
            seen.add(&left);
            (outcome.namespaces, outcome.deleted) = seen.gone(&left);
            // What is inside says what keeps a namespace.
            let remaining = left.iter().chain(&foreign).chain(&inside);
            outcome.remaining = remaining.map(Found::shown).take(MAX_EXAMPLES).collect();
            if seen.is_empty() && look.is_without_namespaces() {
                outcome.remaining.extend(shown(namespaces));
            }
            let mut errors = std::mem::take(&mut look.errors);
            errors.extend(foreign.iter().map(|found| {
                let shown = found.shown();
                format!(
                    "{shown} carries the run's label, but the run did not say that it made it: left alone"
                )
            }));
            if left.is_empty() {
                if is_full {
                    if look.may_see_more_soon(namespaces) && Instant::now() < patient_until {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                    outcome.errors.extend(errors);
                    return outcome;
                }
                // What is outside of namespaces, and what a controller made in the meantime, is found by a look at
                // everything.
                to_look_at = None;
                continue;
            }
            let failed = self.delete_all(&left, &mut asked).await;
            let is_hopeless =
                left.iter().all(|found| failed.contains_key(&found.metadata.uid) || look.is_blind_to(found));
            errors.extend(failed.into_values());
            let is_over = is_hopeless || Instant::now() >= deadline;
            if is_over && looked_at_all {
                outcome.errors.extend(errors);
                return outcome;
            }
            // Namespaces that stay do not keep what is outside of them.
            to_look_at = (!is_over).then(|| resources_of(&left));
            if !is_over {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Runs of which something is on the cluster, sorted by id.
    ///
    /// # Errors
    /// When the cluster does not say what it serves.
    pub async fn runs_on_cluster(&self) -> Result<Vec<FoundRun>, RequestError> {
        let (resources, _) = self.resources().await?;
        let look = self.look(&resources, RUN_LABEL).await;
        let mut runs: BTreeMap<String, FoundRun> = BTreeMap::new();
        for found in look.found {
            let Some(run_id) = found.run_id() else { continue };
            let new = || FoundRun { run_id: run_id.to_owned(), namespaces: Vec::new(), objects: 0 };
            let run = runs.entry(run_id.to_owned()).or_insert_with(new);
            run.objects += 1;
            if found.is_namespace() {
                let Metadata { name, uid, .. } = found.metadata;
                run.namespaces.push(CreatedNamespace { name, uid: Some(uid) });
            }
        }
        Ok(runs.into_values().collect())
    }

    /// What the cluster serves; asked again while the server does not answer.
    async fn resources_until(
        &self,
        patient_until: Instant,
    ) -> Result<(Vec<Arc<ServedResource>>, Vec<String>), RequestError> {
        loop {
            match self.patiently(|| self.resources()).await {
                Err(error) if error.is_retryable() && Instant::now() < patient_until => {}
                answer => return answer,
            }
        }
    }

    /// Resources whose objects can be found and removed, and groups that did not answer.
    async fn resources(&self) -> Result<(Vec<Arc<ServedResource>>, Vec<String>), RequestError> {
        let served = self.served_resources().await?;
        let can = |resource: &ServedResource, verb| resource.verbs.contains(&verb);
        let resources = served.resources.into_iter();
        let resources = resources.filter(|resource| can(resource, Verb::List) && can(resource, Verb::Delete));
        Ok((resources.map(Arc::new).collect(), served.errors))
    }

    /// Asks once for each object to be deleted, namespaces first. Returns the UIDs of those that could not
    /// be deleted, with the reason; they are asked for again.
    async fn delete_all(&self, found: &[Found], asked: &mut HashSet<String>) -> HashMap<String, String> {
        let mut to_delete: Vec<&Found> = found
            .iter()
            .filter(|found| found.metadata.deletion_timestamp.is_none())
            .filter(|found| asked.insert(found.metadata.uid.clone()))
            .collect();
        to_delete.sort_by_key(|found| !found.is_namespace());
        let deletions = to_delete.into_iter().map(|found| async move {
            match self.patiently(|| self.delete_one(found)).await {
                Ok(()) => None,
                // 409: another object has the name by now.
                Err(error) if matches!(error.http_status(), 404 | 409) => None,
                Err(error) => {
                    let reason = format!("failed to delete {}: {error}", found.shown());
                    Some((found.metadata.uid.clone(), reason))
                }
            }
        });
        let failed: HashMap<String, String> =
            stream::iter(deletions).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        asked.retain(|uid| !failed.contains_key(uid));
        failed
    }

    async fn delete_one(&self, found: &Found) -> Result<(), RequestError> {
        let Metadata { namespace, name, uid, .. } = &found.metadata;
        let options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": uid },
            "propagationPolicy": "Background",
        });
        let request = Request {
            verb: Verb::Delete,
            target: &found.resource.target.in_namespace(namespace),
            name,
            query: "",
            content_type: "application/json",
            body: Bytes::from(options.to_string()),
            keep_body: false,
        };
        self.call(request).await.map(|_| ())
    }

    /// Tries a call again while the server is busy: nothing here is measured.
    async fn patiently<T, F: Future<Output = Result<T, RequestError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<T, RequestError> {
        let mut pause = Duration::from_millis(200);
        for _ in 0..5 {
            match call().await {
                Err(error) if error.is_retryable() => {
                    let wait = error.retry_after().unwrap_or(pause).min(Duration::from_secs(10));
                    tokio::time::sleep(wait).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        call().await
    }
}

/// Own namespaces, and objects outside of them, that were there at some time.
#[derive(Default)]
struct Seen {
    namespaces: HashSet<String>,
    others: HashSet<String>,
}

impl Seen {
    fn add(&mut self, found: &[Found]) {
        for found in found {
            let of = if found.is_namespace() { &mut self.namespaces } else { &mut self.others };
            of.insert(found.metadata.uid.clone());
        }
    }

    fn is_empty(&self) -> bool {
        self.namespaces.is_empty() && self.others.is_empty()
    }

    /// How many namespaces are gone, and how many namespaces and objects, when these are left.
    fn gone(&self, left: &[Found]) -> (u64, u64) {
        let left_namespaces = left.iter().filter(|found| found.is_namespace()).count();
        let namespaces = self.namespaces.len().saturating_sub(left_namespaces);
        let others = self.others.len().saturating_sub(left.len() - left_namespaces);
        (namespaces as u64, (namespaces + others) as u64)
    }
}

/// What goes with a namespace among them, and the rest.
fn split(own: Vec<Found>) -> (Vec<Found>, Vec<Found>) {
    let namespaces: HashSet<String> =
        own.iter().filter(|found| found.is_namespace()).map(|found| found.metadata.name.clone()).collect();
    own.into_iter().partition(|found| namespaces.contains(&found.metadata.namespace))
}

fn only_namespaces(resources: &[Arc<ServedResource>]) -> Vec<Arc<ServedResource>> {
    resources.iter().filter(|resource| resource.target.is_namespaces()).cloned().collect()
}

/// Namespaces that could not be looked at, as [`Found::shown`].
fn shown(namespaces: &[CreatedNamespace]) -> Vec<String> {
    namespaces.iter().map(|namespace| format!("namespace {}", namespace.name)).take(MAX_EXAMPLES).collect()
}

fn is_own(found: &Found, namespaces: &[CreatedNamespace]) -> bool {
    let Metadata { name, uid, .. } = &found.metadata;
    !uid.is_empty()
        && namespaces.iter().any(|own| own.name == *name && own.uid.as_ref().is_none_or(|own| own == uid))
}

fn resources_of(found: &[Found]) -> Vec<Arc<ServedResource>> {
    let mut resources: Vec<Arc<ServedResource>> = Vec::new();
    for Found { resource, .. } in found {
        // Found objects share the resource that was looked at.
        if !resources.iter().any(|known| Arc::ptr_eq(known, resource)) {
            resources.push(Arc::clone(resource));
        }
    }
    resources
}
