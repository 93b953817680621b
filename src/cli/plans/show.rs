use clap::Args;

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status, words};
use crate::domain::TemplateRecord;

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Id of the plan, or the beginning of it
    id: String,
    /// Show every binding, not only the best of each value
    #[arg(long)]
    all: bool,
}

impl Show {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Read)?;
        let record = session.find(&self.id)?;
        if out.json() {
            out.value(&*record)?;
        } else {
            text(&record, self.all).iter().try_for_each(|line| out.line(line))?;
        }
        Ok(Status::Done)
    }
}

/// The plan in lines.
fn text(record: &TemplateRecord, all: bool) -> Vec<String> {
    let TemplateRecord { template, evidence, state, .. } = record;
    let mut lines = vec![
        format!("{} ({})", template.name, format!("{state:?}").to_lowercase()),
        format!("  id {}, version {}, namespace {}", template.id, template.version, template.namespace),
        format!("  keywords: {}", template.keywords.join(", ")),
        String::new(),
        "The task says".to_owned(),
    ];
    lines.extend(words::pattern(template).lines().map(|line| format!("  {line}")));
    if !template.slots.is_empty() {
        lines.extend([String::new(), "with".to_owned()]);
        lines.extend(template.slots.iter().map(|slot| format!("  {}", words::slot(template, slot))));
    }
    for (list, slots) in words::lists(template) {
        lines.push(format!("  list {list}: elements of [{}]", slots.join("], [")));
    }
    lines.push(String::new());
    if template.is_idle() {
        lines.push("Nothing is done: this text is known to be idle.".to_owned());
    } else {
        lines.push("The plan does".to_owned());
        for (n, step) in template.steps.iter().enumerate() {
            lines.extend(words::step(template, n + 1, step, all).into_iter().map(|line| format!("  {line}")));
        }
        lines.push(match words::answer(template) {
            Some(answer) => format!("  and answers: {answer}"),
            None => "  and leaves the answer to the planner or the agent".to_owned(),
        });
        if let Some(tier) = words::weakest(template) {
            lines.push(format!("  (weakest value: {})", format!("{tier:?}").to_lowercase()));
        }
    }
    lines.extend([
        String::new(),
        "Evidence".to_owned(),
        format!(
            "  {} distinct successes, served {} times, handed back {}, went wrong {}",
            evidence.successes, evidence.served, evidence.diverged, evidence.bad_outcomes
        ),
    ]);
    lines
}
