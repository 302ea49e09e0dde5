//! Exit codes: public, never renumbered.

use std::process::ExitCode;

/// Why the program ends as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All gates passed.
    Pass,
    /// A bug in `bench`, or a machine that gave out.
    Bug,
    /// The command line is wrong; clap's own code.
    Usage,
    /// The scenario is invalid; nothing was created.
    InvalidScenario,
    /// The record of a run cannot be read: the same code, as it is what the user gave that is wrong.
    UnreadableRecord,
    /// Refused by a safety check; nothing was created.
    Refused,
    /// Something of the run is left in the cluster.
    CleanupIncomplete,
    /// A plugin could not be resolved, or is not granted what it needs.
    Plugin,
    /// The cluster, a Prometheus or an OpenSearch cannot be reached, does not let us in or does not take what it
    /// is sent.
    Unreachable,
    /// What a verdict says: 0, 10, 12, 13, 15, 20, 130 or 143.
    Verdict(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::InvalidScenario | Self::UnreadableRecord => 3,
            Self::Refused => 14,
            Self::CleanupIncomplete => 15,
            Self::Plugin => 17,
            Self::Unreachable => 18,
            Self::Verdict(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
