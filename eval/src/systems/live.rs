use plancache_agents::endpoint::{EndpointError, EndpointPlanner, EndpointSettings};
use tower::ServiceExt;

use super::{Metered, PlannerError};

/// The environment variable that holds the key of a live planner's endpoint.
pub const KEY: &str = "PLANCACHE_PLANNER_KEY";

/// Planning calls that a run is given, as in the founding paper (arXiv 2506.14852).
const ROUNDS: usize = 10;

/// The longest reply, in tokens: a small model may not find an end.
const LONGEST: u32 = 500;

/// A live model at an OpenAI-compatible endpoint, `URL#MODEL`, with this system prompt; `fixed` is
/// how many tokens each of its prompts begins with.
///
/// # Errors
/// When no model is named.
pub fn live(endpoint: &str, system: &str, fixed: u64) -> Result<Metered, String> {
    let (base_url, model) = endpoint
        .split_once('#')
        .filter(|(_, model)| !model.is_empty())
        .ok_or_else(|| format!("{endpoint:?} names no model; say it as http://localhost:8080/v1#MODEL"))?;
    let planner = EndpointPlanner::new(EndpointSettings {
        base_url: base_url.to_owned(),
        model: model.to_owned(),
        key: std::env::var(KEY).unwrap_or_default(),
        system: system.to_owned(),
        max_tokens: Some(LONGEST),
    });
    // What a model writes that is no step is its own fault, and ends the run; only an endpoint that
    // could not be asked is one of the machine.
    let told = |error: EndpointError| match error {
        EndpointError::Failed(why) => PlannerError::Failed(why),
        EndpointError::Answer(why) => PlannerError::OffScript(why),
    };
    Ok(Metered::new(planner.map_err(told), fixed).with_rounds(ROUNDS))
}
