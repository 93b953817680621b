use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status};
use crate::domain::{Lifecycle, Namespace, Template, TemplateRecord};
use crate::validate;

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// Files as `plancache plans export` writes them; `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Serve them at once: you have reviewed them. Without, they wait for evidence
    #[arg(long)]
    activate: bool,
    /// Take a plan whose content was edited: give it the version of what it says now
    #[arg(long)]
    rehash: bool,
    /// Put a plan in place of one that is there with the same id
    #[arg(long)]
    replace: bool,
}

/// Why a file's plan was not taken.
#[derive(Debug, thiserror::Error)]
enum Rejected {
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    Invalid(#[from] validate::Invalid),
    #[error("line {}, column {}: {}", .0.line(), .0.column(), plain(.0))]
    Json(#[from] serde_json::Error),
    #[error("there is a plan `{0}` already; take this one in its place with --replace")]
    Exists(String),
}

fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

impl Import {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Write)?;
        let namespace = common.namespace.clone().map(Namespace::new);
        let (mut taken, mut rejected) = (Vec::new(), Vec::new());
        for file in &self.files {
            match self.read(file, namespace.as_ref(), &session) {
                Ok(records) => taken.extend(records),
                Err(why) => rejected.push((file.display().to_string(), why.to_string())),
            }
        }
        let ids: Vec<String> = taken.iter().map(|record| record.template.id.to_string()).collect();
        session.wait(session.engine.put(taken))?;
        if out.json() {
            let rejected: Vec<_> =
                rejected.iter().map(|(file, why)| json!({"file": file, "why": why})).collect();
            out.value(&json!({"imported": ids, "rejected": rejected}))?;
        } else {
            ids.iter().try_for_each(|id| out.line(format!("imported {id}")))?;
            rejected.iter().try_for_each(|(file, why)| out.line(format!("rejected {file}: {why}")))?;
        }
        Ok(if rejected.is_empty() { Status::Done } else { Status::Findings })
    }

    /// The plans of a file: one, or an array of them, with or without evidence.
    fn read(
        &self,
        file: &Path,
        namespace: Option<&Namespace>,
        session: &Session,
    ) -> Result<Vec<TemplateRecord>, Rejected> {
        let mut text = String::new();
        if file.as_os_str() == "-" {
            std::io::stdin().lock().read_to_string(&mut text)?;
        } else {
            text = std::fs::read_to_string(file)?;
        }
        let value: Value = serde_json::from_str(&text)?;
        // One plan is read from the text itself, so that errors name the line in the file.
        let plans: Vec<String> = match &value {
            Value::Array(plans) => plans.iter().map(Value::to_string).collect(),
            _ => vec![text],
        };
        let mut records = Vec::new();
        for plan in plans {
            let mut record = self.one(&plan)?;
            if let Some(namespace) = namespace {
                Arc::make_mut(&mut record.template).namespace = namespace.clone();
            }
            if self.activate {
                record.state = Lifecycle::Active;
            }
            let id = &record.template.id;
            let known = session.engine.templates(Some(&record.template.namespace));
            if !self.replace && known.iter().any(|other| other.template.id == *id) {
                return Err(Rejected::Exists(id.to_string()));
            }
            records.push(record);
        }
        Ok(records)
    }

    fn one(&self, text: &str) -> Result<TemplateRecord, Rejected> {
        let value: Value = serde_json::from_str(text)?;
        let with_evidence = value.get("template").is_some();
        let rehashed = if self.rehash { rehash(&value, with_evidence) } else { None };
        let text = rehashed.as_deref().unwrap_or(text);
        if with_evidence {
            return Ok(validate::read_record(text)?);
        }
        Ok(TemplateRecord::new(validate::read_template(text)?))
    }
}

/// The text with the version of its content; `None` if it cannot be read as it is, which the
/// check that follows explains better.
fn rehash(value: &Value, with_evidence: bool) -> Option<String> {
    let mut value = value.clone();
    let template = if with_evidence { value.get_mut("template")? } else { &mut value };
    let read: Template = serde_json::from_value(template.clone()).ok()?;
    template["version"] = json!(read.content_version());
    serde_json::to_string_pretty(&value).ok()
}
