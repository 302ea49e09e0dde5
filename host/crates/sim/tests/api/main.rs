//! The simulated API server over loopback, as clients see it.

mod client;
mod custom;
mod objects;
mod patches;
mod trouble;
mod watches;
