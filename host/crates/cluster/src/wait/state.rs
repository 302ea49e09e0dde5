//! What a watch has seen of the objects that are waited for, and what that makes of the waiting.

use std::collections::HashMap;

use bench_model::{ResourceRef, RowKind, TimeNs, WaitOutcome};
use tokio::time::Instant;

use super::condition::{Condition, Judge, Verdict};
use crate::{RequestError, reflect::Signal};

/// Examples in an outcome.
const MAX_EXAMPLES: usize = 20;

#[derive(Default)]
pub(super) struct State {
    /// Objects that exist, by `namespace/name`.
    objects: HashMap<Box<str>, Object>,
    met: usize,
    gone: u64,
    last_gone_at: Option<TimeNs>,
    is_listed: bool,
    pub(super) failed: Option<RequestError>,
    /// The smallest count that somebody waits for: below it nobody has to look.
    wanted: Option<u32>,
    /// When something last came nearer or went.
    pub(super) moved_at: Option<Instant>,
}

struct Object {
    met_at: Option<TimeNs>,
    missing: String,
}

impl State {
    /// From now on somebody waits for so many.
    pub(super) fn want(&mut self, count: u32) {
        self.wanted = Some(self.wanted.map_or(count, |wanted| wanted.min(count)));
    }

    /// Whether somebody who waits should look.
    pub(super) fn is_worth_a_look(&self, condition: &Condition) -> bool {
        self.failed.is_some() || self.wanted.is_some_and(|count| self.is_met(condition, count))
    }

    /// Notes what was seen.
    pub(super) fn take(&mut self, judge: &Judge, signal: Signal<'_>) {
        let before = (self.met, self.objects.len(), self.gone);
        match signal {
            Signal::Row { kind: RowKind::Deleted, row, at } => self.remove(&row.namespace, &row.name, at),
            Signal::Vanished { object, at } => self.remove(&object.namespace, &object.name, at),
            Signal::Row { kind: _, row, at } => {
                let verdict = judge.judge(&row.cells);
                self.put(key(&row.namespace, &row.name), verdict, at);
            }
            Signal::Watching => self.is_listed = true,
            // A relist tells the differences; lines that were lost are caught up with by the next change.
            Signal::Gap { .. } => {}
            Signal::Failed(error) => self.failed = Some(error),
        }
        if before != (self.met, self.objects.len(), self.gone) {
            self.moved_at = Some(Instant::now());
        }
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

    pub(super) fn is_met(&self, condition: &Condition, count: u32) -> bool {
        if *condition == Condition::Delete {
            return self.is_listed && (self.objects.is_empty() || self.gone >= u64::from(count));
        }
        self.met >= count as usize
    }

    pub(super) fn outcome(
        &self,
        target: &ResourceRef,
        condition: &Condition,
        count: u32,
        kind: &str,
    ) -> WaitOutcome {
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
