//! Constraints between search parameters.

use norgay_core::Value;
use norgay_core::expression::{ExpressionError, Predicate};

fn lookup(name: &str) -> Option<Value> {
    Some(match name {
        "a" => Value::Int(3),
        "b" => Value::Float(4.5),
        "kind" => Value::text("adam"),
        "flag" => Value::Bool(true),
        "learning rate" => Value::Float(0.1),
        "größe" => Value::Int(7),
        "list" => Value::from(vec![Value::Int(1)]),
        _ => return None,
    })
}

fn holds(text: &str) -> Result<bool, ExpressionError> {
    Predicate::parse(text).and_then(|predicate| predicate.holds(&lookup))
}

#[test]
fn comparisons_and_logic_mean_what_they_mean_in_python() {
    for (text, expected) in [
        ("a <= b", true),
        ("a <= b < 4.5", false),
        ("1 < a < b < 5", true),
        ("a == 3.0 and a != 4", true),
        ("not a > b", true),
        ("not a < b or flag", true),
        ("flag", true),
        ("flag == True", true),
        ("kind == 'adam'", true),
        ("kind in ['sgd', 'adam']", true),
        ("kind not in ('sgd', 'adam')", false),
        ("a in (1, 2, a + 0.0)", true),
        ("a in []", false),
        ("'ab' < kind", true),
        ("tp['learning rate'] * 10 >= 1", true),
        ("größe % 2 == 1", true),
        ("max(a, b) - min(a, b) == 1.5", true),
        ("a * b <= 2 * (a + b)", true),
        ("list == [1]", true),
        ("list == (1,)", false),
        ("(a < b) + (a > b) == 1", true),
        ("a\n< b\nand b < 10  # in lines", true),
        ("kind == 1", false),
        ("kind == None or kind != null", true),
        ("a < b or kind < 1", true),
        ("True", true),
        (
            "a < 9007199254740993 and round(b) == 4 and str(a) == '3'",
            true,
        ),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

#[test]
fn an_inactive_parameter_forbids_nothing() {
    assert_eq!(holds("missing < 0"), Ok(true));
    assert_eq!(holds("a > b and missing < 0"), Ok(true));
    assert_eq!(holds("not (tp['not there'] == 1 or flag)"), Ok(true));
}

#[test]
fn names_are_told_once_in_their_order() {
    let predicate = Predicate::parse("b < tp['learning rate'] < a or tp['b'] in [c]").unwrap();
    let names = predicate.names();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    assert_eq!(names, ["b", "learning rate", "a", "c"]);
}

#[test]
fn a_predicate_is_its_text() {
    let predicate = Predicate::parse("a < b").unwrap();
    assert_eq!(predicate.text(), "a < b");
    assert_eq!(predicate, predicate.clone());
    assert_ne!(predicate, Predicate::parse("a  < b").unwrap());
    let json = serde_json::to_string(&predicate).unwrap();
    assert_eq!(json, "\"a < b\"");
    assert_eq!(serde_json::from_str::<Predicate>(&json).unwrap(), predicate);
    let error = serde_json::from_str::<Predicate>("\"a <\"")
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("line 1, column 4: expected a value"),
        "{error}"
    );
    assert_eq!(format!("{predicate:?}"), "Predicate(\"a < b\")");
}

#[test]
fn what_gives_no_truth_is_refused_when_it_is_parsed() {
    for (text, told) in [
        (
            "a + b",
            "line 1, column 1: expected True or False, found arithmetic with '+'; write a",
        ),
        ("3", "expected True or False, found the number 3"),
        (
            "a < b and 1",
            "line 1, column 11: expected True or False, found the number 1",
        ),
        (
            "not 'a'",
            "line 1, column 5: expected True or False, found the text 'a'",
        ),
        (
            "kind in 'adam'",
            "line 1, column 9: expected a list after 'in', as in [1, 2]",
        ),
        (
            "kind in list",
            "expected a list after 'in', as in [1, 2], found a parameter",
        ),
        (
            "a == {'b': 1}",
            "line 1, column 6: a dict is not allowed here",
        ),
        (
            "a is None",
            "line 1, column 3: 'is' is not allowed here; write == to compare",
        ),
        (
            "a = 3",
            "line 1, column 3: a keyword argument or assignment is not allowed here",
        ),
        (
            "a && b",
            "line 1, column 3: '&' is not allowed here; write 'and'",
        ),
        (
            "!a",
            "line 1, column 1: the character '!' cannot stand here; write 'not' or '!='",
        ),
        ("a ** 2 < 3", "power is not allowed here"),
        ("tp < 3", "tp as a whole is not allowed here"),
        (
            "a not b",
            "line 1, column 7: expected 'in' after 'not', found 'b'",
        ),
        (
            "a < b\nc < d",
            "line 2, column 1: expected the end of the text, found 'c'",
        ),
        ("os.system('x')", "attribute access is not allowed here"),
        ("", "expected a value, found the end of the text"),
        ("lambda < 3", "a lambda is not allowed here"),
    ] {
        let error = Predicate::parse(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn what_goes_wrong_with_values_is_told_with_its_place() {
    for (text, told) in [
        (
            "a < kind",
            "line 1, column 3: '<' does not work on int and text",
        ),
        ("a / (b - 4.5) < 1", "line 1, column 3: division by zero"),
        (
            "a",
            "line 1, column 1: expected True or False, found the number 3",
        ),
        (
            "kind and flag",
            "expected True or False, found the text 'adam'",
        ),
    ] {
        let error = holds(text).expect_err(text).to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}
