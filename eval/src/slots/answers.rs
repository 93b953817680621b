//! What each way of filling says of the arguments of a task, one by one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plancache::domain::{
    Argument, Binding, Operand, Part, Shape, SlotId, SlotPart, SlotSpec, Template, TemplateRecord, Tool,
};
use plancache::fill::{FillAnswer, Filler, Wanted, Wording, candidates, read_pattern};
use plancache::spans::{Lexed, lex, text_of};
use serde_json::Value;

/// A question to a filler may take so long here: what is measured is how long it takes.
pub(super) const DEADLINE: Duration = Duration::from_secs(600);
/// Words of a pattern before a slot that a candidate's surroundings are compared with.
const AROUND: usize = 4;

/// An argument that a learnt template takes from the text, or leaves to the filler.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// The template with the most evidence that takes it so.
    pub(super) template: Arc<TemplateRecord>,
    /// The tool.
    pub(super) tool: String,
    /// The argument.
    pub(super) argument: String,
    /// What the slot looks like.
    pub(super) spec: SlotSpec,
    /// Which part of the slot.
    pub(super) part: SlotPart,
}

/// What the ways of filling say.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// How many candidates there were.
    pub(super) candidates: usize,
    /// The binder alone: the value that the template's own pattern reads in the text, if one.
    pub(super) binder: Option<String>,
    /// The candidate whose surroundings are most like the slot's in the pattern.
    pub(super) best: Option<String>,
    /// The filler's choice among the candidates, with its margin.
    pub(super) filler: Option<(String, f32)>,
    /// For enumerations: the filler's choice by meaning, with its odds.
    pub(super) meant: Option<(String, f32)>,
    /// How long the filler's choice took.
    pub(super) took: Option<Duration>,
}

/// The arguments that these templates take from a text or leave to the filler, each once.
pub(super) fn wishes(records: &[Arc<TemplateRecord>], tools: &[Tool]) -> Vec<Wish> {
    let mut found: BTreeMap<(String, String), Wish> = BTreeMap::new();
    for record in records {
        for step in &record.template.steps {
            for (name, argument) in &step.arguments {
                let Argument::One(space) = argument else { continue };
                let members = members(tools, &step.tool, name);
                let wish = space.best().find_map(|binding| match binding {
                    Binding::Value(Operand::Slot { slot, part }) if !matches!(part, SlotPart::Field(_)) => {
                        Some((record.template.slot(*slot)?.clone(), part.clone()))
                    }
                    _ => None,
                });
                let open = space.bindings.contains(&Binding::Written) && !members.is_empty();
                let wish = wish.or_else(|| open.then(|| (enumeration(name, members), SlotPart::Whole)));
                let Some((spec, part)) = wish else { continue };
                let key = (step.tool.clone(), name.clone());
                let more = found
                    .get(&key)
                    .is_none_or(|known| known.template.evidence.successes < record.evidence.successes);
                if more {
                    let (tool, argument) = key.clone();
                    found.insert(key, Wish { template: record.clone(), tool, argument, spec, part });
                }
            }
        }
    }
    found.into_values().collect()
}

