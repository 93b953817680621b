//! The next step of a run, from the decision that was made for it.

use serde_json::{Map, Value};

use super::lookup::{self, Decision};
use super::stands::{derived, is_constant, program_stands, stands};
use super::{Engine, Reply, reply};
use crate::domain::{
    Bypass, Call, Diverged, FilledBy, FilledSlot, Miss, NextStep, Outcome, PlanRequest, Served, TemplateId,
    fresh_call_id,
};
use crate::fill::{Plan, Played};
use crate::spans::lex;
use crate::validate;

/// Values that the filler may be asked for in one call.
const MOST_QUESTIONS: usize = 16;

impl Engine {
    /// Decides the next step of a run. Depends only on the request and on what is stored, so any
    /// replica can go on with any run; but for one of which the planner does a part (see
    /// [`Engine::part_done`]).
    pub async fn next(&self, request: &PlanRequest) -> Reply {
        let run = self.decision(request).await;
        let (decided, templates, slots) = match &run.decision {
            Decision::Plan { plan, templates, slots } => (plan, templates, slots),
            Decision::Miss(miss) => {
                let other_words =
                    matches!(miss, Miss::NoCandidate | Miss::NotCovered { .. } | Miss::NotActive { .. });
                let served = if other_words { self.by_program(request).await } else { None };
                return served.unwrap_or_else(|| reply(None, Outcome::Miss(miss.clone())));
            }
        };
        if let Some(tool) = decided.covers.iter().find_map(|blocks| lookup::forbidden(blocks, &self.policy)) {
            return reply(None, Outcome::Bypass(Bypass::Effect { tool }));
        }
        let decided = &*run.so_far(decided);
        let started = !request.history.is_empty();
        let mut written = Map::new();
        let mut asked: Vec<FilledSlot> = Vec::new();
        loop {
            let (played, plan) = match self.agreed(request, decided, &written) {
                Ok(agreed) => agreed,
                Err(what) if started => {
                    return reply(
                        None,
                        Outcome::Diverged(Diverged::Binding {
                            tool: String::new(),
                            argument: String::new(),
                            why: what,
                        }),
                    );
                }
                Err(what) => return reply(None, Outcome::Miss(Miss::Ambiguous { what })),
            };
            let templates = match &plan.covers[..] {
                // Where no reading was ruled out, the plan is the one that was decided.
                covers if covers.len() == decided.covers.len() => templates.clone(),
                covers => covers.first().map(|blocks| lookup::served(blocks, plan.loose)).unwrap_or_default(),
            };
            match played {
                Played::Open(open) if asked.len() < MOST_QUESTIONS => {
                    match self.ask(request, &plan, &open, &mut written).await {
                        Ok(slot) => asked.push(slot),
                        Err(miss) if started => {
                            let why = format!("{miss:?}");
                            return reply(
                                None,
                                Outcome::Diverged(Diverged::Binding {
                                    tool: open.tool,
                                    argument: open.argument,
                                    why,
                                }),
                            );
                        }
                        Err(miss) => return reply(None, Outcome::Miss(miss)),
                    }
                }
                Played::Open(open) => {
                    let template = TemplateId::new(open.tool);
                    return reply(None, Outcome::Miss(Miss::SlotUnfilled { template, slot: open.argument }));
                }
                Played::Diverged(why) | Played::Refuted(why) if started => {
                    return reply(None, Outcome::Diverged(why));
                }
                Played::Diverged(why) | Played::Refuted(why) => {
                    let what = format!("{why:?}");
                    return reply(None, Outcome::Miss(Miss::Ambiguous { what }));
                }
                Played::Done(Some(answer)) => {
                    let step = request.history.len();
                    let outcome = Outcome::Hit { templates: templates.clone(), step, slots: Vec::new() };
                    return reply(Some(NextStep::Answer(answer)), outcome);
                }
                // Of what was shared the planner has the last word.
                Played::Done(None) => {
                    let answer = if plan.gaps.is_empty() { self.answer(request).await } else { None };
                    return match answer {
                        Some(answer) => {
                            let (step, templates) = (request.history.len(), templates.clone());
                            let outcome = Outcome::Hit { templates, step, slots: Vec::new() };
                            reply(Some(NextStep::Answer(answer)), outcome)
                        }
                        None => reply(None, Outcome::PlannerAnswer { templates: templates.clone() }),
                    };
                }
                Played::Part { gap, calls } => return by_planner(request, &plan, templates, (gap, calls)),
                Played::Call { tool, arguments } => {
                    return self.serve(request, &plan, &templates, slots, asked, tool, arguments);
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what a decision is made of, each of its own kind")]
    fn serve(
        &self,
        request: &PlanRequest,
        plan: &Plan,
        templates: &[Served],
        slots: &[FilledSlot],
        asked: Vec<FilledSlot>,
        tool: String,
        arguments: Map<String, Value>,
    ) -> Reply {
        let started = !request.history.is_empty();
        let refused = match request.task.tool(&tool) {
            None => Some("the task does not offer the tool".to_owned()),
            Some(own) => validate::call(own, &arguments).err().map(|e| e.to_string()),
        };
        if let Some(why) = refused {
            return if started {
                reply(None, Outcome::Diverged(Diverged::Schema { tool, why }))
            } else {
                reply(None, Outcome::Miss(Miss::Ungrounded { slot: format!("{tool}: {why}") }))
            };
        }
        for (name, value) in &arguments {
            let by_filler = asked.iter().any(|slot| slot.name == *name)
                || slots.iter().any(|slot| slot.by == FilledBy::Filler && slot.value == *value);
            if !by_filler
                && !stands(value, &|leaf| {
                    let grounded = |value: &Value| {
                        is_constant(plan, &tool, name, value)
                            || validate::grounded(value, &request.task, &request.history)
                            || derived(plan, &tool, name, value, request)
                    };
                    grounded(leaf) || program_stands(plan, &tool, name, leaf, &grounded)
                })
            {
                let slot = format!("{tool}.{name}");
                return if started {
                    let why = "the value stands in no text or observation".to_owned();
                    reply(None, Outcome::Diverged(Diverged::Binding { tool, argument: name.clone(), why }))
                } else {
                    reply(None, Outcome::Miss(Miss::Ungrounded { slot }))
                };
            }
        }
        let mut filled = if started { Vec::new() } else { slots.to_vec() };
        filled.extend(asked);
        let call = Call { id: fresh_call_id(), tool, arguments };
        let outcome =
            Outcome::Hit { templates: templates.to_vec(), step: request.history.len(), slots: filled };
        reply(Some(NextStep::Calls(vec![call])), outcome)
    }
}

/// The reply that leaves a part of the text to the planner.
fn by_planner(
    request: &PlanRequest,
    plan: &Plan,
    templates: Vec<Served>,
    (gap, calls): (usize, usize),
) -> Reply {
    let Some(own) = plan.gaps.get(gap) else { return reply(None, Outcome::Diverged(Diverged::History)) };
    let (from, to) = lex(&request.task.text).bytes(own.from, own.to);
    let rest = plan.covers.iter().any(|blocks| blocks.iter().any(|block| block.from >= own.to));
    reply(None, Outcome::PlannerPart { templates, from, to, calls, rest })
}
