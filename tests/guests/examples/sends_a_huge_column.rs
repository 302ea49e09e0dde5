//! Hands over four million values at once.

use guest::{Guest, export_guest, metrics};

struct Sends;

impl Guest for Sends {
    fn run() -> Result<(), String> {
        let seen = metrics::Histogram::open("seen", "ns", &[]).map_err(guest::reason)?;
        seen.observe(&vec![1; 4 << 20]);
        Ok(())
    }
}

export_guest!(Sends);
