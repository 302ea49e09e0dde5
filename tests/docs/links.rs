//! Links lead somewhere.

use crate::document::{Document, documents, root};

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut broken = Vec::new();
    for document in documents() {
        let folder = root().join(&document.name).parent().expect("a folder").to_owned();
        for link in document.links() {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { root().join(&document.name) } else { folder.join(path) };
            if !target.exists() {
                broken.push(format!("{}: `{link}` is not there", document.name));
            } else if !anchor.is_empty() && !has_anchor(&target, anchor) {
                broken.push(format!("{}: `{link}` names no heading", document.name));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

fn has_anchor(target: &std::path::Path, anchor: &str) -> bool {
    let text = std::fs::read_to_string(target).expect("UTF-8");
    Document { name: String::new(), text }.anchors().iter().any(|known| known == anchor)
}

/// Paths in `code` that look like files of the tree: `host/…`, `tests/…`, `plugins/…`, `scenarios/…`, `wit/…`.
#[test]
fn every_path_of_the_tree_that_is_named_in_code_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        for code in document.commands() {
            for word in code.split_whitespace() {
                let word = word.trim_end_matches(['.', ',', ';', ':']);
                let is_path = ["host/", "tests/", "plugins/", "scenarios/", "wit/"]
                    .iter()
                    .any(|top| word.starts_with(top));
                let is_pattern = word.contains(['*', '…', '{', '<', '$']);
                if is_path && !is_pattern && !root().join(word).exists() {
                    missing.push(format!("{}: `{word}`", document.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_readme_can_be_read_in_one_go() {
    assert!(Document::named("README.md").text.lines().count() < 120);
}
