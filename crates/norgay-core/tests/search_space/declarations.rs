//! What may be declared, and what is refused with which words.

use norgay_core::space::{Declaration, Domain, Field, Parameter, Scale, Space};
use norgay_core::value::Value;

use crate::{built, choice, declared, discrete, floats, ints, list, log, texts};

/// Fields and messages of the mistakes in a declaration.
fn mistakes(declaration: &Declaration) -> Vec<(Field, String)> {
    let errors = declaration.build().expect_err("the declaration is wrong");
    for error in &errors {
        assert_eq!(error.parameter, declaration.name, "{error}");
    }
    errors
        .into_iter()
        .map(|error| (error.field, error.message))
        .collect()
}

#[test]
fn cs_02_a_log_scale_refuses_values_up_to_zero() {
    for low in [0.0, -1.0] {
        let wrong = log(declared("lr", "Continuous", floats(&[low, 1.0])));
        assert_eq!(mistakes(&wrong)[0].0, Field::Range);
    }
    assert_eq!(
        mistakes(&log(declared("n", "Discrete", ints(&[0, 8]))))[0].0,
        Field::Range
    );
    let listed = log(declared("n", "Discrete", ints(&[0, 8, 16])));
    assert_eq!(mistakes(&listed)[0].0, Field::Range);
}

#[test]
fn cs_06_three_numbers_mean_exactly_these_with_one_warning() {
    for scale in ["linear", "log"] {
        let declaration = Declaration {
            scale: Some(scale.into()),
            ..declared("batch_size", "Discrete", ints(&[32, 8, 16, 8]))
        };
        let (domain, warnings) = built(&declaration);
        let values = vec![Value::Int(8), Value::Int(16), Value::Int(32)];
        assert_eq!(domain, Domain::Ordinal { values });
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].to_string().contains("'batch_size'"));
    }
    let strict = Declaration {
        strict: Some(true.into()),
        ..declared("batch_size", "Discrete", ints(&[8, 16, 32]))
    };
    assert_eq!(mistakes(&strict).len(), 1);
}

#[test]
fn cs_07_listed_values_keep_their_type() {
    let values = [
        Value::Int(1),
        Value::Float(1.0),
        "1".into(),
        true.into(),
        Value::None,
    ];
    for kind in ["Choice", "Ordinal"] {
        let (domain, warnings) = built(&declared("x", kind, list(&values)));
        assert!(warnings.is_empty());
        for (index, value) in values.iter().enumerate() {
            let place = domain.place_of(value).expect("a listed value");
            assert_eq!(&domain.at(place), value);
            assert_eq!(domain.nth(index as u64).as_ref(), Some(value));
            assert_eq!(domain.normalised(value).as_ref(), Some(value));
        }
    }
}

#[test]
fn cs_08_a_tuple_is_no_range_and_a_name_is_needed() {
    let tuple = Value::Tuple([Value::Int(1), Value::Int(2)].into());
    assert_eq!(mistakes(&declared("x", "Choice", tuple))[0].0, Field::Range);
    assert_eq!(
        mistakes(&declared("", "Choice", ints(&[1])))[0].0,
        Field::Name
    );
}

