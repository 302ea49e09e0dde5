//! A mistake of the user, its place, and what would be right.

use std::fmt;

use bench_model::{DurationError, NameError, RateError, ShareError, ThresholdError};
use bench_template::{
    TemplateMistake,
    yaml::{Span, YamlMistake},
};
use miette::{Diagnostic, LabeledSpan, SourceCode};

use crate::{QuantityError, Sources, source::Source};

/// What is wrong. One variant for each kind of mistake.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Mistake {
    /// Not YAML, or YAML that is not read.
    #[error("{0}")]
    Yaml(YamlMistake),
    /// Another kind of file.
    #[error("`{key}: {found}` is not a scenario")]
    NotAScenario {
        /// `apiVersion` or `kind`.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {within}")]
    UnknownKey {
        /// The key found.
        key: String,
        /// What it stands in.
        within: String,
        /// The keys that there are.
        known: Vec<String>,
    },
    /// A key that must be there.
    #[error("`{key}` is missing in {within}")]
    MissingKey {
        /// The key.
        key: String,
        /// What it belongs in.
        within: String,
        /// How to write it.
        help: String,
    },
    /// A value of the wrong type.
    #[error("{key} must be {expected}, found {found}")]
    WrongType {
        /// "`rate`" or "a job".
        key: String,
        /// The type wanted.
        expected: String,
        /// The type found.
        found: String,
    },
    /// A bare number where a unit is needed.
    #[error("`{key}: {found}` has no unit")]
    MissingUnit {
        /// Whose value.
        key: String,
        /// As written.
        found: String,
        /// The same with a unit.
        example: String,
    },
    /// A number outside of its range.
    #[error("{key} must be {range}, found {found}")]
    OutOfRange {
        /// Whose value.
        key: String,
        /// The value.
        found: String,
        /// "from 1 to 10".
        range: String,
    },
    /// Not a name.
    #[error("{0}")]
    Name(NameError),
    /// Not a duration.
    #[error("{0}")]
    Duration(DurationError),
    /// Not a rate.
    #[error("{0}")]
    Rate(RateError),
    /// Not a quantity.
    #[error("{0}")]
    Quantity(QuantityError),
    /// Not a share.
    #[error("{0}")]
    Share(ShareError),
    /// Not a threshold.
    #[error("{0}")]
    Threshold(ThresholdError),
    /// A word that is none of those allowed.
    #[error("`{found}` is not {what}")]
    UnknownWord {
        /// "an arrival process".
        what: String,
        /// The word found.
        found: String,
        /// The words that there are.
        known: Vec<String>,
    },
    /// A plugin that is not declared.
    #[error("{user} uses unknown plugin `{plugin}`")]
    UnknownPlugin {
        /// "job `create-pods`".
        user: String,
        /// The plugin named.
        plugin: String,
        /// Those declared.
        declared: Vec<String>,
    },
    /// The same name twice.
    #[error("{what} `{name}` is used twice")]
    DuplicateName {
        /// "job name".
        what: &'static str,
        /// The name.
        name: String,
        /// Why that is not allowed.
        help: &'static str,
        /// Where it was used first.
        first: Span,
    },
    /// A threshold on something that is not in the scenario.
    #[error("threshold on unknown source `{name}`")]
    UnknownSource {
        /// The name found.
        name: String,
        /// Jobs and measurements.
        known: Vec<String>,
    },
    /// A threshold on a metric that its source does not have.
    #[error("`{source_name}` has no metric `{metric}`")]
    UnknownMetric {
        /// Job or measurement.
        source_name: String,
        /// The metric named.
        metric: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// Two keys that exclude each other.
    #[error("`{first}` and `{second}` cannot both be used")]
    Exclusive {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Which to keep.
        help: &'static str,
    },
    /// Something that this version does not do.
    #[error("{what} is not supported yet")]
    NotSupported {
        /// "`oci://` as a source of plugins".
        what: String,
        /// What to do instead.
        help: String,
    },
    /// Not a place that a plugin can come from.
    #[error("`{found}` does not say where the plugin comes from")]
    PluginSource {
        /// As written.
        found: String,
    },
    /// `--set` without `=` or with an empty path.
    #[error("`{found}` is not of the form `path=value`")]
    SetForm {
        /// As written.
        found: String,
    },
    /// `--set` of a path that leads nowhere.
    #[error("`{path}` leads nowhere: there is no `{missing}`")]
    SetPath {
        /// The path.
        path: String,
        /// The part that was not found.
        missing: String,
        /// What could stand there.
        known: Vec<String>,
    },
    /// `--set` into a value that has no parts.
    #[error("`{path}` leads nowhere: `{parent}` is {found}")]
    SetThrough {
        /// The path.
        path: String,
        /// The part that has no parts.
        parent: String,
        /// What it is.
        found: &'static str,
    },
    /// `${name}` of a variable that does not exist.
    #[error("variable `{name}` is not defined")]
    UndefinedVariable {
        /// The name.
        name: String,
        /// Those defined (above, for a variable that uses another).
        known: Vec<String>,
    },
    /// `${` without `}`.
    #[error("`${{` is never closed")]
    UnclosedVariable,
    /// A file that cannot be read.
    #[error("failed to read `{path}`: {reason}")]
    File {
        /// As written.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A file outside of the scenario's folder.
    #[error("`{path}` is outside of the scenario's folder")]
    PathOutside {
        /// As written.
        path: String,
    },
    /// A mistake in a template file.
    #[error("{0}")]
    Template(TemplateMistake),
    /// A parameter that nobody gives a value.
    #[error("parameter `{name}` of the template has no value")]
    UnknownParam {
        /// The parameter.
        name: String,
        /// Those that have one.
        known: Vec<String>,
    },
    /// A value that the schema of the plugin refuses.
    #[error("{message}")]
    Schema {
        /// What the schema says.
        message: String,
        /// What would be right, if known.
        help: Option<String>,
    },
    /// Refused by a later step, at a place in the file.
    #[error("{message}")]
    Rejected {
        /// What is wrong.
        message: String,
        /// Said under the underlined words.
        label: String,
        /// What would be right.
        help: Option<String>,
    },
}

impl Mistake {
    /// Said under the underlined words.
    fn label(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { known, key, .. } => did_you_mean(key, known, "not known here"),
            Self::UnknownWord { found, known, .. } => did_you_mean(found, known, "not known"),
            Self::UnknownPlugin { plugin, declared, .. } => {
                did_you_mean(plugin, declared, "not declared under `plugins`")
            }
            Self::UnknownSource { name, known } => {
                did_you_mean(name, known, "neither a job nor a measurement")
            }
            Self::UnknownMetric { metric, known, .. } => did_you_mean(metric, known, "not measured"),
            Self::SetPath { missing, known, .. } => did_you_mean(missing, known, "not found"),
            Self::UndefinedVariable { name, known } => did_you_mean(name, known, "not defined"),
            Self::UnknownParam { name, known } => did_you_mean(name, known, "no value"),
            Self::MissingKey { key, .. } => format!("needs `{key}`"),
            Self::WrongType { found, .. } => format!("this is {found}"),
            Self::MissingUnit { .. } => "no unit".to_owned(),
            Self::DuplicateName { .. } | Self::Yaml(YamlMistake::DuplicateKey { .. }) => {
                "used again".to_owned()
            }
            Self::NotSupported { .. } => "not supported yet".to_owned(),
            Self::Rejected { label, .. } => label.clone(),
            Self::File { .. } => "not readable".to_owned(),
            Self::PathOutside { .. } => "leads out of it".to_owned(),
            Self::Yaml(_)
            | Self::NotAScenario { .. }
            | Self::OutOfRange { .. }
            | Self::Name(_)
            | Self::Duration(_)
            | Self::Rate(_)
            | Self::Quantity(_)
            | Self::Share(_)
            | Self::Threshold(_)
            | Self::Exclusive { .. }
            | Self::PluginSource { .. }
            | Self::SetForm { .. }
            | Self::SetThrough { .. }
            | Self::UnclosedVariable
            | Self::Template(_)
            | Self::Schema { .. } => return None,
        })
    }

    /// What would be right, where the message does not say so.
    fn help(&self) -> Option<String> {
        match self {
            Self::Yaml(mistake) => mistake.help().map(str::to_owned),
            Self::NotAScenario { key, expected, .. } => Some(format!("a scenario has `{key}: {expected}`")),
            Self::UnknownKey { known, .. } => Some(one_of("known keys", known)),
            Self::UnknownWord { known, .. } => Some(one_of("use", known)),
            Self::UnknownPlugin { declared, .. } => Some(one_of("declared plugins", declared)),
            Self::UnknownSource { known, .. } => Some(one_of("jobs and measurements", known)),
            Self::UnknownMetric { known, .. } => Some(one_of("metrics", known)),
            Self::SetPath { known, .. } => Some(one_of("there is", known)),
            Self::SetForm { .. } => Some("write for example `--set variables.pods=10`".to_owned()),
            Self::UndefinedVariable { known, .. } => Some(one_of("variables", known)),
            Self::UnknownParam { known, .. } => Some(one_of("parameters with a value", known)),
            Self::MissingKey { help, .. } | Self::NotSupported { help, .. } => Some(help.clone()),
            Self::MissingUnit { example, .. } => Some(format!("write for example {example}")),
            Self::DuplicateName { help, .. } | Self::Exclusive { help, .. } => Some((*help).to_owned()),
            Self::PluginSource { .. } => {
                Some("write `builtin:NAME`, `file:PATH` or a path that starts with `./`".to_owned())
            }
            Self::UnclosedVariable => {
                Some("close it with `}`, or write `$${` for the characters `${`".to_owned())
            }
            Self::PathOutside { .. } => Some(
                "use a relative path without `..`: a scenario may only hand its own files to plugins"
                    .to_owned(),
            ),
            Self::Template(mistake) => mistake.help(),
            Self::Schema { help, .. } | Self::Rejected { help, .. } => help.clone(),
            Self::WrongType { .. }
            | Self::OutOfRange { .. }
            | Self::Name(_)
            | Self::Duration(_)
            | Self::Rate(_)
            | Self::Quantity(_)
            | Self::Share(_)
            | Self::Threshold(_)
            | Self::SetThrough { .. }
            | Self::File { .. } => None,
        }
    }

    /// A second place that belongs to the mistake.
    fn first_use(&self) -> Option<&Span> {
        match self {
            Self::DuplicateName { first, .. } | Self::Yaml(YamlMistake::DuplicateKey { first, .. }) => {
                Some(first)
            }
            _ => None,
        }
    }
}

