//! `bench`: parses flags, starts talk on stderr, dispatches, and ends with a documented exit code.

mod builtin;
mod cli;
mod commands;
mod diagnostics;
mod exit_code;
mod simulated;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, diagnostics::Ui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(cli.color);
    diagnostics::start_tracing(cli.verbose, &ui);
    // kube and reqwest default to different providers; with both in one program one must be chosen.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed before");
    }
    match commands::dispatch(cli.command, &ui) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            ui.print_failure(&failure);
            failure.exit.into()
        }
    }
}
