//! Does what a measurement should; the others are compared with it.

use std::cell::RefCell;

use guest::{EventBatch, Guest, export_guest, metrics};

struct Behaves;

thread_local! {
    static SEEN: RefCell<Option<metrics::Histogram>> = const { RefCell::new(None) };
}

impl Guest for Behaves {
    fn run() -> Result<(), String> {
        let done = metrics::Counter::open("done", "1", &[]).map_err(guest::reason)?;
        done.add(1);
        done.add(2);
        Ok(())
    }

    fn on_events(batch: EventBatch) -> Result<(), String> {
        SEEN.with_borrow_mut(|seen| {
            if seen.is_none() {
                *seen = Some(metrics::Histogram::open("seen", "ns", &[]).map_err(guest::reason)?);
            }
            let ages: Vec<u64> = batch.observed_at.iter().map(|&at| at.unsigned_abs()).collect();
            seen.iter().for_each(|seen| seen.observe(&ages));
            Ok(())
        })
    }

    fn finish() -> Result<String, String> {
        Ok(r#"{"done":true}"#.to_owned())
    }
}

export_guest!(Behaves);
