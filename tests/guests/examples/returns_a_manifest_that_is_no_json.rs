//! Says nothing that a machine can read.

use guest::{Guest, export_guest};

struct Returns;

impl Guest for Returns {
    fn manifest() -> String {
        "I am a plugin\u{1b}[31m".to_owned()
    }
}

export_guest!(Returns);
