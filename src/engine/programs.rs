//! Tasks in other words whose plan is a program in a text: a learnt program is nominated by the
//! meaning of its wording, and served only where the filler, which is shown the schema that the run
//! observed and no program, derives one that asks for the same.
//!
//! The run looks at the schema first, as runs of the namespace did; that costs reads and no planner.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::derived::{self, Learnt};
use super::lookup::{fits, servable};
use super::snapshot::masked_pattern;
use super::{Engine, Reply, reply};
use crate::domain::{
    Argument, Call, Diverged, EffectClass, FilledBy, FilledSlot, Miss, NextStep, Outcome, PlanRequest,
    ProgramPart, Served, StepTemplate, Template, TraceStep, fresh_call_id,
};
use crate::fill::{Choice, FillAnswer, FillQuestion};
use crate::matching::alike;
use crate::programs::{self, Schema};
use crate::spans::{Kind, Lexed, lex};
use crate::validate;

/// Most look-ups that a run is begun with.
const MOST_LOOK_UPS: usize = 24;
/// Most learnt programs that one derived program is compared with.
const MOST_COMPARED: usize = 64;
/// Longest program that the filler may write, in tokens.
const MOST_TOKENS: usize = 192;
/// Longest observation of one look-up that the filler is shown, in characters.
const MOST_SHOWN: usize = 4_000;

/// A call that looks at the schema, the same for every task.
#[derive(Clone, Debug, PartialEq)]
struct LookUp {
    tool: String,
    arguments: Map<String, Value>,
    /// The thing looked at; none where the look-up names nothing.
    of: Option<String>,
}

impl Engine {
    /// What a learnt program says to a task that no pattern covers; `None` where none is near enough, or
    /// where what was done so far is not the beginning of such a plan.
    pub(super) async fn by_program(&self, request: &PlanRequest) -> Option<Reply> {
        let policy = &self.policy;
        // A run that nothing could end is not begun.
        let derives = !policy.second_derivation || policy.filler && self.filler.is_some();
        if !(policy.programs_in_other_words && policy.learning.programs && derives) {
            return None;
        }
        let near = self.near(request).await?;
        let (tool, argument) = place(&near.first()?.template)?;
        let look_ups = self.look_ups(request, &near);
        let started = !request.history.is_empty();
        let mut rest = request.history.as_slice();
        let mut seen: Vec<(&LookUp, &Value)> = Vec::new();
        while let [step, after @ ..] = rest
            && let Some(own) =
                look_ups.iter().find(|l| l.tool == step.call.tool && l.arguments == step.call.arguments)
        {
            let observed = step.observation.as_ref().filter(|o| !o.failed);
            let Some(observed) = observed else {
                return Some(handed_back(tool, argument, "a look-up failed"));
            };
            seen.push((own, &observed.value));
            rest = after;
        }
        let open: Vec<&LookUp> = look_ups.iter().filter(|l| !seen.iter().any(|(own, _)| own == l)).collect();
        let templates = |learnt: &Learnt| vec![served(&learnt.template)];
        if !open.is_empty() && rest.is_empty() {
            let calls = open.into_iter().map(|l| call(&l.tool, l.arguments.clone())).collect();
            let outcome = Outcome::Hit {
                templates: templates(near.first()?),
                step: request.history.len(),
                slots: Vec::new(),
            };
            return Some(reply(Some(NextStep::Calls(calls)), outcome));
        }
        let schema = schema(&seen);
        let check = |text: &str| self.judged(request, &near, text, &schema);
        match rest {
            [] => {
                let program = match self.policy.second_derivation {
                    true => self.derive(request, &seen, argument).await,
                    false => near
                        .iter()
                        .find_map(|l| derived::filled(l, &request.task.text, &self.policy, &schema)),
                };
                let agreed = program.and_then(|text| Some((check(&text)?, text)));
                let Some((learnt, text)) = agreed else {
                    let why = "no learnt program and the derived one ask for the same";
                    return Some(match started {
                        true => handed_back(tool, argument, why),
                        false => {
                            let template = near.first()?.template.id.clone();
                            reply(
                                None,
                                Outcome::Miss(Miss::SlotUnfilled { template, slot: argument.to_owned() }),
                            )
                        }
                    });
                };
                let arguments = Map::from_iter([(argument.to_owned(), Value::String(text.clone()))]);
                if request.task.tool(tool).is_none_or(|own| validate::call(own, &arguments).is_err()) {
                    return Some(handed_back(tool, argument, "the tool does not take the program"));
                }
                let slot = FilledSlot {
                    template: learnt.template.id.clone(),
                    name: argument.to_owned(),
                    value: Value::String(text),
                    span: None,
                    by: if self.policy.second_derivation { FilledBy::Filler } else { FilledBy::Binder },
                };
                let outcome = Outcome::Hit {
                    templates: templates(learnt),
                    step: request.history.len(),
                    slots: vec![slot],
                };
                Some(reply(Some(NextStep::Calls(vec![call(tool, arguments)])), outcome))
            }
            // The program was served: it has to be one that would be served now.
            [TraceStep { call, observation: Some(observed) }] if call.tool == tool => {
                let text = call.arguments.get(argument)?.as_str()?;
                let learnt = check(text)?;
                if observed.failed {
                    return Some(reply(
                        None,
                        Outcome::Diverged(Diverged::CallFailed { tool: tool.to_owned() }),
                    ));
                }
                let templates = templates(learnt);
                // Runs that said nothing after it end with what it returned.
                let silent = learnt.template.answer.is_none().then(String::new);
                let answer = match silent {
                    Some(nothing) => Some(nothing),
                    None => self.answer(request).await,
                };
                Some(match answer {
                    Some(answer) => {
                        let outcome =
                            Outcome::Hit { templates, step: request.history.len(), slots: Vec::new() };
                        reply(Some(NextStep::Answer(answer)), outcome)
                    }
                    None => reply(None, Outcome::PlannerAnswer { templates }),
                })
            }
            _ => None,
        }
    }

