//! Sizes and depths: hostile texts cost neither stack, memory nor time.

use std::sync::Arc;
use std::thread;

use norgay_core::Value;
use norgay_core::expression::{
    MAX_DEPTH, MAX_LITERAL_BYTES, MAX_RESULT_BYTES, MAX_TEXT_BYTES, Predicate, Problem,
    parse_literal, parse_literal_row, parse_parameter_text,
};

/// Runs on a thread with half of the usual stack, where an overflow would show first.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .stack_size(1024 * 1024)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap();
}

fn nested(open: &str, inside: &str, close: &str, levels: usize) -> String {
    format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
}

/// Ways to nest: what opens a level, what stands inside all, what closes a level.
const NESTINGS: [(&str, &str, &str); 8] = [
    ("[", "", "]"),
    ("(", "1", ")"),
    ("(", "1", ",)"),
    ("{'a':", "1", "}"),
    ("str(", "1", ")"),
    ("- ", "(1)", ""),
    ("1+2*(", "1", ")"),
    ("round(1.5, [", "", "])"),
];

#[test]
fn nesting_is_limited_and_needs_little_stack() {
    on_a_small_stack(|| {
        for (open, inside, close) in NESTINGS {
            let text = format!(
                "{{'a': {}}}",
                nested(open, inside, close, 10_000 / open.len())
            );
            assert!(text.len() <= MAX_TEXT_BYTES);
            let error = parse_parameter_text(&text).unwrap_err();
            assert_eq!(
                error.problem,
                Problem::TooDeep { limit: MAX_DEPTH },
                "{open}"
            );
        }
        for open in ["[", "(", "{'a':", "not ", "- "] {
            let text = open.repeat(60_000 / open.len());
            let error = Predicate::parse(&text).unwrap_err();
            assert_eq!(
                error.problem,
                Problem::TooDeep { limit: MAX_DEPTH },
                "{open}"
            );
        }
    });
}

#[test]
fn a_hundred_thousand_brackets_are_an_error() {
    on_a_small_stack(|| {
        for open in ["[", "(", "{", "{1:", "[{'a':("] {
            let text = open.repeat(100_000 / open.len());
            let row = parse_literal_row(&text).unwrap_err();
            let one = parse_literal(&text).unwrap_err();
            assert_eq!(row, one);
            if open != "{" {
                assert_eq!(one.problem, Problem::TooDeep { limit: MAX_DEPTH }, "{open}");
            }
        }
        let closed = nested("[", "", "]", 100_000);
        assert!(parse_literal(&closed).is_err());
        assert!(parse_parameter_text(&closed).is_err());
    });
}

#[test]
fn the_deepest_allowed_text_is_evaluated_on_a_small_stack() {
    on_a_small_stack(|| {
        let list = nested("[", "", "]", MAX_DEPTH);
        assert!(parse_literal(&list).is_ok());
        assert!(parse_literal(&nested("[", "", "]", MAX_DEPTH + 1)).is_err());
        let all_levels = nested(
            "(0 + 1 * -",
            "(1)",
            " < 9 and True or False)",
            MAX_DEPTH / 2 - 1,
        );
        let predicate = Predicate::parse(&format!("1 < {all_levels}")).unwrap();
        assert!(predicate.holds(&|_| None).is_ok());
        let text = format!(
            "{{'a': {}}}",
            nested("[min(0 + ", "1", ", 1)]", MAX_DEPTH / 2 - 1)
        );
        assert!(parse_parameter_text(&text).unwrap().evaluate(&[]).is_err());
        let text = format!("{{'a': {}}}", nested("str([", "1", "])", 15));
        let result = parse_parameter_text(&text).unwrap().evaluate(&[]);
        assert!(result.is_ok(), "{result:?}");
    });
}

