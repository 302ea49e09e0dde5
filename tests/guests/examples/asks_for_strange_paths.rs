//! Tries to leave its place in a URL.

use guest::{Guest, core, export_guest, manifest, read};

struct Asks;

impl Guest for Asks {
    fn manifest() -> String {
        manifest(r#"[{"apiGroups":["*"],"resources":["*"],"verbs":["get"],"namespaces":"all"}]"#)
    }

    fn run() -> Result<(), String> {
        let strange = [
            (core("pods/../secrets", "a"), "b"),
            (core("pods", "a/../b"), "c"),
            (core("pods", "a"), "../../namespaces/b/secrets/c"),
            (core("pods", "a"), "b?watch=true"),
            (core("", "a"), "b"),
        ];
        for (target, name) in strange {
            let answer = read::get(&target, name).map_err(guest::reason);
            if answer != Err("invalid-argument".to_owned()) {
                return Err(format!("{target:?} {name}: {answer:?}"));
            }
        }
        Ok(())
    }
}

export_guest!(Asks);
