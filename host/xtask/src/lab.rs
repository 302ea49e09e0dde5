//! `cargo xtask lab`: a real cluster to work against by hand.
//!
//! `up` starts a keeper in the background, which owns the lab and answers on a socket; `status`, `kubeconfig` and `down`
//! ask it. A keeper that is killed takes its lab along: see `bench_lab`.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;

use crate::setup::{self, say};

mod keeper;
mod nodes;

use nodes::Nodes;

/// What to do with the lab.
#[derive(Debug, Subcommand)]
pub enum Lab {
    /// Start it, and return when it is ready.
    Up {
        /// Real nodes, which need root, and fake ones: `real=2,kwok=100`.
        #[arg(long, default_value = "kwok=100")]
        nodes: Nodes,
        /// Names in DNS, volumes on demand and `kubectl top` too.
        #[arg(long)]
        addons: bool,
    },
    /// Say what runs.
    Status,
    /// Print the path of the kubeconfig of an ordinary user with all rights.
    Kubeconfig,
    /// End it, and return when nothing is left.
    Down,
    /// Build the programs that it needs, and say what the machine lacks for real nodes.
    Build,
    /// The process behind `up`.
    #[command(hide = true)]
    Keep {
        #[arg(long)]
        nodes: Nodes,
        #[arg(long)]
        addons: bool,
    },
}

/// Does it.
pub fn run(lab: Lab) -> anyhow::Result<()> {
    match lab {
        Lab::Up { nodes, addons } => up(nodes, addons),
        Lab::Status => print(&keeper::ask("status")?),
        Lab::Kubeconfig => print(&keeper::ask("kubeconfig")?),
        Lab::Down => {
            keeper::ask("down")?;
            say("the lab is down");
            Ok(())
        }
        Lab::Build => {
            setup::control_plane()?;
            setup::node_tier().map(drop)
        }
        Lab::Keep { nodes, addons } => keeper::keep(nodes, addons),
    }
}

fn up(nodes: Nodes, addons: bool) -> anyhow::Result<()> {
    ensure!(
        keeper::ask_if_up("status")?.is_none(),
        "a lab is already up: `cargo xtask lab status` shows it, `cargo xtask lab down` ends it"
    );
    ensure!(!addons || nodes.real > 0, "`--addons` run on a real node: add `real=1` to `--nodes`");
    setup::control_plane()?;
    if nodes.real > 0 {
        setup::node_tier()?.into_result()?;
    }
    if addons {
        bench_lab::AddonBinaries::ensure(&bench_lab::default_cache()?)?;
    }
    let log = log_path()?;
    let errors = std::fs::File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
    // A session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
    let mut command = Command::new("setsid");
    command.arg(std::env::current_exe()?).args(["lab", "keep", "--nodes", &nodes.to_string()]);
    command.args(addons.then_some("--addons"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn()?;
    let stdout = child.stdout.take().context("no pipe to the lab's keeper")?;
    for line in BufReader::new(stdout).lines() {
        match line?.as_str() {
            keeper::READY => return print(&keeper::ask("status")?),
            line => say(line),
        }
    }
    let status = child.wait()?;
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    bail!("the lab did not start ({status}):\n{}", said.trim());
}

fn log_path() -> anyhow::Result<PathBuf> {
    let root = bench_lab::root();
    std::fs::create_dir_all(&root).with_context(|| format!("failed to make {}", root.display()))?;
    Ok(root.join("up.log"))
}

/// Writes an answer to stdout: it is what was asked for.
fn print(answer: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{}", answer.trim_end())?)
}
