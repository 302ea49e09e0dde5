//! The run-wide cap on requests: governor's token bucket on tokio's clock.
//!
//! Requests leave in the order in which they asked. Governor's own waiting sleeps on a real timer and lets
//! waiters race; here those who must wait stand in one line, and only the first of them sleeps.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bench_model::Rate;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use tokio::{sync::Semaphore, time::Instant};

/// Tokio's timer wakes at the full millisecond after the one in which it should.
const TICK: Duration = Duration::from_millis(2);

/// Decides whether a request may leave; clones share one bucket.
#[derive(Debug, Clone)]
pub struct Limiter(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    bucket: RateLimiter<NotKeyed, InMemoryState, GivenTime, NoOpMiddleware<Nanos>>,
    given: GivenTime,
    start: Instant,
    /// One permit: whoever holds it is first in the line. Tokio's semaphores are first come, first served.
    line: Semaphore,
    held: AtomicU64,
    waited_ns: AtomicU64,
}

/// What governor takes for now: the time, in ns since the start, that was last asked about.
#[derive(Debug, Clone, Default)]
struct GivenTime(Arc<AtomicU64>);

impl Clock for GivenTime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.load(Ordering::Relaxed).into()
    }
}

impl Limiter {
    /// Makes a limiter of `limit` requests per second; `None` lets everything pass.
    ///
    /// `burst` requests may leave at once after a quiet time. It is raised to what the limit gives in
    /// [`TICK`], since a smaller bucket would lower the rate.
    pub fn new(limit: Option<Rate>, burst: NonZeroU32) -> Self {
        let Some(rate) = limit else { return Self(None) };
        let given = GivenTime::default();
        Self(Some(Arc::new(Shared {
            bucket: RateLimiter::direct_with_clock(quota(rate, burst), given.clone()),
            given,
            start: Instant::now(),
            line: Semaphore::new(1),
            held: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
        })))
    }

    /// A limiter that lets everything pass.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Waits until one request may leave; returns how long it waited.
    ///
    /// Dropping the future gives up the place in the line and takes nothing from the bucket.
    pub async fn acquire(&self) -> Duration {
        let Some(shared) = &self.0 else { return Duration::ZERO };
        if shared.try_acquire() {
            return Duration::ZERO;
        }
        shared.wait().await
    }

    /// Takes a permission if there is one and nobody stands in the line for it.
    pub fn try_acquire(&self) -> bool {
        self.0.as_ref().is_none_or(|shared| shared.try_acquire())
    }

    /// How many requests had to wait, and how long all together.
    pub fn waited_total(&self) -> (u64, Duration) {
        let Some(shared) = &self.0 else { return (0, Duration::ZERO) };
        let waited = Duration::from_nanos(shared.waited_ns.load(Ordering::Relaxed));
        (shared.held.load(Ordering::Relaxed), waited)
    }
}

impl Shared {
    fn try_acquire(&self) -> bool {
        self.line.available_permits() > 0 && self.check_at(self.now()).is_ok()
    }

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }

    /// Takes a permission as of `at`; an earlier time gives less, never more.
    ///
    /// # Errors
    /// When the next one is to be had.
    fn check_at(&self, at: Nanos) -> Result<(), Nanos> {
        self.given.0.store(at.as_u64(), Ordering::Relaxed);
        self.bucket.check().map_err(|not_yet| not_yet.earliest_possible())
    }

    async fn wait(&self) -> Duration {
        let asked = Instant::now();
        self.held.fetch_add(1, Ordering::Relaxed);
        // The semaphore is never closed; if it were, waiting on the bucket alone would still hold the cap.
        let _first = self.line.acquire().await;
        let mut at = self.now();
        while let Err(due) = self.check_at(at) {
            tokio::time::sleep_until(self.start + due.into()).await;
            // Taken as of when it was due, or the ticks by which the timer is late would add up.
            at = due.max(self.now().saturating_sub(TICK.into()));
        }
        let waited = asked.elapsed();
        self.waited_ns.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        waited
    }
}

/// Governor counts in ns: the period is rounded up, so that the cap holds, and kept small enough that a
/// full bucket fits into 64 bits.
fn quota(rate: Rate, burst: NonZeroU32) -> Quota {
    let floor = (rate.per_second() * TICK.as_secs_f64()).ceil() as u32;
    let burst = burst.max(NonZeroU32::new(floor).unwrap_or(NonZeroU32::MIN));
    let longest = i64::MAX as u64 / 4 / u64::from(burst.get());
    let period = ((1e9 / rate.per_second()).ceil() as u64).clamp(1, longest);
    Quota::with_period(Duration::from_nanos(period))
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(per_second: f64, burst: u32) -> Limiter {
        Limiter::new(Some(Rate::try_new(per_second).expect("a rate")), NonZeroU32::new(burst).expect("not 0"))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    #[tokio::test(start_paused = true)]
    async fn an_unlimited_limiter_never_holds_anything() {
        let limiter = Limiter::unlimited();
        assert_eq!(limiter.acquire().await, Duration::ZERO);
        assert!(limiter.try_acquire());
        assert_eq!(limiter.waited_total(), (0, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_leaves_at_once_and_the_rest_at_the_rate() {
        let limiter = limiter(10.0, 5);
        let start = Instant::now();
        let mut left = Vec::new();
        for _ in 0..8 {
            limiter.acquire().await;
            left.push(start.elapsed().as_millis());
        }
        assert_eq!(left, [0, 0, 0, 0, 0, 100, 200, 300]);
        assert_eq!(limiter.waited_total().0, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_leave_in_the_order_in_which_they_asked() {
        let limiter = limiter(10.0, 1);
        let (order, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let tasks: Vec<_> = (0..5_usize)
            .map(|i| {
                let (limiter, order) = (limiter.clone(), order.clone());
                tokio::spawn(async move {
                    limiter.acquire().await;
                    order.send(i).expect("the test listens");
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no panic");
        }
        let order: Vec<usize> = std::iter::from_fn(|| seen.try_recv().ok()).collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_overtakes_the_line() {
        let limiter = limiter(10.0, 1);
        limiter.acquire().await;
        let waiting = tokio::spawn({
            let limiter = limiter.clone();
            async move { limiter.acquire().await }
        });
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_millis(99)).await;
        assert!(!limiter.try_acquire());
        assert!(waiting.await.expect("no panic") >= Duration::from_millis(100));
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_burst_and_rate_allow(per_second in 0.5_f64..20_000.0, burst in 1_u32..50, n in 1_usize..300) {
            run(async move {
                let limiter = limiter(per_second, burst);
                let start = Instant::now();
                let burst = f64::from(burst).max((per_second * 0.002).ceil());
                for i in 0..n {
                    limiter.acquire().await;
                    let allowed = burst + start.elapsed().as_secs_f64() * per_second;
                    assert!((i + 1) as f64 <= allowed + 1e-3, "request {i} left too early");
                    // Late by a tick of tokio's timer and the rounding of the period, never by more.
                    let due = ((i + 1) as f64 - burst).max(0.0) / per_second;
                    let latest = due + TICK.as_secs_f64() + i as f64 * 1e-9;
                    assert!(start.elapsed().as_secs_f64() <= latest, "request {i} left late");
                }
            });
        }
    }
}
