//! Why runs are not compared: repeated, not to be trusted, or made under other conditions.

use std::collections::BTreeSet;

use super::Difference;
use crate::summary::{Summary, Verdict};

/// Why nothing is compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// A side has no runs.
    #[error("side {side} has no runs")]
    Empty {
        /// `A` or `B`.
        side: &'static str,
    },
    /// A run is on both sides.
    #[error("run {run} is on both sides")]
    OnBothSides {
        /// Its id.
        run: String,
    },
    /// Runs whose numbers cannot be trusted.
    #[error("{} of the runs cannot be trusted: {}", runs.len(), runs.join("; "))]
    Invalid {
        /// Each with the reason.
        runs: Vec<String>,
    },
    /// Made under conditions that change the numbers.
    #[error("the runs were not made under the same conditions: {}", describe(differences))]
    Different {
        /// Hard keys that differ and were not allowed.
        differences: Vec<Difference>,
    },
    /// A metric that some run does not have.
    #[error("`{metric}` is not in every run; all runs have {}", known.join(", "))]
    UnknownMetric {
        /// As named.
        metric: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No metric that all runs have.
    #[error("the runs have no metric in common")]
    NothingInCommon,
}

fn describe(differences: &[Difference]) -> String {
    let one = |d: &Difference| {
        let and = if d.b.is_empty() || d.a == d.b { String::new() } else { format!(" and {}", d.b) };
        format!("`{}` is {}{and}", d.key, d.a)
    };
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A run that counts twice would make any difference sure.
pub(super) fn refuse_repeated(a: &[Summary], b: &[Summary]) -> Result<(), CompareError> {
    let mut seen = BTreeSet::new();
    let repeated = a.iter().chain(b).find(|run| !seen.insert(run.run.id.as_str()));
    match repeated {
        Some(run) => Err(CompareError::OnBothSides { run: run.run.id.clone() }),
        None => Ok(()),
    }
}

pub(super) fn refuse_invalid<'a>(runs: impl Iterator<Item = &'a Summary>) -> Result<(), CompareError> {
    let cannot =
        |run: &&Summary| run.partial || matches!(run.conclusion.verdict, Verdict::Invalid | Verdict::Skipped);
    let runs: Vec<String> =
        runs.filter(cannot).map(|run| format!("{} ({})", run.run.id, run.conclusion.reason)).collect();
    if runs.is_empty() { Ok(()) } else { Err(CompareError::Invalid { runs }) }
}

pub(super) fn refuse_different(
    differences: &[Difference],
    allowed: &BTreeSet<String>,
) -> Result<(), CompareError> {
    let refused: Vec<Difference> =
        differences.iter().filter(|d| d.hard && !allowed.contains(&d.key)).cloned().collect();
    if refused.is_empty() { Ok(()) } else { Err(CompareError::Different { differences: refused }) }
}
