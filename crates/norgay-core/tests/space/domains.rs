use norgay_core::Value;
use norgay_core::space::{Domain, Scale};
use proptest::prelude::*;

use crate::{choice, continuous, discrete};

/// Any domain that a declaration may give.
fn domain() -> impl Strategy<Value = Domain> {
    let linear = (-1e12..1e12_f64, 0.0..1e12_f64)
        .prop_map(|(low, width)| continuous(low, low + width, Scale::Linear, None));
    let log = (1e-12..1e6_f64, 1.0..1e12_f64)
        .prop_map(|(low, ratio)| continuous(low, low * ratio, Scale::Log, None));
    let stepped = (-1e6..1e6_f64, 0.0..1e9_f64, 1e-4..10.0_f64)
        .prop_map(|(low, width, step)| continuous(low, low + width, Scale::Linear, Some(step)));
    let whole = (-1_000_000..1_000_000_i64, 0..10_000_000_i64, 1..50_i64)
        .prop_map(|(low, width, step)| discrete(low, low + width, Scale::Linear, Some(step)));
    let whole_log = (1..1_000_000_i64, 0..10_000_000_i64)
        .prop_map(|(low, width)| discrete(low, low + width, Scale::Log, None));
    let ordinal = (1..20_i64).prop_map(|count| Domain::Ordinal {
        values: (0..count).map(Value::Int).collect(),
    });
    let listed = (1..20_i64).prop_map(|count| Domain::Choice {
        values: (0..count).map(|k| Value::from(format!("v{k}"))).collect(),
    });
    prop_oneof![linear, log, stepped, whole, whole_log, ordinal, listed]
}

fn close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())),
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn every_place_gives_a_value_inside(domain in domain(), place in 0.0..=1.0_f64) {
        let value = domain.at(place);
        prop_assert!(domain.contains(&value), "{domain:?} at {place}: {value}");
        prop_assert_eq!(domain.normalised(&value), Some(value));
    }

    #[test]
    fn a_value_and_its_place_belong_together(domain in domain(), place in 0.0..=1.0_f64) {
        let value = domain.at(place);
        let back = domain.place_of(&value).unwrap();
        prop_assert!((0.0..=1.0).contains(&back));
        prop_assert!(close(&domain.at(back), &value), "{domain:?}: {value}, place {back}");
    }

    #[test]
    fn places_are_in_the_order_of_numbers(domain in domain(), a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
        if domain.is_numeric() {
            let (low, high) = (domain.at(a.min(b)), domain.at(a.max(b)));
            prop_assert!(low.as_f64().unwrap() <= high.as_f64().unwrap());
        }
    }

    #[test]
    fn the_nearest_number_is_inside_and_nearest(
        domain in domain(),
        number in prop_oneof![-2e12..2e12_f64, any::<f64>()],
        place in 0.0..=1.0_f64,
    ) {
        match domain.nearest(number) {
            None => prop_assert!(number.is_nan() || !domain.is_numeric()),
            Some(nearest) => {
                prop_assert!(domain.contains(&nearest), "{domain:?}: {number} -> {nearest}");
                let distance = |value: &Value| (value.as_f64().unwrap() - number).abs();
                let other = domain.at(place);
                let slack = 1e-9 * (1.0 + number.abs());
                prop_assert!(distance(&nearest) <= distance(&other) + slack);
            }
        }
    }

    #[test]
    fn a_member_is_its_own_nearest(domain in domain(), place in 0.0..=1.0_f64) {
        let value = domain.at(place);
        if let Some(nearest) = value.as_f64().and_then(|number| domain.nearest(number)) {
            prop_assert!(close(&nearest, &value));
        }
    }
}

#[test]
fn cs_4_whole_numbers_have_equal_shares() {
    let domain = discrete(8, 32, Scale::Linear, None);
    assert_eq!(domain.at(0.0), Value::Int(8));
    assert_eq!(domain.at(1.0), Value::Int(32));
    assert_eq!(domain.at(0.999 / 25.0), Value::Int(8));
    assert_eq!(domain.at(1.001 / 25.0), Value::Int(9));
}

#[test]
fn cs_5_both_ends_of_a_log_scale_have_a_share() {
    let domain = discrete(1, 1000, Scale::Log, None);
    assert_eq!(domain.at(0.0), Value::Int(1));
    assert_eq!(domain.at(0.1), Value::Int(1));
    assert_eq!(domain.at(1.0), Value::Int(1000));
    assert_eq!(domain.at(0.99999), Value::Int(1000));
}

