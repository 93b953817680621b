//! The retail training tasks as a person might write them to a shop.
//!
//! A model was asked to say sentences with placeholders in other words (`peers/paraphrase.py`). What
//! it said is checked (`check`), and tasks are composed of what is kept, with their own values in
//! the placeholders. So a paraphrase holds every value of its task, and its words are the model's.

mod check;
mod clauses;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use plancache_agents::import::ImportError;
use serde::{Deserialize, Serialize};

use self::clauses::{Value, clauses, kinds, written};
use crate::demo::{Phrases, SetupError};
use crate::run::{is_tuning, number};
use crate::tasks::{TaskInput, read_lines, read_tasks};
use crate::variants::parse::{Instruction, parse};

pub use check::Cause;
pub use clauses::{Kind, Style};

/// What is composed.
#[derive(Debug, Args)]
pub struct ParaphraseOptions {
    /// What the model said, as `eval/peers/paraphrase.py` writes it.
    #[arg(long, value_name = "FILE")]
    said: PathBuf,
    /// So many tasks, drawn by the seed, the kinds of wishes in turn.
    #[arg(long, value_name = "N", default_value_t = 160)]
    tasks: usize,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The data folder of retail: `paraphrases.jsonl` and `paraphrases_words.jsonl` are written there.
    #[arg(long, value_name = "DIR", default_value = "eval/data/retail")]
    data: PathBuf,
}

/// Why there are no paraphrases.
#[derive(Debug, thiserror::Error)]
pub enum ParaphraseError {
    /// The tasks, or what was said.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The phrases for reasons.
    #[error(transparent)]
    Phrases(#[from] SetupError),
    /// A task that is not of the grammar.
    #[error("{task}: {why}")]
    Grammar {
        /// Which one.
        task: String,
        /// Where it is not.
        why: String,
    },
    /// A file.
    #[error("{path}: {why}")]
    File {
        /// Which one.
        path: String,
        /// The reason.
        why: String,
    },
}

/// A sentence that a model said, a line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Said {
    /// Which sentence of `paraphrase.toml` it was asked to say.
    shape: String,
    said: String,
    model: String,
    prompt: u32,
}

/// A paraphrase, a line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paraphrase {
    /// The task that it says.
    pub task_id: String,
    /// The task in other words.
    pub request: String,
    /// How the values are written.
    pub style: Style,
    /// The phrases in the place of reasons, if they are in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What the model said, with placeholders.
    pub said: Vec<String>,
    /// The model.
    pub model: String,
    /// The version of the prompt.
    pub prompt: u32,
}

