//! Reads what a plugin says about itself. Hostile input: it comes out of a guest.

use std::collections::BTreeSet;

use bench_model::{Manifest, PluginKind};

use crate::host::log::cut;

/// Longest manifest, in bytes; the same for the configuration's schema.
const MAX_TEXT: usize = 1 << 20;
/// Most metrics or tables, and most columns of a table.
const MAX_DECLARED: usize = 256;
/// Longest text of a plugin that an error quotes.
const MAX_QUOTE: usize = 200;

/// Why a manifest or schema is not usable.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Larger than any honest one.
    #[error("`{function}` returned {bytes} bytes, at most {MAX_TEXT} are read")]
    TooLong {
        /// `manifest` or `config-schema`.
        function: &'static str,
        /// How many.
        bytes: usize,
    },
    /// Not JSON, or not of the form of a manifest.
    #[error("`manifest` returned no valid manifest: `{text}`")]
    Form {
        /// How it starts.
        text: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Not JSON.
    #[error("`config-schema` returned no JSON: `{text}`")]
    SchemaForm {
        /// How it starts.
        text: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but no JSON Schema.
    #[error("`config-schema` returned no valid JSON Schema: {message}")]
    Schema {
        /// What the validator says.
        message: String,
    },
    /// What it says it is and what it exports differ.
    #[error("the manifest says {}, the component exports {}", kinds(.declared), kinds(.exported))]
    Kinds {
        /// In the manifest.
        declared: Vec<PluginKind>,
        /// By its exports.
        exported: Vec<PluginKind>,
    },
    /// The same name twice.
    #[error("the manifest declares {what} `{name}` twice")]
    Twice {
        /// `metric`, `table` or `column`.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// More than any honest one.
    #[error("the manifest declares {found} {what}, at most {MAX_DECLARED} are allowed")]
    TooMany {
        /// `metrics`, `tables` or `columns`.
        what: &'static str,
        /// How many.
        found: usize,
    },
}

fn kinds(kinds: &[PluginKind]) -> String {
    let word = |kind: &PluginKind| match kind {
        PluginKind::Workload => "workload",
        PluginKind::Measurement => "measurement",
    };
    if kinds.is_empty() {
        "nothing".to_owned()
    } else {
        kinds.iter().map(word).collect::<Vec<_>>().join(" and ")
    }
}

/// Parses a manifest and checks it against what the component exports.
pub(crate) fn parse_manifest(text: &str, exported: &[PluginKind]) -> Result<Manifest, ManifestError> {
    check_length("manifest", text)?;
    let quote = |source| ManifestError::Form { text: quote(text), source };
    let manifest: Manifest = serde_json::from_str(text).map_err(quote)?;
    let sorted = |kinds: &[PluginKind]| kinds.iter().copied().collect::<BTreeSet<_>>();
    if sorted(&manifest.kinds) != sorted(exported) {
        return Err(ManifestError::Kinds { declared: manifest.kinds, exported: exported.to_vec() });
    }
    check_names("metric", "metrics", manifest.metrics.iter().map(|metric| metric.name.as_str()))?;
    check_names("table", "tables", manifest.tables.iter().map(|table| table.name.as_str()))?;
    for table in &manifest.tables {
        check_names("column", "columns", table.columns.iter().map(|column| column.name.as_str()))?;
    }
    Ok(manifest)
}

/// Parses the schema of a plugin's block in a scenario.
pub(crate) fn parse_schema(text: &str) -> Result<serde_json::Value, ManifestError> {
    check_length("config-schema", text)?;
    let quote = |source| ManifestError::SchemaForm { text: quote(text), source };
    let schema: serde_json::Value = serde_json::from_str(text).map_err(quote)?;
    // Compiled as well as validated: a reference to another document fails here, not in the middle of a run.
    match jsonschema::draft202012::new(&schema) {
        Ok(_) => Ok(schema),
        Err(error) => Err(ManifestError::Schema { message: cut(error.to_string(), MAX_QUOTE) }),
    }
}

fn check_length(function: &'static str, text: &str) -> Result<(), ManifestError> {
    let bytes = text.len();
    if bytes > MAX_TEXT { Err(ManifestError::TooLong { function, bytes }) } else { Ok(()) }
}

fn check_names<'a>(
    one: &'static str,
    many: &'static str,
    names: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), ManifestError> {
    let found = names.len();
    if found > MAX_DECLARED {
        return Err(ManifestError::TooMany { what: many, found });
    }
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ManifestError::Twice { what: one, name: cut(name.to_owned(), MAX_QUOTE) });
        }
    }
    Ok(())
}

fn quote(text: &str) -> String {
    cut(text.to_owned(), MAX_QUOTE).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse_manifest(text, &[PluginKind::Workload]) {
            Ok(manifest) => manifest.name,
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_manifest_is_checked_against_the_component() {
        check(r#"{"name":"a","version":"1","kinds":["workload"]}"#, "a");
        check(
            r#"{"name":"a","version":"1","kinds":["measurement"]}"#,
            "the manifest says measurement, the component exports workload",
        );
        check(
            r#"{"name":"a","version":"1","kinds":[]}"#,
            "the manifest says nothing, the component exports workload",
        );
    }

    #[test]
    fn mistakes_in_a_manifest_are_named() {
        check("hello\n", r"`manifest` returned no valid manifest: `hello\n`");
        check(
            r#"{"name":"a","version":"1","kinds":["workload"],"metrics":[
                {"name":"m","kind":"gauge","unit":"1"},{"name":"m","kind":"gauge","unit":"1"}]}"#,
            "the manifest declares metric `m` twice",
        );
        check(&" ".repeat(MAX_TEXT + 1), "`manifest` returned 1048577 bytes, at most 1048576 are read");
    }

    #[test]
    fn a_schema_must_be_one_and_may_not_fetch_another() {
        assert!(
            parse_schema(r#"{"type":"object","properties":{"a":{"type":"integer","default":1}}}"#).is_ok()
        );
        assert!(matches!(parse_schema("{"), Err(ManifestError::SchemaForm { .. })));
        assert!(matches!(parse_schema(r#"{"type":"thing"}"#), Err(ManifestError::Schema { .. })));
        let remote = r#"{"$ref":"http://127.0.0.1/schema.json"}"#;
        assert!(matches!(parse_schema(remote), Err(ManifestError::Schema { .. })));
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parsers_panic(text in ".{0,80}") {
            let _ = parse_manifest(&text, &[]).map_err(|error| error.to_string());
            let _ = parse_schema(&text).map_err(|error| error.to_string());
        }
    }
}
