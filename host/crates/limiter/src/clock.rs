//! One monotonic clock for a whole run, and its place in wall time.
//!
//! All stamps are tokio's time, so that tests can pause it. Wall time is read once, at the start: a clock
//! that is set during the run does not move a stamp.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bench_model::TimeNs;
use tokio::time::Instant;

/// The clock of one run; copies read the same time.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    start: Instant,
    started_at: SystemTime,
    /// The same in ns of Unix time, which every time of an object is set against.
    started_at_unix_ns: i128,
}

impl RunClock {
    /// Starts a clock: now is [`TimeNs::ZERO`].
    pub fn start() -> Self {
        Self::start_at(SystemTime::now())
    }

    /// Starts a clock whose zero is said to be `started_at` in wall time.
    ///
    /// For simulated clusters and paused time, where the wall clock of the machine does not matter.
    pub fn start_at(started_at: SystemTime) -> Self {
        Self { start: Instant::now(), started_at, started_at_unix_ns: unix_ns(started_at) }
    }

    /// Time since the start.
    pub fn now(&self) -> TimeNs {
        self.at(Instant::now())
    }

    /// The run time of an instant; negative before the start.
    pub fn at(&self, instant: Instant) -> TimeNs {
        match instant.checked_duration_since(self.start) {
            Some(after) => TimeNs(nanos(after)),
            None => TimeNs(-nanos(self.start.duration_since(instant))),
        }
    }

    /// The instant of a run time, to sleep until it.
    ///
    /// What lies further away than the platform can express is about 30 years away.
    pub fn instant(&self, at: TimeNs) -> Instant {
        let distance = Duration::from_nanos(at.0.unsigned_abs());
        if at.0 >= 0 {
            self.start.checked_add(distance).unwrap_or_else(|| self.start + FAR)
        } else {
            self.start.checked_sub(distance).unwrap_or(self.start)
        }
    }

    /// Wall time of the start, by the clock of this machine.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// The run time of a Unix time in ns, as if the clock that it comes from agreed with this machine's;
    /// saturates 292 years away from the start.
    pub fn from_unix_ns(&self, unix_ns: i128) -> TimeNs {
        let run = unix_ns.saturating_sub(self.started_at_unix_ns);
        // The ends stand for "never" and "absent".
        TimeNs(run.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX - 1)) as i64)
    }

    /// Unix time in ns of a run time, by the clock of this machine.
    pub fn unix_ns(&self, at: TimeNs) -> i128 {
        self.started_at_unix_ns + i128::from(at.0)
    }
}

/// As far as tokio itself goes when asked to sleep for ever.
const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);

fn unix_ns(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_counts_from_the_start() {
        let clock = RunClock::start();
        assert_eq!(clock.now(), TimeNs::ZERO);
        tokio::time::advance(Duration::from_millis(5)).await;
        assert_eq!(clock.now(), TimeNs(5_000_000));
        assert_eq!(clock.at(clock.instant(TimeNs(-7))), TimeNs(-7));
    }

    #[tokio::test(start_paused = true)]
    async fn wall_times_become_run_times() {
        let clock = RunClock::start_at(UNIX_EPOCH + Duration::from_secs(100));
        assert_eq!(clock.from_unix_ns(101_000_000_000), TimeNs(1_000_000_000));
        assert_eq!(clock.from_unix_ns(99_000_000_000), TimeNs(-1_000_000_000));
        assert_eq!(clock.unix_ns(TimeNs(3)), 100_000_000_003);
        assert!(!clock.from_unix_ns(i128::MAX).is_never());
        assert_ne!(clock.from_unix_ns(i128::MIN), TimeNs::ABSENT);
    }

    #[tokio::test(start_paused = true)]
    async fn never_is_far_away_and_does_not_overflow() {
        let clock = RunClock::start();
        assert!(clock.instant(TimeNs::NEVER) > clock.instant(TimeNs(1 << 50)));
        let _ = clock.instant(TimeNs::ABSENT);
    }

    proptest! {
        #[test]
        fn instants_and_run_times_are_each_others_inverse(ns in -1_000_000_000_i64..1_000_000_000_000_000) {
            let clock = RunClock::start();
            prop_assert_eq!(clock.at(clock.instant(TimeNs(ns))), TimeNs(ns));
            prop_assert_eq!(clock.from_unix_ns(clock.unix_ns(TimeNs(ns))), TimeNs(ns));
        }
    }
}
