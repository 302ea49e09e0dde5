//! Tables as CSV (RFC 4180), a file each.
//!
//! Numbers as in the record, absent cells empty, `never` for what never came. A text that a spreadsheet would run as a
//! formula gets a `'` in front.

use bench_results::{ReadError, RunHistory, TableRowsHistory};
use serde_json::Value;

use super::{ReportFile, file_part};
use crate::sanitize::sanitize;

/// All tables of the record.
///
/// # Errors
/// For a row that is no JSON object.
pub fn csv(history: &RunHistory) -> Result<Vec<ReportFile>, ReadError> {
    history
        .tables
        .iter()
        .map(|table| {
            let name =
                format!("{}.{}.csv", file_part(&table.source), file_part(table.declaration.name.as_str()));
            Ok(ReportFile { name, content: content(table)? })
        })
        .collect()
}

fn content(table: &TableRowsHistory) -> Result<String, ReadError> {
    let columns = &table.declaration.columns;
    let heads: Vec<String> = columns
        .iter()
        .map(|column| match column.unit.as_str() {
            "text" | "1" | "" => quoted(&column.name),
            unit => quoted(&format!("{} ({unit})", column.name)),
        })
        .collect();
    let mut out = format!("{}\r\n", heads.join(","));
    for row in table.rows() {
        let row = row?;
        let cells: Vec<String> = columns.iter().map(|column| cell(row.get(&column.name))).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    Ok(out)
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other @ (Value::Array(_) | Value::Object(_))) => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    let mut text = sanitize(text);
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        assert_eq!(quoted("pod-1"), "pod-1");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)"), "\"'=HYPERLINK(1)\"");
        assert_eq!(quoted("a\r\nb"), "a\\r\\nb");
        assert_eq!(cell(Some(&serde_json::json!(-5))), "-5");
        assert_eq!(cell(Some(&serde_json::json!("never"))), "never");
    }
}
