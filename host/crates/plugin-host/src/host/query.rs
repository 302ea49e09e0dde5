//! `bench:prometheus/query`: PromQL against the scenario's endpoints.

use crate::{
    bindings::bench::prometheus::query,
    host::{
        HostState,
        error::{HostCallError, unavailable},
    },
};

impl query::Host for HostState {
    async fn instant(
        &mut self,
        _source: String,
        _expr: String,
        _at: i64,
    ) -> Result<Vec<query::Series>, HostCallError> {
        Err(unavailable("pending"))
    }

    async fn range(
        &mut self,
        _source: String,
        _expr: String,
        _start: i64,
        _end: i64,
        _step_ns: u64,
    ) -> Result<Vec<query::Series>, HostCallError> {
        Err(unavailable("pending"))
    }
}
