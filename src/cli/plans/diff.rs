use std::path::Path;

use clap::Args;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status, files, words};
use crate::domain::{Binding, Revision, Template, TemplateChange, TemplateRecord, changes};
use crate::validate;

#[derive(Debug, Args)]
pub(in crate::cli) struct Diff {
    /// Id of the plan, or the beginning of it, or a file as `plans export` writes it
    plan: String,
    /// Another plan to compare it with, likewise [default: what the last run changed of the plan]
    other: Option<String>,
    /// Show all that changed since this version, or the beginning of it
    #[arg(long, value_name = "VERSION", conflicts_with = "other")]
    from: Option<String>,
    /// Show what changed up to this version
    #[arg(long, value_name = "VERSION", conflicts_with = "other")]
    to: Option<String>,
}

impl Diff {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Read)?;
        let plan = find(&session, &self.plan)?;
        if let Some(other) = &self.other {
            return two(&plan.template, &find(&session, other)?.template, out);
        }
        let revisions = self.range(&plan)?;
        if out.json() {
            out.value(&revisions)?;
        } else if revisions.is_empty() {
            out.line(format!(
                "No run has changed {} since it was learnt, or none of which something is kept.",
                plan.template.id
            ))?;
        }
        for revision in revisions.iter().filter(|_| !out.json()).collect::<Vec<_>>() {
            out.line(format!(
                "{}, version {} \u{2192} {}: with the run that made it {} distinct successes",
                plan.template.id, revision.from, revision.to, revision.successes
            ))?;
            say(&plan.template, &revision.changes, out)?;
            if revision.more > 0 {
                out.line(format!("  and {} more changes", revision.more))?;
            }
        }
        Ok(Status::Done)
    }

    /// The revisions that are asked for: those between two versions, else the last.
    fn range<'r>(&self, plan: &'r TemplateRecord) -> Result<&'r [Revision], Failure> {
        let all = plan.evidence.revisions.as_slice();
        let unknown = |version: &str| -> Failure {
            let kept: Vec<&str> = all.iter().map(|revision| revision.from.as_str()).collect();
            let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
            format!("version `{version}` is not kept; earlier ones that are: {kept}").into()
        };
        let start = match &self.from {
            None if self.to.is_some() => 0,
            None => all.len().saturating_sub(1),
            Some(from) => {
                let at = all.iter().position(|revision| revision.from.as_str().starts_with(from.as_str()));
                at.ok_or_else(|| unknown(from))?
            }
        };
        let end = match &self.to {
            None => all.len(),
            Some(to) => {
                let at = all.iter().position(|revision| revision.to.as_str().starts_with(to.as_str()));
                at.ok_or_else(|| unknown(to))? + 1
            }
        };
        let backwards = || -> Failure { "the version after --from is older than that after --to".into() };
        all.get(start..end).ok_or_else(backwards)
    }
}

/// A plan of the store, or of a file.
fn find(session: &Session, name: &str) -> Result<TemplateRecord, Failure> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok((*session.find(name)?).clone());
    }
    let text = files::read_file(path)?;
    let bad = |why: validate::Invalid| format!("{name}: {why}");
    if let Ok(record) = validate::read_record(&text) {
        return Ok(record);
    }
    Ok(TemplateRecord::new(validate::read_template(&text).map_err(bad)?))
}

fn two(one: &Template, other: &Template, out: &mut Output<'_>) -> Result<Status, Failure> {
    let found = changes(one, other);
    if out.json() {
        out.value(&json!(found))?;
    } else if found.is_empty() {
        out.line(format!("{} and {} say the same.", one.id, other.id))?;
    } else {
        out.line(format!("From {} {} to {} {}:", one.id, one.version, other.id, other.version))?;
        out.line(format!("  the task now says: {}", words::pattern(other)))?;
        say(other, &found, out)?;
    }
    Ok(Status::Done)
}

fn say(template: &Template, all: &[TemplateChange], out: &mut Output<'_>) -> std::io::Result<()> {
    all.iter().flat_map(|change| lines(template, change)).try_for_each(|line| out.line(format!("  {line}")))
}

/// A change in words; `template` is the plan after it.
fn lines(template: &Template, change: &TemplateChange) -> Vec<String> {
    let tool = |step: usize| template.steps.get(step).map_or("", |step| step.tool.as_str());
    let place = |step: usize| format!("step {}, {}", step + 1, tool(step));
    match change {
        TemplateChange::Says { before } => {
            vec![format!("the task said: {}", words::parts(template, &before.parts))]
        }
        TemplateChange::SlotAdded { name } => vec![format!("slot [{name}] is new")],
        TemplateChange::SlotRemoved { name } => vec![format!("slot [{name}] is gone")],
        TemplateChange::SlotShape { name, before, after } => {
            let word = |shape| format!("{shape:?}").to_lowercase();
            vec![format!("slot [{name}] was of shape {}, now {}", word(before), word(after))]
        }
        TemplateChange::Steps { before, after } => {
            vec![format!("the calls were {}; now {}", before.join(", "), after.join(", "))]
        }
        TemplateChange::Argument { step, argument, added } => {
            vec![format!("{}: {argument} is {}", place(*step), if *added { "new" } else { "gone" })]
        }
        TemplateChange::Bindings { step, argument, before, after, gone, new } => {
            let mut lines = vec![format!("{}: {argument} had {before} readings, now {after}", place(*step))];
            let each = |mark: &str, bindings: &[Binding]| {
                bindings
                    .iter()
                    .map(|b| format!("  {mark} {}", words::binding(template, b)))
                    .collect::<Vec<_>>()
            };
            lines.extend(each("-", gone));
            lines.extend(each("+", new));
            // Every old reading either stayed or fell out.
            let fallen = (before + new.len()).saturating_sub(*after);
            if fallen > gone.len() {
                lines.push(format!("  - and {} others", fallen - gone.len()));
            }
            lines
        }
        TemplateChange::Guards { step, gone, new } => {
            let mut lines = vec![format!("{}: goes on under other conditions", place(*step))];
            lines.extend(gone.iter().map(|cel| format!("  - {cel}")));
            lines.extend(new.iter().map(|cel| format!("  + {cel}")));
            lines
        }
        TemplateChange::Repeats { step, list: None, .. } => {
            vec![format!("{}: is made once, no longer for each element of a list", place(*step))]
        }
        TemplateChange::Repeats { step, list: Some(list), together } => {
            vec![format!("{}: is now made {}", place(*step), words::for_each(template, *together, *list))]
        }
        TemplateChange::When { step } => {
            let when = template.steps.get(*step).map(words::conditions).unwrap_or_default();
            let when = if when.is_empty() { "always".to_owned() } else { format!("only if {when}") };
            vec![format!("{}: is now made {when}", place(*step))]
        }
        TemplateChange::Answer => vec!["the answer is another".to_owned()],
    }
}
