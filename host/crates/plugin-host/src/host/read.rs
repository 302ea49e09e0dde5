//! `bench:cluster/read`: single reads for a plugin's own decisions.

use bench_cluster::ListQuery;
use bench_model::{ResourceRef, Verb};

use crate::{
    bindings::bench::cluster::{read, targets},
    host::{
        HostState,
        error::{HostCallError, invalid, limit_exceeded},
        write::check::{check_names, check_target},
    },
};

/// Most objects of a page.
const MAX_PAGE: u32 = 1_000;
/// Longest selector or page token, in bytes.
const MAX_QUERY: usize = 4 << 10;
/// Largest object or page that crosses to a guest, in bytes.
const MAX_ANSWER: usize = 16 << 20;

impl HostState {
    /// What the cluster serves for a kind: needs no grant, as it says nothing about any object.
    pub(crate) async fn resolve_kind(
        &mut self,
        call: &'static str,
        api_version: &str,
        kind: &str,
    ) -> Result<(ResourceRef, bool), HostCallError> {
        let cluster = self.cluster(call)?;
        Ok(self.wait(call, async { cluster.resolve(api_version, kind).await }).await??)
    }
}

impl targets::Host for HostState {}

impl read::Host for HostState {
    async fn resolve(
        &mut self,
        api_version: String,
        kind: String,
    ) -> Result<(targets::ResourceRef, bool), HostCallError> {
        if api_version.len() > MAX_QUERY || kind.len() > MAX_QUERY {
            return Err(invalid(format!("a kind has at most {MAX_QUERY} bytes")));
        }
        let (target, namespaced) = self.resolve_kind("read.resolve", &api_version, &kind).await?;
        Ok((target.into(), namespaced))
    }

    async fn get(&mut self, target: targets::ResourceRef, name: String) -> Result<String, HostCallError> {
        let call = "read.get";
        let target = ResourceRef::from(target);
        check_target(&target)?;
        check_names(std::slice::from_ref(&name))?;
        self.require_in(call, Verb::Get, &target)?;
        let cluster = self.cluster(call)?;
        let object = self.wait(call, async { cluster.get(&target, &name).await }).await??;
        check_answer(object.len())?;
        String::from_utf8(object.into()).map_err(|_| invalid("the object is not UTF-8"))
    }

    async fn list_page(
        &mut self,
        target: targets::ResourceRef,
        label_selector: String,
        field_selector: String,
        limit: u32,
        token: String,
    ) -> Result<(Vec<String>, String), HostCallError> {
        let call = "read.list-page";
        let target = ResourceRef::from(target);
        check_target(&target)?;
        if [&label_selector, &field_selector, &token].iter().any(|text| text.len() > MAX_QUERY) {
            return Err(invalid(format!("selectors and tokens have at most {MAX_QUERY} bytes")));
        }
        self.require_in(call, Verb::List, &target)?;
        let cluster = self.cluster(call)?;
        let limit = if limit == 0 { MAX_PAGE } else { limit.min(MAX_PAGE) };
        let page = async {
            let list = ListQuery {
                label_selector: &label_selector,
                field_selector: &field_selector,
                limit,
                token: &token,
            };
            cluster.list_page(&target, list).await
        };
        let page = self.wait(call, page).await??;
        check_answer(page.items.iter().map(String::len).sum())?;
        Ok((page.items, page.token))
    }
}

fn check_answer(bytes: usize) -> Result<(), HostCallError> {
    if bytes <= MAX_ANSWER {
        return Ok(());
    }
    Err(limit_exceeded(format!("the answer has {bytes} bytes, at most {MAX_ANSWER} cross to a plugin")))
}
