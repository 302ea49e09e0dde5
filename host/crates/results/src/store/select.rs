//! Finds runs by what a user types: `latest`, a path, the beginning of an id, a tag, a group.

use std::path::{Path, PathBuf};

use super::{RunEntry, Store, StoreError};
use crate::layout;

impl Store {
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
}

/// Ids are compared without their dashes, so that both forms can be typed.
fn fits(id: &str, selector: &str) -> bool {
    let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
    id.starts_with(selector) || plain(id).starts_with(&plain(selector))
}
