//! Tasks in other words whose plan is a program in a text: learnt programs are nominated by the meaning
//! of their wordings, and one is served only where the filler, which is shown the schema that the run
//! observed, derives a program that asks for the same, or returns the same when both are run.
//!
//! The run looks at the schema first, as runs of the namespace did; that costs reads and no planner.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::derived::{self, Learnt};
use super::look_ups::{LookUp, look_up, schema};
use super::lookup::{fits, servable};
use super::results::agree;
use super::snapshot::masked_pattern;
use super::{Engine, Reply, reply, shown};
use crate::domain::{
    Argument, Call, Diverged, FilledBy, FilledSlot, Miss, NextStep, Outcome, PlanRequest, ProgramPart,
    Served, Template, TraceStep, fresh_call_id,
};
use crate::fill::{Choice, FillAnswer, FillQuestion};
use crate::matching::alike;
use crate::spans::{Kind, Lexed, lex};
use crate::validate;

/// Most learnt programs that one derived program is compared with.
const MOST_COMPARED: usize = 64;
/// Longest program that the filler may write, in tokens.
const MOST_TOKENS: usize = 192;

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
            return Some(reply(Some(NextStep::Calls(calls)), looks(request)));
        }
        let schema = schema(&seen);
        let check = |text: &str| self.judged(request, &near, text, &schema);
        match rest {
            [] => {
                let program = match self.policy.second_derivation {
                    true => self.derive(request, &near, &seen, argument).await,
                    false => near
                        .iter()
                        .find_map(|l| derived::filled(l, &request.task.text, &self.policy, &schema, true)),
                };
                let agreed = program.as_deref().and_then(check);
                let tried = match (&program, agreed) {
                    (Some(text), None) => self.tried(request, &near, text, &schema),
                    _ => None,
                };
                if let Some(texts) = tried {
                    let of = |text| Map::from_iter([(argument.to_owned(), Value::String(text))]);
                    let calls = texts.into_iter().map(|text| call(tool, of(text))).collect();
                    return Some(reply(Some(NextStep::Calls(calls)), looks(request)));
                }
                let Some((learnt, text)) = agreed.zip(program) else {
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
                self.ended(request, learnt, templates(learnt)).await
            }
            [_] => None,
            // Learnt programs were run beside the derived one, which is the last.
            [learnt @ .., derived_step] => {
                let text = |step: &TraceStep| match step.call.tool == tool {
                    true => Some(step.call.arguments.get(argument)?.as_str()?.to_owned()),
                    false => None,
                };
                let ran: Option<Vec<String>> = rest.iter().map(text).collect();
                if ran? != self.tried(request, &near, &text(derived_step)?, &schema)? {
                    return None;
                }
                let seen = |step: &TraceStep| step.observation.as_ref().filter(|o| !o.failed).cloned();
                let agrees = |step: &TraceStep| {
                    let (own, derived) = (text(step)?, text(derived_step)?);
                    agree((&own, &seen(step)?.value), (&derived, &seen(derived_step)?.value)).then_some(own)
                };
                match learnt.iter().rev().find_map(agrees) {
                    Some(own) => {
                        let candidates = self.candidates(request, &near, &schema);
                        let learnt = candidates.into_iter().find(|(_, text)| *text == own)?.0;
                        self.ended(request, learnt, templates(learnt)).await
                    }
                    None => Some(handed_back(
                        tool,
                        argument,
                        "no learnt program and the derived one return the same",
                    )),
                }
            }
        }
    }

    /// The end of a run whose last program was that of a learnt one.
    async fn ended(&self, request: &PlanRequest, learnt: &Learnt, templates: Vec<Served>) -> Option<Reply> {
        // Runs that said nothing after it end with what it returned.
        let answer = match learnt.template.answer {
            None => Some(String::new()),
            Some(_) => self.answer(request).await,
        };
        Some(match answer {
            Some(answer) => {
                let outcome = Outcome::Hit { templates, step: request.history.len(), slots: Vec::new() };
                reply(Some(NextStep::Answer(answer)), outcome)
            }
            None => reply(None, Outcome::PlannerAnswer { templates }),
        })
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
        let mut texts: Vec<String> = vec![asked(&text)];
        texts.extend(records.iter().map(|record| masked_pattern(&record.template)));
        let vectors = self.vectors(texts).await?;
        let (own, others) = vectors.split_first()?;
        let mut near: Vec<Learnt> = records
            .iter()
            .zip(others)
            .map(|(record, vector)| Learnt { template: record.template.clone(), near: alike(own, vector) })
            .collect();
        near.sort_by(|a, b| b.near.total_cmp(&a.near).then_with(|| a.template.id.cmp(&b.template.id)));
        // One that is near is worth a look at the schema; what is derived then may be any of them.
        near.first().filter(|nearest| nearest.near >= least)?;
        // Without a second derivation the nearest alone speaks.
        near.truncate(if self.policy.second_derivation { MOST_COMPARED } else { 1 });
        let (tool, argument) = place(&near.first()?.template).map(|(t, a)| (t.to_owned(), a.to_owned()))?;
        near.retain(|learnt| place(&learnt.template) == Some((tool.as_str(), argument.as_str())));
        Some(near)
    }

    /// The filler's own program for the task, over what the look-ups showed, with the nearest learnt ones
    /// as examples.
    async fn derive(
        &self,
        request: &PlanRequest,
        near: &[Learnt],
        seen: &[(&LookUp, &Value)],
        argument: &str,
    ) -> Option<String> {
        let mut known = String::new();
        for (look_up, value) in seen.iter().filter(|(l, _)| l.of.is_some()) {
            known.push_str(&shown::relation(look_up.of.as_deref().unwrap_or_default(), value));
        }
        let question = FillQuestion {
            prefix_key: format!("program/{}", crate::domain::canonical_hash(&Value::from(known.as_str()))),
            prefix: format!(
                "You write one query that answers a question. Use only the tables and columns below. Ask for \
                 exactly the columns that the question asks for, and for nothing else. Answer with a JSON \
                 object.\n\n{known}"
            ),
            task: format!(
                "{}{}\n",
                examples_of(near, self.policy.program_examples as usize),
                request.task.text
            ),
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

/// Where a template's query goes: the tool and argument of its last step, if that is a statement of SQL and
/// the steps before it look things up.
pub(super) fn place(template: &Template) -> Option<(&str, &str)> {
    let (last, before) = template.steps.split_last()?;
    let [(argument, Argument::Program(parts))] = last.arguments.as_slice() else { return None };
    if !ProgramPart::are_sql(parts) {
        return None;
    }
    before.iter().all(|step| look_up(step).is_some()).then_some((last.tool.as_str(), argument.as_str()))
}

/// The nearest learnt programs after the words that ask for them, the nearest last.
fn examples_of(near: &[Learnt], most: usize) -> String {
    let mut all: Vec<String> = near.iter().take(most).filter_map(|l| shown::example(&l.template)).collect();
    all.reverse();
    if all.is_empty() { String::new() } else { all.concat() + "Question: " }
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

/// Calls that only look, so that nothing that comes of them is laid to a learnt program.
fn looks(request: &PlanRequest) -> Outcome {
    Outcome::Hit { templates: Vec::new(), step: request.history.len(), slots: Vec::new() }
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
