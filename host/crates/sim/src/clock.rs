//! The one clock of a simulated cluster.
//!
//! Wall time at the start plus what tokio's clock has measured since. Under `tokio::time::pause` the simulated
//! cluster therefore lives in virtual time, and every timestamp it writes agrees with every timer it sets.
//! Kubernetes knows two formats: `metav1.Time` (whole seconds, cut off and not rounded) and `metav1.MicroTime`.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Wall time that follows tokio's clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall_start: Timestamp,
    start: Instant,
}

impl Clock {
    /// Returns a clock that shows `wall_start` now.
    pub fn starting_at(wall_start: Timestamp) -> Self {
        Self { wall_start, start: Instant::now() }
    }

    /// Returns a clock that shows the time of the machine now.
    pub fn from_system() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// Returns the moment on tokio's clock, for timers.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Returns the wall time now.
    pub fn now(&self) -> Timestamp {
        self.wall_time(Instant::now())
    }

    /// Returns the wall time at a moment of tokio's clock; moments before the start show the start.
    pub fn wall_time(&self, at: Instant) -> Timestamp {
        self.wall_start.saturating_add(at.saturating_duration_since(self.start)).unwrap_or(Timestamp::MAX)
    }

    /// Returns the moment of tokio's clock at a wall time; times before the start are the start.
    pub fn instant_at(&self, wall: Timestamp) -> Instant {
        let since = wall.duration_since(self.wall_start);
        self.start + Duration::try_from(since).unwrap_or(Duration::ZERO)
    }

    /// Returns the time now as `metav1.Time`: `2026-01-31T08:00:00Z`.
    pub fn seconds(&self) -> String {
        seconds(self.now())
    }

    /// Returns the time now as `metav1.MicroTime`: `2026-01-31T08:00:00.000000Z`.
    pub fn micros(&self) -> String {
        micros(self.now())
    }
}

/// Writes a timestamp as `metav1.Time`, cut off to the second.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes a timestamp as `metav1.MicroTime`, cut off to the microsecond.
pub fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-01-31T08:00:00.25Z".parse().expect("a valid timestamp")
    }

    #[tokio::test(start_paused = true)]
    async fn time_advances_with_tokios_clock_only() {
        let clock = Clock::starting_at(start());
        tokio::time::advance(Duration::from_millis(1750)).await;
        assert_eq!(clock.seconds(), "2026-01-31T08:00:02Z");
        assert_eq!(clock.micros(), "2026-01-31T08:00:02.000000Z");
    }

    #[tokio::test(start_paused = true)]
    async fn seconds_are_cut_off_and_micros_are_kept() {
        let clock = Clock::starting_at(start());
        tokio::time::advance(Duration::from_micros(749_999)).await;
        assert_eq!(clock.seconds(), "2026-01-31T08:00:00Z");
        assert_eq!(clock.micros(), "2026-01-31T08:00:00.999999Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_survives_the_way_to_wall_time_and_back() {
        let clock = Clock::starting_at(start());
        let later = clock.instant() + Duration::from_millis(1234);
        assert_eq!(clock.instant_at(clock.wall_time(later)), later);
    }
}
