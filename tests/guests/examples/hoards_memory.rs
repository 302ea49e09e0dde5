//! Allocates until something gives.

use guest::{Guest, export_guest};

struct Hoards;

impl Guest for Hoards {
    fn run() -> Result<(), String> {
        let mut hoard = Vec::new();
        loop {
            hoard.push(vec![1_u8; 1 << 20]);
            std::hint::black_box(&hoard);
        }
    }
}

export_guest!(Hoards);
