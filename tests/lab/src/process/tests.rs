use super::*;

fn sleeper(folder: &Path) -> Process {
    Process::start("sleeper", Path::new("sleep"), &["1000".to_owned()], &folder.join("log")).unwrap()
}

/// Third field of `/proc/<pid>/stat`: R, S, T …
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Looks until `condition` holds, on a process whose end would be noticed at once.
fn eventually(process: &mut Process, condition: impl Fn(u32) -> bool) {
    let deadline = crate::wait::Deadline::after(Duration::from_secs(10));
    while !condition(process.id()) {
        assert!(!deadline.is_over(), "gave up after {:?}", deadline.elapsed());
        process.ended_within(Duration::from_millis(5)).unwrap();
    }
}

#[test]
fn a_process_is_gone_after_drop() {
    let folder = tempfile::tempdir().unwrap();
    let process = sleeper(folder.path());
    let pid = process.id();
    assert!(state(pid).is_some());
    drop(process);
    assert_eq!(state(pid), None);
}

#[test]
fn a_paused_process_stands_still_until_resumed_and_can_be_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = sleeper(folder.path());
    for _ in 0..2 {
        process.pause().unwrap();
        assert_eq!(state(process.id()), Some('T'));
    }
    process.resume().unwrap();
    eventually(&mut process, |pid| state(pid) == Some('S'));
    process.pause().unwrap();
    process.kill().unwrap();
    assert_eq!(state(process.id()), None);
}

#[test]
fn the_end_of_a_process_is_seen_with_its_status_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let arguments = ["-c".to_owned(), "echo first; echo last >&2; exit 3".to_owned()];
    let mut process = Process::start("short", Path::new("sh"), &arguments, &log).unwrap();
    let status = process.ended_within(Duration::from_secs(10)).unwrap().unwrap();
    assert_eq!(status.code(), Some(3));
    assert_eq!(process.log_tail(100), "first\nlast");
    assert_eq!(process.log_tail(7), "last");
    assert_eq!(process.ended_within(Duration::ZERO).unwrap(), Some(status));
    process.kill().unwrap();
    assert!(process.pause().is_err());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Process::start("x", Path::new("/absent"), &[], &folder.path().join("log")).unwrap_err();
    assert_eq!(error.to_string(), "failed to run `/absent`");
}

#[test]
fn children_of_short_lived_threads_live_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = std::thread::scope(|scope| scope.spawn(|| sleeper(folder.path())).join().unwrap());
    assert_eq!(process.ended_within(Duration::from_millis(100)).unwrap(), None);
}
