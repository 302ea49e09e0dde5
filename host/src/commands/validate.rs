//! `bench validate`.

use super::load::load;
use crate::{
    cli::ValidateArgs,
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Checks a scenario and its plugins; touches no cluster.
pub async fn run(args: ValidateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let loaded = load(&args.scenario).await?;
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    ui.print(&format!(
        "{}: valid, {}, {}, {}\n",
        loaded.file,
        count(loaded.scenario.jobs.len(), "job"),
        count(loaded.scenario.measurements.len(), "measurement"),
        count(loaded.scenario.thresholds.len(), "threshold"),
    ))?;
    Ok(Exit::Pass)
}
