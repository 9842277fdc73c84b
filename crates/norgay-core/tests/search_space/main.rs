//! Search spaces: declarations, domains, conditions and constraints.

mod conditions;
mod declarations;
mod laws;
mod sampling;

use norgay_core::space::{Declaration, Domain, Parameter, Scale, Space, SpaceError};
use norgay_core::value::Value;

fn list(values: &[Value]) -> Value {
    Value::from(values.to_vec())
}

fn floats(values: &[f64]) -> Value {
    values
        .iter()
        .map(|value| Value::Float(*value))
        .collect::<Vec<_>>()
        .into()
}

fn ints(values: &[i64]) -> Value {
    values
        .iter()
        .map(|value| Value::Int(*value))
        .collect::<Vec<_>>()
        .into()
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| Value::from(*value)).collect()
}

fn declared(name: &str, kind: &str, range: Value) -> Declaration {
    Declaration {
        name: name.into(),
        kind: Some(kind.into()),
        range: Some(range),
        ..Declaration::default()
    }
}

fn log(declaration: Declaration) -> Declaration {
    Declaration {
        scale: Some("log".into()),
        ..declaration
    }
}

fn built(declaration: &Declaration) -> (Domain, Vec<SpaceError>) {
    let (parameter, warnings) = declaration.build().expect("the declaration is right");
    (parameter.domain, warnings)
}

fn choice(name: &str, values: &[&str]) -> Parameter {
    Parameter::new(
        name,
        Domain::Choice {
            values: texts(values),
        },
    )
}

fn discrete(name: &str, low: i64, high: i64) -> Parameter {
    let (scale, step) = (Scale::Linear, None);
    Parameter::new(
        name,
        Domain::Discrete {
            low,
            high,
            scale,
            step,
        },
    )
}

fn space(parameters: Vec<Parameter>) -> Space {
    Space::new(parameters, Vec::new()).expect("the space is right")
}
