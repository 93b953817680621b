use clap::Args;
use serde_json::json;

use crate::cli::output::Output;
use crate::cli::session::{Access, Session};
use crate::cli::{Common, Failure, Status};

#[derive(Debug, Args)]
pub(in crate::cli) struct Rm {
    /// Ids of the plans, or the beginnings of them
    #[arg(required = true)]
    ids: Vec<String>,
}

impl Rm {
    pub(super) fn run(&self, common: &Common, out: &mut Output<'_>) -> Result<Status, Failure> {
        let session = Session::open(common, Access::Write)?;
        // All are found before any is removed: a mistyped id removes nothing.
        let records = self.ids.iter().map(|id| session.find(id)).collect::<Result<Vec<_>, _>>()?;
        let mut removed = Vec::new();
        for record in records {
            let (namespace, id) = (&record.template.namespace, &record.template.id);
            if session.wait(session.engine.remove(namespace, id))? {
                removed.push(id.clone());
            }
        }
        if out.json() {
            out.value(&json!({"removed": removed}))?;
        } else {
            removed.iter().try_for_each(|id| out.line(format!("removed {id}")))?;
        }
        Ok(Status::Done)
    }
}
