//! `bench:cluster/write`: templates and queues.
//!
//! Checks what a guest puts into a queue and hands it on; rendering, pacing, sending and stamping are the
//! engine's. The verb and the resource are checked here once; the namespace of each row is checked by the
//! engine, because rows name namespaces that are still being made.

use std::{sync::Arc, time::Duration};

use bench_model::{QueueName, ResourceRef, Verb};
use bench_template::{Stamp, Template};
use tokio::sync::oneshot;
use wasmtime::component::Resource;

use crate::{
    ParamColumn, PatchType, QueueCommand, QueuePort, WriteAction, WriteBatch,
    bindings::bench::{
        base::types,
        cluster::{targets, write},
    },
    host::{
        HostState,
        error::{self, BrokenContract, HostCallError, HostError, invalid, limit_exceeded},
        log::cut,
    },
};

pub(crate) mod check;
mod options;
mod raw;

use check::{check_names, check_params, check_rows};

/// Most templates of an instance: operations refer to them for as long as they are queued.
const MAX_TEMPLATES: usize = 1_000;
/// Longest source of a template, in bytes.
const MAX_SOURCE: usize = 1 << 20;
/// Most rows that one call of `completions` gives.
const MAX_COMPLETIONS: u32 = 65_536;

/// A manifest that the guest compiled.
pub struct CompiledTemplate {
    template: Arc<Template>,
    target: ResourceRef,
    namespaced: bool,
}

/// A queue that the guest opened.
pub struct OpenQueue {
    name: QueueName,
    port: QueuePort,
}

impl HostState {
    /// Ends the guest unless a verb is granted on a resource in some namespace.
    pub(crate) fn require(
        &self,
        call: &'static str,
        verb: Verb,
        target: &ResourceRef,
    ) -> Result<(), HostCallError> {
        if self.context(call)?.grants.covers(verb, target) {
            return Ok(());
        }
        let name = shown(&target.to_string());
        let needed = format!(
            "`{verb}` on `{name}` in `permissions.kubernetes` of the manifest and in `allow` of the scenario"
        );
        Err(BrokenContract::ungranted(call, &format!("asked to {verb} `{name}`"), &needed).into())
    }

    /// As [`HostState::require`], and an answer when it is not granted in the target's namespace.
    pub(crate) fn require_in(
        &self,
        call: &'static str,
        verb: Verb,
        target: &ResourceRef,
    ) -> Result<(), HostCallError> {
        self.require(call, verb, target)?;
        let context = self.context(call)?;
        if context.grants.allows(verb, target, &target.namespace, &context.services.namespaces) {
            return Ok(());
        }
        let place = match target.namespace.as_str() {
            "" => "in all namespaces".to_owned(),
            namespace => format!("in namespace `{}`", shown(namespace)),
        };
        Err(error::denied(format!("`{verb}` on `{}` is not granted {place}", shown(&target.to_string()))))
    }

    /// Puts operations into a queue once it has room, and gives the id of the first.
    async fn enqueue(
        &mut self,
        call: &'static str,
        queue: &Resource<OpenQueue>,
        rows: u64,
        action: WriteAction,
    ) -> Result<u64, HostCallError> {
        let queue = self.table.get(queue).map_err(wasmtime::Error::from)?;
        let (name, port) = (queue.name.clone(), queue.port.clone());
        // Room first, then ids: a call that is cancelled must not leave a hole in them.
        let permit = self.wait(call, port.commands.clone().reserve_owned()).await?;
        let permit = permit.map_err(|_| HostError::QueueClosed { queue: name.to_string() })?;
        let first_op = port.next_op.fetch_add(rows, std::sync::atomic::Ordering::Relaxed);
        permit.send(QueueCommand::Write(WriteBatch { first_op, rows, action }));
        Ok(first_op)
    }

