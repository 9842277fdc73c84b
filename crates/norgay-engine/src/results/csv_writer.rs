//! `study_results.csv`: the results table as pandas' `to_csv(index=False)` writes it.

use std::sync::Arc;

use norgay_core::{Study, Value};

use super::WriteError;
use super::column_form::ColumnForm;
use super::table::{Columns, ResultsTable, Row, names};

/// The results table of a study as CSV.
///
/// Cells have Python's text form, empty ones stand for NaN, `None` and inactive parameters. A
/// column of whole numbers with a missing cell shows them as `16.0`, as pandas does, so that the
/// file reads back with the types that the reference's has.
pub fn study_results_csv(study: &Study) -> Result<Vec<u8>, WriteError> {
    let columns = Columns::of(study);
    let definition = study.definition();
    let rows = || {
        let trials = study.trials().iter();
        trials.flat_map(|trial| columns.rows_of(trial, definition))
    };
    write(columns.parameters(), columns.context(), rows)
}

impl ResultsTable {
    /// The table as CSV, in the form of [`study_results_csv`].
    pub fn to_csv(&self) -> Result<Vec<u8>, WriteError> {
        write(&self.parameters, &self.context, || {
            self.rows.iter().cloned()
        })
    }
}

/// Writes in two passes, since a column's type depends on all of its cells.
fn write<I: Iterator<Item = Row>>(
    parameters: &[Arc<str>],
    context: &[Arc<str>],
    rows: impl Fn() -> I,
) -> Result<Vec<u8>, WriteError> {
    let mut forms = vec![ColumnForm::new(); parameters.len() + 1 + context.len()];
    for row in rows() {
        for (form, cell) in forms.iter_mut().zip(cells(&row)) {
            form.add(cell);
        }
    }
    let failed = |error: csv::Error| WriteError::new("study_results.csv", error);
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    writer
        .write_record(names(parameters, context))
        .map_err(failed)?;
    let mut record: Vec<String> = Vec::with_capacity(3 + forms.len());
    for (number, row) in rows().enumerate() {
        record.clear();
        record.push(row.trial.to_string());
        record.push(row.status.name().to_string());
        record.push(row.iteration.to_string());
        let texts = forms.iter().zip(cells(&row));
        record.extend(texts.map(|(form, cell)| form.text(number, cell)));
        writer.write_record(&record).map_err(failed)?;
    }
    writer
        .into_inner()
        .map_err(|error| WriteError::new("study_results.csv", error.to_string()))
}

/// The cells after the three fixed ones; without end, since trailing context cells may be left
/// out.
fn cells(row: &Row) -> impl Iterator<Item = Option<&Value>> {
    row.parameters
        .iter()
        .chain([&row.objective])
        .chain(&row.context)
        .map(Option::as_ref)
        .chain(std::iter::repeat(None))
}
