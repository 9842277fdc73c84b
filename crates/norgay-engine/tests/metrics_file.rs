//! Metrics files: what is read, and what is said about those that can't be (CS-104, CS-105).

use std::io::Write;
use std::process::{Command, Stdio};

use norgay_core::Value;
use norgay_engine::metrics_file::{LIMIT_BYTES, MetricsError, parse_metrics};
use proptest::prelude::*;

fn read(text: &str) -> Vec<(String, Value)> {
    let metrics = parse_metrics(text.as_bytes(), "loss").expect("metrics");
    metrics
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

fn refusal(bytes: impl AsRef<[u8]>) -> String {
    parse_metrics(bytes.as_ref(), "loss")
        .expect_err("refused")
        .to_string()
}

#[test]
fn cs_104_all_entries_are_kept_in_order_nested_ones_too() {
    let metrics = read(r#" {"r2": 1, "loss": 5e-1, "curve": [1.0, null], "by": {"a": true}} "#);
    let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["r2", "loss", "curve", "by"]);
    assert_eq!(metrics[0].1, Value::Int(1));
    assert_eq!(metrics[1].1, Value::Float(0.5));
    assert_eq!(
        metrics[2].1,
        Value::from(vec![Value::Float(1.0), Value::None])
    );
    assert_eq!(metrics[3].1.get("a"), Some(&Value::Bool(true)));
}

#[test]
fn the_tokens_that_python_writes_are_numbers() {
    let metrics = read("{\"loss\": -Infinity, \"a\": NaN, \"b\": Infinity}");
    assert_eq!(metrics[0].1, Value::Float(f64::NEG_INFINITY));
    assert!(metrics[1].1.as_f64().is_some_and(f64::is_nan));
    assert_eq!(metrics[2].1, Value::Float(f64::INFINITY));
    assert_eq!(read("\u{feff}{\"loss\": 1}")[0].1, Value::Int(1));
    assert_eq!(
        read("{\"loss\": 1, \"loss\": 2}"),
        [("loss".to_string(), Value::Int(2))]
    );
    assert_eq!(
        read("{\"loss\": 123456789012345678901}")[0].1,
        Value::Float(1.234_567_890_123_456_8e20)
    );
    assert_eq!(read("{\"loss\": 1e999}")[0].1, Value::Float(f64::INFINITY));
}

#[test]
fn cs_105_each_mistake_is_told_in_plain_words() {
    assert!(refusal("").starts_with("the metrics file is empty"));
    assert!(refusal(" \n").starts_with("the metrics file is empty"));
    assert_eq!(
        refusal("{\"r2\": 1, \"mse\": 2}"),
        "the metrics file has no 'loss', the objective; it has r2, mse"
    );
    assert!(refusal("{}").ends_with("it has no keys at all"));
    assert_eq!(
        refusal("{\"loss\": \"0.5\"}"),
        "the objective 'loss' is the text \"0.5\", not a number; write it without the quotes, as \
         float(value)"
    );
    assert_eq!(
        refusal("{\"loss\": null}"),
        "the objective 'loss' is null, not a number"
    );
    assert!(refusal("{\"loss\": true}").contains("is true, not a number"));
    assert!(
        refusal("{\"loss\": [0.5]}").contains("a list of 1 items, not a number; write its one")
    );
    assert!(refusal("{\"loss\": {\"a\": 1}}").contains("an object of 1 entries"));
    assert!(refusal("{\"loss\": NaN}").starts_with("the objective 'loss' is NaN"));
    assert!(refusal("[{\"loss\": 1}]").contains("holds a list of 1 items; it must hold one JSON"));
    assert!(refusal("0.5").contains("holds the number 0.5"));
}

#[test]
fn cs_105_broken_json_is_told_with_its_place() {
    let cases = [
        (
            "{\"loss\": 0.5",
            "line 1, column 13: the text ends where a comma or '}'",
        ),
        (
            "{\n  \"ä\": 1,\n  \"ä\" 0.5}",
            "line 3, column 7: a colon should be here, not '0'",
        ),
        (
            "{'loss': 0.5}",
            "line 1, column 2: a name in double quotes should be here, not a single",
        ),
        (
            "{\"loss\": 0.5,}",
            "line 1, column 14: JSON has no comma before the closing bracket",
        ),
        (
            "{\"loss\": None}",
            "line 1, column 10: None is Python, not JSON",
        ),
        (
            "{\"loss\": nan}",
            "line 1, column 10: a value should be here, not 'n'",
        ),
        (
            "{\"loss\": 0.5} x",
            "line 1, column 15: something follows the end",
        ),
        (
            "{\"loss\": 01}",
            "line 1, column 11: a number has no leading zeros",
        ),
        (
            "{\"loss\": .5}",
            "line 1, column 10: a value should be here, not '.'",
        ),
        (
            "{\"loss\": 1.}",
            "line 1, column 12: a digit should be here, not '}'",
        ),
        (
            "{\"loss",
            "line 1, column 2: the text that starts here has no end",
        ),
        (
            "{\"a\\x\": 1}",
            "line 1, column 5: one of \"\\/bfnrtu after a backslash",
        ),
        (
            "{\"a\nb\": 1}",
            "line 1, column 4: a text holds a control character",
        ),
        ("loss: 0.5", "line 1, column 1: a value should be here"),
    ];
    for (text, wanted) in cases {
        let message = refusal(text);
        assert!(message.contains(wanted), "{text}: {message}");
    }
}

#[test]
fn what_is_no_utf_8_is_told_as_such() {
    assert!(refusal(b"{\"a\": 1,\n \"\xe4\": 2}").contains("not UTF-8 text: line 2, column 3"));
    assert!(refusal(b"\xff\xfe{\0").contains("UTF-16"));
}

#[test]
fn size_and_depth_are_limited() {
    let deep = |depth: usize| {
        format!(
            "{{\"loss\": 1, \"d\": {}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(parse_metrics(deep(63).as_bytes(), "loss").is_ok());
    assert!(refusal(deep(64)).contains("nested deeper than 64"));
    assert!(refusal("[".repeat(1_000_000)).contains("nested deeper"));
    let error = parse_metrics(&vec![b' '; LIMIT_BYTES + 1], "loss").expect_err("refused");
    assert!(matches!(error, MetricsError::TooLarge { .. }));
}

#[test]
fn many_or_long_keys_do_not_flood_the_message() {
    let entries: Vec<String> = (0..1000)
        .map(|k| format!("\"{}{k}\": 1", "x".repeat(500)))
        .collect();
    let message = refusal(format!("{{{}}}", entries.join(",")));
    assert!(
        message.len() < 2000 && message.ends_with("980 more"),
        "{message}"
    );
}

/// A JSON value as Python text and as ours, without anything that has no repr in JSON.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map| Value::Dict(
                map.into_iter()
                    .map(|(key, value)| (Value::from(key), value))
                    .collect()
            )),
        ]
    })
}

