//! Queues: what a guest puts into one, and what it asks of it.

use std::{sync::Arc, time::Duration};

use bench_model::{QueueName, ResourceRef, Verb};
use tokio::sync::oneshot;
use wasmtime::component::Resource;

use super::{
    check::{self, check_names, check_params, check_rows},
    options, shown,
    template::CompiledTemplate,
};
use crate::{
    ParamColumn, PatchType, QueueCommand, QueuePort, WriteAction, WriteBatch,
    bindings::bench::{
        base::types,
        cluster::{targets, write},
    },
    host::{
        HostState,
        error::{self, HostCallError, HostError, invalid},
    },
};

/// Most rows that one call of `completions` gives.
const MAX_COMPLETIONS: u32 = 65_536;

/// A queue that the guest opened.
pub struct OpenQueue {
    name: QueueName,
    port: QueuePort,
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
        let action = WriteAction::Create {
            template: Arc::clone(&compiled.template),
            target: compiled.target.clone(),
            namespaced: compiled.namespaced,
            params,
            failures: compiled.failures.clone(),
        };
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
        let is_own = |name: &str| match &services.cluster {
            _ if target.is_namespaces() => made.contains(name),
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
