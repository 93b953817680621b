use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status, files, words};
use crate::domain::{Task, TemplateId};

#[derive(Debug, Args)]
pub(in crate::cli) struct Explain {
    /// What the task says; `-` for standard input
    task: String,
    /// The tools that the agent offers, as JSON [default: assume those that the plans were learnt with]
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// The task's structured context, as JSON
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
}

impl Explain {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let mut session = Session::open(common, Access::Read)?;
        let tools = self.tools.as_deref().map(files::read_tools).transpose()?.unwrap_or_default();
        let context = match &self.context {
            Some(path) => serde_json::from_str(&files::read_file(path)?)?,
            None => Value::Null,
        };
        let text =
            if self.task == "-" { std::io::read_to_string(std::io::stdin())? } else { self.task.clone() };
        let task = Task {
            namespace: session.config.namespace.clone(),
            text: text.trim_end().to_owned(),
            context,
            tools: Arc::new(tools),
            output_format: None,
        };
        let mut explained = session.wait(session.engine.explain(&task));
        let reason = explained["decision"]["miss"]["reason"].clone();
        if ["slot_unfilled", "not_covered", "no_candidate"].iter().any(|asks| reason == *asks) {
            // The store is free again only when the first session has gone.
            drop(session);
            session = Session::open_with_models(common, Access::Read)?;
            explained = session.wait(session.engine.explain(&task));
        }
        if out.json() {
            out.value(&explained)?;
        } else {
            Page { session: &session, task: &task }
                .lines(&explained)
                .iter()
                .try_for_each(|line| out.line(line))?;
        }
        Ok(Status::Done)
    }
}

/// What the engine explains, for a person.
struct Page<'s> {
    session: &'s Session,
    task: &'s Task,
}

