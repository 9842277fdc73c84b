//! The results table and its CSV, rule by rule of the compatibility checklist.

use norgay_core::Value;
use norgay_core::definition::{Direction, ValueOf};
use norgay_core::space::{Domain, Parameter, Scale};
use norgay_core::trial::{AttemptEnd, FailureCause, TrialState};
use norgay_engine::results::{Columns, ResultsTable, RowStatus, read_results, study_results_csv};
use norgay_engine::testing::StudyBuilder;

fn continuous(name: &str) -> Parameter {
    Parameter::new(
        name,
        Domain::Continuous {
            low: 0.0,
            high: 1.0,
            scale: Scale::Linear,
            step: None,
        },
    )
}

fn choice(name: &str, values: Vec<Value>) -> Parameter {
    Parameter::new(name, Domain::Choice { values })
}

fn csv_of(builder: &StudyBuilder) -> String {
    String::from_utf8(study_results_csv(builder.study()).expect("a table")).expect("UTF-8")
}

fn fail(builder: &mut StudyBuilder, trial: u64) {
    let end = AttemptEnd::Failed(FailureCause::UserError);
    builder.end(trial, end, TrialState::Failed);
}

fn complete(builder: &mut StudyBuilder, trial: u64) {
    builder.end(trial, AttemptEnd::Completed, TrialState::Completed);
}

#[test]
fn cs_18_columns_are_sorted_by_bytes_and_context_follows_the_objective() {
    let mut builder = StudyBuilder::new(vec![continuous("b"), continuous("B"), continuous("a")]);
    let values = [("b", 0.25), ("B", 0.5), ("a", 1.0)].map(|(n, v)| (n, Value::Float(v)));
    let trial = builder.running(&values);
    builder.measure(
        trial,
        1,
        &[("z", 1.0.into()), ("loss", 0.5.into()), ("A", 2.0.into())],
    );
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,B,a,b,Objective,A,loss,z\n\
         1,INTERMEDIATE,1,0.5,1.0,0.25,0.5,2.0,0.5,1.0\n"
    );
}

#[test]
fn cs_18_entries_that_algorithms_add_are_columns_among_the_parameters() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let configuration = [
        ("p", 0.5.into()),
        ("load_from", "".into()),
        ("save_to", "1".into()),
    ];
    builder.completed(&configuration, 0.5);
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,load_from,p,save_to,Objective,loss\n\
         1,INTERMEDIATE,1,,0.5,1,0.5,0.5\n\
         1,COMPLETED,1,,0.5,1,0.5,0.5\n"
    );
}

#[test]
fn cs_19_context_seen_first_in_a_later_row_goes_to_the_right() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let trial = builder.running(&[("p", 0.5.into())]);
    builder.measure(trial, 1, &[("loss", 1.0.into()), ("m", 1.0.into())]);
    builder.measure(
        trial,
        2,
        &[("z", 3.0.into()), ("a", 4.0.into()), ("loss", 2.0.into())],
    );
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,p,Objective,loss,m,a,z\n\
         1,INTERMEDIATE,1,0.5,1.0,1.0,1.0,,\n\
         1,INTERMEDIATE,2,0.5,2.0,2.0,,4.0,3.0\n"
    );
}

#[test]
fn cs_20_context_never_overwrites_another_column() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let trial = builder.running(&[("p", 0.5.into())]);
    let metrics = [
        ("loss", 1.0.into()),
        ("p", 2.0.into()),
        ("Objective", 3.0.into()),
        ("context.p", 4.0.into()),
        ("context.q", 5.0.into()),
    ];
    builder.measure(trial, 1, &metrics);
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,p,Objective,context.Objective,context.context.p,context.q,\
         loss,context.p\n\
         1,INTERMEDIATE,1,0.5,1.0,3.0,4.0,5.0,1.0,2.0\n"
    );
    let columns = Columns::of(builder.study());
    let renamed: Vec<_> = columns
        .renamed()
        .iter()
        .map(|(from, _)| from.as_ref())
        .collect();
    assert_eq!(renamed, ["Objective", "context.p", "p"]);
}

#[test]
fn cs_23_the_last_row_has_the_best_objective_its_context_and_the_largest_iteration() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let trial = builder.running(&[("p", 0.5.into())]);
    for (step, loss, acc) in [
        (1, 0.1, "first"),
        (2, 0.01, "best"),
        (7, 0.01, "equal"),
        (9, 0.5, "x"),
    ] {
        builder.measure(trial, step, &[("loss", loss.into()), ("acc", acc.into())]);
    }
    complete(&mut builder, trial);
    assert!(csv_of(&builder).ends_with("1,COMPLETED,9,0.5,0.01,best,0.01\n"));
}

#[test]
fn cs_24_the_maximum_is_best_where_higher_is_better() {
    let mut definition = StudyBuilder::definition(vec![continuous("p")]);
    definition.objective.direction = Direction::Maximize;
    let mut builder = StudyBuilder::of(definition);
    let trial = builder.running(&[("p", 0.5.into())]);
    builder.measure(trial, 1, &[("loss", 0.9.into())]);
    builder.measure(trial, 2, &[("loss", 0.1.into())]);
    complete(&mut builder, trial);
    assert!(csv_of(&builder).ends_with("1,COMPLETED,2,0.5,0.9,0.9\n"));
}

