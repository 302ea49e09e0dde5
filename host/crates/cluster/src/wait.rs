//! Waiting for objects: one watch for each target, selector and condition, shared by all who wait.

mod condition;
mod stuck;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use bench_model::{ResourceRef, RowKind, StuckCause, TimeNs, WaitOutcome};
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Cluster, RequestError,
    projection::Projector,
    reflect::{Reflector, Signal},
};

pub use condition::Condition;
pub use stuck::Stuck;

use condition::{Judge, Verdict};

/// Examples in an outcome.
const MAX_EXAMPLES: usize = 20;

/// What is being waited for, by whom ever.
#[derive(Default)]
pub(crate) struct Waits(Mutex<HashMap<Key, Weak<SharedWait>>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    target: ResourceRef,
    label_selector: String,
    condition: Condition,
}

/// One watch and what it has seen; ends with the last who waits.
struct SharedWait {
    state: Arc<Mutex<State>>,
    changed: watch::Receiver<()>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct State {
    /// Objects that exist, by `namespace/name`.
    objects: HashMap<Box<str>, Object>,
    met: usize,
    gone: u64,
    last_gone_at: Option<TimeNs>,
    is_listed: bool,
    failed: Option<RequestError>,
}

struct Object {
    met_at: Option<TimeNs>,
    missing: String,
}

impl Cluster {
    /// Waits until `count` objects meet a condition, for at most `timeout`.
    ///
    /// An empty namespace in `target` means all. For [`Condition::Delete`] it waits until `count` objects
    /// went or none is left. Objects that do not meet it in time are an answer, not an error. With `stuck` it
    /// ends before its time when nothing moves any longer and every pod that does not start says why.
    ///
    /// # Errors
    /// When the objects may not be watched, or on `cancel`.
    #[expect(clippy::too_many_arguments, reason = "each is one part of the sentence above")]
    pub async fn wait_until(
        &self,
        target: &ResourceRef,
        label_selector: &str,
        condition: &Condition,
        count: u32,
        timeout: Duration,
        stuck: Option<Stuck<'_>>,
        cancel: &CancellationToken,
    ) -> Result<WaitOutcome, RequestError> {
        if count == 0 {
            return Ok(State::default().outcome(target, condition, 0, ""));
        }
        let key = Key {
            target: target.clone(),
            label_selector: label_selector.to_owned(),
            condition: condition.clone(),
        };
        let shared = self.shared_wait(key)?;
        let is_over = self.over(&shared, &target.namespace, condition, count, stuck);
        let causes = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(RequestError::Cancelled),
            causes = is_over => causes?,
            () = tokio::time::sleep(timeout) => match stuck {
                None => Vec::new(),
                Some(stuck) => self.stuck_pods(&target.namespace, stuck.pods).await.unwrap_or_default(),
            },
        };
        let kind = self.kind_name(target);
        let outcome = shared.state.lock().outcome(target, condition, count, &kind);
        Ok(WaitOutcome { causes, ..outcome })
    }

