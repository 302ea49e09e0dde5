//! The simulated cluster inside the program: on a thread of its own, reached through its socket only.

use bench_sim::{Sim, SimConfig};
use tokio::sync::oneshot;

use crate::{
    diagnostics::{Failure, Message},
    exit_code::Exit,
};

/// A running simulated cluster; it ends when this is dropped.
pub struct Simulated {
    kubeconfig: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Simulated {
    /// Starts one and returns when it serves.
    ///
    /// # Errors
    /// When it cannot listen, or its settings make no sense.
    pub fn start(config: SimConfig) -> Result<Self, Failure> {
        let (started, start) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("sim".to_owned())
            .spawn(move || serve(config, &started, stopped));
        let failed = |text: String| {
            Failure::error(Exit::Bug, Message(format!("failed to start the simulated cluster: {text}")))
        };
        let thread = thread.map_err(|error| failed(error.to_string()))?;
        let kubeconfig = start.recv().map_err(|_| failed("it ended at once".to_owned()))?.map_err(failed)?;
        Ok(Self { kubeconfig, stop: Some(stop), thread: Some(thread) })
    }

    /// How to reach it.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }
}

fn serve(
    config: SimConfig,
    started: &std::sync::mpsc::Sender<Result<String, String>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error.to_string()))),
    };
    runtime.block_on(async move {
        match Sim::start(config) {
            Ok(sim) => {
                let _ = started.send(Ok(sim.kubeconfig().to_owned()));
                let _ = stopped.await;
                sim.shutdown().await;
            }
            Err(error) => drop(started.send(Err(error.to_string()))),
        }
    });
}

impl Drop for Simulated {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by itself.
            let _ = thread.join();
        }
    }
}
