//! The fast form: JSON laid out once, with slots for parameters.

use std::ops::Range;

use crate::{
    Param, ParamValue, Stamp, TemplateError, TemplateMistake,
    compile::{Compiled, Form, NAMESPACE_PARAM},
    object::{self, Found, is_text_field},
    placeholder::{self, Piece, Placeholder, has_mark, split},
    render::{Output, push_escaped, push_int, push_text},
    yaml::{self, Entry, Node, Value},
};

/// A piece of the body.
#[derive(Debug)]
enum Part {
    /// A range of [`Slots::fixed`].
    Fixed(Range<usize>),
    /// A parameter inside of a string.
    Inside(usize),
    /// A parameter that is a scalar by itself: an integer stays a number.
    Whole(usize),
}

/// A piece of the name or the namespace.
#[derive(Debug)]
enum TextPart {
    Fixed(String),
    Param(usize),
}

/// A compiled manifest.
#[derive(Debug)]
pub(crate) struct Slots {
    fixed: Vec<u8>,
    parts: Vec<Part>,
    name: Vec<TextPart>,
    namespace: Vec<TextPart>,
    generate_name: bool,
}

impl Slots {
    /// None when a parameter stands in a key, which slots cannot do.
    pub(crate) fn compile(
        source: &str,
        masked: &str,
        mut places: Vec<Placeholder>,
        namespace: &str,
        stamp: Stamp<'_>,
    ) -> Result<Option<Compiled>, TemplateError> {
        let at = |(mistake, span): Found| TemplateError::new(source, span, mistake);
        let parsed = yaml::parse(masked).map_err(|e| at((TemplateMistake::Yaml(e.mistake), e.span)))?;
        if has_mark_in_key(&parsed.root) {
            return Ok(None);
        }
        if let Some(error) = parsed.mistakes.into_iter().next() {
            return Err(at((TemplateMistake::Yaml(error.mistake), error.span)));
        }
        let mut object = parsed.root;
        let found = object::type_of(&object).map_err(at)?;
        for (field, text) in [("apiVersion", &found.api_version), ("kind", &found.kind)] {
            if has_mark(text) {
                let span = object.get(field).map_or(0..0, |node| node.span.clone());
                return Err(at((TemplateMistake::NotFixed { field }, span)));
            }
        }
        object::name_node(&object).map_err(at)?;
        if namespace == NAMESPACE_PARAM {
            let Some(mark) = placeholder::add(&mut places, "namespace") else { return Ok(None) };
            object::prepare(&mut object, &mark, stamp).map_err(at)?;
        } else {
            object::prepare(&mut object, namespace, stamp).map_err(at)?;
        }
        let mut layout =
            Layout { places: &places, params: Vec::new(), fixed: Vec::new(), parts: Vec::new(), flushed: 0 };
        layout.node(&object, false);
        layout.flush();
        let slots = layout.slots(&object).map_err(at)?;
        let params = layout.params;
        let names = params.iter().map(|param| param.name.clone()).collect();
        let form = Form::Slots(Self { fixed: layout.fixed, parts: layout.parts, ..slots });
        Ok(Some(Compiled { api_version: found.api_version, kind: found.kind, params, names, form }))
    }

    /// The namespace when no parameter is in it.
    pub(crate) fn fixed_namespace(&self) -> Option<String> {
        let parts = self.namespace.iter().map(|part| match part {
            TextPart::Fixed(text) => Some(text.as_str()),
            TextPart::Param(_) => None,
        });
        parts.collect()
    }

    /// Writes one object; `values` are as many as there are parameters.
    pub(crate) fn write(&self, values: &[ParamValue<'_>], out: &mut Output) {
        for part in &self.parts {
            match part {
                Part::Fixed(range) => {
                    out.body.extend_from_slice(self.fixed.get(range.clone()).unwrap_or_default())
                }
                Part::Inside(param) => match values.get(*param) {
                    Some(ParamValue::Text(text)) => push_escaped(&mut out.body, text),
                    Some(ParamValue::Int(int)) => push_int(&mut out.body, *int),
                    None => {}
                },
                Part::Whole(param) => match values.get(*param) {
                    Some(ParamValue::Text(text)) => push_text(&mut out.body, text),
                    Some(ParamValue::Int(int)) => push_int(&mut out.body, *int),
                    None => {}
                },
            }
        }
        write_text(&self.name, values, &mut out.name);
        write_text(&self.namespace, values, &mut out.namespace);
        out.generate_name = self.generate_name;
    }
}

fn write_text(parts: &[TextPart], values: &[ParamValue<'_>], out: &mut String) {
    for part in parts {
        match part {
            TextPart::Fixed(text) => out.push_str(text),
            TextPart::Param(param) => match values.get(*param) {
                Some(ParamValue::Text(text)) => out.push_str(text),
                Some(ParamValue::Int(int)) => out.push_str(&int.to_string()),
                None => {}
            },
        }
    }
}

fn has_mark_in_key(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => {
            entries.iter().any(|entry| has_mark(&entry.key.text) || has_mark_in_key(&entry.value))
        }
        Value::List(items) => items.iter().any(has_mark_in_key),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => false,
    }
}

/// Lays the object out as JSON and numbers the parameters as they come.
struct Layout<'p> {
    places: &'p [Placeholder],
    params: Vec<Param>,
    fixed: Vec<u8>,
    parts: Vec<Part>,
    flushed: usize,
}

