//! Search spaces: domains and their places, declarations, conditions and constraints.
#![allow(clippy::unwrap_used)]

#[path = "space/columns.rs"]
mod columns;
#[path = "space/declarations.rs"]
mod declarations;
#[path = "space/domains.rs"]
mod domains;
#[path = "space/structure.rs"]
mod structure;

use norgay_core::Value;
use norgay_core::space::{Domain, Scale};

fn continuous(low: f64, high: f64, scale: Scale, step: Option<f64>) -> Domain {
    Domain::Continuous {
        low,
        high,
        scale,
        step,
    }
}

fn discrete(low: i64, high: i64, scale: Scale, step: Option<i64>) -> Domain {
    Domain::Discrete {
        low,
        high,
        scale,
        step,
    }
}

fn choice(values: &[&str]) -> Domain {
    Domain::Choice {
        values: texts(values),
    }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}
