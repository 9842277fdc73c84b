//! Checks that a tree holds only what its use allows.

use std::sync::Arc;

use super::error::{ExpressionError, Problem, shortened};
use super::syntax::{Expression, Kind, Parameter, Relation, Step, Tree};
use crate::value::Value;

type Checked = Result<(), ExpressionError>;

/// The top of a parameter text must be a dict whose keys are text.
pub(super) fn check_parameter_text(tree: &Tree) -> Checked {
    let Kind::Dict(entries) = &tree.root.kind else {
        let expected = "a dict, as in {'name': tp['name']}".to_owned();
        let found = described(&tree.root);
        return Err(Problem::Unexpected { expected, found }.at(tree.root.place));
    };
    check_computation(tree, &tree.root)?;
    for (key, _) in entries {
        if is_evidently_no_text(key) {
            let takes = "its keys are text, as in {'name': 1}";
            return Err(Problem::Key {
                given: described(key),
                takes,
            }
            .at(key.place));
        }
    }
    Ok(())
}

fn is_evidently_no_text(key: &Expression) -> bool {
    match &key.kind {
        Kind::Constant(value) => value.as_text().is_none(),
        Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_) | Kind::Sign { .. } => true,
        _ => false,
    }
}

/// Everything but bare names, comparisons and logic.
fn check_computation(tree: &Tree, expression: &Expression) -> Checked {
    let check = |inner: &Expression| check_computation(tree, inner);
    match &expression.kind {
        Kind::Constant(_) => Ok(()),
        Kind::Parameter(parameter) => check_subscripted(tree, expression, parameter),
        Kind::List(items) | Kind::Tuple(items) => items.iter().try_for_each(check),
        Kind::Dict(entries) => entries
            .iter()
            .try_for_each(|(key, value)| check(key).and_then(|()| check(value))),
        Kind::Call { arguments, .. } => arguments.iter().try_for_each(check),
        Kind::Sign { operand, .. } => check(operand),
        Kind::Arithmetic { first, rest } => {
            check(first)?;
            rest.iter().try_for_each(|step| check(&step.operand))
        }
        Kind::Comparison { .. } | Kind::Not(_) | Kind::Logic { .. } => {
            Err(refused_logic(expression))
        }
    }
}

fn check_subscripted(tree: &Tree, expression: &Expression, parameter: &Parameter) -> Checked {
    if !parameter.is_bare {
        return Ok(());
    }
    let name = shortened(parameter_name(tree, parameter));
    let instead = format!("write tp['{name}'] for the parameter or '{name}' for the text");
    Err(Problem::UnknownName { name, instead }.at(expression.place))
}

/// The error that a comparison or logic stands where only values are allowed.
fn refused_logic(expression: &Expression) -> ExpressionError {
    let instead = "write a value";
    let (construct, place) = match &expression.kind {
        Kind::Comparison { rest, .. } => rest.first().map_or_else(
            || ("a comparison".to_owned(), expression.place),
            |step| {
                (
                    format!("the comparison '{}'", step.operator.symbol()),
                    step.place,
                )
            },
        ),
        Kind::Logic {
            word,
            operator_place,
            ..
        } => (format!("'{}'", word.name()), *operator_place),
        _ => ("'not'".to_owned(), expression.place),
    };
    Problem::refused(construct, instead).at(place)
}

/// The error for whatever is no literal; the caller has taken the literals out.
///
/// `names` are the tree's parameters by slot.
pub(super) fn not_a_literal(names: &[Arc<str>], expression: &Expression) -> ExpressionError {
    let instead = "only literals may stand here: text, numbers, true, false, null, lists, dicts";
    let place = expression.place;
    match &expression.kind {
        Kind::Parameter(Parameter { slot, is_bare }) => {
            let name = shortened(names.get(*slot).map_or("", |name| name));
            if *is_bare {
                return not_a_constant(name).at(place);
            }
            Problem::refused(format!("tp['{name}']"), instead).at(place)
        }
        Kind::Sign { operand, .. } if matches!(operand.kind, Kind::Parameter(_)) => {
            not_a_literal(names, operand)
        }
        Kind::Comparison { .. } | Kind::Not(_) | Kind::Logic { .. } => refused_logic(expression),
        Kind::Arithmetic { rest, .. } => {
            let place = rest.first().map_or(place, |step| step.place);
            Problem::refused(described(expression), instead).at(place)
        }
        _ => Problem::refused(described(expression), instead).at(place),
    }
}

