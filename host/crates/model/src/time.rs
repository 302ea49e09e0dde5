//! Time of the run: nanoseconds since its start.

use std::{
    ops::{Add, Sub},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Nanoseconds since the start of the run on one monotonic clock; negative before the start.
///
/// As text in records it is the plain number. Never a Unix time: see `startedAt` in `run.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeNs(pub i64);

impl TimeNs {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// What never happened: later than every time.
    pub const NEVER: Self = Self(i64::MAX);
    /// Absent in a column.
    pub const ABSENT: Self = Self(i64::MIN);

    /// Whether it stands for something that never happened.
    pub fn is_never(self) -> bool {
        self == Self::NEVER
    }

    /// Time from `earlier` to `self` in ns, 0 when negative; [`u64::MAX`] when `self` never happened.
    pub fn since(self, earlier: Self) -> u64 {
        if self.is_never() {
            return u64::MAX;
        }
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Seconds since the start, for people and charts.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Duration> for TimeNs {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub for TimeNs {
    type Output = Duration;
    /// Zero when `earlier` is later.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_infinitely_late() {
        assert_eq!(TimeNs::NEVER.since(TimeNs(5)), u64::MAX);
        assert_eq!(TimeNs(7).since(TimeNs(5)), 2);
        assert_eq!(TimeNs(5).since(TimeNs(7)), 0);
        assert_eq!(TimeNs(5) + Duration::from_nanos(2), TimeNs(7));
    }
}
