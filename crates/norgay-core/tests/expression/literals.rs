//! Literals, as Python and as JSON write them.

use norgay_core::expression::{parse_literal, parse_literal_row};
use norgay_core::python_text::repr_of;
use norgay_core::{Node, NodeKind, Place};

const LIST: &str = include_str!("../data/hpo_parameter.json");
const SINGLE: &str = include_str!("../data/hpo_parameter_single.json");
const ROW: &str = include_str!("../data/hpo_parameter_seed_style.txt");
const ALGORITHMS: &str = include_str!("../data/algo_parameter.txt");

fn literal(text: &str) -> String {
    let node = parse_literal(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    repr_of(&node.value())
}

fn row(text: &str) -> Vec<String> {
    let nodes = parse_literal_row(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    nodes.iter().map(|node| repr_of(&node.value())).collect()
}

/// The keys of dicts, wherever they are in the nodes, one level deep.
fn keys(nodes: &[Node]) -> Vec<&str> {
    let dicts = nodes.iter().flat_map(|node| match &node.kind {
        NodeKind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    });
    dicts
        .flat_map(|dict| dict.as_entries().unwrap())
        .filter_map(|(key, _)| key.as_text())
        .collect()
}

#[test]
fn cs_14_the_three_written_forms_of_a_space_are_read() {
    let units = ["units_1", "units_2"];
    let list = parse_literal_row(LIST).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(keys(&list)[2..4], units);
    let single = parse_literal_row(SINGLE).unwrap();
    assert_eq!(single.len(), 1);
    assert_eq!(keys(&single)[2..4], units);
    let in_a_row = parse_literal_row(ROW).unwrap();
    assert_eq!(keys(&in_a_row), ["batch_size", "learning_rate", "units_1"]);
    assert_eq!(in_a_row[1].place, Place { line: 2, column: 1 });
    let entries = in_a_row[1].as_entries().unwrap();
    assert_eq!(entries[0].0.place, Place { line: 2, column: 2 });
    assert_eq!(
        entries[0].1.place,
        Place {
            line: 2,
            column: 20
        }
    );
}

#[test]
fn the_arguments_of_algorithms_are_read() {
    for line in ALGORITHMS.lines() {
        let (_, arguments) = line.split_once(' ').unwrap();
        assert!(parse_literal(arguments).unwrap().as_entries().is_some());
    }
}

#[test]
fn objects_in_a_row_are_separated_by_commas_or_lines() {
    let expected = ["{'a': 1}", "{'b': 2}"];
    for text in [
        "{'a': 1}, {'b': 2}",
        "{'a': 1},\n{'b': 2},\n",
        "{'a': 1}\n{'b': 2}",
        "\u{feff}{'a': 1}\r\n\r\n, {'b': 2} # and no more",
    ] {
        assert_eq!(row(text), expected, "{text}");
    }
    assert_eq!(row("'a'\n'b', 'c' 'd'"), ["'a'", "'b'", "'cd'"]);
    assert!(row(" \n # nothing\n").is_empty());
    for (text, told) in [
        (
            "{'a': 1} {'b': 2}",
            "line 1, column 10: expected a comma or a new line, found '{'",
        ),
        (
            "{'a': 1},,{'b': 2}",
            "line 1, column 10: expected a value, found ','",
        ),
        (",{'a': 1}", "line 1, column 1: expected a value, found ','"),
    ] {
        assert_eq!(parse_literal_row(text).expect_err(text).to_string(), told);
    }
}

#[test]
fn json_and_python_are_both_read() {
    for (text, value) in [
        (
            r#"{"a": [true, false, null]}"#,
            "{'a': [True, False, None]}",
        ),
        ("{'a': (True, False, None)}", "{'a': (True, False, None)}"),
        (
            r#""\/ \b \f \n \r \t \" \\ \u00e9""#,
            r#"'/ \x08 \x0c \n \r \t " \\ é'"#,
        ),
        (r#""\ud83d\ude00 \uD83D\uDE00""#, "'😀 😀'"),
        ("-1.5E+10", "-15000000000.0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("+3", "3"),
        ("[]", "[]"),
        ("()", "()"),
        ("(1)", "1"),
        ("(1,)", "(1,)"),
        ("\"a\" 'b'", "'ab'"),
        (
            "{(1, 'a'): 1, 2.5: 2, None: 3}",
            "{(1, 'a'): 1, 2.5: 2, None: 3}",
        ),
        ("{'a': 1, 'b': 2, 'a': 3}", "{'a': 3, 'b': 2}"),
    ] {
        assert_eq!(literal(text), value, "{text}");
    }
}

#[test]
fn keys_that_occur_twice_are_both_there() {
    let node = parse_literal("{'a': 1,\n 'a': 2}").unwrap();
    let places: Vec<_> = node
        .as_entries()
        .unwrap()
        .iter()
        .map(|(key, _)| key.place)
        .collect();
    assert_eq!(
        places,
        [Place { line: 1, column: 2 }, Place { line: 2, column: 2 }]
    );
}

/// Texts, and what the error that refuses them tells.
const REFUSALS: &[(&str, &str)] = &[
    (
        "NaN",
        "line 1, column 1: 'NaN' is not a valid number: numbers that are not finite",
    ),
    (
        "[1, -Infinity]",
        "line 1, column 6: 'Infinity' is not a valid number",
    ),
    (
        "{'a': inf}",
        "line 1, column 7: 'inf' is not a valid number",
    ),
    ("1e400", "larger than the largest float"),
    (
        "{'a': tp['b']}",
        "line 1, column 7: tp['b'] is not allowed here; only literals may",
    ),
    (
        "{'a': b}",
        "line 1, column 7: the name 'b' is unknown here; write 'b' in quotes",
    ),
    (
        "{a: 1}",
        "line 1, column 2: the name 'a' is unknown here; write 'a' in quotes",
    ),
    (
        "1 + 2",
        "line 1, column 3: arithmetic with '+' is not allowed here",
    ),
    ("str(1)", "line 1, column 1: str() is not allowed here"),
    ("1 < 2", "the comparison '<' is not allowed here"),
    ("not True", "'not' is not allowed here"),
    ("- -1", "a sign is not allowed here"),
    (
        "1, 2",
        "line 1, column 2: expected the end of the text, found ','",
    ),
    (
        "{[1]: 2}",
        "line 1, column 2: a list cannot be a key of this dict; write text",
    ),
    ("{([],): 2}", "a tuple cannot be a key of this dict"),
    (r#""\ud83d""#, "half of a surrogate pair is no character"),
    (
        r#""\ude00\ud83d""#,
        "half of a surrogate pair is no character",
    ),
    (
        r#""\ud83d\u0041""#,
        "half of a surrogate pair is no character",
    ),
    ("9223372036854775808", "it does not fit in 64 bits"),
    (
        "",
        "line 1, column 1: expected a value, found the end of the text",
    ),
    (
        "// comment",
        "line 1, column 1: expected a value, found '//'",
    ),
    (
        "__import__('os')",
        "calling '__import__' is not allowed here",
    ),
];

#[test]
fn whatever_is_no_literal_is_refused() {
    for (text, told) in REFUSALS {
        let error = parse_literal(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
