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

/// What was measured of the clock; `None` when nothing was.
pub(super) fn clock(loaded: &Loaded) -> Option<ClockSummary> {
    let all = measured(loaded);
    let narrowest = all.iter().min_by_key(|bounds| bounds.high.saturating_sub(bounds.low))?;
    Some(ClockSummary {
        low_ns: narrowest.low,
        high_ns: narrowest.high,
        measured: all.len() as u64,
        drift: drift(&all).filter(is_possible),
    })
}

/// Whether the clock cannot have gone evenly: it was set, or behind one address are several.
pub(super) fn was_set(loaded: &Loaded) -> bool {
    let all = measured(loaded);
    all.len() > 1 && drift(&all).is_some_and(|drift| !is_possible(&drift))
}

fn measured(loaded: &Loaded) -> Vec<Bounds> {
    let bounds = |event: &EventLine| match event {
        EventLine::ClockOffset { at, low, high } => Some(Bounds { at: at.0, low: low.0, high: high.0 }),
        _ => None,
    };
    loaded.events.iter().filter_map(bounds).collect()
}

/// Bounds of the slope: each pair of measurements gives some, and all hold. Crossed bounds mean no line.
fn drift(all: &[Bounds]) -> Option<DriftSummary> {
    let mut slope: Option<(i64, i64)> = None;
    for (i, later) in all.iter().enumerate() {
        for earlier in all.iter().take(i).filter(|earlier| earlier.at < later.at) {
            let time = i128::from(later.at) - i128::from(earlier.at);
            let low = per_second(i128::from(later.low) - i128::from(earlier.high), time);
            let high = per_second(i128::from(later.high) - i128::from(earlier.low), time);
            let (lowest, highest) = slope.unwrap_or((i64::MIN, i64::MAX));
            slope = Some((lowest.max(low), highest.min(high)));
        }
    }
    let (low_ns_per_second, high_ns_per_second) = slope?;
    Some(DriftSummary { low_ns_per_second, high_ns_per_second })
}

fn per_second(parted: i128, time: i128) -> i64 {
    let slope = parted.saturating_mul(1_000_000_000) / time;
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
            // Rounded towards zero.
            prop_assert!(drift.low_ns_per_second <= slope + 1 && slope - 1 <= drift.high_ns_per_second);
        }
    }
}
