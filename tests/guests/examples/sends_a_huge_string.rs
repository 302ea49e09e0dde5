//! Hands over a text of 32 MiB.

use guest::{Guest, export_guest, log};

struct Sends;

impl Guest for Sends {
    fn run() -> Result<(), String> {
        log::log(log::Level::Info, &"x".repeat(32 << 20), &[]);
        Ok(())
    }
}

export_guest!(Sends);
