//! Describes its configuration by what is no JSON Schema.

use guest::{Guest, export_guest};

struct Returns;

impl Guest for Returns {
    fn config_schema() -> String {
        r#"{"type":"thing"}"#.to_owned()
    }
}

export_guest!(Returns);