#[test]
fn the_last_row_has_the_last_value_where_the_study_says_so() {
    let mut definition = StudyBuilder::definition(vec![continuous("p")]);
    definition.objective.value = ValueOf::Last;
    let mut builder = StudyBuilder::of(definition);
    let trial = builder.running(&[("p", 0.5.into())]);
    builder.measure(trial, 1, &[("loss", 0.1.into())]);
    builder.measure(trial, 2, &[("loss", 0.9.into())]);
    complete(&mut builder, trial);
    assert!(csv_of(&builder).ends_with("1,COMPLETED,2,0.5,0.9,0.9\n"));
}

#[test]
fn cs_26_only_nan_gives_a_row_with_an_empty_objective() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let trial = builder.running(&[("p", 0.5.into())]);
    builder.measure(trial, 3, &[("loss", f64::NAN.into())]);
    builder.end(trial, AttemptEnd::Pruned, TrialState::Pruned);
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,p,Objective,loss\n\
         1,INTERMEDIATE,3,0.5,,\n\
         1,STOPPED,3,0.5,,\n"
    );
}

#[test]
fn cs_80_a_trial_that_failed_without_metrics_has_a_row() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let failed = builder.running(&[("p", 0.25.into())]);
    fail(&mut builder, failed);
    builder.completed(&[("p", 0.5.into())], 0.5);
    assert_eq!(
        csv_of(&builder),
        "Trial-ID,Status,Iteration,p,Objective,loss\n\
         1,FAILED,0,0.25,,\n\
         2,INTERMEDIATE,1,0.5,0.5,0.5\n\
         2,COMPLETED,1,0.5,0.5,0.5\n"
    );
}

#[test]
fn pruned_and_cancelled_trials_are_stopped_and_unfinished_ones_have_no_last_row() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    for (end, state) in [
        (AttemptEnd::Pruned, TrialState::Pruned),
        (AttemptEnd::Cancelled, TrialState::Cancelled),
    ] {
        let trial = builder.running(&[("p", 0.5.into())]);
        builder.measure(trial, 1, &[("loss", 0.5.into())]);
        builder.end(trial, end, state);
    }
    let retried = builder.running(&[("p", 0.5.into())]);
    let end = AttemptEnd::Failed(FailureCause::Lost);
    builder.end(retried, end, TrialState::Queued);
    builder.running(&[("p", 0.5.into())]);
    let table = ResultsTable::of(builder.study());
    let rows: Vec<_> = table
        .rows
        .iter()
        .map(|row| (row.trial, row.status))
        .collect();
    let wanted = [
        (1, RowStatus::Intermediate),
        (1, RowStatus::Stopped),
        (2, RowStatus::Intermediate),
        (2, RowStatus::Stopped),
    ];
    assert_eq!(rows, wanted);
}

#[test]
fn cs_104_the_step_of_a_final_metrics_file_is_the_iteration() {
    let mut builder = StudyBuilder::new(vec![continuous("p")]);
    let trial = builder.running(&[("p", 0.5.into())]);
    builder.measure(trial, 30, &[("loss", 0.5.into()), ("r2", 0.9.into())]);
    complete(&mut builder, trial);
    assert!(csv_of(&builder).ends_with("1,COMPLETED,30,0.5,0.5,0.5,0.9\n"));
}

#[test]
fn an_inactive_parameter_is_an_empty_cell_and_makes_whole_numbers_floats() {
    let solver = choice("solver", vec!["sgd".into(), "adam".into()]);
    let domain = Domain::Discrete {
        low: 1,
        high: 9,
        scale: Scale::Linear,
        step: None,
    };
    let steps = Parameter::new("steps", domain).when("solver", vec!["sgd".into()]);
    let mut builder = StudyBuilder::new(vec![solver, steps]);
    builder.completed(&[("solver", "sgd".into()), ("steps", 3.into())], 0.5);
    builder.completed(&[("solver", "adam".into())], 0.25);
    let csv = csv_of(&builder);
    assert!(csv.contains("\n1,COMPLETED,1,sgd,3.0,0.5,0.5\n"), "{csv}");
    assert!(csv.contains("\n2,COMPLETED,1,adam,,0.25,0.25\n"), "{csv}");
}

/// The study of the fixture that pandas wrote (`pandas_results.csv`).
fn fixture_study() -> StudyBuilder {
    let list =
        |items: &[i64]| Value::from(items.iter().map(|i| Value::Int(*i)).collect::<Vec<_>>());
    let parameters = vec![
        choice("units", vec![16.into(), 32.into()]),
        continuous("lr"),
        choice("Act", vec!["relu, \"x\"".into(), "tanh".into()]),
        choice("layers", vec![list(&[8, 16]), list(&[4])]),
        choice("flag", vec![true.into(), false.into()]),
    ];
    let mut definition = StudyBuilder::definition(parameters);
    definition.objective.name = "acc".into();
    definition.objective.direction = Direction::Maximize;
    StudyBuilder::of(definition)
}