#[test]
fn cs_10_one_value_is_a_constant() {
    let domains = [
        continuous(2.0, 2.0, Scale::Linear, None),
        continuous(2.0, 2.0, Scale::Log, None),
        continuous(2.0, 2.0, Scale::Linear, Some(0.5)),
        discrete(2, 2, Scale::Linear, None),
        discrete(2, 2, Scale::Log, None),
        choice(&["only"]),
    ];
    for domain in domains {
        assert_eq!(domain.cardinality(), Some(1), "{domain:?}");
        let value = domain.at(0.3);
        assert_eq!(domain.at(0.9), value);
        assert!(
            domain
                .place_of(&value)
                .is_some_and(|place| (0.0..=1.0).contains(&place))
        );
    }
}

#[test]
fn the_ends_of_huge_ranges_do_not_overflow() {
    let wide = continuous(-f64::MAX, f64::MAX, Scale::Linear, None);
    assert_eq!(wide.at(1.0), Value::Float(f64::MAX));
    assert_eq!(wide.place_of(&Value::Float(0.0)), Some(0.5));
    assert_eq!(wide.nearest(f64::INFINITY), Some(Value::Float(f64::MAX)));
    let all = discrete(i64::MIN, i64::MAX, Scale::Linear, None);
    assert_eq!(all.at(0.0), Value::Int(i64::MIN));
    for value in [all.at(1.0), all.nearest(f64::INFINITY).unwrap()] {
        assert!(value.as_i64().unwrap() > i64::MAX - 10, "{value}");
    }
    assert_eq!(all.nearest(f64::NEG_INFINITY), Some(Value::Int(i64::MIN)));
    let neighbours = continuous(1.0, 1.0 + f64::EPSILON, Scale::Log, None);
    assert!(
        neighbours
            .place_of(&Value::Float(1.0))
            .is_some_and(|place| place >= 0.0)
    );
}

#[test]
fn not_a_number_is_never_inside_and_has_no_nearest() {
    for domain in [
        continuous(0.0, 1.0, Scale::Linear, None),
        continuous(0.0, 1.0, Scale::Linear, Some(0.1)),
        discrete(0, 9, Scale::Linear, None),
    ] {
        assert!(!domain.contains(&Value::Float(f64::NAN)));
        assert_eq!(domain.nearest(f64::NAN), None);
        assert_eq!(domain.place_of(&Value::Float(f64::NAN)), None);
    }
    let at = continuous(0.0, 1.0, Scale::Linear, None).at(f64::NAN);
    assert_eq!(at, Value::Float(0.5));
}

#[test]
fn steps_count_from_the_low_end() {
    let tenths = continuous(0.0, 0.3, Scale::Linear, Some(0.1));
    assert_eq!(tenths.cardinality(), Some(4));
    assert_eq!(tenths.at(1.0), Value::Float(0.3));
    assert!(tenths.contains(&Value::Float(0.1 + 0.2)) || 0.1 + 0.2 > 0.3);
    assert!(!tenths.contains(&Value::Float(0.15)));
    let odd = discrete(1, 10, Scale::Linear, Some(4));
    assert_eq!(odd.cardinality(), Some(3));
    assert_eq!(odd.at(1.0), Value::Int(9));
    assert_eq!(odd.nearest(100.0), Some(Value::Int(9)));
    assert!(!odd.contains(&Value::Int(10)));
    // Many fine steps: rounding is no reason to refuse.
    let fine = continuous(1e9 + 0.1, 1e9 + 1e3, Scale::Linear, Some(1e-3));
    for place in [0.1, 0.37, 0.5, 0.9999] {
        let value = fine.at(place);
        assert!(fine.contains(&value), "{value}");
    }
}

#[test]
fn values_come_back_in_the_domain_s_own_type() {
    let number = continuous(0.0, 2.0, Scale::Linear, None);
    assert_eq!(number.normalised(&Value::Int(1)), Some(Value::Float(1.0)));
    let whole = discrete(0, 2, Scale::Linear, None);
    assert_eq!(whole.normalised(&Value::Float(1.0)), Some(Value::Int(1)));
    assert_eq!(whole.normalised(&Value::Float(1.5)), None);
    assert_eq!(whole.normalised(&Value::Bool(true)), None);
    assert_eq!(choice(&["1"]).normalised(&Value::Int(1)), None);
}