    /// Asks the queue's owner for something and waits for the answer.
    async fn ask<T: Send>(
        &mut self,
        call: &'static str,
        queue: &Resource<OpenQueue>,
        timeout: Option<Duration>,
        command: impl FnOnce(oneshot::Sender<T>) -> QueueCommand,
    ) -> Result<T, HostCallError> {
        let queue = self.table.get(queue).map_err(wasmtime::Error::from)?;
        let (name, port) = (queue.name.clone(), queue.port.clone());
        let (reply, answer) = oneshot::channel();
        let command = command(reply);
        let asked = async move {
            port.commands.send(command).await.ok()?;
            answer.await.ok()
        };
        let answer = match timeout {
            None => self.wait(call, asked).await?,
            Some(timeout) => {
                let answer = self.wait(call, tokio::time::timeout(timeout, asked)).await?;
                answer.map_err(|_| {
                    error::timeout(format!("`{name}` took longer than {} ms", timeout.as_millis()))
                })?
            }
        };
        Ok(answer.ok_or_else(|| HostError::QueueClosed { queue: name.to_string() })?)
    }

    fn template(&self, template: &Resource<CompiledTemplate>) -> Result<&CompiledTemplate, HostCallError> {
        Ok(self.table.get(template).map_err(wasmtime::Error::from)?)
    }
}

impl write::Host for HostState {}

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
            return Err(limit_exceeded(format!("a plugin compiles at most {MAX_TEMPLATES} templates")));
        }
        check::check_namespace(&namespace)?;
        let context = self.context(call)?;
        let (run_id, job) = (context.services.run_id.to_string(), context.user.clone());
        let stamp = Stamp { run_id: &run_id, job: &job };
        let compile = |namespace: &str| {
            Template::compile(&source, namespace, &stamp)
                .map_err(|error| invalid(cut(error.to_string(), 1_000)))
        };
        // Which kind it is must be known before whether it has a namespace.
        let mut template = compile(&namespace)?;
        let (mut target, namespaced) =
            self.resolve_kind(call, template.api_version(), template.kind()).await?;
        if namespaced {
            target.namespace = namespace;
        } else if !namespace.is_empty() {
            template = compile("")?;
        }
        self.require(call, Verb::Create, &target)?;
        self.templates += 1;
        self.keep(CompiledTemplate { template: Arc::new(template), target, namespaced })
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

    async fn drop(&mut self, template: Resource<CompiledTemplate>) -> wasmtime::Result<()> {
        self.table.delete(template)?;
        Ok(())
    }
}

impl write::HostQueue for HostState {
    async fn open(&mut self, name: String) -> Result<Resource<OpenQueue>, HostCallError> {
        let queues = &self.context("queue.open")?.services.queues;
        let found = queues.iter().find(|(queue, _)| queue.as_str() == name);
        let Some((name, port)) = found else {
            let known: Vec<String> = queues.keys().map(|queue| format!("`{queue}`")).collect();
            let message = format!("the job has no queue `{}`, it has {}", shown(&name), known.join(", "));
            return Err(invalid(message));
        };
        let queue = OpenQueue { name: name.clone(), port: port.clone() };
        self.keep(queue)
    }

    async fn create(
        &mut self,
        queue: Resource<OpenQueue>,
        template: Resource<CompiledTemplate>,
        rows: u32,
        params: Vec<write::ParamColumn>,
    ) -> Result<u64, HostCallError> {
        let call = "queue.create";
        let rows = check_rows(rows as usize)?;
        let params: Vec<ParamColumn> = params.into_iter().map(Into::into).collect();
        let compiled = self.template(&template)?;
        check_params(compiled.template.params(), rows, &params)?;
        let (template, target) = (Arc::clone(&compiled.template), compiled.target.clone());
        let action = WriteAction::Create { template, target, namespaced: compiled.namespaced, params };
        self.enqueue(call, &queue, rows, action).await
    }

    async fn create_raw(
        &mut self,
        queue: Resource<OpenQueue>,
        target: targets::ResourceRef,
        bodies: Vec<String>,
    ) -> Result<u64, HostCallError> {
        let call = "queue.create-raw";
        let target = ResourceRef::from(target);
        check::check_target(&target)?;
        let rows = check_rows(bodies.len())?;
        self.require(call, Verb::Create, &target)?;
        let bodies = self.stamp_raw(call, &target, bodies).await?;
        self.enqueue(call, &queue, rows, WriteAction::CreateRaw { target, bodies }).await
    }

