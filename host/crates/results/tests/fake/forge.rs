//! Records whose checksums are right again after somebody changed them.

use std::{collections::BTreeMap, fs, path::Path};

/// Commits all files as they are now: what someone would do who wants a wrong number believed.
pub fn forge(dir: &Path) {
    let mut files = BTreeMap::new();
    for below in ["", "series", "tables"] {
        for entry in fs::read_dir(dir.join(below)).expect("a directory") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(dir).expect("below").to_str().expect("text").to_owned();
            if path.is_file() && !["checks.ndjson", "journal", "lock"].contains(&name.as_str()) {
                let content = fs::read(&path).expect("reads");
                files.insert(name, (content.len(), crc32fast::hash(&content)));
            }
        }
    }
    let commit = serde_json::json!({ "at": 0, "files": files }).to_string();
    let line = format!("{{\"crc\":{},\"commit\":{commit}}}\n", crc32fast::hash(commit.as_bytes()));
    fs::write(dir.join("checks.ndjson"), line).expect("writes");
}
