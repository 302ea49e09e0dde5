//! Computes for ever in `run`.

use guest::{Guest, export_guest};

struct Loops;

impl Guest for Loops {
    fn run() -> Result<(), String> {
        loop {
            std::hint::black_box(0);
        }
    }
}

export_guest!(Loops);
