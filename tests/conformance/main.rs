//! Whether the sandbox holds: guests that misbehave, each ended with a fault that says what it did.
//!
//! For each guest in `tests/guests/examples` there is a function of the same name here, or this does not
//! compile. One does what it should, with real servers. Needs the target `wasm32-wasip2`; the guests are built when the first test runs.

#![cfg(test)]

mod components;
mod faults;
mod harness;
mod limits;
mod loading;
mod real_prometheus;
mod rights;
mod stops;

use components::*;
use faults::*;
use limits::*;
use loading::*;
use real_prometheus::*;
use rights::*;
use stops::*;

include!(concat!(env!("OUT_DIR"), "/foreach_guest.rs"));

macro_rules! has_a_test {
    ($guest:ident) => {
        const _: fn() = $guest;
    };
}

foreach_guest!(has_a_test);
