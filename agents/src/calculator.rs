//! A calculator: one tool that evaluates an expression.

use serde_json::{Map, Value, json};

use crate::agent::Environment;
use crate::arithmetic::evaluate;
use crate::import::described;

/// The tool, as an OpenAI function description.
pub fn tools() -> Vec<Value> {
    let expression = json!({"type": "string", "description": "Numbers, + - * / and parentheses."});
    let about = "Evaluates an arithmetic expression, such as \"(12 + 3) * 0.5\".";
    vec![described("calculate", about, json!({"expression": expression}), &["expression"])]
}

/// The calculator. It remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calculator;

impl Environment for Calculator {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        match (tool, arguments.get("expression").and_then(Value::as_str)) {
            ("calculate", Some(expression)) => match evaluate(expression) {
                Ok(value) => number_text(value),
                Err(why) => format!("Error: {why}"),
            },
            ("calculate", None) => "Error: argument 'expression' must be a string".to_owned(),
            _ => format!("Error: unknown tool {tool}"),
        }
    }
}

/// A number to ten decimals, without the noise of binary fractions.
fn number_text(value: f64) -> String {
    let rounded = (value * 1e10).round() / 1e10;
    let value = if rounded.is_finite() { rounded } else { value };
    // The sum with zero takes the sign off a negative zero.
    format!("{}", value + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(tool: &str, arguments: Value) -> String {
        Calculator.call(tool, arguments.as_object().unwrap())
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(said("calculate", json!({"expression": "3650*0.1"})), "365");
        assert_eq!(said("calculate", json!({"expression": "0.1+0.2"})), "0.3");
        assert_eq!(said("calculate", json!({"expression": "0*(-1)"})), "0");
        assert_eq!(said("calculate", json!({"expression": "1/3"})), "0.3333333333");
    }

    #[test]
    fn a_wrong_call_is_answered_with_an_error() {
        assert_eq!(said("calculate", json!({"expression": "x"})), "Error: invalid characters in expression");
        assert!(said("calculate", json!({})).starts_with("Error: argument"));
        assert!(said("compute", json!({})).starts_with("Error: unknown tool"));
    }
}
