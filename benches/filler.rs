//! How long the local model takes for a question, and what a kept prefix state saves.
//!
//! Two prefixes take turns, so that none is found in place: with states kept it is restored, with
//! none kept it is read again. `cargo bench --bench filler`; needs the default model.

#![allow(clippy::print_stderr, clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use criterion::Criterion;
use plancache::fill::{Choice, FillQuestion, Filler};
use plancache::models::{Catalogue, LocalModel, LocalSettings, default_model_dir};
use serde_json::json;
use tokio::runtime::Runtime;

const TASK: &str = "My name is Ana Duarte and my zip code is 02134. I received order W1234567 last week and want \
                    the green kettle in it exchanged for a larger one with a wooden handle; leave the lamp as \
                    it is, and refund any difference to my card.";

/// Instructions of some 100 tokens for each `length`; `turn` makes two that differ from the start.
fn prefix(turn: usize, length: usize) -> String {
    let rule = "Read the message and name one value that it holds. Take the words of the message as they are, \
                without anything before or after them. Names of people, numbers of orders, products, colours \
                and sizes are all values; a greeting is none. If the message holds several, take the one that \
                the description below means, and never one that the message says to leave as it is. Answer \
                with the value only, on one line. ";
    format!("Rules, edition {turn}. {}Wanted: the product to be exchanged.", rule.repeat(length))
}

fn question(turn: usize, length: usize, choice: Choice) -> FillQuestion {
    FillQuestion {
        prefix_key: format!("{turn} {length}"),
        prefix: prefix(turn, length),
        task: TASK.to_owned(),
        choice,
        deadline: Duration::from_secs(600),
    }
}

fn main() {
    let catalogue = Catalogue::builtin().unwrap();
    let model = catalogue.find(None).unwrap();
    let Some(file) = default_model_dir().and_then(|dir| model.locate(&dir)) else {
        eprintln!("SKIPPED: the model {} is not here; run `make model`", model.name);
        return;
    };
    let runtime = Runtime::new().unwrap();
    let settings = LocalSettings::default();
    let started = Instant::now();
    let keeping = LocalModel::open(&file, settings).unwrap();
    eprintln!("{}: loaded in {:?}, {} threads", model.name, started.elapsed(), settings.threads);
    let forgetting = LocalModel::open(&file, LocalSettings { state_bytes: 0, ..settings }).unwrap();

    let two = ["green kettle", "lamp"];
    let many =
        ["green kettle", "lamp", "Ana Duarte", "02134", "W1234567", "wooden handle", "card", "larger one"];
    let among = |all: &[&str]| Choice::Candidates(all.iter().map(|c| (*c).to_owned()).collect());
    let written = Choice::Schema {
        schema: json!({
            "type": "object",
            "properties": {
                "product": { "enum": many },
                "order": { "type": "string", "pattern": "^W\\d{7}$" },
            },
            "required": ["product", "order"],
            "additionalProperties": false,
        }),
        max_tokens: 64,
    };
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(15))
        .configure_from_args();
    let mut measure = |name: &str, model: &LocalModel, length: usize, choice: &Choice, turns: usize| {
        let mut turn = 0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % turns;
                runtime.block_on(model.fill(question(turn, length, choice.clone()))).unwrap()
            });
        });
    };
    measure("2 candidates, prefix in place", &keeping, 1, &among(&two), 1);
    measure("8 candidates, prefix in place", &keeping, 1, &among(&many), 1);
    measure("schema of two members, prefix in place", &keeping, 1, &written, 1);
    for length in [1, 6] {
        let tokens = format!("prefix of about {} tokens", length * 90);
        measure(&format!("8 candidates, {tokens}, restored"), &keeping, length, &among(&many), 2);
        measure(&format!("8 candidates, {tokens}, read again"), &forgetting, length, &among(&many), 2);
    }
    criterion.final_summary();
}
