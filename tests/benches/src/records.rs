//! What records and reports cost: recording, the size of a record, the HTML report, a comparison.
//!
//! The records are of runs that never were (`recorder`): the same on every machine, and an hour of a run takes
//! seconds. Reports and comparisons are made by `bench` from these records, as its users do.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::{
    child::{self, Ended},
    figure::{Table, Target},
    programs::Programs,
    say,
};

/// Length of the load that recording is measured with, in seconds of the run.
const SECONDS: u64 = 30;
/// Of the hour: 16 kinds of operations with three series each, and two of a measurement.
const HOUR: [&str; 8] = ["--seconds", "3600", "--rate", "1000", "--kinds", "16", "--objects", "5000"];
/// Of the runs that are compared: a minute with as many series.
const MINUTE: [&str; 8] = ["--seconds", "60", "--rate", "1000", "--kinds", "16", "--objects", "500"];
/// On each side of a comparison.
const COMPARED: u64 = 20;
const MB: f64 = 1e6;

/// Recording 100,000 operations a second, and the record of an hour with 50 series.
///
/// # Errors
/// When the recorder fails.
pub fn record(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let (mut share, mut own, mut peak, mut size) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let seconds = SECONDS.to_string();
    for round in 0..rounds {
        let dir = folder.path().join(format!("load-{round}"));
        let recorded = recorder(programs, &dir, &["--seconds", &seconds])?;
        let discarded = recorder(programs, &dir, &["--seconds", &seconds, "--discard"])?;
        let cores = |ended: &Ended| ended.cpu.as_secs_f64() / SECONDS as f64 * 100.0;
        share.push(cores(&recorded) - cores(&discarded));
        own.push(cores(&discarded));
        peak.push(recorded.peak_mib);
        let dir = folder.path().join(format!("hour-{round}"));
        recorder(programs, &dir, &HOUR)?;
        size.push(bytes(&dir)? / MB);
        std::fs::remove_dir_all(&dir)?;
        say(&format!("round {round}: {share:?} % of a core, {peak:?} MiB, an hour {size:?} MB"));
    }
    let mut table = Table::new("recording 100,000 operations a second", rounds);
    table.judge("share of a core", "%", &share, Target::AtMost(10.0));
    table.add("making the operations, not counted above", "%", &own);
    table.judge("memory, the operations included", "MiB", &peak, Target::NeverOver(64.0));
    table.judge("record of an hour with 50 series", "MB", &size, Target::NeverOver(50.0));
    Ok(table)
}

/// The HTML report of that hour, and of a run in which nothing happened.
///
/// # Errors
/// When `bench report` fails.
pub fn report(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let (hour, empty) = (folder.path().join("hour"), folder.path().join("empty"));
    recorder(programs, &hour, &HOUR)?;
    recorder(programs, &empty, &["--seconds", "0"])?;
    let (mut time, mut peak, mut size, mut least) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // The first round reads the files from the disk.
    for round in 0..=rounds {
        let (ended, bytes) = html(programs, &hour)?;
        let (_, empty) = html(programs, &empty)?;
        say(&format!("round {round}: {:?}, {:.0} MiB, {bytes} B", ended.elapsed, ended.peak_mib));
        if round > 0 {
            time.push(ended.elapsed.as_secs_f64());
            peak.push(ended.peak_mib);
            size.push(bytes / MB);
            least.push(empty / 1e3);
        }
    }
    let mut table = Table::new("`bench report --format html` of an hour with 50 series", rounds);
    table.judge("time", "s", &time, Target::AtMost(2.0));
    table.judge("memory", "MiB", &peak, Target::NeverOver(200.0));
    table.judge("file", "MB", &size, Target::NeverOver(3.0));
    table.judge("file of an empty run", "kB", &least, Target::NeverOver(300.0));
    Ok(table)
}

/// 20 runs of a minute against 20 others.
///
/// # Errors
/// When `bench compare` fails.
pub fn compare(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let mut runs = Vec::new();
    for number in 1..=2 * COMPARED {
        let dir = folder.path().join(format!("{number:02}"));
        let number = number.to_string();
        recorder(programs, &dir, &[&MINUTE[..], &["--number", &number, "--summary"]].concat())?;
        runs.push(dir);
    }
    let (a, b) = runs.split_at(usize::try_from(COMPARED)?);
    let (mut time, mut peak) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let mut command = programs.bench();
        command.arg("compare").args(a).arg("--").args(b);
        let ended = child::run(command)?;
        // Whatever it says of them, it says it.
        let code = ended.status.code().unwrap_or(-1);
        ensure!(matches!(code, 0 | 11 | 12), "`bench compare` ended with {code}");
        say(&format!("round {round}: {:?}, {:.0} MiB", ended.elapsed, ended.peak_mib));
        if round > 0 {
            time.push(ended.elapsed.as_secs_f64());
            peak.push(ended.peak_mib);
        }
    }
    let mut table = Table::new("`bench compare` of 20 against 20 runs", rounds);
    table.judge("time", "s", &time, Target::AtMost(1.0));
    table.add("memory", "MiB", &peak);
    Ok(table)
}

fn recorder(programs: &Programs, dir: &Path, arguments: &[&str]) -> anyhow::Result<Ended> {
    let mut command = programs.recorder();
    command.arg(dir).args(arguments);
    let ended = child::run(command)?;
    ensure!(ended.status.success(), "the recorder ended with {}", ended.status);
    Ok(ended)
}

/// Makes the report; gives what it took and its size in bytes.
fn html(programs: &Programs, dir: &Path) -> anyhow::Result<(Ended, f64)> {
    let file = dir.with_extension("html");
    let mut command = programs.bench();
    command.arg("report").arg(dir).args(["--format", "html", "--output"]).arg(&file);
    let ended = child::run(command)?;
    let bytes = std::fs::metadata(&file).with_context(|| format!("no report of {}", dir.display()))?.len();
    Ok((ended, bytes as f64))
}

/// Bytes of all files below a folder.
fn bytes(dir: &Path) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    let mut folders: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if data.is_dir() {
                folders.push(path);
            } else {
                sum += data.len() as f64;
            }
        }
    }
    Ok(sum)
}
