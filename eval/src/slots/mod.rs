//! The filler, judged where language needs it: argument by argument on tasks that people wrote,
//! with templates taught from other tasks, against the binder alone and the best-scored candidate.

mod answers;
mod report;
mod teach;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use plancache::domain::Tool;
use plancache::fill::{Choice, FillAnswer, FillQuestion, Filler};
use plancache_agents::import::{RecordedRun, read_effects, read_runs, read_tools};

use crate::demo::Phrases;
use crate::filler;
use crate::score::slots::SlotGold;
use crate::tasks::{TaskInput, read_lines, read_tasks};
use report::{Row, Said, Way};

/// The margins (nats per token) and odds (nats) that the record shows.
const MARGINS: [f32; 5] = [0.0, 0.1, 0.25, 0.5, 1.0];
const ODDS: [f32; 5] = [0.0, 1.0, 2.0, 4.0, 6.0];

/// What is evaluated, and where it is recorded.
#[derive(Clone, Debug, Parser)]
pub struct SlotOptions {
    /// The folder to write to: `<model>.md` and `<model>.jsonl`.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The data, with folders `retail` and `airline`.
    #[arg(long, value_name = "DIR", default_value = "eval/data")]
    pub data: PathBuf,
    /// The model: a GGUF file, a name of the catalogue, or URL#MODEL.
    #[arg(long, value_name = "PATH|NAME|URL#MODEL")]
    pub filler: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

/// Evaluates the filler and writes the record; returns its text.
///
/// # Errors
/// When the data cannot be read, there is no filler, or it fails.
pub async fn evaluate(options: &SlotOptions) -> Result<String, Failure> {
    let filler = filler::open_counted(options.filler.as_deref())?
        .ok_or("there is no local model; fetch it with `plancache models pull`")?;
    let bar = indicatif::ProgressBar::new_spinner();
    let mut rows = retail(&options.data.join("retail"), &*filler, &bar).await?;
    rows.extend(airline(&options.data.join("airline"), &*filler, &bar).await?);
    let said = other_words(&options.data.join("retail"), &*filler, &bar).await?;
    bar.finish_and_clear();
    let text = report::text(filler.name(), &rows, &said, &MARGINS, &ODDS);
    std::fs::create_dir_all(&options.out)?;
    std::fs::write(options.out.join(format!("{}.md", filler.name())), &text)?;
    std::fs::write(options.out.join(format!("{}.jsonl", filler.name())), report::lines(&rows, &said)?)?;
    Ok(text)
}

/// The tasks that people wrote for the shop, with templates from the 400 others.
async fn retail(data: &Path, filler: &dyn Filler, bar: &indicatif::ProgressBar) -> Result<Vec<Row>, Failure> {
    let (_, tools) = read_tools(&data.join("tools.json"))?;
    let effects = read_effects(&data.join("effects.toml"))?;
    let runs = read_runs(&data.join("tau_retail_oracle.jsonl"), &tools)?;
    let records = teach::teach(&runs, &read_tasks(&data.join("tasks_train.jsonl"))?, &effects, None).await?;
    let file = data.join("tasks_dev.jsonl");
    let mut gold = SlotGold::load(&file)?;
    let users = std::fs::read_to_string(data.join("db/users.json"))?;
    gold.add_identification(&file, &serde_json::from_str(&users)?)?;
    let wishes = answers::wishes(&records, &tools);
    let mut rows = Vec::new();
    for (number, task) in read_tasks(&file)?.iter().enumerate() {
        bar.set_message(task.task_id.clone());
        rows.extend(rows_of("retail, 20 dev tasks", number, task, &wishes, &tools, &gold, filler).await?);
    }
    Ok(rows)
}

/// The airline's tasks, each with templates from the successful runs of the others.
async fn airline(
    data: &Path,
    filler: &dyn Filler,
    bar: &indicatif::ProgressBar,
) -> Result<Vec<Row>, Failure> {
    let (_, tools) = read_tools(&data.join("tools.json"))?;
    let effects = read_effects(&data.join("effects.toml"))?;
    let runs = successes(&data.join("runs_gpt4o.jsonl"), &tools)?;
    let file = data.join("tasks.jsonl");
    let gold = SlotGold::load(&file)?;
    let tasks = read_tasks(&file)?;
    let mut rows = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        bar.set_message(task.task_id.clone());
        let records = teach::teach(&runs, &tasks, &effects, Some(&task.task_id)).await?;
        let wishes = answers::wishes(&records, &tools);
        rows.extend(rows_of("airline, 35 tasks", number, task, &wishes, &tools, &gold, filler).await?);
    }
    Ok(rows)
}

