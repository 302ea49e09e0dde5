//! Sleeps until the end of time, and gives up when it is told to.

use guest::{Guest, export_guest, run};

struct Sleeps;

impl Guest for Sleeps {
    fn run() -> Result<(), String> {
        run::sleep_until(i64::MAX).map_err(guest::reason)
    }
}

export_guest!(Sleeps);
