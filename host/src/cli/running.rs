//! What acts on a cluster or looks at a scenario: run, validate, plan, cleanup, calibrate.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ClusterArgs, Output, RunsDirArgs, ScenarioArgs};

/// The form of what `bench run` writes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunOutput {
    /// For people.
    Text,
    /// For machines; see `bench schema summary`.
    Json,
    /// For machines while the run goes on: a JSON object a line, one each second, one for each thing that
    /// happens, the verdict last; see `bench schema stream`.
    Ndjson,
}

/// What is shown on stderr while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressWhen {
    /// `live` on a terminal in the foreground; `lines` elsewhere, with -v, in CI and with TERM=dumb.
    Auto,
    /// Charts, gates and a grid of pods on the whole terminal; q stops, m marks a moment, ? tells all keys.
    Live,
    /// A line for each step, and how it goes every five seconds.
    Lines,
    /// Nothing.
    Off,
}

/// Arguments of `bench run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = RunOutput::Text)]
    pub output: RunOutput,
    /// What to show on stderr while it goes on.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ProgressWhen::Auto)]
    pub progress: ProgressWhen,
    /// No progress on stderr, as `--progress off`.
    #[arg(short, long, conflicts_with = "progress")]
    pub quiet: bool,
    /// Run it so many times, each with namespaces and a record of its own; otherwise as often as the
    /// scenario's `repeat` says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: Option<u32>,
}

/// Arguments of `bench validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// Arguments of `bench plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Form of the plan on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `bench cleanup`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// The run: its id, the shortest unique prefix of a recorded one, or `latest`.
    #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
    pub run: Option<String>,
    /// Remove what every recorded run left on the cluster, except runs that still go on.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `bench calibrate`.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The scenario file; it is run again and again.
    #[arg(value_name = "SCENARIO.yaml", required_unless_present = "from")]
    pub scenario: Option<PathBuf>,
    /// Learn from these runs instead. Repeatable.
    #[arg(long, value_name = "RUN", conflicts_with = "scenario")]
    pub from: Vec<String>,
    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub repeat: u32,
    /// Change a value of the scenario, as for `bench run`. Repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the result on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// No progress on stderr.
    #[arg(short, long)]
    pub quiet: bool,
}
