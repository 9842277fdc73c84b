//! Walks a tree to its value. Work and memory are bounded: nothing repeats, and every text and
//! list that is made is counted before it is made.

use std::cmp::Ordering;

use super::MAX_RESULT_BYTES;
use super::arithmetic::{computed, mismatch, signed};
use super::comparison::{equal, order};
use super::dialect::described_value;
use super::dictionary::Dictionary;
use super::error::{ExpressionError, Problem};
use super::functions::Function;
use super::syntax::{Expression, Kind, Operator, Relation, Step, Word};
use crate::node::Place;
use crate::value::Value;

/// All texts and lists of one evaluation together, those included that are only on the way.
const MAX_WORK_BYTES: usize = 16 * MAX_RESULT_BYTES;

type Evaluated<T> = Result<T, ExpressionError>;

/// One evaluation: the parameters' values by slot, and what was made so far.
pub(super) struct Evaluation<'a> {
    slots: &'a [Value],
    made_bytes: usize,
}

impl<'a> Evaluation<'a> {
    pub fn new(slots: &'a [Value]) -> Self {
        Self {
            slots,
            made_bytes: 0,
        }
    }

    pub fn value(&mut self, expression: &Expression) -> Evaluated<Value> {
        match &expression.kind {
            Kind::Constant(value) => Ok(value.clone()),
            Kind::Parameter(parameter) => Ok(self
                .slots
                .get(parameter.slot)
                .cloned()
                .unwrap_or(Value::None)),
            Kind::List(items) => Ok(Value::List(self.values(items)?.into())),
            Kind::Tuple(items) => Ok(Value::Tuple(self.values(items)?.into())),
            Kind::Dict(entries) => Ok(Value::Dict(self.pairs(entries)?.into())),
            Kind::Call {
                function,
                arguments,
            } => self.call(*function, arguments, expression.place),
            Kind::Sign { minus, operand } => {
                let operand = self.value(operand)?;
                signed(*minus, &operand).map_err(|problem| problem.at(expression.place))
            }
            Kind::Arithmetic { first, rest } => self.arithmetic(first, rest),
            Kind::Comparison { .. } | Kind::Not(_) | Kind::Logic { .. } => {
                self.truth(expression).map(Value::Bool)
            }
        }
    }

    fn values(&mut self, items: &[Expression]) -> Evaluated<Vec<Value>> {
        items.iter().map(|item| self.value(item)).collect()
    }

    /// The pairs of a dict, equal keys made one.
    pub fn pairs(
        &mut self,
        entries: &[(Expression, Expression)],
    ) -> Evaluated<Vec<(Value, Value)>> {
        let mut dictionary = Dictionary::default();
        for (key, value) in entries {
            let (place, key) = (key.place, self.value(key)?);
            let value = self.value(value)?;
            dictionary
                .insert(key, value)
                .map_err(|problem| problem.at(place))?;
        }
        Ok(dictionary.into_pairs())
    }

    fn call(&mut self, function: Function, items: &[Expression], at: Place) -> Evaluated<Value> {
        let arguments = self.values(items)?;
        let value = function
            .apply(&arguments)
            .map_err(|problem| problem.at(at))?;
        if function == Function::Str {
            self.count(value.as_text().map_or(0, str::len), at)?;
        }
        Ok(value)
    }

    /// Counts bytes about to be made; one text or list must fit the result by itself.
    fn count(&mut self, bytes: usize, at: Place) -> Evaluated<()> {
        self.made_bytes = self.made_bytes.saturating_add(bytes);
        if bytes > MAX_RESULT_BYTES {
            return Err(Problem::ResultTooLong {
                limit: MAX_RESULT_BYTES,
            }
            .at(at));
        }
        if self.made_bytes > MAX_WORK_BYTES {
            return Err(Problem::ResultTooLong {
                limit: MAX_WORK_BYTES,
            }
            .at(at));
        }
        Ok(())
    }

    fn arithmetic(&mut self, first: &Expression, rest: &[Step<Operator>]) -> Evaluated<Value> {
        let mut total = self.value(first)?;
        let mut steps = rest.iter();
        while let Some(step) = steps.next() {
            let operand = self.value(&step.operand)?;
            total = match (&total, step.operator, &operand) {
                (Value::Text(left), Operator::Add, Value::Text(right)) => {
                    // A sum of texts grows in one buffer, or a long one would cost its square.
                    let mut buffer = String::new();
                    self.append(&mut buffer, left, step.place)?;
                    self.append(&mut buffer, right, step.place)?;
                    return self.text_sum(buffer, steps.as_slice());
                }
                _ => self.joined(&total, step, &operand)?,
            };
        }
        Ok(total)
    }

