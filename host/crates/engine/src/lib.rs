//! Runs a plan: when operations leave, who observes them, in which order everything happens.
//!
//! Two runtimes and channels between them. On the *load runtime* are the [`queue`]s, which pace and send, and
//! the watches; guests compute on the *plugin runtime*, so that a slow plugin never delays a request. A
//! workload fills queues; watches fill bounded batches for measurements; everything that happens leaves as
//! [`bench_model::RunEvent`]. [`run()`] is the order of a run and the first file to read.
//!
//! Knows no Kubernetes client type, no wasmtime type, no file and no terminal.

mod job;
mod journal;
mod ledger;
mod measurement;
mod operations;
mod plan;
mod queue;
mod run;
mod schedule;
mod seed;
mod stop;
mod timer;

pub use journal::{Journal, JournalError, JournalRequest};
pub use plan::{Caps, Plan, PlanError, PlanInput, PlannedJob, PlannedMeasurement, PlannedPlugin, plan};
pub use run::{RunContext, RunError, RunOutcome, run};
pub use schedule::Schedule;
pub use stop::Stop;
pub use timer::{Timer, Timing};
