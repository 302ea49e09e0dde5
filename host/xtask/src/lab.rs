//! `cargo xtask lab`: a real control plane with fake nodes, to work against by hand.

use std::io::Read;

use clap::Subcommand;

use crate::setup::say;

/// What to do with the lab.
#[derive(Debug, Subcommand)]
pub enum Lab {
    /// Start it, print the paths of its kubeconfigs, and keep it until stdin closes or Ctrl-C.
    Up {
        /// Fake nodes.
        #[arg(long, default_value_t = 100)]
        kwok: u32,
    },
}

/// Runs the lab; its processes end with this one, however it ends.
pub fn run(lab: Lab) -> anyhow::Result<()> {
    match lab {
        Lab::Up { kwok } => {
            let options = bench_lab::Options { nodes: kwok, ..bench_lab::Options::default() };
            let lab = bench_lab::ControlPlane::start(options)?;
            say(&format!("API server   {}", lab.url()));
            say(&format!("user         {}", lab.kubeconfig().display()));
            say(&format!("admin        {}", lab.admin_kubeconfig().display()));
            say("Ctrl-C, or the end of stdin, ends it");
            let mut rest = Vec::new();
            std::io::stdin().lock().read_to_end(&mut rest)?;
            drop(lab);
            Ok(())
        }
    }
}
