//! `benches`: measures what `bench` costs, on a real control plane and on the simulated one.
//!
//! Each row of `host/docs/benchmarks.md` is a subcommand; `cargo xtask bench` builds everything and calls it.
//! It judges nothing but the targets that it prints: a missed one is no failure of the program, because times
//! depend on the machine. It runs `bench` as its users do, as a child with a scenario file.

mod child;
mod configmaps;
mod figure;
mod lab;
mod life_cycle;
mod pacing;
mod pods;
mod programs;
mod real_node;
mod records;
mod start;
mod watch_line;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{figure::Table, programs::Programs};

/// Measures what `bench` costs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    row: Row,
    /// Rounds of each row; everything that is compared runs once in each, in changing order.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
    /// Run what is measured ahead of everything else on the machine (`chrt --rr 1`, needs the right to), as on a
    /// machine with a free core.
    #[arg(long, global = true)]
    realtime: bool,
    /// Form of the figures on stdout.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For machines: times in seconds, memory in MiB.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum Row {
    /// 5,000 ConfigMaps on the real control plane, beside the cheapest client there can be.
    Configmaps,
    /// 2,000 pods at 200 a second on 100 fake nodes, with `pod-latency`.
    Pods,
    /// 50, 500 and 2,000 operations a second on the simulated cluster.
    Pacing,
    /// A watch line of 4 KB, projected, into a guest.
    WatchLine,
    /// Time to the first request, and of `bench validate`.
    Start,
    /// Scenario 1 of the kube-burner lab on a real node; needs root.
    Preload,
    /// Rows of the kube-burner lab on a real node; needs root.
    Rows,
    /// Pods without a place on a real node; needs root, once whatever `--rounds` says.
    Room,
    /// How long each stage of a pod takes on a real node, ten pods a round; needs root.
    LifeCycle,
    /// Recording 100,000 operations a second, and the size of an hour's record.
    Record,
    /// The HTML report of an hour with 50 series.
    Report,
    /// A comparison of 20 against 20 runs.
    Compare,
    /// All that need no root.
    All,
}

const ALL: [Row; 8] = [
    Row::Configmaps,
    Row::Pods,
    Row::Pacing,
    Row::WatchLine,
    Row::Start,
    Row::Record,
    Row::Report,
    Row::Compare,
];

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let programs = Programs::find(cli.realtime)?;
    let rows: &[Row] = match &cli.row {
        Row::All => &ALL,
        row => std::slice::from_ref(row),
    };
    for row in rows {
        let table = match row {
            Row::Configmaps => configmaps::measure(&programs, cli.rounds)?,
            Row::Pods => pods::measure(&programs, cli.rounds)?,
            Row::Pacing => pacing::measure(&programs, cli.rounds)?,
            Row::WatchLine => watch_line::measure(cli.rounds)?,
            Row::Start => start::measure(&programs, cli.rounds)?,
            Row::Preload => real_node::preload(&programs, cli.rounds)?,
            Row::Rows => real_node::rows(&programs, cli.rounds)?,
            Row::Room => real_node::room(&programs)?,
            Row::LifeCycle => life_cycle::measure(cli.rounds)?,
            Row::Record => records::record(&programs, cli.rounds)?,
            Row::Report => records::report(&programs, cli.rounds)?,
            Row::Compare => records::compare(&programs, cli.rounds)?,
            Row::All => continue,
        };
        print(&table, cli.output)?;
    }
    Ok(())
}

fn print(table: &Table, output: Output) -> anyhow::Result<()> {
    use std::io::Write;
    let text = match output {
        Output::Text => table.to_string(),
        Output::Json => serde_json::to_string(table)?,
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// Tells on stderr what happens.
fn say(line: &str) {
    use std::io::Write;
    // Nothing can be done when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
