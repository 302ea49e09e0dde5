//! `bench completion`.

use clap::CommandFactory;

use crate::{
    cli::{Cli, CompletionArgs},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Prints the script of a shell.
pub fn run(args: &CompletionArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bench", &mut script);
    ui.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Pass)
}
