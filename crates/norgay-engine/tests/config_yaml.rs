//! YAML 1.2 with places, bounded, and equal to JSON where the text is JSON.
#![allow(clippy::unwrap_used)]

use norgay_core::{NodeKind, Place, Value};
use norgay_engine::config::yaml::{MAX_YAML_BYTES, YamlProblem, read_yaml};
use proptest::prelude::*;

fn value(text: &str) -> Value {
    read_yaml(text).unwrap().value()
}

fn problem(text: &str) -> (Place, YamlProblem) {
    let error = read_yaml(text).unwrap_err();
    (error.place.unwrap_or(NOWHERE), error.problem)
}

const NOWHERE: Place = Place { line: 0, column: 0 };

fn at(line: u32, column: u32) -> Place {
    Place { line, column }
}

#[test]
fn the_core_schema_of_1_2_decides_what_a_plain_scalar_is() {
    for text in [
        "y", "n", "on", "off", "no", "yes", "1:30", "1_000", "0b1", "+-5", "0x", "e5",
    ] {
        assert_eq!(value(text), Value::from(text), "{text}");
    }
    for text in [
        ".",
        "-",
        "1e",
        "1.2.3",
        "nan",
        "inf",
        ".infinity",
        "--1",
        "0xg",
        "None",
    ] {
        let text = format!("[{text}]").replace("[-]", "['-']");
        let item = value(&text);
        assert_eq!(item.as_items().unwrap()[0].type_name(), "text", "{text}");
    }
    let floats = [
        ("1e-4", 1e-4),
        ("1.0e-4", 1e-4),
        ("1E+2", 100.0),
        (".5", 0.5),
        ("-1.", -1.0),
    ];
    for (text, number) in floats {
        assert_eq!(value(text), Value::Float(number), "{text}");
    }
    assert_eq!(value("0x1F"), Value::Int(31));
    assert_eq!(value("0o17"), Value::Int(15));
    assert_eq!(value("007"), Value::Int(7));
    assert_eq!(value("-.inf"), Value::Float(f64::NEG_INFINITY));
    assert!(matches!(value(".nan"), Value::Float(number) if number.is_nan()));
    assert_eq!(value("~"), Value::None);
    assert_eq!(value(""), Value::None);
    assert_eq!(value("TRUE"), Value::Bool(true));
    assert_eq!(
        value("9223372036854775808"),
        Value::Float(9_223_372_036_854_775_808.0)
    );
    assert!(matches!(problem("[1e999]").1, YamlProblem::Number(_)));
}

#[test]
fn quotes_and_blocks_make_text() {
    assert_eq!(value("'1'"), Value::from("1"));
    assert_eq!(value("\"null\""), Value::from("null"));
    assert_eq!(value("|\n  1\n  2\n"), Value::from("1\n2\n"));
    assert_eq!(
        value("[x, y]"),
        Value::from(vec![Value::from("x"), Value::from("y")])
    );
}

#[test]
fn every_part_has_its_place_in_characters() {
    let root = read_yaml(
        "# comment\nlr:\n  range: [ä, 2]\n'b': *x\n"
            .replace("*x", "3")
            .as_str(),
    );
    let root = root.unwrap();
    assert_eq!(root.place, Place { line: 2, column: 1 });
    let entries = root.as_entries().unwrap();
    let inner = entries[0].1.as_entries().unwrap();
    assert_eq!(inner[0].0.place, Place { line: 3, column: 3 });
    let items = inner[0].1.as_items().unwrap();
    assert_eq!(
        items[0].place,
        Place {
            line: 3,
            column: 11
        }
    );
    assert_eq!(
        items[1].place,
        Place {
            line: 3,
            column: 14
        }
    );
    assert_eq!(entries[1].1.place, Place { line: 4, column: 6 });
}

