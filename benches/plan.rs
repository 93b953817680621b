//! How long it takes to fill a plan by the binder, and how long a whole decision takes (keywords,
//! index, rank, cover, first call), and how that grows with the number of templates.
//!
//! - *Fill*: a task of one block is cut into tokens, covered with its template's pattern, and the
//!   plan is played to its next call: the first one, which only the text decides, and the last one,
//!   whose arguments are selected from observations of a hundred records each. The law is 5 ms.
//! - *Decision*: [`Engine::next`] on a task that it has not seen, with values that no template has
//!   seen either. Templates are the same plan for other words: eight words of a large vocabulary of
//!   which few are frequent (Zipf's law, *varied*), or six words that all share and two of three
//!   hundred (*crowded*). Tasks are one or two such texts in a row. The law is 1 ms at 10^5.
//!
//! - *Admission*: learning from a run of three calls. The law is 20 ms at the median.
//!
//! `cargo bench --no-default-features --bench plan` prints the percentiles, then criterion's own
//! figures. `PLANCACHE_BENCH_LARGEST` (default 100000) sets the largest store; 10^6 takes some
//! gigabytes and minutes.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "support/random.rs"]
mod random;

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion};
use plancache::domain::{
    Call, EffectClass, Evidence, Learning, Lifecycle, Namespace, NextStep, Observation, Outcome, Part,
    PlanRequest, RunId, RunOutcome, Task, Template, TemplateId, TemplateRecord, Tool, Trace, TraceStep,
    Usage,
};
use plancache::engine::Engine;
use plancache::expr::Compiled;
use plancache::extract::extract;
use plancache::fill::{Block, Played, Rules, Wording, cover, play};
use plancache::policy::Policy;
use plancache::spans::lex;
use plancache::store::{Change, Loaded, Store, StoreError};
use random::{Random, percentile, resident_mb};
use serde_json::{Map, Value, json};

const RECORDS: usize = 100;
const TASKS: usize = 2000;
const VOCABULARY: u64 = 50_000;
const COMMON: [&str; 6] = ["please", "help", "customer", "wants", "their", "order"];

fn tools() -> Arc<Vec<Tool>> {
    let tool = |name: &str, properties: Value| Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": properties}),
    };
    let text = json!({"type": "string"});
    Arc::new(vec![
        tool("shelf", json!({"shelf": text})),
        tool("editions", json!({"work": text})),
        tool("lend", json!({"shelf": text, "books": {"type": "array", "items": text}, "until": text})),
    ])
}

fn is_read(tool: &str) -> bool {
    tool != "lend"
}

fn policy() -> Policy {
    let reads = ["shelf", "editions"].map(|tool| (tool.to_owned(), EffectClass::Read));
    Policy { effects: reads.into(), ..Policy::default() }
}

/// The words between the values of a text.
type Words = [String; 8];

/// A text with these words, asking for these titles of a shelf, one of them in another cover.
fn text(words: &Words, shelf: u64, titles: [u64; 2]) -> String {
    let [a, b, c, d, e, f, g, h] = words;
    let [one, other] = titles.map(title);
    format!(
        "{a} {b} {c} S_{shelf} {d} {e} {one} {{binding: paper}} and {other} {{binding: paper}} {f} {g} {h} 2026-05-01."
    )
}

/// A name for a number, in letters.
fn title(n: u64) -> String {
    let letter = |n: u64| char::from(b'a' + (n % 26) as u8);
    format!("T{}{}{}", letter(n), letter(n / 26), letter(n / 676))
}

fn task(text: String, tools: &Arc<Vec<Tool>>) -> Task {
    let namespace = Namespace::default();
    Task { namespace, text, context: Value::Null, tools: tools.clone(), output_format: None }
}

