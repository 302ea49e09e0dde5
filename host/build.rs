//! Builds the built-in plugins as wasm components and tells the binary where they are.
//!
//! They are the same components that anyone could load from a file; embedding saves users a download. Cargo
//! runs with a target directory of its own: the outer one is locked while this runs.

#![expect(clippy::expect_used, reason = "a build that cannot go on says why by panicking")]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";
const PLUGINS: [&str; 2] = ["objects", "pod-latency"];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    for path in [
        "plugins/sdk/rust",
        "plugins/workloads",
        "plugins/measurements/pod-latency",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    check_target();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("plugins");
    build(&root, &out);
    for plugin in PLUGINS {
        let file = out.join(TARGET).join(PROFILE).join(format!("{}.wasm", plugin.replace('-', "_")));
        let variable = format!("BENCH_PLUGIN_{}", plugin.replace('-', "_").to_uppercase());
        println!("cargo::rustc-env={variable}={}", file.display());
    }
}

fn check_target() {
    let rustc = env::var_os("RUSTC").expect("cargo sets it");
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let folder = output
        .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        .unwrap_or_default();
    assert!(
        folder.is_dir(),
        "the built-in plugins need the target `{TARGET}`: run `rustup target add {TARGET}`, or `cargo xtask demo`, which does"
    );
}

fn build(root: &Path, target_dir: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo
        .current_dir(root)
        .args(["build", "--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(target_dir);
    for plugin in PLUGINS {
        cargo.args(["--package", plugin]);
    }
    // What the outer cargo or clippy set for the host must not reach the guest.
    for variable in [
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.env_remove(variable);
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "failed to build the built-in plugins: {status}");
}