    /// Returns when the condition is met, or when nothing moves any longer, with the causes of that.
    async fn over(
        &self,
        shared: &SharedWait,
        namespace: &str,
        condition: &Condition,
        count: u32,
        stuck: Option<Stuck<'_>>,
    ) -> Result<Vec<StuckCause>, RequestError> {
        let mut changed = shared.changed.clone();
        let (mut moved_at, mut progress) = (Instant::now(), None);
        loop {
            {
                let state = shared.state.lock();
                if let Some(error) = &state.failed {
                    return Err(error.clone());
                }
                if state.is_met(condition, count) {
                    return Ok(Vec::new());
                }
                let now = Some((state.met, state.objects.len(), state.gone));
                if progress != now {
                    (moved_at, progress) = (Instant::now(), now);
                }
            }
            let quiet = async {
                match stuck {
                    Some(stuck) => tokio::time::sleep_until(moved_at + stuck.after).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                changed = changed.changed() => changed.map_err(|_| RequestError::Cancelled)?,
                () = quiet => {
                    if let Some(stuck) = stuck
                        && let Some(causes) = self.stuck_pods(namespace, stuck.pods).await
                    {
                        return Ok(causes);
                    }
                    // Something may still be on its way: asked again after as long.
                    moved_at = Instant::now();
                }
            }
        }
    }

    fn shared_wait(&self, key: Key) -> Result<Arc<SharedWait>, RequestError> {
        let mut waits = self.inner.waits.0.lock();
        if let Some(shared) = waits.get(&key).and_then(Weak::upgrade)
            && shared.state.lock().failed.is_none()
        {
            return Ok(shared);
        }
        let judge = Judge::new(&key.condition, &key.target);
        let invalid =
            |error: crate::ProjectionError| RequestError::InvalidArgument { message: error.to_string() };
        let projector = Arc::new(Projector::compile(&judge.projections()).map_err(invalid)?);
        let reflector = Reflector {
            cluster: self.clone(),
            target: key.target.clone(),
            label_selector: key.label_selector.clone(),
            field_selector: String::new(),
            projector,
        };
        let state = Arc::new(Mutex::new(State::default()));
        let (changes, changed) = watch::channel(());
        let task = {
            let state = Arc::clone(&state);
            async move {
                // Ends with the task, when the last who waits drops it.
                let never = CancellationToken::new();
                let tell = |signal: Signal<'_>| {
                    if state.lock().take(&judge, signal) {
                        changes.send_replace(());
                    }
                };
                reflector.run(never, tell).await;
            }
        };
        let task = AbortOnDropHandle::new(self.inner.runtime.spawn(task));
        let shared = Arc::new(SharedWait { state, changed, _task: task });
        waits.retain(|_, shared| shared.strong_count() > 0);
        waits.insert(key, Arc::downgrade(&shared));
        Ok(shared)
    }

    /// `pod`, as people say; the plural when the kind was never asked for.
    fn kind_name(&self, target: &ResourceRef) -> String {
        self.inner
            .discovery
            .kind_of(target)
            .map_or_else(|| singular(&target.plural), |kind| kind.to_lowercase())
    }
}

/// For regular plurals: all that are common.
fn singular(plural: &str) -> String {
    plural.strip_suffix('s').unwrap_or(plural).to_owned()
}

impl State {
    /// Notes what was seen; whether someone who waits should look again.
    fn take(&mut self, judge: &Judge, signal: Signal<'_>) -> bool {
        match signal {
            Signal::Row { kind: RowKind::Deleted, row, at } => self.remove(&row.namespace, &row.name, at),
            Signal::Vanished { object, at } => self.remove(&object.namespace, &object.name, at),
            Signal::Row { kind: _, row, at } => {
                let verdict = judge.judge(&row.cells);
                self.put(key(&row.namespace, &row.name), verdict, at);
            }
            Signal::Watching => self.is_listed = true,
            // A relist tells the differences; lines that were lost are caught up with by the next change.
            Signal::Gap { .. } => return false,
            Signal::Failed(error) => self.failed = Some(error),
        }
        true
    }

    fn put(&mut self, key: Box<str>, verdict: Verdict, at: TimeNs) {
        let before = self.objects.get(&key).and_then(|object| object.met_at);
        self.met -= usize::from(before.is_some());
        let (met_at, missing) = match verdict {
            Verdict::Met => (before.or(Some(at)), String::new()),
            Verdict::Unmet(missing) => (None, missing),
        };
        self.met += usize::from(met_at.is_some());
        self.objects.insert(key, Object { met_at, missing });
    }

    fn remove(&mut self, namespace: &str, name: &str, at: TimeNs) {
        if let Some(object) = self.objects.remove(&key(namespace, name)) {
            self.met -= usize::from(object.met_at.is_some());
            self.gone += 1;
            self.last_gone_at = Some(at);
        }
    }

