//! What an object is waited for to be: `kubectl wait --for` and each kind's own readiness.

mod kinds;
#[cfg(test)]
mod tests;

use std::fmt;

use bench_model::{ParseAs, Projection, ResourceRef};

use self::kinds::check;
use crate::{RequestError, projection::Cell};

/// A condition, as `kubectl wait --for` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// `create`: it exists.
    Create,
    /// `delete`: it is gone.
    Delete,
    /// `condition=Ready`, `condition=Ready=False`: a status condition has this value.
    Status {
        /// Type of the condition.
        kind: String,
        /// `True` when not given.
        value: String,
    },
    /// `jsonpath={.status.phase}=Bound`; without a value, that there is one.
    Path {
        /// As in projections.
        path: String,
        /// What it must be.
        value: Option<String>,
    },
    /// `ready`: what readiness means for its kind.
    Ready,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// When it is none of the forms above, or its path has parts that projections do not have.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        let invalid = || RequestError::InvalidArgument {
            message: format!(
                "`{text}` is not a condition, write `ready`, `create`, `delete`, `condition=Ready` or `jsonpath={{.status.phase}}=Bound`"
            ),
        };
        match text.split_once('=') {
            None => match text {
                "create" => Ok(Self::Create),
                "delete" => Ok(Self::Delete),
                "ready" => Ok(Self::Ready),
                _ => Err(invalid()),
            },
            Some(("condition", rest)) => {
                let (kind, value) = rest.split_once('=').unwrap_or((rest, "True"));
                let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/' | '_');
                if kind.is_empty() || value.is_empty() || !kind.chars().all(is_name) {
                    return Err(invalid());
                }
                Ok(Self::Status { kind: kind.to_owned(), value: value.to_owned() })
            }
            Some(("jsonpath", rest)) => jsonpath(rest).ok_or_else(invalid),
            Some(_) => Err(invalid()),
        }
    }
}

impl fmt::Display for Condition {
    /// As it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Delete => f.write_str("delete"),
            Self::Ready => f.write_str("ready"),
            Self::Status { kind, value } if value == "True" => write!(f, "condition={kind}"),
            Self::Status { kind, value } => write!(f, "condition={kind}={value}"),
            Self::Path { path, value: Some(value) } => write!(f, "jsonpath={{.{path}}}={value}"),
            Self::Path { path, value: None } => write!(f, "jsonpath={{.{path}}}"),
        }
    }
}

/// `{.status.phase}=Bound` or `'{.status.phase}'=Bound`.
fn jsonpath(text: &str) -> Option<Condition> {
    let unquoted = text.trim_start_matches('\'').strip_prefix('{')?;
    let (path, rest) = unquoted.split_once('}')?;
    let rest = rest.trim_start_matches('\'');
    let value = match rest.strip_prefix('=') {
        Some(value) => {
            Some(Some(value.trim_matches(['\'', '"']).to_owned()).filter(|value| !value.is_empty())?)
        }
        None if rest.is_empty() => None,
        None => return None,
    };
    // kubectl's filter `[?(@.type=="Ready")]` is our `[type=Ready]`.
    let path = path.replace("[?(@.", "[").replace("==", "=").replace(")]", "]").replace('"', "");
    let path = path.trim_start_matches('.').to_owned();
    let known = crate::projection::is_path(&path);
    known.then_some(Condition::Path { path, value })
}

/// A condition for one kind: the columns that it looks at, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    paths: &'static [&'static str],
    judge: fn(&Values<'_>) -> Verdict,
}

/// What a check says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    /// What is missing.
    Unmet(String),
}

/// The columns of one object, by position.
pub(super) struct Values<'a>(&'a [Cell<'a>]);

impl Values<'_> {
    fn text(&self, at: usize) -> &str {
        match self.0.get(at) {
            Some(Cell::Text(text)) => text,
            Some(_) | None => "",
        }
    }

    /// A number that the API leaves out when it is 0.
    fn number(&self, at: usize) -> i64 {
        self.text(at).parse().unwrap_or(0)
    }
}

/// How a condition is judged for a kind.
pub(super) enum Judge {
    /// By existing; also what `delete` looks at.
    Exists,
    /// One value against another; `shown` names it.
    Equals { path: String, value: Option<String>, shown: String },
    /// The kind's own.
    Check(Check),
}

impl Judge {
    pub(super) fn new(condition: &Condition, target: &ResourceRef) -> Self {
        match condition {
            Condition::Create | Condition::Delete => Self::Exists,
            Condition::Status { kind, value } => Self::Equals {
                path: format!("status.conditions[type={kind}].status"),
                value: Some(value.clone()),
                shown: format!("condition {kind}"),
            },
            Condition::Path { path, value } => {
                Self::Equals { path: path.clone(), value: value.clone(), shown: path.clone() }
            }
            Condition::Ready => Self::Check(check(&target.group, &target.plural)),
        }
    }

    pub(super) fn projections(&self) -> Vec<Projection> {
        let text = |path: &str| Projection { path: path.to_owned(), parse: ParseAs::Text };
        match self {
            Self::Exists => Vec::new(),
            Self::Equals { path, .. } => vec![text(path)],
            Self::Check(check) => check.paths.iter().map(|path| text(path)).collect(),
        }
    }

    pub(super) fn judge(&self, cells: &[Cell<'_>]) -> Verdict {
        let values = Values(cells);
        match self {
            Self::Exists => Verdict::Met,
            Self::Check(check) => (check.judge)(&values),
            Self::Equals { value, shown, .. } => {
                let found = values.text(0);
                let is_met = match value {
                    Some(value) => found.eq_ignore_ascii_case(value),
                    None => !found.is_empty(),
                };
                let found = if found.is_empty() { "not set" } else { found };
                if is_met { Verdict::Met } else { Verdict::Unmet(format!("{shown} is {found}")) }
            }
        }
    }
}

fn unless(missing: &str) -> Verdict {
    if missing.is_empty() { Verdict::Met } else { Verdict::Unmet(missing.to_owned()) }
}
