//! Compares keyword extractors on recorded runs; prints tables in Markdown.
//!
//! *Whole tasks*: every task is a template of its own, found by the keywords of its masked text
//! (only numbers, identifiers, quotations and e-mail addresses are masked, names are not), and is
//! asked for by the words of each other task. Right is a template whose run called the same tools.
//! *Blocks*: the engine learns run by run; each template that a run confirmed should have been
//! nominated for its task before.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use plancache::domain::{RunOutcome, TemplateId, Trace};
use plancache::engine::Engine;
use plancache::matching::{CrateKeywords, Index, KeywordExtractor, Method, RecurrenceKeywords, words};
use plancache::policy::Policy;
use plancache::spans::{lex, masked};
use plancache::store::NoopStore;
use plancache_agents::import::{read_effects, read_runs, read_tools};
use serde_json::Value;

#[derive(Parser)]
#[command(version, about = "Compares keyword extractors on recorded runs")]
struct Arguments {
    /// Recorded runs, one JSON object a line.
    #[arg(long, value_name = "FILE", default_value = "eval/data/retail/tau_retail_oracle.jsonl")]
    runs: PathBuf,
    /// The tools that they call.
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// What the tools do to the world. With tools and effects, blocks are compared too.
    #[arg(long, value_name = "FILE")]
    effects: Option<PathBuf>,
}

/// Share of tasks up to which a word that is a value counts as a value of one task.
const RARE: f64 = 0.02;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "keywords-compare: {error}");
            ExitCode::from(2)
        }
    }
}

fn extractors() -> [Arc<dyn KeywordExtractor>; 4] {
    [
        Arc::new(RecurrenceKeywords),
        Arc::new(CrateKeywords(Method::Rake)),
        Arc::new(CrateKeywords(Method::TextRank)),
        Arc::new(CrateKeywords(Method::Yake)),
    ]
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let tools = match &arguments.tools {
        Some(path) => read_tools(path)?.1,
        None => Arc::default(),
    };
    let mut traces: Vec<Trace> =
        read_runs(&arguments.runs, &tools)?.into_iter().map(|run| run.trace).collect();
    // Several runs of one task would find each other.
    let mut texts = BTreeSet::new();
    traces.retain(|trace| texts.insert(trace.task.text.clone()));
    let mut out = io::stdout().lock();
    writeln!(out, "{} tasks of {}\n", traces.len(), arguments.runs.display())?;
    whole_tasks(&traces, &mut out)?;
    if let (Some(_), Some(effects)) = (&arguments.tools, &arguments.effects) {
        let effects = read_effects(effects)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(blocks(&traces, &Policy { effects, ..Policy::default() }, &mut out))?;
    }
    Ok(())
}

/// In how many distinct tasks each word occurs.
fn recurrence(traces: &[Trace]) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for trace in traces {
        for word in words(&trace.task.text) {
            *counts.entry(word).or_insert(0) += 1;
        }
    }
    counts
}