/// The recorded runs that are labelled as successes.
fn successes(file: &Path, tools: &Arc<Vec<Tool>>) -> Result<Vec<RecordedRun>, Failure> {
    #[derive(serde::Deserialize)]
    struct Label {
        success: bool,
    }
    let labels: Vec<Label> = read_lines(file)?;
    let runs = read_runs(file, tools)?.into_iter().zip(labels);
    Ok(runs.filter(|(_, label)| label.success).map(|(run, _)| run).collect())
}

async fn rows_of(
    set: &'static str,
    number: usize,
    task: &TaskInput,
    wishes: &[answers::Wish],
    tools: &Arc<Vec<Tool>>,
    gold: &SlotGold,
    filler: &dyn Filler,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    // Which arguments are scored is known beforehand, what they should be is not.
    for wish in wishes.iter().filter(|w| gold.is_scored(&task.task_id, &w.tool, &w.argument)) {
        let answers = wish.fill(&task.instruction, tools, Some(filler)).await?;
        let members = answers::members(tools, &wish.tool, &wish.argument);
        let slot = gold.slot(&task.task_id, &wish.tool, &wish.argument, &task.instruction, &members);
        if let Some(gold) = slot {
            rows.push(Row::new(set, number, task, wish, answers, gold));
        }
    }
    Ok(rows)
}

/// Members of an enumeration in other words: phrases by themselves, as the engine asks.
async fn other_words(
    data: &Path,
    filler: &dyn Filler,
    bar: &indicatif::ProgressBar,
) -> Result<Vec<Said>, Failure> {
    let mut out = Vec::new();
    for (argument, members) in Phrases::load(data)?.arguments {
        let values: Vec<String> = members.keys().cloned().collect();
        for (member, phrases) in &members {
            for (number, phrase) in phrases.iter().enumerate() {
                bar.set_message(phrase.clone());
                let meant = Choice::Meant {
                    argument: argument.clone(),
                    values: values.clone(),
                    said: format!("Because {phrase}."),
                };
                let direct = values.iter().map(|value| format!("{{\"{argument}\": \"{value}\"}}")).collect();
                let by_meaning = put(filler, &argument, phrase, meant).await?;
                let direct = put(filler, &argument, phrase, Choice::Candidates(direct)).await?;
                out.push(Said {
                    phrase: phrase.clone(),
                    meant: member.clone(),
                    tuning: number < phrases.len() / 2,
                    by_meaning: Way::of(by_meaning, &values),
                    direct: Way::of(direct, &values),
                });
            }
        }
    }
    Ok(out)
}

async fn put(
    filler: &dyn Filler,
    argument: &str,
    phrase: &str,
    choice: Choice,
) -> Result<Option<(usize, f32)>, Failure> {
    let question = FillQuestion {
        prefix_key: format!("other-words/{argument}"),
        prefix: format!(
            "You fill one argument of a tool call from what a user asks. Use only what the user says. \
             Answer with a JSON object.\nArgument: {argument}\n"
        ),
        task: format!("The user says: Because {phrase}.\n"),
        choice,
        deadline: answers::DEADLINE,
    };
    Ok(match filler.fill(question).await? {
        FillAnswer::Chosen { index, margin } => Some((index, margin)),
        _ => None,
    })
}
