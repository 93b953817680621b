use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Engine;
use crate::domain::{
    Argument, Binding, FilledBy, FilledSlot, Miss, Operand, PlanRequest, SlotId, SlotPart, Task, Template,
    Tool,
};
use crate::fill::{Block, FillAnswer, FillQuestion, OpenCall, Plan, Wanted, candidates};
use crate::spans::{lex, text_of};

impl Engine {
    /// Asks the filler for an open value of the next call and puts it into `written`. Only whole
    /// arguments can be asked for; an open value deeper down is a miss.
    pub(super) async fn ask(
        &self,
        request: &PlanRequest,
        plan: &Plan,
        open: &OpenCall,
        written: &mut Map<String, Value>,
    ) -> Result<FilledSlot, Miss> {
        let block = plan.covers.first().and_then(|blocks| blocks.get(open.block));
        let block = block.ok_or(Miss::FillerUnavailable)?;
        let template = &block.template;
        let unfilled = || Miss::SlotUnfilled { template: template.id.clone(), slot: open.argument.clone() };
        let tool = request.task.tool(&open.tool).ok_or_else(unfilled)?;
        if !open.path.is_empty() {
            return Err(unfilled());
        }
        let members: Vec<String> = tool
            .argument(&open.argument)
            .and_then(|schema| schema.get("enum"))
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(|m| m.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        let wanted = Wanted {
            template,
            tool,
            argument: &open.argument,
            said: &request.task.text,
            deadline: self.deadline(),
        };
        let value = if members.is_empty() {
            let answer = self.answer_to(wanted.text(), &unfilled).await?;
            match answer {
                FillAnswer::Written(Value::Object(mut made)) => {
                    made.remove(&open.argument).ok_or_else(unfilled)?
                }
                _ => return Err(unfilled()),
            }
        } else {
            match self.answer_to(wanted.among(&members), &unfilled).await? {
                FillAnswer::Chosen { index, margin } if margin >= self.policy.filler_margin => {
                    members.get(index).cloned().map(Value::String).ok_or_else(unfilled)?
                }
                _ => return Err(unfilled()),
            }
        };
        written.insert(open.argument.clone(), value.clone());
        Ok(filled(template, &open.argument, value, None))
    }

    /// Chooses what the text says in other words than the tool's schema: every open slot of every
    /// cover gets one of its members. Gives the plan without open slots, and those that were open.
    pub(super) async fn choose(&self, task: &Task, plan: &Plan) -> Result<(Plan, Vec<FilledSlot>), Miss> {
        let mut slots: Vec<FilledSlot> = Vec::new();
        let mut covers = Vec::new();
        let text = lex(&task.text);
        for cover in &plan.covers {
            let mut blocks = Vec::clone(cover);
            for block in &mut blocks {
                let Block { template, from, to, values } = block;
                let (start, _) = text.bytes(*from, *to);
                let ends: Vec<usize> = values.all().filter_map(|(_, read)| Some(read.span?.1)).collect();
                for (id, read) in values.all_mut().filter(|(_, read)| read.open) {
                    let Some(span) = read.span else { continue };
                    let known = slots.iter().find(|s| s.template == template.id && s.span == read.span);
                    let value = match known {
                        Some(known) => known.value.clone(),
                        None => {
                            let before = ends.iter().filter(|end| **end <= span.0).max();
                            let said = said(task, span, before.copied().unwrap_or(start));
                            let value = self.slot(task, template, id, &said).await?;
                            let name = template.slot(id).map(|s| s.name.clone()).unwrap_or_default();
                            slots.push(filled(template, &name, value.clone(), read.span));
                            value
                        }
                    };
                    read.value = value;
                    read.open = false;
                }
            }
            covers.push(Arc::new(blocks));
        }
        Ok((plan.with(covers), slots))
    }

    async fn slot(&self, task: &Task, template: &Template, id: SlotId, said: &str) -> Result<Value, Miss> {
        let spec = template.slot(id);
        let unfilled = || Miss::SlotUnfilled {
            template: template.id.clone(),
            slot: spec.map(|s| s.name.clone()).unwrap_or_default(),
        };
        let (tool, argument) = reader(template, id).ok_or_else(unfilled)?;
        let tool = &*offered(task, tool);
        let all = spec.map(|spec| candidates(spec, &lex(said))).unwrap_or_default();
        let members: Vec<String> = all.iter().filter_map(|c| text_of(&c.value)).collect();
        let wanted = Wanted { template, tool, argument, said, deadline: self.deadline() };
        match self.answer_to(wanted.meaning(&members), &unfilled).await? {
            FillAnswer::Chosen { index, margin } if margin >= self.policy.filler_odds => {
                members.get(index).cloned().map(Value::String).ok_or_else(unfilled)
            }
            _ => Err(unfilled()),
        }
    }

    /// Puts a question to the filler, if there is one and it may be asked.
    pub(super) async fn answer_to(
        &self,
        question: FillQuestion,
        unfilled: &(dyn Fn() -> Miss + Sync),
    ) -> Result<FillAnswer, Miss> {
        let filler = self.filler.as_ref().filter(|_| self.policy.filler).ok_or_else(unfilled)?;
        filler.fill(question).await.map_err(|why| {
            tracing::debug!(%why, "the filler gave no answer");
            Miss::FillerUnavailable
        })
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.policy.filler_deadline_ms)
    }
}

/// The tool of this name. Where a decision is only explained, the task may come without its tools.
pub(super) fn offered<'t>(task: &'t Task, tool: &str) -> Cow<'t, Tool> {
    let assumed = || {
        let (name, description) = (tool.to_owned(), String::new());
        Cow::Owned(Tool { name, description, parameters: Value::Null })
    };
    task.tool(tool).map_or_else(assumed, Cow::Borrowed)
}

/// The first argument that is a slot's whole value, with its tool.
pub(super) fn reader(template: &Template, slot: SlotId) -> Option<(&str, &str)> {
    let whole = Binding::Value(Operand::Slot { slot, part: SlotPart::Whole });
    let is_it = |argument: &Argument| {
        let mut found = false;
        argument.spaces(&mut |space| found |= space.bindings.contains(&whole));
        found
    };
    template.steps.iter().find_map(|step| {
        let (name, _) = step.arguments.iter().find(|(_, argument)| is_it(argument))?;
        Some((step.tool.as_str(), name.as_str()))
    })
}

/// What a text says of a value: its span with the words of the pattern before it, from the value
/// before on, as a sentence. What else the block says sways a small model (eval/record/filler).
fn said(task: &Task, span: (usize, usize), before: usize) -> String {
    let words = task.text.get(before..span.1).unwrap_or_default();
    let words = words.trim_matches(|c: char| !c.is_alphanumeric());
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn filled(template: &Template, name: &str, value: Value, span: Option<(usize, usize)>) -> FilledSlot {
    FilledSlot { template: template.id.clone(), name: name.to_owned(), value, span, by: FilledBy::Filler }
}
