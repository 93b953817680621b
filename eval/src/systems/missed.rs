use plancache::domain::{Bypass, Diverged, Miss, Outcome, TemplateId};
use plancache::engine::Engine;
use plancache::layer::Decision;
use plancache::spans::{Kind, is_boundary, lex};

use crate::measure::Missed;

/// The longest text that is not covered, in words.
const MOST_WORDS: usize = 6;

/// What stood in the way in the first decision that served nothing; `text` is the task's.
pub(super) fn missed(engine: &Engine, text: &str, decisions: &[Decision]) -> Option<Missed> {
    let mut missed = Missed::default();
    let mut nearest: Option<TemplateId> = None;
    missed.at = match &decisions.iter().find(|d| !d.served)?.outcome {
        Outcome::Miss(miss) => match miss {
            Miss::NotCovered { from, nearest: near, .. } => {
                nearest = near.as_ref().map(|near| near.template.clone());
                words(text.get(*from..).unwrap_or_default())
            }
            Miss::Ambiguous { what } => what.clone(),
            Miss::NotActive { template, evidence, needed } => {
                nearest = Some(template.clone());
                format!("{evidence} of {needed} successes")
            }
            Miss::SlotUnfilled { template, slot } => {
                nearest = Some(template.clone());
                slot.clone()
            }
            Miss::Ungrounded { slot } => slot.clone(),
            Miss::NoCandidate | Miss::NothingToDo | Miss::FillerUnavailable => String::new(),
        },
        Outcome::Bypass(Bypass::Effect { tool }) => tool.clone(),
        Outcome::Bypass(Bypass::Fault { what }) => what.clone(),
        Outcome::Bypass(Bypass::Mode | Bypass::RunInProgress) => String::new(),
        Outcome::Diverged(diverged) => match diverged {
            Diverged::Guard { tool, guard } => format!("{tool}: {guard}"),
            Diverged::CallFailed { tool } => tool.clone(),
            Diverged::Binding { tool, argument, why } => format!("{tool}.{argument}: {why}"),
            Diverged::Schema { tool, why } => format!("{tool}: {why}"),
            Diverged::Part | Diverged::History | Diverged::Withdrawn => String::new(),
        },
        Outcome::PlannerPart { from, .. } => words(text.get(*from..).unwrap_or_default()),
        Outcome::Hit { .. } | Outcome::PlannerAnswer { .. } => return None,
    };
    let all = if nearest.is_some() { engine.templates(None) } else { Vec::new() };
    if let Some(record) = all.iter().find(|record| Some(&record.template.id) == nearest.as_ref()) {
        missed.nearest = Some(record.template.name.clone());
        missed.tools = record.template.contract.iter().map(|tool| tool.name.clone()).collect();
    }
    Some(missed)
}

/// The first words of a text, at most to the end of its sentence, values and names masked.
fn words(text: &str) -> String {
    let lexed = lex(text);
    let mut said: Vec<String> = Vec::new();
    for (at, token) in lexed.tokens.iter().enumerate() {
        if said.len() == MOST_WORDS || (at > 0 && is_boundary(&token.folded)) {
            break;
        }
        let mask = match token.kind {
            Kind::Word { capital: true } if at > 0 => "<name>",
            Kind::Word { .. } | Kind::Punct => &token.folded,
            Kind::Number => "<number>",
            Kind::Identifier => "<identifier>",
            Kind::Email => "<email>",
            Kind::Quoted => "<quoted>",
            Kind::Object => "<object>",
        };
        // A name of several words is one.
        if mask != "<name>" || said.last().is_none_or(|last| last != mask) {
            said.push(mask.to_owned());
        }
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_covered_is_shown_without_values() {
        assert_eq!(words("by Ada Lee in #W12, who paid 30. Then"), "by <name> in <identifier> , who");
        assert_eq!(words("ada@x.org now. More"), "<email> now");
        assert_eq!(words(""), "");
    }
}
