//! Panics after it recorded something.

use guest::{Guest, export_guest, metrics};

struct Traps;

impl Guest for Traps {
    fn run() -> Result<(), String> {
        let done = metrics::Counter::open("done", "1", &[]).map_err(guest::reason)?;
        done.add(7);
        panic!("my own words");
    }
}

export_guest!(Traps);
