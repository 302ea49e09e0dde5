//! The values of a histogram in ascending order, gone through once and asked many times.

use hdrhistogram::Histogram as Hdr;

use super::{Histogram, NEVER};

/// The values of a [`Histogram`] by rank; missing ones rank highest.
#[derive(Debug, Clone)]
pub struct Ranked {
    n: u64,
    low: Vec<Slot>,
    /// Absent while all values are exact.
    high: Option<Vec<Slot>>,
}

/// Values that the histogram does not tell apart.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Rank of the last of them, from 1.
    last: u64,
    lowest: u64,
    highest: u64,
}

impl Ranked {
    pub(super) fn new(histogram: &Histogram) -> Self {
        let high = histogram.high.as_ref().map(slots);
        Self { n: histogram.count(), low: slots(&histogram.low), high }
    }

    /// How many there are, missing ones too.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// Lower and upper bound of quantile `q` in 0..=1: the smallest value with at least `q` of all values
    /// at or below it, missing ones ranking highest ([`NEVER`]). `None` when there is no value.
    pub fn quantile(&self, q: f64) -> Option<(u64, u64)> {
        if self.n == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * self.n as f64).ceil() as u64).clamp(1, self.n);
        let highest = |slots| at(slots, rank).map_or(NEVER, |slot| slot.highest);
        Some((highest(&self.low), highest(self.upper())))
    }

    /// Smallest and largest number that the value of this rank, from 1, may be: the lower end of what lower
    /// bounds are kept as, the upper end of upper ones. [`NEVER`] where it never came; `None` past the last.
    pub fn at_rank(&self, rank: u64) -> Option<(u64, u64)> {
        if rank == 0 || rank > self.n {
            return None;
        }
        let low = at(&self.low, rank).map_or(NEVER, |slot| slot.lowest);
        Some((low, at(self.upper(), rank).map_or(NEVER, |slot| slot.highest)))
    }

    fn upper(&self) -> &[Slot] {
        self.high.as_ref().unwrap_or(&self.low)
    }
}

fn slots(hdr: &Hdr<u64>) -> Vec<Slot> {
    let mut last = 0_u64;
    let slot = |step: hdrhistogram::iterators::IterationValue<u64>| {
        last = last.saturating_add(step.count_at_value());
        let highest = step.value_iterated_to();
        Slot { last, lowest: hdr.lowest_equivalent(highest), highest }
    };
    hdr.iter_recorded().map(slot).collect()
}

/// The slot of a rank; `None` where fewer came.
fn at(slots: &[Slot], rank: u64) -> Option<&Slot> {
    slots.get(slots.partition_point(|slot| slot.last < rank))
}
