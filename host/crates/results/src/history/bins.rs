//! Time cut into bins of whole seconds.

/// Lengths that people can read off an axis.
const LENGTHS: [u64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600];

/// How time is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bins {
    pub(crate) seconds: u64,
    pub(crate) count: usize,
}

impl Bins {
    /// The shortest bins of which at most `max` reach to the end of `last_second`.
    pub(crate) fn new(last_second: u64, max: usize) -> Self {
        let max = u64::try_from(max).unwrap_or(u64::MAX).max(1);
        let total = last_second.saturating_add(1);
        let seconds =
            LENGTHS.into_iter().find(|length| total.div_ceil(*length) <= max).unwrap_or(total.div_ceil(max));
        Self { seconds, count: usize::try_from(total.div_ceil(seconds)).unwrap_or(usize::MAX) }
    }

    /// The bin of a second; what lies outside goes into the first or the last one.
    pub(crate) fn of(self, second: i64) -> usize {
        let bin = u64::try_from(second).unwrap_or(0) / self.seconds;
        usize::try_from(bin).unwrap_or(usize::MAX).min(self.count.saturating_sub(1))
    }

    /// One value a bin.
    pub(crate) fn zeroes<T: Clone + Default>(self) -> Vec<T> {
        vec![T::default(); self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(last_second: u64, max: usize, seconds: u64, count: usize) {
        assert_eq!(Bins::new(last_second, max), Bins { seconds, count });
    }

    #[test]
    fn bins_are_as_short_as_fits() {
        check(0, 600, 1, 1);
        check(599, 600, 1, 600);
        check(600, 600, 2, 301);
        check(3600, 600, 10, 361);
        check(u64::MAX, 600, u64::MAX / 600 + 1, 600);
    }

    #[test]
    fn seconds_outside_go_into_the_outer_bins() {
        let bins = Bins::new(99, 50);
        assert_eq!([bins.of(-5), bins.of(3), bins.of(99), bins.of(i64::MAX)], [0, 1, 49, 49]);
    }
}
