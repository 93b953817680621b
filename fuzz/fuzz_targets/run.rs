//! Files of recorded runs, as `plancache runs import` reads and learns from them.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::recording(input));