/// The members of an argument's enumeration.
pub(super) fn members(tools: &[Tool], tool: &str, argument: &str) -> Vec<String> {
    let schema = tools.iter().find(|t| t.name == tool).and_then(|t| t.argument(argument));
    let members = schema.and_then(|s| s.get("enum")).and_then(Value::as_array);
    members.map(|all| all.iter().filter_map(|m| m.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

fn enumeration(name: &str, members: Vec<String>) -> SlotSpec {
    let (id, list, keys) = (SlotId::MAX, None, Vec::new());
    SlotSpec {
        id,
        name: name.to_owned(),
        shape: Shape::Member,
        members,
        list,
        keys,
        optional: false,
        idle: false,
        builds: Vec::new(),
        same_as: None,
        only: None,
    }
}

impl Wish {
    /// Fills it for a text in every way.
    ///
    /// # Errors
    /// When the filler fails.
    pub(super) async fn fill(
        &self,
        text: &str,
        tools: &[Tool],
        filler: Option<&dyn Filler>,
    ) -> Result<Answers, Box<dyn std::error::Error>> {
        let lexed = lex(text);
        let template = &self.template.template;
        let mut values: Vec<(String, Option<usize>)> = Vec::new();
        for candidate in candidates(&self.spec, &lexed) {
            let value = text_of(&candidate.value).and_then(|value| take(&value, &self.part));
            if let Some(value) = value.filter(|value| !values.iter().any(|(known, _)| known == value)) {
                values.push((value, candidate.span.map(|(from, _)| from)));
            }
        }
        let mut out = Answers { candidates: values.len(), binder: self.bound(&lexed), ..Answers::default() };
        let score = |at: &Option<usize>| at.map_or(0.0, |at| self.likeness(template, &lexed, at));
        let mut best: Option<(f64, &String)> = None;
        for (value, at) in &values {
            // A member that the text spells stands where it is spelt.
            let at = at.or_else(|| text.to_lowercase().find(&value.to_lowercase()));
            let score = score(&at) + f64::from(u8::from(at.is_some()));
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, value));
            }
        }
        out.best = best.map(|(_, value)| value.clone());
        let Some(filler) = filler else { return Ok(out) };
        let Some(tool) = tools.iter().find(|tool| tool.name == self.tool) else { return Ok(out) };
        let all: Vec<String> = values.into_iter().map(|(value, _)| value).collect();
        if all.is_empty() {
            return Ok(out);
        }
        let wanted = Wanted { template, tool, argument: &self.argument, said: text, deadline: DEADLINE };
        let begun = Instant::now();
        out.filler = chosen(filler.fill(wanted.among(&all)).await?, &all);
        out.took = Some(begun.elapsed());
        if self.spec.shape == Shape::Member {
            out.meant = chosen(filler.fill(wanted.meaning(&all)).await?, &all);
        }
        Ok(out)
    }

    /// The one value that the template's own pattern gives the slot somewhere in the text.
    fn bound(&self, text: &Lexed) -> Option<String> {
        let template = &self.template.template;
        let mut found: Vec<String> = Vec::new();
        for at in 0..text.tokens.len() {
            for reading in read_pattern(template, text, at, Wording::Exact) {
                let value = reading.values.get(self.spec.id, Some((self.spec.list.unwrap_or(0), 0)));
                let value = value.and_then(|read| text_of(&read.value)).and_then(|v| take(&v, &self.part));
                found.extend(value.filter(|value| !found.contains(value)));
            }
        }
        if found.len() == 1 { found.pop() } else { None }
    }

    /// How many of the words before the slot in the pattern, and of its argument's name, stand
    /// before a place of the text; nearer ones count more.
    fn likeness(&self, template: &Template, text: &Lexed, at: usize) -> f64 {
        let place = text.tokens.iter().position(|t| t.start >= at).unwrap_or(0);
        let around = &text.tokens[place.saturating_sub(AROUND)..place];
        let own = before(&template.pattern.parts, self.spec.id);
        let names = self.argument.split('_').map(str::to_lowercase);
        let wanted: Vec<String> = own.into_iter().chain(names).collect();
        let near = around.iter().rev().enumerate().filter(|(_, token)| wanted.contains(&token.folded));
        near.map(|(distance, _)| 1.0 / (distance + 1) as f64).sum()
    }
}

fn chosen(answer: FillAnswer, all: &[String]) -> Option<(String, f32)> {
    match answer {
        FillAnswer::Chosen { index, margin } => Some((all.get(index)?.clone(), margin)),
        _ => None,
    }
}

/// The literals before a slot in its pattern, up to the value before it.
fn before(parts: &[Part], slot: SlotId) -> Vec<String> {
    let mut words = Vec::new();
    for part in parts {
        match part {
            Part::Literal(word) => words.push(word.clone()),
            Part::Slot(id) if *id == slot => return words.split_off(words.len().saturating_sub(AROUND)),
            Part::List(list) if list.unit.contains(&Part::Slot(slot)) => return before(&list.unit, slot),
            _ => words.clear(),
        }
    }
    Vec::new()
}

fn take(value: &str, part: &SlotPart) -> Option<String> {
    let words: Vec<&str> = value.split_whitespace().collect();
    match part {
        SlotPart::Whole => Some(value.to_owned()),
        SlotPart::Word(n) => words.get(*n as usize).map(|w| (*w).to_owned()),
        SlotPart::LastWord => words.last().map(|w| (*w).to_owned()),
        SlotPart::ButLastWord => words.split_last().map(|(_, head)| head.join(" ")),
        SlotPart::Field(_) => None,
    }
}
