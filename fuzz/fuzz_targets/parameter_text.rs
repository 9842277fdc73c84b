#![no_main]
//! The parameter text: parsed and evaluated.

use libfuzzer_sys::fuzz_target;
use norgay_core::Value;
use norgay_core::expression::parse_parameter_text;

fuzz_target!(|text: &str| {
    if let Ok(parsed) = parse_parameter_text(text) {
        let tp = [
            ("batch_size".into(), Value::Int(16)),
            ("learning_rate".into(), Value::Float(1e-5)),
            ("activation".into(), Value::from("relu")),
        ];
        let _ = parsed.evaluate(&tp);
    }
});
