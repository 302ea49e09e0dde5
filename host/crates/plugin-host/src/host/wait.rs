//! `bench:cluster/wait`: waiting is the host's work.

use crate::{
    bindings::bench::cluster::{targets, wait},
    host::{
        HostState,
        error::{HostCallError, unavailable},
    },
};

impl wait::Host for HostState {
    async fn until(
        &mut self,
        _target: targets::ResourceRef,
        _label_selector: String,
        _condition: String,
        _count: u32,
        _timeout_ns: u64,
    ) -> Result<wait::Outcome, HostCallError> {
        Err(unavailable("pending"))
    }
}
