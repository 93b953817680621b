use clap::Args;

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status, draw, words};
use crate::domain::{Lifecycle, TemplateRecord};

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Id of the plan, or the beginning of it
    id: String,
    /// Show every binding, not only the best of each value
    #[arg(long)]
    all: bool,
    /// Print the data flow in Graphviz's language
    #[arg(long, conflicts_with_all = ["svg", "all"])]
    dot: bool,
    /// Print the data flow as a picture
    #[arg(long, conflicts_with = "all")]
    svg: bool,
}

impl Show {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Read)?;
        let record = session.find(&self.id)?;
        let template = &record.template;
        if self.dot {
            out.line(draw::dot(&draw::flow(template)).trim_end())?;
        } else if self.svg {
            out.line(draw::svg(&draw::flow(template)).trim_end())?;
        } else if out.json() {
            out.value(&*record)?;
        } else {
            let needed = session.engine.needed(&record);
            text(&record, needed, self.all).iter().try_for_each(|line| out.line(line))?;
        }
        Ok(Status::Done)
    }
}

/// The plan in lines.
fn text(record: &TemplateRecord, needed: Option<u32>, all: bool) -> Vec<String> {
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
    lines.extend([String::new(), "Evidence".to_owned(), format!("  {}", state_words(record, needed))]);
    lines.push(format!(
        "  {} distinct successes, served {} times, handed back {}, went wrong {}",
        evidence.successes, evidence.served, evidence.diverged, evidence.bad_outcomes
    ));
    if evidence.contradicted > 0 {
        lines.push(format!(
            "  {} runs in which its words stood and something else was done",
            evidence.contradicted
        ));
    }
    lines
}

/// Whether it is served, and what it takes.
fn state_words(record: &TemplateRecord, needed: Option<u32>) -> String {
    let takes = match needed {
        Some(1) => "one success is enough".to_owned(),
        Some(n) => format!("it takes {n} distinct successes"),
        None => "it calls a destructive tool, which the settings do not allow".to_owned(),
    };
    match record.state {
        Lifecycle::Active => format!("is served ({takes})"),
        Lifecycle::Candidate => format!("is not served yet ({takes})"),
        Lifecycle::Quarantined => "was withdrawn after it went wrong, until it has new evidence".to_owned(),
        Lifecycle::Retired => "is not used any more".to_owned(),
    }
}
