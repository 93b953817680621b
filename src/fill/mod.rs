//! Giving every slot a value for this task: the binder reads the task with the templates' own
//! patterns, evaluates bindings on what is observed, and leaves to the filler what only language
//! can decide.

mod bind;
mod candidates;
mod cover;
mod filler;
pub mod loose;
mod parse;
mod plan;
mod play;
mod question;

pub use candidates::{Candidate, candidates};
pub use cover::{Block, Covers, Gap, cover, cover_around};
pub use filler::{Choice, FillAnswer, FillError, FillQuestion, Filler};
pub use parse::{Reading, Wording, read_pattern};
pub use plan::{OpenCall, Plan, Played, Rules, tools};
pub use play::{observed, play, play_counted};
pub use question::Wanted;

#[cfg(test)]
pub(crate) mod testing {
    use crate::domain::{
        Namespace, Part, Pattern, SCHEMA_VERSION, SlotSpec, Template, TemplateId, TemplateVersion,
    };

    /// A template without steps.
    pub(crate) fn template(parts: Vec<Part>, slots: Vec<SlotSpec>) -> Template {
        Template {
            schema_version: SCHEMA_VERSION,
            id: TemplateId::new("t"),
            version: TemplateVersion::new("v"),
            namespace: Namespace::default(),
            name: "t".into(),
            keywords: vec![],
            pattern: Pattern { parts },
            slots,
            steps: vec![],
            answer: None,
            contract: vec![],
            output_format: None,
        }
    }
}
