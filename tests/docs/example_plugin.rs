//! The plugin of `plugins/README.md`: built as it stands there, and looked at by the program.

use std::process::Command;

use crate::document::{Document, root};

#[test]
fn the_first_plugin_of_the_guide_builds_and_loads() {
    let guide = Document::named("plugins/README.md");
    let blocks = guide.blocks();
    let block =
        |language: &str| &blocks.iter().find(|block| block.language == language).expect(language).text;
    let sdk = root().join("plugins/sdk/rust");
    let manifest = block("toml").replace("../bench/plugins/sdk/rust", sdk.to_str().expect("UTF-8"));

    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    std::fs::create_dir(folder.path().join("src")).expect("a folder");
    write("src/lib.rs", block("rust"));
    write("Cargo.toml", &manifest);
    // The versions that the project is tested with, and nothing is fetched.
    std::fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("copied");

    let target = root().join("target/docs");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build = Command::new(cargo)
        .current_dir(folder.path())
        .args(["build", "--release", "--offline", "--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .output()
        .expect("cargo starts");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));

    let inspect = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["plugin", "inspect", "--output", "json"])
        .arg(target.join("wasm32-wasip2/release/restarts.wasm"))
        .output()
        .expect("bench starts");
    let shown = String::from_utf8_lossy(&inspect.stdout);
    assert!(inspect.status.success(), "{}", String::from_utf8_lossy(&inspect.stderr));
    assert!(shown.contains("\"restarts\"") && shown.contains("\"watch\""), "{shown}");
}
