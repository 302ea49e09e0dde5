//! `bench:cluster/write`: templates and queues.
//!
//! Checks what a guest puts into a queue and hands it on; rendering, pacing, sending and stamping are the
//! engine's. The verb and the resource are checked here once; the namespace of each row is checked by the
//! engine, because rows name namespaces that are still being made.

use bench_model::{ResourceRef, Verb};

use crate::{
    bindings::bench::cluster::write,
    host::{
        HostState,
        error::{self, BrokenContract, HostCallError},
        log::cut,
    },
};

pub(crate) mod check;
mod options;
mod queue;
mod raw;
mod template;

pub use queue::OpenQueue;
pub use template::CompiledTemplate;

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
}

impl write::Host for HostState {}

/// A text of the guest's, short and escaped, for a message.
pub(crate) fn shown(text: &str) -> String {
    cut(text.to_owned(), 100).escape_debug().to_string()
}