    async fn patch(
        &mut self,
        queue: Resource<OpenQueue>,
        target: targets::ResourceRef,
        names: Vec<String>,
        how: write::PatchType,
        template: Resource<CompiledTemplate>,
        params: Vec<write::ParamColumn>,
    ) -> Result<u64, HostCallError> {
        let call = "queue.patch";
        let target = ResourceRef::from(target);
        check::check_target(&target)?;
        let rows = check_rows(names.len())?;
        check_names(&names)?;
        self.require(call, Verb::Patch, &target)?;
        let how = PatchType::from(how);
        if how == PatchType::Json {
            return Err(invalid(
                "a JSON patch is a list, and a template makes an object: use `merge` or `apply`",
            ));
        }
        let params: Vec<ParamColumn> = params.into_iter().map(Into::into).collect();
        let compiled = self.template(&template)?;
        check_params(compiled.template.params(), rows, &params)?;
        let template = Arc::clone(&compiled.template);
        self.enqueue(call, &queue, rows, WriteAction::Patch { target, names, how, template, params }).await
    }

    async fn delete(
        &mut self,
        queue: Resource<OpenQueue>,
        target: targets::ResourceRef,
        names: Vec<String>,
        options: Vec<types::Label>,
    ) -> Result<u64, HostCallError> {
        let call = "queue.delete";
        let target = ResourceRef::from(target);
        check::check_target(&target)?;
        let rows = check_rows(names.len())?;
        check_names(&names)?;
        self.require_in(call, Verb::Delete, &target)?;
        self.require_own(&target, &names)?;
        let body = options::delete_options(&options)?;
        self.enqueue(call, &queue, rows, WriteAction::Delete { target, names, body }).await
    }

    async fn read(
        &mut self,
        queue: Resource<OpenQueue>,
        target: targets::ResourceRef,
        names: Vec<String>,
        options: Vec<types::Label>,
    ) -> Result<u64, HostCallError> {
        let call = "queue.read";
        let target = ResourceRef::from(target);
        check::check_target(&target)?;
        check_names(&names)?;
        let read = options::read_options(&options, names.len())?;
        let rows = check_rows(read.rows)?;
        self.require_in(call, read.verb, &target)?;
        let action = WriteAction::Read { target, verb: read.verb, names, query: read.query };
        self.enqueue(call, &queue, rows, action).await
    }

    async fn completions(
        &mut self,
        queue: Resource<OpenQueue>,
        max: u32,
        timeout_ns: u64,
    ) -> Result<write::CompletionBatch, HostCallError> {
        let max = max.clamp(1, MAX_COMPLETIONS);
        let timeout = Duration::from_nanos(timeout_ns);
        let completions = self
            .ask("queue.completions", &queue, None, |reply| QueueCommand::Completions { max, timeout, reply })
            .await?;
        Ok(completions.into())
    }

    async fn drain(&mut self, queue: Resource<OpenQueue>, timeout_ns: u64) -> Result<(), HostCallError> {
        let timeout = (timeout_ns > 0).then(|| Duration::from_nanos(timeout_ns));
        self.ask("queue.drain", &queue, timeout, |reply| QueueCommand::Drain { reply }).await
    }

    async fn drop(&mut self, queue: Resource<OpenQueue>) -> wasmtime::Result<()> {
        self.table.delete(queue)?;
        Ok(())
    }
}

impl HostState {
    /// An answer unless every object is this run's: in a namespace that it made, such a namespace itself, or
    /// made by one of its own requests.
    ///
    /// A delete by name cannot ask the server for a label.
    fn require_own(&self, target: &ResourceRef, names: &[String]) -> Result<(), HostCallError> {
        let services = &self.context("queue.delete")?.services;
        let made = &services.namespaces;
        if !target.namespace.is_empty() && made.contains(&target.namespace) {
            return Ok(());
        }
        let is_namespaces = target.group.is_empty() && target.plural == "namespaces";
        let is_own = |name: &str| match &services.cluster {
            _ if is_namespaces => made.contains(name),
            Some(cluster) => {
                cluster.own_creates().get(&target.group, &target.plural, &target.namespace, name).is_some()
            }
            None => false,
        };
        match names.iter().find(|name| !is_own(name)) {
            None => Ok(()),
            Some(name) => {
                let message =
                    format!("`{}` `{}` was not made by this run", shown(&target.to_string()), shown(name));
                Err(error::denied(message))
            }
        }
    }
}

/// A text of the guest's, short and escaped, for a message.
pub(crate) fn shown(text: &str) -> String {
    cut(text.to_owned(), 100).escape_debug().to_string()
}
