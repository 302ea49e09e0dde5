//! The directory of all runs: list them, find them by what a user types, name them, remove them.

mod calibrations;
mod tags;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

pub use self::tags::Tag;
use crate::{
    header::RunHeader,
    layout,
    summary::{GroupFacts, Summary, Verdict},
};

/// Largest `run.json` or `summary.json` that a listing reads.
const MAX_BYTES: u64 = 64 << 20;

/// Why a run is not found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory cannot be read.
    #[error("failed to read {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No run there.
    #[error("there are no runs in {path}")]
    Empty {
        /// The directory of runs.
        path: PathBuf,
    },
    /// Nothing begins like this.
    #[error("no run in {path} begins with `{selector}`")]
    NotFound {
        /// The directory of runs.
        path: PathBuf,
        /// As typed.
        selector: String,
    },
    /// Several do.
    #[error("`{selector}` is the beginning of {} runs: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// As typed.
        selector: String,
        /// Up to 5 of them.
        candidates: Vec<String>,
    },
    /// No name for runs.
    #[error("`{name}` cannot name runs: letters, digits, `.`, `_` and `-`, at most 64, and not `latest`")]
    TagName {
        /// As typed.
        name: String,
    },
    /// Nothing has this name.
    #[error("no runs are tagged `{name}`")]
    NoTag {
        /// As typed.
        name: String,
    },
    /// A run that should be removed is being written.
    #[error("run {id} is being written")]
    Running {
        /// Its id.
        id: String,
    },
    /// A run that should be removed has a name.
    #[error("run {id} is tagged `{tag}`")]
    Tagged {
        /// Its id.
        id: String,
        /// The name.
        tag: String,
    },
    /// A run that should be removed is not in this store.
    #[error("{path} is not a run of this store")]
    Elsewhere {
        /// Where it is.
        path: PathBuf,
    },
}

/// What is known of a run without reading its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Being written by this process.
    Running {
        /// Absent when the lock does not say.
        pid: Option<u32>,
    },
    /// Its writer died.
    Partial,
    /// Complete; what `summary.json` concludes, when it can be read.
    Finished {
        /// The verdict.
        verdict: Option<Verdict>,
    },
    /// Its `run.json` cannot be read.
    Unreadable,
}

/// A run in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// Name of the directory: the run's id.
    pub id: String,
    /// Where it is.
    pub dir: PathBuf,
    /// Name of the scenario; empty when unknown.
    pub scenario: String,
    /// RFC 3339; empty when unknown.
    pub started_at: String,
    /// Set when it is one of several runs that were made together.
    pub group: Option<GroupFacts>,
    /// Whether it is complete.
    pub state: RunState,
}

