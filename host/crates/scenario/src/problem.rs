//! A mistake of the user, its place, and what would be right.

mod advice;
mod mistake;

use std::fmt;

use bench_template::yaml::{Span, YamlMistake};
use miette::{Diagnostic, LabeledSpan, SourceCode};

pub use self::mistake::Mistake;
use crate::{Sources, source::Source};

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
