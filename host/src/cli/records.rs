//! What works on recorded runs: compare, runs, report.

use std::path::PathBuf;

use bench_indexer::IndexName;
use clap::{Args, Subcommand, ValueEnum};

use super::{Output, RunsDirArgs};

/// Arguments of `bench compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "A run is its id, a unique prefix of it, `latest`, a tag, the id of a group, its folder, or a folder of runs. \
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
