#![no_main]
//! A trial's metrics file.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = norgay_engine::metrics_file::parse_metrics(bytes, "loss");
});
