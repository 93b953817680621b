//! Where the tests with a real model find it.

use std::io::Write;
use std::path::PathBuf;

use plancache::models::{Catalogue, default_model_dir};

/// Whether tests with real models run; says so if they do not.
pub(crate) fn models_are_tested() -> bool {
    let skipped = std::env::var("PLANCACHE_SKIP_MODEL").is_ok_and(|skip| skip == "1");
    if skipped {
        // Past the harness, which keeps what a passing test prints to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: PLANCACHE_SKIP_MODEL=1, no local model is tested");
    }
    !skipped
}

/// The file of the catalogue's default model; `None` if the tests that need it are skipped.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn model_file() -> Option<PathBuf> {
    if !models_are_tested() {
        return None;
    }
    let catalogue = Catalogue::builtin().unwrap();
    let model = catalogue.find(None).unwrap();
    let dir = default_model_dir().unwrap();
    let file = model.locate(&dir);
    Some(file.unwrap_or_else(|| {
        panic!(
            "the model is neither in {} nor in PLANCACHE_MODEL_DIR: run `make model`, or skip these tests \
             with PLANCACHE_SKIP_MODEL=1",
            dir.display()
        )
    }))
}
