//! The command line: clap types and their help, no logic.

use std::path::PathBuf;

use bench_indexer::IndexName;
use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and print its verdict.
    Run(RunArgs),
    /// Check a scenario and its plugins without a cluster.
    Validate(ValidateArgs),
    /// Show what a run would do, and what its plugins may do.
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
    /// Allow a cluster that is neither simulated nor on loopback, by the UID of its namespace kube-system.
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

/// Arguments of `bench compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "A run is its id, a unique prefix of it, `latest`, a tag, the id of a group, or a folder. \
One number a run is compared, so that four runs on each side are the fewest that can show anything. \
Exit codes: 0 no regression, 11 regression, 12 inconclusive, 13 a run cannot be trusted, 14 refused."
)]
pub struct CompareArgs {
    /// Runs before.
    #[arg(value_name = "A")]
    pub a: Vec<String>,
    /// Runs after.
    #[arg(value_name = "B", last = true)]
    pub b: Vec<String>,
    /// Compare with the runs of this tag; all runs named are then B.
    #[arg(long, value_name = "TAG")]
    pub baseline: Option<String>,
    /// Metric that decides, as a gate names it: `p99(create-pods.response)`. Repeatable; otherwise those of
    /// the gates.
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Change that does not matter, as `3%`; otherwise what `bench calibrate` found, at least 2 %.
    #[arg(long, value_name = "SHARE")]
    pub tolerance: Option<String>,
    /// Condition that may differ: `server-version`, `nodes`, `plugins`, `scenario`, … Repeatable.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub allow_different: Vec<String>,
    /// Compare also runs that are invalid or partial.
    #[arg(long)]
    pub allow_invalid: bool,
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

/// What to do with recorded runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List recorded runs, newest first.
    List(RunsListArgs),
    /// Show one run: where its record is and what is in it.
    Show(RunsShowArgs),
    /// Give runs a name to compare with; without runs show all names.
    Tag(RunsTagArgs),
    /// Remove records for good.
    Rm(RunsRmArgs),
}

/// Arguments of `bench runs tag`.
#[derive(Debug, Args)]
pub struct RunsTagArgs {
    /// The name.
    #[arg(value_name = "TAG")]
    pub tag: Option<String>,
    /// Its runs; they take the place of those that it had.
    #[arg(value_name = "RUN", requires = "tag")]
    pub select: Vec<String>,
    /// Forget the name; the runs stay.
    #[arg(long, requires = "tag", conflicts_with = "select")]
    pub delete: bool,
    #[command(flatten)]
    pub runs: RunsDirArgs,
}

/// Arguments of `bench runs rm`.
#[derive(Debug, Args)]
pub struct RunsRmArgs {
    /// The runs: ids, unique prefixes, `latest`, groups.
    #[arg(value_name = "RUN", required = true)]
    pub select: Vec<String>,
    /// Also records of runs that may have left objects on a cluster.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub runs: RunsDirArgs,
}

/// Arguments of `bench runs list`.
#[derive(Debug, Args)]
pub struct RunsListArgs {
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the list on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `bench runs show`.
#[derive(Debug, Args)]
pub struct RunsShowArgs {
    /// The run: shortest unique prefix of its id, `latest`, or the path of its folder.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the report on stdout.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Arguments of `bench report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: shortest unique prefix of its id, `latest`, or the path of its folder.
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    #[command(flatten)]
    pub runs: RunsDirArgs,
    /// Form of the report.
    #[arg(short, long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Where to write it instead of stdout; a folder for formats of several files.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub opensearch: OpenSearchArgs,
}

/// Where `bench report --format kube-burner` sends its documents.
#[derive(Debug, Args)]
#[command(next_help_heading = "OpenSearch")]
pub struct OpenSearchArgs {
    /// Send the documents of `--format kube-burner` to this server, by bulk request. Sending them again stores
    /// nothing twice.
    #[arg(long = "opensearch", value_name = "URL")]
    pub url: Option<String>,
    /// Index to store them in.
    #[arg(long, value_name = "NAME", default_value = "kube-burner", requires = "url")]
    pub index: IndexName,
    /// User of basic authentication; the password comes from a file or BENCH_OPENSEARCH_PASSWORD.
    #[arg(long = "opensearch-user", value_name = "NAME", requires = "url")]
    pub user: Option<String>,
    /// File with the user's password.
    #[arg(long = "opensearch-password-file", value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// File with a bearer token; otherwise BENCH_OPENSEARCH_TOKEN, if set.
    #[arg(long = "opensearch-token-file", value_name = "FILE", requires = "url", conflicts_with = "user")]
    pub token_file: Option<PathBuf>,
    /// PEM file of the server's authority; otherwise those of the system.
    #[arg(long = "opensearch-ca-file", value_name = "FILE", requires = "url")]
    pub ca_file: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal.
    Text,
    /// One file with charts for a browser; needs no network.
    Html,
    /// All numbers; see `bench schema summary`.
    Json,
    /// For a pull request.
    Markdown,
    /// JUnit XML for CI systems.
    Junit,
    /// PerfData JSON for perfdash.
    Perfdata,
    /// OpenMetrics text for a textfile collector.
    Openmetrics,
    /// Tables, a file each: needs --output.
    Csv,
    /// Documents as kube-burner indexes them, a file each kind: needs --output or --opensearch.
    KubeBurner,
}

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
