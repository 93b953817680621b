//! From a conversation to a planning call: which task is under way, and what was done for it.

use serde_json::{Map, Value};

use crate::config::EarlierTurns;
use crate::domain::{Call, Observation, TraceStep};

/// Why a request is not one that the cache can speak to; a word for headers and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) &'static str);

impl Unfit {
    /// The body is not what the endpoint takes; the upstream will say so.
    pub(super) const BODY: Self = Self("body");
    /// A field whose effect a plan cannot honour.
    pub(super) const FIELD: Self = Self("field");
    /// No tools are offered: there is no plan.
    pub(super) const NO_TOOLS: Self = Self("no_tools");
    /// A tool that is not a function.
    pub(super) const TOOL_KIND: Self = Self("tool_kind");
    /// The request forces a tool or forbids all.
    pub(super) const TOOL_CHOICE: Self = Self("tool_choice");
    /// Images, audio, files.
    pub(super) const CONTENT: Self = Self("content");
    /// The messages are in no order that a run has.
    pub(super) const MESSAGES: Self = Self("messages");
    /// Calls that were made are not answered.
    pub(super) const OPEN_CALLS: Self = Self("open_calls");
    /// The turn follows others.
    pub(super) const EARLIER_TURNS: Self = Self("earlier_turns");
    /// The conversation is kept by the provider.
    pub(super) const PROVIDER_STATE: Self = Self("provider_state");
    /// The settings keep the cache from this upstream.
    pub(super) const UPSTREAM: Self = Self("upstream");
    /// The mode is off.
    pub(super) const MODE: Self = Self("mode");
}

/// One thing said or done in a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// The developer's words to the model.
    Instructions(String),
    /// The user's.
    User(String),
    /// The model's.
    Said(String),
    /// A call of the model.
    Call(Call),
    /// What a call returned.
    Result { id: String, text: String },
}

/// A user's turn under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Turn {
    /// What stands before all turns.
    pub(super) instructions: Vec<String>,
    /// What the user asks.
    pub(super) text: String,
    /// User messages so far: which turn this is.
    pub(super) ordinal: usize,
    /// What was done for it.
    pub(super) history: Vec<TraceStep>,
}

/// Reads a conversation whose last turn is under way. The task is the last message of the user that
/// answers no pending call, with those right before it.
pub(super) fn turn(items: Vec<Item>, earlier: EarlierTurns) -> Result<Turn, Unfit> {
    if !matches!(items.last(), Some(Item::User(_) | Item::Result { .. })) {
        return Err(Unfit::MESSAGES);
    }
    let last = items.iter().rposition(|item| matches!(item, Item::User(_))).ok_or(Unfit::MESSAGES)?;
    let before = items[..last].iter().rposition(|item| !matches!(item, Item::User(_)));
    let first = before.map_or(0, |at| at + 1);
    let ordinal = items.iter().filter(|item| matches!(item, Item::User(_))).count();
    let (mut instructions, mut said, mut history) = (Vec::new(), Vec::new(), Vec::new());
    let mut earlier_calls = Vec::new();
    let mut follows = false;
    for (at, item) in items.into_iter().enumerate() {
        match item {
            Item::Instructions(_) if at > last => return Err(Unfit::MESSAGES),
            Item::Instructions(text) => instructions.push(text),
            Item::User(text) if at >= first => said.push(text),
            Item::User(_) | Item::Said(_) if at < first => follows = true,
            Item::User(_) | Item::Said(_) => {}
            Item::Call(call) => {
                let steps = if at < first { &mut earlier_calls } else { &mut history };
                steps.push(TraceStep { call, observation: None });
            }
            Item::Result { id, text } => {
                let steps = if at < first { &mut earlier_calls } else { &mut history };
                let open = |step: &&mut TraceStep| step.observation.is_none() && step.call.id == id;
                let step = steps.iter_mut().find(open).ok_or(Unfit::MESSAGES)?;
                step.observation = Some(Observation::from_text(&text));
            }
        }
    }
    // A user's message among open calls: whatever it means, it is not a task of its own.
    if earlier_calls.iter().chain(&history).any(|step| step.observation.is_none()) {
        return Err(Unfit::OPEN_CALLS);
    }
    if (follows || !earlier_calls.is_empty()) && earlier == EarlierTurns::Bypass {
        return Err(Unfit::EARLIER_TURNS);
    }
    Ok(Turn { instructions, text: said.join("\n"), ordinal, history })
}

/// A call from its wire form, whose arguments are JSON in a string; none at all means no arguments.
pub(super) fn call(id: String, tool: String, arguments: &str) -> Option<Call> {
    let arguments: Map<String, Value> = match arguments.trim() {
        "" => Map::new(),
        text => serde_json::from_str(text).ok()?,
    };
    Some(Call { id, tool, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Item {
        Item::User(text.into())
    }

    fn called(id: &str) -> Item {
        Item::Call(call(id.into(), "t".into(), "{}").unwrap())
    }

    fn result(id: &str) -> Item {
        Item::Result { id: id.into(), text: "1".into() }
    }

    fn read(items: &[Item]) -> Result<Turn, Unfit> {
        turn(items.to_vec(), EarlierTurns::Bypass)
    }

    #[test]
    fn the_task_is_what_the_user_said_last() {
        let system = Item::Instructions("s".into());
        let turn = read(&[system, user("a"), user("b")]).unwrap();
        assert_eq!((turn.text.as_str(), turn.instructions.as_slice()), ("a\nb", ["s".to_owned()].as_slice()));
        assert!(turn.history.is_empty());
        let turn = read(&[user("a"), called("1"), called("2"), result("2"), result("1")]).unwrap();
        assert!(turn.history.iter().all(|step| step.observation.is_some()));
    }

    #[test]
    fn what_is_no_turn_under_way_is_unfit() {
        let said = Item::Said("ok".into());
        for (items, why) in [
            (vec![], Unfit::MESSAGES),
            (vec![result("1")], Unfit::MESSAGES),
            (vec![user("a"), said.clone()], Unfit::MESSAGES),
            (vec![user("a"), result("1")], Unfit::MESSAGES),
            (vec![user("a"), called("1"), called("2"), result("1")], Unfit::OPEN_CALLS),
            (vec![user("a"), called("1"), user("b")], Unfit::OPEN_CALLS),
            (vec![user("a"), said.clone(), user("b")], Unfit::EARLIER_TURNS),
        ] {
            assert_eq!(read(&items), Err(why), "{items:?}");
        }
        let items = vec![user("a"), called("1"), result("1"), said, user("b"), called("2"), result("2")];
        let turn = turn(items, EarlierTurns::Ignore).unwrap();
        assert_eq!((turn.text.as_str(), turn.history.len(), turn.ordinal), ("b", 1, 2));
    }
}
