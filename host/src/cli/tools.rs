//! The rest: plugin, sim, schema, completion.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Output;

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Show what a plugin is, asks for, measures and takes as configuration.
    Inspect(PluginInspectArgs),
}

/// Arguments of `bench plugin inspect`.
#[derive(Debug, Args)]
pub struct PluginInspectArgs {
    /// `builtin:NAME`, or the path of a component.
    #[arg(value_name = "PLUGIN")]
    pub plugin: String,
    /// Form on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `bench sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// Nodes of the cluster.
    #[arg(long, default_value_t = 10)]
    pub nodes: u32,
    /// Settings as in `cluster.simulated` of a scenario, as YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to write the kubeconfig; otherwise a file whose path is printed.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig_out: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
}

/// Arguments of `bench schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub of: SchemaOf,
}

/// What has a published schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A scenario file.
    Scenario,
    /// The result of `--output json`.
    Summary,
    /// A line of `bench run --output ndjson`.
    Stream,
    /// The result of `bench compare --output json`.
    Comparison,
}

/// Arguments of `bench completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Which shell.
    pub shell: clap_complete::Shell,
}
