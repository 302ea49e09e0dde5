//! YAML as a tree that remembers the place of every key and value.
//!
//! Scenarios and manifests are both read through this tree, because a mistake in either is shown at its
//! place in the file. Scalars resolve as `kubectl` resolves them: YAML 1.2 core, plus octal `0644`; `yes`
//! and `on` are text. Input is taken as hostile: size, depth and the number of nodes after expansion of
//! aliases are bounded, merge keys and unknown tags are refused.
//!
//! Does not know what a scenario or a manifest is.

mod parse;
mod scalar;

use std::ops::Range;

pub use parse::{Parsed, parse};

/// Byte range in the text that was parsed.
pub type Span = Range<usize>;

/// Longest text that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting.
pub const MAX_DEPTH: usize = 64;
/// Most nodes, those that aliases repeat included.
pub const MAX_NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands; for a mapping or list in block form, its first key or dash to its end.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that JSON can hold.
    Number(serde_json::Number),
    /// Anything else.
    Text {
        /// Escapes resolved.
        text: String,
        /// Written without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; keys are unique.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: Node,
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Escapes resolved.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A mistake in YAML itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlMistake {
    /// Not YAML.
    #[error("this is not YAML: {reason}")]
    Syntax {
        /// What the parser says.
        reason: String,
    },
    /// No document, or a null one.
    #[error("the file is empty")]
    Empty,
    /// A second document.
    #[error("the file has more than one YAML document")]
    SeveralDocuments,
    /// A key for the second time in one mapping.
    #[error("key `{key}` is written twice")]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first.
        first: Span,
    },
    /// A list or mapping as key.
    #[error("a key must be plain text")]
    KeyNotText,
    /// Longer than [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_NODES`].
    #[error("more than {MAX_NODES} values after aliases are expanded")]
    TooManyNodes,
    /// Any tag but `!!str`.
    #[error("tag `{tag}` is not supported")]
    Tag {
        /// As written.
        tag: String,
    },
    /// An alias inside of what it repeats.
    #[error("an alias may not stand inside of its own anchor")]
    SelfAlias,
    /// `<<`
    #[error("merge keys (`<<`) are not supported")]
    MergeKey,
}

impl YamlMistake {
    /// What would be right, where that is not plain from the mistake.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::SeveralDocuments => Some("keep one document a file and remove the rest from `---` on"),
            Self::Tag { .. } => Some("remove the tag; quotes make a value text"),
            Self::MergeKey => Some("write the keys out"),
            Self::DuplicateKey { .. } => Some("remove one of the two"),
            Self::Syntax { .. }
            | Self::Empty
            | Self::KeyNotText
            | Self::TooLong { .. }
            | Self::TooDeep
            | Self::TooManyNodes
            | Self::SelfAlias => None,
        }
    }
}

/// A mistake and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mistake}")]
pub struct YamlError {
    /// What is wrong.
    pub mistake: YamlMistake,
    /// Where; may be empty at the end of the text.
    pub span: Span,
}

impl Node {
    /// A text node.
    pub fn text(text: &str, span: Span) -> Self {
        Self { value: Value::Text { text: text.to_owned(), plain: false }, span }
    }

    /// The text of a text node.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } | Value::List(_) => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } | Value::Map(_) => None,
        }
    }

    /// The entry of a mapping under `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| entry.key.text == key)
    }

    /// The value of a mapping under `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of a mapping under `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Map(entries) => {
                entries.iter_mut().find(|e| e.key.text == key).map(|entry| &mut entry.value)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } | Value::List(_) => None,
        }
    }

    /// The node at a JSON pointer (RFC 6901), with the key above it if there is one.
    pub fn at(&self, pointer: &str) -> Option<(Option<&Key>, &Node)> {
        let mut found = (None, self);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            found = match &found.1.value {
                Value::Map(_) => found.1.entry(&token).map(|entry| (Some(&entry.key), &entry.value))?,
                Value::List(items) => (None, items.get(token.parse::<usize>().ok()?)?),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => return None,
            };
        }
        Some(found)
    }

    /// The same value as JSON, keys in the order of the file.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text { text, .. } => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// A tree of JSON, without places.
    pub fn from_json(value: serde_json::Value) -> Self {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => Value::Number(number),
            serde_json::Value::String(text) => Value::Text { text, plain: false },
            serde_json::Value::Array(items) => Value::List(items.into_iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => Value::Map(
                map.into_iter()
                    .map(|(text, value)| Entry {
                        key: Key { text, span: 0..0 },
                        value: Self::from_json(value),
                    })
                    .collect(),
            ),
        };
        Self { value, span: 0..0 }
    }

    /// Moves every span below `self` by `offset`, for text that stands inside a longer one.
    pub fn shift(&mut self, offset: usize) {
        shift_span(&mut self.span, offset);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(offset)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| {
                shift_span(&mut entry.key.span, offset);
                entry.value.shift(offset);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => {}
        }
    }

    /// What the node is, for messages: "a number", "text".
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text { .. } => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

fn shift_span(span: &mut Span, offset: usize) {
    span.start += offset;
    span.end += offset;
}

#[cfg(test)]
mod tests;
