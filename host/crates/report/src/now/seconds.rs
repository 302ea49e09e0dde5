//! The last minutes, a second each: counts for the charts, distributions for the last ten.
//!
//! A distribution is kept while its second is among the last ten; then its quantiles stay. What comes later
//! than that counts in its second, and in no quantile of a second.

use std::collections::VecDeque;

use bench_model::{Histogram, Operation};

/// Seconds that are kept.
const KEPT: usize = 600;
/// Seconds whose distributions are kept.
const RECENT: usize = 10;

/// One second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Second {
    /// Operations that the schedule wanted.
    pub(crate) offered: f64,
    /// Operations that ended.
    pub(crate) answered: u64,
    /// Of these failed.
    pub(crate) failed: u64,
    /// p99 of the response time; [`bench_model::NEVER`] when it failed.
    pub(crate) p99: Option<u64>,
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Seconds {
    /// Number of the first one.
    first: i64,
    kept: VecDeque<Second>,
    /// Distributions of the last ones, with their numbers.
    recent: VecDeque<(i64, Histogram)>,
    /// All that counts.
    total: Histogram,
    too_many: u64,
}

impl Seconds {
    /// Adds to what the schedule wanted.
    pub(super) fn offer(&mut self, second: i64, n: f64) {
        if n > 0.0
            && let Some(at) = self.second(second)
        {
            at.offered += n;
        }
    }

    /// Adds an operation that ended.
    pub(super) fn answer(&mut self, second: i64, operation: &Operation, response: u64, counts: bool) {
        self.too_many += u64::from(operation.http_status == 429);
        if counts {
            self.total.record(response);
        }
        if let Some(at) = self.second(second) {
            at.answered += 1;
            at.failed += u64::from(!operation.is_success());
        }
        if let Some((_, histogram)) = self.recent.iter_mut().rev().find(|(number, _)| *number == second) {
            histogram.record(response);
        }
    }

    /// The entry of a second, made when it is new; `None` for what is too long ago.
    fn second(&mut self, second: i64) -> Option<&mut Second> {
        let next = self.first.saturating_add(self.kept.len() as i64);
        if self.kept.is_empty() || second.saturating_sub(next) >= KEPT as i64 {
            self.kept.clear();
            self.first = second;
        }
        while self.first.saturating_add(self.kept.len() as i64) <= second {
            let number = self.first.saturating_add(self.kept.len() as i64);
            self.kept.push_back(Second::default());
            self.open(number);
            if self.kept.len() > KEPT {
                self.kept.pop_front();
                self.first += 1;
            }
        }
        let index = usize::try_from(second.checked_sub(self.first)?).ok()?;
        self.kept.get_mut(index)
    }

    /// Starts a distribution; the oldest one leaves its quantile behind and its memory to the new one.
    fn open(&mut self, number: i64) {
        let mut histogram = Histogram::new();
        if self.recent.len() >= RECENT
            && let Some((oldest, closed)) = self.recent.pop_front()
        {
            let index = oldest.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            if let Some(second) = index.and_then(|index| self.kept.get_mut(index)) {
                second.p99 = quantile(&closed, 0.99);
            }
            histogram = closed;
            histogram.clear();
        }
        self.recent.push_back((number, histogram));
    }

    /// The last `n` seconds up to `now`, the oldest first; what nothing happened in is empty.
    pub(crate) fn last(&self, now: i64, n: usize) -> Vec<(i64, Second)> {
        let from = now.saturating_sub(n as i64).saturating_add(1);
        let of = |number: i64| {
            let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            let mut second = index.and_then(|index| self.kept.get(index)).copied().unwrap_or_default();
            if let Some((_, histogram)) = self.recent.iter().find(|(recent, _)| *recent == number) {
                second.p99 = quantile(histogram, 0.99);
            }
            (number, second)
        };
        (from..=now).map(of).collect()
    }

    /// What came in the ten seconds up to `now`.
    pub(crate) fn lately(&self, now: i64) -> Histogram {
        let mut sum = Histogram::new();
        for (number, histogram) in &self.recent {
            if now.saturating_sub(*number) < RECENT as i64 {
                // Histograms of three digits always merge.
                let _ = sum.merge(histogram);
            }
        }
        sum
    }

    /// Everything that counts.
    pub(crate) fn total(&self) -> &Histogram {
        &self.total
    }

    /// Answers with the status 429.
    pub(crate) fn too_many(&self) -> u64 {
        self.too_many
    }
}

/// The upper bound of a quantile.
fn quantile(histogram: &Histogram, q: f64) -> Option<u64> {
    histogram.quantile(q).map(|(_, high)| high)
}
