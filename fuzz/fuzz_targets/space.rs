#![no_main]
//! A search space in any of its written forms.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((space, _)) = norgay_engine::config::read_space(text, "space") {
        let places = vec![0.5; space.parameters().len()];
        let _ = space.is_feasible(&space.at(&places));
    }
});
