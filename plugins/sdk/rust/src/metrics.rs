//! Instruments: they live in the host, so what was recorded survives a plugin that breaks.
//!
//! [`Histogram`] gathers 256 values before it crosses to the host; what is left goes over when it is dropped,
//! which the SDK does after `finish` or `cleanup`.

use crate::{Failure, Label, bindings::measurement::bench::base::metrics};

pub use metrics::{Artifact, Counter, Gauge, Table};

/// A value that never came: it ranks above every number and counts as missing.
pub const NEVER: u64 = u64::MAX;

const BUFFER: usize = 256;

/// A distribution of non-negative numbers.
#[derive(Debug)]
pub struct Histogram {
    host: metrics::Histogram,
    buffer: Buffer,
}

impl Histogram {
    /// Opens one for a name of the manifest and a set of labels; once for each.
    ///
    /// # Errors
    /// When the manifest does not announce the name, unit or labels, or it is open already.
    pub fn open(name: &str, unit: &str, labels: &[Label]) -> Result<Self, Failure> {
        Ok(Self { host: metrics::Histogram::open(name, unit, labels)?, buffer: Buffer::default() })
    }

    /// Records a value known exactly; [`NEVER`] when it never came.
    pub fn observe(&mut self, value: u64) {
        if self.buffer.push(value) {
            self.flush();
        }
    }

    /// Records a value that lies in `low..=high`; `high` may be [`NEVER`]. Bounds in the wrong order are swapped.
    pub fn observe_between(&mut self, low: u64, high: u64) {
        if self.buffer.push_between(low.min(high), high.max(low)) {
            self.flush();
        }
    }

    /// Gives the host what was gathered.
    pub fn flush(&mut self) {
        let Buffer { exact, low, high } = std::mem::take(&mut self.buffer);
        if !exact.is_empty() {
            self.host.observe(&exact);
        }
        if !low.is_empty() {
            self.host.observe_between(&low, &high);
        }
    }
}

impl Drop for Histogram {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Values that have not crossed to the host; `low` and `high` have the same length.
#[derive(Debug, Default)]
struct Buffer {
    exact: Vec<u64>,
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Buffer {
    /// Whether it is full now.
    fn push(&mut self, value: u64) -> bool {
        self.exact.push(value);
        self.exact.len() >= BUFFER
    }

    /// Whether it is full now.
    fn push_between(&mut self, low: u64, high: u64) -> bool {
        self.low.push(low);
        self.high.push(high);
        self.low.len() >= BUFFER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_full_after_256_values_of_one_kind() {
        let mut buffer = Buffer::default();
        let full = (0..BUFFER as u64).map(|n| buffer.push(n)).filter(|full| *full).count();
        assert_eq!(full, 1);
        assert!(!buffer.push_between(1, 2));
    }
}
