//! Calls itself without end.

use guest::{Guest, export_guest};

struct Recurses;

#[expect(unconditional_recursion, reason = "the misbehavior")]
fn deeper(n: u64) -> u64 {
    let here = std::hint::black_box([n; 16]);
    here.iter().sum::<u64>().wrapping_add(deeper(std::hint::black_box(n + 1)))
}

impl Guest for Recurses {
    fn run() -> Result<(), String> {
        Err(deeper(0).to_string())
    }
}

export_guest!(Recurses);
