//! The retail tools give, byte for byte, what was recorded.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use plancache_agents::Environment;
use plancache_agents::retail::Retail;
use serde_json::Value;

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../eval/data/retail")
}

fn lines(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(data().join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_recorded_call_is_reproduced() {
    let shop = Retail::load(&data()).unwrap();
    let mut calls = 0;
    for run in lines("tau_retail_oracle.jsonl") {
        let mut shop = shop.clone();
        let mut open = None;
        for message in run["messages"].as_array().unwrap() {
            if let Some(made) = message.get("tool_calls") {
                let [call] = made.as_array().unwrap().as_slice() else { panic!("one call a message") };
                let arguments = call["arguments"].as_object().unwrap();
                open = Some(shop.call(call["name"].as_str().unwrap(), arguments));
            } else if message["role"] == "tool" {
                assert_eq!(open.take().unwrap(), message["content"].as_str().unwrap(), "{}", run["task_id"]);
                calls += 1;
            }
        }
    }
    assert_eq!(calls, 1953);
}

#[test]
fn every_gold_observation_is_reproduced() {
    let shop = Retail::load(&data()).unwrap();
    for file in ["tasks_train.jsonl", "tasks_dev.jsonl"] {
        for task in lines(file) {
            let mut shop = shop.clone();
            let observed: Vec<String> = task["gold_actions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|action| {
                    shop.call(action["name"].as_str().unwrap(), action["arguments"].as_object().unwrap())
                })
                .collect();
            assert_eq!(Value::from(observed), task["gold_replay"]["observations"], "{}", task["task_id"]);
        }
    }
}
