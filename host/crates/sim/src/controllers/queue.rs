//! The work queue of a controller, as `client-go/util/workqueue`, without threads.
//!
//! A key waits at most once; keys become ready in the order they were added. Keys may be added for later
//! (the pending transitions of all pods are such keys, in one heap) and may be retried with growing delay.
//! The owner asks [`WorkQueue::pop`] with the time now; the queue itself never looks at a clock.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// First delay of a retry (`DefaultTypedControllerRateLimiter`).
const RETRY_FIRST: Duration = Duration::from_millis(5);
/// Longest delay of a retry.
const RETRY_LONGEST: Duration = Duration::from_secs(1000);

/// Keys to be worked on.
#[derive(Debug)]
pub(crate) struct WorkQueue<K> {
    ready: VecDeque<K>,
    waiting: HashSet<K>,
    later: BinaryHeap<Reverse<(Instant, u64, K)>>,
    /// The moments for which a key is in `later`, so that the same wish does not pile up.
    wished: BTreeSet<(K, Instant)>,
    failures: HashMap<K, u32>,
    sequence: u64,
}

impl<K: Clone + Ord + Hash> WorkQueue<K> {
    pub(crate) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            later: BinaryHeap::new(),
            wished: BTreeSet::new(),
            failures: HashMap::new(),
            sequence: 0,
        }
    }

    /// Adds a key behind all others, unless it waits already.
    pub(crate) fn add(&mut self, key: K) {
        if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Adds a key at a moment; keys of the same moment keep their order.
    pub(crate) fn add_at(&mut self, key: K, at: Instant) {
        if self.wished.insert((key.clone(), at)) {
            self.sequence += 1;
            self.later.push(Reverse((at, self.sequence, key)));
        }
    }

    /// Adds a key again after a failure: 5 ms, doubled with each failure, at most 1,000 s.
    pub(crate) fn retry(&mut self, key: K, now: Instant) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let delay = RETRY_FIRST.saturating_mul(2u32.saturating_pow(*failures)).min(RETRY_LONGEST);
        *failures = failures.saturating_add(1);
        self.add_at(key, now + delay);
    }

    /// Forgets the failures of a key.
    pub(crate) fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes the next key that is ready.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        self.promote(now);
        let key = self.ready.pop_front()?;
        self.waiting.remove(&key);
        Some(key)
    }

    /// Returns when `pop` will have something: `now` if it has, `None` if nothing is planned.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        if !self.ready.is_empty() {
            return Some(now);
        }
        self.later.peek().map(|Reverse((at, _, _))| *at)
    }

    fn promote(&mut self, now: Instant) {
        while let Some(Reverse((at, _, _))) = self.later.peek()
            && *at <= now
            && let Some(Reverse((at, _, key))) = self.later.pop()
        {
            self.wished.remove(&(key.clone(), at));
            self.add(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_waits_only_once_and_in_order() {
        let now = Instant::now();
        let mut queue = WorkQueue::new();
        for key in ["b", "a", "b"] {
            queue.add(key);
        }
        assert_eq!([queue.pop(now), queue.pop(now), queue.pop(now)], [Some("b"), Some("a"), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_for_later_comes_at_its_moment() {
        let now = Instant::now();
        let mut queue = WorkQueue::new();
        let at = now + Duration::from_secs(1);
        queue.add_at("a", at);
        queue.add_at("a", at);
        assert_eq!(queue.next(now), Some(at));
        assert_eq!(queue.pop(now), None);
        assert_eq!([queue.pop(at), queue.pop(at)], [Some("a"), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_wait_longer_each_time_until_forgotten() {
        let now = Instant::now();
        let mut queue = WorkQueue::new();
        let mut delays = Vec::new();
        for _ in 0..3 {
            queue.retry("a", now);
            let at = queue.next(now).expect("planned");
            delays.push((at - now).as_millis());
            assert_eq!(queue.pop(at), Some("a"));
        }
        queue.forget(&"a");
        queue.retry("a", now);
        delays.push((queue.next(now).expect("planned") - now).as_millis());
        assert_eq!(delays, [5, 10, 20, 5]);
    }
}
