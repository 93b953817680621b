//! Tasks of the stream again, with a value said in other words than the tool's schema has for it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::SetupError;
use crate::tasks::TaskInput;

/// Phrases of one member that are for tuning come first; these are for reporting.
fn reported(phrases: &[String]) -> &[String] {
    &phrases[phrases.len() / 2..]
}

/// What people say, by argument and member.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Phrases {
    /// Phrases by member, by argument.
    pub arguments: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// A task in other words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reworded {
    /// The task that it is.
    pub of: String,
    /// The task as the agent gets it, under a name of its own.
    pub input: TaskInput,
    /// What was said in the member's place.
    pub phrase: String,
    /// The member.
    pub member: String,
}

impl Phrases {
    /// Reads `other_words.toml` of a data folder; none if the folder has none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(data: &Path) -> Result<Self, SetupError> {
        let path = data.join("other_words.toml");
        if !path.is_file() {
            return Ok(Self::default());
        }
        let wrong = |why: String| SetupError::File { path: path.display().to_string(), why };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        toml::from_str(&text).map_err(|e| wrong(e.to_string()))
    }

    /// Each phrase put in place of its member in a task of its own that spells it just once.
    /// `tuning` says which half of the phrases.
    pub fn reworded(&self, tasks: &[TaskInput], tuning: bool) -> Vec<Reworded> {
        let mut out: Vec<Reworded> = Vec::new();
        for (member, phrases) in self.arguments.values().flatten() {
            let half = if tuning { &phrases[..phrases.len() / 2] } else { reported(phrases) };
            let others: Vec<&String> = self.arguments.values().flat_map(|m| m.keys()).collect();
            let mut free = tasks.iter().filter(|task| {
                let spelt: usize = others.iter().map(|m| task.instruction.matches(m.as_str()).count()).sum();
                spelt == 1 && task.instruction.contains(member.as_str())
            });
            for (phrase, task) in half.iter().zip(&mut free) {
                out.push(Reworded {
                    of: task.task_id.clone(),
                    input: TaskInput {
                        task_id: format!("{}/other-words", task.task_id),
                        instruction: task.instruction.replace(member.as_str(), phrase),
                    },
                    phrase: phrase.clone(),
                    member: member.clone(),
                });
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_takes_the_members_place_in_a_task_of_its_own() {
        let phrases: Phrases = toml::from_str(
            r#"[why]
            "too big" = ["it is huge", "it has no room", "I cannot lift it", "it fills the hall"]"#,
        )
        .unwrap();
        let task = |id: &str, text: &str| TaskInput { task_id: id.into(), instruction: text.into() };
        let tasks = [task("a", "Sell x."), task("b", "Sell x: too big."), task("c", "Sell y: too big.")];
        let reworded = phrases.reworded(&tasks, false);
        let shown: Vec<_> = reworded.iter().map(|r| (r.of.as_str(), r.input.instruction.as_str())).collect();
        assert_eq!(shown, [("b", "Sell x: I cannot lift it."), ("c", "Sell y: it fills the hall.")]);
        assert_eq!(phrases.reworded(&tasks, true)[0].input.instruction, "Sell x: it is huge.");
    }
}
