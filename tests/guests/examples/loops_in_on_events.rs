//! Computes for ever in `on-events`, calling the host now and then.

use guest::{EventBatch, Guest, export_guest, run};

struct Loops;

impl Guest for Loops {
    fn on_events(_batch: EventBatch) -> Result<(), String> {
        loop {
            run::now();
        }
    }
}

export_guest!(Loops);
