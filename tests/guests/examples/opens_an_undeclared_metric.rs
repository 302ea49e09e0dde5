//! Records under a name that its manifest does not have.

use guest::{Guest, export_guest, metrics};

struct Opens;

impl Guest for Opens {
    fn run() -> Result<(), String> {
        metrics::Histogram::open("surprise", "ns", &[]).map(|_| ()).map_err(guest::reason)
    }
}

export_guest!(Opens);
