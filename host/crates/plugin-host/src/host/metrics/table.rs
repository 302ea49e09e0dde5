//! Tables: one row for each object, columns as the manifest declares them.

use bench_model::{Column, ColumnDeclaration, RunEvent, TableId};
use wasmtime::component::Resource;

use crate::{
    bindings::bench::base::{metrics, types},
    host::{
        HostState,
        error::{HostCallError, invalid, limit_exceeded},
        metrics::undeclared,
    },
};

/// Most rows of a table.
const MAX_ROWS: u64 = 50_000;
/// Most bytes of text in a table.
const MAX_TEXT: u64 = 32 << 20;

/// A table that the guest has open.
pub struct Table {
    id: TableId,
    columns: Vec<ColumnDeclaration>,
    rows: u64,
    text_bytes: u64,
}

impl metrics::HostTable for HostState {
    async fn open(&mut self, name: String) -> Result<Resource<Table>, HostCallError> {
        let (id, source) = {
            let context = self.context("table.open")?;
            (context.services.ids.table(), context.user.clone())
        };
        let Some(declaration) = self.manifest.tables.iter().find(|table| table.name.as_str() == name) else {
            return Err(undeclared("table", &name).into());
        };
        let declaration = declaration.clone();
        if self.instruments.tables.contains_key(&name) {
            return Err(invalid(format!("table `{name}` is already open")));
        }
        self.instruments.tables.insert(name, id);
        let columns = declaration.columns.clone();
        self.send(RunEvent::TableOpened { table: id, source, declaration }).await?;
        self.keep(Table { id, columns, rows: 0, text_bytes: 0 })
    }

    async fn append(
        &mut self,
        table: Resource<Table>,
        rows: u32,
        columns: Vec<types::Column>,
    ) -> Result<(), HostCallError> {
        let table = self.table.get_mut(&table).map_err(wasmtime::Error::from)?;
        let columns: Vec<Column> = columns.into_iter().map(Column::from).collect();
        check_columns(&table.columns, rows, &columns)?;
        let rows = table.rows + u64::from(rows);
        let text_bytes = table.text_bytes + columns.iter().map(text_bytes).sum::<u64>();
        if rows > MAX_ROWS {
            return Err(limit_exceeded(format!("a table has at most {MAX_ROWS} rows")));
        }
        if text_bytes > MAX_TEXT {
            return Err(limit_exceeded(format!("a table has at most {MAX_TEXT} bytes of text")));
        }
        (table.rows, table.text_bytes) = (rows, text_bytes);
        let table = table.id;
        Ok(self.send(RunEvent::Rows { table, columns }).await?)
    }

    async fn drop(&mut self, table: Resource<Table>) -> wasmtime::Result<()> {
        self.table.delete(table)?;
        Ok(())
    }
}

fn text_bytes(column: &Column) -> u64 {
    match column {
        Column::Texts(texts) => texts.iter().map(|text| text.len() as u64).sum(),
        Column::Bytes(_) | Column::Ids(_) | Column::Ints(_) | Column::Floats(_) => 0,
    }
}

fn check_columns(declared: &[ColumnDeclaration], rows: u32, columns: &[Column]) -> Result<(), HostCallError> {
    if columns.len() != declared.len() {
        let message = format!("the table has {} columns, got {}", declared.len(), columns.len());
        return Err(invalid(message));
    }
    for (declared, column) in declared.iter().zip(columns) {
        let name = &declared.name;
        if column.len() as u64 != u64::from(rows) {
            return Err(invalid(format!("column `{name}` has {} cells for {rows} rows", column.len())));
        }
        let is_text = declared.unit == "text";
        match column {
            Column::Ids(_) => {
                return Err(invalid(format!(
                    "column `{name}` has string ids; a table takes text as `texts`"
                )));
            }
            Column::Texts(_) if !is_text => {
                return Err(invalid(format!("column `{name}` is declared as a number")));
            }
            Column::Bytes(_) | Column::Ints(_) | Column::Floats(_) if is_text => {
                return Err(invalid(format!("column `{name}` is declared as text")));
            }
            Column::Texts(_) | Column::Bytes(_) | Column::Ints(_) | Column::Floats(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: u32, columns: &[Column]) -> Result<(), String> {
        let column =
            |name: &str, unit: &str| ColumnDeclaration { name: name.to_owned(), unit: unit.to_owned() };
        let declared = [column("pod", "text"), column("ready", "ns")];
        match check_columns(&declared, rows, columns) {
            Ok(()) => Ok(()),
            Err(HostCallError::Failure(failure)) => Err(failure.message),
            Err(HostCallError::Trap(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn columns_must_be_as_declared_and_equally_long() {
        let pods = || Column::Texts(vec!["a".to_owned()]);
        assert_eq!(check(1, &[pods(), Column::Ints(vec![1])]), Ok(()));
        assert_eq!(check(1, &[pods(), Column::Floats(vec![1.0])]), Ok(()));
        assert_eq!(check(1, &[pods()]), Err("the table has 2 columns, got 1".to_owned()));
        let short = check(1, &[pods(), Column::Ints(vec![])]);
        assert_eq!(short, Err("column `ready` has 0 cells for 1 rows".to_owned()));
        let swapped = check(1, &[Column::Ints(vec![1]), pods()]);
        assert_eq!(swapped, Err("column `pod` is declared as text".to_owned()));
        assert!(check(1, &[Column::Ids(vec![1]), Column::Ints(vec![1])]).is_err());
    }
}
