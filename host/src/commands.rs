//! One `match` over the subcommands; each is a file of its own.

mod calibrate;
mod cleanup;
mod compare;
mod completion;
mod connect;
mod load;
mod plan;
mod plugin;
mod preflight;
mod record;
mod report;
mod run;
mod runs;
mod schema;
mod signals;
mod sim;
mod validate;

use crate::{
    cli::{Command, PluginCommand, RunsCommand},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Does what the command line says.
///
/// # Errors
/// With an exit code and what to tell.
pub fn dispatch(command: Command, ui: &Ui) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => block_on(run::run(args, ui)),
        Command::Validate(args) => block_on(validate::run(args, ui)),
        Command::Plan(args) => block_on(plan::run(args, ui)),
        Command::Cleanup(args) => block_on(cleanup::run(args, ui)),
        Command::Runs(RunsCommand::List(args)) => runs::list(&args, ui),
        Command::Runs(RunsCommand::Show(args)) => runs::show(&args, ui),
        Command::Runs(RunsCommand::Tag(args)) => runs::tag(&args, ui),
        Command::Runs(RunsCommand::Rm(args)) => runs::rm(&args, ui),
        Command::Compare(args) => compare::run(&args, ui),
        Command::Calibrate(args) => block_on(calibrate::run(args, ui)),
        Command::Report(args) => block_on(report::run(args, ui)),
        Command::Plugin(PluginCommand::Inspect(args)) => block_on(plugin::inspect(args, ui)),
        Command::Sim(args) => block_on(sim::run(args, ui)),
        Command::Schema(args) => schema::run(&args, ui),
        Command::Completion(args) => completion::run(&args, ui),
    }
}

/// Runs a command on the runtime that sends: one thread, because that costs less CPU a request than
/// two (`host/docs/benchmarks.md`).
fn block_on<F: Future<Output = Result<Exit, Failure>>>(command: F) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| Failure::error(Exit::Bug, Message(format!("failed to start a runtime: {e}"))))?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}
