//! A simulated Kubernetes cluster: an HTTP API server over an in-memory store.

mod admission;
pub mod clock;
pub mod controllers;
pub mod random;
pub mod registry;
pub mod stage;
pub mod status;
pub mod store;
