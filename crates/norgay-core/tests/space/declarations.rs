use norgay_core::Value;
use norgay_core::space::{Declaration, Domain, Field, Scale};

use crate::{continuous, discrete, texts};

fn declared(kind: &str, range: Vec<Value>) -> Declaration {
    Declaration {
        name: "p".into(),
        kind: Some(kind.into()),
        range: Some(range.into()),
        ..Declaration::default()
    }
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().copied().map(Value::Int).collect()
}

fn domain(declaration: &Declaration) -> Domain {
    declaration.build().unwrap().0.domain
}

/// The fields in which mistakes are found.
fn mistakes(declaration: &Declaration) -> Vec<Field> {
    let errors = declaration.build().unwrap_err();
    errors
        .iter()
        .map(|error| {
            assert!(error.to_string().contains(&declaration.name), "{error}");
            error.field
        })
        .collect()
}

#[test]
fn cs_2_a_log_scale_needs_values_above_zero() {
    for low in [0, -1] {
        let log = Declaration {
            scale: Some("log".into()),
            ..declared("continuous", ints(&[low, 10]))
        };
        assert_eq!(mistakes(&log), [Field::Range]);
    }
}

#[test]
fn cs_6_three_numbers_mean_exactly_these() {
    let declaration = declared("Discrete", ints(&[32, 8, 16]));
    let (parameter, warnings) = declaration.build().unwrap();
    assert_eq!(
        parameter.domain,
        Domain::Ordinal {
            values: ints(&[8, 16, 32])
        }
    );
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().contains("'p'"));
    let strict = Declaration {
        strict: Some(Value::Bool(true)),
        ..declaration
    };
    assert_eq!(mistakes(&strict), [Field::Range]);
}

#[test]
fn cs_7_listed_values_keep_their_type() {
    let values = vec![Value::Int(1), Value::Float(2.0), "x".into(), Value::None];
    for kind in ["Ordinal", "Choice"] {
        let (Domain::Ordinal { values: kept } | Domain::Choice { values: kept }) =
            domain(&declared(kind, values.clone()))
        else {
            panic!("{kind}");
        };
        assert_eq!(kept, values);
    }
}

#[test]
fn cs_8_a_range_is_a_list() {
    let tuple = Declaration {
        range: Some(Value::Tuple(ints(&[1, 2]).into())),
        ..declared("Discrete", Vec::new())
    };
    assert_eq!(mistakes(&tuple), [Field::Range]);
    let text = Declaration {
        range: Some("1, 2".into()),
        ..declared("Discrete", Vec::new())
    };
    assert_eq!(mistakes(&text), [Field::Range]);
}

#[test]
fn cs_9_mistakes_are_found_at_once() {
    assert_eq!(
        mistakes(&declared("Discrete", ints(&[2, 1]))),
        [Field::Range]
    );
    assert_eq!(mistakes(&declared("Choice", Vec::new())), [Field::Range]);
    let several = Declaration {
        scale: Some("cubic".into()),
        mutable: Some("perhaps".into()),
        ..declared("Continuous", ints(&[2, 1]))
    };
    let mut found = mistakes(&several);
    found.sort_by_key(|field| field.key());
    assert_eq!(found, [Field::Mutable, Field::Range, Field::Scale]);
    let nameless = Declaration {
        name: String::new(),
        ..declared("Discrete", ints(&[1, 2]))
    };
    assert_eq!(mistakes(&nameless), [Field::Name]);
}

#[test]
fn cs_10_equal_bounds_are_one_value() {
    assert_eq!(
        domain(&declared("Discrete", ints(&[5, 5]))).cardinality(),
        Some(1)
    );
    assert_eq!(
        domain(&declared("Continuous", ints(&[5]))),
        continuous(5.0, 5.0, Scale::Linear, None)
    );
}

#[test]
fn cs_11_all_types_in_any_letter_case() {
    let two = || ints(&[1, 2]);
    let wide = continuous(1.0, 2.0, Scale::Linear, None);
    assert_eq!(domain(&declared("CONTINUOUS", two())), wide);
    let whole = discrete(1, 2, Scale::Linear, None);
    assert_eq!(domain(&declared("discrete", two())), whole);
    let ordinal = Domain::Ordinal { values: two() };
    assert_eq!(domain(&declared("oRdInAl", two())), ordinal);
    let choice = Domain::Choice { values: two() };
    assert_eq!(domain(&declared("Choice", two())), choice);
    let constant = Declaration {
        range: None,
        value: Some(Value::Int(60)),
        ..declared("constant", Vec::new())
    };
    let sixty = Domain::Constant {
        value: Value::Int(60),
    };
    assert_eq!(domain(&constant), sixty);
    assert_eq!(mistakes(&declared("Discreet", two())), [Field::Kind]);
    let typeless = Declaration {
        kind: None,
        ..declared("", two())
    };
    assert_eq!(mistakes(&typeless), [Field::Whole]);
}

#[test]
fn steps_are_checked() {
    let step = |kind: &str, step: Value, scale: Option<&str>| Declaration {
        step: Some(step),
        scale: scale.map(Value::from),
        ..declared(kind, ints(&[1, 9]))
    };
    let halves = step("Continuous", Value::Float(0.5), None);
    assert_eq!(
        domain(&halves),
        continuous(1.0, 9.0, Scale::Linear, Some(0.5))
    );
    for wrong in [
        step("Continuous", Value::Int(0), None),
        step("Continuous", Value::Float(f64::NAN), None),
        step("Continuous", Value::Float(1e-300), None),
        step("Continuous", Value::Int(1), Some("log")),
        step("Discrete", Value::Float(0.5), None),
        step("Discrete", Value::Int(-1), None),
        step("Discrete", Value::Int(2), Some("log")),
        step("Choice", Value::Int(1), None),
    ] {
        assert_eq!(mistakes(&wrong), [Field::Step], "{wrong:?}");
    }
}

#[test]
fn numbers_are_finite_and_whole_where_they_must_be() {
    let odd = [
        declared(
            "Continuous",
            vec![Value::Int(0), Value::Float(f64::INFINITY)],
        ),
        declared("Continuous", vec![Value::Int(0), "1".into()]),
        declared("Discrete", vec![Value::Int(0), Value::Float(1.5)]),
        declared("Choice", vec![Value::Float(f64::NAN)]),
    ];
    for declaration in odd {
        assert_eq!(mistakes(&declaration), [Field::Range], "{declaration:?}");
    }
}

#[test]
fn conditions_are_read() {
    let when = |value: Value| Declaration {
        when: Some(value),
        ..declared("Discrete", ints(&[1, 2]))
    };
    let dict = |value: Value| Value::Dict([(Value::from("solver"), value)].into());
    let listed = when(dict(texts(&["sgd"]).into())).build().unwrap().0;
    let single = when(dict("sgd".into())).build().unwrap().0;
    assert_eq!(listed.conditions, single.conditions);
    assert_eq!(listed.conditions[0].parent.as_ref(), "solver");
    assert_eq!(mistakes(&when("solver".into())), [Field::When]);
    assert_eq!(mistakes(&when(dict(Vec::new().into()))), [Field::When]);
}
