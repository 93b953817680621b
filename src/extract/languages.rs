//! Which languages an argument may hold programs of, by what it and its tool are called: to the shell, any
//! text is a program.

use heck::ToSnakeCase;

use crate::domain::Task;
use crate::programs::Language;

/// Words of a name that may say what is written in an argument.
fn names(language: Language) -> &'static [&'static str] {
    match language {
        Language::Shell => &["shell", "bash", "sh", "zsh", "terminal", "command", "cmd"],
        Language::Python => &["python", "py", "ipython", "cell", "code", "script", "program"],
        Language::JavaScript => &["javascript", "js", "node", "code", "script", "program"],
    }
}

/// Words of a description that do.
fn descriptions(language: Language) -> &'static [&'static str] {
    match language {
        Language::Shell => &["shell", "bash", "terminal"],
        Language::Python => &["python"],
        Language::JavaScript => &["javascript"],
    }
}

/// The languages of which an argument may hold programs: those that a description says before those that
/// only a name may mean.
pub(super) fn languages(task: &Task, tool: &str, argument: &str) -> Vec<Language> {
    let own = task.tool(tool);
    let schema = own.and_then(|own| own.argument(argument));
    // Members of an enumeration are no programs.
    if schema.is_some_and(|schema| schema.get("enum").is_some()) {
        return Vec::new();
    }
    let of_argument = schema.and_then(|schema| schema.get("description")?.as_str()).unwrap_or_default();
    let of_tool = own.map_or("", |own| own.description.as_str());
    let described = format!("{of_tool} {of_argument}").to_lowercase();
    let named = format!("{} {}", tool.to_snake_case(), argument.to_snake_case());
    let says = |text: &str, words: &[&str]| {
        text.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    };
    let is_described = |language: &Language| says(&described, descriptions(*language));
    let (first, others): (Vec<_>, Vec<_>) = Language::ALL.into_iter().partition(is_described);
    let others = others.into_iter().filter(|language| says(&named, names(*language)));
    first.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Namespace, Tool};
    use serde_json::{Value, json};

    #[test]
    fn names_and_descriptions_say_what_an_argument_holds() {
        let task = |tool: &str, description: &str, schema: Value| {
            let parameters = json!({"type": "object", "properties": {"command": schema, "text": {}}});
            let tool = Tool { name: tool.into(), description: description.into(), parameters };
            Task {
                namespace: Namespace::new("n"),
                text: String::new(),
                context: Value::Null,
                tools: std::sync::Arc::new(vec![tool]),
                output_format: None,
            }
        };
        let all = |task: &Task, argument: &str| languages(task, &task.tools[0].name, argument);
        let run = task("run", "Runs Python.", json!({}));
        assert_eq!(all(&run, "command"), [Language::Python, Language::Shell]);
        assert_eq!(all(&run, "text"), [Language::Python]);
        let run = task("runCode", "", json!({"enum": ["on", "off"]}));
        assert_eq!(all(&run, "text"), [Language::Python, Language::JavaScript]);
        assert_eq!(all(&run, "command"), []);
        assert_eq!(all(&task("tow", "Tows a boat.", json!({})), "text"), []);
    }
}