    /// The learnt programs whose wordings are nearest to the task's, nearest first; `None` if none is
    /// near enough.
    async fn near(&self, request: &PlanRequest) -> Option<Vec<Learnt>> {
        let snapshot = self.snapshot.load_full();
        let tenant = snapshot.tenant(&request.task.namespace)?;
        let fingerprints = self.fingerprints(&request.task);
        let records: Vec<_> = tenant
            .all()
            .filter(|record| place(&record.template).is_some() && fits(record, &request.task, &fingerprints))
            .filter(|record| servable(record, &self.policy).is_ok())
            .cloned()
            .collect();
        let least = match self.policy.second_derivation {
            true => self.policy.program_nearness,
            false => self.policy.program_nearness_alone,
        };
        let text = lex(&request.task.text);
        let wording = |template: &Template| masked_pattern(&template.pattern.parts, template);
        let mut texts: Vec<String> = vec![asked(&text)];
        texts.extend(records.iter().map(|record| wording(&record.template)));
        let vectors = self.vectors(texts).await?;
        let (own, others) = vectors.split_first()?;
        let mut near: Vec<Learnt> = records
            .iter()
            .zip(others)
            .map(|(record, vector)| Learnt { template: record.template.clone(), near: alike(own, vector) })
            .filter(|learnt| learnt.near >= least)
            .collect();
        near.sort_by(|a, b| b.near.total_cmp(&a.near).then_with(|| a.template.id.cmp(&b.template.id)));
        // Without a second derivation the nearest alone speaks.
        near.truncate(if self.policy.second_derivation { MOST_COMPARED } else { 1 });
        let (tool, argument) = place(&near.first()?.template).map(|(t, a)| (t.to_owned(), a.to_owned()))?;
        near.retain(|learnt| place(&learnt.template) == Some((tool.as_str(), argument.as_str())));
        Some(near)
    }

