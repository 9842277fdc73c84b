//! The spaces on which algorithms are checked.

use std::sync::Arc;

use crate::expression::Predicate;
use crate::space::{Domain, Parameter, Scale, Space};
use crate::value::Value;

/// Spaces with everything that there is: all types, scales and steps, single values, nested
/// conditions, constraints, and the extremes of size.
pub fn contract_spaces() -> Vec<(&'static str, Space)> {
    let drafts = [
        ("numbers", numbers(), &[][..]),
        ("lists and single values", lists(), &[][..]),
        ("conditions", conditional(), &[][..]),
        (
            "constraints",
            numbers(),
            &["whole + stepped <= 5", "even > whole"][..],
        ),
        ("one dimension", one_dimension(), &[][..]),
        ("one value", one_value(), &[][..]),
        ("constants only", constants(), &[][..]),
        ("a choice of 200", choice_of_200(), &[][..]),
        ("a huge whole number", huge(), &[][..]),
        ("30 switches", switches(), &[][..]),
        ("conditions three deep", tree(), &[][..]),
    ];
    let spaces = drafts.into_iter().map(|(name, parameters, texts)| {
        let constraints = texts.iter().map(|text| Predicate::parse(text));
        let constraints = constraints.collect::<Result<_, _>>();
        let constraints = constraints.expect("a constraint without mistakes");
        let space = Space::new(parameters, constraints).expect("a space without mistakes");
        (name, space)
    });
    spaces.collect()
}

fn continuous(low: f64, high: f64, scale: Scale, step: Option<f64>) -> Domain {
    Domain::Continuous {
        low,
        high,
        scale,
        step,
    }
}

fn discrete(low: i64, high: i64, scale: Scale, step: Option<i64>) -> Domain {
    Domain::Discrete {
        low,
        high,
        scale,
        step,
    }
}

fn choice(values: Vec<Value>) -> Domain {
    Domain::Choice { values }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn switch() -> Domain {
    choice(vec![Value::Bool(true), Value::Bool(false)])
}

fn numbers() -> Vec<Parameter> {
    vec![
        Parameter::new("rate", continuous(1e-4, 1e-1, Scale::Log, None)),
        Parameter::new("share", continuous(-1.0, 1.0, Scale::Linear, None)),
        Parameter::new("stepped", continuous(0.0, 1.0, Scale::Linear, Some(0.1))),
        Parameter::new("whole", discrete(1, 20, Scale::Linear, None)),
        Parameter::new("even", discrete(0, 9, Scale::Linear, Some(2))),
        Parameter::new("power", discrete(1, 1000, Scale::Log, None)),
    ]
}

fn lists() -> Vec<Parameter> {
    let sizes = [8, 16, 32].map(Value::Int).to_vec();
    let pairs = vec![
        Value::from(vec![Value::Int(1), Value::Int(2)]),
        Value::from(Vec::new()),
        Value::None,
    ];
    vec![
        Parameter::new("size", Domain::Ordinal { values: sizes }),
        Parameter::new("layers", choice(pairs)),
        Parameter::new("only", choice(texts(&["a"]))),
        Parameter::new("fixed", discrete(3, 3, Scale::Log, None)),
        Parameter::new("point", continuous(0.5, 0.5, Scale::Linear, None)),
        Parameter::new(
            "constant",
            Domain::Constant {
                value: Value::Int(60),
            },
        ),
    ]
}

fn conditional() -> Vec<Parameter> {
    let flag: Arc<str> = "nesterov".into();
    vec![
        // The child stands before its parents.
        Parameter::new("damping", discrete(1, 5, Scale::Linear, None))
            .when(&flag, vec![Value::Bool(true)]),
        Parameter::new("solver", choice(texts(&["sgd", "adam", "none"]))),
        Parameter::new(flag.clone(), switch()).when("solver", texts(&["sgd"])),
        Parameter::new("rate", continuous(1e-3, 1.0, Scale::Log, None))
            .when("solver", texts(&["sgd", "adam"])),
    ]
}

fn one_dimension() -> Vec<Parameter> {
    vec![Parameter::new(
        "x",
        continuous(-5.0, 10.0, Scale::Linear, None),
    )]
}

fn one_value() -> Vec<Parameter> {
    vec![Parameter::new("x", choice(texts(&["a"])))]
}

fn constants() -> Vec<Parameter> {
    let constant = |name: &str, value: Value| Parameter::new(name, Domain::Constant { value });
    vec![
        constant("seed", Value::Int(1)),
        constant("folder", "data".into()),
        constant("nothing", Value::None),
    ]
}

fn choice_of_200() -> Vec<Parameter> {
    let levels = (0..200).map(|level| Value::text(format!("level {level}")));
    vec![
        Parameter::new("level", choice(levels.collect())),
        Parameter::new("x", continuous(0.0, 1.0, Scale::Linear, None)),
    ]
}

fn huge() -> Vec<Parameter> {
    vec![
        Parameter::new("whole", discrete(1, 1 << 62, Scale::Log, None)),
        Parameter::new("any", discrete(i64::MIN, i64::MAX, Scale::Linear, None)),
        Parameter::new("tiny", continuous(1e-300, 1e300, Scale::Log, None)),
    ]
}

fn switches() -> Vec<Parameter> {
    let named = (0..30).map(|number| Parameter::new(format!("switch {number}"), switch()));
    named.collect()
}

/// A branch of which each level opens the next; both leaves of the first have the same type.
fn tree() -> Vec<Parameter> {
    let (yes, no) = (vec![Value::Bool(true)], vec![Value::Bool(false)]);
    vec![
        Parameter::new("model", choice(texts(&["linear", "forest", "net"]))),
        Parameter::new("penalty", continuous(1e-6, 1.0, Scale::Log, None))
            .when("model", texts(&["linear"])),
        Parameter::new("deep", switch()).when("model", texts(&["forest", "net"])),
        Parameter::new("layers", discrete(2, 9, Scale::Linear, None)).when("deep", yes),
        Parameter::new("width", discrete(1, 4096, Scale::Log, None)).when("deep", no),
        Parameter::new("dropout", continuous(0.0, 0.9, Scale::Linear, Some(0.1)))
            .when("layers", (4..10).map(Value::Int).collect()),
    ]
}
