//! Opens the same queue again and again and drops none.

use guest::{Guest, export_guest, write};

struct Keeps;

impl Guest for Keeps {
    fn run() -> Result<(), String> {
        let mut queues = Vec::new();
        loop {
            queues.push(write::Queue::open("main").map_err(guest::reason)?);
        }
    }
}

export_guest!(Keeps);
