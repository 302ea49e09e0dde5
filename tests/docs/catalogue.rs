//! The catalogue of scenarios names each file, and each is valid.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use crate::document::{Document, documents, root};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if is_scenario(&path) {
            found.push(path);
        }
    }
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml")
        && std::fs::read_to_string(path).expect("UTF-8").contains("kind: Scenario")
}

fn scenarios() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join("scenarios"), &mut found);
    assert!(found.len() > 10, "only {} scenarios were found", found.len());
    found.sort();
    found
}

fn validate(path: &Path) -> Result<(), String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bench")).arg("validate").arg(path).output().expect("bench starts");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn every_scenario_is_in_the_catalogue_and_nothing_else() {
    let catalogue = Document::named("scenarios/README.md").text;
    let rows = catalogue.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    let found = scenarios();
    let there: BTreeSet<&str> =
        found.iter().map(|path| path.file_name().and_then(|name| name.to_str()).expect("a name")).collect();
    assert_eq!(named, there);
}

#[test]
fn every_scenario_is_valid() {
    for path in scenarios() {
        validate(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn every_whole_scenario_in_a_document_is_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    for document in documents() {
        for block in document.blocks() {
            if block.language != "yaml" || !block.text.contains("kind: Scenario") {
                continue;
            }
            let path = folder.path().join("scenario.yaml");
            std::fs::write(&path, &block.text).expect("written");
            validate(&path).unwrap_or_else(|error| panic!("{}: {error}", document.name));
        }
    }
}
