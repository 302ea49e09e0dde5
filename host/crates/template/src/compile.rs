//! Manifest text to [`Template`].

use std::sync::Arc;

use crate::{
    Renderer, Stamp,
    jinja::Jinja,
    placeholder::{Scanned, scan},
    slots::Slots,
    yaml::{Span, YamlMistake},
};

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateMistake {
    /// Not YAML, or YAML that is not read.
    #[error("{0}")]
    Yaml(YamlMistake),
    /// A list or a scalar.
    #[error("a manifest is a mapping, this is {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// `apiVersion` or `kind` is not there.
    #[error("the manifest has no `{field}`")]
    MissingField {
        /// The key.
        field: &'static str,
    },
    /// A field that must be text is not.
    #[error("`{field}` must be text")]
    NotText {
        /// The key.
        field: &'static str,
    },
    /// Where the labels of the run belong stands no mapping.
    #[error("`{field}` must be a mapping, this is {found}")]
    NotAMapping {
        /// The key.
        field: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// `apiVersion` or `kind` depends on a parameter.
    #[error("`{field}` must be fixed text, not depend on a parameter")]
    NotFixed {
        /// The key.
        field: &'static str,
    },
    /// Neither `metadata.name` nor `metadata.generateName`.
    #[error("the object has no name")]
    MissingName,
    /// `{{` without `}}`.
    #[error("`{{{{` is never closed")]
    Unclosed,
    /// An expression of Go's `text/template`.
    #[error("`{found}` is a Go template expression")]
    GoSyntax {
        /// As written.
        found: String,
        /// What means the same here.
        instead: String,
    },
    /// minijinja refuses it.
    #[error("{reason}")]
    Expression {
        /// What minijinja says.
        reason: String,
    },
    /// One of U+E000 to U+E1FF.
    #[error("the private-use characters U+E000 to U+E1FF cannot be used in a template")]
    ReservedCharacter,
}

impl TemplateMistake {
    /// What would be right.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Yaml(mistake) => mistake.help().map(str::to_owned),
            Self::MissingField { field } => Some(format!("add `{field}: …` at the top level")),
            Self::NotFixed { field } => Some(format!(
                "permissions are checked by `{field}` before any object is made: use one template for each"
            )),
            Self::NotAMapping { .. } => {
                Some("the labels of the run go there: write a mapping, or leave it out".to_owned())
            }
            Self::MissingName => {
                Some("add `metadata.name`, for example `name: pod-{{ iteration }}`".to_owned())
            }
            Self::Unclosed => Some("close it with `}}`".to_owned()),
            Self::GoSyntax { instead, .. } => Some(format!("write `{instead}`")),
            Self::NotAnObject { .. }
            | Self::NotText { .. }
            | Self::Expression { .. }
            | Self::ReservedCharacter => None,
        }
    }
}

/// A mistake in a manifest and its place in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mistake} (line {line}, column {column})")]
pub struct TemplateError {
    /// What is wrong.
    pub mistake: TemplateMistake,
    /// Where, in bytes.
    pub span: Span,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl TemplateError {
    pub(crate) fn new(source: &str, span: Span, mistake: TemplateMistake) -> Self {
        let before = source.get(..span.start).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { mistake, span, line, column }
    }
}

/// As a namespace to [`Template::compile`]: each object has its own, the value of parameter `namespace`.
pub const NAMESPACE_PARAM: &str = "{{ namespace }}";

/// A parameter of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Where it is used first, in bytes.
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum Form {
    Slots(Slots),
    Jinja(Box<Jinja>),
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) params: Vec<Param>,
    pub(crate) names: Vec<String>,
    pub(crate) form: Form,
}

/// A manifest compiled once; copies share it.
#[derive(Debug, Clone)]
pub struct Template(Arc<Compiled>);

impl Template {
    /// Compiles a manifest.
    ///
    /// `namespace` is put where the manifest names none: a name, or [`NAMESPACE_PARAM`]; pass `""` for kinds
    /// that have no namespace. The labels of `stamp` are put on the object and on every template for other
    /// objects inside it.
    ///
    /// # Errors
    /// The first mistake of the manifest with its place. What only shows with values, such as a filter that
    /// gets the wrong type, is an error of [`Renderer::render`].
    pub fn compile(source: &str, namespace: &str, stamp: &Stamp<'_>) -> Result<Self, TemplateError> {
        let compiled = match scan(source)? {
            Scanned::Slots { masked, places } => Slots::compile(source, &masked, places, namespace, *stamp)?,
            Scanned::Jinja => None,
        };
        let compiled = match compiled {
            Some(compiled) => compiled,
            None => Jinja::compile(source, namespace, *stamp)?,
        };
        Ok(Self(Arc::new(compiled)))
    }

    /// Names of the parameters in order of first use: the order of values for [`Renderer::render`].
    pub fn params(&self) -> &[String] {
        &self.0.names
    }

    /// The parameters with their places, in the same order.
    pub fn param_places(&self) -> &[Param] {
        &self.0.params
    }

    /// `apps/v1`; fixed text.
    pub fn api_version(&self) -> &str {
        &self.0.api_version
    }

    /// `Deployment`; fixed text.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The namespace of every object, empty when there is none; `None` when it depends on parameters, or
    /// may do so.
    pub fn fixed_namespace(&self) -> Option<String> {
        match &self.0.form {
            Form::Slots(slots) => slots.fixed_namespace(),
            Form::Jinja(_) => None,
        }
    }

    /// A renderer with buffers of its own.
    pub fn renderer(&self) -> Renderer {
        Renderer::new(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
