//! Appends rows past the end of a table, and columns that do not fit.

use guest::{
    Guest, export_guest, metrics,
    types::Column::{Ints, Texts},
};

struct Fills;

impl Guest for Fills {
    fn run() -> Result<(), String> {
        let table = metrics::Table::open("rows").map_err(guest::reason)?;
        let short = table.append(2, &[Texts(vec!["a".to_owned()]), Ints(vec![1, 2])]).map_err(guest::reason);
        if short != Err("invalid-argument".to_owned()) {
            return Err(format!("{short:?}"));
        }
        let pods: Vec<String> = (0..1_000).map(|n| format!("pod-{n}")).collect();
        for thousands in 0.. {
            if let Err(failure) = table.append(1_000, &[Texts(pods.clone()), Ints(vec![1; 1_000])]) {
                return Err(format!("{} after {thousands}000 rows", failure.reason));
            }
        }
        Ok(())
    }
}

export_guest!(Fills);
