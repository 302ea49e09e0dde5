//! Developer tasks: `cargo xtask demo` shows the program, `cargo xtask test` passes all the tests.
//!
//! Each does its own set-up, so that a fresh machine with rustup, Go and a C compiler needs nothing else.

mod fuzz;
mod lab;
mod setup;
mod tiers;

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};

/// Developer tasks of `bench`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build everything and run the quickstart scenario on the simulated cluster.
    Demo,
    /// Build what the tests need, the real control plane included, and run all of them.
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
        /// Let clippy compile, and fail on what it warns of: lints and tests from one build, as CI does.
        #[arg(long)]
        lint: bool,
    },
    /// Check form and lints without running a test.
    Lint,
    /// Rewrite golden files and snapshots to what the code now does; look at the diff before committing.
    Bless,
    /// Measure what `bench` costs and compare it with the targets; `cargo xtask bench help` lists the rows.
    Bench {
        /// The profile in which everything that is compared is built.
        #[arg(long, default_value = "dev")]
        profile: String,
        /// Which row, how many rounds, in which form.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Feed the readers of foreign bytes with what coverage leads to; needs a C++ compiler.
    Fuzz {
        /// One target of `tests/fuzz/targets`; each in turn by default.
        target: Option<String>,
        /// How long each target runs, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// A real cluster to work against by hand: bring it up, look at it, take it down.
    #[command(subcommand)]
    Lab(lab::Lab),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo => demo(),
        Task::Test { filter, lint } => test(filter.as_deref(), lint),
        Task::Lint => lint(),
        Task::Bless => bless(),
        Task::Bench { profile, arguments } => bench(&profile, &arguments),
        Task::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Task::Lab(lab) => lab::run(lab),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            setup::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(arguments);
    // What cargo told this program about itself: build scripts that look at it would run again, and all above them.
    for (name, _) in std::env::vars_os() {
        let is_of_this_package = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if is_of_this_package {
            command.env_remove(name);
        }
    }
    command
}

fn run(mut command: Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("failed to start {shown}"))?;
    ensure!(status.success(), "{shown} ended with {status}");
    Ok(())
}

fn demo() -> anyhow::Result<()> {
    setup::wasm_target()?;
    // The whole workspace chooses the features of dependencies, as the tests do: they are compiled once for both.
    run(cargo(["build", "--workspace", "--bin", "bench"]))?;
    // Gigabytes that are still being written after the first build would disturb what is measured.
    run(Command::new("sync"))?;
    let bench = root().join("target/debug/bench");
    let mut command = Command::new(bench);
    command.current_dir(root()).args(["run", "scenarios/quickstart.yaml"]);
    run(command)
}

fn test(filter: Option<&str>, lint: bool) -> anyhow::Result<()> {
    setup::wasm_target()?;
    if lint {
        run(cargo(["fmt", "--all", "--check"]))?;
        // What tests do not need, benchmarks, is linted too.
        run(linting(cargo(["build", "--workspace", "--all-targets"])))?;
    }
    setup::foreign_plugins()?;
    setup::control_plane()?;
    let left_out = tiers::prepare()?;
    let mut command = cargo(["test", "--workspace", "--no-fail-fast"]);
    if lint {
        command = linting(command);
    }
    command.args(filter).arg("--");
    command.args(left_out.iter().flat_map(|left_out| ["--skip", left_out.tier.name]));
    let result = run(command);
    for left_out in left_out {
        setup::say(&left_out.to_string());
    }
    result
}

/// Has clippy compile what is ours: it lints first and then does what rustc does. `cargo clippy` would check all
/// dependencies in a second build.
fn linting(mut command: Command) -> Command {
    // As `cargo clippy` hands on what stands behind `--`.
    let deny = "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__";
    // Not by a variable: tests that run cargo would inherit it.
    command.args(["--config", "build.rustc-workspace-wrapper='clippy-driver'"]).env("CLIPPY_ARGS", deny);
    command
}

fn lint() -> anyhow::Result<()> {
    setup::wasm_target()?;
    run(cargo(["fmt", "--all", "--check"]))?;
    run(cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// One build of the whole workspace, so that all programs have the same dependencies in the same profile.
fn bench(profile: &str, arguments: &[String]) -> anyhow::Result<()> {
    setup::wasm_target()?;
    run(cargo(["build", "--workspace", "--bins", "--profile", profile]))?;
    // As the one that `bench` embeds.
    let component =
        ["build", "--profile", "plugin", "--package", "pod-latency", "--target", setup::WASM_TARGET];
    run(cargo(component.into_iter().chain(["--target-dir", "target/plugins"])))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let mut command = Command::new(root().join("target").join(folder).join("benches"));
    command.current_dir(root()).args(arguments);
    run(command)
}

fn bless() -> anyhow::Result<()> {
    setup::wasm_target()?;
    setup::foreign_plugins()?;
    let mut command = cargo(["test", "--workspace", "--no-fail-fast", "--exclude", "bench-lab"]);
    command.env("UPDATE_EXPECT", "1").env("INSTA_UPDATE", "always");
    run(command)
}
