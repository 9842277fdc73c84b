#![no_main]
//! A flag file.

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|text: &str| {
    let read = |path: &str| match path {
        "flags.txt" => Ok(text.to_string()),
        _ => Err("there is no such file".to_string()),
    };
    let arguments = ["--flagfile=flags.txt".to_string()];
    let folder = Path::new("/nonexistent");
    let _ = norgay_engine::config::read_flags(&arguments, &read, "host", folder);
});
