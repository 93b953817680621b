//! Shadow mode's question: would the cache have done what the planner did?

use serde_json::{Map, Value};

use super::report::ShadowVerdict;
use crate::domain::{Call, EffectClass, NextStep, Outcome, TraceStep, canonical_hash};

/// What the cache would have said at one point of a run.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    /// Calls that were done before.
    pub(super) at: usize,
    /// The step, if it would have been served.
    pub(super) step: Option<NextStep>,
    /// The outcome.
    pub(super) outcome: Outcome,
}

/// Compares what the cache proposed with what the planner did. Effect-equal: the same canonical
/// calls of tools that change something, in their order, reads ignored. Runs that only read are
/// compared by all their calls.
pub(super) fn judge(
    proposals: &[Proposal],
    done: &[TraceStep],
    effect: impl Fn(&str) -> EffectClass,
) -> ShadowVerdict {
    let served = |proposal: &Proposal| {
        proposal.step.is_some() || matches!(proposal.outcome, Outcome::PlannerAnswer { .. })
    };
    if !proposals.first().is_some_and(served) {
        return ShadowVerdict::WouldHaveMissed;
    }
    let proposed = proposed(proposals);
    let done: Vec<&Call> = done.iter().map(|step| &step.call).collect();
    let whole = proposals.iter().all(served);
    if equal(&proposed, &done, &effect) && whole {
        return ShadowVerdict::WouldHaveHit;
    }
    // A write that the planner never made is wrong, whatever would have followed.
    let writes = effects(&done, &effect);
    let foreign = effects(&proposed, &effect).into_iter().any(|write| !writes.contains(&write));
    if whole || foreign { ShadowVerdict::WouldHaveBeenWrong } else { ShadowVerdict::Undecided }
}

/// Where a plan that is judged wrong parts from what the planner did: the first calls that differ,
/// by what is compared.
pub(super) fn parted(
    proposals: &[Proposal],
    done: &[TraceStep],
    effect: impl Fn(&str) -> EffectClass,
) -> (Option<Call>, Option<Call>) {
    let mut proposed = proposed(proposals);
    let mut done: Vec<&Call> = done.iter().map(|step| &step.call).collect();
    let writes = |call: &&Call| effect(&call.tool) != EffectClass::Read;
    if proposed.iter().chain(&done).any(writes) {
        proposed.retain(writes);
        done.retain(writes);
    }
    let same = proposed.iter().zip(&done).take_while(|(a, b)| canonical(a) == canonical(b)).count();
    let at = |calls: &[&Call]| calls.get(same).map(|call| (*call).clone());
    (at(&proposed), at(&done))
}

fn proposed(proposals: &[Proposal]) -> Vec<&Call> {
    let calls = proposals.iter().filter_map(|proposal| match &proposal.step {
        Some(NextStep::Calls(calls)) => Some(calls.as_slice()),
        _ => None,
    });
    calls.flatten().collect()
}

fn equal(a: &[&Call], b: &[&Call], effect: &impl Fn(&str) -> EffectClass) -> bool {
    let (writes_a, writes_b) = (effects(a, effect), effects(b, effect));
    if writes_a.is_empty() && writes_b.is_empty() {
        let all = |calls: &[&Call]| calls.iter().map(|call| canonical(call)).collect::<Vec<_>>();
        return all(a) == all(b);
    }
    writes_a == writes_b
}

fn effects(calls: &[&Call], effect: &impl Fn(&str) -> EffectClass) -> Vec<String> {
    calls.iter().filter(|call| effect(&call.tool) != EffectClass::Read).map(|call| canonical(call)).collect()
}

/// A call without its id, whatever the order of its arguments.
fn canonical(call: &Call) -> String {
    let mut content = Map::new();
    content.insert("tool".to_owned(), Value::String(call.tool.clone()));
    content.insert("arguments".to_owned(), Value::Object(call.arguments.clone()));
    canonical_hash(&Value::Object(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Miss;
    use serde_json::json;

    fn call(tool: &str, n: i64) -> Call {
        let arguments = json!({"n": n, "m": 0}).as_object().expect("an object").clone();
        Call { id: format!("{tool}{n}"), tool: tool.into(), arguments }
    }

    fn verdict(proposed: &[Option<Call>], done: &[Call]) -> ShadowVerdict {
        let proposals: Vec<Proposal> = proposed
            .iter()
            .enumerate()
            .map(|(at, call)| Proposal {
                at,
                step: call.clone().map(|call| NextStep::Calls(vec![call])),
                outcome: Outcome::Miss(Miss::NoCandidate),
            })
            .collect();
        let done: Vec<TraceStep> =
            done.iter().map(|call| TraceStep { call: call.clone(), observation: None }).collect();
        let class = |tool: &str| if tool == "read" { EffectClass::Read } else { EffectClass::Write };
        judge(&proposals, &done, class)
    }

    #[test]
    fn the_same_writes_are_a_hit_whatever_was_read() {
        let (read, write) = (call("read", 1), call("write", 1));
        let both = [Some(read.clone()), Some(write.clone())];
        assert_eq!(verdict(&both, &[read.clone(), write.clone()]), ShadowVerdict::WouldHaveHit);
        assert_eq!(
            verdict(&both, &[read.clone(), call("read", 2), write.clone()]),
            ShadowVerdict::WouldHaveHit
        );
        assert_eq!(verdict(&both, &[read.clone(), call("write", 2)]), ShadowVerdict::WouldHaveBeenWrong);
        assert_eq!(verdict(&both, std::slice::from_ref(&read)), ShadowVerdict::WouldHaveBeenWrong);
        assert_eq!(
            verdict(&[Some(write.clone()), Some(call("write", 2))], &[call("write", 2), write]),
            ShadowVerdict::WouldHaveBeenWrong,
            "order counts"
        );
    }

    #[test]
    fn runs_that_only_read_are_compared_whole() {
        let both = [Some(call("read", 1)), Some(call("read", 2))];
        assert_eq!(verdict(&both, &[call("read", 1), call("read", 2)]), ShadowVerdict::WouldHaveHit);
        assert_eq!(verdict(&both, &[call("read", 1)]), ShadowVerdict::WouldHaveBeenWrong);
    }

    #[test]
    fn what_cannot_be_known_is_undecided() {
        let part = [Some(call("read", 1)), None];
        assert_eq!(verdict(&part, &[call("read", 1), call("write", 1)]), ShadowVerdict::Undecided);
        assert_eq!(
            verdict(&[Some(call("write", 9)), None], &[call("write", 1)]),
            ShadowVerdict::WouldHaveBeenWrong,
            "a foreign write is wrong whatever follows"
        );
        assert_eq!(verdict(&[None], &[call("write", 1)]), ShadowVerdict::WouldHaveMissed);
        assert_eq!(verdict(&[], &[]), ShadowVerdict::WouldHaveMissed);
    }
}
