//! What events are made of: the numbers of things, phases, labels, kinds of instruments, levels of messages.

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    };
}

number_id!(
    /// A queue of this run, announced by [`RunEvent::QueueOpened`](crate::RunEvent::QueueOpened).
    QueueId
);
number_id!(
    /// An instrument of this run, announced by [`RunEvent::InstrumentOpened`](crate::RunEvent::InstrumentOpened).
    InstrumentId
);
number_id!(
    /// A table of this run, announced by [`RunEvent::TableOpened`](crate::RunEvent::TableOpened).
    TableId
);
number_id!(
    /// A resource of this run, announced by [`RunEvent::ResourceSeen`](crate::RunEvent::ResourceSeen).
    ResourceId
);
number_id!(
    /// A reason of this run, announced by [`RunEvent::ReasonSeen`](crate::RunEvent::ReasonSeen).
    ReasonId
);

impl ReasonId {
    /// Nothing went wrong.
    pub const NONE: Self = Self(0);
}

/// A part of a run; only `Measure` counts towards thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Plugins prepare.
    Setup,
    /// Load that does not count.
    Warmup,
    /// Load that counts.
    Measure,
    /// No load; late observations still count.
    Settle,
    /// Everything is removed.
    Teardown,
}

impl Phase {
    /// The word in `wit/deps/base/run.wit`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Warmup => "warmup",
            Self::Measure => "measure",
            Self::Settle => "settle",
            Self::Teardown => "teardown",
        }
    }
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// What.
    pub name: String,
    /// Which.
    pub value: String,
}

/// Source of what the host measures by itself; no job or measurement may have this name.
pub const HOST_SOURCE: &str = "bench";

/// How late events are: from a change of an object to its event, in ns. The host adds it to measurements that watch what
/// the run creates, and measures it by itself as a metric of [`HOST_SOURCE`].
pub const WATCH_LAG: &str = "watch-lag";

/// What an instrument keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstrumentKind {
    /// A distribution.
    Histogram,
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For authors.
    Debug,
    /// For users.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}
