//! The API server's clock: its narrowest bounds, and how fast it runs away.

use super::load::Loaded;
use crate::{
    event_line::EventLine,
    summary::{ClockSummary, DriftSummary},
};

/// More than two clocks that are slewed can part in a second, in ns: Linux allows each 500 ppm (`MAXFREQ` of
/// `include/linux/timex.h`).
const MAX_DRIFT: i64 = 1_000_000;

/// Bounds of `server - run` at one time, in ns.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    at: i64,
    low: i64,
    high: i64,
}

/// Measurements that the drift is taken from, evenly spread when there are more: each pair is looked at.
const MAX_FOR_DRIFT: usize = 1_000;

/// What the record says of the server's clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// `None` when nothing was measured.
    pub(super) summary: Option<ClockSummary>,
    /// Whether it cannot have gone evenly: it was set, or behind one address are several.
    pub(super) was_set: bool,
}

impl Clock {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let all = measured(loaded);
        let Some(narrowest) = all.iter().min_by_key(|bounds| bounds.high.saturating_sub(bounds.low)) else {
            return Self::default();
        };
        let found = drift(&spread(&all));
        let drift = found.filter(is_possible);
        let summary = ClockSummary {
            low_ns: narrowest.low,
            high_ns: narrowest.high,
            measured: all.len() as u64,
            drift,
        };
        Self { summary: Some(summary), was_set: found.is_some() && drift.is_none() }
    }
}

fn measured(loaded: &Loaded) -> Vec<Bounds> {
    let bounds = |event: &EventLine| match event {
        EventLine::ClockOffset { at, low, high } => Some(Bounds { at: at.0, low: low.0, high: high.0 }),
        _ => None,
    };
    loaded.events.iter().filter_map(bounds).collect()
}

/// At most [`MAX_FOR_DRIFT`] of them, evenly spread. Fewer give wider bounds of the drift, never wrong ones.
fn spread(all: &[Bounds]) -> Vec<Bounds> {
    all.iter().copied().step_by(all.len().div_ceil(MAX_FOR_DRIFT).max(1)).collect()
}

/// Bounds of the slope: each pair of measurements gives some, and all hold. Crossed bounds mean no line.
fn drift(all: &[Bounds]) -> Option<DriftSummary> {
    let mut slope: Option<(i64, i64)> = None;
    for (i, later) in all.iter().enumerate() {
        for earlier in all.iter().take(i).filter(|earlier| earlier.at < later.at) {
            let time = i128::from(later.at) - i128::from(earlier.at);
            let low = per_second(i128::from(later.low) - i128::from(earlier.high), time, 0);
            let high = per_second(i128::from(later.high) - i128::from(earlier.low), time, time - 1);
            let (lowest, highest) = slope.unwrap_or((i64::MIN, i64::MAX));
            slope = Some((lowest.max(low), highest.min(high)));
        }
    }
    let (low_ns_per_second, high_ns_per_second) = slope?;
    Some(DriftSummary { low_ns_per_second, high_ns_per_second })
}

/// Rounded down, or up when `round` is `time - 1`: a bound is never rounded inwards.
fn per_second(parted: i128, time: i128, round: i128) -> i64 {
    let slope = parted.saturating_mul(1_000_000_000).saturating_add(round).div_euclid(time);
    i64::try_from(slope).unwrap_or(if slope < 0 { i64::MIN } else { i64::MAX })
}

fn is_possible(drift: &DriftSummary) -> bool {
    drift.low_ns_per_second <= drift.high_ns_per_second
        && drift.low_ns_per_second <= MAX_DRIFT
        && drift.high_ns_per_second >= -MAX_DRIFT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    #[test]
    fn one_measurement_says_nothing_of_drift() {
        assert_eq!(drift(&[Bounds { at: 0, low: 0, high: 5 }]), None);
    }

    #[test]
    fn a_clock_that_was_set_has_no_drift() {
        let at = |minute, offset| Bounds { at: minute * MINUTE, low: offset, high: offset + 2_000_000 };
        let before_and_after = [at(0, 0), at(1, 0), at(2, 2_000_000_000)];
        assert!(drift(&before_and_after).is_some_and(|drift| !is_possible(&drift)));
        assert!(drift(&before_and_after[1..]).is_some_and(|drift| !is_possible(&drift)));
        assert!(drift(&before_and_after[..2]).is_some_and(|drift| is_possible(&drift)));
    }

    proptest! {
        #[test]
        fn the_true_drift_is_always_within(
            slope in -500_000_i64..500_000,
            offset in -10_000_000_000_i64..10_000_000_000,
            sides in prop::collection::vec((0_i64..3_000_000, 0_i64..3_000_000), 2..20),
        ) {
            let bounds = |(i, (below, above)): (usize, &(i64, i64))| {
                let minutes = i64::try_from(i).expect("small");
                let truth = offset + slope * 60 * minutes;
                Bounds { at: minutes * MINUTE, low: truth - below, high: truth + above }
            };
            let all: Vec<Bounds> = sides.iter().enumerate().map(bounds).collect();
            let drift = drift(&all).expect("two measurements");
            prop_assert!(is_possible(&drift));
            prop_assert!(drift.low_ns_per_second <= slope && slope <= drift.high_ns_per_second);
        }

        #[test]
        fn a_bound_is_never_rounded_inwards(parted in -1_000_000_000_i64..1_000_000_000, time in 1_i64..MINUTE) {
            let (parted, time) = (i128::from(parted), i128::from(time));
            let exact = parted * 1_000_000_000;
            prop_assert!(i128::from(per_second(parted, time, 0)) * time <= exact);
            prop_assert!(i128::from(per_second(parted, time, time - 1)) * time >= exact);
        }

        #[test]
        fn drift_is_taken_from_a_bounded_number_of_measurements(n in 0_usize..20_000) {
            let all: Vec<Bounds> = (0..n as i64).map(|at| Bounds { at, low: 0, high: 1 }).collect();
            let some = spread(&all);
            prop_assert!(some.len() <= MAX_FOR_DRIFT && some.len() >= n.min(MAX_FOR_DRIFT / 2));
        }
    }
}
