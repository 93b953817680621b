use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status};
use crate::domain::TemplateRecord;

pub(super) fn run(common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
    let session = Session::open(common, Access::Read)?;
    let records = session.templates();
    if out.json() {
        out.value(&records.iter().map(|record| outline(record)).collect::<Vec<_>>())?;
        return Ok(Status::Done);
    }
    if records.is_empty() {
        out.line(none(&session))?;
        return Ok(Status::Done);
    }
    table(out, records.iter().map(|record| row(record)).collect())?;
    Ok(Status::Done)
}

/// What is said of a store without plans.
pub(super) fn none(session: &Session) -> String {
    format!(
        "There are no plans in {}. Learn some with `plancache runs import`, or see `plancache demo`.",
        session.folder.display()
    )
}

/// A plan in one JSON object, without its content.
pub(super) fn outline(record: &TemplateRecord) -> Value {
    let TemplateRecord { template, evidence, state, .. } = record;
    json!({
        "id": template.id, "name": template.name, "namespace": template.namespace, "version": template.version,
        "state": state, "keywords": template.keywords, "slots": template.slots.len(),
        "steps": template.steps.iter().map(|step| &step.tool).collect::<Vec<_>>(),
        "successes": evidence.successes, "served": evidence.served, "diverged": evidence.diverged,
        "bad_outcomes": evidence.bad_outcomes,
    })
}

/// A plan in one row of [`table`].
pub(super) fn row(record: &TemplateRecord) -> Vec<String> {
    let TemplateRecord { template, evidence, state, .. } = record;
    let what = if template.is_idle() { "(idle)".to_owned() } else { template.steps.len().to_string() };
    vec![
        template.id.to_string(),
        format!("{state:?}").to_lowercase(),
        what,
        evidence.successes.to_string(),
        evidence.served.to_string(),
        (u64::from(evidence.diverged) + u64::from(evidence.bad_outcomes)).to_string(),
        template.namespace.to_string(),
    ]
}

pub(super) fn table(out: &mut Output<'_>, rows: Vec<Vec<String>>) -> std::io::Result<()> {
    out.table(&["plan", "state", "steps", "successes", "served", "failed", "namespace"], rows)
}
