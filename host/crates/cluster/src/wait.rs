//! Waiting for objects: one watch for each target, selector and condition, shared by all who wait.

mod condition;
mod state;
mod stuck;

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use bench_model::{ResourceRef, StuckCause, WaitOutcome};
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

use condition::Judge;
use state::State;

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
        shared.state.lock().want(count);
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
        let mut looked_at = Instant::now();
        loop {
            let moved_at = {
                let state = shared.state.lock();
                if let Some(error) = &state.failed {
                    return Err(error.clone());
                }
                if state.is_met(condition, count) {
                    return Ok(Vec::new());
                }
                state.moved_at
            };
            let quiet = async {
                match stuck {
                    Some(stuck) => {
                        let since = moved_at.map_or(looked_at, |moved_at| moved_at.max(looked_at));
                        tokio::time::sleep_until(since + stuck.after).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                changed = changed.changed() => changed.map_err(|_| RequestError::Cancelled)?,
                () = quiet => {
                    if shared.state.lock().moved_at != moved_at {
                        continue;
                    }
                    if let Some(stuck) = stuck
                        && let Some(causes) = self.stuck_pods(namespace, stuck.pods).await
                    {
                        return Ok(causes);
                    }
                    // Something may still be on its way: asked again after as long.
                    looked_at = Instant::now();
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
            let (state, condition) = (Arc::clone(&state), key.condition.clone());
            async move {
                // Ends with the task, when the last who waits drops it.
                let never = CancellationToken::new();
                let tell = |signal: Signal<'_>| {
                    let mut state = state.lock();
                    state.take(&judge, signal);
                    if state.is_worth_a_look(&condition) {
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
