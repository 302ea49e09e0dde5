//! Templates: manifests that a guest compiled.

use std::sync::Arc;

use bench_model::{ResourceRef, Verb};
use bench_template::{JOB_LABEL, NAMESPACE_PARAM, RUN_ID_LABEL, Stamp, TEMPLATE_LABEL, Template};
use wasmtime::component::Resource;

use super::check;
use crate::{
    Failures,
    bindings::bench::cluster::{targets, write},
    host::{
        HostState,
        error::{HostCallError, invalid, limit_exceeded},
        log::cut,
    },
};

/// Most templates that an instance holds at once. Those it dropped live on in what is queued, which is bounded too.
const MAX_TEMPLATES: usize = 1_000;
/// Longest source of a template, in bytes.
const MAX_SOURCE: usize = 1 << 20;

/// A manifest that the guest compiled.
pub struct CompiledTemplate {
    pub(super) template: Arc<Template>,
    /// The namespace is empty when it is a parameter.
    pub(super) target: ResourceRef,
    pub(super) namespaced: bool,
    pub(super) failures: Failures,
    selector: String,
}

impl write::HostTemplate for HostState {
    async fn compile(
        &mut self,
        source: String,
        namespace: String,
    ) -> Result<Resource<CompiledTemplate>, HostCallError> {
        let call = "template.compile";
        if source.len() > MAX_SOURCE {
            return Err(limit_exceeded(format!("a template has at most {MAX_SOURCE} bytes")));
        }
        if self.templates >= MAX_TEMPLATES {
            return Err(limit_exceeded(format!("a plugin holds at most {MAX_TEMPLATES} templates")));
        }
        if namespace != NAMESPACE_PARAM {
            check::check_namespace(&namespace)?;
        }
        let context = self.context(call)?;
        let (run_id, job) = (context.services.run_id.to_string(), context.user.clone());
        let number = self.compiled.to_string();
        let stamp = Stamp { run_id: &run_id, job: &job, template: &number };
        let compile = |namespace: &str| {
            Template::compile(&source, namespace, &stamp)
                .map_err(|error| invalid(cut(error.to_string(), 1_000)))
        };
        // Which kind it is must be known before whether it has a namespace.
        let mut template = compile(&namespace)?;
        let (mut target, namespaced) =
            self.resolve_kind(call, template.api_version(), template.kind()).await?;
        if namespaced {
            // Its own one, if it names one: not the one that was offered.
            target.namespace = template.fixed_namespace().unwrap_or_default();
            check::check_namespace(&target.namespace)?;
        } else if !namespace.is_empty() {
            template = compile("")?;
        }
        self.require(call, Verb::Create, &target)?;
        let selector =
            format!("{RUN_ID_LABEL}={run_id},{JOB_LABEL}={job},{TEMPLATE_LABEL}={}", self.compiled);
        let template = Arc::new(template);
        let kept = self.keep(CompiledTemplate {
            template,
            target,
            namespaced,
            failures: Failures::default(),
            selector,
        })?;
        self.templates += 1;
        self.compiled += 1;
        Ok(kept)
    }

    async fn params(&mut self, template: Resource<CompiledTemplate>) -> wasmtime::Result<Vec<String>> {
        Ok(self.table.get(&template)?.template.params().to_vec())
    }

    async fn target(
        &mut self,
        template: Resource<CompiledTemplate>,
    ) -> wasmtime::Result<targets::ResourceRef> {
        Ok(self.table.get(&template)?.target.clone().into())
    }

    async fn label_selector(&mut self, template: Resource<CompiledTemplate>) -> wasmtime::Result<String> {
        Ok(self.table.get(&template)?.selector.clone())
    }

    async fn failures(&mut self, template: Resource<CompiledTemplate>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&template)?.failures.count())
    }

    async fn drop(&mut self, template: Resource<CompiledTemplate>) -> wasmtime::Result<()> {
        self.table.delete(template)?;
        self.templates = self.templates.saturating_sub(1);
        Ok(())
    }
}

impl HostState {
    pub(super) fn template(
        &self,
        template: &Resource<CompiledTemplate>,
    ) -> Result<&CompiledTemplate, HostCallError> {
        Ok(self.table.get(template).map_err(wasmtime::Error::from)?)
    }
}
