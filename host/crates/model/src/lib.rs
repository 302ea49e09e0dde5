//! Plain values that every crate shares.
//!
//! Owns the vocabulary: ids, times, rates, targets, operations, columns, the closed list of
//! [`RunEvent`]s, and the histogram. No I/O, no async, no Kubernetes client, no wasm may ever be added
//! here; whatever needs one of those belongs to the crate that owns it.

mod column;
mod duration;
mod event;
mod grant;
mod histogram;
mod id;
mod journal;
mod manifest;
mod operation;
mod pacing;
mod shard;
mod target;
mod threshold;
mod time;
mod validity;

pub use column::{Column, EventBatch, ParseAs, Projection, RowKind, Subscription};
pub use duration::{DurationError, format_duration, parse_duration};
pub use event::{
    CleanupOutcome, FaultKind, Gap, HOST_SOURCE, InstrumentId, InstrumentKind, JobOutcome, Label, LogLevel,
    Phase, PluginFault, QueueId, QueueTotals, ReasonId, ResourceId, RunEvent, StopReason, StuckCause,
    TableId, WATCH_LAG, WaitOutcome,
};
pub use grant::{NamespaceScope, Permissions, Rule};
pub use histogram::{Histogram, HistogramError, NEVER, Ranked};
pub use id::{Digest, JobName, MetricName, NameError, PluginName, QueueName, RunId};
pub use journal::{CreatedNamespace, JournalEntry};
pub use manifest::{ColumnDeclaration, Manifest, MetricDeclaration, PluginKind, TableDeclaration};
pub use operation::Operation;
pub use pacing::{Arrival, Burst, InFlight, OnTooManyRequests, QueueSpec, Rate, RateError};
pub use shard::Shard;
pub use target::{ResourceRef, Verb};
pub use threshold::{Aggregate, Comparison, MetricRef, Threshold, ThresholdError};
pub use time::TimeNs;
pub use validity::{LagBound, Share, ShareError, ValidityBounds};
