//! `bench:prometheus/scrape`: exposition read straight from a component.

use crate::{
    bindings::bench::prometheus::scrape,
    host::{
        HostState,
        error::{HostCallError, unavailable},
    },
};

impl scrape::Host for HostState {
    async fn families(
        &mut self,
        _target: String,
        _names: Vec<String>,
    ) -> Result<Vec<scrape::Sample>, HostCallError> {
        Err(unavailable("pending"))
    }
}
