//! Labels that tell whose an object is.

use crate::yaml::{Entry, Key, Node, Value};

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
    /// A label of the manifest with the same key is overwritten. What is not a mapping where one belongs is
    /// left as it is: the API server refuses it with a better message than we could give.
    pub(crate) fn apply(self, object: &mut Node) {
        self.label(object);
        if !self.template.is_empty() {
            set_labels(object, &[(TEMPLATE_LABEL, self.template)]);
        }
        self.descend(object);
    }

    /// Labels a whole object given as JSON, by the same rules.
    pub fn apply_to_json(self, object: serde_json::Value) -> serde_json::Value {
        let mut node = Node::from_json(object);
        self.apply(&mut node);
        node.to_json()
    }

    fn descend(self, node: &mut Node) {
        match &mut node.value {
            Value::Map(entries) => entries.iter_mut().for_each(|entry| self.entry(entry)),
            Value::List(items) => items.iter_mut().for_each(|item| self.descend(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => {}
        }
    }

    fn entry(self, entry: &mut Entry) {
        let is_pod = |node: &Node| node.get("spec").is_some_and(|spec| spec.get("containers").is_some());
        match entry.key.text.as_str() {
            "template" if is_pod(&entry.value) => self.label(&mut entry.value),
            "jobTemplate" if entry.value.get("spec").is_some() => self.label(&mut entry.value),
            "volumeClaimTemplates" => {
                if let Value::List(items) = &mut entry.value.value {
                    items.iter_mut().for_each(|item| self.label(item));
                }
            }
            _ => {}
        }
        self.descend(&mut entry.value);
    }

    fn label(self, object: &mut Node) {
        set_labels(object, &[(RUN_ID_LABEL, self.run_id), (JOB_LABEL, self.job)]);
    }
}

fn set_labels(object: &mut Node, labels: &[(&str, &str)]) {
    let Some(own) = child(object, "metadata").and_then(|metadata| child(metadata, "labels")) else {
        return;
    };
    let Value::Map(entries) = &mut own.value else { return };
    for (label, value) in labels {
        entries.retain(|entry| entry.key.text != *label);
        let key = Key { text: (*label).to_owned(), span: 0..0 };
        entries.push(Entry { key, value: Node::text(value, 0..0) });
    }
}

/// The mapping under `key`, made if there is none; none when something else stands there.
fn child<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let span = node.span.clone();
    let Value::Map(entries) = &mut node.value else { return None };
    if !entries.iter().any(|entry| entry.key.text == key) {
        let key = Key { text: key.to_owned(), span: span.clone() };
        entries.push(Entry { key, value: Node { value: Value::Map(Vec::new()), span } });
    }
    let found = entries.iter_mut().find(|entry| entry.key.text == key).map(|entry| &mut entry.value)?;
    if found.value == Value::Null {
        found.value = Value::Map(Vec::new());
    }
    matches!(found.value, Value::Map(_)).then_some(found)
}
