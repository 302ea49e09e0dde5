//! A real OpenSearch on loopback, of Maven Central and run by Java, for tests that send documents.
//!
//! Fetched once into the cache; afterwards no network is needed. Without the security plugin: it has no TLS and
//! knows no users, so what logs in is tested elsewhere.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::folder::{Folder, FolderError};
use crate::process::{Process, ProcessError};
use crate::wait::Deadline;
use crate::{port, requirements};

const POM: &str = include_str!("../opensearch/pom.xml");
const RUN: &str = include_str!("../opensearch/Run.java");
/// Of the folder in the cache; another version of the runner gets another one.
const VERSION: &str = "2.19.1.0";
/// The class path as one line: written last, so that a folder with it is whole.
const CLASS_PATH: &str = "classpath";

const READY_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// Reasons for which there is no OpenSearch.
#[derive(Debug, thiserror::Error)]
pub enum OpenSearchError {
    /// A program is not installed.
    #[error(
        "no `{program}` in PATH (Debian: `apt-get install --no-install-recommends maven default-jdk-headless`)"
    )]
    Missing {
        /// Its name.
        program: &'static str,
    },
    /// A file or folder of the cache cannot be used.
    #[error("failed to use {path}")]
    Cache {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Fetching or compiling failed.
    #[error("`{program}` ended with {status}:\n{output}")]
    Fetch {
        /// What was run.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote, from its end.
        output: String,
    },
    /// No folder for it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No port is free.
    #[error("no free port for OpenSearch")]
    Port(#[source] io::Error),
    /// It cannot be started.
    #[error("no process for OpenSearch")]
    Process(#[from] ProcessError),
    /// It ended, or was not ready in time.
    #[error("OpenSearch is not ready ({status:?}); its log ends with\n{tail}")]
    NotReady {
        /// How it ended, if it did.
        status: Option<ExitStatus>,
        /// Last lines of its log.
        tail: String,
    },
}

/// A running OpenSearch; ends when dropped.
pub struct OpenSearch {
    process: Process,
    address: SocketAddr,
    /// Its data; gone when dropped.
    _folder: Folder,
}

impl OpenSearch {
    /// Fetches it into the cache unless it is there; gives its class path.
    ///
    /// # Errors
    /// When Java or Maven is missing, or Maven Central cannot be reached.
    pub fn ensure(cache: &Path) -> Result<String, OpenSearchError> {
        let folder = cache.join(format!("opensearch-{VERSION}"));
        let finished = folder.join(CLASS_PATH);
        if let Ok(class_path) = fs::read_to_string(&finished) {
            return Ok(class_path);
        }
        fs::create_dir_all(&folder).map_err(cache_error(&folder))?;
        for (name, text) in [("pom.xml", POM), ("Run.java", RUN)] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(cache_error(&path))?;
        }
        let repository = format!("-Dmaven.repo.local={}", folder.join("repository").display());
        let jars = folder.join("jars");
        let output = format!("-Dmdep.outputFile={}", jars.display());
        let goal = "dependency:build-classpath";
        run(&folder, "mvn", &["--batch-mode", "--quiet", "--file", "pom.xml", &repository, &output, goal])?;
        let jars = fs::read_to_string(&jars).map_err(cache_error(&jars))?;
        run(&folder, "javac", &["-cp", jars.trim(), "Run.java"])?;
        let class_path = format!("{}:{}", folder.display(), jars.trim());
        let unfinished = folder.join("classpath.new");
        fs::write(&unfinished, &class_path).map_err(cache_error(&unfinished))?;
        fs::rename(&unfinished, &finished).map_err(cache_error(&finished))?;
        Ok(class_path)
    }

    /// Starts an empty one and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be had, or does not answer within two minutes.
    pub fn start(cache: &Path) -> Result<Self, OpenSearchError> {
        let class_path = Self::ensure(cache)?;
        let folder = Folder::create()?;
        let address = port::loopback(port::free().map_err(OpenSearchError::Port)?);
        let java = requirements::find("java").ok_or(OpenSearchError::Missing { program: "java" })?;
        let mut command = Command::new(java);
        command.args(["-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.args([&class_path, "Run", &address.port().to_string()]).arg(folder.path().join("opensearch"));
        command.current_dir(folder.path());
        let process = Process::start_in(None, "opensearch", command, &folder.log("opensearch"))?;
        let mut opensearch = Self { process, address, _folder: folder };
        opensearch.await_ready()?;
        Ok(opensearch)
    }

    /// URL without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn await_ready(&mut self) -> Result<(), OpenSearchError> {
        let deadline = Deadline::after(READY_LIMIT);
        loop {
            let status = self.process.ended_within(POLL)?;
            if status.is_some() || deadline.is_over() {
                return Err(OpenSearchError::NotReady { status, tail: self.process.log_tail(4_000) });
            }
            if answers(self.address).unwrap_or(false) {
                return Ok(());
            }
        }
    }
}

/// Whether the cluster takes documents.
fn answers(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, POLL)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /_cluster/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(10_000).read_to_string(&mut answer)?;
    Ok(answer.contains("\"status\":\"green\"") || answer.contains("\"status\":\"yellow\""))
}

fn run(folder: &Path, program: &'static str, arguments: &[&str]) -> Result<(), OpenSearchError> {
    let path = requirements::find(program).ok_or(OpenSearchError::Missing { program })?;
    let output = Command::new(&path).current_dir(folder).args(arguments).output();
    let output = output.map_err(cache_error(&path))?;
    if output.status.success() {
        return Ok(());
    }
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n");
    Err(OpenSearchError::Fetch { program, status: output.status, output: last })
}

fn cache_error(path: &Path) -> impl FnOnce(io::Error) -> OpenSearchError {
    let path = path.to_owned();
    move |source| OpenSearchError::Cache { path, source }
}
