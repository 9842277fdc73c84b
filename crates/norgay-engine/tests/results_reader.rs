//! Reading results tables: laws by property tests, and what is said about broken ones.

use std::sync::Arc;

use norgay_core::Value;
use norgay_engine::results::{ResultsTable, Row, RowStatus, read_results};
use proptest::prelude::*;

fn cell() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any::<i64>().prop_map(|n| Some(Value::Int(n))),
        any::<f64>().prop_map(|n| Some(Value::Float(n))),
        any::<bool>().prop_map(|b| Some(Value::Bool(b))),
        "[ -~äß,\"\n\r]{0,6}".prop_map(|text| Some(Value::from(text))),
        Just(Some(Value::None)),
    ]
}

fn objective() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![Just(None), any::<f64>().prop_map(|n| Some(Value::Float(n)))]
}

fn row(parameters: usize, context: usize) -> impl Strategy<Value = Row> {
    (
        any::<u64>(),
        0_usize..4,
        any::<u64>(),
        objective(),
        prop::collection::vec(cell(), parameters),
        prop::collection::vec(cell(), context),
    )
        .prop_map(
            |(trial, status, iteration, objective, parameters, context)| Row {
                trial,
                status: RowStatus::ALL[status],
                iteration,
                objective,
                parameters: parameters.into(),
                context,
            },
        )
}

fn table() -> impl Strategy<Value = ResultsTable> {
    (0_usize..4, 0_usize..4).prop_flat_map(|(parameters, context)| {
        let names = |prefix: &str, count| -> Vec<Arc<str>> {
            (0..count)
                .map(|k| format!("{prefix}, \"{k}\"").into())
                .collect()
        };
        let (p, c) = (names("p", parameters), names("c", context));
        prop::collection::vec(row(parameters, context), 0..6).prop_map(move |rows| ResultsTable {
            parameters: p.clone(),
            context: c.clone(),
            rows,
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_written_the_same_again(table in table()) {
        let csv = table.to_csv().expect("a table");
        let read = read_results(&csv).expect("a table");
        prop_assert_eq!(read.names(), table.names());
        prop_assert_eq!(read.rows.len(), table.rows.len());
        for (row, known) in read.rows.iter().zip(&table.rows) {
            prop_assert_eq!((row.trial, row.status, row.iteration),
                (known.trial, known.status, known.iteration));
            for (cell, known) in row.parameters.iter().zip(known.parameters.iter()) {
                check_cell(cell.as_ref(), known.as_ref())?;
            }
            for (cell, known) in row.context.iter().zip(&known.context) {
                check_cell(cell.as_ref(), known.as_ref())?;
            }
        }
        // From the first reading on nothing changes any more.
        let again = read_results(&read.to_csv().expect("a table")).expect("a table");
        prop_assert_eq!(again, read);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\u{0}-\u{7f}]{0,200}") {
        let _ = read_results(text.as_bytes());
    }

    #[test]
    fn no_lines_under_a_good_header_make_the_reader_panic(
        lines in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut bytes = b"Trial-ID,Status,Iteration,p,Objective\n1,FAILED,0,".to_vec();
        bytes.extend(lines);
        let _ = read_results(&bytes);
    }
}

/// A number comes back as the same number or (beside text) as its text; text as itself unless the
/// whole column reads as something else.
fn check_cell(read: Option<&Value>, known: Option<&Value>) -> Result<(), TestCaseError> {
    match (known, read) {
        (None | Some(Value::None), read) => prop_assert_eq!(read, None),
        (Some(Value::Float(n)), read) if n.is_nan() => prop_assert_eq!(read, None),
        (Some(Value::Float(n)), Some(Value::Float(m))) => prop_assert_eq!(n, m),
        (Some(Value::Int(n)), Some(Value::Float(m))) => prop_assert_eq!(*n as f64, *m),
        (Some(Value::Text(text)), None) => prop_assert_eq!(text.as_ref(), ""),
        (Some(known), Some(Value::Text(text))) => {
            let forms = [
                known.to_string(),
                known
                    .as_f64()
                    .map(|n| Value::Float(n).to_string())
                    .unwrap_or_default(),
                known
                    .as_bool()
                    .map(|b| i64::from(b).to_string())
                    .unwrap_or_default(),
                known
                    .as_bool()
                    .map(|b| format!("{}.0", i64::from(b)))
                    .unwrap_or_default(),
            ];
            prop_assert!(
                forms.iter().any(|form| form == text.as_ref()),
                "{} {}",
                known,
                text
            );
        }
        (Some(Value::Bool(truth)), Some(read)) => {
            let number = read
                .as_f64()
                .or_else(|| read.as_bool().map(|b| f64::from(u8::from(b))));
            prop_assert_eq!(number, Some(f64::from(u8::from(*truth))));
        }
        (Some(Value::Text(_)), Some(_)) => {}
        (Some(known), read) => prop_assert_eq!(Some(known), read),
    }
    Ok(())
}

fn refusal(text: &str) -> String {
    read_results(text.as_bytes())
        .expect_err("refused")
        .to_string()
}

#[test]
fn mistakes_are_told_with_line_and_column() {
    assert!(refusal("").contains("line 1: the file is empty"));
    assert!(refusal("a,b\n1,2\n").contains("no column 'Trial-ID'"));
    let header = "Trial-ID,Status,Iteration,p,Objective\n";
    assert_eq!(
        refusal(&format!(
            "{header}1,COMPLETED,1,0.5,0.1\n2,DONE,1,0.5,0.1\n"
        )),
        "results table, line 3, column 'Status': 'DONE' is not INTERMEDIATE, COMPLETED, FAILED \
         or STOPPED"
    );
    assert_eq!(
        refusal(&format!("{header}one,COMPLETED,1,0.5,0.1\n")),
        "results table, line 2, column 'Trial-ID': 'one' is not a whole number"
    );
    assert_eq!(
        refusal(&format!("{header}1,COMPLETED,-1,0.5,0.1\n")),
        "results table, line 2, column 'Iteration': '-1' is not a whole number"
    );
    assert_eq!(
        refusal(&format!("{header}1,COMPLETED,1,0.5,good\n")),
        "results table, line 2, column 'Objective': 'good' is not a number"
    );
    assert_eq!(
        refusal(&format!("{header}1,COMPLETED,1,0.5\n")),
        "results table, line 2: it has 4 cells, the header has 5"
    );
    assert!(refusal("Trial-ID,Status,Iteration,p,p,Objective\n").contains("'p' occurs twice"));
    let broken = [header.as_bytes(), b"1,COMPLETED,1,\xff,1\n"].concat();
    let message = read_results(&broken).expect_err("refused").to_string();
    assert!(message.contains("line 2, column 'p'"), "{message}");
}

#[test]
fn a_mark_at_the_start_and_windows_line_ends_are_no_obstacle() {
    let text = "\u{feff}Trial-ID,Status,Iteration,p,Objective\r\n1.0,COMPLETED,2.0,x,0.5\r\n";
    let table = read_results(text.as_bytes()).expect("a table");
    assert_eq!((table.rows[0].trial, table.rows[0].iteration), (1, 2));
    assert_eq!(table.rows[0].parameters[0], Some(Value::from("x")));
}