#[test]
fn cs_39_the_table_is_byte_for_byte_what_pandas_writes() {
    let mut builder = fixture_study();
    let list =
        |items: &[i64]| Value::from(items.iter().map(|i| Value::Int(*i)).collect::<Vec<_>>());
    let first = builder.running(&[
        ("units", 16.into()),
        ("lr", 1e-5.into()),
        ("Act", "relu, \"x\"".into()),
        ("layers", list(&[8, 16])),
        ("flag", true.into()),
    ]);
    builder.measure(first, 1, &[("acc", 0.9.into()), ("epochs", 3.into())]);
    builder.measure(first, 2, &[("acc", 0.95.into()), ("epochs", 3.into())]);
    complete(&mut builder, first);
    let second = builder.running(&[
        ("units", 32.into()),
        ("lr", 0.1.into()),
        ("Act", "tanh".into()),
        ("layers", list(&[4])),
        ("flag", false.into()),
    ]);
    let metrics = [("acc", 1.into()), ("extra", 7.into()), ("big", 1e22.into())];
    builder.measure(second, 1, &metrics);
    builder.end(second, AttemptEnd::Pruned, TrialState::Pruned);
    let mut table = ResultsTable::of(builder.study());
    // The reference takes the objective beside the context; ours is one of the metrics.
    let objectives = [0.1, 0.01, 0.01, f64::INFINITY, f64::INFINITY];
    for (row, objective) in table.rows.iter_mut().zip(objectives) {
        row.objective = Some(Value::Float(objective));
    }
    let csv = String::from_utf8(table.to_csv().expect("a table")).expect("UTF-8");
    assert_eq!(csv, include_str!("fixtures/pandas_results.csv"));
}

#[test]
fn cs_39_a_table_of_the_reference_reads_back_with_its_types() {
    let table = read_results(include_bytes!("fixtures/pandas_results.csv")).expect("a table");
    let names: Vec<&str> = table.names();
    let wanted =
        "Trial-ID,Status,Iteration,Act,flag,layers,lr,units,Objective,acc,epochs,big,extra";
    assert_eq!(names.join(","), wanted);
    let row = &table.rows[2];
    assert_eq!(
        (row.trial, row.status, row.iteration),
        (1, RowStatus::Completed, 2)
    );
    assert_eq!(row.objective, Some(Value::Float(0.01)));
    let cells = [
        Value::from("relu, \"x\""),
        Value::Bool(true),
        Value::from("[8, 16]"),
        Value::Float(1e-5),
        Value::Int(16),
    ];
    assert_eq!(row.parameters.to_vec(), cells.map(Some));
    let context = [
        Some(Value::Float(0.95)),
        Some(Value::Float(3.0)),
        None,
        None,
    ];
    assert_eq!(row.context, context);
    assert_eq!(table.rows[3].objective, Some(Value::Float(f64::INFINITY)));
}

#[test]
fn a_study_without_trials_has_a_header_alone() {
    let builder = StudyBuilder::new(vec![continuous("p")]);
    assert_eq!(csv_of(&builder), "Trial-ID,Status,Iteration,p,Objective\n");
    let table = read_results(csv_of(&builder).as_bytes()).expect("a table");
    assert!(table.rows.is_empty());
}

#[test]
fn several_objectives_have_columns_and_the_front_and_feasible_trials_are_marked() {
    let mut definition = StudyBuilder::definition(vec![continuous("p")]);
    let mut size = definition.objective.clone();
    size.name = "size".into();
    definition.more_objectives = vec![size];
    let metric = "memory".into();
    let limit = norgay_core::definition::Limit::AtMost(8.0);
    let limit = norgay_core::definition::OutcomeConstraint { metric, limit };
    definition.outcome_constraints = vec![limit];
    let mut builder = StudyBuilder::of(definition);
    for (loss, size, memory) in [(0.5, 3, 1), (0.4, 9, 9), (0.75, 4, 8)] {
        let trial = builder.running(&[("p", 0.5.into())]);
        let metrics = [
            ("loss", loss.into()),
            ("size", size.into()),
            ("memory", memory.into()),
        ];
        builder.measure(trial, 1, &metrics);
        complete(&mut builder, trial);
    }
    let csv = csv_of(&builder);
    let rows: Vec<&str> = csv
        .lines()
        .filter(|line| !line.contains("INTERMEDIATE"))
        .collect();
    assert_eq!(
        rows,
        [
            "Trial-ID,Status,Iteration,p,Objective,loss,memory,size,Front,Feasible",
            "1,COMPLETED,1,0.5,0.5,0.5,1,3,True,True",
            "2,COMPLETED,1,0.5,0.4,0.4,9,9,False,False",
            "3,COMPLETED,1,0.5,0.75,0.75,8,4,False,True",
        ]
    );
}
