use std::time::Duration;

use serde_json::Value;

use super::filler::{Choice, FillQuestion};
use crate::domain::{Template, Tool};

/// Longest text that a filler may write, in tokens.
const MOST_TOKENS: usize = 96;

/// The value that a filler is asked for: an argument of a call that a template makes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The template.
    pub template: &'a Template,
    /// The tool that is called.
    pub tool: &'a Tool,
    /// The argument.
    pub argument: &'a str,
    /// What the task says of it.
    pub said: &'a str,
    /// How long an answer is of use.
    pub deadline: Duration,
}

impl Wanted<'_> {
    /// Asks which of these values is meant. A candidate is the whole answer, an object with the
    /// argument as its only member: a small model is surest of a value where it fills it in
    /// (eval/record/filler).
    pub fn among(self, values: &[String]) -> FillQuestion {
        let name = Value::String(self.argument.to_owned());
        let object = |value: &String| format!("{{{name}: {}}}", Value::String(value.clone()));
        self.question(Choice::Candidates(values.iter().map(object).collect()))
    }

    /// Asks which of these values is meant by what the task says in other words.
    pub fn meaning(self, values: &[String]) -> FillQuestion {
        let choice = Choice::Meant {
            argument: self.argument.to_owned(),
            values: values.to_vec(),
            said: self.said.to_owned(),
        };
        self.question(choice)
    }

    /// Asks for a text, of at most 400 characters.
    pub fn text(self) -> FillQuestion {
        self.question(Choice::text(self.argument, MOST_TOKENS))
    }

    fn question(self, choice: Choice) -> FillQuestion {
        let described = self.tool.argument(self.argument).and_then(|schema| schema.get("description"));
        let described = described.and_then(Value::as_str).unwrap_or_default();
        FillQuestion {
            prefix_key: format!("{}/{}/{}", self.template.version, self.tool.name, self.argument),
            prefix: format!(
                "You fill one argument of a tool call from what a user asks. Use only what the user says. \
                 Answer with a JSON object.\nTool: {}: {}\nArgument: {}: {described}\n",
                self.tool.name, self.tool.description, self.argument
            ),
            task: format!("The user says: {}\n", self.said),
            choice,
            deadline: self.deadline,
        }
    }
}
