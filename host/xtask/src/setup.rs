//! Set-up steps; each does nothing when it is done already.

use std::{collections::BTreeSet, io::Write, process::Command};

use anyhow::{Context, ensure};

use crate::root;

/// What plugins are compiled for.
pub const WASM_TARGET: &str = "wasm32-wasip2";

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

/// Whether real nodes can run on this machine.
#[derive(Debug)]
pub enum NodeTier {
    /// The programs are built.
    Ready,
    /// The machine cannot run them.
    Missing(Vec<bench_lab::Missing>),
}

impl NodeTier {
    /// An error that names what is missing, for whoever wants real nodes and nothing else.
    pub fn into_result(self) -> anyhow::Result<()> {
        match self {
            Self::Ready => Ok(()),
            Self::Missing(missing) => {
                let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
                anyhow::bail!(
                    "real nodes need what this machine lacks: {}\nthe control plane with fake nodes runs without it: \
                     `--nodes kwok=100`",
                    list.join(", ")
                )
            }
        }
    }
}

/// Debian's packages that runc is built with; the others are named by what is missing.
const BUILD_PACKAGES: [&str; 4] = ["gcc", "libc6-dev", "pkg-config", "libseccomp-dev"];

/// Builds the programs of real nodes from their modules, once, if the machine can run them.
///
/// As root on Debian, missing packages are installed first.
pub fn node_tier() -> anyhow::Result<NodeTier> {
    let packages: Vec<&str> = bench_lab::missing().iter().filter_map(bench_lab::Missing::package).collect();
    if bench_lab::missing().iter().all(|missing| missing.package().is_some()) {
        let builds_runc = !std::path::Path::new("/usr/include/seccomp.h").exists();
        let build = if builds_runc { &BUILD_PACKAGES[..] } else { &[] };
        // One package may have several of the missing programs.
        install(packages.into_iter().chain(build.iter().copied()).collect());
    }
    let missing = bench_lab::missing();
    if !missing.is_empty() {
        return Ok(NodeTier::Missing(missing));
    }
    let cache = bench_lab::default_cache()?;
    bench_lab::NodeBinaries::ensure(&cache).context("failed to build the programs of real nodes")?;
    Ok(NodeTier::Ready)
}

/// Installs Debian packages; what could not be installed is found missing afterwards.
pub fn install(packages: BTreeSet<&str>) {
    if packages.is_empty() {
        return;
    }
    say(&format!("installing {}", packages.iter().copied().collect::<Vec<_>>().join(" ")));
    for arguments in [&["update", "--quiet"][..], &["install", "--yes", "--no-install-recommends"]] {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        if arguments.first() == Some(&"install") {
            apt.args(&packages);
        }
        // Stdout is for what was asked for.
        apt.stdout(std::io::stderr());
        match apt.status() {
            Ok(status) if status.success() => {}
            Ok(status) => say(&format!("`apt-get {}` ended with {status}", arguments.join(" "))),
            Err(error) => say(&format!("`apt-get` cannot be run: {error}")),
        }
    }
}

/// Whether a program is in PATH.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// Whether the user may install packages.
pub fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}
