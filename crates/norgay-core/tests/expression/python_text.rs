//! Python's `str()` and `repr()`.

use norgay_core::Value;
use norgay_core::python_text::{repr_length_within, repr_of, repr_within, str_of};

fn float(number: f64) -> String {
    repr_of(&Value::Float(number))
}

#[test]
fn floats_have_the_shortest_digits_in_pythons_layout() {
    for (number, text) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (100.0, "100.0"),
        (123_456.789, "123456.789"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (0.000_123, "0.000123"),
        (1.5e-7, "1.5e-07"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (9_999_999_999_999_998.0, "9999999999999998.0"),
        (1.25e16, "1.25e+16"),
        (1e22, "1e+22"),
        (1e100, "1e+100"),
        (-1e-100, "-1e-100"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (1.0 / 3.0, "0.3333333333333333"),
        // Equally near to ...7.2 and ...7.3; the even digit wins.
        (775_862_068_965_517.0 + 0.25, "775862068965517.2"),
        (775_862_068_965_517.0 + 0.75, "775862068965517.8"),
    ] {
        assert_eq!(float(number), text);
    }
}

#[test]
fn text_is_quoted_as_python_quotes_it() {
    for (text, repr) in [
        ("", "''"),
        ("plain", "'plain'"),
        ("it's", "\"it's\""),
        ("say \"hi\"", "'say \"hi\"'"),
        ("'\"", "'\\'\"'"),
        ("\\ \n \r \t", "'\\\\ \\n \\r \\t'"),
        ("\0 \u{7} \u{1b} \u{7f}", "'\\x00 \\x07 \\x1b \\x7f'"),
        ("é 日 😀", "'é 日 😀'"),
        ("\u{80} \u{a0} \u{ad}", "'\\x80 \\xa0 \\xad'"),
        (
            "\u{200b} \u{2028} \u{feff} \u{e000}",
            "'\\u200b \\u2028 \\ufeff \\ue000'",
        ),
        ("\u{e0001} \u{10ffff}", "'\\U000e0001 \\U0010ffff'"),
    ] {
        assert_eq!(repr_of(&Value::text(text)), repr);
        assert_eq!(str_of(&Value::text(text)), text);
    }
}

#[test]
fn containers_show_their_items_by_repr() {
    let items = || {
        vec![
            Value::None,
            Value::Bool(true),
            Value::text("a"),
            Value::Float(2.0),
        ]
    };
    assert_eq!(repr_of(&Value::from(items())), "[None, True, 'a', 2.0]");
    assert_eq!(
        repr_of(&Value::Tuple(items().into())),
        "(None, True, 'a', 2.0)"
    );
    assert_eq!(repr_of(&Value::Tuple([Value::Int(1)].into())), "(1,)");
    assert_eq!(repr_of(&Value::Tuple([].into())), "()");
    assert_eq!(repr_of(&Value::from(vec![])), "[]");
    assert_eq!(repr_of(&Value::Dict([].into())), "{}");
    let inner = Value::Tuple([Value::Int(-1)].into());
    let pairs = [
        (Value::text("k"), inner),
        (Value::Int(2), Value::Bool(false)),
    ];
    assert_eq!(str_of(&Value::Dict(pairs.into())), "{'k': (-1,), 2: False}");
}

#[test]
fn a_limit_counts_bytes() {
    let value = Value::text("éé");
    assert_eq!(repr_length_within(&value, 6), Some(6));
    assert_eq!(repr_length_within(&value, 5), None);
    assert_eq!(repr_within(&value, 6).as_deref(), Some("'éé'"));
    assert_eq!(repr_within(&value, 5), None);
}
