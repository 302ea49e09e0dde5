//! Who may import what: the table in ARCHITECTURE.md against what Cargo says.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

fn root() -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Crate → ours that it may import, from the table.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("host/ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let table = text.split("## Code map").nth(1).expect("a code map");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let imports = cells[3].split(',').map(str::trim).filter(|name| *name != "–");
        (cells[1].trim_matches('`').to_owned(), imports.map(str::to_owned).collect())
    })
    .collect()
}

/// Crate → ours that it imports, development dependencies left out.
fn actual() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let short = |name: &str| name.strip_prefix("bench-").unwrap_or(name).to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours = packages.iter().filter(|package| {
        let path = package["manifest_path"].as_str().expect("a path");
        path.contains("/host/crates/") || path.ends_with("/host/Cargo.toml")
    });
    ours.map(|package| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let names = dependencies
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().expect("a name"))
            .filter(|name| name.starts_with("bench-"));
        (short(package["name"].as_str().expect("a name")), names.map(short).collect())
    })
    .collect()
}

#[test]
fn crates_import_what_the_table_allows_and_nothing_else() {
    let allowed = allowed();
    let actual = actual();
    assert_eq!(
        allowed.keys().collect::<Vec<_>>(),
        actual.keys().collect::<Vec<_>>(),
        "every crate is in the table"
    );
    for (name, imports) in &actual {
        if allowed[name].contains("all") {
            continue;
        }
        let more: Vec<_> = imports.difference(&allowed[name]).collect();
        assert!(more.is_empty(), "`{name}` imports {more:?}, which the table does not allow");
    }
}
