use super::*;
use crate::testing::{BatchBuilder, Cell};

fn builder() -> BatchBuilder {
    BatchBuilder::new(&[ParseAs::Text, ParseAs::Time, ParseAs::Boolean, ParseAs::Floating])
}

#[test]
fn cells_are_read_by_the_position_of_their_projection() {
    let mut builder = builder();
    builder.row(
        RowKind::Added,
        "a/pod",
        "u1",
        5,
        &[Cell::Text("Running"), Cell::Int(7), Cell::Flag(true), Cell::Float(0.5)],
    );
    builder.row(RowKind::Gap, "", "", 6, &[]);
    let batch = builder.take();
    let mut tables = StringTables::new();
    let rows: Vec<Row<'_>> = tables.rows(&batch).expect("in order").iter().collect();
    let [row, gap] = rows.as_slice() else { panic!("two rows") };
    assert_eq!((row.kind(), row.object(), row.uid(), row.observed_at()), (RowKind::Added, "a/pod", "u1", 5));
    assert_eq!(
        (row.text(0), row.time(1), row.flag(2), row.float(3)),
        ("Running", Some(7), Some(true), Some(0.5))
    );
    assert_eq!((gap.kind(), gap.object()), (RowKind::Gap, ""));
    assert_eq!((gap.text(0), gap.time(1), gap.flag(2), gap.float(3)), ("", None, None, None));
}

#[test]
fn a_cell_of_another_kind_or_place_is_absent() {
    let mut builder = builder();
    builder.row(RowKind::Added, "a", "u", 0, &[Cell::Text("x")]);
    let batch = builder.take();
    let mut tables = StringTables::new();
    let rows = tables.rows(&batch).expect("in order");
    let row = rows.iter().next().expect("one row");
    assert_eq!((row.int(0), row.text(1), row.text(99), row.flag(3)), (None, "", "", None));
}

#[test]
fn strings_stay_known_until_the_table_starts_anew() {
    let mut tables = StringTables::new();
    let mut builder = builder();
    let mut read = |batch: EventBatch| {
        let rows = tables.rows(&batch)?;
        Ok::<_, String>(rows.iter().map(|row| row.object().to_owned()).collect::<Vec<_>>())
    };
    builder.row(RowKind::Added, "one", "u1", 0, &[]);
    assert_eq!(read(builder.take()), Ok(vec!["one".to_owned()]));
    builder.row(RowKind::Modified, "one", "u1", 0, &[]);
    builder.row(RowKind::Added, "two", "u2", 0, &[]);
    assert_eq!(read(builder.take()), Ok(vec!["one".to_owned(), "two".to_owned()]));
    builder.restart_strings();
    builder.row(RowKind::Modified, "two", "u2", 0, &[]);
    assert_eq!(read(builder.take()), Ok(vec!["two".to_owned()]));
}

#[test]
fn strings_that_were_lost_are_an_error() {
    let mut builder = builder();
    builder.row(RowKind::Added, "one", "u1", 0, &[]);
    drop(builder.take());
    builder.row(RowKind::Added, "two", "u2", 0, &[]);
    let error = StringTables::new().rows(&builder.take()).map(|rows| rows.len());
    assert_eq!(error, Err("batch adds strings from id 3 to a table of 0".to_owned()));
}
