//! The parameter text: what it gives and what it refuses.

use std::sync::Arc;

use norgay_core::Place;
use norgay_core::expression::{Problem, parse_parameter_text};

use crate::{error, evaluated, parameters, value};

const TRIAL_RUN: &str = include_str!("../data/trial_run_parameter.txt");
const CONTINUE: &str = include_str!("../data/trial_run_parameter_continue.txt");
const HOSTILE: &str = include_str!("../data/trial_run_parameter_hostile.txt");

#[test]
fn cs_100_the_usual_text_gives_what_python_gives() {
    let expected = concat!(
        "{'filename_features': 'x.csv', 'filename_target': 'y.csv', ",
        "'model_name': 'moulding_length', 'batch_size': 16, 'epochs': 60, 'buffer_size': 512, ",
        "'shuffle': True, 'validation_split': 0.2, 'units': '64,32', ",
        "'activation': 'relu,linear', 'dropout': 0.1, 'loss': 'mean_squared_error', ",
        "'metrics': ['mean_squared_error', 'mean_absolute_error'], ",
        "'callbacks': [{'class_name': 'EarlyStopping', 'config': {'monitor': 'val_loss', ",
        "'patience': 10, 'min_delta': -0.0001, 'baseline': None}}], ",
        "'optimizer_config': {'class_name': 'adam', 'config': {'learning_rate': 1e-05, ",
        "'amsgrad': False}}}",
    );
    assert_eq!(evaluated(TRIAL_RUN).unwrap(), expected);
    assert!(
        evaluated(CONTINUE)
            .unwrap()
            .contains("'epochs': 3, 'units': '64,32'")
    );
}

#[test]
fn cs_100_every_hostile_line_is_refused_with_its_place() {
    let places = [7, 9, 7, 10, 8, 9, 7, 8, 11, 9, 7, 7, 10, 7, 11];
    assert_eq!(HOSTILE.lines().count(), places.len());
    for (line, column) in HOSTILE.lines().zip(places) {
        let error = evaluated(line).expect_err(line);
        assert_eq!(error.place, Place { line: 1, column }, "{line}: {error}");
    }
}

#[test]
fn the_parameters_used_are_told_with_their_places() {
    let text = "{'a': tp['x'],\n  'b': [tp[\"y\"], tp['x'], 1 + tp['z' 'z']]}";
    let used = parse_parameter_text(text)
        .unwrap()
        .parameters_used()
        .to_vec();
    let place = |line, column| Place { line, column };
    let expected: Vec<(Arc<str>, Place)> = vec![
        ("x".into(), place(1, 7)),
        ("y".into(), place(2, 9)),
        ("zz".into(), place(2, 31)),
    ];
    assert_eq!(used, expected);
}

#[test]
fn an_unknown_parameter_is_told_with_the_known_ones() {
    let error = evaluated("{'a': tp['learning-rate']}").unwrap_err();
    let Problem::UnknownParameter { nearest, known, .. } = &error.problem else {
        panic!("{error}");
    };
    assert_eq!(nearest.as_deref(), Some("learning_rate"));
    assert_eq!(known.len(), parameters().len());
    let told = error.to_string();
    assert!(told.starts_with("line 1, column 7: tp has no key 'learning-rate'; did you mean"));
    assert!(told.contains("the known keys are 'batch_size', 'learning_rate', 'units_1'"));
    let nothing = parse_parameter_text("{'a': tp['b']}")
        .unwrap()
        .evaluate(&[])
        .unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "line 1, column 7: tp has no key 'b'; it has no keys at all"
    );
}

#[test]
fn later_keys_win_at_the_first_ones_position() {
    assert_eq!(
        evaluated("{'a': 1, 'b': 2, 'a': 3}").unwrap(),
        "{'a': 3, 'b': 2}"
    );
    assert_eq!(
        value("{1: 'x', 2: 'y', 1.0: 'z', True: 'w'}"),
        "{1: 'w', 2: 'y'}"
    );
    assert_eq!(
        value("{(1, 'a'): 1, (True, 'a'): 2, None: 3}"),
        "{(1, 'a'): 2, None: 3}"
    );
    assert_eq!(
        evaluated("{str(tp['units_1']): 1, '6' '4': 2}").unwrap(),
        "{'64': 2}"
    );
}