/// The right run of a text: the shelf is read, the editions of each title, and those are lent that
/// are as the ones on the shelf but for their binding.
fn run(text: String, shelf: u64, titles: [u64; 2], tools: &Arc<Vec<Tool>>) -> Trace {
    let looks = |binding: &str, n: u64| json!({"binding": binding, "size": if n.is_multiple_of(2) { "quarto" } else { "octavo" }});
    let on_shelf: Vec<Value> = (0..RECORDS as u64)
        .map(|n| json!({"work": format!("w-{n}"), "title": title(n), "copy": format!("c-{n}"), "looks": looks("cloth", n)}))
        .collect();
    let editions = |work: u64| -> Value {
        let all = (0..RECORDS as u64).map(|n| {
            let looks = match n {
                0 => looks("paper", work),
                n => json!({"binding": format!("b-{n}"), "size": "folio"}),
            };
            (format!("e-{work}-{n}"), json!({"looks": looks, "free": n.is_multiple_of(3)}))
        });
        json!({"work": format!("w-{work}"), "editions": Value::Object(all.collect())})
    };
    let lent: Vec<String> = titles.iter().map(|t| format!("e-{t}-0")).collect();
    let mut calls = vec![("shelf", json!({"shelf": format!("S_{shelf}")}), json!({"books": on_shelf}))];
    calls.extend(titles.map(|t| ("editions", json!({"work": format!("w-{t}")}), editions(t))));
    let arguments = json!({"shelf": format!("S_{shelf}"), "books": lent, "until": "2026-05-01"});
    calls.push(("lend", arguments, json!({"done": true})));
    let map = |value: Value| match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    };
    let step = |(tool, arguments, value): (&str, Value, Value)| TraceStep {
        call: Call { id: String::new(), tool: tool.to_owned(), arguments: map(arguments) },
        observation: Some(Observation { value, failed: false }),
    };
    Trace {
        run: RunId::new("learnt"),
        task: task(text, tools),
        steps: calls.into_iter().map(step).collect(),
        answer: None,
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    }
}

fn plain_words() -> Words {
    ["from", "the", "shelf", "lend", "out", "to", "me", "until"].map(str::to_owned)
}

/// The template of a run, and the run of another task.
fn learnt(tools: &Arc<Vec<Tool>>) -> (Template, Trace) {
    let words = plain_words();
    let first = run(text(&words, 11, [3, 8]), 11, [3, 8], tools);
    let mut found = extract(&first, &is_read, Learning::default());
    assert_eq!((found.templates.len(), found.rejected.len()), (1, 0), "{:?}", found.rejected);
    let mut template = found.templates.remove(0);
    template.version = template.content_version();
    (template, run(text(&words, 77, [61, 94]), 77, [61, 94], tools))
}

/// What is next after the first `done` calls of the run, from the text on.
fn fill(template: &Arc<Template>, programs: &Compiled, asked: &Trace, done: usize) -> Played {
    let covers = cover(std::slice::from_ref(template), &lex(&asked.task.text), Wording::Exact).covers;
    let rules =
        Rules { task: &asked.task, is_read: &is_read, programs, least_seen: 3, least_failures: 2, gaps: &[] };
    let blocks: &[Block] = &covers[0];
    play(blocks, &asked.steps[..done], &Map::new(), rules)
}

fn fills(tools: &Arc<Vec<Tool>>) {
    let (template, asked) = learnt(tools);
    let (template, programs) = (Arc::new(template), Compiled::default());
    println!("fill by the binder: microseconds from a task's text to the call");
    println!("call                  |     p50      p99    worst");
    for (done, step) in asked.steps.iter().enumerate() {
        let wanted = Played::Call { tool: step.call.tool.clone(), arguments: step.call.arguments.clone() };
        let mut times: Vec<Duration> = (0..TASKS)
            .map(|_| {
                let start = Instant::now();
                let played = black_box(fill(&template, &programs, &asked, done));
                let time = start.elapsed();
                assert_eq!(played, wanted, "the fill is not the plan's call");
                time
            })
            .collect();
        times.sort();
        let name = format!("{} after {done} calls", step.call.tool);
        let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share));
        println!("{name:<22}| {p50:>7.1} {p99:>8.1} {worst:>8.1}");
    }
    println!();
}