/// The problem of a bare name that is none of the constants.
fn not_a_constant(name: String) -> Problem {
    if is_nonfinite_name(&name) {
        let why = "numbers that are not finite are not allowed; leave it out or write null";
        return Problem::Number { text: name, why };
    }
    let instead = format!("write '{name}' in quotes if it is text");
    Problem::UnknownName { name, instead }
}

fn is_nonfinite_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "nan" | "inf" | "infinity")
}

/// A constraint must give a truth value and holds no dicts.
pub(super) fn check_constraint(tree: &Tree) -> Checked {
    check_truth(&tree.root)
}

/// Checks what must be a truth value; a parameter may be one, as its value will tell.
fn check_truth(expression: &Expression) -> Checked {
    match &expression.kind {
        Kind::Constant(Value::Bool(_)) | Kind::Parameter(_) => Ok(()),
        Kind::Comparison { first, rest } => {
            check_operand(first)?;
            rest.iter().try_for_each(check_relation)
        }
        Kind::Not(operand) => check_truth(operand),
        Kind::Logic { operands, .. } => operands.iter().try_for_each(check_truth),
        _ => Err(Problem::NoTruth {
            given: described(expression),
        }
        .at(expression.place)),
    }
}

fn check_relation(step: &Step<Relation>) -> Checked {
    let is_membership = matches!(step.operator, Relation::In | Relation::NotIn);
    match &step.operand.kind {
        Kind::List(_) | Kind::Tuple(_) => check_operand(&step.operand),
        _ if is_membership => {
            let expected = format!("a list after '{}', as in [1, 2]", step.operator.symbol());
            let found = described(&step.operand);
            Err(Problem::Unexpected { expected, found }.at(step.operand.place))
        }
        _ => check_operand(&step.operand),
    }
}

/// Checks what is compared or computed with.
fn check_operand(expression: &Expression) -> Checked {
    match &expression.kind {
        Kind::Constant(_) | Kind::Parameter(_) => Ok(()),
        Kind::List(items) | Kind::Tuple(items) => items.iter().try_for_each(check_operand),
        Kind::Call { arguments, .. } => arguments.iter().try_for_each(check_operand),
        Kind::Sign { operand, .. } => check_operand(operand),
        Kind::Arithmetic { first, rest } => {
            check_operand(first)?;
            rest.iter()
                .try_for_each(|step| check_operand(&step.operand))
        }
        Kind::Comparison { .. } | Kind::Not(_) | Kind::Logic { .. } => check_truth(expression),
        Kind::Dict(_) => {
            let instead = "compare parameters with values";
            Err(Problem::refused("a dict", instead).at(expression.place))
        }
    }
}

fn parameter_name<'t>(tree: &'t Tree, parameter: &Parameter) -> &'t str {
    tree.parameters
        .get(parameter.slot)
        .map_or("", |(name, _)| name)
}

/// The kind of an expression, as an error tells of it.
fn described(expression: &Expression) -> String {
    match &expression.kind {
        Kind::Constant(value) => described_value(value),
        Kind::Parameter(_) => "a parameter".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Tuple(_) => "a tuple".to_owned(),
        Kind::Dict(_) => "a dict".to_owned(),
        Kind::Call { function, .. } => format!("{}()", function.name()),
        Kind::Sign { .. } => "a sign".to_owned(),
        Kind::Arithmetic { rest, .. } => {
            format!(
                "arithmetic with '{}'",
                rest.first().map_or("", |step| step.operator.symbol())
            )
        }
        Kind::Comparison { .. } => "a comparison".to_owned(),
        Kind::Not(_) => "'not'".to_owned(),
        Kind::Logic { word, .. } => format!("'{}'", word.name()),
    }
}

/// A value as an error tells of it.
pub(super) fn described_value(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("the text '{}'", shortened(text)),
        Value::Int(_) | Value::Float(_) => format!("the number {value}"),
        Value::Bool(_) | Value::None => value.to_string(),
        Value::List(_) | Value::Tuple(_) | Value::Dict(_) => format!("a {}", value.type_name()),
    }
}
