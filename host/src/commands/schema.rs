//! `bench schema`.

use crate::{
    cli::{SchemaArgs, SchemaOf},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Prints a JSON Schema.
pub fn run(args: &SchemaArgs, ui: &Ui) -> Result<Exit, Failure> {
    let schema = match args.of {
        SchemaOf::Scenario => bench_scenario::schema(),
        SchemaOf::Summary => bench_results::schema(),
        SchemaOf::Stream => bench_report::stream_schema(),
        SchemaOf::Comparison => bench_results::comparison_schema(),
    };
    ui.print(&format!("{schema:#}\n"))?;
    Ok(Exit::Pass)
}
