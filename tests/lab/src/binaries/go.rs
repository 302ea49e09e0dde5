//! Running the Go tool.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::BuildError;
use super::module::{Compiler, Module, required_go};
use crate::process;

/// Bytes of `go build`'s output that an error shows.
const OUTPUT_SHOWN: u64 = 4_000;

/// The Go tool, by name or path.
pub(super) struct Go {
    program: PathBuf,
    /// Arguments before all others: the script, when a shell stands in for Go.
    first: Vec<PathBuf>,
}

impl Go {
    pub(super) fn from_path() -> Self {
        Self { program: PathBuf::from("go"), first: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn at(program: PathBuf) -> Self {
        Self { program, first: Vec::new() }
    }

    /// A shell script in place of Go. Not executed itself: while another thread forks, a file just written may still
    /// be open for writing there, and executing it then fails.
    #[cfg(test)]
    pub(super) fn script(script: PathBuf) -> Self {
        Self { program: PathBuf::from("sh"), first: vec![script] }
    }

    /// Version of the tool, such as `go1.26.8`, if it is new enough for the modules.
    pub(super) fn version(&self) -> Result<String, BuildError> {
        let output = match self.command().args(["env", "GOVERSION"]).output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BuildError::GoMissing { required: required_go().to_owned() });
            }
            Err(error) => return Err(BuildError::Run(error)),
        };
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let found = answer.strip_prefix("go").and_then(numbers);
        match (found, numbers(required_go())) {
            (Some(found), Some(required)) if found < required => Err(BuildError::GoTooOld {
                found: answer.trim_start_matches("go").to_owned(),
                required: required_go().to_owned(),
            }),
            (Some(_), _) => Ok(answer),
            (None, _) => Err(BuildError::GoVersion { answer }),
        }
    }

    /// Builds the module's packages into `programs`; the output goes to `<module>.log` in `cache`.
    pub(super) fn build(
        &self,
        module: &'static Module,
        sources: &Path,
        programs: &Path,
        cache: &Path,
    ) -> Result<(), BuildError> {
        let log = cache.join(format!("{}.log", module.name));
        let log_error = |source| BuildError::Cache { path: log.clone(), source };
        let output = File::create(&log).map_err(log_error)?;
        let mut command = self.command();
        command
            .current_dir(sources)
            // A caller's flags must not change what the cache's name promises.
            .env("GOFLAGS", "-mod=readonly -buildvcs=false")
            .env("GOWORK", "off")
            .args(["build", "-trimpath"])
            // All linker flags have `-w`: debug information would be made only to be left out.
            .arg("-gcflags=all=-dwarf=false")
            .arg(format!("-ldflags={}", module.linker_flags))
            .args(module.tags())
            .arg("-o")
            .arg(programs)
            .args(module.packages)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(log_error)?)
            .stderr(output);
        match module.compiler {
            Compiler::GoOnly => command.env("CGO_ENABLED", "0"),
            Compiler::WithSeccomp => command.env("CGO_ENABLED", "1"),
        };
        // Killed with us, so that an interrupted build does not go on for minutes unseen.
        let status = process::spawn(command).and_then(|mut child| child.wait()).map_err(BuildError::Run)?;
        if status.success() {
            return Ok(());
        }
        let output = process::tail(&log, OUTPUT_SHOWN).map_err(log_error)?;
        if output.contains("no space left on device") {
            return Err(BuildError::DiskFull { module: module.name, path: cache.to_owned() });
        }
        Err(BuildError::Build { module: module.name, status, output })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Never fetch another Go behind the caller's back.
        command.args(&self.first).env("GOTOOLCHAIN", "local");
        command
    }
}

/// Leading numbers of a version: `1.26.8` and `1.26rc1` give (1, 26, 8) and (1, 26, 0).
fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..digits).and_then(|digits| digits.parse::<u32>().ok())
    });
    let (major, minor) = (parts.next()??, parts.next()??);
    Some((major, minor, parts.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(numbers("1.26.8"), Some((1, 26, 8)));
        assert_eq!(numbers("1.26rc1"), Some((1, 26, 0)));
        assert_eq!(numbers("1.9"), Some((1, 9, 0)));
        assert_eq!(numbers("devel"), None);
        assert!(numbers("1.9.9") < numbers("1.26.0"));
    }
}
