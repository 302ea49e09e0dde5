//! Where text came from: the scenario file and each `--set`, as one line of offsets.
//!
//! A span of the tree is a place in all texts put end to end, so that a value from the command line can
//! stand anywhere in the tree and a mistake in it is still shown where it was typed.

use std::sync::Arc;

use bench_template::yaml::Span;
use miette::NamedSource;

/// A text with the name that messages show.
pub(crate) type Source = Arc<NamedSource<String>>;

/// The texts that a scenario was made of.
#[derive(Debug, Clone)]
pub struct Sources {
    pieces: Vec<(usize, Source)>,
    end: usize,
}

impl Sources {
    /// Starts with the scenario file.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut sources = Self { pieces: Vec::new(), end: 0 };
        sources.add(name, text);
        sources
    }

    /// Adds a text and returns the offset of its first byte.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> usize {
        let start = self.end;
        self.pieces.push((start, Arc::new(NamedSource::new(name, text.to_owned()))));
        // One more, so that the place after the last byte still belongs to this text.
        self.end += text.len() + 1;
        start
    }

    /// The text that a span lies in, and the span inside it.
    pub(crate) fn locate(&self, span: &Span) -> Option<(Source, Span)> {
        let (start, source) = self.pieces.iter().rev().find(|(start, _)| *start <= span.start)?;
        let length = source.inner().len();
        let local = |offset: usize| offset.saturating_sub(*start).min(length);
        Some((Arc::clone(source), local(span.start)..local(span.end)))
    }

    /// The text that a span covers.
    pub(crate) fn slice(&self, span: &Span) -> String {
        let found = self.locate(span).and_then(|(source, span)| source.inner().get(span).map(str::to_owned));
        found.unwrap_or_default()
    }
}