    fn is_met(&self, condition: &Condition, count: u32) -> bool {
        if *condition == Condition::Delete {
            return self.is_listed && (self.objects.is_empty() || self.gone >= u64::from(count));
        }
        self.met >= count as usize
    }

    fn outcome(&self, target: &ResourceRef, condition: &Condition, count: u32, kind: &str) -> WaitOutcome {
        let existing = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let (met, last) = if *condition == Condition::Delete {
            let is_over = self.is_met(condition, count);
            (if is_over { count } else { count.saturating_sub(existing) }, self.last_gone_at)
        } else {
            let last = self.objects.values().filter_map(|object| object.met_at).max();
            (u32::try_from(self.met).unwrap_or(u32::MAX), last)
        };
        let unmet = count.saturating_sub(met);
        let mut examples = Vec::new();
        if unmet > 0 {
            let is_delete = *condition == Condition::Delete;
            let unmet_objects =
                self.objects.iter().filter(|(_, object)| is_delete || object.met_at.is_none());
            let mut unmet_objects: Vec<_> = unmet_objects.collect();
            unmet_objects.sort_by_key(|(key, _)| *key);
            examples.extend(unmet_objects.into_iter().take(MAX_EXAMPLES).map(|(key, object)| {
                let missing = if is_delete { "still there" } else { &object.missing };
                format!("{kind} {}: {missing}", key.trim_start_matches('/'))
            }));
            if existing < count && !is_delete {
                examples.truncate(MAX_EXAMPLES - 1);
                examples.push(format!("{existing} of {count} exist"));
            }
        }
        WaitOutcome {
            target: target.clone(),
            condition: condition.to_string(),
            met,
            unmet,
            last_met_at: last.unwrap_or(TimeNs::NEVER),
            examples,
            causes: Vec::new(),
        }
    }
}

fn key(namespace: &str, name: &str) -> Box<str> {
    format!("{namespace}/{name}").into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> ResourceRef {
        ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespace: "ns".to_owned(),
        }
    }

    fn unmet(missing: &str) -> Verdict {
        Verdict::Unmet(missing.to_owned())
    }

    #[test]
    fn an_outcome_counts_and_says_what_is_missing() {
        let mut state = State { is_listed: true, ..State::default() };
        state.put(key("ns", "a"), unmet("Pending"), TimeNs(1));
        state.put(key("ns", "b"), Verdict::Met, TimeNs(2));
        state.put(key("ns", "b"), Verdict::Met, TimeNs(3));
        assert!(!state.is_met(&Condition::Ready, 2));
        let outcome = state.outcome(&pods(), &Condition::Ready, 3, "pod");
        assert_eq!((outcome.met, outcome.unmet, outcome.last_met_at), (1, 2, TimeNs(2)));
        assert_eq!(outcome.examples, ["pod ns/a: Pending", "2 of 3 exist"]);

        state.put(key("ns", "a"), Verdict::Met, TimeNs(4));
        assert!(state.is_met(&Condition::Ready, 2));
        state.put(key("ns", "a"), unmet("CrashLoopBackOff"), TimeNs(5));
        assert!(!state.is_met(&Condition::Ready, 2));
    }

    #[test]
    fn waiting_for_deletion_ends_when_nothing_is_left() {
        let mut state = State::default();
        assert!(!state.is_met(&Condition::Delete, 2), "nothing is known before the list");
        state.is_listed = true;
        state.put(key("ns", "a"), Verdict::Met, TimeNs(1));
        state.put(key("ns", "b"), Verdict::Met, TimeNs(1));
        state.remove("ns", "a", TimeNs(5));
        let outcome = state.outcome(&pods(), &Condition::Delete, 2, "pod");
        assert_eq!((outcome.met, outcome.unmet), (1, 1));
        assert_eq!(outcome.examples, ["pod ns/b: still there"]);
        state.remove("ns", "b", TimeNs(7));
        let outcome = state.outcome(&pods(), &Condition::Delete, 2, "pod");
        assert_eq!((outcome.met, outcome.unmet, outcome.last_met_at), (2, 0, TimeNs(7)));
    }
}
