//! The programs of a control plane, built once from pinned Go modules.
//!
//! Each module (`modules/*`: go.mod and go.sum only) lands in its own folder of the cache, named after everything that
//! decides what comes out: go.mod, go.sum, the Go version, and our build flags. The folder appears whole, by rename, so
//! whatever exists is complete; an interrupted build leaves only a `.building` folder, which the next one removes.
//! A lock file keeps two builders apart: the second waits, then finds everything there.
//!
//! A first build takes 8–10 minutes on two cores and about 12 GB in Go's own caches; with those caches warm, seconds.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::wait::Deadline;

mod go;
mod module;
mod node;

use go::Go;
use module::{ETCD, KUBERNETES, KWOK, Module};
pub use node::{AddonBinaries, NodeBinaries, NodeProgram};

/// Reasons for which the programs cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no Go.
    #[error("no `go` in PATH: the control plane is built from Go modules and needs Go {required} or newer")]
    GoMissing {
        /// Version that the modules ask for.
        required: String,
    },
    /// Go is there, but too old.
    #[error("Go {found} is too old: the control plane needs Go {required} or newer")]
    GoTooOld {
        /// Version that is installed.
        found: String,
        /// Version that the modules ask for.
        required: String,
    },
    /// Go answered something that is not a version.
    #[error("`go env GOVERSION` answered `{answer}`")]
    GoVersion {
        /// What it printed.
        answer: String,
    },
    /// The disk ran full.
    #[error("no space left while building `{module}` into {path} (a first build needs about 12 GB)")]
    DiskFull {
        /// Module that was being built.
        module: &'static str,
        /// Cache folder.
        path: PathBuf,
    },
    /// `go build` failed.
    #[error("`go build` of module `{module}` ended with {status}\n{output}")]
    Build {
        /// Module that was being built.
        module: &'static str,
        /// How the process ended.
        status: std::process::ExitStatus,
        /// Last lines of its output.
        output: String,
    },
    /// A module needs a C compiler or a C library that is not there.
    #[error("`{missing}` is missing: `{module}` is built with it (Debian: `apt-get install {package}`)")]
    CMissing {
        /// Module that was to be built.
        module: &'static str,
        /// Program or library.
        missing: &'static str,
        /// Debian's package of it.
        package: &'static str,
    },
    /// `go` could not be run at all.
    #[error("failed to run `go`")]
    Run(#[source] io::Error),
    /// The cache could not be read or written.
    #[error("failed to use the cache {path}")]
    Cache {
        /// Path that was used.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[error("no cache folder: neither `XDG_CACHE_HOME` nor `HOME` is set")]
    NoCacheFolder,
}

/// A program of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// etcd 3.6.8.
    Etcd,
    /// kube-apiserver 1.36.3.
    KubeApiServer,
    /// kube-controller-manager 1.36.3.
    KubeControllerManager,
    /// kube-scheduler 1.36.3.
    KubeScheduler,
    /// kubectl 1.36.3.
    Kubectl,
    /// kwok 0.8.0: plays nodes and the pods on them.
    Kwok,
}

/// Paths of programs that are there and complete.
#[derive(Debug, Clone)]
pub struct Binaries {
    kubernetes: PathBuf,
    etcd: PathBuf,
    kwok: PathBuf,
}

impl Binaries {
    /// Builds what the cache does not have yet; says on stderr what it builds.
    ///
    /// # Errors
    ///
    /// When Go is missing or too old, the disk is full, a module cannot be fetched or compiled, or the cache cannot be
    /// written. Go is asked for its version even if nothing has to be built: the version is part of the cache's names.
    pub fn ensure(cache: &Path) -> Result<Self, BuildError> {
        Self::ensure_with(&Go::from_path(), cache)
    }

    /// Path of a program.
    #[must_use]
    pub fn path(&self, program: Program) -> PathBuf {
        match program {
            Program::Etcd => self.etcd.join("etcd"),
            Program::KubeApiServer => self.kubernetes.join("kube-apiserver"),
            Program::KubeControllerManager => self.kubernetes.join("kube-controller-manager"),
            Program::KubeScheduler => self.kubernetes.join("kube-scheduler"),
            Program::Kubectl => self.kubernetes.join("kubectl"),
            Program::Kwok => self.kwok.join("kwok"),
        }
    }

