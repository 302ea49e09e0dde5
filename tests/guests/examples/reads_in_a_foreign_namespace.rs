//! Reads a pod outside of the namespaces that the run made.

use guest::{Guest, core, export_guest, manifest, read};

struct Reads;

impl Guest for Reads {
    fn manifest() -> String {
        manifest(r#"[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]"#)
    }

    fn run() -> Result<(), String> {
        read::get(&core("pods", "kube-system"), "dns").map(|_| ()).map_err(guest::reason)
    }
}

export_guest!(Reads);
