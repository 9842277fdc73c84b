//! Reading a results table: the reference's, or one of ours.

use std::collections::HashSet;
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder};
use norgay_core::Value;

use super::table::{ITERATION, OBJECTIVE, ResultsTable, Row, RowStatus, STATUS, TRIAL_ID};

/// A file that is no results table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The header line is wrong.
    #[error("results table, line 1: {problem}")]
    Header {
        /// What is wrong with it.
        problem: String,
    },
    /// A line is wrong as a whole.
    #[error("results table, line {line}: {problem}")]
    Line {
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A cell is wrong.
    #[error("results table, line {line}, column '{column}': '{found}' is not {wanted}")]
    Cell {
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        wanted: &'static str,
    },
}

/// Reads a results table in CSV, each column with the type that pandas gives it.
///
/// A column is of whole numbers only if no cell is empty, else of floats; truth values are
/// `True` and `False`; everything else is text, lists included. An empty cell is missing: CSV
/// can't tell it from an empty text or `None`. Columns before `Objective` are parameters, those
/// behind it are context.
pub fn read_results(bytes: &[u8]) -> Result<ResultsTable, ReadError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let layout = Layout::read(&mut reader(bytes))?;
    let mut guesses = vec![Guess::new(); layout.names.len()];
    // Two passes over the text cost less memory than one with all cells kept.
    each_line(bytes, &layout, |_, cells| {
        for (guess, cell) in guesses.iter_mut().zip(cells) {
            guess.add(cell);
        }
        Ok(())
    })?;
    let mut table = ResultsTable {
        parameters: layout.named(&layout.parameters),
        context: layout.named(&layout.context),
        rows: Vec::new(),
    };
    each_line(bytes, &layout, |line, cells| {
        table.rows.push(layout.row(line, cells, &guesses)?);
        Ok(())
    })?;
    Ok(table)
}

fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
}

/// Calls back for each line after the header, with as many cells as the header has.
fn each_line(
    bytes: &[u8],
    layout: &Layout,
    mut take: impl FnMut(u64, &[&str]) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut reader = reader(bytes);
    let mut record = ByteRecord::new();
    let mut header = true;
    while next_record(&mut reader, &mut record)? {
        if std::mem::take(&mut header) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != layout.names.len() {
            let (found, wanted) = (record.len(), layout.names.len());
            let problem = format!("it has {found} cells, the header has {wanted}");
            return Err(ReadError::Line { line, problem });
        }
        let mut cells = Vec::with_capacity(record.len());
        for (cell, name) in record.iter().zip(&layout.names) {
            cells.push(std::str::from_utf8(cell).map_err(|_| ReadError::Cell {
                line,
                column: name.to_string(),
                found: String::from_utf8_lossy(cell).into_owned(),
                wanted: "UTF-8 text",
            })?);
        }
        take(line, &cells)?;
    }
    Ok(())
}

fn next_record(reader: &mut Reader<&[u8]>, record: &mut ByteRecord) -> Result<bool, ReadError> {
    reader
        .read_byte_record(record)
        .map_err(|error| ReadError::Line {
            line: error.position().map_or(0, csv::Position::line),
            problem: error.to_string(),
        })
}

/// Where which column is.
struct Layout {
    names: Vec<Arc<str>>,
    trial: usize,
    status: usize,
    iteration: usize,
    objective: usize,
    parameters: Vec<usize>,
    context: Vec<usize>,
}

