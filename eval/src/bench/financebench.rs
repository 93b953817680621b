//! FinanceBench: figures from pages of annual reports, with a calculator. Only a live planner
//! answers the questions, and only those whose answer is a number are asked: others need a judge
//! who reads. The data may not be passed on for commercial use, so it is not here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use plancache_agents::calculator::tools;
use plancache_agents::import::tools_from_json;
use plancache_agents::tokens::Prompt;
use regex::Regex;
use serde::Deserialize;

use super::gsm8k::Desk;
use super::{Benchmark, Case, Definition, Lessons, LoadError};
use crate::score::financebench::Figures;
use crate::tasks::read_lines;

#[derive(Deserialize)]
struct Line {
    task_id: String,
    company: String,
    question: String,
    answer_is_numeric: bool,
    evidence: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    text: String,
    page: u32,
    doc_name: String,
}

#[allow(clippy::unwrap_used, reason = "a constant")]
static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").unwrap());

impl Line {
    fn text(&self) -> String {
        let mut text = self.question.clone();
        for page in &self.evidence {
            // Writing to a string does not fail.
            let _ = write!(text, "\n\n{}, page {}:\n{}", page.doc_name, page.page, page.text);
        }
        text
    }

    /// The question without its company and its years.
    fn shape(&self) -> String {
        DIGITS.replace_all(&self.question.replace(&self.company, "X"), "N").into_owned()
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let file = definition.elsewhere("`company`, `answer`, `answer_is_numeric`, `evidence`")?;
    let described = tools();
    let tools =
        tools_from_json(&described).map_err(|why| LoadError::Data { name: definition.name.clone(), why })?;
    let (mut cases, mut shapes) = (Vec::new(), BTreeMap::new());
    for line in read_lines::<Line>(&file)?.into_iter().filter(|line| line.answer_is_numeric) {
        cases.push(Case::new(&line.task_id, line.text(), &tools));
        shapes.insert(line.task_id.clone(), vec![line.shape()]);
    }
    let judge = Box::new(Figures::load(&file)?);
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

    const TASKS: &str = concat!(
        r#"{"task_id": "f-1", "company": "Gull", "question": "What were Gull's FY2019 sales (in USD millions)?", "#,
        r#""answer": "$1616.00", "answer_is_numeric": true, "#,
        r#""evidence": [{"text": "Sales 1,615.9", "page": 7, "doc_name": "GULL_2019"}]}"#,
        "\n",
        r#"{"task_id": "f-2", "company": "Gull", "question": "Why?", "answer": "Fish.", "answer_is_numeric": false, "#,
        r#""evidence": []}"#,
    );

    #[test]
    fn numeric_questions_are_asked_with_their_pages() {
        let benchmark = loaded_from("financebench", TASKS);
        let [case] = benchmark.cases.as_slice() else { panic!("{:?}", benchmark.cases) };
        assert!(case.task.text.ends_with("\n\nGULL_2019, page 7:\nSales 1,615.9"));
        assert_eq!(benchmark.shapes["f-1"], ["What were X's FYN sales (in USD millions)?"]);
        assert!(benchmark.judge(case, &answered(case, "Answer: $1.616 billion")).succeeded);
        assert!(benchmark.judge(case, &answered(case, "Answer: 1700")).wrong);
    }
}
