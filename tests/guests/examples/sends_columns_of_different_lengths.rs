//! Gives bounds that do not belong together.

use guest::{Guest, export_guest, metrics};

struct Sends;

impl Guest for Sends {
    fn run() -> Result<(), String> {
        let seen = metrics::Histogram::open("seen", "ns", &[]).map_err(guest::reason)?;
        seen.observe_between(&[1, 2, 3], &[4]);
        Ok(())
    }
}

export_guest!(Sends);
