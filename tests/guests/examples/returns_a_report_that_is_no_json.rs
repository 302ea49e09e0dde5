//! Ends with words for people.

use guest::{Guest, export_guest};

struct Returns;

impl Guest for Returns {
    fn finish() -> Result<String, String> {
        Ok("all is well".to_owned())
    }
}

export_guest!(Returns);
