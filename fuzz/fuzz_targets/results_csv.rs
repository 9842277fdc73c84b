#![no_main]
//! A table of results, read and written again.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(table) = norgay_engine::results::read_results(bytes) {
        let _ = table.to_csv();
    }
});