/// A run learnt into a store of a thousand templates: the first gives a template, the others are merged.
/// The law is 20 ms at the median.
fn admissions(tools: &Arc<Vec<Tool>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (template, _) = learnt(tools);
    let mut random = Random(7);
    let records = (0..1000).map(|n| record(&template, &words(Kind::Varied, &mut random), n)).collect();
    let given = Given(Mutex::new(Some(Loaded { records, ..Loaded::default() })));
    let engine = runtime.block_on(Engine::open(policy(), Arc::new(given), None)).unwrap();
    let mut times: Vec<Duration> = (0..200u64)
        .map(|n| {
            let [a, b] = [n % 90, (n + 31) % 90];
            let run = run(text(&plain_words(), 100 + n, [a, b]), 100 + n, [a, b], tools);
            let start = Instant::now();
            let admitted = black_box(runtime.block_on(engine.admit(&run)).unwrap());
            let time = start.elapsed();
            assert_eq!(admitted.rejected, Vec::<String>::new());
            time
        })
        .collect();
    times.sort();
    let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share));
    println!(
        "admission of a run: microseconds\n     p50      p99    worst\n{p50:>8.1} {p99:>8.1} {worst:>8.1}\n"
    );
}

/// A store that gives its records away once and keeps nothing, so that only the engine's own memory
/// counts.
#[derive(Debug)]
struct Given(Mutex<Option<Loaded>>);

#[async_trait]
impl Store for Given {
    fn name(&self) -> &str {
        "given"
    }

    async fn load(&self) -> Result<Loaded, StoreError> {
        Ok(self.0.lock().unwrap().take().unwrap_or_default())
    }

    async fn apply(&self, _: Change) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, _: &Namespace) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn postings(&self, _: &Namespace, _: &str) -> Result<Vec<TemplateId>, StoreError> {
        Ok(Vec::new())
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Varied,
    Crowded,
}

fn words(kind: Kind, random: &mut Random) -> Words {
    let mut out: Vec<String> = match kind {
        Kind::Varied => Vec::new(),
        Kind::Crowded => COMMON.iter().map(|word| (*word).to_owned()).collect(),
    };
    while out.len() < 8 {
        // Letters alone: a word with a digit in it would be a value.
        let word = match kind {
            Kind::Varied => letters(random.zipf(VOCABULARY)),
            Kind::Crowded => letters(60_000 + random.below(300)),
        };
        if !out.contains(&word) {
            out.push(word);
        }
    }
    out.try_into().unwrap()
}

fn letters(mut n: u64) -> String {
    let mut word = "w".to_owned();
    while n > 0 {
        word.push(char::from(b'a' + (n % 26) as u8));
        n /= 26;
    }
    word + "um"
}

/// The template with other words, believed.
fn record(template: &Template, own: &Words, number: usize) -> TemplateRecord {
    let mut template = template.clone();
    let plain = plain_words();
    for part in &mut template.pattern.parts {
        if let Part::Literal(word) = part
            && let Some(place) = plain.iter().position(|p| p == word)
        {
            word.clone_from(&own[place]);
        }
    }
    template.id = TemplateId::new(format!("t{number}"));
    template.keywords = own.to_vec();
    template.version = template.content_version();
    let evidence = Evidence { successes: 2, ..Evidence::default() };
    TemplateRecord {
        template: Arc::new(template),
        evidence,
        state: Lifecycle::Active,
        sequence: number as u64,
    }
}

/// What one process measured of one size.
#[derive(serde::Serialize, serde::Deserialize)]
struct Measured {
    p50: f64,
    p99: f64,
    worst: f64,
    hits: usize,
    megabytes: f64,
    seconds_to_open: f64,
}

