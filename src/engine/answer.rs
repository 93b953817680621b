use serde_json::Value;

use super::Engine;
use crate::domain::{EffectClass, Miss, PlanRequest};
use crate::fill::{Choice, FillAnswer, FillQuestion};
use crate::policy::AnswerBy;
use crate::spans::{Kind, Lexed, is_boundary, lex};
use crate::validate;

/// Longest answer, in tokens.
const MOST_TOKENS: usize = 128;
/// Longest observation that is shown, in characters.
const MOST_SHOWN: usize = 600;

impl Engine {
    /// The final answer in the filler's words, where the policy says so: a confirmation of what was
    /// done, or what the last call returned if nothing was changed. `None` if the filler has none,
    /// or says a value that stands neither in the task nor in what was done; the planner answers
    /// then.
    pub(super) async fn answer(&self, request: &PlanRequest) -> Option<String> {
        if self.policy.answer != AnswerBy::Filler {
            return None;
        }
        let question = FillQuestion {
            prefix_key: "answer".to_owned(),
            prefix:
                "You tell a user what was done for them, in one or two sentences. Use only what is given. \
                     Answer with a JSON object.\n"
                    .to_owned(),
            task: format!("The user asked: {}\n{}", request.task.text, self.done(request)),
            choice: Choice::text("answer", MOST_TOKENS),
            deadline: self.deadline(),
        };
        let answered = self.answer_to(question, &|| Miss::FillerUnavailable).await.ok()?;
        let FillAnswer::Written(written) = answered else { return None };
        let text = written.get("answer").and_then(Value::as_str)?.trim().to_owned();
        let grounded = |value: &Value| {
            validate::grounded(value, &request.task, &request.history)
                || request.history.iter().any(|step| said_in(value, &step.call.arguments))
        };
        (!text.is_empty() && values(&lex(&text)).iter().all(grounded)).then_some(text)
    }

    /// The calls that changed something; without any, the last one with what it returned.
    fn done(&self, request: &PlanRequest) -> String {
        let writes = request.history.iter().filter(|s| self.policy.effect(&s.call.tool) != EffectClass::Read);
        let lines: Vec<String> = writes
            .map(|step| format!("Done: {} {}\n", step.call.tool, Value::Object(step.call.arguments.clone())))
            .collect();
        if !lines.is_empty() {
            return lines.concat();
        }
        let last = request.history.last().and_then(|step| Some((step, step.observation.as_ref()?)));
        last.map_or_else(String::new, |(step, observation)| {
            let seen: String = observation.value.to_string().chars().take(MOST_SHOWN).collect();
            format!("{} returned: {seen}\n", step.call.tool)
        })
    }
}

fn said_in(value: &Value, arguments: &serde_json::Map<String, Value>) -> bool {
    let Some(value) = value.as_str() else { return false };
    Value::Object(arguments.clone()).to_string().to_lowercase().contains(&value.to_lowercase())
}

/// What an answer says that is no ordinary word: numbers, identifiers, addresses, names.
fn values(text: &Lexed) -> Vec<Value> {
    let mut out = Vec::new();
    for (at, token) in text.tokens.iter().enumerate() {
        let begins = at.checked_sub(1).is_none_or(|before| is_boundary(&text.tokens[before].folded));
        let is_value = match token.kind {
            Kind::Number | Kind::Identifier | Kind::Email | Kind::Quoted | Kind::Object => true,
            Kind::Word { capital } => capital && !begins && !token.is("i"),
            Kind::Punct => false,
        };
        if is_value {
            out.push(token.value.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_values_are_all_but_ordinary_words() {
        let found = values(&lex("Your boat Gull lies at P_4. Fees are 45, and I wrote to a@b.org."));
        assert_eq!(found, ["Gull", "P_4", "45", "a@b.org"].map(Value::from));
    }
}