#[test]
fn cs_09_mistakes_are_named_at_construction() {
    let cases = [
        (
            declared("x", "Continuous", floats(&[2.0, 1.0])),
            Field::Range,
            "low 2.0 is above",
        ),
        (
            declared("x", "Discrete", ints(&[2, 1])),
            Field::Range,
            "low 2 is above high 1",
        ),
        (
            declared("x", "Discrete", ints(&[i64::MAX, i64::MAX - 1])),
            Field::Range,
            "is above",
        ),
        (declared("x", "Choice", list(&[])), Field::Range, "empty"),
        (
            declared("x", "Continuous", floats(&[0.0, f64::NAN])),
            Field::Range,
            "finite",
        ),
        (
            declared("x", "Discrete", floats(&[0.5, 2.0])),
            Field::Range,
            "whole numbers",
        ),
        (
            declared("x", "Discrete", list(&[true.into(), 2.into()])),
            Field::Range,
            "finite",
        ),
    ];
    for (declaration, field, words) in cases {
        let (found, message) = mistakes(&declaration).remove(0);
        assert_eq!(found, field, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let scale = Declaration {
        scale: Some("cubic".into()),
        ..declared("x", "Continuous", floats(&[1.0, 2.0]))
    };
    assert_eq!(mistakes(&scale)[0].0, Field::Scale);
    let twice = Space::new(vec![discrete("x", 1, 2), discrete("x", 1, 2)], Vec::new());
    let errors = twice.expect_err("the name occurs twice");
    assert_eq!(
        (errors[0].parameter.as_str(), errors[0].field),
        ("x", Field::Name)
    );
}

#[test]
fn cs_09_all_mistakes_of_a_parameter_are_told_at_once() {
    let wrong = Declaration {
        scale: Some("cubic".into()),
        mutable: Some(1.into()),
        when: Some("sgd".into()),
        ..declared("x", "Continuous", floats(&[2.0, 1.0]))
    };
    let fields: Vec<Field> = mistakes(&wrong)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    for field in [Field::Scale, Field::Mutable, Field::When, Field::Range] {
        assert!(
            fields.contains(&field),
            "{field:?} is missing in {fields:?}"
        );
    }
}

#[test]
fn cs_10_equal_bounds_are_a_constant() {
    let cases = [
        (
            declared("x", "Continuous", floats(&[2.0, 2.0])),
            Value::Float(2.0),
        ),
        (
            declared("x", "Continuous", floats(&[2.0])),
            Value::Float(2.0),
        ),
        (declared("x", "Discrete", ints(&[2, 2])), Value::Int(2)),
        (log(declared("x", "Discrete", ints(&[2, 2]))), Value::Int(2)),
        (
            log(declared("x", "Continuous", floats(&[2.0, 2.0]))),
            Value::Float(2.0),
        ),
    ];
    for (declaration, value) in cases {
        let (domain, _) = built(&declaration);
        assert_eq!(domain.cardinality(), Some(1));
        for place in [0.0, 0.5, 1.0] {
            assert_eq!(domain.at(place), value);
        }
        assert_eq!(domain.nth(0), Some(value.clone()));
        assert!(
            domain
                .place_of(&value)
                .is_some_and(|place| (0.0..=1.0).contains(&place))
        );
    }
}

#[test]
fn cs_11_types_have_their_names_in_any_letter_case() {
    for kind in ["continuous", "Continuous", "CONTINUOUS", "float"] {
        let (domain, _) = built(&declared("x", kind, floats(&[0.0, 1.0])));
        assert!(matches!(domain, Domain::Continuous { .. }));
    }
    for kind in ["discrete", "Discrete", "int"] {
        let (domain, _) = built(&declared("x", kind, ints(&[0, 1])));
        assert!(matches!(domain, Domain::Discrete { .. }));
    }
    for kind in ["choice", "Choice", "categorical"] {
        let (domain, _) = built(&declared("x", kind, ints(&[0, 1])));
        assert!(matches!(domain, Domain::Choice { .. }));
    }
    let (domain, _) = built(&declared("x", "ordinal", ints(&[4, 0])));
    assert!(matches!(domain, Domain::Ordinal { .. }));
    assert_eq!(
        mistakes(&declared("x", "gaussian", ints(&[0, 1])))[0].0,
        Field::Kind
    );
}

#[test]
fn cs_12_a_grid_parameter_is_a_choice_of_its_values() {
    let (domain, warnings) = built(&declared("a", "choice", ints(&[1, 2])));
    assert_eq!(
        domain,
        Domain::Choice {
            values: vec![Value::Int(1), Value::Int(2)]
        }
    );
    assert!(warnings.is_empty());
}

#[test]
fn cs_15_a_type_is_needed_and_a_linear_scale_may_be_written() {
    let untyped = Declaration {
        kind: None,
        ..declared("x", "", ints(&[1, 2]))
    };
    assert!(mistakes(&untyped)[0].1.contains("type is missing"));
    let linear = Declaration {
        scale: Some("linear".into()),
        ..declared("x", "Discrete", ints(&[1, 2]))
    };
    assert!(matches!(
        built(&linear).0,
        Domain::Discrete {
            scale: Scale::Linear,
            ..
        }
    ));
}

#[test]
fn cs_16_a_discrete_parameter_may_have_a_log_scale() {
    let (domain, _) = built(&log(declared("x", "Discrete", ints(&[1, 1000]))));
    assert_eq!(
        (domain.at(0.0), domain.at(1.0)),
        (Value::Int(1), Value::Int(1000))
    );
}

#[test]
fn steps_are_checked() {
    let stepped = |kind: &str, range: Value, step: Value| Declaration {
        step: Some(step),
        ..declared("x", kind, range)
    };
    let wrong = [
        stepped("Continuous", floats(&[0.0, 1.0]), 0.0.into()),
        stepped("Continuous", floats(&[0.0, 1.0]), f64::NAN.into()),
        stepped("Continuous", floats(&[0.0, 1.0]), 1e-300.into()),
        stepped("Continuous", floats(&[0.0, 1.0]), "a".into()),
        stepped("Discrete", ints(&[0, 10]), 0.into()),
        stepped("Discrete", ints(&[0, 10]), 0.5.into()),
        stepped("Discrete", ints(&[0, 5, 10]), 5.into()),
        stepped("Choice", ints(&[0, 10]), 1.into()),
        log(stepped("Continuous", floats(&[1.0, 2.0]), 0.5.into())),
        log(stepped("Discrete", ints(&[1, 10]), 2.into())),
    ];
    for declaration in wrong {
        assert_eq!(mistakes(&declaration)[0].0, Field::Step, "{declaration:?}");
    }
    let (domain, _) = built(&stepped("Continuous", floats(&[0.0, 0.5]), 0.1.into()));
    let values: Vec<Value> = (0..6).filter_map(|index| domain.nth(index)).collect();
    let written: Vec<String> = values.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
    assert_eq!(
        domain.normalised(&Value::Float(0.1 + 0.2)),
        Some(Value::Float(0.3))
    );
    let (domain, _) = built(&stepped("Discrete", ints(&[1, 10]), 4.into()));
    assert_eq!(domain.cardinality(), Some(3));
    assert_eq!(domain.nearest(100.0), Some(Value::Int(9)));
    assert!(!domain.contains(&Value::Int(10)));
}

#[test]
fn a_constant_is_a_value_or_a_range_of_one() {
    let value = Declaration {
        name: "epochs".into(),
        value: Some(60.into()),
        ..Declaration::default()
    };
    assert_eq!(
        built(&value).0,
        Domain::Constant {
            value: Value::Int(60)
        }
    );
    let ranged = declared("epochs", "Constant", ints(&[60]));
    assert_eq!(
        built(&ranged).0,
        Domain::Constant {
            value: Value::Int(60)
        }
    );
    assert_eq!(
        mistakes(&declared("epochs", "Constant", ints(&[1, 2])))[0].0,
        Field::Whole
    );
}

#[test]
fn tuples_among_the_values_are_taken_as_lists() {
    let pair = Value::Tuple([Value::Int(3), Value::Int(3)].into());
    let (domain, _) = built(&declared(
        "kernel",
        "Choice",
        list(std::slice::from_ref(&pair)),
    ));
    let space = Space::new(vec![Parameter::new("kernel", domain)], Vec::new()).expect("right");
    let given = [("kernel".into(), pair)].into_iter().collect();
    let taken = space
        .validated(&given, |_| false)
        .expect("the tuple is in the list");
    assert_eq!(taken.get("kernel"), Some(&ints(&[3, 3])));
}

#[test]
fn stored_spaces_are_checked_like_declared_ones() {
    let wrong = [
        r#"{"name":"x","type":"continuous","low":2.0,"high":1.0}"#,
        r#"{"name":"x","type":"continuous","low":0.0,"high":1.0,"scale":"log"}"#,
        r#"{"name":"x","type":"continuous","low":0.0,"high":1.0,"step":0.0}"#,
        r#"{"name":"x","type":"discrete","low":2,"high":1}"#,
        r#"{"name":"x","type":"discrete","low":0,"high":1,"scale":"log"}"#,
        r#"{"name":"x","type":"discrete","low":0,"high":1,"step":-1}"#,
        r#"{"name":"x","type":"choice","values":[]}"#,
    ];
    for parameter in wrong {
        let text = format!(r#"{{"parameters":[{parameter}]}}"#);
        assert!(serde_json::from_str::<Space>(&text).is_err(), "{parameter}");
    }
}

#[test]
fn a_space_is_the_same_after_it_was_stored() {
    let child = Parameter {
        mutable: false,
        ..discrete("depth", 1, 9).when("model", texts(&["tree"]))
    };
    let space = crate::space(vec![choice("model", &["tree", "line"]), child]);
    let text = serde_json::to_string(&space).expect("a space can be written");
    assert_eq!(
        serde_json::from_str::<Space>(&text).expect("and read"),
        space
    );
}
