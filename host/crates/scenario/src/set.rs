//! `--set path=value`.

use bench_template::yaml::{self, Entry, Key, Node, Span, Value};

use crate::{Mistake, Sources, fields::Report};

/// One `--set` with its place among the sources.
pub(crate) struct Set {
    text: String,
    offset: usize,
}

/// A part of a path.
struct Part {
    text: String,
    span: Span,
}

impl Set {
    pub(crate) fn new(text: &str, sources: &mut Sources) -> Self {
        Self { text: text.to_owned(), offset: sources.add("--set", text) }
    }

    /// Puts the value into the tree; keys that are not there are made, list items are not.
    pub(crate) fn apply(&self, root: &mut Node, report: &mut Report) {
        let whole = self.offset..self.offset + self.text.len();
        let Some((path, value)) = self.text.split_once('=').filter(|(path, _)| !path.trim().is_empty())
        else {
            report.add(&whole, Mistake::SetForm { found: self.text.clone() });
            return;
        };
        let Some(value) = self.value(value, self.offset + path.len() + 1, report) else { return };
        let parts = self.parts(path);
        if let Err((span, mistake)) = put(root, &parts, path, value) {
            report.add(&span, mistake);
        }
    }

    /// The value is YAML, so that `5` is a number and `"5"` is text.
    fn value(&self, text: &str, offset: usize, report: &mut Report) -> Option<Node> {
        if text.trim().is_empty() {
            return Some(Node::text("", offset..offset));
        }
        match yaml::parse(text) {
            Ok(parsed) => {
                let mut node = parsed.root;
                node.shift(offset);
                Some(node)
            }
            Err(error) if error.mistake == yaml::YamlMistake::Empty => {
                Some(Node { value: Value::Null, span: offset..offset + text.len() })
            }
            Err(error) => {
                let span = error.span.start + offset..error.span.end + offset;
                report.add(&span, Mistake::Yaml(error.mistake));
                None
            }
        }
    }

    fn parts(&self, path: &str) -> Vec<Part> {
        let mut start = self.offset;
        path.split('.')
            .map(|text| {
                let span = start..start + text.len();
                start = span.end + 1;
                Part { text: text.to_owned(), span }
            })
            .collect()
    }
}

fn put(root: &mut Node, parts: &[Part], path: &str, value: Node) -> Result<(), (Span, Mistake)> {
    let Some((last, parents)) = parts.split_last() else { return Ok(()) };
    let mut node = root;
    let mut above = "the file".to_owned();
    for part in parents {
        node = step(node, part, path, &above)?;
        if node.value == Value::Null {
            node.value = Value::Map(Vec::new());
        }
        above.clone_from(&part.text);
    }
    // A variable that is not there would be set for nobody.
    if parents.len() == 1 && above == "variables" && node.entry(&last.text).is_none() {
        return Err(nowhere(node, last, path));
    }
    *step(node, last, path, &above)? = value;
    Ok(())
}

fn step<'n>(
    node: &'n mut Node,
    part: &Part,
    path: &str,
    above: &str,
) -> Result<&'n mut Node, (Span, Mistake)> {
    let error = nowhere(node, part, path);
    let found = node.type_name();
    match &mut node.value {
        Value::Map(entries) => {
            let known = entries.iter().position(|entry| entry.key.text == part.text);
            let index = known.unwrap_or_else(|| {
                let key = Key { text: part.text.clone(), span: part.span.clone() };
                entries.push(Entry { key, value: Node { value: Value::Null, span: part.span.clone() } });
                entries.len() - 1
            });
            entries.get_mut(index).map(|entry| &mut entry.value).ok_or(error)
        }
        Value::List(items) => {
            let index = position(items, &part.text);
            index.and_then(|index| items.get_mut(index)).ok_or(error)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => {
            let mistake = Mistake::SetThrough { path: path.to_owned(), parent: above.to_owned(), found };
            Err((part.span.clone(), mistake))
        }
    }
}

/// An item of a list by its name, the plugin that names it, or its index.
fn position(items: &[Node], part: &str) -> Option<usize> {
    let named = |key: &str| items.iter().position(|item| item.get(key).and_then(Node::as_text) == Some(part));
    named("name").or_else(|| named("plugin")).or_else(|| part.parse().ok())
}

fn nowhere(node: &Node, part: &Part, path: &str) -> (Span, Mistake) {
    let known = match &node.value {
        Value::Map(entries) => entries.iter().map(|entry| entry.key.text.clone()).collect(),
        Value::List(items) => items.iter().enumerate().map(|(index, item)| item_name(index, item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => Vec::new(),
    };
    (part.span.clone(), Mistake::SetPath { path: path.to_owned(), missing: part.text.clone(), known })
}

fn item_name(index: usize, item: &Node) -> String {
    let named = ["name", "plugin"].iter().find_map(|key| item.get(key).and_then(Node::as_text));
    named.map_or_else(|| index.to_string(), str::to_owned)
}
