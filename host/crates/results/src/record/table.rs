//! Rows of tables as lines of JSON: one object a row, keys in the order of the declaration.
//!
//! Absent cells are `null`; a time or duration that never came is `"never"`.

use std::io::Write as _;

use bench_model::{Column, TableDeclaration, TimeNs};

/// Writes all rows; cells of columns that are too short are absent.
pub(crate) fn write_rows(out: &mut Vec<u8>, declaration: &TableDeclaration, columns: &[Column]) {
    let rows = columns.iter().map(Column::len).max().unwrap_or(0);
    let keys: Vec<String> = declaration
        .columns
        .iter()
        .map(|column| serde_json::Value::from(column.name.as_str()).to_string())
        .collect();
    for row in 0..rows {
        out.push(b'{');
        for (index, key) in keys.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key.as_bytes());
            out.push(b':');
            write_cell(out, columns.get(index), row);
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_cell(out: &mut Vec<u8>, column: Option<&Column>, row: usize) {
    let number = |out: &mut Vec<u8>, text: std::fmt::Arguments<'_>| {
        // Writing to a `Vec` cannot fail.
        let _ = out.write_fmt(text);
    };
    match column {
        Some(Column::Bytes(cells)) => match cells.get(row) {
            None | Some(2) => out.extend_from_slice(b"null"),
            Some(cell) => number(out, format_args!("{cell}")),
        },
        Some(Column::Ids(cells)) => match cells.get(row) {
            None | Some(0) => out.extend_from_slice(b"null"),
            Some(cell) => number(out, format_args!("{cell}")),
        },
        Some(Column::Ints(cells)) => match cells.get(row) {
            None | Some(&i64::MIN) => out.extend_from_slice(b"null"),
            Some(&cell) if TimeNs(cell).is_never() => out.extend_from_slice(b"\"never\""),
            Some(cell) => number(out, format_args!("{cell}")),
        },
        Some(Column::Floats(cells)) => match cells.get(row) {
            Some(cell) if cell.is_finite() => number(out, format_args!("{cell}")),
            _ => out.extend_from_slice(b"null"),
        },
        Some(Column::Texts(cells)) => match cells.get(row) {
            Some(cell) => {
                let _ = serde_json::to_writer(out, cell);
            }
            None => out.extend_from_slice(b"null"),
        },
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use bench_model::{ColumnDeclaration, MetricName};

    use super::*;

    #[test]
    fn a_row_is_an_object_with_the_declared_keys() {
        let column = |name: &str| ColumnDeclaration { name: name.to_owned(), unit: "1".to_owned() };
        let declaration = TableDeclaration {
            name: MetricName::parse("pods").expect("a name"),
            columns: ["pod", "ready", "load", "ok", "more"].map(column).to_vec(),
        };
        let columns = [
            Column::Texts(vec!["a\"\n".to_owned(), "b".to_owned(), "c".to_owned()]),
            Column::Ints(vec![5, i64::MIN, i64::MAX]),
            Column::Floats(vec![0.5, f64::NAN]),
            Column::Bytes(vec![1, 2, 0]),
        ];
        let mut out = Vec::new();
        write_rows(&mut out, &declaration, &columns);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "{\"pod\":\"a\\\"\\n\",\"ready\":5,\"load\":0.5,\"ok\":1,\"more\":null}\n\
             {\"pod\":\"b\",\"ready\":null,\"load\":null,\"ok\":null,\"more\":null}\n\
             {\"pod\":\"c\",\"ready\":\"never\",\"load\":null,\"ok\":0,\"more\":null}\n"
        );
    }
}