#[test]
fn numbers_compute_as_in_python() {
    for (expression, result) in [
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("7 // -2", "-4"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("7.5 // -2", "-4.0"),
        ("-7.5 % 2", "0.5"),
        ("0.0 % -1", "-0.0"),
        ("1 // 0.1", "9.0"),
        ("6 / 3", "2.0"),
        ("True + 1", "2"),
        ("-True", "-1"),
        ("1 + 2 * 3 - 4 / 2", "5.0"),
        ("2 - 3 - 4", "-5"),
        ("- - 3", "3"),
        ("9007199254740993 / 3", "3002399751580331.0"),
        ("9223372036854775807 / 9223372036854775806", "1.0"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775808 // 1", "-9223372036854775808"),
        ("-9223372036854775808 % -1", "0"),
        ("0x_ff + 0b101 + 0o17 + 1_000", "1275"),
        ("00", "0"),
        (".5 + 1. + 1e1 + 1_0.0_1e-0_1", "12.501"),
    ] {
        assert_eq!(value(expression), result, "{expression}");
    }
}

#[test]
fn functions_mean_what_they_mean_in_python() {
    for (expression, result) in [
        ("round(0.5)", "0"),
        ("round(1.5)", "2"),
        ("round(2.5)", "2"),
        ("round(2.675, 2)", "2.67"),
        ("round(0.125, 2)", "0.12"),
        ("round(1234.5, -2)", "1200.0"),
        ("round(1250.0, -2)", "1200.0"),
        ("round(15, -1)", "20"),
        ("round(25, -1)", "20"),
        ("round(-0.4, 0)", "-0.0"),
        ("round(3, 2)", "3"),
        ("round(2.5, None)", "2"),
        ("round(1e300, 400)", "1e+300"),
        ("int('  12 ')", "12"),
        ("int('-1_000')", "-1000"),
        ("int(-3.9)", "-3"),
        ("float('1e3')", "1000.0"),
        ("float(' -Infinity ')", "-inf"),
        ("float('nan')", "nan"),
        ("str(float('nan'))", "'nan'"),
        ("str(1e-5) + str(True) + str(None)", "'1e-05TrueNone'"),
        (
            "str(['a', (1,), {'b': \"c'\"}])",
            "'[\\'a\\', (1,), {\\'b\\': \"c\\'\"}]'",
        ),
        ("min(3, 1.0, 1)", "1.0"),
        ("max(1, 1.0, True)", "1"),
        ("min(tp['list'])", "1"),
        ("max('hello')", "'o'"),
        ("max({'a': 1, 'b': 0})", "'b'"),
        ("min((1, 2), (1,))", "(1,)"),
        (
            "max(9007199254740993, 9007199254740992.0)",
            "9007199254740993",
        ),
        ("round(tp['dropout'] * 3, 3)", "0.3"),
    ] {
        assert_eq!(value(expression), result, "{expression}");
    }
}

#[test]
fn texts_are_written_and_joined_as_in_python() {
    for (expression, result) in [
        ("'a' \"b\"\n  'c'", "'abc'"),
        ("'''a\n'b' ''' \"\"\"\"c\"\"\"", "'a\\n\\'b\\' \"c'"),
        (
            r"'\n\t\\\'\x41\u00e9\U0001F600\101\0'",
            r#""\n\t\\'Aé😀A\x00""#,
        ),
        (r"r'\n' + R'\''", r#""\\n\\'""#),
        (r"u'a'", "'a'"),
        (r"'\d\/'", r"'\\d\\/'"),
        ("'a\\\nb'", "'ab'"),
        ("'' + ''", "''"),
        ("[1] + tp['list'] + []", "[1, 3, 1, 2]"),
        ("(1,) + tp['pair'] + ()", "(1, 4, 5)"),
        ("true", "True"),
        ("[false, null,]", "[False, None]"),
        ("(  # a comment ' \n 1 \\\n + 2)", "3"),
    ] {
        assert_eq!(value(expression), result, "{expression}");
    }
}

#[test]
fn lines_may_end_anywhere_and_a_byte_order_mark_is_no_text() {
    assert_eq!(
        evaluated("\u{feff}\r\n {\r\n'a'\r:\n1}\n\n# end").unwrap(),
        "{'a': 1}"
    );
    assert_eq!(evaluated("({'a': 'x\\\r\ny'})").unwrap(), "{'a': 'xy'}");
    let place = evaluated("\u{feff}{'é': 1,\r\n 'b': x}").unwrap_err().place;
    assert_eq!(place, Place { line: 2, column: 7 });
}

/// Expressions, and what the error that refuses them tells.
const REFUSALS: &[(&str, &str)] = &[
    (
        "x",
        "line 1, column 7: the name 'x' is unknown here; write tp['x'] for the parameter",
    ),
    (
        "1 if True else 2",
        "line 1, column 9: a conditional expression is not allowed here",
    ),
    (
        "[x for x in tp]",
        "column 10: a comprehension is not allowed here; write the items",
    ),
    (
        "lambda: 1",
        "line 1, column 7: a lambda is not allowed here",
    ),
    ("2 ** 3", "line 1, column 9: power is not allowed here"),
    (
        "tp.x",
        "line 1, column 9: attribute access is not allowed here",
    ),
    (
        "tp",
        "line 1, column 7: tp as a whole is not allowed here; write tp['name']",
    ),
    (
        "tp[0]",
        "line 1, column 10: the number 0 as a key of tp is not allowed here",
    ),
    (
        "tp['a':'b']",
        "line 1, column 13: expected ']' after the key of tp, found ':'",
    ),
    (
        "tp['a'][0]",
        "line 1, column 14: an index or slice is not allowed here",
    ),
    (
        "'a'.upper()",
        "line 1, column 10: attribute access is not allowed here",
    ),
    (
        "abs(1)",
        "line 1, column 7: calling 'abs' is not allowed here; only str, int, float",
    ),
    ("rond(1)", "did you mean round()?"),
    (
        "str()",
        "line 1, column 7: str() takes one argument, but none was given here",
    ),
    (
        "int('1', 2)",
        "int() takes one argument, but 2 were given here",
    ),
    (
        "round(1.5, ndigits=1)",
        "a keyword argument or assignment is not allowed here",
    ),
    (
        "max(*tp['list'])",
        "line 1, column 11: unpacking with a star is not allowed here",
    ),
    ("{**1}", "unpacking with a star is not allowed here"),
    ("{1, 2}", "a set is not allowed here; write 'key': value"),
    (
        "f'{1}'",
        "formatted text (the prefix f) is not allowed here; join the parts with +",
    ),
    ("b'a'", "bytes (the prefix b) is not allowed here"),
    ("'a' * 3", "repetition by '*' is not allowed here"),
    ("[1] * 3", "repetition by '*' is not allowed here"),
    ("'%s' % 3", "formatting by '%' is not allowed here"),
    (
        "1 < 2",
        "line 1, column 9: the comparison '<' is not allowed here",
    ),
    ("1 and 2", "line 1, column 9: 'and' is not allowed here"),
    ("not 1", "line 1, column 7: 'not' is not allowed here"),
    ("(a := 1)", "an assignment is not allowed here"),
    ("1 | 2", "'|' is not allowed here"),
    ("~1", "the character '~' cannot stand here"),
    ("1 @ 2", "the matrix product is not allowed here"),
    (
        "'a' + 1",
        "line 1, column 11: '+' does not work on text and int; write str(...)",
    ),
    (
        "-'a'",
        "line 1, column 7: the sign '-' needs a number after it, not text",
    ),
    ("1 // 0", "line 1, column 9: division by zero"),
    ("1 % 0.0", "line 1, column 9: division by zero"),
    (
        "tp['largest'] + 1",
        "9223372036854775807 + 1 does not fit in a whole number of 64",
    ),
    (
        "9223372036854775808",
        "'9223372036854775808' is not a valid number: it does not fit",
    ),
    ("-9223372036854775809", "it does not fit in 64 bits"),
    (
        "1e999",
        "'1e999' is not a valid number: it is larger than the largest float",
    ),
    (
        "007",
        "'007' is not a valid number: a whole number cannot start with 0",
    ),
    ("1__0", "'1__0' is not a valid number"),
    ("12abc", "'12abc' is not a valid number"),
    ("3j", "complex numbers are not allowed"),
    (
        "int('x')",
        "line 1, column 7: int() cannot take the text 'x'; it takes a number, or",
    ),
    (
        "int(float('nan'))",
        "nan does not fit in a whole number of 64 bits",
    ),
    (
        "round(1.7e308, -308)",
        "the rounded value is too large for a float",
    ),
    ("min(1, 'a')", "'<' does not work on text and int"),
    ("max([])", "max() cannot take nothing"),
    ("{[1]: 2}", "a list cannot be a key of this dict"),
    ("{float('nan'): 2}", "a float cannot be a key of this dict"),
    (
        "'abc",
        "line 1, column 7: the text that starts here is not closed; expected ' at its",
    ),
    (
        "'\\N{DASH}'",
        "line 1, column 8: the escape \\N is not valid: write the character",
    ),
    (
        "'\\x4'",
        "the escape \\x is not valid: expected two hexadecimal digits",
    ),
    (
        "'\\ud83d'",
        "the escape \\ud83d is not valid: half of a surrogate pair",
    ),
    (
        "'\\U00110000'",
        "the escape \\U00110000 is not valid: no character has that number",
    ),
    (
        "“a”",
        "the character '“' cannot stand here; write straight quotes",
    ),
    (
        "1 2",
        "line 1, column 9: expected a comma or '}', found the number 2",
    ),
    ("", "line 1, column 7: expected a value, found '}'"),
    ("if", "line 1, column 7: expected a value, found 'if'"),
];

#[test]
fn what_is_refused_is_named_with_its_place() {
    for (expression, told) in REFUSALS {
        let error = error(expression);
        assert!(error.contains(told), "{expression}: {error}");
    }
}

#[test]
fn the_whole_is_one_dict_with_keys_of_text() {
    for (text, told) in [
        (
            "",
            "line 1, column 1: expected a value, found the end of the text",
        ),
        (
            "[1]",
            "line 1, column 1: expected a dict, as in {'name': tp['name']}, found a list",
        ),
        (
            "{'a': 1} {'b': 2}",
            "line 1, column 10: expected the end of the text, found '{'",
        ),
        (
            "{'a': 1},",
            "line 1, column 9: expected the end of the text, found ','",
        ),
        (
            "{1: 2}",
            "line 1, column 2: the number 1 cannot be a key of this dict; its keys are",
        ),
        (
            "{-1: 2}",
            "line 1, column 2: the number -1 cannot be a key of this dict",
        ),
        (
            "{tp['units_1']: 2}",
            "the number 64 cannot be a key of this dict; its keys are text",
        ),
        (
            "{'a' 1}",
            "line 1, column 6: expected ':' after the key, found the number 1",
        ),
        (
            "{'a': 1",
            "line 1, column 8: expected a comma or '}', found the end of the text",
        ),
        (
            "{'a': 1}; {}",
            "line 1, column 9: more than one statement is not allowed here",
        ),
        (
            "{'a': 1} if True else {}",
            "line 1, column 10: a conditional expression",
        ),
    ] {
        let error = evaluated(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
