//! Goes on although every blocking call says that the run is over.

use guest::{Guest, export_guest, run};

struct Ignores;

impl Guest for Ignores {
    fn run() -> Result<(), String> {
        loop {
            let _ = run::sleep_until(i64::MAX);
        }
    }
}

export_guest!(Ignores);
