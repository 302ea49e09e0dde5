//! A record of which bytes were changed: an error, a partial summary that is invalid, or the truth. When the checksums
//! were made to fit, an error or anything that can be shown.
#![no_main]

#[path = "../../../host/crates/results/tests/fake/run.rs"]
mod fake;
#[path = "../../../host/crates/results/tests/fake/forge.rs"]
mod forge;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use arbitrary::Arbitrary;
use bench_report::{MAX_BINS, MAX_SERIES, ViewContext, html};
use bench_results::{Summary, Verdict, summarize, summarize_with_history};
use fake::FakeRun;
use forge::forge;
use libfuzzer_sys::fuzz_target;

/// What is done to one file.
#[derive(Arbitrary, Debug)]
struct Change<'a> {
    is_forged: bool,
    file: u8,
    at: u16,
    /// Bytes that go.
    removed: u8,
    /// Bytes that come.
    added: &'a [u8],
}

/// A record and what it says.
struct Record {
    folder: tempfile::TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Content of `checks.ndjson`.
    checks: Vec<u8>,
    truth: Summary,
}

static RECORD: LazyLock<Record> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let run = FakeRun {
        pods: 40,
        unready: 2,
        failing: (3, 500),
        unanswered: 1,
        bounded: true,
        ..FakeRun::default()
    };
    run.record(&folder.path().join("run"));
    let mut files = Vec::new();
    for below in ["run", "run/series", "run/tables"] {
        for entry in fs::read_dir(folder.path().join(below)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                files.push((path.clone(), fs::read(path).expect("reads")));
            }
        }
    }
    files.sort();
    let truth = summarize(&folder.path().join("run")).expect("summarises");
    let checks = fs::read(folder.path().join("run/checks.ndjson")).expect("reads");
    Record { folder, files, checks, truth }
});

fuzz_target!(|change: Change<'_>| {
    let Record { folder, files, checks, truth } = &*RECORD;
    let (path, original) = &files[usize::from(change.file) % files.len()];
    let at = usize::from(change.at) % original.len().max(1);
    let end = original.len().min(at + usize::from(change.removed));
    let mut changed = original.clone();
    changed.splice(at.min(end)..end, change.added.iter().copied());
    fs::write(path, &changed).expect("writes");
    let dir = folder.path().join("run");
    if change.is_forged {
        forge(&dir);
        show(&dir);
        fs::write(dir.join("checks.ndjson"), checks).expect("writes");
    } else if let Some(summary) = show(&dir) {
        match summary.partial {
            true => assert_eq!(summary.conclusion.verdict, Verdict::Invalid),
            false => assert!(&summary == truth, "another summary from changed bytes"),
        }
    }
    fs::write(path, original).expect("writes");
});

/// Reads a record and makes its page.
fn show(dir: &Path) -> Option<Summary> {
    let (summary, history) = summarize_with_history(dir, MAX_BINS, MAX_SERIES).ok()?;
    let context = ViewContext { record: "run".to_owned(), run: "run".to_owned() };
    html(&summary, &history, &context).expect("a page");
    Some(summary)
}
