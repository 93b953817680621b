//! How many cases property tests take.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// Few cases, always the same ones: `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for others.
pub(crate) fn few(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let given = |name| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if given("PROPTEST_CASES") { asked.cases } else { cases },
        rng_seed: if given("PROPTEST_RNG_SEED") { asked.rng_seed } else { RngSeed::Fixed(7) },
        failure_persistence: None,
        ..asked
    }
}
