//! When this run's own create requests were due and when they left.
//!
//! The engine registers an object before it asks for it to be sent, `send` adds the times at which the
//! request left and was answered, and watches project them beside the object as `$create.dueAt` and
//! `$create.sentAt`, and tell how late they are. What a controller made is never in here.

use std::collections::hash_map::Entry;

use bench_model::{ResourceRef, TimeNs};
use foldhash::HashMap;
use parking_lot::Mutex;

/// Objects kept; what comes later is counted only. About 150 bytes each.
const MAX_OBJECTS: usize = 1_000_000;

/// Times of one create request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateTimes {
    /// When the schedule wanted it to leave.
    pub due: TimeNs,
    /// When it left; [`TimeNs::NEVER`] while it did not.
    pub sent: TimeNs,
    /// When the server said that the object is there; [`TimeNs::NEVER`] while it did not.
    pub answered: TimeNs,
}

/// A registered object, by which its request finds its times without looking for its name again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateId(usize);

/// All create requests of the run.
#[derive(Debug, Default)]
pub struct OwnCreates(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kinds: Vec<Kind>,
    times: Vec<CreateTimes>,
    dropped: u64,
}

/// Objects of one resource, in two levels so that looking up needs no joined key.
#[derive(Debug)]
struct Kind {
    group: String,
    plural: String,
    namespaces: HashMap<Box<str>, HashMap<Box<str>, CreateId>>,
}

impl OwnCreates {
    /// Notes an object of this run before its create request is sent; `None` when there are too many.
    ///
    /// An object created again under the same name has the times of the last request.
    pub fn register(&self, target: &ResourceRef, name: &str, due: TimeNs) -> Option<CreateId> {
        let mut state = self.0.lock();
        let next = CreateId(state.times.len());
        let names = state.kind(target).namespaces.entry(target.namespace.as_str().into()).or_default();
        let id = match names.entry(name.into()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) if next.0 < MAX_OBJECTS => *new.insert(next),
            Entry::Vacant(_) => {
                state.dropped += 1;
                return None;
            }
        };
        let times = CreateTimes { due, sent: TimeNs::NEVER, answered: TimeNs::NEVER };
        match state.times.get_mut(id.0) {
            Some(known) => *known = times,
            None => state.times.push(times),
        }
        Some(id)
    }

    /// The times of one object's create request; `None` when it was not this run's.
    pub fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<CreateTimes> {
        let state = self.0.lock();
        let kind = state.kinds.iter().find(|kind| kind.group == group && kind.plural == plural)?;
        let id = kind.namespaces.get(namespace)?.get(name)?;
        state.times.get(id.0).copied()
    }

    /// How many objects were not kept because there were too many.
    pub fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }

    pub(crate) fn mark_sent(&self, id: CreateId, sent: TimeNs) {
        self.mark(id, |times| times.sent = sent);
    }

    pub(crate) fn mark_answered(&self, id: CreateId, answered: TimeNs) {
        self.mark(id, |times| times.answered = answered);
    }

    fn mark(&self, id: CreateId, mark: impl FnOnce(&mut CreateTimes)) {
        if let Some(times) = self.0.lock().times.get_mut(id.0) {
            mark(times);
        }
    }
}

impl State {
    fn kind(&mut self, target: &ResourceRef) -> &mut Kind {
        let is_it = |kind: &Kind| kind.group == target.group && kind.plural == target.plural;
        // Two look-ups, because a borrow that is returned cannot end before the push.
        let at = self.kinds.iter().position(is_it).unwrap_or(self.kinds.len());
        if at == self.kinds.len() {
            let (group, plural) = (target.group.clone(), target.plural.clone());
            self.kinds.push(Kind { group, plural, namespaces: HashMap::default() });
        }
        #[expect(clippy::indexing_slicing, reason = "the position found, or the entry just pushed")]
        &mut self.kinds[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_the_times_of_its_create_request() {
        let creates = OwnCreates::default();
        let pods = ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespace: "ns".to_owned(),
        };
        let first = creates.register(&pods, "a", TimeNs(5)).expect("room");
        let times = |due, sent| Some(CreateTimes { due: TimeNs(due), sent, answered: TimeNs::NEVER });
        assert_eq!(creates.get("", "pods", "ns", "a"), times(5, TimeNs::NEVER));
        creates.mark_sent(first, TimeNs(7));
        assert_eq!(creates.get("", "pods", "ns", "a"), times(5, TimeNs(7)));
        creates.register(&pods, "a", TimeNs(8)).expect("room");
        assert_eq!(creates.get("", "pods", "ns", "a"), times(8, TimeNs::NEVER), "those of the last request");
        assert_eq!(creates.get("apps", "pods", "ns", "a"), None);
        assert_eq!(creates.get("", "pods", "other", "a"), None);
    }
}
