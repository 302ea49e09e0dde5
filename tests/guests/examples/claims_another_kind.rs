//! Says that it is only a workload and exports a measurement too.

use guest::{Guest, export_guest};

struct Claims;

impl Guest for Claims {
    fn manifest() -> String {
        r#"{"name":"guest","version":"0.1.0","kinds":["workload"]}"#.to_owned()
    }
}

export_guest!(Claims);
