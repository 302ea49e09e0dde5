//! The programs that are measured, and how `bench` is called.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use bench_lab::ControlPlane;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    child::{self, Ended},
    lab, say,
};

/// Paths of what is measured, built in the same profile as this program.
#[derive(Debug)]
pub struct Programs {
    bench: PathBuf,
    floor: PathBuf,
    recorder: PathBuf,
    realtime: bool,
    /// Records of runs, and the cache of compiled plugins; gone at the end.
    folder: TempDir,
}

/// What the floor did.
#[derive(Debug)]
pub struct Floor {
    /// What it took.
    pub ended: Ended,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Objects created a second.
    pub per_second: f64,
}

/// What the floor says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    seconds: f64,
    per_second: f64,
    statuses: BTreeMap<String, usize>,
}

/// A run of a scenario.
#[derive(Debug)]
pub struct Run {
    /// What it took.
    pub ended: Ended,
    /// Its `summary.json`.
    pub summary: Value,
}

impl Programs {
    /// Finds them beside this program; `realtime` runs them ahead of everything else on the machine.
    ///
    /// # Errors
    /// When one is not there.
    pub fn find(realtime: bool) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let beside = |name: &str| {
            let path = own.with_file_name(name);
            ensure!(path.is_file(), "{} is not built; use `cargo xtask bench`", path.display());
            Ok(path)
        };
        let folder = tempfile::tempdir().context("failed to make a folder for records")?;
        Ok(Self {
            bench: beside("bench")?,
            floor: beside("floor")?,
            recorder: beside("recorder")?,
            realtime,
            folder,
        })
    }

    /// Sends objects with the floor into a namespace that is there for that alone.
    ///
    /// # Errors
    /// When it fails, or not all objects were created.
    pub fn floor(&self, lab: &ControlPlane, namespace: &str, arguments: &[&str]) -> anyhow::Result<Floor> {
        let mut command = self.command(&self.floor);
        command.args(["--kubeconfig", &lab::kubeconfig(lab)?, "--namespace", namespace]).args(arguments);
        let ended = lab::in_namespace(lab, namespace, || child::run(command))?;
        ensure!(ended.status.success(), "the floor ended with {}", ended.status);
        let told: Told = serde_json::from_str(&ended.stdout).context("the floor told nothing")?;
        ensure!(told.statuses.keys().eq(["201"]), "the floor was answered with {:?}", told.statuses);
        Ok(Floor { ended, seconds: told.seconds, per_second: told.per_second })
    }

    /// The writer of records, with nothing said yet.
    pub fn recorder(&self) -> Command {
        self.command(&self.recorder)
    }

    /// `bench`, with a cache and a folder for records of its own.
    pub fn bench(&self) -> Command {
        let mut command = self.command(&self.bench);
        command
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("BENCH_RUNS", self.folder.path().join("runs"));
        command
    }

    fn command(&self, program: &Path) -> Command {
        if !self.realtime {
            return Command::new(program);
        }
        // `chrt` becomes the program: its process id and its processor time are the program's.
        let mut command = Command::new("chrt");
        command.args(["--rr", "1"]).arg(program);
        command
    }

    /// Compiles the plugins of a scenario into the cache, as an earlier run would have.
    ///
    /// # Errors
    /// When the scenario is not valid.
    pub fn warm(&self, scenario: &str) -> anyhow::Result<()> {
        let mut command = self.bench();
        command.arg("validate").arg(scenario_path(scenario));
        let ended = child::run(command)?;
        ensure!(ended.status.success(), "`bench validate {scenario}` ended with {}", ended.status);
        Ok(())
    }

    /// `bench run` of a scenario of this folder, whatever its verdict.
    ///
    /// # Errors
    /// When it ends without a summary.
    pub fn run(&self, scenario: &str, arguments: &[&str]) -> anyhow::Result<Run> {
        self.run_file(&scenario_path(scenario), arguments)
    }

    /// `bench run` of any scenario file.
    ///
    /// # Errors
    /// When it ends without a summary.
    pub fn run_file(&self, file: &Path, arguments: &[&str]) -> anyhow::Result<Run> {
        let mut command = self.bench();
        command.arg("run").arg(file).args(["--quiet", "--output", "json"]).args(arguments);
        let ended = child::run(command)?;
        let name = file.file_stem().unwrap_or_default().display();
        let summary = serde_json::from_str(&ended.stdout)
            .with_context(|| format!("`bench run {name}` gave no summary, {}", ended.status))?;
        let run = Run { ended, summary };
        if !run.ended.status.success() {
            say(&format!("`bench run {name}`: {}, {}", run.ended.status, run.text("/conclusion/reason")));
        }
        Ok(run)
    }
}

impl Run {
    /// A number of the summary, by its JSON pointer.
    ///
    /// # Errors
    /// When there is none.
    pub fn number(&self, pointer: &str) -> anyhow::Result<f64> {
        let value = self.summary.pointer(pointer).and_then(Value::as_f64);
        value.with_context(|| format!("the summary has no number {pointer}"))
    }

    /// Exit code; 0 is the verdict that everything passed.
    pub fn exit_code(&self) -> f64 {
        self.ended.status.code().map_or(f64::NAN, f64::from)
    }

    fn text(&self, pointer: &str) -> &str {
        self.summary.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// A scenario of this package.
pub fn scenario_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name).with_extension("yaml")
}
