//! Sleeps through its language's own library, which knows nothing of a stop.

use guest::{Guest, export_guest};

struct Sleeps;

impl Guest for Sleeps {
    fn run() -> Result<(), String> {
        std::thread::sleep(std::time::Duration::from_secs(1_000_000_000));
        Ok(())
    }
}

export_guest!(Sleeps);
