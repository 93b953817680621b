use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::list;
use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status, words};
use crate::domain::TemplateRecord;

#[derive(Debug, Args)]
pub(in crate::cli) struct Search {
    /// Words of the task, the plan's name, its keywords or its tools
    #[arg(required = true)]
    words: Vec<String>,
}

impl Search {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Read)?;
        let wanted: Vec<String> =
            self.words.iter().flat_map(|w| w.split_whitespace()).map(str::to_lowercase).collect();
        let mut found: Vec<(usize, Arc<TemplateRecord>)> = session
            .templates()
            .into_iter()
            .map(|record| {
                let text = searchable(&record);
                (wanted.iter().filter(|word| text.contains(word.as_str())).count(), record)
            })
            .filter(|(hits, _)| *hits > 0)
            .collect();
        found.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
        let status = if found.is_empty() { Status::Findings } else { Status::Done };
        if out.json() {
            let all: Vec<_> = found
                .iter()
                .map(|(hits, record)| json!({"words_found": hits, "plan": list::outline(record)}))
                .collect();
            out.value(&all)?;
        } else if found.is_empty() {
            out.line("No plan has any of these words.")?;
        } else {
            list::table(out, found.iter().map(|(_, record)| list::row(record)).collect())?;
        }
        Ok(status)
    }
}

fn searchable(record: &TemplateRecord) -> String {
    let template = &record.template;
    let mut text = format!("{} {} {} ", template.id, template.name, template.keywords.join(" "));
    text.push_str(&words::pattern(template));
    template.steps.iter().for_each(|step| text.push_str(&format!(" {}", step.tool)));
    text.to_lowercase()
}
