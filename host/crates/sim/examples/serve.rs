//! Runs a simulated cluster until interrupted. Writes the kubeconfig to the file named by the first argument.
//!
//! The second argument, if any, is a file with a `SimConfig` as YAML.

use bench_sim::{Sim, SimConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kubeconfig = arguments.next().ok_or("usage: serve KUBECONFIG [CONFIG]")?;
    let config = match arguments.next() {
        Some(file) => serde_saphyr::from_str(&std::fs::read_to_string(file)?)?,
        None => SimConfig { nodes: 3, ..SimConfig::default() },
    };
    let sim = Sim::start(config)?;
    std::fs::write(kubeconfig, sim.kubeconfig())?;
    tokio::signal::ctrl_c().await?;
    sim.shutdown().await;
    Ok(())
}