/// What Python's json.dumps writes for values, one a line, given their reprs.
fn dumped(values: &[Value]) -> Vec<String> {
    let script = "import sys, json, ast\n\
        env = {'nan': float('nan'), 'inf': float('inf'), '__builtins__': {}}\n\
        for line in sys.stdin.buffer.read().decode('utf-8').split('\\n')[:-1]:\n    \
            sys.stdout.buffer.write((json.dumps(eval(line, env)) + '\\n').encode())\n";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test");
    let mut input = String::new();
    for value in values {
        input += &norgay_core::python_text::repr_of(value);
        input.push('\n');
    }
    let mut stdin = python.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().expect("an end");
    writer.join().expect("a thread").expect("written");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_string).collect()
}

#[test]
fn what_python_dumps_is_read_as_it_was() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let values: Vec<Value> = (0..500)
        .map(|_| value().new_tree(&mut runner).expect("a value").current())
        .collect();
    for (value, text) in values.iter().zip(dumped(&values)) {
        let file = format!("{{\"loss\": 0.5, \"value\": {text}}}");
        let metrics = parse_metrics(file.as_bytes(), "loss").expect("metrics");
        // NaN differs from itself; its text does not.
        assert_eq!(
            format!("{:?}", metrics[1].1),
            format!("{value:?}"),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_metrics(&bytes, "loss");
    }

    #[test]
    fn no_json_like_text_makes_it_panic(text in "[{}\\[\\]\",:0-9eE.+\\-\\\\u dNaInfityrs]{0,60}") {
        let _ = parse_metrics(text.as_bytes(), "loss");
    }

    #[test]
    fn half_a_file_never_passes_for_a_whole_one(value in value(), cut in 0.0..1.0_f64) {
        let file = format!("{{\"loss\": 0.5, \"v\": {}}}", value.to_json());
        let end = (cut * (file.len() - 1) as f64) as usize;
        prop_assert!(parse_metrics(&file.as_bytes()[..end], "loss").is_err());
    }
}
