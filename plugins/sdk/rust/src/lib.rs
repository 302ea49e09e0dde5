//! Write `bench` plugins in Rust.
//!
//! A plugin is a type with three small pieces: [`Plugin`] says what it is, [`Workload`] or [`Measurement`]
//! what it does, and [`export_workload!`] or [`export_measurement!`] makes a component of it.
//!
//! Everything that touches the cluster, the clock or the results is a call to the host (modules [`run`],
//! [`metrics`], [`log`](mod@log), [`cluster`], [`load`], [`prometheus`]); outside wasm these calls are not there, so keep
//! the logic in ordinary functions and test those natively, with batches from `testing`.
//! `plugins/README.md` has a whole plugin in 30 lines.

pub mod bindings;
pub mod config;
pub mod events;
mod exported;
mod failure;
pub mod log;
pub mod manifest;
pub mod metrics;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use serde_json;

pub use crate::{
    bindings::measurement::bench::base::types::{Column, Failure, Label},
    events::{Plan, Row, RowKind, Rows, Subscription},
    exported::{Exported, Measurement, Plugin, Workload},
    manifest::{Manifest, Rule},
};

pub use crate::bindings::measurement::bench::base::run;

/// Reading and waiting; writes are in [`load`].
pub mod cluster {
    pub use crate::bindings::{
        measurement::bench::cluster::{proxy, read, targets::ResourceRef},
        workload::bench::cluster::wait,
    };
}

/// The host's queues: the only way to write.
pub mod load {
    pub use crate::bindings::workload::bench::cluster::write::{
        CompletionBatch, ParamColumn, PatchType, Queue, Template,
    };
}

/// PromQL and text exposition.
pub mod prometheus {
    pub use crate::bindings::measurement::bench::prometheus::{query, scrape};
}

/// A name with its value, for metrics, logs and options.
pub fn label(name: impl Into<String>, value: impl Into<String>) -> Label {
    Label { name: name.into(), value: value.into() }
}

/// The plugin of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
