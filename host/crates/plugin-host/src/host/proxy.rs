//! `bench:cluster/proxy`: HTTP to something in the cluster.

use bench_cluster::{ProxyReply, ProxyTarget};

use crate::{
    bindings::bench::cluster::proxy,
    host::{
        HostState,
        error::{BrokenContract, HostCallError, invalid},
        write::shown,
    },
};

/// Longest target or path, in bytes.
const MAX_TEXT: usize = 4 << 10;

impl HostState {
    /// GET from a target that must be granted by name.
    pub(crate) async fn proxy_get(
        &mut self,
        call: &'static str,
        target: &str,
        path_and_query: &str,
        max_bytes: u64,
    ) -> Result<ProxyReply, HostCallError> {
        if target.len() > MAX_TEXT || path_and_query.len() > MAX_TEXT {
            return Err(invalid(format!("targets and paths have at most {MAX_TEXT} bytes")));
        }
        if !self.context(call)?.grants.proxy(target) {
            let name = shown(target);
            let needed = format!("`{name}` under `proxy` in the manifest and in `allow` of the scenario");
            return Err(BrokenContract::ungranted(call, &format!("asked for `{name}`"), &needed).into());
        }
        let target: ProxyTarget = target.parse()?;
        let cluster = self.cluster(call)?;
        let reply = async { cluster.proxy_get(&target, path_and_query, max_bytes).await };
        Ok(self.wait(call, reply).await??)
    }
}

impl proxy::Host for HostState {
    async fn get(
        &mut self,
        target: String,
        path_and_query: String,
        max_bytes: u64,
    ) -> Result<proxy::Response, HostCallError> {
        let reply = self.proxy_get("proxy.get", &target, &path_and_query, max_bytes).await?;
        Ok(proxy::Response { http_status: reply.http_status, body: reply.body.into() })
    }
}
