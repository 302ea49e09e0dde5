//! What both forms of template check of an object, and how it is prepared.

use crate::{
    Stamp,
    compile::TemplateMistake,
    yaml::{Entry, Key, Node, Span, Value},
};

/// Keys whose children Kubernetes wants as text even where they look like numbers.
const TEXT_MAPS: &[&str] = &["labels", "annotations", "matchLabels", "nodeSelector"];
/// Keys of `metadata` that are text.
const TEXT_KEYS: &[&str] = &["name", "generateName", "namespace"];

/// The two fields that say what an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Type {
    pub(crate) api_version: String,
    pub(crate) kind: String,
}

/// A mistake and its place.
pub(crate) type Found = (TemplateMistake, Span);

/// Reads `apiVersion` and `kind`.
pub(crate) fn type_of(object: &Node) -> Result<Type, Found> {
    if object.as_map().is_none() {
        return Err((TemplateMistake::NotAnObject { found: object.type_name() }, first_line(object)));
    }
    let api_version = fixed_text(object, "apiVersion")?;
    let kind = fixed_text(object, "kind")?;
    Ok(Type { api_version, kind })
}

fn fixed_text(object: &Node, key: &'static str) -> Result<String, Found> {
    let Some(node) = object.get(key) else {
        return Err((TemplateMistake::MissingField { field: key }, first_line(object)));
    };
    let text = node.as_text().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or((TemplateMistake::NotText { field: key }, node.span.clone()))
}

/// Where the object's name stands: the key and the node.
pub(crate) fn name_node(object: &Node) -> Result<(&'static str, &Node), Found> {
    let metadata = object.get("metadata");
    for key in ["name", "generateName"] {
        if let Some(node) = metadata.and_then(|metadata| metadata.get(key)) {
            return Ok((key, node));
        }
    }
    let span = object.entry("metadata").map_or_else(|| first_line(object), |entry| entry.key.span.clone());
    Err((TemplateMistake::MissingName, span))
}

/// Adds the labels of the run, and the namespace where the manifest names none: text, with marks or without.
pub(crate) fn prepare(object: &mut Node, namespace: &str, stamp: Stamp<'_>) -> Result<(), Found> {
    stamp.apply(object)?;
    if namespace.is_empty() {
        return Ok(());
    }
    let Some(Value::Map(entries)) = object.get_mut("metadata").map(|metadata| &mut metadata.value) else {
        return Ok(());
    };
    if !entries.iter().any(|entry| entry.key.text == "namespace") {
        let key = Key { text: "namespace".to_owned(), span: 0..0 };
        entries.push(Entry { key, value: Node::text(namespace, 0..0) });
    }
    Ok(())
}

/// Whether the value under `key` of the mapping that stands under `parent` must be text.
pub(crate) fn is_text_field(parent: &str, key: &str) -> bool {
    TEXT_MAPS.contains(&parent) || (parent == "metadata" && TEXT_KEYS.contains(&key))
}

/// The place of a node, cut at its first key where it would cover the whole file.
fn first_line(object: &Node) -> Span {
    match object.as_map().and_then(<[Entry]>::first) {
        Some(entry) => entry.key.span.clone(),
        None => object.span.clone(),
    }
}
