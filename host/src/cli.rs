//! The command line: clap types and their help, no logic.

mod records;
mod running;
mod tools;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    records::{
        CompareArgs, OpenSearchArgs, ReportArgs, ReportFormat, RunsCommand, RunsListArgs, RunsRmArgs,
        RunsShowArgs, RunsTagArgs,
    },
    running::{CalibrateArgs, CleanupArgs, PlanArgs, ProgressWhen, RunArgs, RunOutput, ValidateArgs},
    tools::{CompletionArgs, PluginCommand, PluginInspectArgs, SchemaArgs, SchemaOf, SimArgs},
};

/// Measures Kubernetes clusters, and says how far the numbers can be trusted.
///
/// A scenario file says what to create, how fast, and what to measure. Workloads and measurements are
/// sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "bench", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Try it without a cluster:\n  bench run scenarios/quickstart.yaml\n\nExit codes: 0 pass, 3 invalid scenario, \
10 threshold failed, 11 regression, 12 no data, 13 invalid run, 14 refused, 15 not cleaned up, 17 plugin, 18 unreachable, 20 deadline, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// More talk on stderr: -v for steps, -vv for requests.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto)]
    pub color: ColorWhen,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The form of what goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For machines; see `bench schema summary`.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and print its verdict.
    Run(RunArgs),
    /// Check a scenario and its plugins without a cluster.
    Validate(ValidateArgs),
    /// Show what a run would do, what its plugins may do, and how many pods would not start.
    Plan(PlanArgs),
    /// Remove what a run left behind; needs no scenario file.
    Cleanup(CleanupArgs),
    /// Compare recorded runs with others: did it get slower, and is that sure?
    Compare(CompareArgs),
    /// Learn how much a scenario varies from run to run when nothing changes.
    Calibrate(CalibrateArgs),
    /// List recorded runs, show, name or remove them.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Print the report of a recorded run again.
    Report(ReportArgs),
    /// Look at a plugin.
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Serve a simulated cluster, for use with kubectl.
    Sim(SimArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completion(CompletionArgs),
}

/// Which scenario, and with what changed.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.yaml")]
    pub scenario: PathBuf,
    /// Change a value of the scenario: `variables.pods=50`, `jobs.create-pods.queue.rate=5/s`. Repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
}

/// Which cluster.
#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// Path of a kubeconfig; otherwise the scenario's, then as kubectl finds it.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// UID of the cluster's namespace kube-system: allows load on a cluster that is neither simulated nor on
    /// loopback, and refuses any other.
    #[arg(long, value_name = "UID")]
    pub cluster_uid: Option<String>,
}

/// Where runs are recorded.
#[derive(Debug, Args)]
pub struct RunsDirArgs {
    /// Folder of recorded runs.
    #[arg(long, value_name = "DIR", default_value = "runs", env = "BENCH_RUNS")]
    pub runs: PathBuf,
}
