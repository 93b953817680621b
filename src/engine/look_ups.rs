//! The look at the schema with which a run begins whose plan is a program.

use serde_json::{Map, Value};

use super::Engine;
use super::derived::Learnt;
use crate::domain::{Argument, EffectClass, PlanRequest, ProgramPart, StepTemplate, Template};
use crate::programs::{self, Schema};

/// Most look-ups that a run is begun with.
const MOST_LOOK_UPS: usize = 24;

/// A call that looks at the schema, the same for every task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LookUp {
    pub(super) tool: String,
    pub(super) arguments: Map<String, Value>,
    /// The thing looked at; none where the look-up names nothing.
    pub(super) of: Option<String>,
}

impl Engine {
    /// The look-ups to begin with: those of all programs of the namespace, or without a second
    /// derivation those of the nearest.
    pub(super) fn look_ups(&self, request: &PlanRequest, near: &[Learnt]) -> Vec<LookUp> {
        let mut out: Vec<LookUp> = Vec::new();
        let mut add = |template: &Template| {
            for step in template.steps.iter().rev().skip(1) {
                let own = look_up(step).filter(|_| self.policy.effect(&step.tool) == EffectClass::Read);
                out.extend(own.filter(|own| !out.contains(own)));
            }
        };
        if self.policy.second_derivation {
            let snapshot = self.snapshot.load();
            if let Some(tenant) = snapshot.tenant(&request.task.namespace) {
                let offered = |t: &Template| t.steps.iter().all(|s| request.task.tool(&s.tool).is_some());
                tenant.all().filter(|r| offered(&r.template)).for_each(|record| add(&record.template));
            }
        } else {
            near.iter().for_each(|learnt| add(&learnt.template));
        }
        // One and the same look-up may be written in several ways.
        out.sort_by_key(|l| (l.of.is_some(), l.of.clone(), Value::Object(l.arguments.clone()).to_string()));
        out.dedup_by(|a, b| a.of.is_some() && a.of == b.of && a.tool == b.tool);
        out.truncate(MOST_LOOK_UPS);
        out
    }
}

/// A step as a look-up: a program without values that asks for nothing but names.
pub(super) fn look_up(step: &StepTemplate) -> Option<LookUp> {
    let [(argument, Argument::Program(parts))] = step.arguments.as_slice() else { return None };
    let mut text = String::new();
    let mut of = None;
    for part in parts {
        match part {
            ProgramPart::Text(own) => text.push_str(own),
            ProgramPart::Name(own) => {
                text.push_str(own);
                of = Some(own.trim_matches(['`', '"', '[', ']']).to_lowercase());
            }
            ProgramPart::Value { .. } => return None,
        }
    }
    if programs::statement(&text).is_none_or(|reading| reading.is_sure) {
        return None;
    }
    let arguments = Map::from_iter([(argument.clone(), Value::String(text))]);
    Some(LookUp { tool: step.tool.clone(), arguments, of })
}

/// What the look-ups showed: things, and the names that stand in what was said of each.
pub(super) fn schema(seen: &[(&LookUp, &Value)]) -> Schema {
    let mut schema = Schema::default();
    for (look_up, value) in seen {
        let mut names = Vec::new();
        texts(value, &mut names);
        match &look_up.of {
            Some(of) => schema.add(of, names),
            None => names.iter().for_each(|name| schema.add(name, [])),
        }
    }
    schema
}

fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => map.values().for_each(|item| texts(item, out)),
        _ => {}
    }
}
