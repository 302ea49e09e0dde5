//! Computes for ever in `setup`.

use guest::{Guest, export_guest};

struct Loops;

impl Guest for Loops {
    fn setup() -> Result<(), String> {
        loop {
            std::hint::black_box(0);
        }
    }
}

export_guest!(Loops);
