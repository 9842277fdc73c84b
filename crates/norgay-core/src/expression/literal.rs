//! Literals: values as Python or JSON write them, with the place of each part.

use std::sync::Arc;

use super::MAX_LITERAL_BYTES;
use super::dialect::not_a_literal;
use super::error::{ExpressionError, Problem};
use super::parser::{parse_one, parse_row};
use super::syntax::{Expression, Kind};
use super::text_literal::Escapes;
use crate::node::{Node, NodeKind};

/// Parses one literal: text, a number, a constant, a list, a tuple or a dict.
///
/// Python's and JSON's ways of writing are both accepted and may be mixed.
pub fn parse_literal(text: &str) -> Result<Node, ExpressionError> {
    let tree = parse_one(text, MAX_LITERAL_BYTES, Escapes::PythonAndJson)?;
    let names: Vec<Arc<str>> = tree.parameters.into_iter().map(|(name, _)| name).collect();
    node_of(&names, tree.root)
}

/// Parses literals in a row, separated by commas, newlines or both; there may be none.
pub fn parse_literal_row(text: &str) -> Result<Vec<Node>, ExpressionError> {
    let (row, parameters) = parse_row(text, MAX_LITERAL_BYTES, Escapes::PythonAndJson)?;
    let names: Vec<Arc<str>> = parameters.into_iter().map(|(name, _)| name).collect();
    row.into_iter()
        .map(|expression| node_of(&names, expression))
        .collect()
}

fn node_of(names: &[Arc<str>], expression: Expression) -> Result<Node, ExpressionError> {
    let place = expression.place;
    let nodes = |items: Vec<Expression>| {
        items
            .into_iter()
            .map(|item| node_of(names, item))
            .collect::<Result<Vec<_>, _>>()
    };
    let kind = match expression.kind {
        Kind::Constant(value) => NodeKind::Scalar(value),
        Kind::List(items) => NodeKind::List(nodes(items)?),
        Kind::Tuple(items) => NodeKind::Tuple(nodes(items)?),
        Kind::Dict(entries) => NodeKind::Dict(
            entries
                .into_iter()
                .map(|(key, value)| Ok((key_of(names, key)?, node_of(names, value)?)))
                .collect::<Result<_, ExpressionError>>()?,
        ),
        kind => return Err(not_a_literal(names, &Expression { place, kind })),
    };
    Ok(Node { place, kind })
}

fn key_of(names: &[Arc<str>], key: Expression) -> Result<Node, ExpressionError> {
    let node = node_of(names, key)?;
    if can_be_key(&node) {
        return Ok(node);
    }
    let given = format!("a {}", node.value().type_name());
    Err(Problem::Key {
        given,
        takes: "write text, as in {'name': 1}",
    }
    .at(node.place))
}

fn can_be_key(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Scalar(_) => true,
        NodeKind::Tuple(items) => items.iter().all(can_be_key),
        NodeKind::List(_) | NodeKind::Dict(_) => false,
    }
}
