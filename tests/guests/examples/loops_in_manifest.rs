//! Never says what it is.

use guest::{Guest, export_guest};

struct Loops;

impl Guest for Loops {
    fn manifest() -> String {
        loop {
            std::hint::black_box(0);
        }
    }
}

export_guest!(Loops);
