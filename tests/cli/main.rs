//! The program as its users meet it: arguments in, exit code, stdout, stderr and record out.
//!
//! Against the simulated cluster inside the program, a simulated cluster of its own process (for what must
//! survive the program), and the real control plane.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

mod bad_input;
mod bench;
mod comparing;
mod ending;
mod lab;
mod running;
mod terminal;