    fn ensure_with(go: &Go, cache: &Path) -> Result<Self, BuildError> {
        let builder = Builder::new(go, cache)?;
        let ensure = |module| builder.ensure(module);
        Ok(Self { kubernetes: ensure(&KUBERNETES)?, etcd: ensure(&ETCD)?, kwok: ensure(&KWOK)? })
    }
}

/// Whoever holds this is the only one to build into the cache.
struct Builder<'a> {
    go: &'a Go,
    version: String,
    cache: &'a Path,
    _lock: File,
}

impl<'a> Builder<'a> {
    fn new(go: &'a Go, cache: &'a Path) -> Result<Self, BuildError> {
        let version = go.version()?;
        let cache_error = |source| BuildError::Cache { path: cache.to_owned(), source };
        fs::create_dir_all(cache).map_err(cache_error)?;
        let lock = File::create(cache.join(".lock")).map_err(cache_error)?;
        lock.lock().map_err(cache_error)?;
        Ok(Self { go, version, cache, _lock: lock })
    }

    /// Folder with the programs of a module, built if it is not there.
    fn ensure(&self, module: &'static Module) -> Result<PathBuf, BuildError> {
        ensure_module(self.go, &self.version, self.cache, module)
    }
}

/// Folder for built programs: `$XDG_CACHE_HOME/bench-lab`, else `~/.cache/bench-lab`.
///
/// # Errors
///
/// When neither variable is set.
pub fn default_cache() -> Result<PathBuf, BuildError> {
    let folder =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("bench-lab"))
        .ok_or(BuildError::NoCacheFolder)
}

fn ensure_module(
    go: &Go,
    version: &str,
    cache: &Path,
    module: &'static Module,
) -> Result<PathBuf, BuildError> {
    let finished = cache.join(format!("{}-{}", module.name, digest(version, module)));
    if finished.is_dir() {
        return Ok(finished);
    }
    module.check_compiler()?;
    let started = Deadline::after(std::time::Duration::ZERO);
    say(&format!("building {} from Go modules (minutes the first time) …", module.title));
    let building = cache.join(format!(".building-{}", module.name));
    let cache_error = |source: io::Error| match source.kind() {
        io::ErrorKind::StorageFull => BuildError::DiskFull { module: module.name, path: cache.to_owned() },
        _ => BuildError::Cache { path: building.clone(), source },
    };
    if building.exists() {
        fs::remove_dir_all(&building).map_err(cache_error)?;
    }
    let (sources, programs) = (building.join("module"), building.join("bin"));
    fs::create_dir_all(&sources).map_err(cache_error)?;
    fs::create_dir_all(&programs).map_err(cache_error)?;
    fs::write(sources.join("go.mod"), module.go_mod).map_err(cache_error)?;
    fs::write(sources.join("go.sum"), module.go_sum).map_err(cache_error)?;
    for (name, text) in module.sources {
        fs::write(sources.join(name), text).map_err(cache_error)?;
    }
    go.build(module, &sources, &programs, cache)?;
    for (built, wanted) in module.renames {
        fs::rename(programs.join(built), programs.join(wanted)).map_err(cache_error)?;
    }
    fs::rename(&programs, &finished).map_err(cache_error)?;
    fs::remove_dir_all(&building).map_err(cache_error)?;
    say(&format!("built {} in {} s", module.title, started.elapsed().as_secs()));
    Ok(finished)
}

/// First 16 hexadecimal digits of a hash over all that decides what a build gives.
fn digest(version: &str, module: &Module) -> String {
    let mut hash = Sha256::new();
    let fixed = [version, module.go_mod, module.go_sum, module.linker_flags];
    let sources = module.sources.iter().flat_map(|&(name, text)| [name, text]);
    for part in fixed.into_iter().chain(sources).chain(module.packages.iter().chain(module.tags()).copied()) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let full = format!("{:x}", hash.finalize());
    full.chars().take(16).collect()
}

/// Progress of something that takes minutes; past libtest's capture, on purpose. A closed stderr is no failure.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "bench-lab: {text}");
}

#[cfg(test)]
mod tests;
