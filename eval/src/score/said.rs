//! What a run says in the end.

use plancache::domain::Trace;
use plancache_agents::tokens::observation_text;

/// What stands before the answer where a planner was asked to mark it.
const MARKS: [&str; 2] = ["answer:", "answer is"];

/// What was said in the end.
pub(crate) struct Said {
    /// The answer, or without one what was observed last.
    pub(crate) text: String,
    /// Whether it was marked as the answer, so that it begins with it.
    pub(crate) marked: bool,
}

/// The answer of a run, from its last mark on if there is one.
pub(crate) fn said(trace: &Trace) -> Option<Said> {
    let whole = trace.answer.clone().filter(|text| !text.trim().is_empty()).or_else(|| {
        let last = trace.steps.last()?.observation.as_ref()?;
        (!last.failed).then(|| observation_text(last))
    })?;
    // Lower case of ASCII alone keeps the places of all characters.
    let lower = whole.to_ascii_lowercase();
    let after = MARKS.iter().filter_map(|mark| Some(lower.rfind(mark)? + mark.len())).max();
    let text = after.and_then(|at| whole.get(at..)).unwrap_or(&whole);
    // A minus as it is printed is one as it is computed.
    Some(Said { text: text.trim().replace('\u{2212}', "-"), marked: after.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plancache::domain::{Call, Observation, RunId, RunOutcome, TraceStep, Usage};
    use plancache_agents::import::task;

    fn run(answer: Option<&str>) -> Trace {
        let call = Call { id: "1".into(), tool: "t".into(), arguments: serde_json::Map::new() };
        Trace {
            run: RunId::new("r"),
            task: task("q".into(), Default::default()),
            steps: vec![TraceStep { call, observation: Some(Observation::from_text("42")) }],
            answer: answer.map(str::to_owned),
            outcome: RunOutcome::Unknown,
            usage: Usage::default(),
        }
    }

    #[test]
    fn a_mark_tells_the_answer_from_what_leads_to_it() {
        let text = |answer| said(&run(answer)).map(|said| (said.text, said.marked)).unwrap();
        assert_eq!(text(Some("The answer is 3? No.\nAnswer: 4 ")), ("4".into(), true));
        assert_eq!(text(Some("It is 4.")), ("It is 4.".into(), false));
        assert_eq!(text(Some("Answer: \u{2212}4")), ("-4".into(), true));
        assert_eq!(text(Some(" ")), ("42".into(), false));
        assert_eq!(text(None), ("42".into(), false));
    }
}