/// A directory of runs.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The store in this directory, which need not exist yet; `runs` by convention.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the run of this id is or will be.
    pub fn run_dir(&self, id: &bench_model::RunId) -> PathBuf {
        self.root.join(id.to_string())
    }

    /// All runs, oldest first (ids are ordered by time of start). Directories without `run.json` are no runs.
    ///
    /// # Errors
    /// When the directory cannot be read; not when it does not exist.
    pub fn list(&self) -> Result<Vec<RunEntry>, StoreError> {
        let io = |source| StoreError::Io { path: self.root.clone(), source };
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io)?,
        };
        let mut runs = Vec::new();
        for entry in entries {
            let dir = entry.map_err(io)?.path();
            if let (true, Some(id)) =
                (dir.join(layout::RUN).is_file(), dir.file_name().and_then(|name| name.to_str()))
            {
                runs.push(read_entry(id.to_owned(), dir.clone()));
            }
        }
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(runs)
    }

    /// The directory of a run: `latest`, a path to a run directory, or the beginning of an id that only
    /// one run has.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn select(&self, selector: &str) -> Result<PathBuf, StoreError> {
        let path = Path::new(selector);
        if path.join(layout::RUN).is_file() {
            return Ok(path.to_owned());
        }
        let runs = self.list()?;
        if selector == "latest" {
            let empty = || StoreError::Empty { path: self.root.clone() };
            return runs.last().map(|run| run.dir.clone()).ok_or_else(empty);
        }
        let fitting: Vec<&RunEntry> =
            runs.iter().filter(|run| !selector.is_empty() && fits(&run.id, selector)).collect();
        match fitting.as_slice() {
            [] => Err(StoreError::NotFound { path: self.root.clone(), selector: selector.to_owned() }),
            [run] => Ok(run.dir.clone()),
            several => {
                let candidates = several.iter().take(5).map(|run| run.id.clone()).collect();
                Err(StoreError::Ambiguous { selector: selector.to_owned(), candidates })
            }
        }
    }

    /// The directories of all runs that a selector means: those of a tag, those of a group by the
    /// beginning of its id, else the one of [`Store::select`].
    ///
    /// # Errors
    /// When there is none, when it is ambiguous, or when a tagged run is gone.
    pub fn select_all(&self, selector: &str) -> Result<Vec<PathBuf>, StoreError> {
        if Path::new(selector).join(layout::RUN).is_file() {
            return Ok(vec![PathBuf::from(selector)]);
        }
        if let Some(tag) = self.tagged(selector)? {
            return tag.runs.iter().map(|run| self.select(run)).collect();
        }
        match self.select(selector) {
            Err(StoreError::NotFound { path, selector }) => {
                let runs = self.group(&selector)?;
                if runs.is_empty() { Err(StoreError::NotFound { path, selector }) } else { Ok(runs) }
            }
            other => other.map(|dir| vec![dir]),
        }
    }

    /// Runs of the one group whose id begins like this.
    fn group(&self, selector: &str) -> Result<Vec<PathBuf>, StoreError> {
        let runs = self.list()?;
        let of = |run: &RunEntry| run.group.as_ref().map(|group| group.id.clone());
        let fits = |id: &String| !selector.is_empty() && fits(id, selector);
        let mut groups: Vec<String> = runs.iter().filter_map(of).filter(fits).collect();
        groups.sort();
        groups.dedup();
        match groups.as_slice() {
            [] => Ok(Vec::new()),
            [group] => Ok(runs
                .iter()
                .filter(|run| of(run).as_ref() == Some(group))
                .map(|run| run.dir.clone())
                .collect()),
            several => {
                let candidates = several.iter().take(5).cloned().collect();
                Err(StoreError::Ambiguous { selector: selector.to_owned(), candidates })
            }
        }
    }

    /// Removes the record of a run for good. What it left on a cluster can only be found by its label then.
    ///
    /// # Errors
    /// When the directory is not one of this store, is being written, has a tag, or cannot be removed.
    pub fn remove(&self, dir: &Path) -> Result<(), StoreError> {
        let elsewhere = || StoreError::Elsewhere { path: dir.to_owned() };
        // A link, or a directory named by its path, is not ours to remove.
        let run = self.list()?.into_iter().find(|run| run.dir == dir).ok_or_else(elsewhere)?;
        if fs::symlink_metadata(dir).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(elsewhere());
        }
        if matches!(run.state, RunState::Running { .. }) {
            return Err(StoreError::Running { id: run.id });
        }
        if let Some(tag) = self.tags()?.into_iter().find(|tag| tag.runs.contains(&run.id)) {
            return Err(StoreError::Tagged { id: run.id, tag: tag.name });
        }
        fs::remove_dir_all(dir).map_err(|source| StoreError::Io { path: dir.to_owned(), source })
    }

    /// Beginning of the id that no other run has, at least 8 characters.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn shortest_prefix(&self, id: &str) -> Result<String, StoreError> {
        let runs = self.list()?;
        let others: Vec<&str> = runs.iter().map(|run| run.id.as_str()).filter(|other| *other != id).collect();
        let unique = |prefix: &&str| !others.iter().any(|other| other.starts_with(prefix));
        let prefixes =
            (8..id.len()).filter_map(|length| id.get(..length)).filter(|prefix| !prefix.ends_with('-'));
        Ok(prefixes.into_iter().find(unique).unwrap_or(id).to_owned())
    }
}

/// Ids are compared without their dashes, so that both forms can be typed.
fn fits(id: &str, selector: &str) -> bool {
    let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
    id.starts_with(selector) || plain(id).starts_with(&plain(selector))
}

fn read_entry(id: String, dir: PathBuf) -> RunEntry {
    let header: Option<RunHeader> = read_json(&dir.join(layout::RUN));
    let state = match &header {
        None => RunState::Unreadable,
        Some(_) => state(&dir),
    };
    let group = header.as_ref().and_then(|header| header.group.clone());
    let (scenario, started_at) =
        header.map(|header| (header.scenario.name, header.started_at)).unwrap_or_default();
    RunEntry { id, dir, scenario, started_at, group, state }
}

