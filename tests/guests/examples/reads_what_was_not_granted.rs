//! Reads a secret although it may only read pods.

use guest::{Guest, core, export_guest, manifest, read};

struct Reads;

impl Guest for Reads {
    fn manifest() -> String {
        manifest(r#"[{"apiGroups":[""],"resources":["pods"],"verbs":["get"],"namespaces":"all"}]"#)
    }

    fn run() -> Result<(), String> {
        read::get(&core("secrets", "kube-system"), "admin").map(|_| ()).map_err(guest::reason)
    }
}

export_guest!(Reads);
