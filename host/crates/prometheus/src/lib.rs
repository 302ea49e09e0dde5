//! Numbers from Prometheus: PromQL over HTTP, and the text exposition format.
//!
//! Owns PromQL. Answers are parsed as hostile: bytes, series and points are capped while they are read.
//! Times are run times. Decides nothing about who may ask: see `plugin-host`.

mod answer;
mod client;
mod exposition;

pub use answer::{MAX_POINTS, MAX_SERIES, Series};
pub use client::{Auth, Endpoint, EndpointError, Prometheus, QueryError};
pub use exposition::{Sample, parse_exposition};
