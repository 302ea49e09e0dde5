//! Failures and delays on purpose, drawn from the seed.
//!
//! Each rule has its own stream of random numbers, so that adding one does not change what another does. The n-th
//! request that fits a rule always gets the same fate.

use std::time::Duration;

use parking_lot::Mutex;
use rand::Rng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp, LogNormal, Normal};
use tokio::time::Instant;

use crate::config::{DelayShape, Faults, Latency, RequestFilter};
use crate::random::Random;
use crate::route::Target;
use crate::status::Status;

/// Longest delay, so that a heavy tail cannot overflow a timer.
const MAX_DELAY_MS: f64 = 3_600_000.0;

/// The faults of one server.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    faults: Faults,
    start: Instant,
    streams: Mutex<Streams>,
}

#[derive(Debug)]
struct Streams {
    latency: Vec<SmallRng>,
    too_many: Vec<SmallRng>,
    internal: Vec<SmallRng>,
    watches: SmallRng,
}

/// What happens to one request.
#[derive(Debug, PartialEq)]
struct Fate {
    delay: Duration,
    refusal: Option<Status>,
}

impl FaultPlan {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        let random = Random::from_seed(seed);
        let streams = |purpose: &str, n: usize| {
            (0..n).map(|position| random.stream(&["fault", purpose, &position.to_string()])).collect()
        };
        let streams = Streams {
            latency: streams("latency", faults.latency.len()),
            too_many: streams("too many requests", faults.too_many_requests.len()),
            internal: streams("internal error", faults.internal_errors.len()),
            watches: random.stream(&["fault", "watch"]),
        };
        Self { faults, start: Instant::now(), streams: Mutex::new(streams) }
    }

    /// Holds a request as long as the plan says, then lets it go on or refuses it.
    pub(crate) async fn apply(&self, target: &Target) -> Result<(), Status> {
        let fate = self.draw(target);
        let until = self.stalled_until();
        if until > Instant::now() {
            tokio::time::sleep_until(until).await;
        }
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        fate.refusal.map_or(Ok(()), Err)
    }

    /// When a new watch is dropped; `None` for those that live.
    pub(crate) fn watch_cut(&self) -> Option<Duration> {
        let dropped = self.faults.dropped_watches.as_ref()?;
        let stream = &mut self.streams.lock().watches;
        let hit = stream.random::<f64>() < dropped.share;
        let mean = dropped.after_milliseconds.max(f64::MIN_POSITIVE);
        let wait = Exp::new(1.0 / mean).map_or(0.0, |distribution| distribution.sample(stream));
        hit.then(|| milliseconds(wait))
    }

    fn stalled_until(&self) -> Instant {
        let passed = self.start.elapsed();
        let ends = self.faults.stalls.iter().filter_map(|stall| {
            let begin = Duration::from_millis(stall.at_milliseconds);
            let end = begin.saturating_add(Duration::from_millis(stall.for_milliseconds));
            (begin <= passed && passed < end).then_some(end)
        });
        ends.max().and_then(|end| self.start.checked_add(end)).unwrap_or(self.start)
    }

    fn draw(&self, target: &Target) -> Fate {
        let mut streams = self.streams.lock();
        let streams = &mut *streams;
        let mut delay = Duration::ZERO;
        for (rule, stream) in self.faults.latency.iter().zip(&mut streams.latency) {
            if fits(&rule.on, target) {
                delay = delay.saturating_add(draw_delay(rule, stream));
            }
        }
        let mut refusal = None;
        for (rule, stream) in self.faults.too_many_requests.iter().zip(&mut streams.too_many) {
            if fits(&rule.on, target) && stream.random::<f64>() < rule.share && refusal.is_none() {
                refusal = Some(Status::too_many_requests(rule.retry_after_seconds.max(1)));
            }
        }
        for (rule, stream) in self.faults.internal_errors.iter().zip(&mut streams.internal) {
            if fits(&rule.on, target) && stream.random::<f64>() < rule.share && refusal.is_none() {
                refusal = Some(Status::internal("injected fault"));
            }
        }
        Fate { delay, refusal }
    }
}

fn fits(filter: &RequestFilter, target: &Target) -> bool {
    let Target::Resource(target) = target else {
        // Discovery and health are never disturbed by a rule.
        return false;
    };
    (filter.verbs.is_empty() || filter.verbs.iter().any(|verb| verb == target.verb))
        && (filter.resources.is_empty() || filter.resources.contains(&target.plural))
}

fn draw_delay(rule: &Latency, stream: &mut SmallRng) -> Duration {
    // Both numbers are always drawn, so that a share does not shift the sequence.
    let hit = stream.random::<f64>() < rule.share.unwrap_or(1.0);
    let (center, spread) = (rule.milliseconds, rule.spread);
    let value = match rule.shape {
        DelayShape::Constant => center,
        DelayShape::Uniform => center + (spread - center).max(0.0) * stream.random::<f64>(),
        DelayShape::Exponential => Exp::new(1.0 / center).map_or(0.0, |shape| shape.sample(stream)),
        DelayShape::Normal => Normal::new(center, spread).map_or(center, |shape| shape.sample(stream)),
        DelayShape::LogNormal => {
            LogNormal::new(center.ln(), spread).map_or(center, |shape| shape.sample(stream))
        }
    };
    if hit { milliseconds(value) } else { Duration::ZERO }
}

fn milliseconds(value: f64) -> Duration {
    let bounded = if value.is_nan() { 0.0 } else { value.clamp(0.0, MAX_DELAY_MS) };
    Duration::from_secs_f64(bounded / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Share, Stall};
    use crate::route::ResourceTarget;

    fn create(plural: &str) -> Target {
        Target::Resource(ResourceTarget { verb: "create", plural: plural.to_owned(), ..Default::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn the_share_of_slow_requests_is_the_one_asked_for_and_repeats() {
        let slow = Latency { share: Some(0.01), milliseconds: 50.0, ..Latency::default() };
        let faults = Faults { latency: vec![slow], ..Faults::default() };
        let fates = |seed| {
            let plan = FaultPlan::new(faults.clone(), seed);
            (0..10_000).map(|_| plan.draw(&create("pods")).delay.as_millis()).collect::<Vec<_>>()
        };
        let first = fates(7);
        let n_slow = first.iter().filter(|&&delay| delay == 50).count();
        assert!((70..130).contains(&n_slow), "{n_slow}");
        assert_eq!(first, fates(7));
        assert_ne!(first, fates(8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_filter_spares_the_others() {
        let share = Share {
            on: RequestFilter { verbs: vec!["create".to_owned()], resources: vec!["pods".to_owned()] },
            share: 1.0,
            retry_after_seconds: 3,
        };
        let plan = FaultPlan::new(Faults { too_many_requests: vec![share], ..Faults::default() }, 1);
        assert_eq!(plan.draw(&create("pods")).refusal, Some(Status::too_many_requests(3)));
        assert_eq!(plan.draw(&create("configmaps")).refusal, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_holds_requests_until_its_end() {
        let stall = Stall { at_milliseconds: 100, for_milliseconds: 400 };
        let plan = FaultPlan::new(Faults { stalls: vec![stall], ..Faults::default() }, 1);
        let start = Instant::now();
        plan.apply(&create("pods")).await.expect("not refused");
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::time::advance(Duration::from_millis(200)).await;
        plan.apply(&create("pods")).await.expect("not refused");
        assert_eq!(start.elapsed(), Duration::from_millis(500));
    }
}
