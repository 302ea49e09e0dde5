//! Compiled components on disk, so that a plugin is compiled once and not for every run.
//!
//! What lies there is machine code that the host runs without checking it again. The directory must
//! therefore belong to the user alone; otherwise the cache is not used. Entries are written beside their
//! place and renamed, so that a reader never sees half of one; anything that does not load is compiled again.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use bench_model::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

/// Of the crate as built: `wasmtime` exports no version of its own; the root manifest pins it exactly.
const WASMTIME_VERSION: &str = "48.0.8";

/// Why a directory is no cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It could not be made or looked at.
    #[error("failed to open the cache of compiled plugins at `{}`", .path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may write there.
    #[error(
        "`{}` holds machine code and must be a directory of the user alone (mode 0700), found mode {mode:o} of user {owner}",
        .path.display()
    )]
    NotPrivate {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Its owner's number.
        owner: u32,
    },
}

/// A directory that only its user can write.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// Opens a directory, making it when it is missing.
    pub(crate) fn open(directory: &Path) -> Result<Self, CacheError> {
        let open = |source| CacheError::Open { path: directory.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(open)?;
        // Not following a link: it could be pointed elsewhere later.
        let found = fs::symlink_metadata(directory).map_err(open)?;
        let mode = found.mode() & 0o7777;
        let is_private =
            found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && mode & 0o077 == 0;
        if !is_private {
            return Err(CacheError::NotPrivate { path: directory.to_owned(), mode, owner: found.uid() });
        }
        Ok(Self { directory: directory.to_owned() })
    }

    fn path(&self, engine: &Engine, component: &Digest) -> PathBuf {
        // The settings and the features of this processor. A hash that differs only means compiling again.
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let mut key = Sha256::new();
        key.update(component.as_str());
        key.update(WASMTIME_VERSION);
        key.update(settings.finish().to_le_bytes());
        let key = Digest::sha256(key.finalize().into());
        let name = key.as_str().trim_start_matches("sha256:");
        self.directory.join(format!("{name}.cwasm"))
    }

    /// A component that was compiled before; nothing when there is none or it does not load.
    #[expect(unsafe_code, reason = "machine code can only be trusted, not checked")]
    pub(crate) fn load(&self, engine: &Engine, component: &Digest) -> Option<Component> {
        let path = self.path(engine, component);
        if !path.exists() {
            return None;
        }
        // SAFETY: the file must come unchanged from `Component::serialize` of a compatible engine.
        // `open` made sure that only this user can write in the directory, `store` is the only writer and
        // renames whole files into place, and the name holds the digest of the component, the version of
        // wasmtime and its settings; wasmtime checks the last two again. A file that is replaced while it
        // is mapped keeps its old contents, because it is replaced by renaming.
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded
            .inspect_err(
                |error| tracing::debug!(path = %path.display(), %error, "compiled plugin not usable"),
            )
            .ok()
    }

    /// Keeps a compiled component. A failure costs time at the next start and nothing else.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, component: &Component) {
        let path = self.path(engine, digest);
        let stored = component.serialize().map_err(io::Error::other).and_then(|bytes| replace(&path, &bytes));
        if let Err(error) = stored {
            tracing::debug!(path = %path.display(), %error, "compiled plugin not kept");
        }
    }
}

/// Writes beside the place and renames; two processes may do so at once.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_extension(format!("{}-{unique}.partial", process::id()));
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        file.write_all(bytes)?;
        // Before the rename: a crash must not leave the name of a whole file on an empty one.
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The smallest component: nothing but the header.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn digest(byte: u8) -> Digest {
        Digest::sha256([byte; 32])
    }

    #[test]
    fn what_was_stored_is_loaded_under_the_same_digest_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(&directory.path().join("cwasm")).expect("a cache");
        let engine = Engine::default();
        let component = Component::new(&engine, EMPTY).expect("a component");
        assert!(cache.load(&engine, &digest(1)).is_none());
        cache.store(&engine, &digest(1), &component);
        assert!(cache.load(&engine, &digest(1)).is_some());
        assert!(cache.load(&engine, &digest(2)).is_none());
    }

    #[test]
    fn a_broken_entry_is_not_loaded() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(&directory.path().join("cwasm")).expect("a cache");
        let engine = Engine::default();
        for broken in [&b""[..], b"not machine code", &EMPTY.repeat(100)] {
            fs::write(cache.path(&engine, &digest(1)), broken).expect("written");
            assert!(cache.load(&engine, &digest(1)).is_none());
        }
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("cwasm");
        fs::create_dir(&path).expect("made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).expect("changed");
        assert!(matches!(Cache::open(&path), Err(CacheError::NotPrivate { mode: 0o770, .. })));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).expect("linked");
        assert!(matches!(Cache::open(&link), Err(CacheError::NotPrivate { .. })));
    }
}