impl Layout<'_> {
    /// `is_text`: a parameter that is the whole scalar becomes a string all the same.
    fn node(&mut self, node: &Node, is_text: bool) {
        match &node.value {
            Value::Null => self.fixed.extend_from_slice(b"null"),
            Value::Bool(value) => self.fixed.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::Number(number) => self.fixed.extend_from_slice(number.to_string().as_bytes()),
            Value::Text { text, plain } => self.text(text, *plain && !is_text),
            Value::List(items) => {
                self.fixed.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    self.comma(index);
                    self.node(item, false);
                }
                self.fixed.push(b']');
            }
            Value::Map(entries) => self.map(entries, ""),
        }
    }

    fn map(&mut self, entries: &[Entry], parent: &str) {
        self.fixed.push(b'{');
        for (index, entry) in entries.iter().enumerate() {
            self.comma(index);
            let key = entry.key.text.as_str();
            push_text(&mut self.fixed, key);
            self.fixed.push(b':');
            match &entry.value.value {
                Value::Map(children) => self.map(children, key),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } | Value::List(_) => {
                    self.node(&entry.value, is_text_field(parent, key));
                }
            }
        }
        self.fixed.push(b'}');
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.fixed.push(b',');
        }
    }

    fn text(&mut self, text: &str, may_be_number: bool) {
        let pieces = split(text, self.places);
        if let ([Piece::Param(place)], true) = (pieces.as_slice(), may_be_number) {
            let param = self.param(*place);
            self.flush();
            self.parts.push(Part::Whole(param));
            return;
        }
        self.fixed.push(b'"');
        for piece in pieces {
            match piece {
                Piece::Text(text) => push_escaped(&mut self.fixed, text),
                Piece::Param(place) => {
                    let param = self.param(place);
                    self.flush();
                    self.parts.push(Part::Inside(param));
                }
            }
        }
        self.fixed.push(b'"');
    }

    fn flush(&mut self) {
        if self.fixed.len() > self.flushed {
            self.parts.push(Part::Fixed(self.flushed..self.fixed.len()));
            self.flushed = self.fixed.len();
        }
    }

    /// The number of the parameter that stands at a place; a new one when it is its first.
    fn param(&mut self, place: usize) -> usize {
        let Some(place) = self.places.get(place) else { return usize::MAX };
        if let Some(known) = self.params.iter().position(|param| param.name == place.name) {
            return known;
        }
        self.params.push(Param { name: place.name.clone(), span: place.span.clone() });
        self.params.len() - 1
    }

    fn slots(&mut self, object: &Node) -> Result<Slots, Found> {
        let (name_key, name) = object::name_node(object)?;
        let generate_name = name_key == "generateName";
        let name = self.text_parts(name, "metadata.name")?;
        let namespace = match object.get("metadata").and_then(|metadata| metadata.get("namespace")) {
            Some(node) => self.text_parts(node, "metadata.namespace")?,
            None => Vec::new(),
        };
        let name = if generate_name { Vec::new() } else { name };
        Ok(Slots { fixed: Vec::new(), parts: Vec::new(), name, namespace, generate_name })
    }

    fn text_parts(&mut self, node: &Node, field: &'static str) -> Result<Vec<TextPart>, Found> {
        let text = node.as_text().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| (TemplateMistake::NotText { field }, node.span.clone()))?;
        let parts = split(text, self.places).into_iter().map(|piece| match piece {
            Piece::Text(text) => TextPart::Fixed(text.to_owned()),
            Piece::Param(place) => TextPart::Param(self.param(place)),
        });
        Ok(parts.collect())
    }
}
