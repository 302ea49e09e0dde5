//! Everything wasm: from a plugin's reference to calls into a live instance.
//!
//! The path is [`resolve()`] → [`PluginHost::load`] → [`LoadedPlugin::workload`] or
//! [`LoadedPlugin::measurement`] → typed calls. Owns wasmtime, the cache of compiled components, grants,
//! limits and the judgement of faults. Knows no scenario and no order of jobs: an instance acts through the
//! [`Services`] that it is given.
//!
//! Three failures are never mixed: what the guest is answered and may handle, [`CallError::Fault`] of the
//! guest, and [`CallError::Host`].

mod bindings;
mod cache;
mod compile;
mod convert;
mod fault;
mod grants;
mod host;
mod inspect;
mod instantiate;
mod limits;
mod load;
mod manifest;
mod measurement;
mod reference;
mod resolve;
mod services;
mod workload;

pub use cache::CacheError;
pub use compile::EngineError;
pub use grants::{Allow, Allowed, GrantedNamespaces, Grants};
pub use host::error::HostError;
pub use inspect::{ImportReason, InspectError, Interfaces, UnknownImport, check_header};
pub use instantiate::CallError;
pub use limits::GuestLimits;
pub use load::{HostSettings, LoadCause, LoadError, LoadedPlugin, PluginHost, PluginHostError};
pub use manifest::ManifestError;
pub use measurement::{Measurement, MeasurementPlan};
pub use reference::{PluginReference, ReferenceError};
pub use resolve::{ResolveError, ResolvedPlugin, resolve};
pub use services::{
    CompletionBatch, Failures, Ids, InstanceContext, ParamColumn, PatchType, QueueCommand, QueuePort,
    RunNamespaces, Services, UNKNOWN_OFFSET, WriteAction, WriteBatch,
};
pub use workload::Workload;