/// The sentences that a model is asked for, by shape, and the words after which values may stand: of
/// `paraphrase.toml`.
#[derive(Clone, Debug, Deserialize)]
struct Prompt {
    sentences: BTreeMap<String, String>,
    roles: check::Roles,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Yield {
    /// Sentences asked for, by shape.
    sentences: BTreeMap<String, Sentences>,
    /// The same, all shapes together.
    all: Sentences,
    /// Tasks drawn.
    tasks: u64,
    /// Tasks kept, by style.
    kept: BTreeMap<String, u64>,
    /// Tasks dropped, by style and cause.
    dropped: BTreeMap<String, u64>,
    /// Tasks kept with values as literals, by the kinds of their wishes.
    kept_by_kind: BTreeMap<String, u64>,
    /// Of these, tasks of the part on which constants are chosen, and of the other.
    tuning: u64,
    /// The other part.
    reported: u64,
    /// Different sentences in these.
    wordings: u64,
}

/// Sentences of one shape.
#[derive(Clone, Debug, Default, Serialize)]
struct Sentences {
    asked: u64,
    /// Different ones that are kept.
    kept: u64,
    /// Said before.
    again: u64,
    dropped: BTreeMap<String, u64>,
}

impl Sentences {
    fn add(&mut self, new: bool, checked: Result<(), Cause>) {
        self.asked += 1;
        match checked {
            Ok(()) if new => self.kept += 1,
            Ok(()) => self.again += 1,
            Err(cause) => *self.dropped.entry(name(cause)).or_default() += 1,
        }
    }
}

/// A name as it is serialized.
fn name(of: impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A task of the data, read.
struct Asked {
    input: TaskInput,
    instruction: Instruction,
}

/// Kept sentences by shape. Those of the tasks on which constants are chosen are not those of the
/// others: which part a sentence is for depends on its words alone.
#[derive(Clone, Debug, Default)]
struct Wordings {
    by_shape: BTreeMap<(String, bool), Vec<Said>>,
}

impl Wordings {
    /// Checks what was said.
    fn of(said: Vec<Said>, prompt: &Prompt, came: &mut Yield) -> Self {
        let mut wordings = Self::default();
        let mut seen = BTreeSet::new();
        for said in said {
            let Some(asked) = prompt.sentences.get(&said.shape) else { continue };
            let checked = Kind::of_shape(&said.shape).ok_or(Cause::Form);
            let checked = checked.and_then(|kind| check::sentence(kind, asked, &said.said, &prompt.roles));
            let new = seen.insert((said.shape.clone(), said.said.to_lowercase()));
            came.all.add(new, checked);
            came.sentences.entry(said.shape.clone()).or_default().add(new, checked);
            if new && checked.is_ok() {
                let part = (said.shape.clone(), is_tuning(&said.said));
                wordings.by_shape.entry(part).or_default().push(said);
            }
        }
        wordings
    }

    /// The sentence of this shape for a task, if there is one.
    fn draw(&self, shape: &str, seed: u64, id: &str, at: usize) -> Option<&Said> {
        let all = self.by_shape.get(&(shape.to_owned(), is_tuning(id)))?;
        all.get(number(&format!("wording {at}"), seed, id) as usize % all.len())
    }
}

/// Composes paraphrases and writes them.
///
/// # Errors
/// When a file cannot be read or written.
pub fn paraphrase(options: &ParaphraseOptions) -> Result<Yield, ParaphraseError> {
    let mut came = Yield::default();
    let prompt: Prompt = {
        let path = options.data.join("paraphrase.toml");
        let text = std::fs::read_to_string(&path).map_err(|e| file_error(&path, &e))?;
        toml::from_str(&text).map_err(|e| file_error(&path, &e))?
    };
    let wordings = Wordings::of(read_lines(&options.said)?, &prompt, &mut came);
    let phrases = Phrases::load(&options.data)?.arguments.remove("reason").unwrap_or_default();
    let tasks = drawn(read(&options.data.join("tasks_train.jsonl"))?, options.seed, options.tasks);
    came.tasks = tasks.len() as u64;
    let mut lines: BTreeMap<&str, String> =
        [("paraphrases.jsonl", String::new()), ("paraphrases_words.jsonl", String::new())].into();
    let mut used = BTreeSet::new();
    for asked in &tasks {
        let all = clauses(&asked.instruction).into_iter().enumerate();
        let said: Option<Vec<&Said>> =
            all.map(|(at, c)| wordings.draw(&c.shape, options.seed, &asked.input.task_id, at)).collect();
        for (style, file) in
            [(Style::Literal, "paraphrases.jsonl"), (Style::Words, "paraphrases_words.jsonl")]
        {
            let Some(said) = &said else {
                *came.dropped.entry("no sentence of that shape".to_owned()).or_default() += 1;
                break;
            };
            match put_together(asked, said, style, &phrases, options.seed) {
                Ok(line) => {
                    *came.kept.entry(name(style)).or_default() += 1;
                    if style == Style::Literal {
                        came.note(asked);
                        used.extend(line.said.iter().cloned());
                    }
                    if let Some(lines) = lines.get_mut(file) {
                        *lines += &(serde_json::to_string(&line).unwrap_or_default() + "\n");
                    }
                }
                Err(cause) => {
                    *came.dropped.entry(format!("{}: {}", name(style), name(cause))).or_default() += 1;
                }
            }
        }
    }
    came.wordings = used.len() as u64;
    for (file, lines) in lines {
        let path = options.data.join(file);
        std::fs::write(&path, lines).map_err(|e| file_error(&path, &e))?;
    }
    Ok(came)
}

impl Yield {
    fn note(&mut self, asked: &Asked) {
        for kind in kinds(&asked.instruction) {
            *self.kept_by_kind.entry(name(kind)).or_default() += 1;
        }
        *(if is_tuning(&asked.input.task_id) { &mut self.tuning } else { &mut self.reported }) += 1;
    }
}

/// The paraphrase of these sentences with the task's values, if it says the task.
fn put_together(
    asked: &Asked,
    said: &[&Said],
    style: Style,
    phrases: &BTreeMap<String, Vec<String>>,
    seed: u64,
) -> Result<Paraphrase, Cause> {
    let id = &asked.input.task_id;
    let mut reasons = Vec::new();
    let mut sentences = Vec::new();
    for (clause, said) in clauses(&asked.instruction).iter().zip(said) {
        let mut sentence = said.said.clone();
        for (placeholder, value) in &clause.values {
            let mut reason = "";
            if let (Value::Reason(member), Style::Words) = (value, style) {
                // The half of the phrases that is for this part of the tasks.
                let of = phrases.get(member).map(Vec::as_slice).unwrap_or_default();
                let (tuning, reported) = of.split_at(of.len() / 2);
                let half = if is_tuning(id) { tuning } else { reported };
                let nth = number("reason", seed, id) as usize % half.len().max(1);
                reason = half.get(nth).map(String::as_str).unwrap_or_default();
                reasons.push(reason.to_owned());
            }
            sentence = sentence.replace(&format!("[{placeholder}]"), &written(value, style, reason));
        }
        sentences.push(ended(sentence));
    }
    let request = sentences.join(" ");
    let phrases: Vec<&str> = reasons.iter().map(String::as_str).collect();
    check::whole(&asked.instruction, &request, style, &phrases)?;
    let said_by = said.first();
    Ok(Paraphrase {
        task_id: id.clone(),
        request,
        style,
        reasons,
        said: said.iter().map(|said| said.said.clone()).collect(),
        model: said_by.map(|said| said.model.clone()).unwrap_or_default(),
        prompt: said_by.map(|said| said.prompt).unwrap_or_default(),
    })
}

/// A sentence with its end.
fn ended(sentence: String) -> String {
    if sentence.ends_with(['.', '!', '?']) { sentence } else { sentence + "." }
}

/// The tasks of a file, read.
fn read(path: &Path) -> Result<Vec<Asked>, ParaphraseError> {
    let read = |input: TaskInput| match parse(&input.instruction) {
        Ok(instruction) => Ok(Asked { input, instruction }),
        Err(why) => Err(ParaphraseError::Grammar { task: input.task_id, why }),
    };
    read_tasks(path)?.into_iter().map(read).collect()
}

/// So many tasks, drawn by a seed: the kinds of wishes in turn, so that rare ones are there.
fn drawn(mut tasks: Vec<Asked>, seed: u64, most: usize) -> Vec<Asked> {
    tasks.sort_by_key(|asked| number("paraphrase", seed, &asked.input.task_id));
    let mut drawn = Vec::new();
    let mut empty = 0;
    for kind in Kind::WISHES.into_iter().cycle() {
        if drawn.len() >= most || empty >= Kind::WISHES.len() {
            break;
        }
        match tasks.iter().position(|asked| kinds(&asked.instruction).contains(&kind)) {
            Some(at) => {
                drawn.push(tasks.remove(at));
                empty = 0;
            }
            None => empty += 1,
        }
    }
    drawn
}

fn file_error(path: &Path, error: &dyn std::error::Error) -> ParaphraseError {
    ParaphraseError::File { path: path.display().to_string(), why: error.to_string() }
}
