use std::collections::VecDeque;

use super::items::Item;
use crate::domain::{Observation, TraceStep, Usage};

/// One user turn: from what the user says to the planner's answer to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turn {
    pub(super) text: String,
    pub(super) steps: Vec<TraceStep>,
    pub(super) answer: Option<String>,
    /// What each of the planner's replies cost.
    pub(super) replies: Vec<Usage>,
}

/// A conversation in turns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Turns {
    pub(super) instructions: Vec<String>,
    pub(super) turns: Vec<Turn>,
}

impl Turns {
    /// Cuts a conversation into its turns. What is said before the first user's message is a
    /// greeting, and no part of any.
    pub(super) fn of(items: Vec<Item>) -> Result<Self, String> {
        let mut all = Self::default();
        // Positions of the calls of the last turn whose answers are still out.
        let mut open: VecDeque<usize> = VecDeque::new();
        let mut fresh = true;
        for item in items {
            match (item, all.turns.last_mut()) {
                (Item::Instructions(text), _) => all.instructions.push(text),
                (Item::User(text), Some(turn)) if !fresh && turn.replies.is_empty() => {
                    turn.text.push('\n');
                    turn.text.push_str(&text);
                }
                (Item::User(text), turn) => {
                    if let Some(step) = open.front().and_then(|at| turn?.steps.get(*at)) {
                        return Err(format!(
                            "the user speaks again before the call to `{}` is answered",
                            step.call.tool
                        ));
                    }
                    all.turns.push(Turn { text, ..Turn::default() });
                    fresh = false;
                }
                (Item::Reply(reply), None) if reply.calls.is_empty() => {}
                (Item::Reply(_), None) => {
                    return Err("no user message stands before the first call".to_owned());
                }
                (Item::Reply(reply), Some(turn)) => {
                    turn.replies.push(reply.usage);
                    turn.answer = Some(reply.text).filter(|text| reply.calls.is_empty() && !text.is_empty());
                    for call in reply.calls {
                        open.push_back(turn.steps.len());
                        turn.steps.push(TraceStep { call, observation: None });
                    }
                }
                (Item::Result { id, text }, turn) => {
                    let steps = turn.map(|turn| &mut turn.steps);
                    observe(steps, &mut open, id.as_deref(), &text)?;
                }
            }
        }
        if all.turns.is_empty() {
            return Err("there is no user message in it".to_owned());
        }
        Ok(all)
    }
}

/// A tool's answer goes to the call that it names, else to the oldest one still open.
fn observe(
    steps: Option<&mut Vec<TraceStep>>,
    open: &mut VecDeque<usize>,
    id: Option<&str>,
    text: &str,
) -> Result<(), String> {
    let steps = steps.map(Vec::as_mut_slice).unwrap_or_default();
    let at = match id {
        Some(id) => open.iter().position(|step| steps.get(*step).is_some_and(|step| step.call.id == id)),
        None => (!open.is_empty()).then_some(0),
    };
    let step = at.and_then(|at| open.remove(at)).and_then(|at| steps.get_mut(at));
    let Some(step) = step else {
        return Err(match id {
            Some(id) => format!("a tool answers the call `{id}`, which is not open"),
            None => "a tool answers a call, but none is open".to_owned(),
        });
    };
    step.observation = Some(Observation::from_text(text));
    Ok(())
}
