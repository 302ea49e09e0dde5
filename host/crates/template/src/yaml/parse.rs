//! Events of the YAML parser to a tree, within limits.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Tag, options};

use super::{
    Entry, Key, MAX_BYTES, MAX_DEPTH, MAX_NODES, Node, Span, Value, YamlError, YamlMistake,
    scalar::resolve_plain,
};

/// A tree, and mistakes that do not keep it from being read further.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document.
    pub root: Node,
    /// Duplicate keys, unknown tags and the like, in the order of the file.
    pub mistakes: Vec<YamlError>,
}

/// Parses a text with one YAML document.
///
/// # Errors
/// When the text is not YAML, is empty, or breaks a limit. Duplicate keys, merge keys, unknown tags and
/// further documents are no errors here but stand in [`Parsed::mistakes`].
pub fn parse(text: &str) -> Result<Parsed, YamlError> {
    if text.len() > MAX_BYTES {
        return Err(YamlError { mistake: YamlMistake::TooLong { bytes: text.len() }, span: 0..0 });
    }
    let mut builder = Builder::new(text);
    for next in Parser::new_from_str_with_options(text, parser_options()) {
        let (event, span) = next.map_err(|error| syntax_error(text, &error))?;
        let span = trim(text, span.byte_range().unwrap_or(0..0));
        if builder.take(event, span)? == Flow::Stop {
            break;
        }
    }
    builder.finish()
}

fn parser_options() -> Options {
    let mut options = options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    options.set_emit_comments(false);
    options
}

fn syntax_error(text: &str, error: &ScanError) -> YamlError {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let mistake = match error.kind() {
        serde_saphyr::granit_parser::ErrorKind::RecursionLimitExceeded => YamlMistake::TooDeep,
        _ => YamlMistake::Syntax { reason: error.info() },
    };
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    YamlError { mistake, span: at..at + length }
}

/// Block collections end where the next token starts; the blanks before it belong to nobody.
fn trim(text: &str, span: Span) -> Span {
    let inner = text.get(span.clone()).unwrap_or_default();
    span.start..span.start + inner.trim_end().len()
}

#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

enum Open {
    List {
        items: Vec<Node>,
    },
    /// `first` finds duplicates without comparing every key with every other.
    Map {
        entries: Vec<Entry>,
        first: HashMap<String, Span>,
        key: Option<Key>,
    },
}

struct Frame {
    open: Open,
    span: Span,
    anchor: usize,
    first_node: usize,
    height: usize,
}

#[derive(Clone)]
struct Anchored {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Builder<'t> {
    text: &'t str,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
    mistakes: Vec<YamlError>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            root: None,
            mistakes: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Flow, YamlError> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.mistake(YamlMistake::SeveralDocuments, span);
                    return Ok(Flow::Stop);
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = Node { value: self.scalar(&text, style, tag.as_deref(), &span), span };
                self.nodes += 1;
                self.add(Anchored { node, nodes: 1, height: 1 }, anchor)?;
            }
            Event::Alias(anchor) => {
                let anchored = self.repeat(anchor, span)?;
                self.add(anchored, 0)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(Open::List { items: Vec::new() }, anchor, tag.as_deref(), span)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(
                    Open::Map { entries: Vec::new(), first: HashMap::new(), key: None },
                    anchor,
                    tag.as_deref(),
                    span,
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            _ => {}
        }
        Ok(Flow::Continue)
    }

    /// Counts before it copies: a bomb must not be expanded to be found.
    fn repeat(&mut self, anchor: usize, span: Span) -> Result<Anchored, YamlError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(YamlError { mistake: YamlMistake::SelfAlias, span });
        };
        self.nodes += anchored.nodes;
        if self.nodes > MAX_NODES {
            return Err(YamlError { mistake: YamlMistake::TooManyNodes, span });
        }
        let mut anchored = anchored.clone();
        anchored.node.span = span;
        Ok(anchored)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Value {
        let is_text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
        if !is_text {
            self.check_tag(tag, span);
        }
        match style {
            ScalarStyle::Plain if !is_text => resolve_plain(text),
            _ => Value::Text { text: text.to_owned(), plain: false },
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, span: &Span) {
        if let Some(tag) = tag {
            self.mistake(YamlMistake::Tag { tag: tag.original() }, span.clone());
        }
    }

    fn open(&mut self, open: Open, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), YamlError> {
        self.check_tag(tag, &span);
        self.nodes += 1;
        if self.stack.len() >= MAX_DEPTH {
            return Err(YamlError { mistake: YamlMistake::TooDeep, span });
        }
        self.stack.push(Frame { open, span, anchor, first_node: self.nodes, height: 0 });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let value = match frame.open {
            Open::List { items } => Value::List(items),
            Open::Map { entries, .. } => Value::Map(entries),
        };
        let span = trim(self.text, frame.span.start..end.end.max(frame.span.end));
        let nodes = self.nodes - frame.first_node + 1;
        self.add(Anchored { node: Node { value, span }, nodes, height: frame.height + 1 }, frame.anchor)
    }

    fn add(&mut self, anchored: Anchored, anchor: usize) -> Result<(), YamlError> {
        let span = anchored.node.span.clone();
        if self.nodes > MAX_NODES {
            return Err(YamlError { mistake: YamlMistake::TooManyNodes, span });
        }
        if self.stack.len() + anchored.height > MAX_DEPTH + 1 {
            return Err(YamlError { mistake: YamlMistake::TooDeep, span });
        }
        if anchor != 0 {
            self.anchors.insert(anchor, anchored.clone());
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(anchored.node);
            return Ok(());
        };
        frame.height = frame.height.max(anchored.height);
        match &mut frame.open {
            Open::List { items } => items.push(anchored.node),
            Open::Map { entries, first, key } => match key.take() {
                None => *key = Some(key_of(self.text, anchored.node, &mut self.mistakes)),
                Some(key) => {
                    add_entry(entries, first, Entry { key, value: anchored.node }, &mut self.mistakes)
                }
            },
        }
        Ok(())
    }

    fn mistake(&mut self, mistake: YamlMistake, span: Span) {
        self.mistakes.push(YamlError { mistake, span });
    }

    fn finish(self) -> Result<Parsed, YamlError> {
        match self.root {
            Some(root) if root.value != Value::Null => Ok(Parsed { root, mistakes: self.mistakes }),
            _ => Err(YamlError { mistake: YamlMistake::Empty, span: 0..0 }),
        }
    }
}

fn key_of(source: &str, node: Node, mistakes: &mut Vec<YamlError>) -> Key {
    let span = node.span;
    let text = match node.value {
        Value::Text { text, plain } => {
            if plain && text == "<<" {
                mistakes.push(YamlError { mistake: YamlMistake::MergeKey, span: span.clone() });
            }
            text
        }
        // `1: x` and `true: x` are the keys "1" and "true" in JSON.
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            source.get(span.clone()).unwrap_or_default().to_owned()
        }
        Value::List(_) | Value::Map(_) => {
            mistakes.push(YamlError { mistake: YamlMistake::KeyNotText, span: span.clone() });
            String::new()
        }
    };
    Key { text, span }
}

fn add_entry(
    entries: &mut Vec<Entry>,
    first: &mut HashMap<String, Span>,
    entry: Entry,
    mistakes: &mut Vec<YamlError>,
) {
    if let Some(first) = first.get(&entry.key.text) {
        let mistake = YamlMistake::DuplicateKey { key: entry.key.text, first: first.clone() };
        mistakes.push(YamlError { mistake, span: entry.key.span });
        return;
    }
    first.insert(entry.key.text.clone(), entry.key.span.clone());
    entries.push(entry);
}
