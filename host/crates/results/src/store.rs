//! The directory of all runs: list them, find them by what a user types, name them, remove them.

mod calibrations;
mod entry;
mod select;
mod tags;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use self::entry::read_entry;
pub(crate) use self::entry::read_json;
pub use self::{
    entry::{RunEntry, RunState},
    tags::Tag,
};
use crate::layout;

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
        Ok(self.dirs()?.into_iter().map(|(id, dir)| read_entry(id, dir)).collect())
    }

    /// Ids and directories of all runs, oldest first.
    fn dirs(&self) -> Result<Vec<(String, PathBuf)>, StoreError> {
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
                runs.push((id.to_owned(), dir.clone()));
            }
        }
        runs.sort();
        Ok(runs)
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
        let runs = self.dirs()?;
        let others: Vec<&str> =
            runs.iter().map(|(other, _)| other.as_str()).filter(|other| *other != id).collect();
        let unique = |prefix: &&str| !others.iter().any(|other| other.starts_with(prefix));
        let prefixes =
            (8..id.len()).filter_map(|length| id.get(..length)).filter(|prefix| !prefix.ends_with('-'));
        Ok(prefixes.into_iter().find(unique).unwrap_or(id).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use bench_model::{RunId, TimeNs};

    use super::*;
    use crate::{header::RunHeader, record::Recorder, summary::GroupFacts};

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
