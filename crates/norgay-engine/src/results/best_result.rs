//! `best_result.json`: the best completed trial as one flat object.

use norgay_core::python_text::str_of;
use norgay_core::{Study, Value};

use super::WriteError;
use super::plain::Plain;
use super::table::{Columns, ITERATION, OBJECTIVE, RowStatus, TRIAL_ID};

const FILE: &str = "best_result.json";

/// The best completed trial with every column but the status; `{}` while there is none.
///
/// All values are Python's text of them, and `nan` stands in empty cells, as in the reference;
/// `typed` writes numbers as numbers and empty cells as `null`.
pub fn best_result_json(study: &Study, typed: bool) -> Result<Vec<u8>, WriteError> {
    let columns = Columns::of(study);
    let row = study.incumbent().and_then(|trial| {
        let mut rows = columns.rows_of(trial, study.definition());
        rows.find(|row| row.status == RowStatus::Completed)
    });
    let Some(row) = row else {
        return Plain::Object(Vec::new()).to_json(FILE);
    };
    let written = |cell: Option<&Value>| match (cell, typed) {
        (Some(value), true) => Plain::Value(value.clone()),
        (None, true) => Plain::Value(Value::None),
        (Some(value), false) => Plain::text(&str_of(value)),
        (None, false) => Plain::text("nan"),
    };
    let whole = |number: u64| {
        if typed {
            Plain::Whole(number)
        } else {
            Plain::text(&number.to_string())
        }
    };
    let mut entries = vec![
        (TRIAL_ID.to_string(), whole(row.trial)),
        (ITERATION.to_string(), whole(row.iteration)),
    ];
    let parameters = columns.parameters().iter().zip(row.parameters.iter());
    entries.extend(parameters.map(|(name, cell)| (name.to_string(), written(cell.as_ref()))));
    entries.push((OBJECTIVE.to_string(), written(row.objective.as_ref())));
    let cells = row.context.iter().map(Option::as_ref);
    let context = columns
        .context()
        .iter()
        .zip(cells.chain(std::iter::repeat(None)));
    entries.extend(context.map(|(name, cell)| (name.to_string(), written(cell))));
    Plain::Object(entries).to_json(FILE)
}