impl Layout {
    fn read(reader: &mut Reader<&[u8]>) -> Result<Self, ReadError> {
        let refuse = |problem: String| ReadError::Header { problem };
        let mut record = ByteRecord::new();
        if !next_record(reader, &mut record)? {
            return Err(refuse("the file is empty; a header line is needed".into()));
        }
        let mut names: Vec<Arc<str>> = Vec::with_capacity(record.len());
        let mut known = HashSet::with_capacity(record.len());
        for (position, name) in record.iter().enumerate() {
            let name: Arc<str> = std::str::from_utf8(name)
                .map_err(|_| refuse(format!("the name of column {} is not UTF-8", position + 1)))?
                .into();
            if !known.insert(name.clone()) {
                return Err(refuse(format!("the column '{name}' occurs twice")));
            }
            names.push(name);
        }
        let find = |wanted: &str| {
            let position = names.iter().position(|name| name.as_ref() == wanted);
            position.ok_or_else(|| refuse(format!("there is no column '{wanted}'")))
        };
        let (trial, status) = (find(TRIAL_ID)?, find(STATUS)?);
        let (iteration, objective) = (find(ITERATION)?, find(OBJECTIVE)?);
        let free = |position: &usize| ![trial, status, iteration, objective].contains(position);
        Ok(Self {
            trial,
            status,
            iteration,
            objective,
            parameters: (0..objective).filter(free).collect(),
            context: (objective..names.len()).filter(free).collect(),
            names,
        })
    }

    fn named(&self, positions: &[usize]) -> Vec<Arc<str>> {
        let names = positions.iter().filter_map(|at| self.names.get(*at));
        names.cloned().collect()
    }

    fn row(&self, line: u64, cells: &[&str], guesses: &[Guess]) -> Result<Row, ReadError> {
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let refuse = |at: usize, wanted: &'static str| ReadError::Cell {
            line,
            column: self
                .names
                .get(at)
                .map_or_else(String::new, ToString::to_string),
            found: cell(at).to_string(),
            wanted,
        };
        let whole = |at: usize| whole_number(cell(at)).ok_or_else(|| refuse(at, "a whole number"));
        let value = |at: &usize| guesses.get(*at).and_then(|guess| guess.value(cell(*at)));
        let objective = value(&self.objective);
        if objective
            .as_ref()
            .is_some_and(|value| value.as_f64().is_none())
        {
            return Err(refuse(self.objective, "a number"));
        }
        let status = RowStatus::from_name(cell(self.status))
            .ok_or_else(|| refuse(self.status, "INTERMEDIATE, COMPLETED, FAILED or STOPPED"))?;
        Ok(Row {
            trial: whole(self.trial)?,
            status,
            iteration: whole(self.iteration)?,
            objective,
            parameters: self.parameters.iter().map(value).collect(),
            context: self.context.iter().map(value).collect(),
        })
    }
}

/// A number without fraction and sign, also as a float (`3.0`), as columns with gaps show it.
fn whole_number(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        let whole = (0.0..9.0e15).contains(&number) && number.fract() == 0.0;
        whole.then_some(number as u64)
    })
}

/// What a column can still be, given the cells seen so far.
#[derive(Clone, Copy)]
struct Guess {
    ints: bool,
    floats: bool,
    bools: bool,
}

impl Guess {
    fn new() -> Self {
        Self {
            ints: true,
            floats: true,
            bools: true,
        }
    }

    fn add(&mut self, cell: &str) {
        // An empty cell makes ints floats but leaves truth values what they are.
        self.ints &= cell.parse::<i64>().is_ok();
        self.floats &= cell.is_empty() || float(cell).is_some();
        self.bools &= cell.is_empty() || truth(cell).is_some();
    }

    fn value(self, cell: &str) -> Option<Value> {
        if cell.is_empty() {
            return None;
        }
        if self.ints {
            cell.parse().ok().map(Value::Int)
        } else if self.floats {
            let number = float(cell).filter(|number| !number.is_nan());
            number.map(Value::Float)
        } else if self.bools {
            truth(cell).map(Value::Bool)
        } else {
            Some(Value::text(cell))
        }
    }
}

fn float(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

fn truth(cell: &str) -> Option<bool> {
    match cell {
        "True" | "TRUE" | "true" => Some(true),
        "False" | "FALSE" | "false" => Some(false),
        _ => None,
    }
}
