//! Says ten thousand things at once.

use guest::{Guest, export_guest, log};

struct Floods;

impl Guest for Floods {
    fn run() -> Result<(), String> {
        for n in 0..10_000 {
            log::log(log::Level::Error, &format!("{n}: {}", "x".repeat(1_000)), &[]);
        }
        Ok(())
    }
}

export_guest!(Floods);
