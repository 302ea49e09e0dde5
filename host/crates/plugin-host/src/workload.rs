//! A workload's exports as typed calls.

use bench_model::PluginFault;

use crate::{
    GuestLimits,
    bindings::exports::bench::plugin::workload,
    instantiate::{CallError, CallLimit, Guest},
};

/// A live workload. Calls never overlap; after a fault every call answers with that fault.
pub struct Workload {
    guest: Guest,
    exports: workload::Guest,
    limits: GuestLimits,
}

impl Workload {
    pub(crate) fn new(guest: Guest, exports: workload::Guest, limits: GuestLimits) -> Self {
        Self { guest, exports, limits }
    }

    /// The fault that ended the instance, if one did.
    pub fn fault(&self) -> Option<&PluginFault> {
        self.guest.fault()
    }

    /// Prepares, with the job's configuration as JSON, valid against the plugin's schema.
    ///
    /// # Errors
    /// [`CallError::Gave`] with the guest's own text, a fault, or a failure of the host.
    pub async fn setup(&mut self, config: &str) -> Result<(), CallError> {
        let (limit, exports) = (self.setup_limit(), self.exports.clone());
        let config = config.to_owned();
        let call = self
            .guest
            .call("setup", limit, |store| Box::pin(async move { exports.call_setup(store, &config).await }));
        call.await?.map_err(CallError::Gave)
    }

    /// Makes the load of the job; returns at its end.
    ///
    /// # Errors
    /// As [`Workload::setup`].
    pub async fn run(&mut self) -> Result<(), CallError> {
        let limit = CallLimit { time: self.limits.run, renews: true };
        let exports = self.exports.clone();
        let call =
            self.guest.call("run", limit, |store| Box::pin(async move { exports.call_run(store).await }));
        call.await?.map_err(CallError::Gave)
    }

    /// Tidies up what the host does not delete by itself.
    ///
    /// # Errors
    /// As [`Workload::setup`].
    pub async fn cleanup(&mut self) -> Result<(), CallError> {
        let (limit, exports) = (self.setup_limit(), self.exports.clone());
        let call = self
            .guest
            .call("cleanup", limit, |store| Box::pin(async move { exports.call_cleanup(store).await }));
        call.await?.map_err(CallError::Gave)
    }

    fn setup_limit(&self) -> CallLimit {
        CallLimit { time: self.limits.setup, renews: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_can_move_between_threads() {
        fn is_send<T: Send>(_: impl FnOnce(&'static mut Workload) -> T) {}
        is_send(|workload| workload.setup(""));
        is_send(Workload::run);
        is_send(Workload::cleanup);
    }
}