fn measure(kind: Kind, size: usize) -> Measured {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tools = tools();
    let (template, _) = learnt(&tools);
    let mut random = Random(7);
    let all: Vec<Words> = (0..size).map(|_| words(kind, &mut random)).collect();
    let resident = resident_mb();
    let records = all.iter().enumerate().map(|(n, own)| record(&template, own, n)).collect();
    let given = Given(Mutex::new(Some(Loaded { records, ..Loaded::default() })));
    let start = Instant::now();
    let engine = runtime.block_on(Engine::open(policy(), Arc::new(given), None)).unwrap();
    let seconds_to_open = start.elapsed().as_secs_f64();
    let megabytes = resident_mb() - resident;
    let (mut times, mut hits) = (Vec::new(), 0);
    for n in 0..TASKS {
        let mut one = || {
            let own = &all[random.below(size as u64) as usize];
            text(own, random.below(900_000), [random.below(9_000), 9_000 + random.below(8_000)])
        };
        let mut said = one();
        if n % 2 == 1 {
            said = format!("{said} {}", one());
        }
        let task = Arc::new(task(said, &tools));
        let request = PlanRequest::new(RunId::new(format!("r{n}")), task, Vec::new());
        let start = Instant::now();
        let reply = black_box(runtime.block_on(engine.next(&request)));
        times.push(start.elapsed());
        let served = matches!(&reply.step, Some(NextStep::Calls(calls)) if calls[0].tool == "shelf");
        hits += usize::from(served && matches!(reply.outcome, Outcome::Hit { .. }));
    }
    times.sort();
    let [p50, p99, worst] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share));
    Measured { p50, p99, worst, hits, megabytes, seconds_to_open }
}

/// Measures stores of growing size, each in a process of its own, since memory that was freed does
/// not go back; prints a line for each.
fn grow(kind: Kind, largest: usize) {
    println!("whole decision, {kind:?}: microseconds; growth of p50 per decade; memory; seconds to open");
    println!("templates |      p50      p99    worst  growth |   hits |      MB KB each |    open");
    let (mut size, mut before) = (100, None);
    while size <= largest {
        let mut own = Command::new(std::env::current_exe().unwrap());
        let out = own.env(ONE, format!("{kind:?} {size}")).stderr(Stdio::inherit()).output().unwrap();
        let m: Measured = serde_json::from_slice(&out.stdout).unwrap();
        println!(
            "{size:>9} | {:>8.1} {:>8.1} {:>8.1} {} | {:>5.1}% | {:>7.0} {:>7.2} | {:>7.1}",
            m.p50,
            m.p99,
            m.worst,
            before.map_or("       ".to_owned(), |last: f64| format!("x{:>6.2}", m.p50 / last)),
            100.0 * m.hits as f64 / TASKS as f64,
            m.megabytes,
            m.megabytes * 1024.0 / size as f64,
            m.seconds_to_open,
        );
        before = Some(m.p50);
        size *= 10;
    }
    println!();
}

/// What a process of one size is told.
const ONE: &str = "PLANCACHE_BENCH_ONE";
/// The kinds of stores.
const KINDS: [Kind; 2] = [Kind::Varied, Kind::Crowded];

fn main() {
    if let Ok(one) = std::env::var(ONE) {
        let (kind, size) = one.split_once(' ').unwrap();
        let kind = KINDS.into_iter().find(|k| format!("{k:?}") == kind).unwrap();
        println!("{}", serde_json::to_string(&measure(kind, size.parse().unwrap())).unwrap());
        return;
    }
    let largest =
        std::env::var("PLANCACHE_BENCH_LARGEST").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let tools = tools();
    fills(&tools);
    admissions(&tools);
    for kind in KINDS {
        grow(kind, largest);
    }
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args();
    let (template, asked) = learnt(&tools);
    let (template, programs) = (Arc::new(template), Compiled::default());
    let mut group = criterion.benchmark_group("fill/calls before");
    for done in 0..asked.steps.len() {
        group.bench_with_input(BenchmarkId::from_parameter(done), &done, |bencher, done| {
            bencher.iter(|| fill(&template, &programs, &asked, *done));
        });
    }
    group.finish();
    criterion.final_summary();
}
