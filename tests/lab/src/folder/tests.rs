use super::*;

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

/// Folder of a lab whose process is gone: our own id, started at another time.
fn dead_folder(root: &Path) -> PathBuf {
    let owner = Owner { start_time: 1, ..Owner::this_process().unwrap() };
    let path = root.join(owner.folder_name(7));
    fs::create_dir_all(path.join("pids")).unwrap();
    path
}

#[test]
fn a_folder_lives_as_long_as_its_lab() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::create_in(root.path()).unwrap();
    assert!(folder.pki().is_dir());
    drop(folder);
    assert_eq!(names(root.path()), Vec::<String>::new());
}

#[test]
fn a_dead_labs_folder_is_swept_and_a_living_ones_is_not() {
    let root = tempfile::tempdir().unwrap();
    dead_folder(root.path());
    let first = Folder::create_in(root.path()).unwrap();
    let second = Folder::create_in(root.path()).unwrap();
    let mut expected = vec![
        first.path().file_name().unwrap().to_string_lossy().into_owned(),
        second.path().file_name().unwrap().to_string_lossy().into_owned(),
    ];
    expected.sort();
    assert_eq!(names(root.path()), expected);
}

#[test]
fn the_folder_of_a_process_that_nobody_waited_for_is_swept() {
    let root = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let start_time = start_time(child.id()).unwrap();
    let owner = Owner { pid: child.id(), start_time, ..Owner::this_process().unwrap() };
    let folder = root.path().join(owner.folder_name(7));
    fs::create_dir_all(&folder).unwrap();
    drop(Folder::create_in(root.path()).unwrap());
    assert!(folder.exists(), "its process runs");

    child.kill().unwrap();
    while Stat::of(child.id()).unwrap().state != 'Z' {
        crate::wait::pause(std::time::Duration::from_millis(1));
    }
    drop(Folder::create_in(root.path()).unwrap());
    assert!(!folder.exists(), "its process is a zombie");
    child.wait().unwrap();
}

#[test]
fn a_component_that_outlived_its_lab_is_ended() {
    let root = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let note = dead_folder(root.path()).join("pids/etcd");
    fs::write(note, format!("{} {}", child.id(), start_time(child.id()).unwrap())).unwrap();
    Folder::create_in(root.path()).unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_process_that_merely_has_the_same_id_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let note = dead_folder(root.path()).join("pids/etcd");
    fs::write(note, format!("{} 1", child.id())).unwrap();
    Folder::create_in(root.path()).unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn folders_of_others_and_recent_failures_stay() {
    let root = tempfile::tempdir().unwrap();
    let other_namespace = Owner { pid_namespace: 1, pid: 1, start_time: 1 };
    for name in ["notes", "lab-x-y", "failed-lab-1-2-3-0", &other_namespace.folder_name(0)] {
        fs::create_dir_all(root.path().join(name)).unwrap();
    }
    drop(Folder::create_in(root.path()).unwrap());
    assert_eq!(names(root.path()), ["failed-lab-1-2-3-0", "lab-1-1-1-0", "lab-x-y", "notes"]);
}

#[test]
fn kept_logs_outlive_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::create_in(root.path()).unwrap();
    fs::write(folder.log("etcd"), "it broke").unwrap();
    let kept = folder.keep_logs().unwrap();
    drop(folder);
    assert_eq!(fs::read_to_string(kept.join("etcd.log")).unwrap(), "it broke");
}

#[test]
fn an_owner_survives_its_folder_name() {
    let owner = Owner::this_process().unwrap();
    assert!(owner.is_alive());
    assert_eq!(Owner::parse(&owner.folder_name(3)), Some(owner));
    for name in ["lab-", "lab-1-2", "lab-1-x-3-0", "other-1-2-3-0", "lab-1-99999999999-3-0"] {
        assert_eq!(Owner::parse(name), None, "{name}");
    }
}