    /// The look-ups to begin with: those of all programs of the namespace, or without a second
    /// derivation those of the nearest.
    fn look_ups(&self, request: &PlanRequest, near: &[Learnt]) -> Vec<LookUp> {
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

    /// The learnt program that asks for the same as a text, and says so of all that the task says.
    fn judged<'l>(
        &self,
        request: &PlanRequest,
        near: &'l [Learnt],
        text: &str,
        schema: &Schema,
    ) -> Option<&'l Learnt> {
        let reading = programs::read(text).filter(|reading| reading.is_sure)?;
        let named = |name: &str| {
            schema.holds(name) || validate::grounded(&Value::from(name), &request.task, &request.history)
        };
        if !reading.names().all(named) {
            return None;
        }
        let said = derived::Said::of(&request.task.text);
        near.iter().find(|learnt| derived::same(learnt, text, &said, schema, self.policy.program_names))
    }

    /// The filler's own program for the task, over what the look-ups showed.
    async fn derive(
        &self,
        request: &PlanRequest,
        seen: &[(&LookUp, &Value)],
        argument: &str,
    ) -> Option<String> {
        let mut known = String::new();
        for (look_up, value) in seen.iter().filter(|(l, _)| l.of.is_some()) {
            let name = look_up.of.as_deref().unwrap_or_default();
            known.push_str(&format!("{name}\n{}\n", shown(value)));
        }
        let question = FillQuestion {
            prefix_key: format!("program/{}", crate::domain::canonical_hash(&Value::from(known.as_str()))),
            prefix: format!(
                "You write one query that answers a question. Use only the tables and columns below. Ask for \
                 exactly the columns that the question asks for, and for nothing else. Answer with a JSON \
                 object.\n\n{known}"
            ),
            task: format!("{}\n", request.task.text),
            choice: Choice::text(argument, MOST_TOKENS),
            deadline: self.deadline(),
        };
        let answered = self.answer_to(question, &|| Miss::FillerUnavailable).await.ok()?;
        let FillAnswer::Written(written) = answered else { return None };
        let text = written.get(argument)?.as_str()?;
        // One statement: what a model adds after its end is no part of it.
        let text = text.split(';').next().unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Vectors of texts; `None` without an embedder.
    async fn vectors(&self, texts: Vec<String>) -> Option<Vec<Arc<[f32]>>> {
        let likeness = self.likeness.clone()?;
        tokio::task::spawn_blocking(move || likeness.vectors(&texts)).await.ok()?.ok()
    }
}

/// Where a template's program goes: the tool and argument of its last step, if that is a program and
/// the steps before it look things up.
fn place(template: &Template) -> Option<(&str, &str)> {
    let (last, before) = template.steps.split_last()?;
    let [(argument, Argument::Program(_))] = last.arguments.as_slice() else { return None };
    before.iter().all(|step| look_up(step).is_some()).then_some((last.tool.as_str(), argument.as_str()))
}

/// A step as a look-up: a program without values that asks for nothing but names.
fn look_up(step: &StepTemplate) -> Option<LookUp> {
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
    if programs::read(&text).is_none_or(|reading| reading.is_sure) {
        return None;
    }
    let arguments = Map::from_iter([(argument.clone(), Value::String(text))]);
    Some(LookUp { tool: step.tool.clone(), arguments, of })
}

/// What the look-ups showed: things, and the names that stand in what was said of each.
fn schema(seen: &[(&LookUp, &Value)]) -> Schema {
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

/// A task's words as a pattern's: values are masked by their form.
fn asked(text: &Lexed) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut begins = true;
    for token in &text.tokens {
        let first = std::mem::replace(&mut begins, crate::spans::is_boundary(&token.folded));
        let word = match token.kind {
            Kind::Number => "<number>",
            Kind::Identifier => "<identifier>",
            Kind::Email => "<email>",
            Kind::Quoted => "<quoted>",
            Kind::Object => "<object>",
            Kind::Word { capital: true } if !first => "<name>",
            Kind::Word { .. } | Kind::Punct => token.folded.as_str(),
        };
        // Several capitalised words are one name.
        if word != "<name>" || out.last() != Some(&word) {
            out.push(word);
        }
    }
    out.join(" ")
}

fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => map.values().for_each(|item| texts(item, out)),
        _ => {}
    }
}

/// An observation as a small model reads it best: records as lines below their keys.
fn shown(value: &Value) -> String {
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let records: Option<Vec<&Map<String, Value>>> =
        value.as_array().and_then(|items| items.iter().map(Value::as_object).collect());
    let text = match records.as_deref() {
        Some([first, ..]) => {
            let keys: Vec<&String> = first.keys().collect();
            let head = keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
            let line = |record: &&Map<String, Value>| {
                keys.iter()
                    .map(|key| record.get(*key).map(cell).unwrap_or_default())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let lines: Vec<String> = records.iter().flatten().map(line).collect();
            format!("{head}\n{}\n", lines.join("\n"))
        }
        _ => format!("{value}\n"),
    };
    text.chars().take(MOST_SHOWN).collect()
}

fn call(tool: &str, arguments: Map<String, Value>) -> Call {
    Call { id: fresh_call_id(), tool: tool.to_owned(), arguments }
}

fn served(template: &Template) -> Served {
    Served { id: template.id.clone(), version: template.version.clone(), loosely: false }
}

fn handed_back(tool: &str, argument: &str, why: &str) -> Reply {
    let (tool, argument, why) = (tool.to_owned(), argument.to_owned(), why.to_owned());
    reply(None, Outcome::Diverged(Diverged::Binding { tool, argument, why }))
}
