//! Does all that needs a cluster in a run that has none.

use guest::{Guest, core, export_guest, manifest, read, wait, write};

struct Acts;

impl Guest for Acts {
    fn manifest() -> String {
        manifest(
            r#"[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list","watch","create"],"namespaces":"all"}]"#,
        )
    }

    fn run() -> Result<(), String> {
        let source = "{apiVersion: v1, kind: Pod, metadata: {name: a}}";
        let pods = core("pods", "mine");
        let answers = [
            read::get(&pods, "a").map(|_| ()),
            read::list_page(&pods, "", "", 10, "").map(|_| ()),
            read::resolve("v1", "Pod").map(|_| ()),
            wait::until(&pods, "", "ready", 1, 1_000_000_000).map(|_| ()),
            write::Template::compile(source, "mine").map(|_| ()),
        ];
        for (n, answer) in answers.into_iter().enumerate() {
            let answer = answer.map_err(guest::reason);
            if answer != Err("unavailable".to_owned()) {
                return Err(format!("{n}: {answer:?}"));
            }
        }
        Ok(())
    }
}

export_guest!(Acts);