    /// The rest of a sum that has begun with texts; only texts can follow.
    fn text_sum(&mut self, mut buffer: String, steps: &[Step<Operator>]) -> Evaluated<Value> {
        for step in steps {
            let operand = self.value(&step.operand)?;
            let (Operator::Add, Value::Text(right)) = (step.operator, &operand) else {
                let left = Value::from(buffer);
                return Err(mismatch(&left, step.operator, &operand).at(step.place));
            };
            self.append(&mut buffer, right, step.place)?;
        }
        Ok(Value::from(buffer))
    }

    fn append(&mut self, buffer: &mut String, piece: &str, at: Place) -> Evaluated<()> {
        if buffer.len().saturating_add(piece.len()) > MAX_RESULT_BYTES {
            return Err(Problem::ResultTooLong {
                limit: MAX_RESULT_BYTES,
            }
            .at(at));
        }
        self.count(piece.len(), at)?;
        buffer.push_str(piece);
        Ok(())
    }

    fn joined(&mut self, left: &Value, step: &Step<Operator>, right: &Value) -> Evaluated<Value> {
        if let Some(result) = computed(left, step.operator, right) {
            return result.map_err(|problem| problem.at(step.place));
        }
        let (left_items, right_items, wrap): (_, _, fn(Vec<Value>) -> Value) = match (left, right) {
            (Value::List(left), Value::List(right)) => (left, right, |all| Value::List(all.into())),
            (Value::Tuple(left), Value::Tuple(right)) => {
                (left, right, |all| Value::Tuple(all.into()))
            }
            _ => return Err(mismatch(left, step.operator, right).at(step.place)),
        };
        if step.operator != Operator::Add {
            return Err(mismatch(left, step.operator, right).at(step.place));
        }
        let length = left_items.len().saturating_add(right_items.len());
        self.count(length.saturating_mul(size_of::<Value>()), step.place)?;
        Ok(wrap(
            left_items
                .iter()
                .chain(right_items.iter())
                .cloned()
                .collect(),
        ))
    }

    /// The truth value of a comparison, of logic, or of a value that is one.
    pub fn truth(&mut self, expression: &Expression) -> Evaluated<bool> {
        match &expression.kind {
            Kind::Comparison { first, rest } => self.comparison(first, rest),
            Kind::Not(operand) => self.truth(operand).map(|truth| !truth),
            Kind::Logic { word, operands, .. } => {
                let decisive = *word == Word::Or;
                for operand in operands {
                    if self.truth(operand)? == decisive {
                        return Ok(decisive);
                    }
                }
                Ok(!decisive)
            }
            _ => match self.value(expression)? {
                Value::Bool(truth) => Ok(truth),
                other => {
                    let given = described_value(&other);
                    Err(Problem::NoTruth { given }.at(expression.place))
                }
            },
        }
    }

    fn comparison(&mut self, first: &Expression, rest: &[Step<Relation>]) -> Evaluated<bool> {
        let mut left = self.value(first)?;
        for (index, step) in rest.iter().enumerate() {
            let holds = match step.operator {
                Relation::In => self.is_among(&left, step)?,
                Relation::NotIn => !self.is_among(&left, step)?,
                relation => {
                    let right = self.value(&step.operand)?;
                    let holds = related(&left, relation, &right);
                    left = right;
                    holds.map_err(|problem| problem.at(step.place))?
                }
            };
            if !holds {
                return Ok(false);
            }
            let is_membership = matches!(step.operator, Relation::In | Relation::NotIn);
            if is_membership && index + 1 < rest.len() {
                left = self.value(&step.operand)?;
            }
        }
        Ok(true)
    }

    /// Whether a value is among the items of a written list, none of which is collected.
    fn is_among(&mut self, value: &Value, step: &Step<Relation>) -> Evaluated<bool> {
        let (Kind::List(items) | Kind::Tuple(items)) = &step.operand.kind else {
            return Ok(false);
        };
        for item in items {
            let item = self.value(item)?;
            if equal(value, &item).map_err(|problem| problem.at(step.place))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn related(left: &Value, relation: Relation, right: &Value) -> Result<bool, Problem> {
    let ordered = |accepted: &[Ordering]| {
        order(left, right, relation.symbol())
            .map(|order| order.is_some_and(|order| accepted.contains(&order)))
    };
    match relation {
        Relation::Less => ordered(&[Ordering::Less]),
        Relation::LessOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
        Relation::Greater => ordered(&[Ordering::Greater]),
        Relation::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
        Relation::NotEqual => equal(left, right).map(|equal| !equal),
        Relation::Equal | Relation::In | Relation::NotIn => equal(left, right),
    }
}
