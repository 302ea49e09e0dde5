//! Makes a label set for each number.

use guest::{Guest, export_guest, metrics, types::Label};

struct Opens;

impl Guest for Opens {
    fn run() -> Result<(), String> {
        for n in 0..10_000 {
            let label = Label { name: "n".to_owned(), value: n.to_string() };
            if let Err(failure) = metrics::Histogram::open("seen", "ns", &[label]) {
                return Err(format!("{} at {n}", failure.reason));
            }
        }
        Ok(())
    }
}

export_guest!(Opens);
