//! Uses the host before it has said what it is.

use guest::{Guest, export_guest, manifest, run};

struct Calls;

impl Guest for Calls {
    fn manifest() -> String {
        manifest(&run::name())
    }
}

export_guest!(Calls);
