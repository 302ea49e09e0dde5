//! The values of one series in one second.
//!
//! Most series get a handful of values a second: these are kept as they are. Only a busy one gets a
//! histogram of its own, so that a thousand quiet series cost little memory.

use bench_model::NEVER;
use hdrhistogram::Histogram as Hdr;

/// Values that are kept singly.
const FEW: usize = 512;

/// Highest value kept apart, as in [`bench_model::Histogram`].
const HIGHEST: u64 = i64::MAX as u64;

#[derive(Debug)]
enum Values {
    Few(Vec<u64>),
    Many(Box<Hdr<u32>>),
}

impl Values {
    fn record(&mut self, value: u64) {
        let value = value.min(HIGHEST);
        match self {
            Self::Few(values) if values.len() < FEW => values.push(value),
            Self::Few(values) => {
                let mut many = Box::new(empty());
                values.iter().for_each(|&value| add(&mut many, value));
                add(&mut many, value);
                *self = Self::Many(many);
            }
            Self::Many(many) => add(many, value),
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Few(values) => values.len() as u64,
            Self::Many(many) => many.len(),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Few(values) => values.clear(),
            // Busy in this second: busy in the next one.
            Self::Many(many) if many.len() > FEW as u64 => many.reset(),
            Self::Many(_) => *self = Self::Few(Vec::new()),
        }
    }
}

impl Clone for Values {
    fn clone(&self) -> Self {
        match self {
            Self::Few(values) => Self::Few(values.clone()),
            Self::Many(many) => Self::Many(many.clone()),
        }
    }
}

/// The histogram grows to any value up to [`HIGHEST`]: recording cannot fail.
fn add(histogram: &mut Hdr<u32>, value: u64) {
    let _ = histogram.record(value);
}

/// An empty histogram as intervals use it: three digits, growing with its values.
#[expect(clippy::expect_used, reason = "fails only for more than 5 significant digits")]
pub(crate) fn empty() -> Hdr<u32> {
    Hdr::new(3).expect("three significant digits")
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Interval {
    low: Values,
    /// Exact values and upper bounds; absent while all values are exact.
    high: Option<Values>,
    pub(crate) missing: u64,
    pub(crate) missing_upper: u64,
}

impl Interval {
    pub(crate) fn new() -> Self {
        Self { low: Values::Few(Vec::new()), high: None, missing: 0, missing_upper: 0 }
    }

    /// [`NEVER`] counts as missing.
    pub(crate) fn record(&mut self, value: u64) {
        if value == NEVER {
            self.missing += 1;
            return;
        }
        self.low.record(value);
        if let Some(high) = &mut self.high {
            high.record(value);
        }
    }

    /// Bounds in the wrong order are swapped: both are then still bounds.
    pub(crate) fn record_between(&mut self, low: u64, high: u64) {
        let (low, high) = (low.min(high), low.max(high));
        if low == high {
            self.record(low);
            return;
        }
        let upper = self.high.get_or_insert_with(|| self.low.clone());
        self.low.record(low);
        if high == NEVER {
            self.missing_upper += 1;
        } else {
            upper.record(high);
        }
    }

    pub(crate) fn has_values(&self) -> bool {
        self.low.count() > 0
    }

    pub(crate) fn has_bounds(&self) -> bool {
        self.high.is_some()
    }

    /// Calls `write` with the lower values as a histogram; `scratch` is used when there is none.
    pub(crate) fn with_lower<T>(&self, scratch: &mut Hdr<u32>, write: impl FnOnce(&Hdr<u32>) -> T) -> T {
        with_histogram(&self.low, scratch, write)
    }

    /// The same for the upper values; the lower ones when all are exact.
    pub(crate) fn with_upper<T>(&self, scratch: &mut Hdr<u32>, write: impl FnOnce(&Hdr<u32>) -> T) -> T {
        with_histogram(self.high.as_ref().unwrap_or(&self.low), scratch, write)
    }

    pub(crate) fn clear(&mut self) {
        self.low.clear();
        self.high = None;
        self.missing = 0;
        self.missing_upper = 0;
    }
}

fn with_histogram<T>(values: &Values, scratch: &mut Hdr<u32>, write: impl FnOnce(&Hdr<u32>) -> T) -> T {
    match values {
        Values::Many(many) => write(many),
        Values::Few(values) => {
            scratch.reset();
            values.iter().for_each(|&value| add(scratch, value));
            write(scratch)
        }
    }
}
