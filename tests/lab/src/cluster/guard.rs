//! The process that cleans up after a cluster whose owner was killed.
//!
//! It waits for the end of its stdin, which comes when the owner closes it or ends in any way. After an orderly end it
//! finds nothing to do. It is the one process of a lab that does not die with its owner; it ends within seconds of it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::cgroup;
use crate::process::ProcessError;

pub(super) struct Guard {
    child: Child,
}

impl Guard {
    pub(super) fn start(tool: &Path, folder: &Path, lab: &str) -> Result<Self, ProcessError> {
        let mut command = Command::new(tool);
        command.arg("guard").arg(folder).args(cgroup::folders(lab));
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C on the terminal must not reach it.
        let child = command.process_group(0).spawn();
        let child = child.map_err(|source| ProcessError::Spawn { program: tool.to_owned(), source })?;
        Ok(Self { child })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // All is gone by now, so it ends at once.
        let _ = self.child.wait();
    }
}
