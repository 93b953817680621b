//! Guards in CEL: what stands before the first line break is the guard, what follows an observation.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (guard, observed) = input.split_once('\n').unwrap_or((input, "null"));
    checks::guard(guard, &serde_json::from_str(observed).unwrap_or_default());
});
