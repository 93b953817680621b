use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status};
use crate::domain::TemplateRecord;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// Ids of the plans, or the beginnings of them [default: all]
    ids: Vec<String>,
    /// Write one file a plan into this folder [default: one JSON array on standard output]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keep evidence and state, as for a backup; without, only what the plan says is written
    #[arg(long)]
    records: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be written")]
struct Unwritable {
    path: PathBuf,
    source: std::io::Error,
}

impl Export {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Read)?;
        let records: Vec<Arc<TemplateRecord>> = if self.ids.is_empty() {
            session.templates()
        } else {
            self.ids.iter().map(|id| session.find(id)).collect::<Result<_, _>>()?
        };
        let content = |record: &TemplateRecord| -> Result<Value, serde_json::Error> {
            if self.records { serde_json::to_value(record) } else { serde_json::to_value(&record.template) }
        };
        let Some(dir) = &self.dir else {
            let all = records.iter().map(|r| content(r)).collect::<Result<Vec<_>, _>>()?;
            out.value(&all)?;
            return Ok(Status::Done);
        };
        let mut written = Vec::new();
        for record in &records {
            let path = dir.join(file_name(record.template.id.as_str()));
            write(&path, &content(record)?)?;
            written.push(path);
        }
        if out.json() {
            out.value(&json!({"written": written}))?;
        } else {
            written.iter().try_for_each(|path| out.line(path.display().to_string()))?;
        }
        Ok(Status::Done)
    }
}

/// An id as a file's name: whatever it holds, the file stays in its folder.
fn file_name(id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = id.chars().map(safe).take(120).collect();
    format!("{}.json", name.trim_start_matches('.'))
}

fn write(path: &Path, value: &Value) -> Result<(), Failure> {
    let unwritable = |source| Unwritable { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(unwritable)?;
    }
    let text = serde_json::to_string_pretty(value)? + "\n";
    std::fs::write(path, text).map_err(unwritable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn file_names_stay_in_their_folder() {
        for (id, file) in
            [("a-1", "a-1.json"), ("../../x", "_.._x.json"), ("/etc", "_etc.json"), ("é", "_.json")]
        {
            assert_eq!(super::file_name(id), file);
        }
    }
}
