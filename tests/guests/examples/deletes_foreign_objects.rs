//! Deletes what the run did not make, although it may delete pods and namespaces everywhere.

use guest::{Guest, core, export_guest, manifest, write};

struct Deletes;

impl Guest for Deletes {
    fn manifest() -> String {
        manifest(
            r#"[{"apiGroups":[""],"resources":["pods","nodes","namespaces"],"verbs":["delete"],"namespaces":"all"}]"#,
        )
    }

    fn run() -> Result<(), String> {
        let queue = write::Queue::open("main").map_err(guest::reason)?;
        let victims = [("pods", "kube-system"), ("pods", ""), ("nodes", ""), ("namespaces", "")];
        for (plural, namespace) in victims {
            let deleted = queue.delete(&core(plural, namespace), &["victim".to_owned()], &[]);
            if deleted.map_err(guest::reason) != Err("denied".to_owned()) {
                return Err(format!("deleted {plural} in `{namespace}`"));
            }
        }
        // The namespace `mine` was made by this run.
        queue.delete(&core("pods", "mine"), &["own".to_owned()], &[]).map_err(guest::reason)?;
        queue.delete(&core("namespaces", ""), &["mine".to_owned()], &[]).map_err(guest::reason)?;
        Ok(())
    }
}

export_guest!(Deletes);
