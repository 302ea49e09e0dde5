//! `bench sim`: the simulated cluster by itself, until Ctrl-C.

use std::path::{Path, PathBuf};

use bench_sim::{Sim, SimConfig};

use crate::{
    cli::SimArgs,
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Serves until a signal; prints the path of the kubeconfig.
pub async fn run(args: SimArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut config = match &args.config {
        Some(path) => read_config(path)?,
        None => SimConfig { nodes: args.nodes, ..SimConfig::default() },
    };
    config.listen = args.listen;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::error(Exit::Bug, Message(format!("failed to start the simulated cluster: {error}")))
    };
    let sim = Sim::start(config).map_err(|e| failed(&e))?;
    let path = args
        .kubeconfig_out
        .unwrap_or_else(|| PathBuf::from(format!("bench-sim-{}.kubeconfig", std::process::id())));
    write_private(&path, sim.kubeconfig())
        .map_err(|e| failed(&format!("cannot write `{}`: {e}", path.display())))?;
    ui.print(&format!("{}\n", path.display()))?;
    ui.note(&format!(
        "serving at {}; try: kubectl --kubeconfig {} get nodes; Ctrl-C ends it",
        sim.url(),
        path.display()
    ));
    let ended = wait_for_signal().await;
    drop(sim);
    // Its cluster is gone: the file would only mislead.
    let _ = std::fs::remove_file(&path);
    ended.map_err(|e| failed(&e))?;
    Ok(Exit::Pass)
}

fn read_config(path: &Path) -> Result<SimConfig, Failure> {
    let invalid = |text: String| Failure::error(Exit::InvalidScenario, Message(text));
    let text = std::fs::read_to_string(path)
        .map_err(|e| invalid(format!("failed to read `{}`: {e}", path.display())))?;
    SimConfig::from_yaml(&text)
        .map_err(|e| invalid(format!("`{}` holds no settings of a simulated cluster: {e}", path.display())))
}

/// A kubeconfig may hold a token.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
