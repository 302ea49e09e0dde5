//! Ends its process, as if it had one.

use guest::{Guest, export_guest};

struct Exits;

impl Guest for Exits {
    fn run() -> Result<(), String> {
        std::process::exit(3)
    }
}

export_guest!(Exits);
