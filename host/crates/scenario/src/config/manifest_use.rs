//! An object template that a configuration names.

use bench_template::{Template, yaml::Span};

use crate::{Mistake, Problem, source::Source};

/// A template of a checked configuration: what it makes, and where it says so.
///
/// For whoever can ask the cluster: whether it serves the kind, and whether this user may create it.
#[derive(Debug, Clone)]
pub struct ManifestUse {
    /// `apps/v1`
    pub api_version: String,
    /// `Deployment`
    pub kind: String,
    source: Source,
    span: Span,
}

impl ManifestUse {
    pub(super) fn new(template: &Template, source: Source, content: &str) -> Self {
        let (api_version, kind) = (template.api_version().to_owned(), template.kind().to_owned());
        let span = kind_span(content, &kind);
        Self { api_version, kind, source, span }
    }

    /// A problem at the kind in the template's file.
    pub fn problem(&self, message: &str, label: &str, help: Option<&str>) -> Problem {
        let (message, label, help) = (message.to_owned(), label.to_owned(), help.map(str::to_owned));
        Problem::in_text(self.source.clone(), self.span.clone(), Mistake::Rejected { message, label, help })
    }
}

/// Where the value of the top-level key `kind` stands; the start of the file when it is written in an unusual way.
fn kind_span(content: &str, kind: &str) -> Span {
    let mut start = 0;
    for line in content.split_inclusive('\n') {
        let place = line.strip_prefix("kind:").and_then(|rest| rest.find(kind));
        if let Some(at) = place {
            let from = start + "kind:".len() + at;
            return from..from + kind.len();
        }
        start += line.len();
    }
    0..0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_kind_is_its_value_at_the_top_level() {
        let text = "apiVersion: v1\nspec: {}\n  kind: Inner\nkind:  Pod # here\n";
        let span = kind_span(text, "Pod");
        assert_eq!(text.get(span.clone()), Some("Pod"));
        assert_eq!(span.start, text.find("Pod").expect("there"));
        assert_eq!(kind_span("{\"kind\": \"Pod\"}", "Pod"), 0..0);
    }
}
