//! TabMWP: questions about small tables, with a calculator. Only a live planner answers them: the
//! recorded solutions are texts that call no tool. The data may not be passed on for commercial
//! use, so it is not here.

use std::collections::BTreeMap;

use plancache_agents::calculator::tools;
use plancache_agents::import::tools_from_json;
use plancache_agents::tokens::Prompt;
use serde::Deserialize;

use super::gsm8k::Desk;
use super::{Benchmark, Case, Definition, Lessons, LoadError};
use crate::score::tabmwp::Answers;
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    question: String,
    #[serde(default)]
    table_title: Option<String>,
    table: String,
    #[serde(default)]
    choices: Option<Vec<String>>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    plan_skeleton: String,
}

impl Line {
    fn text(&self) -> String {
        let mut text = self.question.clone();
        if let Some(choices) = &self.choices {
            text += &format!("\nChoices: {}", choices.join(" | "));
        }
        if let Some(unit) = &self.unit {
            text += &format!("\nUnit: {unit}");
        }
        text += "\n\nTable";
        if let Some(title) = &self.table_title {
            text += &format!(" ({title})");
        }
        text + ":\n" + &self.table
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let file = definition.elsewhere("`table`, `choices`, `unit`, `answer`")?;
    let described = tools();
    let tools =
        tools_from_json(&described).map_err(|why| LoadError::Data { name: definition.name.clone(), why })?;
    let (mut cases, mut shapes) = (Vec::new(), BTreeMap::new());
    for line in read_lines::<Line>(&file)? {
        cases.push(Case::new(&line.task_id, line.text(), &tools));
        shapes.insert(line.task_id, vec![line.plan_skeleton]);
    }
    let judge = Box::new(Answers::load(&file)?);
    let prompt = Prompt { system: definition.system.clone(), tools: described };
    let effects = definition.effects.clone();
    let worlds = Box::new(Desk);
    Ok(Benchmark {
        cases,
        runs: Vec::new(),
        prompt,
        effects,
        worlds,
        judge,
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answered, loaded_from};
    use super::super::{find, load};

    const TASK: &str = r#"{"task_id": "t-1", "question": "How many sheep are there?", "table_title": "Farm",
        "table": "Animal | Number\nSheep | 12", "choices": null, "unit": "sheep", "answer": "12"}"#;

    #[test]
    fn the_table_is_part_of_the_text_and_answers_are_judged_as_normalized() {
        let benchmark = loaded_from("tabmwp", TASK);
        let case = &benchmark.cases[0];
        let text = "How many sheep are there?\nUnit: sheep\n\nTable (Farm):\nAnimal | Number\nSheep | 12";
        assert_eq!(case.task.text, text);
        assert!(benchmark.judge(case, &answered(case, "Answer: 12 sheep.")).succeeded);
        let verdict = benchmark.judge(case, &answered(case, "Answer: 13"));
        assert_eq!(verdict.why.unwrap(), "the answer is \"13\", not \"12\"");
    }

    #[test]
    fn without_the_data_it_is_said_where_it_comes_from() {
        let error = load(find("tabmwp").unwrap()).unwrap_err().to_string();
        assert!(error.contains("--data") && error.contains("github.com/lupantech/PromptPG"), "{error}");
    }
}