impl Page<'_> {
    fn lines(&self, explained: &Value) -> Vec<String> {
        let mut lines = vec![
            format!("The task, masked:  {}", text(&explained["masked"])),
            format!("Its words:         {}", list(&explained["keywords"])),
        ];
        if self.task.tools.is_empty() {
            lines.push("Its tools:         assumed to be those that the plans were learnt with".to_owned());
        }
        lines.push(String::new());
        lines.extend(self.decision(&explained["decision"]));
        if self.session.templates().is_empty() {
            lines.push(format!("  {}", super::list::none(self.session)));
        }
        lines.extend(self.likeness(&explained["likeness"]));
        let candidates = explained["candidates"].as_array().cloned().unwrap_or_default();
        if let Some(first) = candidates.first().filter(|_| {
            explained["decision"]["reason"] == "no_candidate"
                || explained["decision"]["miss"]["reason"] == "no_candidate"
        }) {
            let (id, name) = (text(&first["template"]), text(&first["name"]));
            lines.push(format!(
                "  nearest: {id} ({name}), score {}: the task lacks its words {}",
                score(&first["score"]),
                list(&first["missing_keywords"])
            ));
        }
        if !candidates.is_empty() {
            lines.extend([String::new(), "Candidates, best first".to_owned()]);
        }
        candidates.iter().for_each(|candidate| lines.extend(self.candidate(candidate)));
        lines
    }

    fn decision(&self, decision: &Value) -> Vec<String> {
        if decision["result"] != "hit" {
            let mut miss = decision["miss"].as_object().cloned().unwrap_or_else(|| {
                let reason = decision["reason"].clone();
                Map::from_iter([("reason".to_owned(), reason)])
            });
            let reason = text(&miss.remove("reason").unwrap_or_default()).replace('_', " ");
            let mut lines = vec![format!("Decision: miss, {reason}")];
            if let (Some(from), Some(to)) = (index(miss.get("from")), index(miss.get("to"))) {
                let rest = self.task.text.get(from..to).unwrap_or_default();
                let shown: String = rest.chars().take(120).collect();
                lines.push(format!("  no known plan covers the text from byte {from} on: \"{shown}\""));
            }
            for (key, value) in
                miss.iter().filter(|(key, _)| !matches!(key.as_str(), "from" | "to" | "nearest"))
            {
                lines.push(format!("  {key}: {}", text(value)));
            }
            if let Some(nearest) = miss.get("nearest").filter(|nearest| nearest.is_object()) {
                lines.push(format!(
                    "  nearest: {} ({}), score {}: {}",
                    text(&nearest["template"]),
                    text(&nearest["name"]),
                    score(&nearest["score"]),
                    text(&nearest["why"])
                ));
            }
            return lines;
        }
        let parts: Vec<&str> = decision["planner"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| self.task.text.get(index(part.get("from"))?..index(part.get("to"))?))
            .collect();
        let mut lines = Vec::new();
        if parts.is_empty() {
            lines.push("Decision: hit, served from".to_owned());
        } else {
            lines.push("Decision: in part; the planner is asked for".to_owned());
            lines.extend(parts.iter().map(|part| format!("  \"{}\"", part.trim())));
            lines.push("The rest is served from".to_owned());
        }
        let templates = decision["templates"].as_array().cloned().unwrap_or_default();
        for served in &templates {
            lines.push(format!("  {} @ {}", text(&served["id"]), text(&served["version"])));
        }
        lines.push("Slots".to_owned());
        for slot in decision["slots"].as_array().into_iter().flatten() {
            lines.push(format!("  {}", slot_line(slot)));
        }
        lines.push(
            "Steps (values come from the task, or from what earlier steps of the same plan return)"
                .to_owned(),
        );
        for served in &templates {
            let id = TemplateId::new(text(&served["id"]));
            let all = self.session.engine.templates(Some(&self.task.namespace));
            let Some(record) = all.iter().find(|record| record.template.id == id) else { continue };
            lines.push(format!("  {}:", record.template.id));
            for (n, step) in record.template.steps.iter().enumerate() {
                let step = words::step(&record.template, n + 1, step, false);
                lines.extend(step.into_iter().map(|line| format!("    {line}")));
            }
        }
        lines
    }

    /// What each part of a text in other words is most like.
    fn likeness(&self, likeness: &Value) -> Vec<String> {
        let parts = likeness["parts"].as_array().cloned().unwrap_or_default();
        if parts.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![
            String::new(),
            format!(
                "In other words than those learnt (the next text asks for something new with a chance of {})",
                score(&likeness["novelty"])
            ),
        ];
        let said = |part: &Value| {
            let range = index(part.get("from")).zip(index(part.get("to")));
            let said = range.and_then(|(from, to)| self.task.text.get(from..to)).unwrap_or_default();
            format!(
                "  {} like {} ({}), risk {:.4}{}: \"{}\"",
                score(&part["alike"]),
                text(&part["template"]),
                text(&part["name"]),
                part["risk"].as_f64().unwrap_or_default(),
                if part["clear"] == json!(true) { "" } else { ", not clear" },
                said.chars().take(80).collect::<String>()
            )
        };
        lines.extend(parts.iter().map(said));
        for rival in likeness["rivals"].as_array().into_iter().flatten() {
            let names: Vec<String> =
                rival.as_array().into_iter().flatten().map(|part| text(&part["template"])).collect();
            lines.push(format!("  nearly as much like: {}", names.join(", ")));
        }
        lines
    }

    fn candidate(&self, candidate: &Value) -> Vec<String> {
        let mut lines = vec![format!(
            "  {} {}: {}, {} of {} successes{}",
            score(&candidate["score"]),
            text(&candidate["template"]),
            text(&candidate["state"]),
            text(&candidate["evidence"]),
            candidate["needed"].as_u64().map_or("(never served)".to_owned(), |n| n.to_string()),
            if candidate["tools_fit"] == json!(false) { ", made for other tools" } else { "" },
        )];
        if let Some(why) = candidate["servable"].as_str() {
            lines.push(format!("       not served: {why}"));
        }
        let missing = list(&candidate["missing_keywords"]);
        if !missing.is_empty() {
            lines.push(format!("       words that the task lacks: {missing}"));
        }
        for read in candidate["reads"].as_array().into_iter().flatten() {
            lines.push(format!("       reads bytes {} to {}", text(&read["from"]), text(&read["to"])));
            for slot in read["slots"].as_array().into_iter().flatten() {
                lines.push(format!("         {}", slot_line(slot)));
            }
        }
        lines
    }
}

/// `[name] = value, from bytes a to b, by the binder`.
fn slot_line(slot: &Value) -> String {
    let span = match slot["span"].as_array().map(Vec::as_slice) {
        Some([from, to]) => format!(", bytes {from} to {to} of the text"),
        _ => String::new(),
    };
    let by = slot["by"].as_str().map(|by| format!(", by the {by}")).unwrap_or_default();
    let idle = if slot["idle"] == json!(true) { ", read by nothing" } else { "" };
    format!("[{}] = {}{span}{by}{idle}", text(&slot["name"]), slot["value"])
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> String {
    value.as_array().map(|all| all.iter().map(text).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

fn score(value: &Value) -> String {
    value.as_f64().map(|score| format!("{score:.2}")).unwrap_or_default()
}

fn index(value: Option<&Value>) -> Option<usize> {
    usize::try_from(value?.as_u64()?).ok()
}
