//! What a guest may use up: memory, tables, handles, processor time, output.
//!
//! Processor time is sampled by epochs: each tick of 10 ms in which the guest computes takes one from its
//! budget. Ticks in which it waits inside a host call cost nothing.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::{compile::TICK, host::error::OutOfTime};

/// Limits of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestLimits {
    /// Linear memory, all memories together.
    pub memory_bytes: u64,
    /// Processor time of instantiation, `setup`, `cleanup`, `manifest` and `config-schema`.
    pub setup: Duration,
    /// Processor time of `on-events`, `on-tick`, `on-phase` and `finish`.
    pub call: Duration,
    /// Processor time of a workload's `run` between two host calls that may wait.
    pub run: Duration,
    /// Wall time that a call may still take once the run is stopping.
    pub stop_grace: Duration,
    /// Log messages, with their fields; a second's worth may come at once.
    pub log_bytes_per_second: u64,
}

impl Default for GuestLimits {
    /// 64 MiB, 10 s, 1 s, 10 s, 10 s, 64 KiB/s.
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            setup: Duration::from_secs(10),
            call: Duration::from_secs(1),
            run: Duration::from_secs(10),
            stop_grace: Duration::from_secs(10),
            log_bytes_per_second: 64 << 10,
        }
    }
}

/// Bytes that one host call may bring from the guest: 16 MiB.
pub(crate) const HOSTCALL_BYTES: usize = 16 << 20;
/// Live WIT resources of an instance, templates and queues as well as WASI's streams.
pub(crate) const MAX_HANDLES: usize = 4_096;
/// Elements of wasm tables: function pointers of a large interpreter, ten times over.
const MAX_TABLE_ELEMENTS: usize = 1_000_000;
/// Core instances, memories and tables of one component: an adapter or a bundled library is one each.
const MAX_PARTS: usize = 64;

/// Refuses growth past the memory limit and remembers that it did.
#[derive(Debug)]
pub(crate) struct MemoryLimit {
    limit: usize,
    used: usize,
    refused: Option<usize>,
}

impl MemoryLimit {
    pub(crate) fn new(limits: &GuestLimits) -> Self {
        Self { limit: usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX), used: 0, refused: None }
    }

    /// Starts a call of the guest: what it was refused before, it has survived.
    pub(crate) fn begin(&mut self) {
        self.refused = None;
    }

    /// Bytes that the guest wanted in all when it was last refused in this call.
    pub(crate) fn refused(&self) -> Option<usize> {
        self.refused
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if wanted > self.limit {
            self.refused = Some(wanted);
            return Ok(false);
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn instances(&self) -> usize {
        MAX_PARTS
    }

    fn tables(&self) -> usize {
        MAX_PARTS
    }

    fn memories(&self) -> usize {
        MAX_PARTS
    }
}

/// Processor time left in the current call.
#[derive(Debug)]
pub(crate) struct CallBudget {
    limit: Duration,
    left: u64,
    /// Whether a host call that may wait fills it up again: only in `run`.
    renews: bool,
    /// The guest slept in the host since the last tick, which therefore says nothing.
    slept: bool,
}

impl CallBudget {
    pub(crate) fn new(limit: Duration) -> Self {
        let mut budget = Self { limit, left: 0, renews: false, slept: false };
        budget.begin(limit, false);
        budget
    }

    /// Starts a call of the guest.
    pub(crate) fn begin(&mut self, limit: Duration, renews: bool) {
        *self = Self { limit, left: ticks(limit), renews, slept: false };
    }

    /// One tick passed and the guest computes.
    ///
    /// # Errors
    /// When the budget was used up.
    pub(crate) fn tick(&mut self) -> Result<(), OutOfTime> {
        if std::mem::take(&mut self.slept) {
            return Ok(());
        }
        self.left = self.left.checked_sub(1).ok_or(OutOfTime::Budget { limit: self.limit })?;
        Ok(())
    }

    /// A host call that may wait is over. A guest that ignores the end of the run gets nothing new.
    pub(crate) fn waited(&mut self, slept: Duration, stopping: bool) {
        if self.renews && !stopping {
            self.left = ticks(self.limit);
        }
        self.slept |= slept >= TICK;
    }
}

/// Rounded up: a budget is never shorter than it says.
fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks_until_out(budget: &mut CallBudget) -> u32 {
        (0..1_000).take_while(|_| budget.tick().is_ok()).count() as u32
    }

    #[test]
    fn a_budget_ends_after_its_ticks() {
        let mut budget = CallBudget::new(Duration::from_millis(50));
        assert_eq!(ticks_until_out(&mut budget), 5);
        assert_eq!(budget.tick(), Err(OutOfTime::Budget { limit: Duration::from_millis(50) }));
    }

    #[test]
    fn waiting_in_the_host_costs_nothing() {
        let mut budget = CallBudget::new(Duration::from_millis(50));
        budget.waited(Duration::from_secs(5), false);
        assert_eq!(ticks_until_out(&mut budget), 6);
    }

    #[test]
    fn only_run_is_renewed_and_only_until_the_stop() {
        let mut budget = CallBudget::new(Duration::ZERO);
        budget.begin(Duration::from_millis(50), true);
        assert_eq!(ticks_until_out(&mut budget), 5);
        budget.waited(Duration::ZERO, false);
        assert_eq!(ticks_until_out(&mut budget), 5);
        budget.waited(Duration::ZERO, true);
        assert_eq!(ticks_until_out(&mut budget), 0);
    }

    #[test]
    fn memory_past_the_limit_is_refused_and_remembered() {
        let limits = GuestLimits { memory_bytes: 100, ..GuestLimits::default() };
        let mut memory = MemoryLimit::new(&limits);
        assert!(memory.memory_growing(0, 60, None).expect("a decision"));
        assert_eq!(memory.refused(), None);
        assert!(!memory.memory_growing(0, 60, None).expect("a decision"), "a second memory counts too");
        assert_eq!(memory.refused(), Some(120));
    }
}
