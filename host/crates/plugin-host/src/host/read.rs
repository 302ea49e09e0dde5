//! `bench:cluster/read`: single reads for a plugin's own decisions.

use bench_model::ResourceRef;

use crate::{
    bindings::bench::cluster::{read, targets},
    host::{
        HostState,
        error::{HostCallError, unavailable},
    },
};

impl HostState {
    /// What the cluster serves for a kind.
    pub(crate) async fn resolve_kind(
        &mut self,
        call: &'static str,
        _api_version: &str,
        _kind: &str,
    ) -> Result<(ResourceRef, bool), HostCallError> {
        self.cluster(call)?;
        Err(unavailable("pending"))
    }
}

impl targets::Host for HostState {}

impl read::Host for HostState {
    async fn resolve(
        &mut self,
        api_version: String,
        kind: String,
    ) -> Result<(targets::ResourceRef, bool), HostCallError> {
        let (target, namespaced) = self.resolve_kind("read.resolve", &api_version, &kind).await?;
        Ok((target.into(), namespaced))
    }

    async fn get(&mut self, _target: targets::ResourceRef, _name: String) -> Result<String, HostCallError> {
        Err(unavailable("pending"))
    }

    async fn list_page(
        &mut self,
        _target: targets::ResourceRef,
        _label_selector: String,
        _field_selector: String,
        _limit: u32,
        _token: String,
    ) -> Result<(Vec<String>, String), HostCallError> {
        Err(unavailable("pending"))
    }
}
