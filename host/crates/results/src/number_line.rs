//! One line of `series/numbers.ndjson`: what happened in one second and is no distribution.

use bench_model::{InstrumentId, Phase, QueueId, TimeNs};
use serde::{Deserialize, Serialize};

/// Numbers of one second of the run; several lines for the same second add up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum NumberLine {
    /// Values of a series of an interval log that are infinite, which such a log cannot say.
    Missing {
        second: i64,
        /// The log, without its directory and ending.
        series: String,
        tag: String,
        /// Never came.
        missing: u64,
        /// Have a lower bound only.
        missing_upper: u64,
    },
    /// Operations of a queue that were due, left and were answered in this second.
    Load { second: i64, queue: QueueId, due: u64, sent: u64, answered: u64 },
    /// Extremes of a queue so far.
    Span {
        queue: QueueId,
        first_due: TimeNs,
        last_due: TimeNs,
        first_sent: TimeNs,
        last_sent: TimeNs,
        last_done: TimeNs,
    },
    /// A counter grew.
    Counter {
        second: i64,
        instrument: InstrumentId,
        added: u64,
        /// Set when the phase does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
    },
    /// Last value of a gauge in this second; null when it was not finite.
    Gauge {
        second: i64,
        instrument: InstrumentId,
        value: Option<f64>,
        /// Set when the phase does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
    },
}

/// One line of `series/….pairs.ndjson`: values of one second of one series that are known between bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PairLine {
    pub(crate) second: i64,
    pub(crate) tag: String,
    pub(crate) low: Vec<u64>,
    /// `null` for what may be above everything.
    pub(crate) high: Vec<Option<u64>>,
}
