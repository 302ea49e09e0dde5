//! Names for runs: a baseline to compare with, kept in `.tags/NAME` of the store, one run id a line.

use std::{fs, io, path::PathBuf};

use super::{Store, StoreError};

const DIRECTORY: &str = ".tags";
/// Longest name.
const MAX_NAME: usize = 64;
/// Largest file of a tag that is read.
const MAX_BYTES: u64 = 1 << 20;

/// A name and its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Letters, digits, `.`, `_`, `-`; begins with a letter or digit.
    pub name: String,
    /// Ids, in the order given.
    pub runs: Vec<String>,
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(allowed)
        && name != "latest"
}

impl Store {
    fn tag_file(&self, name: &str) -> Result<PathBuf, StoreError> {
        if !is_name(name) {
            return Err(StoreError::TagName { name: name.to_owned() });
        }
        Ok(self.root().join(DIRECTORY).join(name))
    }

    /// Gives runs a name; one that has runs already gets these instead.
    ///
    /// # Errors
    /// When the name is not one, or the store cannot be written.
    pub fn tag(&self, name: &str, runs: &[String]) -> Result<(), StoreError> {
        let path = self.tag_file(name)?;
        let text: String = runs.iter().map(|run| format!("{run}\n")).collect();
        let write = || {
            let folder = self.root().join(DIRECTORY);
            fs::create_dir_all(&folder)?;
            let temporary = folder.join(format!(".{name}.new"));
            fs::write(&temporary, text)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|source| StoreError::Io { path: path.clone(), source })
    }

    /// Forgets a name; its runs stay.
    ///
    /// # Errors
    /// When there is no such name, or the store cannot be written.
    pub fn untag(&self, name: &str) -> Result<(), StoreError> {
        let path = self.tag_file(name)?;
        fs::remove_file(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::NoTag { name: name.to_owned() },
            _ => StoreError::Io { path, source },
        })
    }

    /// The runs of a name; `None` when there is no such name.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn tagged(&self, name: &str) -> Result<Option<Tag>, StoreError> {
        let Ok(path) = self.tag_file(name) else { return Ok(None) };
        let io = |source| StoreError::Io { path: path.clone(), source };
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
            Ok(metadata) if metadata.len() > MAX_BYTES => {
                return Err(io(io::Error::new(io::ErrorKind::InvalidData, "too large for a tag")));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&path).map_err(io)?;
        let runs = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Ok(Some(Tag { name: name.to_owned(), runs }))
    }

    /// All names, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn tags(&self) -> Result<Vec<Tag>, StoreError> {
        let folder = self.root().join(DIRECTORY);
        let io = |source| StoreError::Io { path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(io)?,
        };
        let mut tags = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            if let Some(name) = name.to_str().filter(|name| is_name(name)) {
                tags.extend(self.tagged(name)?);
            }
        }
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tags)
    }
}
