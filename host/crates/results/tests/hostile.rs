//! Records that were cut, changed, or never were records: an error or a partial summary, never a wrong number.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bench_results::{ReadError, Summary, Verdict, summarize};
use fake::FakeRun;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use proptest::prelude::*;

fn small() -> FakeRun {
    FakeRun { pods: 60, unready: 2, failing: (3, 500), unanswered: 1, bounded: true, ..FakeRun::default() }
}

/// All files below a directory that make the numbers, in order of their names.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        ["run.json", "events.ndjson", "checks.ndjson"].map(|name| dir.join(name)).to_vec();
    for below in ["series", "tables"] {
        files.extend(
            fs::read_dir(dir.join(below)).expect("a directory").map(|entry| entry.expect("an entry").path()),
        );
    }
    files.sort();
    files
}

/// Nothing wrong may be said: an error, a partial summary that is no pass, or the truth.
fn check(dir: &Path, truth: &Summary) -> Result<(), TestCaseError> {
    match summarize(dir) {
        Err(_) => Ok(()),
        Ok(summary) if summary.partial => {
            prop_assert_eq!(summary.conclusion.verdict, Verdict::Invalid);
            Ok(())
        }
        Ok(summary) => {
            prop_assert_eq!(&summary, truth);
            Ok(())
        }
    }
}

fn with_record(test: impl FnOnce(&Path, &Summary, &[PathBuf])) {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    small().record(&dir);
    let truth = summarize(&dir).expect("summarises");
    let files = files(&dir);
    test(&dir, &truth, &files);
}

/// Runs the change on one file many times, putting the file back in between.
fn check_changes(cases: u32, change: impl Fn(&mut Vec<u8>, usize, u8)) {
    with_record(|dir, truth, files| {
        let strategy = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&strategy, |(file, at, byte)| {
            let path = file.get(files);
            let original = fs::read(path).expect("reads");
            let mut changed = original.clone();
            change(&mut changed, at.index(original.len()), byte);
            fs::write(path, &changed).expect("writes");
            let result = check(dir, truth);
            fs::write(path, &original).expect("writes");
            result
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    });
}

#[test]
fn a_flipped_byte_is_never_a_wrong_number() {
    check_changes(300, |bytes, at, byte| bytes[at] ^= byte);
}

#[test]
fn a_cut_file_is_never_a_wrong_number() {
    check_changes(200, |bytes, at, _| bytes.truncate(at));
}

#[test]
fn bytes_too_many_are_never_a_wrong_number() {
    check_changes(100, |bytes, at, byte| bytes.splice(at..at, [byte, b'\n', b'{']).for_each(drop));
}

#[test]
fn a_missing_file_is_an_error_or_makes_the_record_partial() {
    with_record(|dir, _, files| {
        for path in files {
            let content = fs::read(path).expect("reads");
            fs::remove_file(path).expect("removes");
            match summarize(dir) {
                Err(ReadError::NotARun { .. }) => {}
                Err(other) => panic!("{path:?}: {other}"),
                Ok(summary) => assert!(summary.partial, "{path:?}"),
            }
            fs::write(path, content).expect("writes");
        }
    });
}

#[test]
fn a_damaged_line_is_named() {
    with_record(|dir, _, _| {
        let path = dir.join("events.ndjson");
        let text = fs::read_to_string(&path).expect("reads");
        fs::write(&path, text.replacen("create-pods", "create-pads", 1)).expect("writes");
        let error = summarize(dir).expect_err("damaged");
        assert!(
            matches!(error, ReadError::Damaged { first_line, last_line, .. } if first_line <= 2 && last_line >= 2),
            "{error}"
        );
        assert!(error.to_string().contains("events.ndjson"), "{error}");
    });
}

#[test]
fn a_newer_version_and_other_directories_are_refused() {
    let root = tempfile::tempdir().expect("a directory");
    assert!(matches!(summarize(root.path()), Err(ReadError::NotARun { missing: "run.json", .. })));
    let dir = root.path().join("run");
    let mut header = small().header();
    header.schema_version = 3;
    let recorder =
        bench_results::Recorder::create(&dir, &header, "", &serde_json::Value::Null).expect("creates");
    drop(recorder);
    assert!(matches!(summarize(&dir), Err(ReadError::Newer { found: 3, supported: 2, .. })));
}

#[test]
fn only_the_owner_can_read_a_record() {
    with_record(|dir, _, files| {
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(dir), mode(&dir.join("series"))), (0o700, 0o700));
        for path in files {
            assert_eq!(mode(path), 0o600, "{path:?}");
        }
        assert_eq!(mode(&dir.join("journal")), 0o600);
    });
}

#[test]
fn interval_logs_are_read_by_the_library_too() {
    with_record(|dir, truth, _| {
        let content = fs::read(dir.join("series/create-pods.response.hlog")).expect("reads");
        let text = String::from_utf8_lossy(&content);
        let mut counted = 0;
        for entry in IntervalLogIterator::new(&content) {
            let LogEntry::Interval(interval) = entry.expect("an entry") else { continue };
            let bytes = base64::Engine::decode(
                &base64::engine::general_purpose::STANDARD,
                interval.encoded_histogram(),
            )
            .expect("base64");
            let histogram: hdrhistogram::Histogram<u64> = hdrhistogram::serialization::Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .expect("deserialises");
            let number = interval.tag().expect("a tag").as_str();
            let meaning = format!("#[Tag {number}: queue=main;verb=create;resource=pods");
            assert!(text.contains(&meaning), "{meaning}");
            counted += histogram.len();
        }
        // All but the one that was never answered.
        assert_eq!(counted, truth.jobs[0].operations - 1);
    });
}
