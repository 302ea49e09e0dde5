//! Set-up steps; each does nothing when it is done already.

use std::{io::Write, process::Command};

use anyhow::{Context, ensure};

use crate::root;

const WASM_TARGET: &str = "wasm32-wasip2";

/// Writes a line to stderr.
pub fn say(line: &str) {
    // Nothing can be done when stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Installs the wasm target of the toolchain that the repository pins.
pub fn wasm_target() -> anyhow::Result<()> {
    let mut list = Command::new("rustup");
    list.current_dir(root()).args(["target", "list", "--installed"]);
    let output = list.output().context("failed to start `rustup`; install it first")?;
    if String::from_utf8_lossy(&output.stdout).lines().any(|line| line.trim() == WASM_TARGET) {
        return Ok(());
    }
    say(&format!("installing the target {WASM_TARGET}"));
    let mut add = Command::new("rustup");
    add.current_dir(root()).args(["target", "add", WASM_TARGET]);
    let status = add.status().context("failed to start `rustup`")?;
    ensure!(status.success(), "`rustup target add {WASM_TARGET}` ended with {status}");
    Ok(())
}

/// Builds the plugin that is written in JavaScript into `target/plugins/other`, where its test looks.
pub fn foreign_plugins() -> anyhow::Result<()> {
    let folder = root().join("plugins/measurements/node-conditions-js");
    std::fs::create_dir_all(root().join("target/plugins/other"))?;
    // The compiler is pinned in package.json; the lock file lacks the bindings of other systems, which `ci` wants.
    for arguments in [&["install", "--no-save", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(arguments);
        let status = npm.status().context("failed to start `npm`; install Node.js 20 or newer first")?;
        ensure!(status.success(), "`npm {}` ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Builds the real control plane from its Go modules, once, into the user's cache.
pub fn control_plane() -> anyhow::Result<()> {
    let cache = bench_lab::default_cache()?;
    bench_lab::Binaries::ensure(&cache)
        .context("failed to build the real control plane, which the tests need")?;
    Ok(())
}
