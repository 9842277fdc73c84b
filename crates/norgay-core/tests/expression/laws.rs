//! Laws that hold for every text.

use norgay_core::Value;
use norgay_core::expression::{Predicate, parse_literal, parse_literal_row, parse_parameter_text};
use norgay_core::python_text::repr_of;
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Value::Float),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| Value::Tuple(items.into())),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|pairs| {
                Value::Dict(
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.into(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// Texts made of what expressions are made of, so that many get far before they fail.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{", "}", "[", "]", "(", ")", ",", ":", "'a'", "\"b\"", "'", "\"\"\"", "\\", "tp",
        "tp['x']", "x", "1", "2.5", "1e5", "0x", "-", "+", "*", "**", "/", "//", "%", "<", "<=",
        "==", "!", ".", "=", "in", "not", "and", "or", "if", "else", "for", "lambda", "str",
        "round", "min", "(1)", "True", "null", "NaN", "\n", " ", "#", "\\u12", "\\N", "f'", "r'",
        "b'", "é", "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn parse_in_every_way(text: &str) {
    let lookup = |name: &str| (name != "y").then_some(Value::Int(3));
    if let Ok(parsed) = parse_parameter_text(text) {
        let _ = parsed.evaluate(&[("x".into(), Value::Int(3))]);
    }
    let _ = parse_literal(text);
    let _ = parse_literal_row(text);
    if let Ok(predicate) = Predicate::parse(text) {
        let _ = predicate.holds(&lookup);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        parse_in_every_way(&text);
    }

    #[test]
    fn no_sequence_of_tokens_panics(text in pieces()) {
        parse_in_every_way(&text);
    }

    #[test]
    fn a_value_written_by_python_reads_back(value in any_value()) {
        let written = repr_of(&value);
        let read = parse_literal(&written).unwrap().value();
        prop_assert_eq!(repr_of(&read), written.clone());
        prop_assert_eq!(read, value.clone());
        let text = format!("{{'a': {written}}}");
        let pairs = parse_parameter_text(&text).unwrap().evaluate(&[]).unwrap();
        prop_assert_eq!(pairs, vec![("a".to_owned(), value)]);
    }

    #[test]
    fn a_value_written_as_json_reads_back(value in any_value()) {
        let json = value.to_json();
        let written = serde_json::to_string_pretty(&json).unwrap();
        let read = parse_literal(&written).unwrap().value();
        prop_assert_eq!(read.to_json(), json);
    }

    #[test]
    fn floats_read_back_from_their_text(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        let read: f64 = repr_of(&Value::Float(number)).parse().unwrap();
        prop_assert!(read == number || (read.is_nan() && number.is_nan()));
    }

    #[test]
    fn division_and_remainder_fit_each_other(left in any::<i64>(), right in any::<i64>()) {
        prop_assume!(right != 0 && !(left == i64::MIN && right == -1));
        let text = "{'q': tp['l'] // tp['r'], 'm': tp['l'] % tp['r']}";
        let tp = [("l".into(), Value::Int(left)), ("r".into(), Value::Int(right))];
        let result = parse_parameter_text(text).unwrap().evaluate(&tp).unwrap();
        let whole = |index: usize| i128::from(result[index].1.as_i64().unwrap());
        let (quotient, remainder) = (whole(0), whole(1));
        prop_assert_eq!(quotient * i128::from(right) + remainder, i128::from(left));
        prop_assert!(remainder == 0 || (remainder < 0) == (right < 0));
    }
}
