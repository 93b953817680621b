//! Programs of every language, with another value for each of theirs.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| checks::program(input.0, input.1));