fn state(dir: &Path) -> RunState {
    let path = dir.join(layout::LOCK);
    let Ok(lock) = File::open(&path) else {
        let summary: Option<Summary> = read_json(&dir.join(layout::SUMMARY));
        return RunState::Finished { verdict: summary.map(|summary| summary.conclusion.verdict) };
    };
    // The system drops the lock of a process that died.
    match lock.try_lock_shared() {
        Ok(()) => RunState::Partial,
        Err(fs::TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            RunState::Running { pid }
        }
        Err(fs::TryLockError::Error(_)) => RunState::Partial,
    }
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let small = fs::metadata(path).ok()?.len() <= MAX_BYTES;
    small.then(|| fs::read(path).ok()).flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use bench_model::{RunId, TimeNs};

    use super::*;
    use crate::record::Recorder;

    fn id(text: &str) -> RunId {
        text.parse().expect("a uuid")
    }

    fn start(store: &Store, run_id: RunId) -> Recorder {
        let header = RunHeader::new(run_id, UNIX_EPOCH, 1);
        Recorder::create(&store.run_dir(&run_id), &header, "", &serde_json::Value::Null).expect("creates")
    }

    #[test]
    fn tagged_runs_and_groups_are_found_and_kept() {
        let root = tempfile::tempdir().expect("a directory");
        let store = Store::new(root.path().join("runs"));
        for (text, index) in [(A, 1), (B, 2)] {
            let mut header = RunHeader::new(id(text), UNIX_EPOCH, 1);
            header.group = Some(GroupFacts { id: "c0ffee00-1".to_owned(), index, of: 2 });
            let dir = store.run_dir(&id(text));
            let recorder = Recorder::create(&dir, &header, "", &serde_json::Value::Null).expect("creates");
            recorder.finish(TimeNs(1)).expect("finishes");
        }
        let both = vec![store.run_dir(&id(A)), store.run_dir(&id(B))];
        assert_eq!(store.select_all("c0ffee").expect("a group"), both);
        store.tag("main", &[B.to_owned()]).expect("tags");
        assert_eq!(store.select_all("main").expect("a tag"), both[1..]);
        assert_eq!(store.tags().expect("tags").len(), 1);
        assert!(matches!(store.remove(&both[1]), Err(StoreError::Tagged { .. })));
        assert!(matches!(store.remove(root.path()), Err(StoreError::Elsewhere { .. })));
        store.untag("main").expect("forgets");
        assert!(matches!(store.untag("main"), Err(StoreError::NoTag { .. })));
        store.remove(&both[1]).expect("removes");
        assert_eq!(store.list().expect("lists").len(), 1);
        for name in ["", "latest", "../x", ".hidden", "a/b"] {
            assert!(matches!(store.tag(name, &[]), Err(StoreError::TagName { .. })), "{name}");
        }
    }

    const A: &str = "0198c0de-0000-7000-8000-00ab12cd34ef";
    const B: &str = "0198c0de-0001-7000-8000-00ab12cd34ef";

    #[test]
    fn a_run_is_found_by_its_shortest_beginning() {
        let root = tempfile::tempdir().expect("a directory");
        let store = Store::new(root.path().join("runs"));
        assert!(matches!(store.select("latest"), Err(StoreError::Empty { .. })));
        start(&store, id(A)).finish(TimeNs(1)).expect("finishes");
        let running = start(&store, id(B));
        assert_eq!(store.select("latest").expect("found"), store.run_dir(&id(B)));
        assert_eq!(store.select("0198c0de-0000").expect("found"), store.run_dir(&id(A)));
        assert_eq!(store.select("0198c0de0001").expect("found"), store.run_dir(&id(B)));
        assert_eq!(
            store.select(store.run_dir(&id(A)).to_str().expect("text")).expect("found"),
            store.run_dir(&id(A))
        );
        assert!(
            matches!(store.select("0198c0de"), Err(StoreError::Ambiguous { candidates, .. }) if candidates.len() == 2)
        );
        assert!(matches!(store.select("ff"), Err(StoreError::NotFound { .. })));
        assert!(matches!(store.select(""), Err(StoreError::NotFound { .. })));
        assert_eq!(store.shortest_prefix(A).expect("lists"), "0198c0de-0000");
        let states: Vec<RunState> = store.list().expect("lists").into_iter().map(|run| run.state).collect();
        assert_eq!(
            states,
            [RunState::Finished { verdict: None }, RunState::Running { pid: Some(std::process::id()) }]
        );
        drop(running);
        assert_eq!(store.list().expect("lists")[1].state, RunState::Partial);
    }
}
