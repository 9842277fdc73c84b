#![no_main]
//! A study file.

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|text: &str| {
    let _ = norgay_engine::config::read_study(text, "study.yaml", Path::new("/nonexistent"));
});
