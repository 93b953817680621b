//! Arguments that are programs of the shell, Python or JavaScript: learnt with their values as slots, and
//! served with others written so that they stay values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "support/runs.rs"]
mod runs;

use std::sync::Arc;

use plancache::domain::{Outcome, Tool, Trace};
use plancache::engine::Reply;
use runs::{calls_of, engine, policy, run, served, tool};
use serde_json::{Map, Value, json};

fn harbour() -> Arc<Vec<Tool>> {
    let text = json!({"type": "string"});
    Arc::new(vec![
        tool("shell", json!({"command": text})),
        tool("python", json!({"code": text})),
        tool("run_script", json!({"code": text})),
        tool("say", json!({"text": text})),
    ])
}

fn done<'a>(text: &str, calls: impl IntoIterator<Item = (&'a str, Value, Value)>) -> Trace {
    run(text, &harbour(), calls, "")
}

/// What is served of a run after these: its calls, and the last reply.
async fn asked(runs: &[Trace], wanted: &Trace) -> (Vec<(String, Map<String, Value>)>, Reply) {
    let engine = engine(policy(&["shell", "python", "run_script"])).await;
    for run in runs {
        engine.admit(run).await.unwrap();
    }
    served(&engine, wanted).await
}

async fn serves(runs: &[Trace], wanted: &Trace) {
    let (calls, last) = asked(runs, wanted).await;
    assert_eq!(calls, calls_of(wanted), "{:?}: {:?}", wanted.task.text, last.outcome);
}

async fn misses(runs: &[Trace], wanted: &Trace) {
    let (calls, last) = asked(runs, wanted).await;
    assert!(
        calls.is_empty() && !matches!(last.outcome, Outcome::Hit { .. }),
        "{calls:?}: {:?}",
        last.outcome
    );
}

fn count(word: &str, boat: &str, command: &str) -> Trace {
    let text = format!("How often does {boat} log {word:?}?");
    done(&text, [("shell", json!({"command": command}), json!({"count": 3}))])
}

/// Three runs of one plan, which show what in it is always the same.
fn counts() -> [Trace; 3] {
    [
        count("leak", "Gull", "grep -m9 -c leak /srv/log/Gull.log | tail -n 1"),
        count("fire", "Tern", "grep -m9 -c fire /srv/log/Tern.log | tail -n 1"),
        count("sunk", "Auk", "grep -m9 -c sunk /srv/log/Auk.log"),
    ]
}

#[tokio::test]
async fn a_command_is_served_with_other_values() {
    let runs =
        [&counts()[..2], &[count("mast", "Rail", "grep -m9 -c mast /srv/log/Rail.log | tail -n 1")]].concat();
    let mut wanted = count("rope", "Puffin", "grep -m9 -c rope /srv/log/Puffin.log | tail -n 1");
    serves(&runs, &wanted).await;
    // Two tasks do not show what is always the same.
    misses(&runs[..2], &wanted).await;
    // A value stays one whatever it says.
    wanted = count("lost; rm x", "Puffin", "grep -m9 -c 'lost; rm x' /srv/log/Puffin.log | tail -n 1");
    serves(&runs, &wanted).await;
    // It would be an option.
    misses(&runs, &count("-rf", "Puffin", "")).await;
}

#[tokio::test]
async fn commands_that_do_something_else_are_other_plans() {
    let wanted = count("rope", "Puffin", "grep -m9 -c rope /srv/log/Puffin.log | tail -n 1");
    misses(&counts(), &wanted).await;
}

#[tokio::test]
async fn a_command_that_failed_is_left_for_the_one_that_made_it_good() {
    let failing = |word: &str, boat: &str| {
        let text = format!("How often does {boat} log {word:?}?");
        let good = format!("grep -c {word} /srv/log/{boat}.log");
        done(
            &text,
            [
                (
                    "shell",
                    json!({"command": format!("grep -c {word} {boat}.log")}),
                    json!({"error": "no such file"}),
                ),
                ("shell", json!({"command": good}), json!({"count": 3})),
            ],
        )
    };
    let runs = [failing("leak", "Gull"), failing("fire", "Tern"), failing("sunk", "Auk")];
    serves(&runs, &count("rope", "Puffin", "grep -c rope /srv/log/Puffin.log")).await;
}

fn total(what: &str, pier: &str, least: u32) -> Trace {
    let text = format!("What is the total of {what:?} at pier {pier} from {least} metres up?");
    let code = format!(
        "import pandas as pd\nboats = pd.read_csv(\"boats.csv\")\nown = boats[(boats[\"pier\"] == \"{pier}\") & \
         (boats[\"metres\"] >= {least})]\nprint(f\"{pier}: {{own['{what}'].sum()}}\")"
    );
    done(&text, [("python", json!({"code": code}), json!({"printed": 40}))])
}

#[tokio::test]
async fn python_is_served_with_other_values() {
    let runs = [total("crew", "Mole", 12), total("fee", "North", 9), total("draught", "East", 20)];
    serves(&runs, &total("berths", "Quay", 15)).await;
    misses(&runs[..2], &total("berths", "Quay", 15)).await;
    // Nothing leaves its place.
    let (calls, _) = asked(&runs, &total("x'].sum() + own['y", "Quay", 15)).await;
    let code = calls[0].1["code"].as_str().unwrap();
    assert!(code.ends_with(r#"{own['x\'].sum() + own[\'y'].sum()}")"#), "{code}");
}

fn fetched(boat: &str, year: u32) -> Trace {
    let text = format!("Show the trips of boat {boat} in {year}.");
    let code =
        format!("const trips = await load('{boat}', {{year: {year}}}); // all\nconsole.log(trips.length);");
    done(&text, [("run_script", json!({"code": code}), json!({"printed": 4}))])
}

#[tokio::test]
async fn javascript_is_served_with_other_values() {
    let runs = [fetched("Gull", 2020), fetched("Tern", 2021), fetched("Auk", 2022)];
    let (calls, last) = asked(&runs, &fetched("O'Hara", 2024)).await;
    let code = "const trips = await load('O\\'Hara', {year: 2024}); // all\nconsole.log(trips.length);";
    assert_eq!(calls, [("run_script".to_owned(), runs::map(json!({"code": code})))], "{:?}", last.outcome);
}

#[tokio::test]
async fn words_are_no_program() {
    let said = |text: &str| {
        done(&format!("Say {text:?} to all."), [("say", json!({"text": text}), json!({"ok": true}))])
    };
    let runs = [said("tow Gull; wait"), said("f(Tern)"), said("x = 1")];
    serves(&runs, &said("echo a | cat")).await;
}
