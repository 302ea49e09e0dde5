//! `bench:base/run`: facts of the run, its clock, its randomness, sleeping.

use bench_model::TimeNs;
use rand_for_wasi::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::{
    InstanceContext,
    bindings::bench::base::run::Host,
    host::{
        HostState,
        error::{BrokenContract, HostCallError},
    },
};

/// Most numbers that one call of `random-u64` gives.
const MAX_RANDOM: u32 = 65_536;

/// The seed of an instance: the same scenario gives the same numbers, two instances give different ones.
pub(crate) fn instance_seed(context: &InstanceContext) -> u64 {
    let mut hash = Sha256::new();
    hash.update(context.services.seed.to_le_bytes());
    for name in [context.plugin.as_str(), &context.user] {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
    }
    hash.update(context.services.instance.0.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    u64::from_le_bytes(*first)
}

impl Host for HostState {
    fn run_id(&mut self) -> wasmtime::Result<String> {
        Ok(self.context("run.run-id")?.services.run_id.to_string())
    }

    fn name(&mut self) -> wasmtime::Result<String> {
        Ok(self.context("run.name")?.user.clone())
    }

    fn instance(&mut self) -> wasmtime::Result<(u32, u32)> {
        Ok(self.context("run.instance")?.services.instance)
    }

    fn seed(&mut self) -> wasmtime::Result<u64> {
        Ok(instance_seed(self.context("run.seed")?))
    }

    fn random_u64(&mut self, n: u32) -> wasmtime::Result<Vec<u64>> {
        self.context("run.random-u64")?;
        if n > MAX_RANDOM {
            let message =
                format!("`run.random-u64` gives at most {MAX_RANDOM} numbers a call, asked for {n}");
            return Err(BrokenContract(message).into());
        }
        Ok((0..n).map(|_| self.random.next_u64()).collect())
    }

    fn now(&mut self) -> wasmtime::Result<i64> {
        self.context("run.now")?;
        Ok(HostState::now(self).0)
    }

    fn clock_offset(&mut self) -> wasmtime::Result<(i64, i64)> {
        let (low, high) = *self.context("run.clock-offset")?.services.clock_offset.borrow();
        Ok((low.0, high.0))
    }

    fn phase(&mut self) -> wasmtime::Result<String> {
        let phase = *self.context("run.phase")?.services.phase.borrow();
        Ok(phase.as_str().to_owned())
    }

    fn stop_requested(&mut self) -> wasmtime::Result<bool> {
        Ok(self.context("run.stop-requested")?.services.stop.is_cancelled())
    }

    async fn sleep_until(&mut self, at: i64) -> Result<(), HostCallError> {
        let instant = self.context("run.sleep-until")?.services.clock.instant(TimeNs(at));
        self.wait("run.sleep-until", tokio::time::sleep_until(instant)).await
    }
}
