//! The endpoints at which planners are asked.

use serde_json::Value;

use super::chat;
use super::fields::Fields;
use super::planning::{Form, Planning, ToolLists};
use super::reply::{Written, now};
use super::responses::{self, Kept};
use super::turn::Unfit;
use crate::config::Proxy;
use crate::domain::NextStep;

/// An endpoint at which planners are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/responses`
    Responses,
}

impl Endpoint {
    /// The label in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
        }
    }

    /// The planning call in a request's body.
    pub(super) fn read(
        self,
        fields: &Fields<'_>,
        settings: &Proxy,
        lists: &ToolLists,
    ) -> Result<Planning, Unfit> {
        match self {
            Self::Chat => chat::read(fields, settings, lists),
            Self::Responses => responses::read(fields, settings, lists),
        }
    }

    /// A step as a provider would send it.
    pub(super) fn answer(self, step: &NextStep, form: &Form, request: &Fields<'_>, kept: &Kept) -> Written {
        match self {
            Self::Chat => chat::answer(step, form, now()),
            Self::Responses => {
                let (written, whole) = responses::answer(step, form, &echoed(request), now());
                kept.keep(request, &whole);
                written
            }
        }
    }
}

/// Members of a request that the Responses endpoint repeats in its answers.
const ECHOED: [&str; 14] = [
    "instructions",
    "max_output_tokens",
    "metadata",
    "model",
    "parallel_tool_calls",
    "reasoning",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
];

fn echoed(request: &Fields<'_>) -> serde_json::Map<String, Value> {
    ECHOED.iter().filter_map(|name| Some(((*name).to_owned(), request.get(name)?))).collect()
}
