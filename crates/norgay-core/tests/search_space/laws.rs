//! Laws that hold for every domain.

use norgay_core::space::{Domain, Scale};
use norgay_core::value::Value;
use proptest::prelude::*;

fn continuous() -> impl Strategy<Value = Domain> {
    let linear = (-1e12_f64..1e12, 0.0_f64..1e12).prop_map(|(low, width)| Domain::Continuous {
        low,
        high: low + width,
        scale: Scale::Linear,
        step: None,
    });
    let log = (-280.0_f64..280.0, 0.0_f64..20.0).prop_map(|(exponent, width)| {
        let low = 10.0_f64.powf(exponent);
        let high = low * 10.0_f64.powf(width);
        Domain::Continuous {
            low,
            high,
            scale: Scale::Log,
            step: None,
        }
    });
    let stepped = (-1e6_f64..1e6, -6_i32..6, 1_u32..10, 0.0_f64..1e6).prop_map(
        |(low, exponent, digit, steps)| {
            let step = f64::from(digit) * 10.0_f64.powi(exponent);
            let (high, scale) = (low + steps * step, Scale::Linear);
            Domain::Continuous {
                low,
                high,
                scale,
                step: Some(step),
            }
        },
    );
    let whole = Just(Domain::Continuous {
        low: f64::MIN,
        high: f64::MAX,
        scale: Scale::Linear,
        step: None,
    });
    prop_oneof![4 => linear, 4 => log, 4 => stepped, 1 => whole]
}

/// Discrete domains whose values a place can tell apart.
fn discrete() -> impl Strategy<Value = Domain> {
    let linear = (any::<i64>(), 0_i64..1 << 40, prop::option::of(1_i64..1000)).prop_map(
        |(low, width, step)| Domain::Discrete {
            low,
            high: low.saturating_add(width),
            scale: Scale::Linear,
            step,
        },
    );
    let log = (1_i64..1 << 20, 0_i64..1 << 40).prop_map(|(low, width)| Domain::Discrete {
        low,
        high: low + width,
        scale: Scale::Log,
        step: None,
    });
    prop_oneof![linear, log]
}

fn listed() -> impl Strategy<Value = Domain> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        (-1e9_f64..1e9).prop_map(Value::Float),
        "[a-z]{0,3}".prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        prop::collection::vec(0_i64..4, 0..3).prop_map(|items| items
            .into_iter()
            .map(Value::Int)
            .collect::<Vec<_>>()
            .into()),
    ];
    let distinct = prop::collection::vec(value, 1..12).prop_map(|mut values| {
        let mut kept: Vec<Value> = Vec::new();
        values.retain(|value| {
            let new = !kept.contains(value);
            kept.push(value.clone());
            new
        });
        values
    });
    prop_oneof![
        distinct
            .clone()
            .prop_map(|values| Domain::Choice { values }),
        distinct.prop_map(|values| Domain::Ordinal { values }),
    ]
}

fn any_domain() -> impl Strategy<Value = Domain> {
    prop_oneof![continuous(), discrete(), listed()]
}

fn place() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0_f64..=1.0, 1 => Just(0.0), 1 => Just(1.0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_place_gives_a_value_of_the_domain(domain in any_domain(), place in place()) {
        let value = domain.at(place);
        prop_assert!(domain.contains(&value), "{value:?}");
        prop_assert_eq!(domain.normalised(&value), Some(value));
    }

    #[test]
    fn odd_places_give_values_too(domain in any_domain(), place in any::<f64>()) {
        prop_assert!(domain.contains(&domain.at(place)));
    }

    #[test]
    fn a_countable_value_is_found_at_its_place(
        domain in prop_oneof![discrete(), listed()],
        place in place(),
    ) {
        let value = domain.at(place);
        let found = domain.place_of(&value).expect("a value of the domain");
        prop_assert!((0.0..=1.0).contains(&found));
        prop_assert_eq!(domain.at(found), value);
    }

    #[test]
    fn a_continuous_value_is_found_near_its_place(domain in continuous(), place in place()) {
        let Domain::Continuous { low, high, step, .. } = domain else { unreachable!() };
        let value = domain.at(place);
        let found = domain.place_of(&value).expect("a value of the domain");
        prop_assert!((0.0..=1.0).contains(&found));
        if step.is_some() {
            prop_assert_eq!(domain.at(found), value);
        } else if (high - low) > 1e-3 * low.abs() {
            prop_assert!((found - place).abs() < 1e-9, "{found} for {place}");
        }
    }

    #[test]
    fn greater_places_give_no_smaller_numbers(
        domain in prop_oneof![continuous(), discrete()],
        places in [place(), place()],
    ) {
        let [a, b] = places;
        let (low, high) = (domain.at(a.min(b)), domain.at(a.max(b)));
        prop_assert!(low.as_f64() <= high.as_f64(), "{low:?} {high:?}");
    }

    #[test]
    fn the_nearest_number_is_inside(
        domain in prop_oneof![continuous(), discrete()],
        number in prop_oneof![any::<f64>(), -1e13_f64..1e13],
    ) {
        match domain.nearest(number) {
            Some(value) => prop_assert!(domain.contains(&value), "{value:?}"),
            None => prop_assert!(number.is_nan()),
        }
    }

    #[test]
    fn a_number_of_the_domain_is_its_own_nearest(domain in continuous(), place in place()) {
        let value = domain.at(place);
        let number = value.as_f64().expect("a number");
        prop_assert_eq!(domain.nearest(number), Some(value));
    }

    #[test]
    fn countable_values_are_numbered_in_order(domain in any_domain(), part in 0.0_f64..1.0) {
        let Some(count) = domain.cardinality() else { return Ok(()) };
        let index = ((count as f64 * part) as u64).min(count - 1);
        let value = domain.nth(index).expect("an index below the number of values");
        prop_assert!(domain.contains(&value));
        prop_assert_eq!(domain.nth(count), None);
        if domain.is_numeric() && index + 1 < count {
            let next = domain.nth(index + 1).expect("the next value");
            prop_assert!(value.as_f64() <= next.as_f64());
            prop_assert_ne!(value, next);
        }
    }
}

#[test]
fn both_ends_of_every_numeric_domain_are_reached() {
    let domains = [
        Domain::Continuous {
            low: 1e-4,
            high: 0.1,
            scale: Scale::Log,
            step: None,
        },
        Domain::Continuous {
            low: -3.0,
            high: 7.5,
            scale: Scale::Linear,
            step: None,
        },
        Domain::Continuous {
            low: 0.0,
            high: 0.3,
            scale: Scale::Linear,
            step: Some(0.1),
        },
    ];
    for domain in domains {
        let Domain::Continuous { low, high, .. } = domain else {
            unreachable!()
        };
        assert_eq!(domain.at(0.0), Value::Float(low));
        assert_eq!(domain.at(1.0), Value::Float(high));
    }
}
