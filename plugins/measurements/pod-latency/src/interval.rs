//! Times that are known exactly, or between two bounds.
//!
//! Timestamps in objects are whole seconds of the API server's clock: "12" means at least 12 and less than 13, on a
//! clock whose distance from the run's is known between bounds only.

/// Kubernetes cuts timestamps to seconds.
const RESOLUTION_NS: i64 = 1_000_000_000;

/// A time of the run in nanoseconds; `low` and `high` are the same when it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Not before.
    pub low: i64,
    /// Not after.
    pub high: i64,
}

impl Interval {
    /// Known exactly.
    pub fn exact(at: i64) -> Self {
        Self { low: at, high: at }
    }

    /// Known between bounds; in the wrong order, the upper one holds: it was observed.
    pub fn between(low: i64, high: i64) -> Self {
        Self { low: low.min(high), high }
    }

    /// What both say; `self` when they contradict each other.
    pub fn narrowed(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high { Self { low, high } } else { self }
    }

    /// Bounds of the time from `start` to here; what would be negative is 0.
    pub fn since(self, start: Self) -> (u64, u64) {
        let elapsed = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        (elapsed(start.high, self.low), elapsed(start.low, self.high))
    }
}

/// The API server's clock against the run's: `server - run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset(Option<(i64, i64)>);

impl Offset {
    /// As `run.clock-offset` gives it.
    pub fn from_host((low, high): (i64, i64)) -> Self {
        Self((low != i64::MIN && high != i64::MAX).then_some((low, high)))
    }

    /// The run time that a timestamp of an object stands for; `None` when nothing is known of the clock.
    pub fn run_time(self, stamp: Option<i64>) -> Option<Interval> {
        let (stamp, (low, high)) = (stamp?, self.0?);
        Some(Interval::between(
            stamp.saturating_sub(high),
            stamp.saturating_add(RESOLUTION_NS).saturating_sub(low),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = RESOLUTION_NS;

    #[test]
    fn a_timestamp_is_a_second_wide_and_widened_by_the_clock() {
        let exact_clock = Offset::from_host((0, 0));
        assert_eq!(
            exact_clock.run_time(Some(12 * SECOND)),
            Some(Interval { low: 12 * SECOND, high: 13 * SECOND })
        );
        let ahead = Offset::from_host((SECOND, 3 * SECOND));
        assert_eq!(ahead.run_time(Some(12 * SECOND)), Some(Interval { low: 9 * SECOND, high: 12 * SECOND }));
        assert_eq!(Offset::from_host((i64::MIN, i64::MAX)).run_time(Some(1)), None);
        assert_eq!(exact_clock.run_time(None), None);
    }

    #[test]
    fn contradicting_bounds_leave_what_was_observed() {
        let observed = Interval::between(5, 9);
        assert_eq!(observed.narrowed(Some(Interval::between(20, 30))), observed);
        assert_eq!(observed.narrowed(Some(Interval::between(7, 30))), Interval { low: 7, high: 9 });
    }

    proptest! {
        #[test]
        fn the_true_latency_is_within_its_bounds(start in 0_i64..1 << 50, latency in 0_i64..1 << 40,
                                                 before in 0_i64..1 << 35, after in 0_i64..1 << 35,
                                                 offset in -(1_i64 << 40)..1 << 40, slack in 0_i64..1 << 30) {
            let stamp = (start + offset).div_euclid(SECOND) * SECOND;
            let created = Offset::from_host((offset - slack, offset + slack)).run_time(Some(stamp)).expect("known");
            prop_assert!(created.low <= start && start <= created.high);
            let end = start + latency;
            let (low, high) = Interval::between(end - before, end + after).since(created);
            prop_assert!(low <= latency as u64 && latency as u64 <= high);
        }
    }
}
