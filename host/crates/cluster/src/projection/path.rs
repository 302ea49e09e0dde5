//! Paths of projections: `status.conditions[type=Ready].lastTransitionTime`.

use bench_model::{ParseAs, Projection};

/// Why a path is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    /// A path that cannot be read.
    #[error("`{path}` is not a path: {reason}")]
    Path {
        /// The path found.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something after `$create.` that does not exist, or not read as a time.
    #[error("`{path}` does not exist: there are `$create.dueAt` and `$create.sentAt`, parsed as time")]
    OwnCreate {
        /// The path found.
        path: String,
    },
    /// Only texts join.
    #[error("`{path}` joins values with `[*]`, which only goes with text and raw")]
    Join {
        /// The path found.
        path: String,
    },
    /// More columns than a row may have.
    #[error("a subscription has at most 120 projections, found {n}")]
    TooMany {
        /// How many there are.
        n: usize,
    },
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Down these steps in the object.
    Object(Vec<Step>),
    /// From our own create request.
    OwnCreate(OwnCreateTime),
}

/// A time of our own create request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCreateTime {
    Due,
    Sent,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of a key.
    Field(Box<str>),
    /// Every element of a list.
    Each,
    /// The first element of a list in which the value of `key`, as text, is `value`.
    Pick { key: Box<str>, value: Box<str> },
}

impl Source {
    pub(super) fn joins(&self) -> bool {
        matches!(self, Self::Object(steps) if steps.contains(&Step::Each))
    }

    /// Whether the last key is, or ends after a dot in, `word`: `cpu`, `requests.cpu`.
    pub(super) fn ends_in(&self, word: &str) -> bool {
        let Self::Object(steps) = self else { return false };
        match steps.last() {
            Some(Step::Field(name)) => {
                name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Some(Step::Each | Step::Pick { .. }) | None => false,
        }
    }
}

/// Reads the path of a projection.
pub(super) fn parse(projection: &Projection) -> Result<Source, ProjectionError> {
    let path = projection.path.as_str();
    if let Some(rest) = path.strip_prefix('$') {
        let time = match rest {
            "create.dueAt" => OwnCreateTime::Due,
            "create.sentAt" => OwnCreateTime::Sent,
            _ => return Err(ProjectionError::OwnCreate { path: path.to_owned() }),
        };
        if projection.parse != ParseAs::Time {
            return Err(ProjectionError::OwnCreate { path: path.to_owned() });
        }
        return Ok(Source::OwnCreate(time));
    }
    let steps = steps(path).map_err(|reason| ProjectionError::Path { path: path.to_owned(), reason })?;
    let source = Source::Object(steps);
    if source.joins() && !matches!(projection.parse, ParseAs::Text | ParseAs::Raw) {
        return Err(ProjectionError::Join { path: path.to_owned() });
    }
    Ok(source)
}

fn steps(path: &str) -> Result<Vec<Step>, &'static str> {
    // As kubectl writes it, with a dot in front.
    let mut rest = path.strip_prefix('.').unwrap_or(path);
    let mut steps = Vec::new();
    let mut after_dot = true;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            if after_dot && !steps.is_empty() {
                return Err("a name is missing before `[`");
            }
            let (step, tail) = bracket(inner)?;
            steps.push(step);
            rest = tail;
            after_dot = false;
        } else if let Some(tail) = rest.strip_prefix('.') {
            if after_dot {
                return Err("a name is missing before `.`");
            }
            rest = tail;
            after_dot = true;
        } else if after_dot {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, tail) = rest.split_at(end);
            if name.contains([']', '\'', '"', ' ', '*']) {
                return Err("a name has a character that must be quoted: write `['a.b/c']`");
            }
            steps.push(Step::Field(name.into()));
            rest = tail;
            after_dot = false;
        } else {
            return Err("a `.` is missing after `]`");
        }
    }
    if steps.is_empty() {
        return Err("it is empty");
    }
    if after_dot {
        return Err("it ends with a dot");
    }
    if steps.len() > 32 {
        return Err("it has more than 32 steps");
    }
    Ok(steps)
}

fn bracket(inner: &str) -> Result<(Step, &str), &'static str> {
    if let Some(quoted) = inner.strip_prefix('\'') {
        let (name, tail) = quoted.split_once("']").ok_or("`['` has no `']`")?;
        return Ok((Step::Field(name.into()), tail));
    }
    let (inside, tail) = inner.split_once(']').ok_or("`[` has no `]`")?;
    if inside == "*" {
        return Ok((Step::Each, tail));
    }
    let (key, value) = inside.split_once('=').ok_or("brackets hold `*`, `key=value` or a quoted name")?;
    if key.is_empty() || key.contains(['.', '[']) {
        return Err("the key in brackets must be a name");
    }
    let value =
        value.strip_prefix(['\'', '"']).and_then(|value| value.strip_suffix(['\'', '"'])).unwrap_or(value);
    Ok((Step::Pick { key: key.into(), value: value.into() }, tail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(name: &str) -> Step {
        Step::Field(name.into())
    }

    fn check(path: &str, expected: Result<Vec<Step>, &'static str>) {
        assert_eq!(steps(path), expected, "{path}");
    }

    #[test]
    fn paths_of_all_forms_are_read() {
        let ready = Step::Pick { key: "type".into(), value: "Ready".into() };
        check("status.phase", Ok(vec![field("status"), field("phase")]));
        check(".status.phase", Ok(vec![field("status"), field("phase")]));
        check(
            "status.conditions[type=Ready].status",
            Ok(vec![field("status"), field("conditions"), ready, field("status")]),
        );
        check(
            "metadata.labels['bench.dev/job']",
            Ok(vec![field("metadata"), field("labels"), field("bench.dev/job")]),
        );
        check("spec.a[*][*].b", Ok(vec![field("spec"), field("a"), Step::Each, Step::Each, field("b")]));
        check("['a.b'].c", Ok(vec![field("a.b"), field("c")]));
    }

    #[test]
    fn mistakes_are_named() {
        check("", Err("it is empty"));
        check("a.", Err("it ends with a dot"));
        check("a..b", Err("a name is missing before `.`"));
        check("a.[*]", Err("a name is missing before `[`"));
        check("a[*]b", Err("a `.` is missing after `]`"));
        check("a[0]", Err("brackets hold `*`, `key=value` or a quoted name"));
        check("a[type=x", Err("`[` has no `]`"));
        check("a['x", Err("`['` has no `']`"));
    }

    #[test]
    fn what_cannot_be_read_so_is_refused() {
        let of = |path: &str, parse| parse_one(path, parse).expect_err("a mistake");
        assert_eq!(
            of("$create.doneAt", ParseAs::Time),
            ProjectionError::OwnCreate { path: "$create.doneAt".to_owned() }
        );
        assert_eq!(
            of("$create.dueAt", ParseAs::Text),
            ProjectionError::OwnCreate { path: "$create.dueAt".to_owned() }
        );
        assert_eq!(of("a[*].b", ParseAs::Integer), ProjectionError::Join { path: "a[*].b".to_owned() });
    }

    fn parse_one(path: &str, parse: ParseAs) -> Result<Source, ProjectionError> {
        super::parse(&Projection { path: path.to_owned(), parse })
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(path in r"[a-z.\[\]*='$ ]{0,30}|.{0,30}") {
            let _ = parse_one(&path, ParseAs::Text);
        }
    }
}
