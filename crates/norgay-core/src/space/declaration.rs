//! What a user wrote about one parameter, checked and turned into a [`Parameter`].

use std::sync::Arc;

use crate::space::parameter::{Condition, Domain, Parameter, Scale};
use crate::value::Value;

/// A parameter as declared: nothing is checked before [`Declaration::build`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declaration {
    /// Name of the parameter.
    pub name: String,
    /// Type name in any letter case: continuous, discrete, ordinal, choice, constant.
    pub kind: Option<Value>,
    /// Bounds of a numeric parameter, values of the others.
    pub range: Option<Value>,
    /// `linear` or `log`.
    pub scale: Option<Value>,
    /// Distance between allowed values of a numeric parameter.
    pub step: Option<Value>,
    /// The value of a constant.
    pub value: Option<Value>,
    /// Parents and the values of theirs that make the parameter active.
    pub when: Option<Value>,
    /// Whether population-based training may change it.
    pub mutable: Option<Value>,
    /// Whether doubtful declarations (a numeric range of three or more values) are errors.
    pub strict: Option<Value>,
}

/// The field of a declaration that a mistake is in, so that a reader can point at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The parameter as a whole.
    Whole,
    /// Its name.
    Name,
    /// `type`.
    Kind,
    /// `range`.
    Range,
    /// `scale`.
    Scale,
    /// `step`.
    Step,
    /// `value`.
    Value,
    /// `when`.
    When,
    /// `mutable`.
    Mutable,
    /// `strict`.
    Strict,
}

impl Field {
    /// The key under which the field is written.
    pub fn key(self) -> &'static str {
        match self {
            Self::Whole | Self::Name => "",
            Self::Kind => "type",
            Self::Range => "range",
            Self::Scale => "scale",
            Self::Step => "step",
            Self::Value => "value",
            Self::When => "when",
            Self::Mutable => "mutable",
            Self::Strict => "strict",
        }
    }
}

/// A mistake in a search space, or (as a warning) a doubtful place in it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("parameter '{parameter}': {message}")]
pub struct SpaceError {
    /// Name of the parameter, or the text of the constraint.
    pub parameter: String,
    /// Which field is meant.
    pub field: Field,
    /// What is wrong and what would be right.
    pub message: String,
}

const KINDS: &str = "Continuous, Discrete, Ordinal, Choice or Constant";

impl Declaration {
    /// Checks the declaration and makes the parameter, with warnings about doubtful places.
    ///
    /// # Errors
    /// Every mistake of this parameter at once.
    pub fn build(&self) -> Result<(Parameter, Vec<SpaceError>), Vec<SpaceError>> {
        let mut findings = Findings {
            declaration: self,
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        if self.name.is_empty() {
            findings.error(Field::Name, "the name is empty");
        }
        let conditions = findings.conditions();
        let mutable = findings.flag(Field::Mutable, self.mutable.as_ref(), true);
        let strict = findings.flag(Field::Strict, self.strict.as_ref(), false);
        let domain = findings.domain();
        if strict {
            let doubts = std::mem::take(&mut findings.warnings);
            findings.errors.extend(doubts);
        }
        match domain {
            Some(domain) if findings.errors.is_empty() => {
                let name: Arc<str> = self.name.as_str().into();
                Ok((
                    Parameter {
                        name,
                        domain,
                        conditions,
                        mutable,
                    },
                    findings.warnings,
                ))
            }
            _ => Err(findings.errors),
        }
    }
}

struct Findings<'a> {
    declaration: &'a Declaration,
    errors: Vec<SpaceError>,
    warnings: Vec<SpaceError>,
}

