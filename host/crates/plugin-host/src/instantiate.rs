//! Makes instances: one store each, with its limits, and calls into it.
//!
//! The linker offers every host function to every instance; what an instance may do is decided at each
//! call by its grants. A component that imports less gets less.

use std::time::Duration;

use bench_model::{Digest, FaultKind, PluginFault, PluginName};
use futures::future::BoxFuture;
use wasmtime::{
    Engine, Store, UpdateDeadline,
    component::{HasSelf, Instance, InstancePre, Linker},
};

use crate::{
    HostError,
    bindings::FullPlugin,
    fault::{self, Blame},
    host::{Cut, HostState, wasi},
    limits::HOSTCALL_BYTES,
};

/// Everything that a guest may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    FullPlugin::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    wasi::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Whose instance it is: what a fault names.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) plugin: PluginName,
    pub(crate) digest: Digest,
    pub(crate) user: String,
}

/// Why a call into a guest did not return.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The guest's own error text: an outcome, not a fault.
    #[error("{}", .0.escape_debug())]
    Gave(String),
    /// The guest broke; its instance is gone.
    #[error(transparent)]
    Fault(PluginFault),
    /// The run was given up while the guest worked; its instance is gone.
    #[error("the run was given up")]
    Abandoned,
    /// The host failed; the guest is not to blame.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl CallError {
    /// The fault, when the guest broke.
    pub fn fault(&self) -> Option<&PluginFault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Gave(_) | Self::Abandoned | Self::Host(_) => None,
        }
    }
}

/// A live instance; after a fault every call answers with that fault again.
pub(crate) struct Guest {
    store: Store<HostState>,
    instance: Instance,
    identity: Identity,
    dead: Option<CallError>,
}

/// How a call is limited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLimit {
    /// Processor time.
    pub(crate) time: Duration,
    /// Whether host calls that may wait renew it.
    pub(crate) renews: bool,
}

impl Guest {
    /// Makes an instance and runs what the component does at its start.
    pub(crate) async fn start(
        pre: &InstancePre<HostState>,
        state: HostState,
        identity: Identity,
    ) -> Result<Self, CallError> {
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(HOSTCALL_BYTES);
        // Above the cap of the host's own table, whose message says what to do.
        store.set_max_component_handles(2 * crate::limits::MAX_HANDLES);
        // One tick at a time: each asks the budget, and lets others on this thread have a turn.
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().budget.tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_epoch_deadline(1);
        let _computing = store.data().ticker.compute();
        match pre.instantiate_async(&mut store).await {
            Ok(instance) => Ok(Self { store, instance, identity, dead: None }),
            Err(error) => {
                let _ = store.data_mut().flush().await;
                Err(identity.blamed(fault::blame(&error, store.data()), "instantiation"))
            }
        }
    }

    /// Finds exported functions, whose names and types were checked when the plugin was loaded.
    pub(crate) fn exports<E>(
        &mut self,
        interface: &'static str,
        find: impl FnOnce(&mut Store<HostState>, &Instance) -> wasmtime::Result<E>,
    ) -> Result<E, HostError> {
        let internal = |error| HostError::Internal { place: interface, message: format!("{error:#}") };
        find(&mut self.store, &self.instance).map_err(internal)
    }

    /// The fault that ended the instance, if one did.
    pub(crate) fn fault(&self) -> Option<&PluginFault> {
        self.dead.as_ref().and_then(CallError::fault)
    }

    /// Ends the instance because of what it returned.
    pub(crate) fn broke_contract(&mut self, function: &'static str, message: String) -> CallError {
        let blame = Blame::Guest { kind: FaultKind::BrokeContract, message };
        let failure = self.identity.blamed(blame, function);
        self.dead = Some(failure.clone());
        failure
    }

    /// Calls an exported function and judges how it ended. What the guest recorded before a fault stays.
    ///
    /// Once the run is stopping, the call has a grace of wall time; then it is dropped, and the instance
    /// with it. When the run is given up it has none.
    pub(crate) async fn call<T>(
        &mut self,
        function: &'static str,
        limit: CallLimit,
        export: impl for<'a> FnOnce(&'a mut Store<HostState>) -> BoxFuture<'a, wasmtime::Result<T>>,
    ) -> Result<T, CallError> {
        if let Some(dead) = &self.dead {
            return Err(dead.clone());
        }
        let state = self.store.data_mut();
        state.budget.begin(limit.time, limit.renews);
        state.memory.begin();
        self.store.set_epoch_deadline(1);
        let overrun = self.store.data().overrun();
        let _computing = self.store.data().ticker.compute();
        let result = tokio::select! {
            biased;
            result = export(&mut self.store) => result,
            cut = overrun => match cut {
                Cut::Overrun(grace) => Err(grace.into()),
                Cut::Abandoned => {
                    self.dead = Some(CallError::Abandoned);
                    self.store.data_mut().flush().await?;
                    return Err(CallError::Abandoned);
                }
            },
        };
        let flushed = self.store.data_mut().flush().await;
        let failure = match (result, flushed) {
            (Ok(value), Ok(())) => return Ok(value),
            (Err(error), _) => self.identity.blamed(fault::blame(&error, self.store.data()), function),
            (Ok(_), Err(host)) => CallError::Host(host),
        };
        self.dead = Some(failure.clone());
        Err(failure)
    }
}

impl Identity {
    fn blamed(&self, blame: Blame, function: &str) -> CallError {
        match blame {
            Blame::Host(error) => CallError::Host(error),
            Blame::Guest { kind, message } => CallError::Fault(PluginFault {
                plugin: self.plugin.clone(),
                digest: self.digest.clone(),
                user: self.user.clone(),
                function: function.to_owned(),
                kind,
                message: format!("`{function}` {message}"),
            }),
        }
    }
}
