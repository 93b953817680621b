//! What a planner's endpoint needs.

use super::{Check, bad, good, note};
use crate::config::Config;
use crate::proxy::{Finding, probe};

pub(super) fn checks(config: &Config, model: &str, checks: &mut Vec<Check>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(probe(&config.proxy, model)).map_err(|e| super::super::chain(&e))
    });
    match found {
        Ok(findings) => checks.extend(findings.into_iter().map(check)),
        Err(why) => checks.push(bad("upstream", why, "correct the settings under [proxy.upstreams]")),
    }
}

fn check(finding: Finding) -> Check {
    let Finding { what, good: is_good, found, remedy } = finding;
    match remedy {
        Some(remedy) if is_good => note(what, found, remedy),
        Some(remedy) => bad(what, found, remedy),
        None => good(what, found),
    }
}
