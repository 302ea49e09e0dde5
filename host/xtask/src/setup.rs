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
        install(packages.into_iter().chain(build.iter().copied()));
    }
    let missing = bench_lab::missing();
    if !missing.is_empty() {
        return Ok(NodeTier::Missing(missing));
    }
    let cache = bench_lab::default_cache()?;
    bench_lab::NodeBinaries::ensure(&cache).context("failed to build the programs of real nodes")?;
    Ok(NodeTier::Ready)
}

/// Value of `BENCH_REAL_NODES` for the tests: `require` where real nodes can run, `off` where they cannot or where the
/// caller's own variable says so.
///
/// # Errors
///
/// When the machine could run them, but programs are missing and cannot be installed or built.
pub fn real_nodes_for_tests() -> anyhow::Result<&'static str> {
    if std::env::var_os(bench_lab::REAL_NODES).is_some_and(|wish| wish == "off") {
        return Ok("off");
    }
    let missing = match node_tier()? {
        NodeTier::Ready => {
            bench_lab::AddonBinaries::ensure(&bench_lab::default_cache()?)?;
            return Ok("require");
        }
        NodeTier::Missing(missing) => missing,
    };
    if missing.iter().all(|missing| missing.package().is_some()) {
        let help = format!("`{}=off` leaves out the tests on real nodes", bench_lab::REAL_NODES);
        return NodeTier::Missing(missing).into_result().map(|()| "off").context(help);
    }
    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
    say(&format!("NO REAL NODES ON THIS MACHINE, their tests are left out; missing: {}", list.join(", ")));
    Ok("off")
}

/// Gets Debian's Prometheus into the cache if none is installed: unpacked only, because its package starts a service.
///
/// Value of `BENCH_PROMETHEUS` for the tests: `off` where it cannot be had.
pub fn prometheus_for_tests() -> anyhow::Result<&'static str> {
    if std::env::var_os("BENCH_PROMETHEUS").is_some_and(|wish| wish == "off") {
        say("NOT TESTED: a real Prometheus (BENCH_PROMETHEUS=off)");
        return Ok("off");
    }
    let folder = bench_lab::default_cache()?.join(bench_lab::PROMETHEUS_UNPACKED);
    if bench_lab::prometheus_program().is_none() {
        std::fs::create_dir_all(&folder)?;
        for script in
            [&["apt-get", "download", "prometheus"][..], &["sh", "-c", "dpkg -x prometheus_*.deb ."]]
        {
            let Some((program, arguments)) = script.split_first() else { continue };
            let mut command = Command::new(program);
            let status = command.current_dir(&folder).args(arguments).status();
            if !status.is_ok_and(|status| status.success()) {
                break;
            }
        }
    }
    if bench_lab::prometheus_program().is_some() {
        return Ok("require");
    }
    say("NO PROMETHEUS ON THIS MACHINE, its tests are left out: install Debian's package `prometheus`");
    Ok("off")
}

/// Gets an OpenSearch into the cache, of Maven Central.
///
/// Value of `BENCH_OPENSEARCH` for the tests: `off` where it cannot be had.
pub fn opensearch_for_tests() -> anyhow::Result<&'static str> {
    let wish = std::env::var_os("BENCH_OPENSEARCH");
    if wish.as_deref().is_some_and(|wish| wish == "off") {
        say("NOT TESTED: a real OpenSearch (BENCH_OPENSEARCH=off)");
        return Ok("off");
    }
    match bench_lab::OpenSearch::ensure(&bench_lab::default_cache()?) {
        Ok(_) => Ok("require"),
        Err(error) if wish.is_some() => Err(error).context("`BENCH_OPENSEARCH=off` leaves out its tests"),
        Err(error) => {
            say(&format!("NO OPENSEARCH ON THIS MACHINE, its tests are left out: {error}"));
            Ok("off")
        }
    }
}

/// Installs Debian packages; what could not be installed is found missing afterwards.
fn install<'p>(packages: impl IntoIterator<Item = &'p str>) {
    // One package may have several of the missing programs.
    let packages: BTreeSet<&str> = packages.into_iter().collect();
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

/// Installs a browser for the tests of the HTML report where that can be done: on Debian, as root. Returns whether there
/// is one, so that its tests must run.
pub fn browser() -> anyhow::Result<bool> {
    if std::env::var_os("BENCH_BROWSER").is_some_and(|wish| wish == "off") {
        say("NOT TESTED: the HTML report in a browser (BENCH_BROWSER=off)");
        return Ok(false);
    }
    let is_there = |name: &str| {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
        found.is_ok_and(|output| output.status.success())
    };
    if ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().any(is_there) {
        return Ok(true);
    }
    let user = Command::new("id").arg("-u").output().context("failed to start `id`")?;
    let is_root = String::from_utf8_lossy(&user.stdout).trim() == "0";
    if !(is_root && is_there("apt-get")) {
        say("NOT TESTED: the HTML report in a browser, for there is none; install Chromium to test it");
        return Ok(false);
    }
    install(["chromium"]);
    if !is_there("chromium") {
        say("NOT TESTED: the HTML report in a browser, for Chromium could not be installed");
        return Ok(false);
    }
    Ok(true)
}
