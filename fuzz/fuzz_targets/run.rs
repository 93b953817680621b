//! Lines of recorded runs, as `plancache runs import` reads and learns from them.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &str| {
    if let Some(line) = input.lines().find(|line| !line.trim().is_empty()) {
        checks::run_line(line);
    }
});
