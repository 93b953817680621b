//! A recording as a world: what was called there is answered as it was answered there, and with
//! any other call the recording is left and the run is over.

use std::sync::Arc;

use plancache::domain::{TraceStep, canonical_hash};
use serde_json::{Map, Value, json};

use crate::agent::Environment;
use crate::tokens::observation_text;

/// What a call is answered that the recording does not have.
pub const OFF_THE_RECORDING: &str = "Error: off the recording: this call was not made there";

/// A recording, as far as it was repeated.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    recorded: Arc<Vec<(String, String)>>,
    repeated: Vec<bool>,
    last: Arc<Vec<String>>,
    left: bool,
}

impl Replay {
    /// A recording of these steps, of which the tools `last` end the run. Calls may be repeated in
    /// any order; one that was made several times is answered in the order of its answers.
    pub fn new(steps: &[TraceStep], last: impl IntoIterator<Item = String>) -> Self {
        let recorded: Vec<_> = steps
            .iter()
            .map(|step| {
                let answer = step.observation.as_ref().map(observation_text).unwrap_or_default();
                (key(&step.call.tool, &step.call.arguments), answer)
            })
            .collect();
        let repeated = vec![false; recorded.len()];
        Self {
            recorded: Arc::new(recorded),
            repeated,
            last: Arc::new(last.into_iter().collect()),
            left: false,
        }
    }
}

impl Environment for Replay {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        let key = key(tool, arguments);
        let same = || self.recorded.iter().enumerate().filter(|(_, (call, _))| *call == key);
        let next = same().find(|(at, _)| !self.repeated[*at]).or_else(|| same().next_back());
        match next.map(|(at, (_, answer))| (at, answer.clone())) {
            Some((at, answer)) => {
                self.repeated[at] = true;
                answer
            }
            None => {
                self.left = true;
                OFF_THE_RECORDING.to_owned()
            }
        }
    }

    fn ends_run(&self, tool: &str) -> bool {
        self.left || self.last.iter().any(|last| last == tool)
    }
}

/// Equal for calls of the same tool with the same arguments, whatever their order.
fn key(tool: &str, arguments: &Map<String, Value>) -> String {
    canonical_hash(&json!([tool, arguments]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache::domain::{Call, Observation};

    fn step(tool: &str, argument: u32, answer: &str) -> TraceStep {
        let arguments = json!({"n": argument, "m": 0}).as_object().cloned().unwrap();
        let call = Call { id: "c".into(), tool: tool.into(), arguments };
        TraceStep { call, observation: Some(Observation::from_text(answer)) }
    }

    fn said(replay: &mut Replay, tool: &str, argument: u32) -> String {
        replay.call(tool, json!({"m": 0, "n": argument}).as_object().unwrap())
    }

    #[test]
    fn what_was_called_there_is_answered_as_there_in_any_order() {
        let steps = [step("look", 1, "{\"a\": 1}"), step("look", 2, "two"), step("look", 1, "later")];
        let mut replay = Replay::new(&steps, []);
        assert_eq!(said(&mut replay, "look", 2), "two");
        assert_eq!(said(&mut replay, "look", 1), "{\"a\": 1}");
        assert_eq!(said(&mut replay, "look", 1), "later");
        assert_eq!(said(&mut replay, "look", 1), "later");
        assert!(!replay.ends_run("look"));
    }

    #[test]
    fn any_other_call_ends_the_run_and_so_does_a_tool_that_is_said_to() {
        let mut replay = Replay::new(&[step("look", 1, "one")], ["stop".to_owned()]);
        assert!(replay.ends_run("stop") && !replay.ends_run("look"));
        assert_eq!(said(&mut replay, "look", 3), OFF_THE_RECORDING);
        assert!(replay.ends_run("look"));
    }
}
