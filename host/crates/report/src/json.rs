//! The summary as JSON, for machines; its schema is published with `bench schema`.

use bench_results::Summary;

use crate::sanitize::escape_json;

/// The summary as it stands in `summary.json`, with hidden characters escaped, and a line break at the end.
///
/// # Errors
/// When a number in it is not finite; no summary has one.
pub fn json(summary: &Summary) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(summary)?;
    Ok(format!("{}\n", escape_json(&text)))
}

/// Anything else for machines in the same form.
///
/// # Errors
/// When a number in it is not finite.
pub fn to_json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(format!("{}\n", escape_json(&text)))
}

/// JSON Schema of [`json`].
pub fn json_schema() -> serde_json::Value {
    bench_results::schema()
}
