//! Which type pandas gives a column that grows row by row, and how it then writes the cells.
//!
//! The reference appends one row at a time, and each append may change the column's type for all
//! rows before: whole numbers become `16.0` once a cell is missing, truth values become `1` beside
//! whole numbers. Found by running pandas 1.5.3 on all sequences of up to four cells.

use norgay_core::Value;
use norgay_core::python_text::str_of;

/// The type of a column, folded over its cells in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnForm {
    kind: Kind,
    /// The type of the rows before `mixed_from`; later ones are written as they are.
    before: Kind,
    mixed_from: usize,
    rows: usize,
    /// Whether every cell so far is empty.
    empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unseen,
    Bool,
    Int,
    Float,
    Mixed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Missing,
    Nan,
    None,
    Bool,
    Int,
    Float,
    Other,
}

impl Cell {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Missing,
            Some(Value::None) => Self::None,
            Some(Value::Bool(_)) => Self::Bool,
            Some(Value::Int(_)) => Self::Int,
            Some(Value::Float(number)) if number.is_nan() => Self::Nan,
            Some(Value::Float(_)) => Self::Float,
            Some(_) => Self::Other,
        }
    }
}

impl ColumnForm {
    pub(super) fn new() -> Self {
        Self {
            kind: Kind::Unseen,
            before: Kind::Mixed,
            mixed_from: 0,
            rows: 0,
            empty: true,
        }
    }

    /// Takes in the next row's cell.
    pub(super) fn add(&mut self, value: Option<&Value>) {
        let cell = Cell::of(value);
        let next = self.kind.with(cell, self.rows == 0, self.empty);
        if next == Kind::Mixed && self.kind != Kind::Mixed {
            self.before = match self.kind {
                Kind::Unseen => Kind::Mixed,
                kind => kind,
            };
            self.mixed_from = self.rows;
        }
        self.kind = next;
        self.rows += 1;
        self.empty &= matches!(cell, Cell::Missing | Cell::Nan | Cell::None);
    }

    /// How the cell of a row is written.
    pub(super) fn text(&self, row: usize, value: Option<&Value>) -> String {
        let kind = match self.kind {
            Kind::Mixed if row < self.mixed_from => self.before,
            kind => kind,
        };
        match (value, kind) {
            (None | Some(Value::None), _) => String::new(),
            (Some(Value::Float(number)), _) if number.is_nan() => String::new(),
            (Some(Value::Int(number)), Kind::Float) => str_of(&Value::Float(*number as f64)),
            (Some(Value::Bool(truth)), Kind::Int) => str_of(&Value::Int((*truth).into())),
            (Some(Value::Bool(truth)), Kind::Float) => {
                str_of(&Value::Float(f64::from(u8::from(*truth))))
            }
            (Some(value), _) => str_of(value),
        }
    }
}

impl Kind {
    /// The type after one more cell; `empty` says whether all cells before are empty.
    fn with(self, cell: Cell, first: bool, empty: bool) -> Self {
        match self {
            Self::Unseen => match cell {
                Cell::Missing => Self::Unseen,
                Cell::Bool if first => Self::Bool,
                Cell::Int if first => Self::Int,
                Cell::Int | Cell::Float | Cell::Nan => Self::Float,
                Cell::Bool | Cell::None | Cell::Other => Self::Mixed,
            },
            Self::Bool => match cell {
                Cell::Bool => Self::Bool,
                Cell::Int => Self::Int,
                Cell::Nan => Self::Float,
                _ => Self::Mixed,
            },
            Self::Int => match cell {
                Cell::Bool | Cell::Int => Self::Int,
                Cell::Float | Cell::Nan | Cell::Missing => Self::Float,
                Cell::None | Cell::Other => Self::Mixed,
            },
            Self::Float => match cell {
                Cell::Other => Self::Mixed,
                Cell::None if empty => Self::Mixed,
                _ => Self::Float,
            },
            Self::Mixed if empty && cell == Cell::Float => Self::Float,
            Self::Mixed => Self::Mixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(letter: char) -> Option<Value> {
        match letter {
            'i' => Some(Value::Int(16)),
            'f' => Some(Value::Float(0.5)),
            'b' => Some(Value::Bool(true)),
            'n' => Some(Value::None),
            'N' => Some(Value::Float(f64::NAN)),
            't' => Some(Value::from("x")),
            _ => None,
        }
    }

    #[test]
    fn cs_39_cells_are_written_as_pandas_writes_them() {
        let fixture = include_str!("../../tests/fixtures/pandas_columns.txt");
        let lines = fixture.lines().filter(|line| !line.starts_with('#'));
        let mut checked = 0;
        for line in lines {
            let (sequence, wanted) = line.split_once(' ').expect("a sequence and its cells");
            let cells: Vec<Option<Value>> = sequence.chars().map(cell).collect();
            let mut form = ColumnForm::new();
            for cell in &cells {
                form.add(cell.as_ref());
            }
            let rows = cells.iter().enumerate();
            let texts: Vec<String> = rows.map(|(row, c)| form.text(row, c.as_ref())).collect();
            assert_eq!(texts.join("|"), wanted, "{sequence}");
            checked += 1;
        }
        assert!(checked > 600, "{checked}");
    }
}
