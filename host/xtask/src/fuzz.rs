//! `cargo xtask fuzz`: feeds the readers of foreign bytes with what coverage leads to, until time is up.
//!
//! LLVM's libFuzzer over the pinned toolchain: coverage needs no nightly compiler, only the address sanitizer would,
//! and safe Rust has little for it to find. What was found stays in `target/fuzz`.

use std::{ffi::OsStr, path::PathBuf, process::Command};

use anyhow::{Context, bail, ensure};

use crate::{cargo, root, setup::say};

/// Edge counters inline, a table of places, and comparisons, so that the fuzzer learns constants.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// Fuzzes one target, or each in turn, for so many seconds.
pub fn run(target: Option<&str>, seconds: u32) -> anyhow::Result<()> {
    let folder = root().join("tests/fuzz");
    let targets = targets(&folder)?;
    let chosen: Vec<&String> = match target {
        None => targets.iter().collect(),
        Some(name) => targets.iter().filter(|target| *target == name).collect(),
    };
    if chosen.is_empty() {
        bail!("there is no such target; there are: {}", targets.join(", "));
    }
    let built = root().join("target/fuzz");
    build(&folder, &built)?;
    for name in chosen {
        fuzz(name, &folder, &built, seconds)?;
    }
    Ok(())
}

/// Names of the targets: one file each.
fn targets(folder: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder.join("targets"))?.collect::<Result<Vec<_>, _>>()?;
    let stem = |path: PathBuf| path.file_stem().and_then(OsStr::to_str).map(str::to_owned);
    let mut names: Vec<String> = entries.into_iter().filter_map(|entry| stem(entry.path())).collect();
    names.sort();
    Ok(names)
}

fn build(folder: &std::path::Path, built: &std::path::Path) -> anyhow::Result<()> {
    let mut command = cargo(["build", "--release", "--bins"]);
    // A target triple, so that build scripts and macros are not instrumented.
    command
        .current_dir(folder)
        .args(["--target", &host()?])
        .env("RUSTFLAGS", COVERAGE)
        .arg("--target-dir")
        .arg(built);
    crate::run(command)
}

fn fuzz(name: &str, folder: &std::path::Path, built: &std::path::Path, seconds: u32) -> anyhow::Result<()> {
    let (corpus, seeds) = (built.join("corpus").join(name), folder.join("seeds").join(name));
    let findings = built.join("findings").join(name);
    for made in [&corpus, &findings] {
        std::fs::create_dir_all(made).with_context(|| format!("failed to make {}", made.display()))?;
    }
    say(&format!("fuzzing `{name}` for {seconds} s"));
    let mut command = Command::new(built.join(host()?).join("release").join(name));
    command.arg(&corpus);
    command.args(seeds.is_dir().then_some(&seeds));
    command.arg(format!("-artifact_prefix={}/", findings.display()));
    command.args([
        format!("-max_total_time={seconds}"),
        "-timeout=20".to_owned(),
        "-rss_limit_mb=2048".to_owned(),
    ]);
    command.args(["-max_len=16384", "-print_final_stats=1", "-verbosity=1"]);
    let status = command.status().with_context(|| format!("failed to start the target `{name}`"))?;
    ensure!(status.success(), "`{name}` found something: the input is in {}", findings.display());
    Ok(())
}

/// The triple of this machine.
fn host() -> anyhow::Result<String> {
    let output =
        Command::new("rustc").current_dir(root()).arg("-vV").output().context("failed to start `rustc`")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host =
        text.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    Ok(host.to_owned())
}
