//! From a reference to bytes and their digest.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bench_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::{PluginReference, ReferenceError};

/// Largest component: 256 MiB, ten times a Python one.
const MAX_COMPONENT: u64 = 256 << 20;

/// A component's bytes with their digest; whatever is read of it later, the digest names these.
#[derive(Debug, Clone)]
pub struct ResolvedPlugin {
    /// Where it came from.
    pub reference: PluginReference,
    /// `sha256:…` of the bytes.
    pub digest: Digest,
    /// The component.
    pub bytes: Arc<[u8]>,
}

/// Why a reference gave no bytes.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// It is not of a known form.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// This program has no such plugin.
    #[error("there is no built-in plugin `{name}`, there are {}", list(.known))]
    UnknownBuiltin {
        /// The name asked for.
        name: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// The file could not be read.
    #[error("failed to read the plugin at `{}`", .path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any component.
    #[error("`{}` is larger than {MAX_COMPONENT} bytes", .path.display())]
    TooLarge {
        /// Where.
        path: PathBuf,
    },
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Reads a component; relative paths start at `base_dir`.
///
/// # Errors
/// When the reference has no known form or names nothing that can be read. Whether the bytes are a
/// component is not looked at here.
pub fn resolve(
    reference: &str,
    base_dir: &Path,
    builtins: &[(&str, &[u8])],
) -> Result<ResolvedPlugin, ResolveError> {
    let reference: PluginReference = reference.parse()?;
    let bytes: Arc<[u8]> = match &reference {
        PluginReference::Builtin(name) => {
            let found = builtins.iter().find(|(builtin, _)| builtin == name);
            let unknown = || ResolveError::UnknownBuiltin {
                name: name.clone(),
                known: builtins.iter().map(|&(builtin, _)| builtin.to_owned()).collect(),
            };
            Arc::from(found.ok_or_else(unknown)?.1)
        }
        PluginReference::File(path) => read(&base_dir.join(path))?.into(),
    };
    let digest = Digest::sha256(Sha256::digest(&bytes).into());
    Ok(ResolvedPlugin { reference, digest, bytes })
}

fn read(path: &Path) -> Result<Vec<u8>, ResolveError> {
    let failed = |source| ResolveError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One more than allowed, so that a file that grows meanwhile is noticed too.
    file.take(MAX_COMPONENT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_COMPONENT {
        return Err(ResolveError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTINS: &[(&str, &[u8])] = &[("objects", b"one"), ("pod-latency", b"two")];

    fn check_err(reference: &str, expected: &str) {
        let error = resolve(reference, Path::new("/nonexistent"), BUILTINS).expect_err(reference);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn built_in_plugins_are_found_by_name() {
        let resolved = resolve("builtin:objects", Path::new("."), BUILTINS).expect("resolved");
        assert_eq!(&*resolved.bytes, b"one");
        let digest = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
        assert_eq!(resolved.digest.as_str(), digest);
    }

    #[test]
    fn files_are_found_beside_the_scenario() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("p.wasm"), b"bytes").expect("written");
        let resolved = resolve("./p.wasm", directory.path(), BUILTINS).expect("resolved");
        assert_eq!(&*resolved.bytes, b"bytes");
    }

    #[test]
    fn what_is_not_there_is_named() {
        check_err(
            "builtin:object",
            "there is no built-in plugin `object`, there are `objects`, `pod-latency`",
        );
        check_err("./p.wasm", "failed to read the plugin at `/nonexistent/./p.wasm`");
    }
}
