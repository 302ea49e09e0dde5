//! Labels that tell whose an object is.

use crate::{
    TemplateMistake,
    object::Found,
    yaml::{Entry, Key, Node, Value},
};

/// Label with the id of the run, on everything that a run makes.
pub const RUN_ID_LABEL: &str = "bench.dev/run-id";
/// Label with the name of the job that made it.
pub const JOB_LABEL: &str = "bench.dev/job";

/// Label that tells the objects of one template from those of another, and from what controllers make of them.
pub const TEMPLATE_LABEL: &str = "bench.dev/template";

/// Whose objects a template makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Value of [`RUN_ID_LABEL`].
    pub run_id: &'a str,
    /// Value of [`JOB_LABEL`].
    pub job: &'a str,
    /// Value of [`TEMPLATE_LABEL`], which only the object itself gets; none when empty.
    pub template: &'a str,
}

impl Stamp<'_> {
    /// Labels the object and everything that a controller will make from it: pod templates (a `template`
    /// whose `spec` has `containers`), job templates and volume claim templates.
    ///
    /// A label of the manifest with the same key is overwritten.
    ///
    /// # Errors
    /// Where something else than a mapping stands where the labels belong, which no API server takes either.
    pub(crate) fn apply(self, object: &mut Node) -> Result<(), Found> {
        self.label(object)?;
        if !self.template.is_empty() {
            set_labels(object, &[(TEMPLATE_LABEL, self.template)])?;
        }
        self.descend(object)
    }

    /// Labels a whole object given as JSON, by the same rules.
    ///
    /// # Errors
    /// As for a template: where something else than a mapping stands where the labels belong.
    pub fn apply_to_json(self, object: serde_json::Value) -> Result<serde_json::Value, TemplateMistake> {
        let mut node = Node::from_json(object);
        self.apply(&mut node).map_err(|(mistake, _)| mistake)?;
        Ok(node.to_json())
    }

    fn descend(self, node: &mut Node) -> Result<(), Found> {
        match &mut node.value {
            Value::Map(entries) => entries.iter_mut().try_for_each(|entry| self.entry(entry)),
            Value::List(items) => items.iter_mut().try_for_each(|item| self.descend(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => Ok(()),
        }
    }

    fn entry(self, entry: &mut Entry) -> Result<(), Found> {
        let is_pod = |node: &Node| node.get("spec").is_some_and(|spec| spec.get("containers").is_some());
        match entry.key.text.as_str() {
            "template" if is_pod(&entry.value) => self.label(&mut entry.value)?,
            "jobTemplate" if entry.value.get("spec").is_some() => self.label(&mut entry.value)?,
            "volumeClaimTemplates" => {
                if let Value::List(items) = &mut entry.value.value {
                    items.iter_mut().try_for_each(|item| self.label(item))?;
                }
            }
            _ => {}
        }
        self.descend(&mut entry.value)
    }

    fn label(self, object: &mut Node) -> Result<(), Found> {
        set_labels(object, &[(RUN_ID_LABEL, self.run_id), (JOB_LABEL, self.job)])
    }
}

fn set_labels(object: &mut Node, labels: &[(&str, &str)]) -> Result<(), Found> {
    let metadata = child(object, "volumeClaimTemplates[]", "metadata")?;
    let own = child(metadata, "metadata", "labels")?;
    for (label, value) in labels {
        *child(own, "metadata.labels", label)? = Node::text(value, 0..0);
    }
    Ok(())
}

/// The value under `key` of a mapping, which is `field` of an object; null if there is none.
fn child<'n>(node: &'n mut Node, field: &'static str, key: &str) -> Result<&'n mut Node, Found> {
    if node.value == Value::Null {
        node.value = Value::Map(Vec::new());
    }
    let span = node.span.clone();
    let mistake = (TemplateMistake::NotAMapping { field, found: node.type_name() }, span.clone());
    let Value::Map(entries) = &mut node.value else { return Err(mistake) };
    if !entries.iter().any(|entry| entry.key.text == key) {
        let key = Key { text: key.to_owned(), span: span.clone() };
        entries.push(Entry { key, value: Node { value: Value::Null, span } });
    }
    entries.iter_mut().find(|entry| entry.key.text == key).map(|entry| &mut entry.value).ok_or(mistake)
}
