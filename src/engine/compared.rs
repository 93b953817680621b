//! Whether a learnt program and one that the filler derived agree on what a task asks for.

use serde_json::Value;

use super::Engine;
use super::derived::{self, Learnt};
use super::programs::place;
use crate::domain::{EffectClass, PlanRequest};
use crate::programs::{self, Schema, canonical};
use crate::validate;

impl Engine {
    /// The learnt program that asks for the same as a text, and says so of all that the task says.
    pub(super) fn judged<'l>(
        &self,
        request: &PlanRequest,
        near: &'l [Learnt],
        text: &str,
        schema: &Schema,
    ) -> Option<&'l Learnt> {
        if !self.named(request, text, schema) {
            return None;
        }
        let said = derived::Said::of(&request.task.text);
        near.iter().find(|learnt| derived::same(learnt, text, &said, schema, self.policy.program_names))
    }

    /// Whether all that a program names was observed, or stands in the task.
    fn named(&self, request: &PlanRequest, text: &str, schema: &Schema) -> bool {
        let named = |name: &str| {
            schema.holds(name) || validate::grounded(&Value::from(name), &request.task, &request.history)
        };
        programs::statement(text).is_some_and(|reading| reading.is_sure && reading.names().all(named))
    }

    /// The learnt programs that may be run to compare what they return, nearest first.
    pub(super) fn candidates<'l>(
        &self,
        request: &PlanRequest,
        near: &'l [Learnt],
        schema: &Schema,
    ) -> Vec<(&'l Learnt, String)> {
        let most = self.policy.program_results as usize;
        let mut out: Vec<(&Learnt, String)> = Vec::new();
        for learnt in near {
            if out.len() >= most {
                break;
            }
            let text = derived::filled(learnt, &request.task.text, &self.policy, schema, false);
            let Some(text) = text.filter(|text| !out.iter().any(|(_, known)| known == text)) else {
                continue;
            };
            out.push((learnt, text));
        }
        out
    }

    /// What is run where no learnt program asks for the same as a derived one: the learnt programs that
    /// may return the same, farthest first, and last the derived one. Only programs that ask, of a tool
    /// that reads.
    pub(super) fn tried(
        &self,
        request: &PlanRequest,
        near: &[Learnt],
        derived: &str,
        schema: &Schema,
    ) -> Option<Vec<String>> {
        let (tool, _) = place(&near.first()?.template)?;
        let asks = |text: &str| programs::statement(text).is_some_and(|reading| reading.asks);
        if !self.policy.second_derivation || self.policy.effect(tool) != EffectClass::Read || !asks(derived) {
            return None;
        }
        if !self.named(request, derived, schema) {
            return None;
        }
        let learnt = self.candidates(request, near, schema).into_iter().map(|(_, text)| text);
        let mut texts: Vec<String> = learnt.filter(|text| asks(text)).collect();
        // A text that neither the task says nor a learnt program is made up, or copied from an example.
        let said = derived::Said::of(&request.task.text);
        let known = |value: &Value| {
            value.as_str().is_none_or(|own| said.value(value) || texts.iter().any(|text| text.contains(own)))
        };
        if !canonical(derived, schema)?.shape().values.iter().all(known) {
            return None;
        }
        texts.reverse();
        (!texts.is_empty()).then(|| {
            texts.push(derived.to_owned());
            texts
        })
    }
}
