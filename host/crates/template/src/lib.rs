//! Manifests with parameters: text compiled once, then JSON bytes for each object.
//!
//! A manifest is YAML of one Kubernetes object with `{{ name }}` in its scalars. Most need nothing more and
//! become *slots*: the JSON is laid out once and an object costs a copy and a few numbers. A manifest with
//! loops, conditions or filters is rendered by minijinja for each object and parsed again. In both forms a
//! value can never change the structure, the kind or the API version of the object.
//!
//! Also owns [`yaml`], the tree with places that scenarios are read through. Knows nothing of clusters,
//! queues or plugins; reads no files.

mod compile;
mod jinja;
mod object;
mod placeholder;
mod render;
mod slots;
mod stamp;
pub mod yaml;

pub use compile::{NAMESPACE_PARAM, Param, Template, TemplateError, TemplateMistake};
pub use render::{ParamValue, RenderError, Rendered, Renderer};
pub use stamp::{JOB_LABEL, RUN_ID_LABEL, Stamp, TEMPLATE_LABEL};
