//! Reads a mapping key by key and reports the keys that nobody asked for.

use std::sync::Arc;

use bench_template::yaml::{Entry, Node, Span};

use crate::{Mistake, Problem, Sources};

/// Collects problems.
pub(crate) struct Report {
    pub(crate) sources: Arc<Sources>,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(sources: Arc<Sources>) -> Self {
        Self { sources, problems: Vec::new() }
    }

    pub(crate) fn add(&mut self, span: &Span, mistake: Mistake) {
        self.problems.push(Problem::new(&self.sources, span, mistake));
    }

    /// What stands at a place, as it was written.
    pub(crate) fn slice(&self, span: &Span) -> String {
        self.sources.slice(span)
    }
}

/// A mapping while it is read.
pub(crate) struct Fields<'n> {
    within: String,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
    at: Span,
}

impl<'n> Fields<'n> {
    /// `within` names the mapping in messages; `at` is underlined when a key is missing.
    pub(crate) fn of(node: &'n Node, within: &str, at: &Span, report: &mut Report) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            let found = node.type_name().to_owned();
            let mistake =
                Mistake::WrongType { key: within.to_owned(), expected: "a mapping".to_owned(), found };
            report.add(if node.span.is_empty() { at } else { &node.span }, mistake);
            return None;
        };
        Some(Self { within: within.to_owned(), entries, asked: Vec::new(), at: at.clone() })
    }

    /// A mapping in a list: its first key stands for it.
    pub(crate) fn of_item(node: &'n Node, within: &str, report: &mut Report) -> Option<Self> {
        let at = node
            .as_map()
            .and_then(<[Entry]>::first)
            .map_or(node.span.clone(), |entry| entry.key.span.clone());
        Self::of(node, within, &at, report)
    }

    /// The entry under a key.
    pub(crate) fn entry(&mut self, key: &'static str) -> Option<&'n Entry> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.iter().find(|entry| entry.key.text == key)
    }

    /// The value under a key.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under a key that must be there; `help` says how to write it.
    pub(crate) fn required(
        &mut self,
        key: &'static str,
        help: &str,
        report: &mut Report,
    ) -> Option<&'n Node> {
        let found = self.optional(key);
        if found.is_none() {
            let mistake = Mistake::MissingKey {
                key: key.to_owned(),
                within: self.within.clone(),
                help: help.to_owned(),
            };
            report.add(&self.at, mistake);
        }
        found
    }

    /// Where problems of the whole mapping are shown.
    pub(crate) fn place(&self) -> &Span {
        &self.at
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self, report: &mut Report) {
        // A merge key was reported by the YAML parser.
        let is_unknown = |key: &str| !self.asked.contains(&key) && key != "<<";
        for entry in self.entries.iter().filter(|entry| is_unknown(&entry.key.text)) {
            let key = entry.key.text.clone();
            let known = self.asked.iter().map(|key| (*key).to_owned()).collect();
            report.add(&entry.key.span, Mistake::UnknownKey { key, within: self.within.clone(), known });
        }
    }
}
