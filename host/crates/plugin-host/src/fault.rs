//! Tells apart who is to blame when a call into a guest did not return: the only place that looks inside a
//! [`wasmtime::Error`].

use bench_model::FaultKind;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use crate::{
    HostError,
    host::{
        HostState,
        error::{BrokenContract, OutOfTime},
        log::cut,
    },
};

/// Longest text of a fault, in bytes.
const MAX_MESSAGE: usize = 4 << 10;

/// Why a call into a guest did not return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The guest.
    Guest { kind: FaultKind, message: String },
    /// The host.
    Host(HostError),
}

/// Finds out who is to blame. A failure of the host comes first: the guest may have died of it.
pub(crate) fn blame(error: &wasmtime::Error, state: &HostState) -> Blame {
    if let Some(host) = error.downcast_ref::<HostError>() {
        return Blame::Host(host.clone());
    }
    let (kind, message) = guest_fault(error, state);
    Blame::Guest { kind, message: cut(message, MAX_MESSAGE) }
}

fn guest_fault(error: &wasmtime::Error, state: &HostState) -> (FaultKind, String) {
    if let Some(broken) = error.downcast_ref::<BrokenContract>() {
        return (FaultKind::BrokeContract, broken.to_string());
    }
    if let Some(out) = error.downcast_ref::<OutOfTime>() {
        return (FaultKind::OutOfTime, out.to_string());
    }
    // A guest that is refused memory dies in its own way: an abort, a panic, an exit.
    if let Some(wanted) = state.memory.refused() {
        let limit = state.memory.limit();
        let message = format!("wanted {} of memory, its limit is {}", mebibytes(wanted), mebibytes(limit));
        return (FaultKind::OutOfMemory, message);
    }
    let last_words = state.output.last_words();
    let spoken = |cause: String| if last_words.is_empty() { cause } else { format!("{cause}: {last_words}") };
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return (FaultKind::Trapped, spoken(format!("called exit with {}", exit.0)));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => (FaultKind::Trapped, "used up its call stack".to_owned()),
        Some(trap) if is_contract(*trap) => (FaultKind::BrokeContract, trap.to_string()),
        Some(trap) => (FaultKind::Trapped, spoken(plain(&trap.to_string()))),
        // Whatever else wasmtime refuses is a rule of the component model, such as text that is not UTF-8
        // or more data in one call than the host takes.
        None => (FaultKind::BrokeContract, plain(&root_cause(error))),
    }
}

/// The innermost text: what is around it are addresses in the guest's code.
fn root_cause(error: &wasmtime::Error) -> String {
    error.chain().last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn plain(text: &str) -> String {
    text.trim_start_matches("wasm trap: ").to_owned()
}

fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Rules of the component model, as opposed to a guest's own accidents.
fn is_contract(trap: Trap) -> bool {
    matches!(
        trap,
        Trap::CannotEnterComponent
            | Trap::CannotLeaveComponent
            | Trap::InvalidChar
            | Trap::InvalidDiscriminant
            | Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::UnalignedPointer
    )
}
