//! The tree of an expression.
//!
//! Operators of one level are kept in one flat node, so a long sum is no deep tree: depth comes
//! from brackets and signs alone, which the parser limits, and dropping a tree is safe.

use std::sync::Arc;

use super::functions::Function;
use crate::node::Place;
use crate::value::Value;

/// An expression and the parameters that it names.
#[derive(Debug)]
pub(super) struct Tree {
    pub root: Expression,
    /// Each parameter once, with the place of its first use; [`Kind::Parameter`] counts in it.
    pub parameters: Vec<(Arc<str>, Place)>,
}

/// A part of the tree with the place where it starts.
#[derive(Debug)]
pub(super) struct Expression {
    pub place: Place,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Constant(Value),
    Parameter(Parameter),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    Call {
        function: Function,
        arguments: Vec<Expression>,
    },
    Sign {
        minus: bool,
        operand: Box<Expression>,
    },
    /// Operands joined from left to right by operators of one level.
    Arithmetic {
        first: Box<Expression>,
        rest: Vec<Step<Operator>>,
    },
    Comparison {
        first: Box<Expression>,
        rest: Vec<Step<Relation>>,
    },
    Not(Box<Expression>),
    Logic {
        word: Word,
        operator_place: Place,
        operands: Vec<Expression>,
    },
}

/// A parameter's value.
#[derive(Debug)]
pub(super) struct Parameter {
    /// The position in [`Tree::parameters`].
    pub slot: usize,
    /// Whether it is written as a bare name instead of `tp['name']`.
    pub is_bare: bool,
}

/// An operator with the operand on its right.
#[derive(Debug)]
pub(super) struct Step<O> {
    pub operator: O,
    pub place: Place,
    pub operand: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

impl Operator {
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
        }
    }

    pub fn of_sum(symbol: &str) -> Option<Self> {
        [Self::Add, Self::Subtract]
            .into_iter()
            .find(|operator| operator.symbol() == symbol)
    }

    pub fn of_product(symbol: &str) -> Option<Self> {
        [
            Self::Multiply,
            Self::Divide,
            Self::FloorDivide,
            Self::Remainder,
        ]
        .into_iter()
        .find(|operator| operator.symbol() == symbol)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Relation {
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }

    /// The relation that a symbol means; `in` and `not in` are words, not symbols.
    pub fn of(symbol: &str) -> Option<Self> {
        [
            Self::Equal,
            Self::NotEqual,
            Self::Less,
            Self::LessOrEqual,
            Self::Greater,
            Self::GreaterOrEqual,
        ]
        .into_iter()
        .find(|relation| relation.symbol() == symbol)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    And,
    Or,
}

impl Word {
    pub fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}
