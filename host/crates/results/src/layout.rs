//! Names of the files in a run directory.
//!
//! Every name that comes from outside is made harmless here, so that no source, metric or artifact can
//! leave the directory or take the place of another file.

use std::{fs, io, os::unix::fs::DirBuilderExt, path::Path};

/// Facts of the run; written first.
pub(crate) const RUN: &str = "run.json";
/// The scenario as it was given.
pub(crate) const SCENARIO: &str = "scenario.yaml";
/// The scenario with all defaults and variables filled in.
pub(crate) const SCENARIO_RESOLVED: &str = "scenario.resolved.json";
/// What happened, but for single operations and samples.
pub(crate) const EVENTS: &str = "events.ndjson";
/// Counts and gauges per second.
pub(crate) const NUMBERS: &str = "series/numbers.ndjson";
/// Lengths and checksums of all other files; each line commits what stands in them.
pub(crate) const CHECKS: &str = "checks.ndjson";
/// What will be created on the cluster.
pub(crate) const JOURNAL: &str = "journal";
/// Locked while the run is being written.
pub(crate) const LOCK: &str = "lock";
/// What was made of the record; can be made again.
pub(crate) const SUMMARY: &str = "summary.json";

/// What `summary.json` was made of; it counts only while this fits.
pub(crate) const SUMMARY_CHECK: &str = "summary.check.json";

/// Directories below the run's.
pub(crate) const DIRECTORIES: [&str; 3] = ["series", "tables", "artifacts"];

/// Longest part of a file name that is taken from outside.
const MAX_PART: usize = 100;

/// Interval log of a metric: exact values and lower bounds.
pub(crate) fn series(source: &str, metric: &str) -> String {
    format!("series/{}.{}.hlog", part(source), part(metric))
}

/// Name of that log without directory and ending, as `numbers.ndjson` calls the series.
pub(crate) fn series_stem(source: &str, metric: &str) -> String {
    format!("{}.{}", part(source), part(metric))
}

/// Interval log of the upper bounds of a metric.
pub(crate) fn series_upper(source: &str, metric: &str) -> String {
    format!("series/{}.{}.upper.hlog", part(source), part(metric))
}

/// Lower and upper bounds of a metric, value by value.
pub(crate) fn series_pairs(source: &str, metric: &str) -> String {
    format!("series/{}.{}.pairs.ndjson", part(source), part(metric))
}

/// Rows of a table.
pub(crate) fn table(source: &str, table: &str) -> String {
    format!("tables/{}.{}.ndjson", part(source), part(table))
}

/// A file that a plugin keeps.
pub(crate) fn artifact(source: &str, name: &str) -> String {
    format!("artifacts/{}.{}", part(source), part(name))
}

/// The text with everything but letters, digits, `-`, `_` and inner dots replaced, never empty.
pub(crate) fn part(text: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let kept: String = text.chars().take(MAX_PART).map(harmless).collect();
    let kept = kept.trim_matches('.');
    if kept.is_empty() { "_".to_owned() } else { kept.to_owned() }
}

/// Makes a directory that only its owner can enter; parents keep the usual mode.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_directory() {
        assert_eq!(artifact("job", "../../etc/passwd"), "artifacts/job._.._etc_passwd");
        assert_eq!(artifact("", ".."), "artifacts/_._");
        assert_eq!(table("a/b", "pods"), "tables/a_b.pods.ndjson");
        assert!(series(&"x".repeat(5000), "y").len() < 120);
    }
}