#[test]
fn ten_megabytes_are_an_error() {
    on_a_small_stack(|| {
        for piece in ["[", "a", "1+", "{'a': 1}, ", " ", "'", "\n", "é"] {
            let text = piece.repeat(10_000_000 / piece.len());
            let too_long = |limit| Problem::TextTooLong {
                length: text.len(),
                limit,
            };
            let error = parse_parameter_text(&text).unwrap_err();
            assert_eq!(error.problem, too_long(MAX_TEXT_BYTES));
            assert_eq!(
                Predicate::parse(&text).unwrap_err().problem,
                too_long(MAX_TEXT_BYTES)
            );
            assert_eq!(
                parse_literal(&text).unwrap_err().problem,
                too_long(MAX_LITERAL_BYTES)
            );
            assert_eq!(
                parse_literal_row(&text).unwrap_err().problem,
                too_long(MAX_LITERAL_BYTES)
            );
        }
    });
}

#[test]
fn a_long_sum_is_not_deep() {
    on_a_small_stack(|| {
        let numbers = format!("{{'a': 0{}}}", "+1".repeat(30_000));
        let result = parse_parameter_text(&numbers)
            .unwrap()
            .evaluate(&[])
            .unwrap();
        assert_eq!(result, [("a".to_owned(), Value::Int(30_000))]);
        let texts = format!("{{'a': ''{}}}", "+'b'".repeat(16_000));
        let result = parse_parameter_text(&texts).unwrap().evaluate(&[]).unwrap();
        assert_eq!(result[0].1.as_text().map(str::len), Some(16_000));
        let logic = format!("a{}", " or a".repeat(13_000));
        assert_eq!(
            Predicate::parse(&logic)
                .unwrap()
                .holds(&|_| Some(false.into())),
            Ok(false)
        );
        let chain = format!("1{}", "<=1".repeat(20_000));
        assert_eq!(Predicate::parse(&chain).unwrap().holds(&|_| None), Ok(true));
    });
}

#[test]
fn results_are_limited_before_memory_is_spent() {
    let long = Value::from("x".repeat(MAX_RESULT_BYTES / 2));
    let tp: Vec<(Arc<str>, Value)> = vec![
        ("t".into(), long.clone()),
        ("l".into(), Value::from(vec![Value::Int(1); 50_000])),
    ];
    for piece in [
        "tp['t'],",
        "str(tp['t']) + 'a',",
        "str([tp['t']]),",
        "tp['l'] + tp['l'],",
    ] {
        let text = format!("{{'a': [{}]}}", piece.repeat(60_000 / piece.len()));
        let error = parse_parameter_text(&text)
            .unwrap()
            .evaluate(&tp)
            .unwrap_err();
        assert!(
            matches!(error.problem, Problem::ResultTooLong { .. }),
            "{piece}: {error}"
        );
    }
    for expression in [
        "tp['t'] + tp['t'] + 'a'".to_owned(),
        format!("''{}", "+tp['t']".repeat(7_000)),
        format!("[]{}", "+tp['l']".repeat(7_000)),
        "str([tp['t'], tp['t'], tp['t']])".to_owned(),
        "[tp['t'], tp['t']]".to_owned(),
    ] {
        let text = format!("{{'a': {expression}}}");
        let error = parse_parameter_text(&text)
            .unwrap()
            .evaluate(&tp)
            .unwrap_err();
        assert!(
            matches!(error.problem, Problem::ResultTooLong { .. }),
            "{error}"
        );
    }
    let fits = parse_parameter_text("{'a': tp['t'] + 'x'}")
        .unwrap()
        .evaluate(&tp)
        .unwrap();
    assert_eq!(
        fits[0].1.as_text().map(str::len),
        Some(MAX_RESULT_BYTES / 2 + 1)
    );
}

#[test]
fn many_keys_take_little_time() {
    let numbers = || (0..5_000).map(|number| format!("{number:x}"));
    let entries: Vec<String> = numbers().map(|key| format!("'{key}':1")).collect();
    let text = format!("{{{}}}", entries.join(","));
    assert_eq!(
        parse_parameter_text(&text)
            .unwrap()
            .evaluate(&[])
            .unwrap()
            .len(),
        5_000
    );
    let names: Vec<String> = numbers().map(|name| format!("a{name}")).collect();
    let predicate = Predicate::parse(&names.join(" or ")).unwrap();
    assert_eq!(predicate.names().len(), 5_000);
}
