use std::time::Duration;

use serde_json::{Map, Value};

use super::Engine;
use crate::domain::{FilledBy, FilledSlot, Miss, PlanRequest};
use crate::fill::{Choice, FillAnswer, FillQuestion, OpenCall, Plan};

/// Longest text that the filler may write, in tokens.
const MOST_TOKENS: usize = 96;

impl Engine {
    /// Asks the filler for an open value of the next call and puts it into `written`. Only whole
    /// arguments can be asked for; an open value deeper down is a miss.
    pub(super) async fn ask(
        &self,
        request: &PlanRequest,
        plan: &Plan,
        open: &OpenCall,
        written: &mut Map<String, Value>,
    ) -> Result<FilledSlot, Miss> {
        let block = plan.covers.first().and_then(|blocks| blocks.get(open.block));
        let template = block.map(|b| b.template.clone()).ok_or(Miss::FillerUnavailable)?;
        let unfilled = || Miss::SlotUnfilled { template: template.id.clone(), slot: open.argument.clone() };
        let filler = self.filler.as_ref().filter(|_| self.policy.filler).ok_or_else(unfilled)?;
        let tool = request.task.tool(&open.tool).ok_or_else(unfilled)?;
        let schema = tool.argument(&open.argument).cloned().unwrap_or(Value::Null);
        if !open.path.is_empty() {
            return Err(unfilled());
        }
        let members: Vec<String> = schema
            .get("enum")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(|m| m.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        let choice = if members.is_empty() {
            Choice::Schema {
                schema: serde_json::json!({"type": "string", "minLength": 1, "maxLength": 400}),
                max_tokens: MOST_TOKENS,
            }
        } else {
            Choice::Candidates(members.clone())
        };
        let described = schema.get("description").and_then(Value::as_str).unwrap_or("");
        let question = FillQuestion {
            prefix_key: format!("{}/{}/{}", template.version, open.step, open.argument),
            prefix: format!(
                "You fill one argument of a tool call from what a user asks. Use only what the user says.\n\
                 Tool: {}: {}\nArgument: {}: {}\n",
                tool.name, tool.description, open.argument, described
            ),
            task: format!("The user asks: {}\nThe value of {} is:", request.task.text, open.argument),
            choice,
            deadline: Duration::from_millis(self.policy.filler_deadline_ms),
        };
        let value = match filler.fill(question).await {
            Ok(FillAnswer::Chosen { index, margin }) if margin >= self.policy.filler_margin => {
                members.get(index).cloned().map(Value::String).ok_or_else(unfilled)?
            }
            Ok(FillAnswer::Written(value)) => value,
            Ok(_) => return Err(unfilled()),
            Err(why) => {
                tracing::debug!(%why, "the filler gave no answer");
                return Err(Miss::FillerUnavailable);
            }
        };
        written.insert(open.argument.clone(), value.clone());
        Ok(FilledSlot {
            template: template.id.clone(),
            name: open.argument.clone(),
            value,
            span: None,
            by: FilledBy::Filler,
        })
    }
}
