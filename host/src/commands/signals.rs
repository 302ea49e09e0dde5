//! SIGINT, SIGTERM and the key that stops: the first stops the load and cleans up, the second leaves.

use bench_engine::Stop;
use bench_model::StopReason;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::diagnostics::Ui;

/// Listens until it is dropped; `pressed` is the key of the live view, which takes Ctrl-C from the terminal.
pub async fn listen(stop: Stop, mut pressed: mpsc::Receiver<()>, ui: Ui) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("signals cannot be heard: an interrupted run will have to be cleaned up by hand");
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => StopReason::Interrupt,
            _ = terminate.recv() => StopReason::Terminate,
            Some(()) = pressed.recv() => StopReason::Interrupt,
        }
    };
    let reason = next().await;
    ui.note(
        "stopping: no new load, flushing the record, removing what the run made (once more to leave at once)",
    );
    stop.stop(reason);
    let reason = next().await;
    ui.note("leaving without cleaning up");
    stop.abandon(reason);
}
