//! Prints instead of logging.

use guest::{Guest, export_guest};

struct Prints;

impl Guest for Prints {
    fn run() -> Result<(), String> {
        println!("to the output");
        eprintln!("to the errors");
        for _ in 0..10_000 {
            print!("{}", "without an end ".repeat(100));
        }
        Ok(())
    }
}

export_guest!(Prints);
