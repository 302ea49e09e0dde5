//! Numbers from Prometheus: PromQL over HTTP, and the text exposition format.
//!
//! Owns PromQL. Answers are parsed as hostile: bytes, series and points are capped while they are read.
//! Times are run times. Decides nothing about who may ask: see `plugin-host`.

mod answer;
mod client;
mod endpoint;
mod exposition;
mod query_error;

pub use answer::{MAX_POINTS, MAX_SERIES, Series};
pub use client::Prometheus;
pub use endpoint::{Auth, Endpoint, EndpointError};
pub use exposition::{Sample, parse_exposition};
pub use query_error::QueryError;
