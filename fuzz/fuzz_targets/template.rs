//! Template files, as `plancache plans import` reads them.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &str| checks::template_file(input));