/// The words of a run's arguments that stand in few tasks.
fn values(trace: &Trace, counts: &HashMap<String, u32>, tasks: usize) -> BTreeSet<String> {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.extend(words(text)),
            Value::Number(number) => out.push(number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
            Value::Object(members) => members.values().for_each(|item| texts(item, out)),
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut found = Vec::new();
    for step in &trace.steps {
        step.call.arguments.values().for_each(|value| texts(value, &mut found));
    }
    let rare = |word: &String| counts.get(word).is_some_and(|&n| f64::from(n) <= RARE * tasks as f64);
    found.into_iter().filter(rare).collect()
}

fn whole_tasks(traces: &[Trace], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let counts = recurrence(traces);
    let tools = |trace: &Trace| -> BTreeSet<String> {
        trace.steps.iter().map(|step| step.call.tool.clone()).collect()
    };
    let asked: Vec<Vec<String>> = traces.iter().map(|trace| words(&trace.task.text)).collect();
    writeln!(
        out,
        "| whole tasks | weighted | keywords | right at 1 % | at 5 | at 10 | values % | µs a task |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for extractor in extractors() {
        for weighted in [false, true] {
            let of = |word: &str| if weighted { counts.get(word).copied().unwrap_or(0) } else { 0 };
            let texts: Vec<String> = traces.iter().map(|trace| masked(&lex(&trace.task.text))).collect();
            let start = Instant::now();
            let all: Vec<Vec<String>> = texts.iter().map(|text| extractor.keywords(text, &of)).collect();
            let micros = start.elapsed().as_secs_f64() * 1e6 / traces.len() as f64;
            for most in [4, 8, 16] {
                let mut index = Index::new();
                let (mut value_words, mut kept) = (0, 0);
                for (n, (trace, keywords)) in traces.iter().zip(&all).enumerate() {
                    let keywords = &keywords[..keywords.len().min(most)];
                    let values = values(trace, &counts, traces.len());
                    value_words += keywords.iter().filter(|word| values.contains(*word)).count();
                    kept += keywords.len();
                    index.insert(TemplateId::new(n.to_string()), keywords);
                }
                let mut right = [0_usize; 3];
                for (n, trace) in traces.iter().enumerate() {
                    let asked: Vec<&str> = asked[n].iter().map(String::as_str).collect();
                    let own = n.to_string();
                    let found = index.nominate(&asked, 0.0, 11).nominations;
                    let others: Vec<bool> = found
                        .iter()
                        .filter(|found| found.id.as_str() != own)
                        .filter_map(|found| found.id.as_str().parse::<usize>().ok())
                        .map(|other| tools(&traces[other]) == tools(trace))
                        .collect();
                    for (count, k) in right.iter_mut().zip([1, 5, 10]) {
                        *count += usize::from(others.iter().take(k).any(|same| *same));
                    }
                }
                let share = |n: usize| 100.0 * n as f64 / traces.len() as f64;
                writeln!(
                    out,
                    "| {} | {} | {most} | {:.1} | {:.1} | {:.1} | {:.1} | {micros:.0} |",
                    extractor.name(),
                    if weighted { "yes" } else { "no" },
                    share(right[0]),
                    share(right[1]),
                    share(right[2]),
                    100.0 * value_words as f64 / kept.max(1) as f64,
                )?;
            }
        }
    }
    writeln!(out)?;
    Ok(())
}

async fn blocks(traces: &[Trace], policy: &Policy, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let counts = recurrence(traces);
    let values: BTreeSet<String> =
        traces.iter().flat_map(|trace| values(trace, &counts, traces.len())).collect();
    writeln!(
        out,
        "| blocks | templates | keywords each | values % | right and complete % | at 8 | at 16 | nearest at .3 and 16 | nominated a task |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for extractor in extractors() {
        let name = extractor.name().to_owned();
        let engine = Engine::open(policy.clone(), Arc::new(NoopStore), None).await?.with_keywords(extractor);
        let (mut due, mut nominated) = (0_usize, 0_usize);
        let mut right = [0_usize; 4];
        for trace in traces {
            let mut index = Index::new();
            for record in engine.templates(None) {
                index.insert(record.template.id.clone(), &record.template.keywords);
            }
            let all = words(&trace.task.text);
            let asked: Vec<&str> = all.iter().map(String::as_str).collect();
            let complete = index.nominate(&asked, 1.0, usize::MAX).nominations;
            let partial = index.nominate(&asked, 0.3, 16).nominations;
            nominated += complete.len();
            let trace = Trace { outcome: RunOutcome::Success, ..trace.clone() };
            for merged in engine.admit(&trace).await?.merged {
                let place = complete.iter().position(|found| found.id == merged.id);
                due += 1;
                right[0] += usize::from(place.is_some());
                right[1] += usize::from(place.is_some_and(|place| place < 8));
                right[2] += usize::from(place.is_some_and(|place| place < 16));
                right[3] += usize::from(partial.iter().any(|found| found.id == merged.id));
            }
        }
        let templates = engine.templates(None);
        let keywords: Vec<&String> = templates.iter().flat_map(|record| &record.template.keywords).collect();
        let of_values = keywords.iter().filter(|word| values.contains(**word)).count();
        let share = |n: usize| 100.0 * n as f64 / due.max(1) as f64;
        writeln!(
            out,
            "| {name} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            templates.len(),
            keywords.len() as f64 / templates.len().max(1) as f64,
            100.0 * of_values as f64 / keywords.len().max(1) as f64,
            share(right[0]),
            share(right[1]),
            share(right[2]),
            share(right[3]),
            nominated as f64 / traces.len() as f64,
        )?;
    }
    writeln!(out)?;
    Ok(())
}