impl Findings<'_> {
    fn finding(&self, field: Field, message: impl Into<String>) -> SpaceError {
        SpaceError {
            parameter: self.declaration.name.clone(),
            field,
            message: message.into(),
        }
    }

    fn error(&mut self, field: Field, message: impl Into<String>) {
        let finding = self.finding(field, message);
        self.errors.push(finding);
    }

    fn warn(&mut self, field: Field, message: impl Into<String>) {
        let finding = self.finding(field, message);
        self.warnings.push(finding);
    }

    fn flag(&mut self, field: Field, value: Option<&Value>, default: bool) -> bool {
        match value {
            None => default,
            Some(Value::Bool(truth)) => *truth,
            Some(other) => {
                let message = format!("{} must be true or false, not {other}", field.key());
                self.error(field, message);
                default
            }
        }
    }

    fn domain(&mut self) -> Option<Domain> {
        let declaration = self.declaration;
        let Some(kind) = &declaration.kind else {
            if let Some(value) = &declaration.value {
                return Some(Domain::Constant {
                    value: stored(value),
                });
            }
            self.error(Field::Whole, format!("type is missing; it must be {KINDS}"));
            return None;
        };
        let name = kind.as_text().map(str::to_ascii_lowercase);
        let scale = self.scale(name.as_deref());
        match name.as_deref() {
            Some("continuous" | "float") => self.continuous(scale),
            Some("discrete" | "int") => self.discrete(scale),
            Some("ordinal") => self
                .values("Ordinal")
                .map(|values| Domain::Ordinal { values }),
            Some("choice" | "categorical") => self
                .values("Choice")
                .map(|values| Domain::Choice { values }),
            Some("constant") => self.constant(),
            _ => {
                self.error(
                    Field::Kind,
                    format!("unknown type '{kind}'; it must be {KINDS}"),
                );
                None
            }
        }
    }

    /// The scale; after a mistake linear, so that further mistakes are found.
    fn scale(&mut self, kind: Option<&str>) -> Scale {
        let Some(scale) = self.declaration.scale.clone() else {
            return Scale::Linear;
        };
        let numeric = matches!(kind, Some("continuous" | "discrete" | "float" | "int"));
        match scale.as_text() {
            Some("linear") => {}
            Some("log") if numeric => return Scale::Log,
            Some("log") => {
                self.error(
                    Field::Scale,
                    "only Continuous and Discrete have a log scale",
                );
            }
            _ => {
                let message = format!("unknown scale '{scale}'; it must be linear or log");
                self.error(Field::Scale, message);
            }
        }
        Scale::Linear
    }

    fn constant(&mut self) -> Option<Domain> {
        let declaration = self.declaration;
        match (&declaration.value, &declaration.range) {
            (Some(value), _) => Some(Domain::Constant {
                value: stored(value),
            }),
            (None, Some(range)) if range.as_items().is_some_and(|items| items.len() == 1) => {
                range.as_items().map(|items| Domain::Constant {
                    value: stored(&items[0]),
                })
            }
            _ => {
                self.error(
                    Field::Whole,
                    "a Constant needs its value, as in {value: 60}",
                );
                None
            }
        }
    }

    /// The items of the range; an error and `None` if there is no list.
    fn range(&mut self, kind: &str) -> Option<Vec<Value>> {
        match self.declaration.range.clone() {
            None => {
                self.error(Field::Whole, format!("range is missing; {kind} needs one"));
                None
            }
            Some(Value::List(items)) if items.is_empty() => {
                self.error(Field::Range, "the range is empty");
                None
            }
            Some(Value::List(items)) => Some(items.to_vec()),
            Some(other) => {
                let found = other.type_name();
                self.error(
                    Field::Range,
                    format!("the range must be a list, not a {found}"),
                );
                None
            }
        }
    }

    fn values(&mut self, kind: &str) -> Option<Vec<Value>> {
        if self.declaration.step.is_some() {
            self.error(Field::Step, format!("a {kind} has no step"));
        }
        let items = self.range(kind)?;
        let mut values: Vec<Value> = Vec::with_capacity(items.len());
        for item in items.iter().map(stored) {
            if matches!(item, Value::Float(number) if !number.is_finite()) {
                self.error(Field::Range, format!("{item} is not a finite number"));
                return None;
            }
            if values.contains(&item) {
                self.warn(
                    Field::Range,
                    format!("{item} is listed twice; it counts once"),
                );
            } else {
                values.push(item);
            }
        }
        Some(values)
    }

    /// Bounds or a set of numbers; checks what both numeric types share.
    fn numbers(&mut self, kind: &str, scale: Scale) -> Option<Vec<f64>> {
        let items = self.range(kind)?;
        let mut numbers = Vec::with_capacity(items.len());
        for item in &items {
            match item.as_f64() {
                Some(number) if number.is_finite() => numbers.push(number),
                _ => {
                    let message = format!("the range must hold finite numbers, not {item}");
                    self.error(Field::Range, message);
                    return None;
                }
            }
        }
        if scale == Scale::Log && numbers.iter().any(|number| *number <= 0.0) {
            self.error(
                Field::Range,
                "a log scale needs every value of the range above 0",
            );
            return None;
        }
        if numbers.len() == 2 && numbers[0] > numbers[1] {
            let message = format!("low {} is above high {}", items[0], items[1]);
            self.error(Field::Range, message);
            return None;
        }
        Some(numbers)
    }

    /// A numeric range of three or more values means exactly these, in order (CS-6).
    fn listed(&mut self, kind: &str, mut values: Vec<Value>) -> Option<Domain> {
        if self.declaration.step.is_some() {
            self.error(Field::Step, "a list of values has no step");
            return None;
        }
        self.warn(
            Field::Range,
            format!(
                "a {kind} range of {} values means exactly these values, as Ordinal; \
                 write two values for an interval",
                values.len()
            ),
        );
        values.sort_by(|a, b| {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            a.total_cmp(&b)
        });
        values.dedup();
        Some(Domain::Ordinal { values })
    }

    fn continuous(&mut self, scale: Scale) -> Option<Domain> {
        let numbers = self.numbers("Continuous", scale)?;
        let step = match &self.declaration.step {
            None => None,
            Some(step) => match step.as_f64() {
                Some(step) if step.is_finite() && step > 0.0 => Some(step),
                _ => {
                    self.error(Field::Step, format!("step must be above 0, not {step}"));
                    return None;
                }
            },
        };
        if step.is_some() && scale == Scale::Log {
            self.error(Field::Step, "a step and a log scale exclude each other");
            return None;
        }
        match numbers[..] {
            [value] => Some(Domain::Continuous {
                low: value,
                high: value,
                scale,
                step: None,
            }),
            [low, high] => {
                if step.is_some_and(|step| (high - low) / step > 9.0e15) {
                    self.error(Field::Step, "step is too small for the range");
                    return None;
                }
                Some(Domain::Continuous {
                    low,
                    high,
                    scale,
                    step,
                })
            }
            _ => self.listed(
                "Continuous",
                numbers.into_iter().map(Value::Float).collect(),
            ),
        }
    }

    fn discrete(&mut self, scale: Scale) -> Option<Domain> {
        self.numbers("Discrete", scale)?;
        let mut whole = Vec::new();
        for item in self.range("Discrete")? {
            let Some(number) = item.as_i64() else {
                let message = format!("Discrete needs whole numbers of 64 bits, not {item}");
                self.error(Field::Range, message);
                return None;
            };
            whole.push(number);
        }
        let step = match &self.declaration.step {
            None => None,
            Some(step) => match step.as_i64() {
                Some(step) if step > 0 => Some(step),
                _ => {
                    let message = format!("step must be a whole number above 0, not {step}");
                    self.error(Field::Step, message);
                    return None;
                }
            },
        };
        if step.is_some_and(|step| step != 1) && scale == Scale::Log {
            self.error(Field::Step, "a step and a log scale exclude each other");
            return None;
        }
        match whole[..] {
            [value] => Some(Domain::Discrete {
                low: value,
                high: value,
                scale,
                step: None,
            }),
            [low, high] if low > high => {
                // Two huge numbers can differ and still be the same double.
                self.error(Field::Range, format!("low {low} is above high {high}"));
                None
            }
            [low, high] => Some(Domain::Discrete {
                low,
                high,
                scale,
                step,
            }),
            _ => self.listed("Discrete", whole.into_iter().map(Value::Int).collect()),
        }
    }

    fn conditions(&mut self) -> Vec<Condition> {
        let Some(when) = &self.declaration.when else {
            return Vec::new();
        };
        let Some(pairs) = when.as_pairs() else {
            self.error(
                Field::When,
                format!(
                    "when must map a parameter to its values, as in {{solver: [sgd]}}, not {when}"
                ),
            );
            return Vec::new();
        };
        let mut conditions = Vec::with_capacity(pairs.len());
        for (parent, values) in pairs {
            let values = match values.as_items() {
                Some(items) => items.iter().map(stored).collect(),
                None => vec![stored(values)],
            };
            if values.is_empty() {
                self.error(Field::When, format!("no value of '{parent}' is listed"));
                continue;
            }
            match parent.as_text() {
                Some(name) => conditions.push(Condition {
                    parent: name.into(),
                    values,
                }),
                None => self.error(Field::When, format!("'{parent}' is not a parameter's name")),
            }
        }
        conditions
    }
}

/// The value as it is stored and comes back: tuples are lists.
pub(super) fn stored(value: &Value) -> Value {
    match value {
        Value::List(items) | Value::Tuple(items) => Value::List(items.iter().map(stored).collect()),
        Value::Dict(pairs) => Value::Dict(
            pairs
                .iter()
                .map(|(key, item)| (stored(key), stored(item)))
                .collect(),
        ),
        other => other.clone(),
    }
}