#[test]
fn keys_that_occur_twice_are_both_kept() {
    let root = read_yaml("a: 1\nb: 2\na: 3\n").unwrap();
    let NodeKind::Dict(entries) = &root.kind else {
        panic!()
    };
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2].0.place, Place { line: 3, column: 1 });
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let text = "base: &b {type: continuous, range: [0, 1]}\nlr: {<<: *b, range: [1, 2]}\nm: *b\n";
    let root = value(text);
    let lr = root.get("lr").unwrap();
    assert_eq!(lr.get("type"), Some(&Value::from("continuous")));
    assert_eq!(
        lr.get("range").unwrap().as_items().unwrap()[0],
        Value::Int(1)
    );
    assert_eq!(lr.as_pairs().unwrap().len(), 2);
    assert_eq!(root.get("m"), root.get("base"));
    let several = value("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n");
    assert_eq!(several.get("c").unwrap().get("x"), Some(&Value::Int(1)));
    assert_eq!(several.get("c").unwrap().get("y"), Some(&Value::Int(2)));
    assert_eq!(value("{'<<': 1}").get("<<"), Some(&Value::Int(1)));
    assert_eq!(problem("{<<: 1}"), (at(1, 6), YamlProblem::Merge));
}

#[test]
fn what_could_do_harm_is_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        let items = before.trim_end_matches(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{items}]\n");
    }
    assert_eq!(problem(&bomb).1, YamlProblem::TooMany);
    assert_eq!(problem(&"[".repeat(500_000)).1, YamlProblem::TooDeep);
    assert_eq!(problem(&"- ".repeat(500_000)).1, YamlProblem::TooDeep);
    assert_eq!(problem(&"{a: ".repeat(100_000)).1, YamlProblem::TooDeep);
    let mut nested = String::from("a0: &a0 [x]\n");
    for level in 1..70 {
        nested = format!("{nested}a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert_eq!(problem(&nested).1, YamlProblem::TooDeep);
    assert_eq!(problem("a: &x [1, *x]").1, YamlProblem::SelfReference);
    assert_eq!(problem("a: !!python/object:os.system x").0, at(1, 4));
    assert!(matches!(problem("a: !!str 1").1, YamlProblem::Tag(_)));
    assert_eq!(problem("a: 1\n---\nb: 2\n").1, YamlProblem::SecondDocument);
    assert_eq!(problem("? [1]\n: 2\n").1, YamlProblem::Key);
    assert!(matches!(problem("a: [1\nb: 2").1, YamlProblem::Syntax(_)));
    assert!(matches!(problem("*nothing").1, YamlProblem::Syntax(_)));
    assert_eq!(
        problem(&" ".repeat(MAX_YAML_BYTES + 1)).1,
        YamlProblem::TooLong(MAX_YAML_BYTES + 1)
    );
}

#[test]
fn an_escaped_surrogate_pair_is_json_but_not_yaml() {
    assert_eq!(
        value(r#"{"a\/b": "\u00e9"}"#).get("a/b"),
        Some(&Value::from("\u{e9}"))
    );
    assert!(matches!(
        problem(r#"["\ud83d\ude00"]"#),
        (Place { line: 1, .. }, YamlProblem::Syntax(_))
    ));
}

#[test]
fn a_second_document_of_nothing_is_fine_with_an_end_marker() {
    assert_eq!(value("---\na: 1\n...\n").get("a"), Some(&Value::Int(1)));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "[a-z:#,\\[\\]{}&*!|>'\"%@` .0-9<-]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_as_serde_json_reads_it(json in json()) {
        for text in [serde_json::to_string(&json).unwrap(),
                     serde_json::to_string_pretty(&json).unwrap(),
                     serde_json::to_string_pretty(&json).unwrap().replace("\n  ", "\n\t")] {
            let expected: Value = serde_json::from_str(&text).unwrap();
            let found = read_yaml(&text);
            prop_assert!(found.is_ok(), "{text}\n{found:?}");
            prop_assert_eq!(found.unwrap().value(), expected, "{}", text);
        }
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_yaml(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces_of_yaml_in_any_order_never_panic(
        pieces in prop::collection::vec(prop::sample::select(&[
            "- ", "a: ", "? ", ": ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "|\n",
            ">-\n",
            "|2\n", "'", "\"", "\\", "#", "&a ", "*a", "!t ", "!!str ", "<<: ", "---", "...", "\t",
            "%YAML 1.2\n", "%TAG ! x\n", "x", "1", "\r\n", "\u{feff}", "\0", "@",
        ][..]), 0..40)
    ) {
        let _ = read_yaml(&pieces.concat());
    }

    #[test]
    fn texts_of_yaml_characters_never_panic(
        text in "[a-c:#,\\[\\]{}&*!|>'\"%@`?.0-9 \n\r\t<\u{feff}\u{85}\\\\-]{0,200}"
    ) {
        let _ = read_yaml(&text);
    }
}
