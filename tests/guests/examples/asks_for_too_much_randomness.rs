//! Wants four thousand million numbers at once.

use guest::{Guest, export_guest, run};

struct Asks;

impl Guest for Asks {
    fn run() -> Result<(), String> {
        Err(run::random_u64(u32::MAX).len().to_string())
    }
}

export_guest!(Asks);
