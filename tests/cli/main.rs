//! The program as its users meet it: arguments in, exit code, stdout, stderr and record out.
//!
//! Against the simulated cluster inside the program, a simulated cluster of its own process (for what must
//! survive the program), and the real control plane.

mod bad_input;
mod bench;
mod ending;
mod running;
