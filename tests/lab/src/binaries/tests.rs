//! A script stands in for the Go tool, so that each way to fail can be had in milliseconds.

use super::*;

/// Builds with a fake `go` whose `build` runs `build`; `$out` is the folder for programs.
fn ensure(folder: &Path, version: &str, build: &str) -> Result<Binaries, BuildError> {
    let program = folder.join("go");
    let script = format!(
        "if [ \"$1\" = env ]; then echo {version}; exit 0; fi\n\
         while [ \"$1\" != -o ]; do shift; done; out=$2; shift 2\n{build}\n"
    );
    fs::write(&program, script).unwrap();
    Binaries::ensure_with(&Go::script(program), &folder.join("cache"))
}

/// Makes an empty program for each package.
const MAKE_PROGRAMS: &str =
    "for p in \"$@\"; do p=${p%/v3}; echo ok >$out/${p##*/}; done; echo built >>../../builds";

fn n_builds(folder: &Path) -> usize {
    fs::read_to_string(folder.join("cache/builds")).map_or(0, |text| text.lines().count())
}

#[test]
fn every_program_is_built_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let binaries = ensure(folder.path(), "go1.26.8", MAKE_PROGRAMS).unwrap();
        for program in [Program::Etcd, Program::KubeApiServer, Program::Kubectl, Program::Kwok] {
            assert!(binaries.path(program).is_file(), "{program:?}");
        }
    }
    assert_eq!(n_builds(folder.path()), 3);
}

#[test]
fn another_go_version_builds_again() {
    let folder = tempfile::tempdir().unwrap();
    ensure(folder.path(), "go1.26.8", MAKE_PROGRAMS).unwrap();
    ensure(folder.path(), "go1.26.9", MAKE_PROGRAMS).unwrap();
    assert_eq!(n_builds(folder.path()), 6);
}

#[test]
fn an_interrupted_build_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let leftover = folder.path().join("cache/.building-etcd/bin/etcd");
    fs::create_dir_all(leftover.parent().unwrap()).unwrap();
    fs::write(&leftover, "half").unwrap();
    let binaries = ensure(folder.path(), "go1.26.8", MAKE_PROGRAMS).unwrap();
    assert_eq!(fs::read_to_string(binaries.path(Program::Etcd)).unwrap(), "ok\n");
    assert!(!folder.path().join("cache/.building-etcd").exists());
}

#[test]
fn a_failed_build_shows_the_output_and_leaves_nothing_that_looks_complete() {
    let folder = tempfile::tempdir().unwrap();
    let error = ensure(folder.path(), "go1.26.8", "echo undefined: foo; exit 1").unwrap_err();
    assert!(
        matches!(&error, BuildError::Build { module: "kubernetes", output, .. } if output == "undefined: foo"),
        "{error:?}"
    );
    ensure(folder.path(), "go1.26.8", MAKE_PROGRAMS).unwrap();
}

#[test]
fn two_builders_do_not_collide() {
    let folder = tempfile::tempdir().unwrap();
    // Written once before: two threads writing the script would race in the test itself.
    ensure(folder.path(), "go1.26.1", MAKE_PROGRAMS).unwrap();
    let program = folder.path().join("go");
    let cache = folder.path().join("second");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Binaries::ensure_with(&Go::script(program.clone()), &cache).unwrap());
        }
    });
    let builds = fs::read_to_string(cache.join("builds")).unwrap();
    assert_eq!(builds.lines().count(), 3);
}

#[test]
fn a_full_disk_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error =
        ensure(folder.path(), "go1.26.8", "echo write /x: no space left on device >&2; exit 1").unwrap_err();
    assert!(matches!(error, BuildError::DiskFull { module: "kubernetes", .. }), "{error:?}");
}

#[test]
fn a_missing_go_is_named_with_the_version_needed() {
    let folder = tempfile::tempdir().unwrap();
    let error = Binaries::ensure_with(&Go::at(folder.path().join("absent")), folder.path()).unwrap_err();
    assert!(matches!(&error, BuildError::GoMissing { required } if required == "1.26.0"), "{error:?}");
}

#[test]
fn an_old_go_is_named_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let error = ensure(folder.path(), "go1.24.3", MAKE_PROGRAMS).unwrap_err();
    assert_eq!(error.to_string(), "Go 1.24.3 is too old: the control plane needs Go 1.26.0 or newer");
}

#[test]
fn a_tool_that_is_not_go_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = ensure(folder.path(), "hello", MAKE_PROGRAMS).unwrap_err();
    assert!(matches!(&error, BuildError::GoVersion { answer } if answer == "hello"), "{error:?}");
}