fn did_you_mean(found: &str, known: &[String], otherwise: &str) -> String {
    let near = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&found.to_lowercase(), &word.to_lowercase()), word));
    let nearest = near.min_by_key(|(distance, _)| *distance);
    match nearest {
        // Two typing mistakes in a short word, more in a long one.
        Some((distance, word)) if distance <= 1 + found.chars().count() / 4 => {
            format!("did you mean `{word}`?")
        }
        _ => otherwise.to_owned(),
    }
}

fn one_of(what: &str, words: &[String]) -> String {
    if words.is_empty() {
        return format!("{what}: none");
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("{what}: {}", words.join(", "))
}

/// A mistake at its place in a file.
#[derive(Debug, Clone)]
pub struct Problem {
    mistake: Mistake,
    source: Source,
    span: Span,
    first: Option<Span>,
    /// Position among all texts, to sort by.
    order: usize,
}

impl Problem {
    /// `span` counts over all texts of `sources`.
    pub(crate) fn new(sources: &Sources, span: &Span, mistake: Mistake) -> Self {
        let (source, local) = sources
            .locate(span)
            .unwrap_or_else(|| (Source::new(miette::NamedSource::new("", String::new())), 0..0));
        let first = mistake.first_use().and_then(|first| sources.locate(first));
        let first = first.filter(|(other, _)| std::sync::Arc::ptr_eq(other, &source)).map(|(_, span)| span);
        Self { mistake, source, span: local, first, order: span.start }
    }

    /// In a text that is none of the scenario's.
    pub(crate) fn in_text(source: Source, span: Span, mistake: Mistake) -> Self {
        Self { order: span.start, mistake, source, span, first: None }
    }

    /// What is wrong.
    pub fn mistake(&self) -> &Mistake {
        &self.mistake
    }

    /// Name of the file.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// Byte range in the file.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Whether it is about a value that could not be made in the first place.
    pub(crate) fn follows_from(&self, earlier: &Self) -> bool {
        let is_cause =
            matches!(earlier.mistake, Mistake::UndefinedVariable { .. } | Mistake::UnclosedVariable);
        let is_around = self.span.start <= earlier.span.start && earlier.span.end <= self.span.end;
        is_cause && std::sync::Arc::ptr_eq(&self.source, &earlier.source) && is_around
    }

    fn has_place(&self) -> bool {
        let is_whole_file =
            matches!(self.mistake, Mistake::Yaml(YamlMistake::Empty | YamlMistake::TooLong { .. }));
        !is_whole_file && !self.source.inner().is_empty()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_place() {
            write!(f, "`{}`: ", self.file())?;
        }
        fmt::Display::fmt(&self.mistake, f)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.mistake.help().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.has_place().then_some(&*self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.has_place() {
            return None;
        }
        let label = LabeledSpan::new_primary_with_span(self.mistake.label(), self.span.clone());
        let first = self
            .first
            .clone()
            .map(|first| LabeledSpan::new_with_span(Some("first used here".to_owned()), first));
        Some(Box::new(std::iter::once(label).chain(first)))
    }
}

/// All mistakes of a scenario, in the order of the file; never empty.
#[derive(Debug, Clone)]
pub struct Problems {
    name: String,
    problems: Vec<Problem>,
}

impl Problems {
    /// None when there is no problem. `name` is the file in question.
    pub fn new(name: &str, problems: Vec<Problem>) -> Option<Self> {
        (!problems.is_empty()).then(|| Self::of(name, problems))
    }

    /// `problems` is known not to be empty.
    pub(crate) fn of(name: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.file() != name, problem.file().to_owned(), problem.order));
        Self { name: name.to_owned(), problems }
    }

    /// The problems.
    pub fn list(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.problems.len() == 1 { "problem" } else { "problems" };
        write!(f, "`{}` has {} {plural}", self.name, self.problems.len())
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}
