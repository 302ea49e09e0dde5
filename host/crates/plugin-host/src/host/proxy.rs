//! `bench:cluster/proxy`: HTTP to something in the cluster.

use crate::{
    bindings::bench::cluster::proxy,
    host::{
        HostState,
        error::{HostCallError, unavailable},
    },
};

impl proxy::Host for HostState {
    async fn get(
        &mut self,
        _target: String,
        _path_and_query: String,
        _max_bytes: u64,
    ) -> Result<proxy::Response, HostCallError> {
        Err(unavailable("pending"))
    }
}
