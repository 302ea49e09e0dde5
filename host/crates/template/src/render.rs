//! Values into a template: the JSON bytes of one object.

use std::sync::Arc;

use crate::{
    TemplateMistake,
    compile::{Compiled, Form},
    yaml::YamlMistake,
};

/// A value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamValue<'a> {
    /// Always a string in the object, also where it looks like a number.
    Text(&'a str),
    /// A number where the parameter is a whole unquoted scalar, digits inside of a string elsewhere.
    Int(i64),
}

/// Why values do not make an object.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As many values as parameters are needed.
    #[error("the template has {expected} parameters, got {found} values")]
    ValueCount {
        /// Parameters.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// minijinja could not evaluate an expression.
    #[error("failed to render the template")]
    Expression(#[source] minijinja::Error),
    /// What came out is not YAML.
    #[error("the rendered manifest is wrong at `{found}`: {mistake}")]
    Yaml {
        /// What is wrong.
        mistake: YamlMistake,
        /// The line in question.
        found: String,
    },
    /// What came out is no object.
    #[error("the rendered manifest is wrong: {mistake}")]
    Object {
        /// What is wrong.
        mistake: TemplateMistake,
    },
    /// Permission was checked for another kind.
    #[error("the rendered manifest is of `{found}`, the template is of `{expected}`")]
    TypeChanged {
        /// As compiled.
        expected: String,
        /// As rendered.
        found: String,
    },
    /// The object could not be written as JSON.
    #[error("failed to write the object as JSON")]
    Json(#[source] serde_json::Error),
}

/// One object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendered<'a> {
    /// JSON.
    pub body: &'a [u8],
    /// `metadata.name`; empty when the API server makes it from `generateName`.
    pub name: &'a str,
    /// `metadata.namespace`; empty when there is none.
    pub namespace: &'a str,
    /// Whether the API server makes the name.
    pub generate_name: bool,
}

/// Buffers that a renderer fills again and again.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) body: Vec<u8>,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) generate_name: bool,
}

/// Renders objects of one template, reusing its buffers.
#[derive(Debug)]
pub struct Renderer {
    template: Arc<Compiled>,
    out: Output,
}

impl Renderer {
    pub(crate) fn new(template: Arc<Compiled>) -> Self {
        Self { template, out: Output::default() }
    }

    /// Renders one object; `values` in the order of [`crate::Template::params`].
    ///
    /// # Errors
    /// When the number of values is wrong. A template with statements or filters also fails when an
    /// expression does, or when what comes out is no object of the template's kind; one with plain
    /// parameters never does.
    pub fn render(&mut self, values: &[ParamValue<'_>]) -> Result<Rendered<'_>, RenderError> {
        let expected = self.template.params.len();
        if values.len() != expected {
            return Err(RenderError::ValueCount { expected, found: values.len() });
        }
        self.out.body.clear();
        self.out.name.clear();
        self.out.namespace.clear();
        match &self.template.form {
            Form::Slots(slots) => slots.write(values, &mut self.out),
            Form::Jinja(jinja) => jinja.write(&self.template.names, values, &mut self.out)?,
        }
        let Output { body, name, namespace, generate_name } = &self.out;
        Ok(Rendered { body, name, namespace, generate_name: *generate_name })
    }
}

/// Writes a JSON string.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Writes the inside of a JSON string.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    if !text.bytes().any(needs_escape) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend(HEX.get(usize::from(byte >> 4)));
                out.extend(HEX.get(usize::from(byte & 15)));
            }
            _ => out.push(byte),
        }
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Writes an integer without a detour over a `String`.
pub(crate) fn push_int(out: &mut Vec<u8>, int: i64) {
    if int < 0 {
        out.push(b'-');
    }
    let start = out.len();
    let mut rest = int.unsigned_abs();
    loop {
        out.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests;
